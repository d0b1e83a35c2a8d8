"""What a consumer of a stream gave up is sent again, from a queue and from a bucket, under enforced IAM.

Holds `iam/table_streams.py`.
"""

import json
import shlex
import sys
from typing import Any

import pytest

from constructs_lib.local import LocalCloud
from tests.local.conftest import PROJECT

pytestmark = pytest.mark.cloud

GOOD = [f"good-{n}" for n in range(20)]
BAD = [f"bad-{n}" for n in range(3)]
NAMES = [*GOOD[:10], *BAD, *GOOD[10:]]


@pytest.fixture(scope="module")
def outputs(strict: LocalCloud) -> dict[str, str]:
    """The app, after each record was read and those with bad names were given up."""
    app = shlex.join([sys.executable, "-m", "tests.local.streams_app"])
    found = strict.deploy(app=app, cwd=PROJECT)["Streams"]
    kinesis, dynamodb = strict.client("kinesis"), strict.client("dynamodb")
    for name in NAMES:
        kinesis.put_record(StreamName=found["StreamName"], Data=name.encode(), PartitionKey=name)
        dynamodb.put_item(TableName=found["TableName"], Item={"id": {"S": name}})
    strict.wait_until_idle()
    return found


def seen(cloud: LocalCloud, table: str) -> dict[str, int]:
    return {
        item["name"]["S"]: int(item["times"]["N"])
        for item in cloud.client("dynamodb").scan(TableName=table)["Items"]
    }


def redrive(cloud: LocalCloud, function: str, event: dict[str, Any] | None = None) -> Any:
    answer = cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event or {}))
    payload = json.load(answer["Payload"])
    assert "FunctionError" not in answer, payload
    return payload


def waiting(cloud: LocalCloud, place: str) -> int:
    if place.startswith("http"):
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = cloud.client("sqs").get_queue_attributes(QueueUrl=place, AttributeNames=names)[
            "Attributes"
        ]
        return sum(int(attributes[name]) for name in names)
    return len(cloud.client("s3").list_objects_v2(Bucket=place).get("Contents", []))


@pytest.mark.parametrize("consumer", ["StreamToQueue", "StreamToBucket", "TableToQueue", "TableToBucket"])
def test_what_was_given_up_is_sent_again_once(
    strict: LocalCloud, outputs: dict[str, str], consumer: str
) -> None:
    function, table, redriving, failures = (
        outputs[f"{consumer}{name}Name"] for name in ("Function", "Seen", "Redrive", "Failures")
    )
    assert seen(strict, table) == dict.fromkeys(GOOD, 1)
    assert waiting(strict, failures) == len(BAD)
    # Nothing was fixed: all of it is kept.
    assert redrive(strict, redriving) == {"redriven": 0, "kept": {"failed again": len(BAD)}}
    assert waiting(strict, failures) == len(BAD)

    client = strict.client("lambda")
    environment = client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    client.update_function_configuration(
        FunctionName=function, Environment={"Variables": environment | {"FIXED": "yes"}}
    )
    assert redrive(strict, redriving, {"max_records": 1})["redriven"] == 1
    assert redrive(strict, redriving) == {"redriven": len(BAD) - 1, "kept": {}}
    assert seen(strict, table) == dict.fromkeys(NAMES, 1)
    assert waiting(strict, failures) == 0
