"""What an imported resource silently does not get is told, with the exact statement that its owner must add."""

import inspect
import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, Duration, Environment, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

import constructs_lib
from constructs_lib import (
    AsyncDestinations,
    BucketEvents,
    EventRule,
    KinesisConsumer,
    QueueConsumer,
    ScheduledInvocation,
    TableStreamConsumer,
    TopicSubscription,
)
from tests.gallery.event_sources import TRIPS
from tests.gallery.parts import bucket, live, topic
from tests.gallery.plain_function import HANDLERS, function
from tests.gallery.streams import THEIR_STREAM, THEIR_TABLE, THEIR_TABLE_STREAM, stream, table
from tests.limits import ALL
from tests.template import logical_id, statements

OURS, THEIRS = "123456789012", "210987654321"
ROLE_ARN = f"arn:aws:iam::{OURS}:role/theirs"
HOURLY = scheduler.ScheduleExpression.rate(Duration.hours(1))


@pytest.fixture
def stack(app: App) -> Stack:
    return Stack(app, "Stack", env=Environment(account=OURS, region="us-east-1"))


def told(scope: Construct) -> list[tuple[str, dict[str, Any]]]:
    """The infos below a construct: the path of what is imported, and the statement that it needs."""
    infos = [
        str(entry.data)
        for construct in scope.node.find_all()
        for entry in construct.node.metadata
        if entry.type == "aws:cdk:info" and "cannot be changed from here" in str(entry.data)
    ]
    return [
        (
            info.removeprefix("The policy of ").split(" cannot be changed")[0],
            json.loads(info.split("owner must add: ")[1].split(" [ack: ")[0]),
        )
        for info in infos
    ]


def statement(principal: dict[str, Any], action: Any, resource: Any, **condition: Any) -> dict[str, Any]:
    found = {"Action": action, "Effect": "Allow", "Principal": principal, "Resource": resource}
    return found | ({"Condition": condition} if condition else {})


def role_of(worker: lambda_.IFunction) -> dict[str, Any]:
    return {"AWS": {"Fn::GetAtt": [logical_id(worker.role), "Arn"]}}


def arn(service: str, name: str, account: str = OURS) -> str:
    return f"arn:aws:{service}:us-east-1:{account}:{name}"


def key(stack: Stack, account: str = OURS) -> kms.IKey:
    return kms.Key.from_key_arn(stack, "TheirKey", arn("kms", "key/theirs", account))


def queue(stack: Stack, account: str = OURS, **attributes: Any) -> sqs.IQueue:
    given = {"queue_arn": arn("sqs", "theirs", account), **attributes}
    return sqs.Queue.from_queue_attributes(stack, "TheirQueue", **given)


# --- keys ------------------------------------------------------------------------------------------------


def test_an_imported_key_of_a_consumer(stack: Stack) -> None:
    worker = function(stack)
    QueueConsumer(stack, "Made", function=worker, encryption_key=key(stack))
    assert told(stack) == [("Stack/TheirKey", statement(role_of(worker), "kms:Decrypt", "*"))]


def test_an_imported_key_of_a_failure_queue(stack: Stack) -> None:
    worker = function(stack)
    AsyncDestinations(stack, "Made", function=worker, encryption_key=key(stack))
    sending = ["kms:GenerateDataKey", "kms:Decrypt"]
    assert told(stack) == [("Stack/TheirKey", statement(role_of(worker), sending, "*"))]


@pytest.mark.parametrize(("account", "unless"), [(OURS, True), (THEIRS, False)])
def test_a_key_of_this_account_may_leave_it_to_iam(stack: Stack, account: str, unless: bool) -> None:
    made = QueueConsumer(stack, "Made", function=function(stack), encryption_key=key(stack, account))
    (text,) = [str(e.data) for e in made.node.metadata if e.type == "aws:cdk:info"]
    assert ("Unless it leaves permissions to IAM policies" in text) == unless


@pytest.mark.parametrize("named", [False, True], ids=["key", "alias"])
def test_a_key_of_the_app_needs_nobody(stack: Stack, named: bool) -> None:
    mine: kms.IKey = kms.Key(stack, "Key")
    if named:
        mine = kms.Alias(stack, "Alias", alias_name="alias/mine", target_key=mine)
    QueueConsumer(stack, "Made", function=function(stack), encryption_key=mine)
    assert told(stack) == []


# --- dead-letter queues ----------------------------------------------------------------------------------

