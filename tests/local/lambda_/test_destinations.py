"""Each kind of destination, the function's own dead-letter queue, and what the function's role must be allowed.

Held to https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html.
Holds `lambda_/destinations.py`, `lambda_/messages.py`, `lambda_/dead_letter_queue.py`,
`lambda_/function_properties.py`, `iam/role_permissions.py`.
"""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.local import LocalCloud
from tests.local import async_stacks, stacks
from tests.local.async_stacks import get, to

pytestmark = pytest.mark.cloud

ALIAS = "arn:aws:lambda:us-east-1:000000000000:function:{name}:live"
FAILS_AT_ONCE = {"MaximumRetryAttempts": 0}
IDLE = "def handler(event, context): pass"
SAVES = """
import json

def handler(event, context):
    record = {"by": context.invoked_function_arn, "event": event}
    with open(event["requestPayload"]["log"] + ".saved", "w") as saved:
        json.dump(record, saved)
"""


def queue(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


def rule_to_queue(bus: Any) -> dict[str, Any]:
    """What a bus gets from Lambda, in a queue."""
    return {
        "Seen": queue(),
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventBusName": bus,
                "EventPattern": {"source": ["lambda"]},
                "Targets": [{"Id": "seen", "Arn": get("Seen")}],
            },
        },
    }


@pytest.mark.parametrize("failures", [0, 1], ids=["success", "failure"])
def test_a_topic_gets_the_record_as_its_message(cloud: LocalCloud, tmp_path: Path, failures: int) -> None:
    subscription = {
        "Type": "AWS::SNS::Subscription",
        "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "sqs", "Endpoint": get("Seen")},
    }
    topic = {"Ref": "Topic"}
    ids = stacks.put(
        cloud,
        f"to-a-topic-{failures}",
        {"Topic": {"Type": "AWS::SNS::Topic"}, "Seen": queue(), "Subscription": subscription}
        | async_stacks.called(DestinationConfig=to(topic, topic), **FAILS_AT_ONCE),
    )
    event = {"log": str(tmp_path / "log"), "failures": failures}
    async_stacks.invoke(cloud, f"{ids['Function']}:live", event)
    [message] = async_stacks.messages(cloud, ids["Seen"])
    told = json.loads(json.loads(message["Body"])["Message"])
    assert told["requestContext"]["condition"] == ("RetriesExhausted" if failures else "Success")
    assert told["requestPayload"] == event


@pytest.mark.parametrize("failures", [0, 1], ids=["success", "failure"])
def test_a_bus_gets_the_record_as_the_detail_of_an_event(
    cloud: LocalCloud, tmp_path: Path, failures: int
) -> None:
    bus = {"Type": "AWS::Events::EventBus", "Properties": {"Name": f"results-{failures}"}}
    resources = {"Bus": bus} | rule_to_queue({"Ref": "Bus"})
    configuration = {"DestinationConfig": to(get("Bus"), get("Bus")), **FAILS_AT_ONCE}
    ids = stacks.put(cloud, f"to-a-bus-{failures}", resources | async_stacks.called(**configuration))
    event = {"log": str(tmp_path / "log"), "failures": failures}
    async_stacks.invoke(cloud, f"{ids['Function']}:live", event)
    [message] = async_stacks.messages(cloud, ids["Seen"])
    seen = json.loads(message["Body"])
    result = "Failure" if failures else "Success"
    assert seen["source"] == "lambda"
    assert seen["detail-type"] == f"Lambda Function Invocation Result - {result}"
    assert seen["resources"] == [
        f"arn:aws:events:us-east-1:000000000000:event-bus/results-{failures}",
        ALIAS.format(name=ids["Function"]),
    ]
    assert seen["detail"]["requestPayload"] == event
    assert seen["detail"]["version"] == "1.0"
    assert seen["detail"]["responseContext"]["statusCode"] == 200


@pytest.mark.parametrize("failures", [0, 1], ids=["success", "failure"])
def test_a_function_gets_the_record_as_its_event_on_the_alias_that_is_named(
    cloud: LocalCloud, tmp_path: Path, failures: int
) -> None:
    saver = {
        "Saver": stacks.function(SAVES),
        "SaverVersion": {
            "Type": "AWS::Lambda::Version",
            "Properties": {"FunctionName": {"Ref": "Saver"}},
        },
        "SaverAlias": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "FunctionName": {"Ref": "Saver"},
                "FunctionVersion": get("SaverVersion", "Version"),
                "Name": "live",
            },
        },
    }
    alias = {"Ref": "SaverAlias"}
    configuration = {"DestinationConfig": to(alias, alias), **FAILS_AT_ONCE}
    ids = stacks.put(cloud, f"to-a-function-{failures}", saver | async_stacks.called(**configuration))
    saved = tmp_path / "log.saved"
    event = {"log": str(tmp_path / "log"), "failures": failures}
    async_stacks.invoke(cloud, f"{ids['Function']}:live", event)
    cloud.wait_until_idle()
    read = json.loads(saved.read_text())
    assert read["by"] == ALIAS.format(name=ids["Saver"])
    assert read["event"]["requestPayload"] == event
    assert read["event"]["requestContext"]["functionArn"] == ALIAS.format(name=ids["Function"])


