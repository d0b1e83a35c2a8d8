"""The database stack of the sample app, with the migrations of a folder that the test has changed."""

import os
from pathlib import Path

from aws_cdk import App

from sample_app.database_stack import DatabaseStack

app = App()
DatabaseStack(app, "Database", migrate_entry=Path(os.environ["MIGRATE_ENTRY"]))
app.synth()
