"""The sample app and an uninvited function beside it: what the demo deploys under enforced IAM."""

from aws_cdk import App

from sample_app.api_stack import ApiStack
from sample_app.database_stack import DatabaseStack
from sample_app.demo.uninvited_stack import UninvitedStack
from sample_app.receipts_stack import ReceiptsStack
from sample_app.trips_stack import TripsStack

app = App()
database = DatabaseStack(app, "Database").database
trips = TripsStack(app, "Trips", database=database)
ApiStack(app, "Api", database=database, consumer=trips.consumer)
ReceiptsStack(app, "Receipts")
UninvitedStack(app, "Uninvited", database=database)
app.synth()
