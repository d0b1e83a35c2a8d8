"""A failed message is visible again sooner than on AWS, and never while its batch is in work."""

from itertools import pairwise
from pathlib import Path

import pytest

from constructs_lib.local import LocalCloud
from tests.local import stacks
from tests.local.conftest import TIME_SCALE

pytestmark = pytest.mark.cloud

VISIBILITY = 120
TRIES = 3
WORK = 1.5  # longer than the shortened timeout: were it shortened too early, a second delivery would overlap
ALWAYS_FAILS = f"""
import time

def handler(event, context):
    for record in event["Records"]:
        began = time.time()
        time.sleep({WORK})
        with open(record["body"], "a") as log:
            log.write(f"{{began}} {{time.time()}}\\n")
    return {{"batchItemFailures": [{{"itemIdentifier": r["messageId"]}} for r in event["Records"]]}}
"""


def test_a_failed_message_is_retried_sooner_and_never_while_in_work(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    ids = stacks.put(
        cloud,
        "retries",
        {
            "Dead": {"Type": "AWS::SQS::Queue"},
            "Queue": {
                "Type": "AWS::SQS::Queue",
                "Properties": {
                    "VisibilityTimeout": VISIBILITY,
                    "RedrivePolicy": {
                        "deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]},
                        "maxReceiveCount": TRIES,
                    },
                },
            },
            "Function": stacks.function(ALWAYS_FAILS),
            "Mapping": {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {
                    "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                    "FunctionName": {"Ref": "Function"},
                    "FunctionResponseTypes": ["ReportBatchItemFailures"],
                },
            },
        },
    )
    sqs = cloud.client("sqs")
    log = tmp_path / "deliveries"
    sqs.send_message(QueueUrl=ids["Queue"], MessageBody=str(log))
    cloud.wait_until_idle()
    read = sqs.get_queue_attributes(QueueUrl=ids["Queue"], AttributeNames=["VisibilityTimeout"])
    assert read["Attributes"] == {"VisibilityTimeout": str(VISIBILITY)}
    dead = sqs.receive_message(QueueUrl=ids["Dead"], MessageSystemAttributeNames=["ApproximateReceiveCount"])[
        "Messages"
    ]

    deliveries = [tuple(map(float, line.split())) for line in log.read_text().splitlines()]
    pauses = [began - ended for (_, ended), (began, _) in pairwise(deliveries)]
    assert len(deliveries) == TRIES
    shortened = (VISIBILITY - WORK) / TIME_SCALE
    assert all(0.9 * shortened < pause < VISIBILITY - WORK for pause in pauses), pauses
    assert [int(m["Attributes"]["ApproximateReceiveCount"]) - 1 for m in dead] == [TRIES]
