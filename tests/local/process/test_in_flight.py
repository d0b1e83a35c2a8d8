"""Waiting for the end of what a cloud has to do, by its own count: each kind of work is waited for, and nothing else.

Each case sets off something whose last effect is a line in a file. What writes it takes its time, so that a kind of
work that is not counted is missed.
"""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.local import LocalCloud, LocalCloudError
from tests.local import async_stacks, stacks
from tests.local.async_stacks import get

pytestmark = pytest.mark.cloud

TAKES_ITS_TIME = """
import time

def handler(event, context):
    time.sleep(1)
    with open("{log}", "a") as log:
        log.write("done\\n")
"""
FAILS_AT_FIRST = """
import pathlib, time

def handler(event, context):
    first = pathlib.Path("{log}.first")
    if not first.exists():
        first.touch()
        raise ValueError("not yet")
    with open("{log}", "a") as log:
        log.write("done\\n")
"""
"""A stream's record is read at once: only between two attempts is there nothing but the record."""
FAILS = """
def handler(event, context):
    raise ValueError("no")
"""
ANY = {"Ref": "Function"}


@pytest.fixture
def cloud(state: Path) -> Iterator[LocalCloud]:
    """One for each test: what is stuck in one test must not be waited for in another."""
    with LocalCloud(state=state) as running:
        yield running


@pytest.fixture(scope="module")
def idle_cloud(state: Path) -> Iterator[LocalCloud]:
    """One for the tests that end with a cloud that has nothing to do."""
    with LocalCloud(state=state) as running:
        yield running


def mapping(source: Any, **more: Any) -> dict[str, Any]:
    properties = {"EventSourceArn": source, "FunctionName": ANY, "BatchSize": 1, **more}
    return {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}


def table() -> dict[str, Any]:
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
        },
    }


def machine() -> dict[str, Any]:
    states = {
        "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Call"},
        "Call": {"Type": "Task", "Resource": "${function}", "End": True},
    }
    return {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "RoleArn": stacks.ROLE,
            "DefinitionString": json.dumps({"StartAt": "Wait", "States": states}),
            "DefinitionSubstitutions": {"function": get("Function")},
        },
    }


QUEUE = {"Type": "AWS::SQS::Queue"}
FROM_BUS = {
    "Rule": {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventPattern": {"source": ["trips"]},
            "Targets": [{"Id": "queue", "Arn": get("Queue")}],
        },
    },
    "Queue": QUEUE,
    "Mapping": mapping(get("Queue")),
}
FROM_TOPIC = {
    "Topic": {
        "Type": "AWS::SNS::Topic",
        "Properties": {"Subscription": [{"Protocol": "lambda", "Endpoint": get("Function")}]},
    },
    "Permission": async_stacks.permission("sns.amazonaws.com", {"Ref": "Topic"}, "Function"),
}
FROM_BUCKET = {
    "Permission": async_stacks.permission("s3.amazonaws.com", "arn:aws:s3:::idle", "Function"),
    "Bucket": {
        "Type": "AWS::S3::Bucket",
        "DependsOn": "Permission",
        "Properties": {
            "BucketName": "idle",
            "NotificationConfiguration": {
                "LambdaConfigurations": [{"Event": "s3:ObjectCreated:*", "Function": get("Function")}]
            },
        },
    },
}
SCHEDULE = {
    "Type": "AWS::Scheduler::Schedule",
    "Properties": {
        "Name": "once",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ScheduleExpression": "at(2020-01-01T00:00:00)",
        "Target": {"Arn": get("Function"), "RoleArn": stacks.ROLE},
    },
}
Start = Callable[[LocalCloud, dict[str, str]], object]
WORK: dict[str, tuple[dict[str, Any], Start]] = {
    "an asynchronous event": ({}, lambda cloud, ids: async_stacks.invoke(cloud, ids["Function"], {})),
    "a message": (
        {"Queue": QUEUE, "Mapping": mapping(get("Queue"))},
        lambda cloud, ids: cloud.client("sqs").send_message(QueueUrl=ids["Queue"], MessageBody="any"),
    ),
    "a delayed message": (
        {"Queue": QUEUE, "Mapping": mapping(get("Queue"))},
        lambda cloud, ids: cloud.client("sqs").send_message(
            QueueUrl=ids["Queue"], MessageBody="any", DelaySeconds=2
        ),
    ),
    "a record of a stream": (
        {
            "Stream": {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 1}},
            "Mapping": mapping(get("Stream"), StartingPosition="TRIM_HORIZON"),
        },
        lambda cloud, ids: cloud.client("kinesis").put_record(
            StreamName=ids["Stream"], Data=b"any", PartitionKey="any"
        ),
    ),
    "a record of a table's stream": (
        {"Table": table(), "Mapping": mapping(get("Table", "StreamArn"), StartingPosition="TRIM_HORIZON")},
        lambda cloud, ids: cloud.client("dynamodb").put_item(
            TableName=ids["Table"], Item={"id": {"S": "any"}}
        ),
    ),
    "an execution": (
        {"Machine": machine()},
        lambda cloud, ids: cloud.client("stepfunctions").start_execution(stateMachineArn=ids["Machine"]),
    ),
    "an event on a bus, through a queue": (
        FROM_BUS,
        lambda cloud, ids: cloud.client("events").put_events(
            Entries=[{"Source": "trips", "DetailType": "any", "Detail": "{}"}]
        ),
    ),
    "a message of a topic": (
        FROM_TOPIC,
        lambda cloud, ids: cloud.client("sns").publish(TopicArn=ids["Topic"], Message="any"),
    ),
    "an object": (
        FROM_BUCKET,
        lambda cloud, ids: cloud.client("s3").put_object(Bucket="idle", Key="any", Body=b""),
    ),
    "a schedule that is due": ({"Schedule": SCHEDULE}, lambda cloud, ids: None),
}