Source = Callable[[Stack, sqs.IQueue], Any]

SOURCES: dict[str, tuple[Source, str]] = {
    "EventRule": (
        lambda stack, dead: EventRule(
            stack, "Made", function=live(stack), event_pattern=TRIPS, dead_letter_queue=dead
        ),
        "events.amazonaws.com",
    ),
    "BucketEvents": (
        lambda stack, dead: BucketEvents(
            stack, "Made", function=live(stack), bucket=bucket(stack), dead_letter_queue=dead
        ),
        "events.amazonaws.com",
    ),
    "TopicSubscription": (
        lambda stack, dead: TopicSubscription(
            stack, "Made", function=live(stack), topic=topic(stack), dead_letter_queue=dead
        ),
        "sns.amazonaws.com",
    ),
}


@pytest.mark.parametrize("source", SOURCES)
def test_an_imported_dead_letter_queue_and_its_key(stack: Stack, source: str) -> None:
    make, service = SOURCES[source]
    made = make(stack, queue(stack, key_arn=arn("kms", "key/theirs")))
    from_where = (
        {"Ref": logical_id(made.topic)}
        if isinstance(made, TopicSubscription)
        else {"Fn::GetAtt": [logical_id(made.rule), "Arn"]}
    )
    principal = {"Service": service}
    assert [needed for _, needed in told(stack)] == [
        statement(
            principal, "sqs:SendMessage", arn("sqs", "theirs"), ArnEquals={"aws:SourceArn": from_where}
        ),
        statement(principal, ["kms:GenerateDataKey", "kms:Decrypt"], "*"),
    ]


def test_a_dead_letter_queue_of_another_account_behind_a_schedule(stack: Stack) -> None:
    made = ScheduledInvocation(
        stack, "Made", function=live(stack), schedule=HOURLY, dead_letter_queue=queue(stack, THEIRS)
    )
    principal = {"AWS": {"Fn::GetAtt": [logical_id(made.role), "Arn"]}}
    needed = statement(principal, "sqs:SendMessage", arn("sqs", "theirs", THEIRS))
    assert told(stack) == [("Stack/TheirQueue", needed)]
    assert made.dead_letter_alarm is None


# --- topics of alarms ------------------------------------------------------------------------------------

FROM_ALARMS = {"StringEquals": {"aws:SourceAccount": OURS}}
CLOUDWATCH = {"Service": "cloudwatch.amazonaws.com"}


@pytest.mark.parametrize(
    "limits", [limits for limits in ALL if "alarm_topic" in inspect.signature(limits.construct.__init__).parameters],
    ids=lambda limits: limits.construct.__name__,
)  # fmt: skip
def test_an_imported_alarm_topic(stack: Stack, limits: Any) -> None:
    theirs = sns.Topic.from_topic_arn(stack, "Alarms", arn("sns", "alarms"))
    for number in range(2):
        home = Stack(stack, f"Home{number}", env=Environment(account=OURS, region="us-east-1"))
        arguments = {name: make(home) for name, make in limits.otherwise.items()}
        getattr(constructs_lib, limits.construct.__name__)(home, "Made", alarm_topic=theirs, **arguments)
    needed = {"Sid": "AlarmsOfThisAccount"} | statement(
        CLOUDWATCH, "sns:Publish", arn("sns", "alarms"), **FROM_ALARMS
    )
    assert told(stack) == [("Stack/Alarms", needed)], "once, whoever uses the topic"


def test_an_alarm_topic_under_an_imported_key(stack: Stack) -> None:
    mine = sns.Topic(stack, "Alarms", master_key=key(stack))
    EventRule(stack, "Made", function=live(stack), event_pattern=TRIPS, alarm_topic=mine)
    needed = statement(CLOUDWATCH, ["kms:GenerateDataKey*", "kms:Decrypt"], "*", **FROM_ALARMS)
    assert told(stack) == [("Stack/TheirKey", needed)]


# --- what belongs to another account ---------------------------------------------------------------------


def test_the_owner_of_a_queue_in_another_account_gets_the_statement_to_receive(stack: Stack) -> None:
    worker = function(stack)
    theirs = queue(stack, THEIRS)
    QueueConsumer(stack, "Made", function=worker, queue=theirs)
    receiving = [
        "sqs:ReceiveMessage",
        "sqs:ChangeMessageVisibility",
        "sqs:GetQueueUrl",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
    ]
    needed = statement(role_of(worker), receiving, arn("sqs", "theirs", THEIRS))
    assert told(stack) == [("Stack/TheirQueue", needed)]


