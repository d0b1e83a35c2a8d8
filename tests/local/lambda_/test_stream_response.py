"""What an answer means for a batch: AWS's lists of what is a success and what is a failure.

Held to https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html.
"""

from pathlib import Path
from typing import Any

import pytest

from constructs_lib.local import LocalCloud
from tests.local import stream_stacks
from tests.local.async_stacks import get, to

pytestmark = pytest.mark.cloud

ANSWERS = """
import base64, json

def handler(event, context):
    text = json.loads(base64.b64decode(event["Records"][0]["kinesis"]["data"]))["answer"]
    for place, record in enumerate(event["Records"]):
        text = text.replace(f"number {{place}}", record["kinesis"]["sequenceNumber"])
    return json.loads(text)
"""


def failures(*identifiers: str) -> str:
    listed = ", ".join(f'{{"itemIdentifier": {each}}}' for each in identifiers)
    return f'{{"batchItemFailures": [{listed}]}}'


LOST: list[tuple[str, int]] = [
    ("null", 0),
    ('""', 0),
    ("{}", 0),
    ('{"batchItemFailures": null}', 0),
    ('{"batchItemFailures": []}', 0),
    (failures('"number 2"'), 1),
    (failures('"number 2"', '"number 1"'), 2),
    (failures('"number 0"'), 3),
    (failures('""'), 3),
    (failures("null"), 3),
    (failures('"number 2"', '"unknown"'), 3),
    ('{"batchItemFailures": [{"identifier": "number 2"}]}', 3),
    ('{"batchItemFailures": ["number 2"]}', 3),
    ('{"batchItemFailures": "number 2"}', 3),
    ('"no object"', 3),
    ("[]", 3),
]
"""An answer to three records, and how many of them have failed."""


def test_how_much_of_a_batch_an_answer_fails(cloud: LocalCloud, tmp_path: Path) -> None:
    records: list[dict[str, Any]] = [{"answer": answer} for answer, _ in LOST for _ in range(3)]
    ids = stream_stacks.consume(
        cloud,
        "answers",
        tmp_path / "log",
        records,
        code=ANSWERS,
        BatchSize=3,
        MaximumRetryAttempts=0,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        DestinationConfig=to(failure=get("Bad")),
    )
    numbers = stream_stacks.sequence_numbers(cloud, ids["Stream"])
    lost = [0] * len(LOST)
    for record in stream_stacks.discarded(cloud, ids):
        # What has returned has no error of its own.
        assert record["responseContext"] == {"statusCode": 200, "executedVersion": "1"}
        info = record["KinesisBatchInfo"]
        batch, place = divmod(numbers.index(info["startSequenceNumber"]), 3)
        lost[batch] = info["batchSize"]
        assert place + info["batchSize"] == 3
    assert [(answer, count) for (answer, _), count in zip(LOST, lost, strict=True)] == LOST
