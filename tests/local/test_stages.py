"""The app as it is: stages, environments of their own, a custom qualifier; and everything of it can be reached.

Holds `apigateway/owners.py`.
"""

import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.local import LocalCloud
from constructs_lib.local.http_calls import Caller, call

from .conftest import PROJECT
from .staged_app import PLACES

pytestmark = pytest.mark.cloud

TOOLS = ("000000000000", "us-east-1")
STACKS = {"Tools": TOOLS} | {
    key: place
    for stage, place in PLACES.items()
    for key in (f"{stage}/Orders", f"{stage}-More")  # by its path what has a name that another one has too
}
APP = shlex.join([sys.executable, "-m", "tests.local.staged_app"])


@pytest.fixture(scope="module", params=[False, True], ids=["open", "iam enforced"])
def cloud(request: pytest.FixtureRequest, state: Path) -> Iterator[LocalCloud]:
    """A cloud of its own: what was bootstrapped is counted."""
    with LocalCloud(state=state, enforce_iam=request.param) as running:
        yield running


@pytest.fixture(scope="module")
def outputs(cloud: LocalCloud) -> dict[str, dict[str, str]]:
    return cloud.deploy(app=APP, cwd=PROJECT)


enforced = pytest.mark.parametrize("cloud", [True], ids=["iam enforced"], indirect=True)
"""Of what costs another deployment: it differs in what the CLI does, which needs permissions there."""


def client(cloud: LocalCloud, service: str, key: str) -> Any:
    account, region = STACKS[key]
    return cloud.client(service, account=account, region=region)


def test_every_stack_is_deployed_to_its_environment(
    cloud: LocalCloud, outputs: dict[str, dict[str, str]]
) -> None:
    assert outputs.keys() == STACKS.keys()
    for key, (account, region) in STACKS.items():
        payload = client(cloud, "lambda", key).invoke(FunctionName=outputs[key]["FunctionName"])["Payload"]
        answer = json.load(payload)
        assert json.loads(answer["body"]) == {"account": account, "region": region}


@enforced
def test_an_environment_is_bootstrapped_once_for_each_qualifier(
    cloud: LocalCloud, outputs: dict[str, dict[str, str]]
) -> None:
    def toolkits() -> dict[tuple[str, str], list[Any]]:
        return {
            place: [
                (stack["StackName"], stack.get("LastUpdatedTime", stack["CreationTime"]))
                for stack in cloud.client(
                    "cloudformation", account=place[0], region=place[1]
                ).describe_stacks()["Stacks"]
                if stack["StackName"].startswith("CDKToolkit")
            ]
            for place in (TOOLS, *PLACES.values())
        }

    before = toolkits()
    names = {place: [name for name, _ in found] for place, found in before.items()}
    assert names == {TOOLS: ["CDKToolkit"]} | {place: ["CDKToolkit-acme"] for place in PLACES.values()}
    assert cloud.deploy(app=APP, cwd=PROJECT) == outputs
    assert toolkits() == before


def test_a_message_is_handled_in_its_own_environment(
    cloud: LocalCloud, outputs: dict[str, dict[str, str]]
) -> None:
    for key in STACKS:
        client(cloud, "sqs", key).send_message(QueueUrl=outputs[key]["QueueUrl"], MessageBody=key)
    cloud.wait_until_idle()
    stored = {
        key: client(cloud, "dynamodb", key).scan(TableName=outputs[key]["TableName"])["Items"]
        for key in STACKS
    }
    assert stored == {key: [{"id": {"S": key}}] for key in STACKS}


def test_an_api_answers_in_whichever_environment_it_is(
    cloud: LocalCloud, outputs: dict[str, dict[str, str]]
) -> None:
    for key, (account, region) in STACKS.items():
        answer = call(cloud.api_url(outputs[key]["ApiUrl"]))
        assert (answer.status, answer.json) == (200, {"account": account, "region": region})


def test_a_caller_may_call_an_iam_route_of_the_callers_own_account(
    cloud: LocalCloud, outputs: dict[str, dict[str, str]]
) -> None:
    account, region = PLACES["Prod"]
    url = f"{cloud.api_url(outputs['Prod/Orders']['ApiUrl'])}signed"
    caller = Caller(cloud, "clerk", account=account, region=region)
    caller.allow_only("execute-api:Invoke", on=f"arn:aws:execute-api:{region}:{account}:*")
    assert caller.call(url).json == {"account": account, "region": region}
    assert call(url).status == 403


def test_what_is_not_an_account_is_refused(cloud: LocalCloud) -> None:
    with pytest.raises(ValueError, match="account must have 12 digits, got '1111'"):
        cloud.client("sqs", account="1111")


@enforced
def test_an_app_in_one_account_may_use_the_credentials_of_the_cli(cloud: LocalCloud) -> None:
    code = """
from aws_cdk import App, CfnOutput, CliCredentialsStackSynthesizer, Environment, Stack, aws_sqs

app = App()
place = Environment(account="333333333333", region="eu-west-1")
stack = Stack(app, "Plain", env=place, synthesizer=CliCredentialsStackSynthesizer(qualifier="own"))
CfnOutput(stack, "QueueUrl", value=aws_sqs.Queue(stack, "Queue").queue_url)
app.synth()
"""
    outputs = cloud.deploy(app=shlex.join([sys.executable, "-c", code]), cwd=PROJECT)
    assert "/333333333333/" in outputs["Plain"]["QueueUrl"]