READING = [
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
]


@pytest.mark.parametrize("account", [OURS, THEIRS])
def test_a_stream_of_another_account_is_told_to_let_the_function_read(stack: Stack, account: str) -> None:
    worker = function(stack)
    their_arn = THEIR_STREAM.replace(THEIRS, account)
    theirs = kinesis.Stream.from_stream_arn(stack, "Theirs", their_arn)
    KinesisConsumer(stack, "Made", function=worker, stream=theirs)
    expected = [("Stack/Theirs", statement(role_of(worker), READING, their_arn))]
    assert told(stack) == (expected if account == THEIRS else [])


def test_a_stream_consumer_of_another_account_is_told_to_let_the_function_subscribe(stack: Stack) -> None:
    worker = function(stack)
    consumer_arn = f"{THEIR_STREAM}/consumer/ours:1"
    consumer = kinesis.StreamConsumer.from_stream_consumer_arn(stack, "Theirs", consumer_arn)
    KinesisConsumer(stack, "Made", function=worker, stream=consumer.stream, stream_consumer=consumer)
    subscribing = ["kinesis:DescribeStreamConsumer", "kinesis:SubscribeToShard"]
    assert [needed for _, needed in told(stack)] == [
        statement(role_of(worker), READING, THEIR_STREAM),
        statement(role_of(worker), subscribing, consumer_arn),
    ]


@pytest.mark.parametrize("version", [dynamodb.Table, dynamodb.TableV2])
@pytest.mark.parametrize("account", [OURS, THEIRS])
def test_a_table_of_another_account_is_told_to_let_the_function_read(
    stack: Stack, version: Any, account: str
) -> None:
    worker = function(stack)
    table_arn, stream_arn = (each.replace(THEIRS, account) for each in (THEIR_TABLE, THEIR_TABLE_STREAM))
    theirs = version.from_table_attributes(stack, "Theirs", table_arn=table_arn, table_stream_arn=stream_arn)
    TableStreamConsumer(stack, "Made", function=worker, table=theirs)
    reading = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
    expected = [
        ("Stack/Theirs", statement(role_of(worker), reading, stream_arn)),
        ("Stack/Theirs", statement(role_of(worker), "dynamodb:ListStreams", f"{table_arn}/stream/*")),
    ]
    assert told(stack) == (expected if account == THEIRS else [])


def test_redrive_from_a_queue_is_told_what_it_reads_of_another_account(stack: Stack) -> None:
    theirs = kinesis.Stream.from_stream_arn(stack, "Theirs", THEIR_STREAM)
    made = KinesisConsumer(
        stack, "Made", function=function(stack), stream=theirs, on_failure=queue(stack), redrive=True
    )
    assert made.redrive_function is not None
    again = ["kinesis:GetRecords", "kinesis:GetShardIterator"]
    assert told(stack)[-1][1] == statement(role_of(made.redrive_function), again, THEIR_STREAM)


@pytest.mark.parametrize("target", ["queue", "topic", "bucket"])
def test_a_target_of_streams_is_told_to_let_the_function_send(stack: Stack, target: str) -> None:
    make, actions = TARGETS[target]
    worker, place = function(stack), make(stack)
    KinesisConsumer(stack, "Positions", function=worker, stream=stream(stack), on_failure=place)
    TableStreamConsumer(stack, "Changes", function=worker, table=table(stack), on_failure=place)
    expected = [
        statement(role_of(worker), action, resource.replace("/async/*", "/*")) for action, resource in actions
    ]
    assert [needed for _, needed in told(stack)] == expected * 2


