"""The handler of docs/idempotency.md with Powertools, on an idempotency table, under enforced IAM."""

import json
import re
import shlex
import shutil
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.local import LocalCloud
from tests.gallery.plain_function import SAMPLE_FUNCTIONS
from tests.local.conftest import PROJECT

pytestmark = pytest.mark.cloud

APP = """
import sys
from aws_cdk import App, CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_sqs as sqs
from constructs_lib import IdempotencyTable, PythonFunction

app = App()
stack = Stack(app, "Orders")
parcels = sqs.Queue(stack, "Parcels")
ship = PythonFunction(
    stack, "Ship", entry="ship", handler="app.handle", environment={"PARCELS": parcels.queue_url}
)
parcels.grant_send_messages(ship)
IdempotencyTable(stack, "ShippedOrders", removal_policy=RemovalPolicy.DESTROY).connect(ship)
CfnOutput(stack, "ShipName", value=ship.function_name)
CfnOutput(stack, "ParcelsUrl", value=parcels.queue_url)
app.synth()
"""
SEND = """
import boto3

def send(order_id):
    if order_id == "bad":
        raise RuntimeError("no such address")
    answer = boto3.client("sqs").send_message(QueueUrl=os.environ["PARCELS"], MessageBody=order_id)
    return answer["MessageId"]
"""


@pytest.fixture(scope="module")
def outputs(strict: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("orders")
    (folder / "app.py").write_text(APP)
    (folder / "node_modules").symlink_to(PROJECT / "node_modules")
    ship = folder / "ship"
    ship.mkdir()
    for name in ("pyproject.toml", "uv.lock"):  # with Powertools in it
        shutil.copy(SAMPLE_FUNCTIONS / "notify_rider" / name, ship)
    guide = (PROJECT / "docs" / "idempotency.md").read_text()
    (handler,) = (
        block
        for block in re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)
        if "def handle(" in block
    )
    (ship / "app.py").write_text(handler + textwrap.dedent(SEND))
    return strict.deploy(app=shlex.join([sys.executable, "app.py"]), cwd=Path(folder))["Orders"]


def ship(cloud: LocalCloud, outputs: dict[str, str], order: dict[str, Any]) -> tuple[Any, bool]:
    answer = cloud.client("lambda").invoke(FunctionName=outputs["ShipName"], Payload=json.dumps(order))
    return json.load(answer["Payload"]), "FunctionError" in answer


def sent(cloud: LocalCloud, outputs: dict[str, str]) -> int:
    names = ["ApproximateNumberOfMessages"]
    found = cloud.client("sqs").get_queue_attributes(QueueUrl=outputs["ParcelsUrl"], AttributeNames=names)
    return int(found["Attributes"][names[0]])


def test_an_event_that_comes_twice_has_its_effect_once(strict: LocalCloud, outputs: dict[str, str]) -> None:
    first = ship(strict, outputs, {"order_id": "1"})
    assert first[1] is False
    assert ship(strict, outputs, {"order_id": "1"}) == first
    assert sent(strict, outputs) == 1
    other = ship(strict, outputs, {"order_id": "2"})
    assert other != first
    assert sent(strict, outputs) == 2


def test_what_failed_is_tried_again(strict: LocalCloud, outputs: dict[str, str]) -> None:
    for _ in range(2):
        answer, failed = ship(strict, outputs, {"order_id": "bad"})
        assert failed
        assert answer["errorMessage"] == "no such address"


def test_an_event_without_a_key_is_an_error(strict: LocalCloud, outputs: dict[str, str]) -> None:
    answer, failed = ship(strict, outputs, {"order": "1"})
    assert failed
    assert answer["errorType"] == "IdempotencyKeyError"
