"""What a queue, a topic and a bucket receive of a batch that is discarded, and what the role needs for it.

Held to https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.local import LocalCloud
from tests.local import async_stacks, stacks, stream_stacks
from tests.local.async_stacks import get, to
from tests.local.lambda_.test_async_invocation import points

pytestmark = pytest.mark.cloud

RAISES = "def handler(event, context):\n    raise ValueError(context.aws_request_id)\n"
MILLISECONDS = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
SECONDS = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
SETTINGS = {"MaximumRetryAttempts": 0, "MetricsConfig": {"Metrics": ["EventCount"]}}
READ = (
    ["kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStream", "kinesis:ListShards"],
    get("Stream"),
)


def resources(destination: Any, source: str = "Stream", attribute: str = "Arn") -> dict[str, Any]:
    return stream_stacks.function(Path(), RAISES) | {
        "Stream": stream_stacks.stream(),
        "Table": stream_stacks.table(),
        "Mapping": stream_stacks.mapping(
            get(source, attribute), DestinationConfig=to(failure=destination), **stream_stacks.OFF, **SETTINGS
        ),
    }


def discard(cloud: LocalCloud, ids: dict[str, str]) -> None:
    """Let two records be discarded as one batch."""
    stream_stacks.put(cloud, ids["Stream"], [{"name": "a"}, {"name": "b"}])
    stream_stacks.turn(cloud, ids["Mapping"], on=True)
    cloud.wait_until_idle()


def total(cloud: LocalCloud, metric: str, dimensions: dict[str, str]) -> float:
    return sum(points(cloud, metric, dimensions, "Sum"))


def check_kinesis(cloud: LocalCloud, ids: dict[str, str], record: dict[str, Any]) -> None:
    alias = f"arn:aws:lambda:us-east-1:000000000000:function:{ids['Function']}:live"
    info, context = record["KinesisBatchInfo"], record["requestContext"]
    [failed] = [each for each in cloud.failed_invocations() if each["function"] == ids["Function"]]
    assert record == {
        "version": "1.0",
        "timestamp": record["timestamp"],
        "requestContext": {
            "requestId": failed["error"]["errorMessage"],
            "functionArn": alias,
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 1,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "1", "functionError": "Unhandled"},
        "KinesisBatchInfo": info,
    }
    assert re.fullmatch(UUID, context["requestId"])
    assert re.fullmatch(MILLISECONDS, record["timestamp"])
    assert info.keys() == {
        "shardId",
        "startSequenceNumber",
        "endSequenceNumber",
        "approximateArrivalOfFirstRecord",
        "approximateArrivalOfLastRecord",
        "batchSize",
        "streamArn",
    }
    assert (info["shardId"], info["batchSize"]) == ("shardId-000000000000", 2)
    assert info["streamArn"].endswith(f"stream/{ids['Stream']}")
    assert info["startSequenceNumber"] < info["endSequenceNumber"]
    for end in ("First", "Last"):
        assert re.fullmatch(MILLISECONDS, info[f"approximateArrivalOf{end}Record"])


def test_a_queue_receives_where_the_records_are(cloud: LocalCloud) -> None:
    queue = {"Bad": {"Type": "AWS::SQS::Queue"}}
    ids = stacks.put(cloud, "stream-to-queue", queue | resources(get("Bad")))
    discard(cloud, ids)
    [record] = stream_stacks.discarded(cloud, ids)
    check_kinesis(cloud, ids, record)


def test_a_topic_receives_the_same_as_its_message(cloud: LocalCloud) -> None:
    topic = {
        "Topic": {"Type": "AWS::SNS::Topic"},
        "Bad": {"Type": "AWS::SQS::Queue"},
        "Subscription": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "sqs", "Endpoint": get("Bad")},
        },
    }
    ids = stacks.put(cloud, "stream-to-topic", topic | resources({"Ref": "Topic"}))
    discard(cloud, ids)
    [message] = stream_stacks.discarded(cloud, ids)
    check_kinesis(cloud, ids, json.loads(message["Message"]))


def test_a_bucket_receives_the_event_too(cloud: LocalCloud) -> None:
    bucket = {"Bucket": {"Type": "AWS::S3::Bucket"}}
    ids = stacks.put(cloud, "stream-to-bucket", bucket | resources(get("Bucket")))
    discard(cloud, ids)
    s3 = cloud.client("s3")
    [found] = s3.list_objects_v2(Bucket=ids["Bucket"])["Contents"]
    assert re.fullmatch(
        rf"aws/lambda/{ids['Mapping']}/shardId-000000000000/"
        rf"(\d{{4}})/(\d\d)/(\d\d)/\1-\2-\3T\d\d\.\d\d\.\d\d-{UUID}",
        found["Key"],
    )
    record = json.load(s3.get_object(Bucket=ids["Bucket"], Key=found["Key"])["Body"])
    event = json.loads(record.pop("payload"))
    check_kinesis(cloud, ids, record)
    first, last = (each["kinesis"]["sequenceNumber"] for each in event["Records"])
    info = record["KinesisBatchInfo"]
    assert (first, last) == (info["startSequenceNumber"], info["endSequenceNumber"])


def test_the_record_of_a_table_has_its_own_name_and_times_in_seconds(cloud: LocalCloud) -> None:
    queue = {"Bad": {"Type": "AWS::SQS::Queue"}}
    ids = stacks.put(cloud, "table-to-queue", queue | resources(get("Bad"), "Table", "StreamArn"))
    for name in "ab":
        cloud.client("dynamodb").put_item(TableName=ids["Table"], Item={"id": {"S": name}})
    stream_stacks.turn(cloud, ids["Mapping"], on=True)
    [record] = stream_stacks.discarded(cloud, ids)
    info = record["DDBStreamBatchInfo"]
    assert "KinesisBatchInfo" not in record
    assert (info["batchSize"], record["requestContext"]["condition"]) == (2, "RetryAttemptsExhausted")
    assert f"table/{ids['Table']}/stream/" in info["streamArn"]
    for end in ("First", "Last"):
        assert re.fullmatch(SECONDS, info[f"approximateArrivalOf{end}Record"])


@pytest.mark.parametrize(
    ("destination", "resource", "allowed"),
    [
        (get("Bad"), {"Type": "AWS::SQS::Queue"}, (["sqs:SendMessage"], get("Bad"))),
        ({"Ref": "Bad"}, {"Type": "AWS::SNS::Topic"}, (["sns:Publish"], {"Ref": "Bad"})),
        (get("Bad"), {"Type": "AWS::S3::Bucket"}, (["s3:PutObject", "s3:ListBucket"], "*")),
    ],
    ids=["queue", "topic", "bucket"],
)
def test_a_role_that_may_not_send_loses_the_record_which_is_counted(
    strict: LocalCloud, destination: Any, resource: dict[str, Any], allowed: tuple[list[str], Any]
) -> None:
    counted = []
    for granted in ([], [allowed]):
        declared = resources(destination) | {"Bad": resource, "Role": async_stacks.role(READ, *granted)}
        declared["Function"]["Properties"]["Role"] = get("Role")
        kind = resource["Type"].rpartition(":")[2].lower()
        ids = stacks.put(strict, f"strict-stream-to-{kind}-{len(granted)}", declared)
        discard(strict, ids)
        of_mapping = {"EventSourceMappingUUID": ids["Mapping"]}
        counted.append(
            (
                total(strict, "DestinationDeliveryFailures", {"FunctionName": ids["Function"]}),
                total(strict, "DroppedEventCount", of_mapping),
                total(strict, "OnFailureDestinationDeliveredEventCount", of_mapping),
            )
        )
    assert counted == [(1, 2, 0), (0, 0, 2)]