TARGETS: dict[str, tuple[Callable[[Stack], Any], list[tuple[str, str]]]] = {
    "queue": (
        lambda stack: queue(stack, THEIRS),
        [("sqs:SendMessage", arn("sqs", "theirs", THEIRS))],
    ),
    "topic": (
        lambda stack: sns.Topic.from_topic_arn(stack, "Their", arn("sns", "theirs", THEIRS)),
        [("sns:Publish", arn("sns", "theirs", THEIRS))],
    ),
    "bus": (
        lambda stack: events.EventBus.from_event_bus_arn(stack, "Their", arn("events", "event-bus/x", THEIRS)),
        [("events:PutEvents", arn("events", "event-bus/x", THEIRS))],
    ),
    "function": (
        lambda stack: lambda_.Function.from_function_arn(stack, "Their", arn("lambda", "function:x", THEIRS)),
        [("lambda:InvokeFunction", arn("lambda", "function:x", THEIRS))],
    ),
    "bucket": (
        lambda stack: s3.Bucket.from_bucket_attributes(stack, "Their", bucket_arn="arn:aws:s3:::their", account=THEIRS),
        [("s3:ListBucket", "arn:aws:s3:::their"), ("s3:PutObject", "arn:aws:s3:::their/aws/lambda/async/*")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
def test_the_owner_of_a_target_in_another_account_gets_the_statement_to_send(
    stack: Stack, target: str
) -> None:
    make, actions = TARGETS[target]
    worker = function(stack)
    made = AsyncDestinations(stack, "Made", function=worker, on_failure=make(stack))
    assert [needed for _, needed in told(stack)] == [
        statement(role_of(worker), action, resource) for action, resource in actions
    ]
    assert made.failure_queue_alarm is None


def test_the_owner_of_a_topic_in_another_account_gets_the_statement_to_subscribe(stack: Stack) -> None:
    theirs = sns.Topic.from_topic_arn(stack, "Theirs", arn("sns", "theirs", THEIRS))
    made = TopicSubscription(stack, "Made", function=live(stack), topic=theirs)
    principal = {"AWS": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, f":iam::{OURS}:root"]]}}
    assert told(stack) == [
        ("Stack/Theirs", statement(principal, "sns:Subscribe", arn("sns", "theirs", THEIRS)))
    ]
    assert made.undelivered_alarm is None, "its metric is in the other account"
    assert made.dead_letter_alarm is not None


# --- roles -----------------------------------------------------------------------------------------------


def with_role(stack: Stack, role: iam.IRole) -> lambda_.Function:
    return lambda_.Function(
        stack,
        "Worker",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="app.handle",
        code=lambda_.Code.from_asset(str(HANDLERS / "plain")),
        role=role,
    )


ROLES: dict[str, tuple[Callable[[Stack], iam.IRole], bool]] = {
    "imported": (lambda stack: iam.Role.from_role_arn(stack, "Role", ROLE_ARN), True),
    "imported, not to be changed": (
        lambda stack: iam.Role.from_role_arn(stack, "Role", ROLE_ARN, mutable=False),
        False,
    ),
    "imported from another account": (
        lambda stack: iam.Role.from_role_arn(stack, "Role", f"arn:aws:iam::{THEIRS}:role/theirs"),
        False,
    ),
    "ours, not to be changed": (
        lambda stack: iam.Role(
            stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")
        ).without_policy_updates(),
        False,
    ),
}


@pytest.mark.parametrize("elsewhere", [False, True], ids=["one stack", "another stack"])
@pytest.mark.parametrize("role", ROLES)
def test_the_owner_of_a_role_that_cannot_be_changed_gets_the_statement(
    app: App, stack: Stack, role: str, elsewhere: bool
) -> None:
    make, takes = ROLES[role]
    worker = with_role(stack, make(stack))
    home = Stack(app, "Home", env=Environment(account=OURS, region="us-east-1")) if elsewhere else stack
    AsyncDestinations(home, "Made", function=worker)
    found = told(home)
    if takes:
        assert found == []
        return
    ((path, needed),) = found
    assert path == worker.role.node.path  # type: ignore[union-attr]
    assert needed["Action"] == "sqs:SendMessage"
    assert "Principal" not in needed


def test_an_imported_role_has_its_permissions_from_any_stack(app: App, stack: Stack) -> None:
    worker = with_role(stack, iam.Role.from_role_arn(stack, "Role", ROLE_ARN))
    home = Stack(app, "Home", env=Environment(account=OURS, region="us-east-1"))
    made = AsyncDestinations(home, "Made", function=worker)
    policy = made.node.find_child("RolePolicy")
    assert isinstance(policy, iam.Policy)
    assert home.resolve(policy.node.default_child.roles) == ["theirs"]  # type: ignore[union-attr]
    app.synth()


def test_a_role_of_the_app_is_changed(stack: Stack) -> None:
    worker = function(stack)
    made = AsyncDestinations(stack, "Made", function=worker)
    assert told(stack) == []
    assert made.failure_queue is not None
    place = {"Fn::GetAtt": [logical_id(made.failure_queue), "Arn"]}
    assert any(each["Resource"] == place for each in statements(worker.role))