def test_a_bucket_gets_a_failure_as_an_object(cloud: LocalCloud, tmp_path: Path) -> None:
    configuration = {"DestinationConfig": to(failure=get("Bucket")), **FAILS_AT_ONCE}
    resources = {"Bucket": {"Type": "AWS::S3::Bucket"}} | async_stacks.called(**configuration)
    ids = stacks.put(cloud, "to-a-bucket", resources)
    event = {"log": str(tmp_path / "log"), "failures": 1}
    async_stacks.invoke(cloud, f"{ids['Function']}:live", event)
    cloud.wait_until_idle()
    s3 = cloud.client("s3")
    [found] = s3.list_objects_v2(Bucket=ids["Bucket"])["Contents"]
    day = datetime.now(UTC).strftime("%Y/%m/%d/%Y-%m-%d")
    key = rf"aws/lambda/async/{ids['Function']}/{day}T\d\d\.\d\d\.\d\d-[0-9a-f-]{{36}}"
    assert re.fullmatch(key, found["Key"])
    told = json.load(s3.get_object(Bucket=ids["Bucket"], Key=found["Key"])["Body"])
    assert told["requestContext"]["condition"] == "RetriesExhausted"
    assert told["requestPayload"] == event


@pytest.mark.parametrize("called", ["alias", "function"])
def test_the_functions_own_dead_letter_queue_gets_the_event_whatever_is_called(
    cloud: LocalCloud, tmp_path: Path, called: str
) -> None:
    resources = {"Dead": queue(), "Bad": queue()} | async_stacks.called(
        DestinationConfig=to(failure=get("Bad")), **FAILS_AT_ONCE
    )
    resources["Function"]["Properties"]["DeadLetterConfig"] = {"TargetArn": get("Dead")}
    ids = stacks.put(cloud, f"to-dead-letters-{called}", resources)
    name = ids["Function"]
    log = tmp_path / "log"
    event = {"log": str(log), "failures": 9}
    async_stacks.invoke(cloud, f"{name}:live" if called == "alias" else name, event)
    [message] = async_stacks.messages(cloud, ids["Dead"])
    assert json.loads(message["Body"]) == event
    attempts = log.read_text().splitlines()
    read = {
        name: (each["DataType"], each["StringValue"]) for name, each in message["MessageAttributes"].items()
    }
    assert read == {
        "RequestID": ("String", attempts[0].split()[0]),
        "ErrorCode": ("Number", "200"),
        "ErrorMessage": ("String", f"attempt {len(attempts)}"),
    }
    # On the alias there is a destination as well: the failure is told twice.
    assert len(async_stacks.messages(cloud, ids["Bad"])) == (called == "alias")


def test_a_dead_letter_queue_is_removed_with_its_line_in_the_template(cloud: LocalCloud) -> None:
    read = []
    for config in ({"TargetArn": get("Dead")}, None):
        properties = {"DeadLetterConfig": config} if config else {}
        function = stacks.function(IDLE, **properties)
        name = stacks.put(cloud, "dead-letters", {"Dead": queue(), "Function": function})["Function"]
        found = cloud.client("lambda").get_function_configuration(FunctionName=name)
        read.append(found.get("DeadLetterConfig", {}).get("TargetArn", "")[-4:] != "")
    assert read == [True, False]


def test_what_a_function_may_do_in_a_loop_is_in_its_template(cloud: LocalCloud) -> None:
    read = []
    for choice in ("Allow", "Terminate"):
        function = stacks.function(IDLE, RecursiveLoop=choice)
        name = stacks.put(cloud, "loops", {"Function": function})["Function"]
        read.append(cloud.client("lambda").get_function_recursion_config(FunctionName=name)["RecursiveLoop"])
    assert read == ["Allow", "Terminate"]


def test_a_fifo_queue_gets_nothing(cloud: LocalCloud, tmp_path: Path) -> None:
    fifo = queue(FifoQueue=True, ContentBasedDeduplication=True)
    configuration = {"DestinationConfig": to(get("Good"), get("Fifo")), **FAILS_AT_ONCE}
    resources = {"Fifo": fifo, "Good": queue()} | async_stacks.called(**configuration)
    ids = stacks.put(cloud, "to-fifo", resources)
    for failures in (1, 0):
        event = {"log": str(tmp_path / str(failures)), "failures": failures}
        async_stacks.invoke(cloud, f"{ids['Function']}:live", event)
    assert async_stacks.messages(cloud, ids["Good"])
    assert async_stacks.messages(cloud, ids["Fifo"]) == []
    metrics = {
        (each["MetricName"], dimension["Value"])
        for each in cloud.client("cloudwatch").list_metrics(Namespace="AWS/Lambda")["Metrics"]
        for dimension in each["Dimensions"]
    }
    of_the_alias = f"{ids['Function']}:live"
    assert ("DestinationDeliveryFailures", of_the_alias) in metrics
    assert ("AsyncEventsDropped", of_the_alias) in metrics


