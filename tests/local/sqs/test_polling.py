"""A mapping receives more than a function's reserved concurrency can take, as on AWS."""

from typing import Any

import pytest

from constructs_lib.local import LocalCloud
from tests.local import stacks

pytestmark = pytest.mark.cloud

NEVER_RUNS = "def handler(event, context):\n    raise AssertionError\n"


def test_a_throttled_message_comes_again_and_each_receipt_counts(cloud: LocalCloud) -> None:
    turned_off: dict[str, Any] = {"ReservedConcurrentExecutions": 0}
    redrive = {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 3}
    ids = stacks.put(
        cloud,
        "throttled-queue",
        {
            "Dead": {"Type": "AWS::SQS::Queue"},
            "Queue": {
                "Type": "AWS::SQS::Queue",
                "Properties": {"VisibilityTimeout": 60, "RedrivePolicy": redrive},
            },
            "Function": stacks.function(NEVER_RUNS, **turned_off),
            "Mapping": {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {
                    "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                    "FunctionName": {"Ref": "Function"},
                },
            },
        },
    )
    sqs = cloud.client("sqs")
    sqs.send_message(QueueUrl=ids["Queue"], MessageBody="waits")
    cloud.wait_until_idle()
    (dead,) = sqs.receive_message(
        QueueUrl=ids["Dead"], MessageSystemAttributeNames=["ApproximateReceiveCount"]
    )["Messages"]
    assert (dead["Body"], int(dead["Attributes"]["ApproximateReceiveCount"]) - 1) == ("waits", 3)
