"""The handler of docs/configuration.md, under enforced IAM, against another side that refuses an old key.

Holds `ssm/parameter_names.py`.
"""

import json
import re
import shlex
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.local import LocalCloud
from tests.local.conftest import PROJECT

pytestmark = pytest.mark.cloud

APP = """
import sys
from aws_cdk import App, CfnOutput, SecretValue, Stack
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from constructs_lib import FeatureFlags, LiveAlias, ParametersAndSecrets, PythonFunction

app = App()
stack = Stack(app, "Payments")
key = secretsmanager.Secret(stack, "PaymentKey", secret_string_value=SecretValue.unsafe_plain_text("first"))
fees = ssm.StringParameter(stack, "Fees", string_value='{"card": 0.02}')

def function(name, **more):
    made = PythonFunction(stack, name, entry="charge", handler="app.handle", include_runtime=True, **more)
    CfnOutput(stack, f"{name}Name", value=made.function_name)
    return made

settings = ParametersAndSecrets(stack, "Settings", secrets={"PAYMENT_KEY": key}, parameters={"FEES": fees})
settings.connect(function("Charge", environment={"OTHER_SIDE": sys.argv[1]}))
function("Stranger", environment={
    "OTHER_SIDE": sys.argv[1], "PAYMENT_KEY": key.secret_arn, "FEES": fees.parameter_arn
})
express = PythonFunction(stack, "Express", entry="express", handler="app.handle", include_runtime=True)
CfnOutput(stack, "ExpressName", value=express.function_name)
flags = FeatureFlags(
    stack,
    "Flags",
    flags={"express": False},
    rollback_alarms=[LiveAlias(stack, "Live", function=express).errors_alarm],
    deployment_strategy="AppConfig.AllAtOnce",
)
flags.connect(express)
CfnOutput(stack, "Application", value=flags.application.ref)
CfnOutput(stack, "Environment", value=flags.environment.ref)
CfnOutput(stack, "Profile", value=flags.profile.ref)
CfnOutput(stack, "KeyArn", value=key.secret_arn)
app.synth()
"""
PAY = """

import os
import urllib.error
import urllib.request

from constructs_lib.runtime import cached_value

reads = []

class KeyRefusedError(Exception):
    pass

def pay(key, amount):
    if not reads:  # from here on, each read is counted
        cached_value._client("secretsmanager").meta.events.register(
            "before-call.secrets-manager.GetSecretValue", lambda **call: reads.append("again")
        )
        reads.append("first")
    request = urllib.request.Request(os.environ["OTHER_SIDE"], headers={"Authorization": key})
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request)
    except urllib.error.HTTPError:
        raise KeyRefusedError
    return {"paid": amount, "reads": reads}
"""


LATER = """

import time

now, ahead, at_once = time.time, [0], handle
time.time = lambda: now() + ahead[0]

def handle(event, context):
    ahead[0] += event.get("seconds", 0)
    return at_once(event, context)
"""


class OtherSide:
    """A server that takes one key, and remembers which ones it was shown."""

    def __init__(self) -> None:
        self.key = "first"
        self.shown: list[str] = []
        side = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                side.shown.append(self.headers["Authorization"])
                self.send_response(200 if self.headers["Authorization"] == side.key else 401)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"


@pytest.fixture(scope="module")
def other_side() -> Iterator[OtherSide]:
    side = OtherSide()
    thread = threading.Thread(target=side.server.serve_forever)
    thread.start()
    yield side
    side.server.shutdown()
    thread.join()
    side.server.server_close()


@pytest.fixture(scope="module")
def outputs(
    strict: LocalCloud, other_side: OtherSide, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("payments")
    (folder / "app.py").write_text(APP)
    (folder / "node_modules").symlink_to(PROJECT / "node_modules")
    guide = (PROJECT / "docs" / "configuration.md").read_text()
    for name, word, rest in (("charge", "pay(", PAY), ("express", "feature_flags(", LATER)):
        (handler,) = (
            block
            for block in re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)
            if "def handle(" in block and word in block
        )
        (folder / name).mkdir()
        (folder / name / "app.py").write_text(handler + rest)
    command = shlex.join([sys.executable, "app.py", other_side.url])
    return strict.deploy(app=command, cwd=Path(folder))["Payments"]


def call(cloud: LocalCloud, name: str, **event: int) -> Any:
    answer = cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return json.load(answer["Payload"])


def test_a_refused_key_is_read_once_more_and_tried_once_more(
    strict: LocalCloud, outputs: dict[str, str], other_side: OtherSide
) -> None:
    name = outputs["ChargeName"]
    for _ in range(2):  # the second from memory
        assert call(strict, name, amount=100) == {"paid": 102.0, "reads": ["first"]}
    strict.client("secretsmanager").put_secret_value(SecretId=outputs["KeyArn"], SecretString="second")
    other_side.key = "second"
    other_side.shown.clear()
    assert call(strict, name, amount=100) == {"paid": 102.0, "reads": ["first", "again"]}
    assert other_side.shown == ["first", "second"]
    assert call(strict, name, amount=100) == {"paid": 102.0, "reads": ["first", "again"]}
    other_side.key = "a third one, that nobody has put into the secret"
    other_side.shown.clear()
    assert call(strict, name, amount=100)["errorType"] == "KeyRefusedError"
    assert other_side.shown == ["second"]


def test_a_function_that_is_not_connected_is_refused(strict: LocalCloud, outputs: dict[str, str]) -> None:
    answer = call(strict, outputs["StrangerName"], amount=100)
    assert "AccessDenied" in answer["errorMessage"]
    assert "ssm:GetParameter" in answer["errorMessage"]


def test_a_flag_is_read_from_memory_and_again_at_its_age(strict: LocalCloud, outputs: dict[str, str]) -> None:
    name, place = outputs["ExpressName"], {"ApplicationId": outputs["Application"]}
    assert call(strict, name) == {"fee": 0}
    profile = {"ConfigurationProfileId": outputs["Profile"]}
    appconfig = strict.client("appconfig")
    on = {"version": "1", "flags": {"express": {"name": "express"}}, "values": {"express": {"enabled": True}}}
    version = appconfig.create_hosted_configuration_version(
        **place, **profile, Content=json.dumps(on).encode(), ContentType="application/json"
    )["VersionNumber"]
    appconfig.start_deployment(
        **place,
        **profile,
        EnvironmentId=outputs["Environment"],
        ConfigurationVersion=str(version),
        DeploymentStrategyId="AppConfig.AllAtOnce",
    )
    assert call(strict, name) == {"fee": 0}
    assert call(strict, name, seconds=61) == {"fee": 5}
    assert call(strict, name, seconds=61) == {"fee": 5}  # a poll that gets nothing: it has not changed