# --- with IAM enforced ---------------------------------------------------------------------------------


KEY_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "kms:*",
            "Resource": "*",
            "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
        }
    ],
}
TARGETS: dict[str, tuple[dict[str, Any], Any, list[tuple[list[str], Any]]]] = {
    "queue": ({"Seen": queue()}, get("Seen"), [(["sqs:SendMessage"], get("Seen"))]),
    "topic": (
        {
            "Topic": {"Type": "AWS::SNS::Topic"},
            "Seen": queue(),
            "Subscription": {
                "Type": "AWS::SNS::Subscription",
                "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "sqs", "Endpoint": get("Seen")},
            },
            "MaySend": async_stacks.queue_policy("Seen", "sns.amazonaws.com"),
        },
        {"Ref": "Topic"},
        [(["sns:Publish"], {"Ref": "Topic"})],
    ),
    "bus": (
        {"Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "strict"}}}
        | rule_to_queue({"Ref": "Bus"}),
        get("Bus"),
        [(["events:PutEvents"], get("Bus"))],
    ),
    "encrypted queue": (
        {"Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": KEY_POLICY}},
         "Seen": queue(KmsMasterKeyId=get("Key"))},
        get("Seen"),
        [(["sqs:SendMessage"], get("Seen")), (["kms:GenerateDataKey", "kms:Decrypt"], get("Key"))],
    ),
}  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
def test_a_record_arrives_only_where_the_functions_role_may_send_it(
    strict: LocalCloud, tmp_path: Path, target: str
) -> None:
    resources, arn, allowed = TARGETS[target]
    arrived = []
    for missing in (*range(len(allowed)), None):
        of_the_role = [each for number, each in enumerate(allowed) if number != missing]
        called = async_stacks.called(DestinationConfig=to(arn, arn), **FAILS_AT_ONCE)
        called["Function"]["Properties"]["Role"] = get("Role")
        name = f"strict-{target.replace(' ', '-')}"
        ids = stacks.put(strict, name, resources | called | {"Role": async_stacks.role(*of_the_role)})
        for failures in (0, 1):
            log = tmp_path / f"{missing}-{failures}"
            async_stacks.invoke(strict, f"{ids['Function']}:live", {"log": str(log), "failures": failures})
        arrived.append(len(async_stacks.messages(strict, ids["Seen"])))
        assert len(list(tmp_path.glob(f"{missing}-*"))) == 2
    assert arrived == [0] * len(allowed) + [2]


def test_a_bucket_takes_a_record_only_from_a_role_that_may_list_and_write_it(
    strict: LocalCloud, tmp_path: Path
) -> None:
    below = {"Fn::Join": ["", [get("Bucket"), "/aws/lambda/async/*"]]}
    allowed: list[tuple[list[str], Any]] = [(["s3:ListBucket"], get("Bucket")), (["s3:PutObject"], below)]
    s3 = strict.client("s3")
    arrived = []
    for missing in (0, 1, None):
        called = async_stacks.called(DestinationConfig=to(failure=get("Bucket")), **FAILS_AT_ONCE)
        called["Function"]["Properties"]["Role"] = get("Role")
        statements = [each for number, each in enumerate(allowed) if number != missing]
        resources = {"Bucket": {"Type": "AWS::S3::Bucket"}, "Role": async_stacks.role(*statements)} | called
        ids = stacks.put(strict, "strict-bucket", resources)
        log = tmp_path / str(missing)
        async_stacks.invoke(strict, f"{ids['Function']}:live", {"log": str(log), "failures": 1})
        strict.wait_until_idle()
        assert log.exists()
        arrived.append(s3.list_objects_v2(Bucket=ids["Bucket"])["KeyCount"])
    assert arrived == [0, 0, 1]


def test_a_function_takes_a_record_only_from_a_role_that_may_invoke_it(
    strict: LocalCloud, tmp_path: Path
) -> None:
    arrived: list[bool] = []
    for resource in (get("Saver"), {"Fn::Join": ["", [get("Saver"), ":live"]]}):
        called = async_stacks.called(DestinationConfig=to({"Ref": "SaverAlias"}))
        called["Function"]["Properties"]["Role"] = get("Role")
        saver = {
            "Saver": stacks.function(SAVES),
            "SaverAlias": {
                "Type": "AWS::Lambda::Alias",
                "Properties": {
                    "FunctionName": {"Ref": "Saver"},
                    "FunctionVersion": "$LATEST",
                    "Name": "live",
                },
            },
        }
        may = async_stacks.role((["lambda:InvokeFunction"], resource))
        ids = stacks.put(strict, "strict-function", saver | called | {"Role": may})
        log = tmp_path / str(len(arrived))
        async_stacks.invoke(strict, f"{ids['Function']}:live", {"log": str(log), "failures": 0})
        strict.wait_until_idle()
        assert log.exists()
        arrived.append((tmp_path / f"{log.name}.saved").exists())
    # A permission on the function is none on its alias.
    assert arrived == [False, True]
