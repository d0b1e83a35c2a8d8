"""The example of docs/load-balancer.md on the local cloud: what reaches the function, and what failures look like."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from constructs_lib.local import LocalCloud
from constructs_lib.local.http_calls import call
from tests.local.conftest import PROJECT

pytestmark = pytest.mark.cloud

APP = """
from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs_lib import LiveAlias, LoadBalancedFunction, PythonFunction

app = App()
stack = Stack(app, "Fares")
vpc = ec2.Vpc(stack, "Vpc", max_azs=2, nat_gateways=0)
certificate = acm.Certificate(stack, "Certificate", domain_name="fares.example.com")
quote = PythonFunction(stack, "Quote", entry="quote", handler="app.handle", reserved_concurrent_executions=5)
fares = LoadBalancedFunction(
    stack, "Fares", alias=LiveAlias(stack, "QuoteLive", function=quote).alias, vpc=vpc, certificate=certificate
)
echo = PythonFunction(stack, "Echo", entry="quote", handler="echo.handle")
LoadBalancedFunction(
    stack, "Echoes", alias=LiveAlias(stack, "EchoLive", function=echo).alias, listener=fares.listener,
    priority=10, conditions=[elbv2.ListenerCondition.path_patterns(["/echo/*"])], multi_value_headers=False,
)
CfnOutput(stack, "Name", value=fares.load_balancer.load_balancer_name)
CfnOutput(stack, "Function", value=quote.function_name)
app.synth()
"""
ECHO = """
import json

ANSWERS = {
    "text": "not what a load balancer takes",
    "without-status": {"body": "no status"},
    "status-as-text": {"statusCode": "200"},
    "large": {"statusCode": 200, "body": "x" * (1024 * 1024)},
    "own-error": {"statusCode": 503, "headers": {"retry-after": "5"}, "body": "later"},
}


def handle(event, context):
    kind = event["path"].removeprefix("/echo/")
    if kind == "raises":
        raise ValueError("a secret of the handler")
    if kind in ANSWERS:
        return ANSWERS[kind]
    answer = {"function": context.invoked_function_arn, "event": event}
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(answer)}
"""


@pytest.fixture(scope="module")
def outputs(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("fares")
    (folder / "app.py").write_text(APP)
    (folder / "node_modules").symlink_to(PROJECT / "node_modules")
    code = folder / "quote"
    code.mkdir()
    guide = (PROJECT / "docs" / "load-balancer.md").read_text()
    (handler,) = (
        block
        for block in re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)
        if "def handle(" in block
    )
    (code / "app.py").write_text(handler)
    (code / "echo.py").write_text(ECHO)
    return cloud.deploy(app=shlex.join([sys.executable, "app.py"]), cwd=Path(folder))["Fares"]


@pytest.fixture(scope="module")
def url(cloud: LocalCloud, outputs: dict[str, str]) -> str:
    return f"{cloud.endpoint}/_alb/{outputs['Name']}/"


def test_the_handler_of_the_guide_answers(url: str) -> None:
    answer = call(f"{url}?kilometres=10")
    assert (answer.status, answer.json) == (200, {"fare": 18.0})
    assert answer.headers["content-type"] == "application/json"


def test_a_rule_invokes_its_alias_with_single_values(url: str) -> None:
    answer = call(f"{url}echo/any?a=1&a=b%20c", headers={"x-trip": "7"})
    assert answer.json["function"].endswith(":live")
    event = answer.json["event"]
    assert event["queryStringParameters"] == {"a": "b%20c"}
    assert event["headers"]["x-trip"] == "7"
    assert "multiValueHeaders" not in event
    assert ":targetgroup/Fares-" in event["requestContext"]["elb"]["targetGroupArn"]


@pytest.mark.parametrize("kind", ["raises", "text", "without-status", "status-as-text", "large"])
def test_what_fails_is_a_502(url: str, kind: str) -> None:
    answer = call(f"{url}echo/{kind}")
    assert answer.status == 502
    assert b"Bad Gateway" in answer.body
    assert b"secret" not in answer.body


def test_an_error_of_the_function_itself_is_passed_on(url: str) -> None:
    answer = call(f"{url}echo/own-error")
    assert (answer.status, answer.body, answer.headers["retry-after"]) == (503, b"later", "5")


def test_a_throttled_function_is_a_502(cloud: LocalCloud, outputs: dict[str, str], url: str) -> None:
    function = {"FunctionName": outputs["Function"]}
    cloud.client("lambda").put_function_concurrency(**function, ReservedConcurrentExecutions=0)
    try:
        assert call(f"{url}?kilometres=10").status == 502
    finally:
        cloud.client("lambda").put_function_concurrency(**function, ReservedConcurrentExecutions=5)
    assert call(f"{url}?kilometres=10").status == 200


def test_a_body_above_1_mb_does_not_reach_the_function(url: str) -> None:
    assert call(f"{url}echo/any", method="POST", body=b"x" * (1024 * 1024 + 1)).status == 413
