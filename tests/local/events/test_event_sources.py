"""Buckets, topics, rules and schedules in front of an alias: asynchronously, by its configuration, if they may.

Held to https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html and the pages that the modules below name.
Holds `events/targets.py`, `scheduler/schedules.py`, `sns/lambda_subscriptions.py`, `s3/lambda_notifications.py`,
`sqs/dead_letters.py`, `lambda_/by_arn.py`, `lambda_/resource_policy.py`.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.local import LocalCloud
from tests.local import async_stacks, stacks
from tests.local.async_stacks import get, permission, to

pytestmark = pytest.mark.cloud

QUEUES = {name: {"Type": "AWS::SQS::Queue"} for name in ("Good", "Bad", "Undelivered")}
TO_QUEUES = to(get("Good"), get("Bad"))
ALIAS = {"Ref": "Alias"}
RULE = {
    "Type": "AWS::Events::Rule",
    "Properties": {
        "EventPattern": {"source": ["trips"]},
        "Targets": [
            {
                "Id": "function",
                "Arn": ALIAS,
                "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 600},
                "DeadLetterConfig": {"Arn": get("Undelivered")},
            }
        ],
    },
}
TOPIC = {"Type": "AWS::SNS::Topic"}
SUBSCRIPTION = {
    "Type": "AWS::SNS::Subscription",
    "Properties": {
        "TopicArn": {"Ref": "Topic"},
        "Protocol": "lambda",
        "Endpoint": ALIAS,
        "RedrivePolicy": {"deadLetterTargetArn": get("Undelivered")},
    },
}
SOURCES: dict[str, tuple[dict[str, Any], str, Any]] = {
    "rule": ({"Rule": RULE}, "events.amazonaws.com", get("Rule")),
    "topic": ({"Topic": TOPIC, "Subscription": SUBSCRIPTION}, "sns.amazonaws.com", {"Ref": "Topic"}),
}


def send(cloud: LocalCloud, source: str, ids: dict[str, str], event: dict[str, Any]) -> None:
    if source == "rule":
        entry = {"Source": "trips", "DetailType": "Trip finished", "Detail": json.dumps(event)}
        cloud.client("events").put_events(Entries=[entry])
    else:
        cloud.client("sns").publish(TopicArn=ids["Topic"], Message=json.dumps(event))


@pytest.mark.parametrize("source", SOURCES)
def test_what_comes_in_is_retried_and_recorded_by_the_aliass_configuration(
    cloud: LocalCloud, tmp_path: Path, source: str
) -> None:
    resources, service, arn = SOURCES[source]
    called = async_stacks.called(MaximumRetryAttempts=1, DestinationConfig=TO_QUEUES)
    may = {"Permission": permission(service, arn)}
    ids = stacks.put(cloud, f"from-a-{source}", QUEUES | resources | called | may)
    for failures, queue, attempts in ((1, "Good", 2), (9, "Bad", 2)):
        send(cloud, source, ids, {"log": str(tmp_path / queue), "failures": failures})
        [message] = async_stacks.messages(cloud, ids[queue])
        context = json.loads(message["Body"])["requestContext"]
        assert context["approximateInvokeCount"] == attempts
        assert context["functionArn"].endswith(f":{ids['Function']}:live")
    stacks.remove(cloud, f"from-a-{source}")


@pytest.mark.parametrize(
    ("resource", "more"),
    [("Function", {}), (None, {}), ("Alias", {"SourceAccount": "000000000000"})],
    ids=["of the function", "none", "for the account"],
)
@pytest.mark.parametrize("source", SOURCES)
def test_without_the_aliass_own_permission_it_is_sent_to_the_sources_dead_letters(
    cloud: LocalCloud, tmp_path: Path, source: str, resource: str | None, more: dict[str, str]
) -> None:
    resources, service, arn = SOURCES[source]
    may = {"Permission": permission(service, arn, resource, **more)} if resource else {}
    name = f"refused-{source}"
    ids = stacks.put(cloud, name, QUEUES | resources | async_stacks.called() | may)
    event = {"log": str(tmp_path / "log"), "failures": 0}
    send(cloud, source, ids, event)
    [message] = async_stacks.messages(cloud, ids["Undelivered"])
    body = json.loads(message["Body"])
    assert (body["detail"] if source == "rule" else json.loads(body["Message"])) == event
    code = message["MessageAttributes"]["ERROR_CODE" if source == "rule" else "ErrorCode"]["StringValue"]
    assert code == {"rule": "NO_PERMISSIONS", "topic": "403"}[source]
    assert not (tmp_path / "log").exists()
    stacks.remove(cloud, name)


BUCKET_LOG = """
import json

def handler(event, context):
    record = event["detail"] if "detail" in event else event["Records"][0]["s3"]
    with open("/" + record["object"]["key"], "a") as log:
        log.write(json.dumps({"event": event, "by": context.invoked_function_arn}) + "\\n")
    raise ValueError("no")