@pytest.mark.parametrize("kind", WORK)
def test_each_kind_of_work_is_waited_for(idle_cloud: LocalCloud, tmp_path: Path, kind: str) -> None:
    resources, start = WORK[kind]
    name = f"idle-{list(WORK).index(kind)}"
    log = tmp_path / "log"
    code = FAILS_AT_FIRST if kind.startswith("a record") else TAKES_ITS_TIME
    function = stacks.function(code.format(log=log))
    start(idle_cloud, stacks.put(idle_cloud, name, {"Function": function} | resources))
    seen: set[str] = set()
    idle_cloud.wait_until_idle(meanwhile=seen.update)
    assert log.read_text() == "done\n"
    assert seen
    seen.clear()
    idle_cloud.wait_until_idle(meanwhile=seen.update)
    assert not seen


def test_a_retry_is_waited_for_and_so_is_the_delivery_of_the_record(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    called = async_stacks.called(DestinationConfig=async_stacks.to(failure=get("Bad")))
    ids = stacks.put(cloud, "retry", {"Bad": QUEUE} | called)
    log = tmp_path / "log"
    async_stacks.invoke(cloud, f"{ids['Function']}:live", {"log": str(log), "failures": 9})
    seen: set[str] = set()
    cloud.wait_until_idle(meanwhile=seen.update)
    assert len(log.read_text().splitlines()) == 3
    assert len(async_stacks.messages(cloud, ids["Bad"])) == 1
    waits = f"an asynchronous event of {ids['Function']}:live (waits after"
    assert sum(each.startswith(waits) for each in seen) == 2


def test_a_hidden_message_is_waited_for_until_it_is_a_dead_letter_which_is_not(cloud: LocalCloud) -> None:
    redrive = {"deadLetterTargetArn": get("Dead"), "maxReceiveCount": 3}
    resources = {
        "Function": stacks.function(FAILS),
        "Dead": QUEUE,
        "Queue": QUEUE | {"Properties": {"VisibilityTimeout": 120, "RedrivePolicy": redrive}},
        "Mapping": mapping(get("Queue")),
    }
    ids = stacks.put(cloud, "dead", resources)
    sqs = cloud.client("sqs")
    sqs.send_message(QueueUrl=ids["Queue"], MessageBody="any")
    cloud.wait_until_idle()
    [dead] = sqs.receive_message(
        QueueUrl=ids["Dead"], MessageSystemAttributeNames=["ApproximateReceiveCount"]
    )["Messages"]
    assert int(dead["Attributes"]["ApproximateReceiveCount"]) - 1 == 3


@pytest.mark.parametrize(
    "resources",
    [{"Queue": QUEUE}, {"Queue": QUEUE, "Mapping": mapping(get("Queue"), Enabled=False)}],
    ids=["without a mapping", "with one that is off"],
)
def test_a_message_that_nobody_takes_is_not_waited_for(cloud: LocalCloud, resources: dict[str, Any]) -> None:
    ids = stacks.put(cloud, "left", {"Function": stacks.function(FAILS)} | resources)
    cloud.client("sqs").send_message(QueueUrl=ids["Queue"], MessageBody="any")
    seen: set[str] = set()
    cloud.wait_until_idle(meanwhile=seen.update, patience=5)
    assert not seen


def test_what_an_alarm_sets_off_is_waited_for(cloud: LocalCloud, tmp_path: Path) -> None:
    log = tmp_path / "log"
    alarm = {
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Dimensions": [{"Name": "QueueName", "Value": get("Queue", "QueueName")}],
        "Statistic": "Maximum",
        "Period": 3600,
        "EvaluationPeriods": 1,
        "Threshold": 0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": [{"Ref": "Topic"}],
    }
    resources = FROM_TOPIC | {
        "Function": stacks.function(TAKES_ITS_TIME.format(log=log)),
        "Queue": QUEUE,
        "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm},
    }
    ids = stacks.put(cloud, "alarm", resources)
    cloud.wait_until_idle()
    assert not log.exists()
    cloud.client("sqs").send_message(QueueUrl=ids["Queue"], MessageBody="any")
    cloud.wait_until_idle()
    assert log.read_text() == "done\n"


def test_work_that_never_ends_is_reported(cloud: LocalCloud) -> None:
    resources = {
        "Function": stacks.function(FAILS),
        "Queue": QUEUE | {"Properties": {"QueueName": "forever"}},
        "Mapping": mapping(get("Queue")),
    }
    ids = stacks.put(cloud, "stuck", resources)
    cloud.client("sqs").send_message(QueueUrl=ids["Queue"], MessageBody="any")
    began = time.monotonic()

    def fail_if_it_goes_on(_: dict[str, int]) -> None:
        assert time.monotonic() - began < stacks.STUCK_SECONDS

    said = (
        r"(?s)finished nothing.*- a message in the queue forever, which has no dead-letter queue, "
        r"received \d+ times: 1"
    )
    with pytest.raises(LocalCloudError, match=said):
        cloud.wait_until_idle(patience=3, meanwhile=fail_if_it_goes_on)


def test_what_the_caller_raises_meanwhile_ends_the_wait(cloud: LocalCloud, tmp_path: Path) -> None:
    code = "import time\n\ndef handler(event, context):\n    time.sleep(600)\n"
    name = stacks.put(cloud, "hangs", {"Function": stacks.function(code, Timeout=900)})["Function"]
    async_stacks.invoke(cloud, name, {})

    def enough(work: dict[str, int]) -> None:
        if work.get(f"an invocation of {name}") == 1:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        cloud.wait_until_idle(meanwhile=enough)


WAITS_FOR_ITS_TURN = """
import pathlib, time

def handler(event, context):
    folder = pathlib.Path("{folder}")
    while len(list(folder.glob("go-*"))) <= len(list(folder.glob("done-*"))):
        time.sleep(0.05)
    (folder / f"done-{{time.time()}}").touch()
"""


def test_it_waits_for_as_long_as_something_is_finished_again_and_again(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    patience, count = 5.0, 4
    fifo = {"Properties": {"FifoQueue": True, "ContentBasedDeduplication": True}}
    function = stacks.function(WAITS_FOR_ITS_TURN.format(folder=tmp_path), Timeout=900)
    resources = {"Function": function, "Queue": QUEUE | fifo, "Mapping": mapping(get("Queue"))}
    ids = stacks.put(cloud, "long", resources)
    for number in range(count):  # in their order, one at a time
        cloud.client("sqs").send_message(QueueUrl=ids["Queue"], MessageBody=str(number), MessageGroupId="any")
    let_go = [time.monotonic()]

    def let_one_go(_: dict[str, int]) -> None:
        if time.monotonic() > let_go[-1] + patience / 2:
            (tmp_path / f"go-{len(let_go)}").touch()
            let_go.append(time.monotonic())

    cloud.wait_until_idle(patience=patience, meanwhile=let_one_go)
    assert len(list(tmp_path.glob("done-*"))) == count
    assert let_go[-1] - let_go[0] > patience


@pytest.mark.parametrize(
    ("finishes", "slowness", "gives_up"), [(True, 1, False), (False, 1, True), (False, 1000, False)]
)
def test_patience_begins_anew_with_what_is_finished_and_is_longer_on_a_slow_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finishes: bool, slowness: float, gives_up: bool
) -> None:
    busy: list[dict[str, Any]] = [
        {"work": {"an invocation": 1}, "progress": [number if finishes else 0, 0], "slowness": slowness}
        for number in range(12)
    ]
    pages = iter([*busy, {"work": {}, "progress": [0, 0], "slowness": slowness}])
    alone = LocalCloud(state=tmp_path)
    monkeypatch.setattr(alone, "_page", lambda _: next(pages))
    with pytest.raises(LocalCloudError) if gives_up else contextlib.nullcontext():
        alone.wait_until_idle(patience=0.5)
    assert (next(pages, None) is None) is not gives_up
