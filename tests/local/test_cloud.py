"""What a user of the cloud sees: errors that say what to do, an environment without their credentials, the docs."""

import shlex
import sys
from pathlib import Path

import pytest

from constructs_lib.local import LocalCloud, LocalCloudError
from constructs_lib.local.evidence import EVIDENCE

from . import stacks
from .conftest import PROJECT


@pytest.mark.cloud
def test_without_the_cdk_cli_the_error_names_what_to_install(cloud: LocalCloud) -> None:
    # The folder of a test may be below the project, where the CLI is found.
    with pytest.raises(LocalCloudError, match="npm install aws-cdk@"):
        cloud.deploy(app="true", cwd=Path(PROJECT.anchor))


@pytest.mark.cloud
@pytest.mark.parametrize("named", [None, "no-such-folder/node"])
def test_without_node_the_error_names_it(
    cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str | None
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JSII_NODE", raising=False)
    if named:
        monkeypatch.setenv("JSII_NODE", named)
    with pytest.raises(LocalCloudError, match="JSII_NODE"):
        cloud.deploy(app="true", cwd=PROJECT)


@pytest.mark.cloud
def test_an_app_that_raises_is_quoted(cloud: LocalCloud) -> None:
    app = shlex.join([sys.executable, "-c", "raise ValueError('no such table: trips')"])
    with pytest.raises(LocalCloudError) as caught:
        cloud.deploy(app=app, cwd=PROJECT)
    message = str(caught.value)
    assert message.startswith("cdk synth failed. Its last lines:\n")
    assert "Traceback" in message
    assert "ValueError: no such table: trips" in message


@pytest.mark.cloud
def test_a_fault_of_a_service_that_is_not_there_is_refused(cloud: LocalCloud) -> None:
    with pytest.raises(LocalCloudError, match="no service dynamo"):
        cloud.inject_fault(service="dynamo", operation="PutItem", containing="", error_code="Any", times=1)


@pytest.mark.cloud
def test_your_own_aws_configuration_never_reaches_it(
    cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "config"
    broken.write_text("this is no configuration")
    mine = {
        "AWS_PROFILE": "production",
        "AWS_ACCESS_KEY_ID": "mine",
        "AWS_SECRET_ACCESS_KEY": "mine",
        "AWS_SESSION_TOKEN": "mine",
        "AWS_CONFIG_FILE": str(broken),
        "AWS_SHARED_CREDENTIALS_FILE": str(broken),
        "AWS_ENDPOINT_URL_SQS": "http://mine.invalid",
        "AWS_REGION": "eu-central-1",
    }
    for name, value in mine.items():
        monkeypatch.setenv(name, value)
    proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY"), "http://127.0.0.1:9")
    for name, value in proxies.items():
        monkeypatch.setenv(name, value)
    environment = cloud.environment
    for name, value in mine.items():
        assert environment.get(name) != value, name
    assert environment["AWS_ENDPOINT_URL"] == cloud.endpoint
    assert Path(environment["HOME"]).is_relative_to(cloud.run_folder)
    assert "127.0.0.1" in environment["NO_PROXY"].split(",")
    # Neither the profile nor the proxy is in the way of a client here.
    cloud.client("sqs").list_queues()
    assert cloud.client("sqs").meta.region_name == "us-east-1"
    cloud.faults()


@pytest.mark.cloud
def test_functions_see_nothing_of_your_environment(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "mine")
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("SERVICES", "s3")  # what other emulators, and this one, read
    monkeypatch.setenv("PERSIST_STATE", "1")
    code = "import os\n\ndef handler(event, context):\n    return dict(os.environ)\n"
    with LocalCloud(state=state) as cloud:
        name = stacks.put(cloud, "environment", {"Function": stacks.function(code)})["Function"]
        seen = cloud.client("lambda").invoke(FunctionName=name)["Payload"].read().decode()
    assert cloud.run_folder.name in seen
    for name in ("DATABASE_PASSWORD", "AWS_PROFILE", "SERVICES", "PERSIST_STATE"):
        assert f'"{name}"' not in seen


def test_a_client_is_made_once(cloud: LocalCloud) -> None:
    """Each one keeps megabytes of what boto3 knows of its service: a test that asks in a loop would fill the memory."""
    sqs = cloud.client("sqs")
    assert cloud.client("sqs") is sqs
    others = [
        cloud.client("sns"),
        cloud.client("sqs", account="111111111111"),
        cloud.client("sqs", region="eu-west-1"),
        cloud.client("sqs", retries={"total_max_attempts": 1}),
    ]
    assert len({id(each) for each in (sqs, *others)}) == 5
    assert cloud.client("sqs", retries={"total_max_attempts": 1}) is others[-1]


@pytest.mark.parametrize("scale", [0, 0.5, -1])
def test_time_never_runs_slower_than_on_aws(tmp_path: Path, scale: float) -> None:
    with pytest.raises(ValueError, match="time_scale must be at least 1"):
        LocalCloud(state=tmp_path, time_scale=scale)


def test_the_documentation_lists_who_vouches_for_what() -> None:
    text = (PROJECT / "docs" / "local-cloud.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| What")]
    assert rows == [f"| {row.behaviour} | {row.voucher.value} |" for row in EVIDENCE]