"""


@pytest.mark.parametrize("way", ["bus", "direct"])
def test_an_object_comes_in_through_the_bus_or_directly(cloud: LocalCloud, tmp_path: Path, way: str) -> None:
    called = async_stacks.called(MaximumRetryAttempts=1, DestinationConfig=TO_QUEUES)
    called["Function"] = stacks.function(BUCKET_LOG)
    name = f"objects-{way}"
    if way == "bus":
        notifications: dict[str, Any] = {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
        pattern = {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {"bucket": {"name": [{"Ref": "Bucket"}]}},
        }
        rule = {"EventPattern": pattern, "Targets": [{"Id": "function", "Arn": ALIAS}]}
        sources: dict[str, Any] = {
            "Rule": {"Type": "AWS::Events::Rule", "Properties": rule},
            "Permission": permission("events.amazonaws.com", get("Rule")),
        }
    else:
        notifications = {"LambdaConfigurations": [{"Event": "s3:ObjectCreated:*", "Function": ALIAS}]}
        own = {"SourceAccount": "000000000000"}  # a bucket's ARN has no account, and S3 says it
        sources = {"Permission": permission("s3.amazonaws.com", f"arn:aws:s3:::{name}", **own)}
    bucket = {
        "Type": "AWS::S3::Bucket",
        "Properties": {"BucketName": name, "NotificationConfiguration": notifications},
    }
    ids = stacks.put(cloud, name, QUEUES | called | sources | {"Bucket": bucket})
    log = tmp_path / "log"
    cloud.client("s3").put_object(Bucket=name, Key=str(log)[1:], Body=b"1234")
    cloud.wait_until_idle()
    read = log.read_text().splitlines()
    assert len(read) == 2
    event = json.loads(read[0])["event"]
    if way == "bus":
        assert (event["source"], event["detail-type"]) == ("aws.s3", "Object Created")
        assert event["detail"]["object"]["size"] == 4
        assert event["detail"]["bucket"] == {"name": name}
        assert event["resources"] == [f"arn:aws:s3:::{name}"]
    else:
        assert event["Records"][0]["eventName"] == "ObjectCreated:Put"
    assert json.loads(read[1])["by"].endswith(f":{ids['Function']}:live")
    [message] = async_stacks.messages(cloud, ids["Bad"])
    assert json.loads(message["Body"])["requestContext"]["approximateInvokeCount"] == 2


def schedule(name: str, role: Any, **properties: Any) -> dict[str, Any]:
    target = {"Arn": ALIAS, "RoleArn": role, "Input": '{"log": "LOG", "failures": 0}'} | properties.pop(
        "Target", {}
    )
    return {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {
            "Name": name,
            "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15},
            "ScheduleExpression": "cron(0 6 * * ? *)",
            "Target": target,
            **properties,
        },
    }


def test_a_schedule_is_described_as_its_template_declares_it(cloud: LocalCloud) -> None:
    declared: dict[str, Any] = {
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "Description": "Yesterday's report",
        "Target": {
            "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 7200},
            "DeadLetterConfig": {"Arn": get("Undelivered")},
        },
    }
    for zone in ("Europe/Berlin", "Asia/Tokyo"):
        properties = declared | {"ScheduleExpressionTimezone": zone}
        resources = {"Schedule": schedule("report", stacks.ROLE, **properties)}
        stacks.put(cloud, "schedule", QUEUES | async_stacks.called() | resources)
        read = cloud.client("scheduler").get_schedule(Name="report")
        assert read["ScheduleExpressionTimezone"] == zone
        assert read["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
        assert read["Target"]["RetryPolicy"] == declared["Target"]["RetryPolicy"]
        assert read["Target"]["DeadLetterConfig"]["Arn"].startswith("arn:aws:sqs:")


def test_a_schedule_invokes_asynchronously_through_the_alias(cloud: LocalCloud, tmp_path: Path) -> None:
    event = json.dumps({"log": str(tmp_path / "log"), "failures": 1})
    due = schedule("once", stacks.ROLE, Target={"Input": event}, ScheduleExpression="at(2020-01-01T00:00:00)")
    called = async_stacks.called(MaximumRetryAttempts=1, DestinationConfig=TO_QUEUES)
    ids = stacks.put(cloud, "scheduled", QUEUES | called | {"Schedule": due})
    [message] = async_stacks.messages(cloud, ids["Good"])
    context = json.loads(message["Body"])["requestContext"]
    assert context["approximateInvokeCount"] == 2
    assert context["functionArn"].endswith(f":{ids['Function']}:live")


@pytest.mark.parametrize("resource", [get("Function"), ALIAS], ids=["the function", "the alias"])
def test_a_schedules_role_must_be_allowed_to_invoke_the_alias(
    strict: LocalCloud, tmp_path: Path, resource: Any
) -> None:
    allowed = resource == ALIAS
    log = tmp_path / "log"
    to_dead_letters: tuple[list[str], Any] = (["sqs:SendMessage"], get("Undelivered"))
    role = async_stacks.role((["lambda:InvokeFunction"], resource), to_dead_letters)
    target = {
        "Input": json.dumps({"log": str(log), "failures": 0}),
        "DeadLetterConfig": {"Arn": get("Undelivered")},
    }
    name = f"once-{allowed}"
    due = schedule(name, get("Role"), Target=target, ScheduleExpression="at(2020-01-01T00:00:00)")
    resources = {"Role": role, "Schedule": due}
    ids = stacks.put(strict, name, QUEUES | async_stacks.called() | resources)
    if allowed:
        strict.wait_until_idle()
        assert log.exists()
    else:
        [message] = async_stacks.messages(strict, ids["Undelivered"])
        assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
        assert not log.exists()


def test_a_permission_for_a_bucket_of_another_account_does_not_count(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    name, log = "objects-of-others", tmp_path / "log"
    notifications = {"LambdaConfigurations": [{"Event": "s3:ObjectCreated:*", "Function": ALIAS}]}
    resources = {
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {"BucketName": name, "NotificationConfiguration": notifications},
        },
        "Permission": permission("s3.amazonaws.com", f"arn:aws:s3:::{name}", SourceAccount="111111111111"),
    }
    called = async_stacks.called()
    called["Function"] = stacks.function(BUCKET_LOG)
    stacks.put(cloud, name, called | resources)
    cloud.client("s3").put_object(Bucket=name, Key=str(log)[1:], Body=b"1234")
    cloud.wait_until_idle()
    assert not log.exists()
