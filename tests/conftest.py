import os
from pathlib import Path

import pytest
from aws_cdk import App, Stack

# CDK's own validator costs seconds at the first synth of a process. Node reads this variable when it starts, once for
# all tests of a process: a test that needs the validator adds CloudFormationValidatePlugin to its app.
os.environ.setdefault("CDK_VALIDATION", "false")


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(outdir=str(tmp_path / "cdk.out"), analytics_reporting=False)


@pytest.fixture
def stack(app: App) -> Stack:
    return Stack(app, "Stack")
