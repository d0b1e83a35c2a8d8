"""What an app looks up is looked up in the local cloud, and is not taken for a fact about the project's accounts."""

import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from constructs_lib.local import LocalCloud

from .conftest import PROJECT

pytestmark = pytest.mark.cloud

APP = shlex.join([sys.executable, str(Path(__file__).with_name("lookup_app.py"))])
KNOWN = {"availability-zones:account=999999999999:region=eu-west-1": ["eu-west-1a"]}


@pytest.fixture(params=[False, True], ids=["open", "iam enforced"])
def cloud(request: pytest.FixtureRequest, state: Path) -> Iterator[LocalCloud]:
    """A cloud of its own: where IAM is enforced, a lookup needs what the bootstrap makes."""
    with LocalCloud(state=state, enforce_iam=request.param) as running:
        yield running


def test_a_lookup_finds_what_is_here_and_leaves_the_project_as_it_is(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    project = tmp_path / "a project"
    project.mkdir()
    (project / "node_modules").symlink_to(PROJECT / "node_modules")
    (project / "cdk.json").write_text(json.dumps({"app": "false", "context": {"greeting": "hello"}}))
    (project / "cdk.context.json").write_text(json.dumps(KNOWN))
    [outputs] = cloud.deploy(app=APP, cwd=project).values()
    [vpc] = cloud.client("ec2", account="111111111111", region="eu-central-1").describe_vpcs()["Vpcs"]
    assert outputs == {
        "VpcId": vpc["VpcId"],
        "Zones": "eu-central-1a,eu-central-1b,eu-central-1c",
        "Greeting": "hello",
        "Folder": str(project),
    }
    assert json.loads((project / "cdk.context.json").read_text()) == KNOWN
    assert {path.name for path in project.iterdir()} == {"node_modules", "cdk.json", "cdk.context.json"}
    assert cloud.deploy(app=APP, cwd=project)["Network"] == outputs
