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
from constructs_lib import ParametersAndSecrets, PythonFunction

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
    (folder / "charge").mkdir()
    guide = (PROJECT / "docs" / "configuration.md").read_text()
    (handler,) = (
        block
        for block in re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)
        if "def handle(" in block and "CachedValue" in block
    )
    (folder / "charge" / "app.py").write_text(handler + PAY)
    command = shlex.join([sys.executable, "app.py", other_side.url])
    return strict.deploy(app=command, cwd=Path(folder))["Payments"]


def charge(cloud: LocalCloud, name: str) -> Any:
    answer = cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps({"amount": 100}))
    return json.load(answer["Payload"])


def test_a_refused_key_is_read_once_more_and_tried_once_more(
    strict: LocalCloud, outputs: dict[str, str], other_side: OtherSide
) -> None:
    name = outputs["ChargeName"]
    for _ in range(2):  # the second from memory
        assert charge(strict, name) == {"paid": 102.0, "reads": ["first"]}
    strict.client("secretsmanager").put_secret_value(SecretId=outputs["KeyArn"], SecretString="second")
    other_side.key = "second"
    other_side.shown.clear()
    assert charge(strict, name) == {"paid": 102.0, "reads": ["first", "again"]}
    assert other_side.shown == ["first", "second"]
    assert charge(strict, name) == {"paid": 102.0, "reads": ["first", "again"]}
    other_side.key = "a third one, that nobody has put into the secret"
    other_side.shown.clear()
    assert charge(strict, name)["errorType"] == "KeyRefusedError"
    assert other_side.shown == ["second"]


def test_a_function_that_is_not_connected_is_refused(strict: LocalCloud, outputs: dict[str, str]) -> None:
    answer = charge(strict, outputs["StrangerName"])
    assert "AccessDenied" in answer["errorMessage"]
    assert "ssm:GetParameter" in answer["errorMessage"]
