"""The promises of AsyncDestinations, one test each; none rests on a snapshot."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import (
    App,
    CfnParameter,
    Duration,
    Environment,
    RemovalPolicy,
    Stack,
)
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template

from constructs_lib import (
    AsyncDestinations,
    InvalidPropsError,
)
from tests.gallery.parts import bucket, key, live, queue, topic
from tests.gallery.plain_function import function
from tests.template import granted, logical_id, of_type, properties, resource


def imported_alias(stack: Stack) -> lambda_.IFunction:
    return lambda_.Function.from_function_attributes(
        stack,
        "Theirs",
        function_arn="arn:aws:lambda:us-east-1:123456789012:function:theirs:live",
        role=iam.Role.from_role_arn(stack, "TheirRole", "arn:aws:iam::123456789012:role/theirs"),
    )


def destination(made: AsyncDestinations, outcome: str) -> Any:
    return properties(made.event_invoke_config)["DestinationConfig"][outcome]["Destination"]


# --- where the configuration is --------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["alias", "version", "function"])
def test_the_configuration_is_on_what_is_called(stack: Stack, what: str) -> None:
    worker = function(stack)
    version = worker.current_version
    called, qualifier = {
        "alias": (live(worker), "live"),
        "version": (version, stack.resolve(version.version)),
        "function": (worker, "$LATEST"),
    }[what]
    config = properties(AsyncDestinations(stack, "Results", function=called).event_invoke_config)
    assert config["FunctionName"] == {"Ref": logical_id(worker)}
    assert config["Qualifier"] == qualifier


def test_the_configuration_of_an_alias_waits_for_it(stack: Stack) -> None:
    called = live(stack)
    made = AsyncDestinations(stack, "Results", function=called)
    assert resource(made.event_invoke_config)["DependsOn"] == [logical_id(called)]


def test_an_imported_alias_is_called_by_its_qualifier(stack: Stack) -> None:
    theirs = imported_alias(stack)
    config = properties(AsyncDestinations(stack, "Results", function=theirs).event_invoke_config)
    assert (config["FunctionName"], config["Qualifier"]) == ("theirs", "live")


def test_two_qualifiers_have_two_configurations(stack: Stack) -> None:
    worker = function(stack)
    AsyncDestinations(stack, "OfTheAlias", function=live(worker))
    AsyncDestinations(stack, "OfTheFunction", function=worker)
    assert {config["Qualifier"] for config in of_type(stack, "AWS::Lambda::EventInvokeConfig").values()} == {
        "live",
        "$LATEST",
    }


# --- what it says --------------------------------------------------------------------------------------


def test_events_are_retried_twice_and_kept_six_hours(stack: Stack) -> None:
    config = properties(AsyncDestinations(stack, "Results", function=live(stack)).event_invoke_config)
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (2, 6 * 3600)


def test_retries_and_age_are_as_set(stack: Stack) -> None:
    made = AsyncDestinations(
        stack, "Results", function=live(stack), retry_attempts=0, max_event_age=Duration.minutes(10)
    )
    config = properties(made.event_invoke_config)
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (0, 600)


def test_failures_are_kept_in_a_queue_of_their_own(stack: Stack) -> None:
    made = AsyncDestinations(stack, "Results", function=live(stack))
    assert made.failure_queue is not None
    assert destination(made, "OnFailure") == {"Fn::GetAtt": [logical_id(made.failure_queue), "Arn"]}
    kept = resource(made.failure_queue)
    assert kept["Properties"]["SqsManagedSseEnabled"] is True
    assert kept["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert kept["DeletionPolicy"] == "Retain"


def test_the_failure_queue_wants_tls(stack: Stack) -> None:
    made = AsyncDestinations(stack, "Results", function=live(stack))
    (policy,) = of_type(stack, "AWS::SQS::QueuePolicy").values()
    (denied,) = policy["PolicyDocument"]["Statement"]
    assert policy["Queues"] == [{"Ref": logical_id(made.failure_queue)}]
    assert (denied["Effect"], denied["Action"]) == ("Deny", "sqs:*")
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_failure_queue_is_deleted_with_the_stack_when_set(stack: Stack) -> None:
    made = AsyncDestinations(stack, "Results", function=live(stack), removal_policy=RemovalPolicy.DESTROY)
    assert resource(made.failure_queue)["DeletionPolicy"] == "Delete"


# --- targets and permissions ---------------------------------------------------------------------------

TARGETS: dict[str, tuple[Callable[[Stack], Any], str, set[str]]] = {
    "queue": (queue, "queue_arn", {"sqs:SendMessage"}),
    "topic": (topic, "topic_arn", {"sns:Publish"}),
    "bus": (lambda stack: events.EventBus(stack, "Bus"), "event_bus_arn", {"events:PutEvents"}),
    "alias": (lambda stack: live(function(stack, "Other"), "OtherLive"), "function_arn", {"lambda:InvokeFunction"}),
}  # fmt: skip


@pytest.mark.parametrize("outcome", ["on_success", "on_failure"])
@pytest.mark.parametrize("target", TARGETS)
def test_records_go_to_the_target_and_the_role_may_send_there_alone(
    stack: Stack, target: str, outcome: str
) -> None:
    make, arn_of, actions = TARGETS[target]
    worker = function(stack)
    place = make(stack)
    made = AsyncDestinations(stack, "Results", function=live(worker), **{outcome: place})
    arn = stack.resolve(getattr(place, arn_of))
    assert destination(made, {"on_success": "OnSuccess", "on_failure": "OnFailure"}[outcome]) == arn
    assert granted(worker.role, arn) == actions


def test_failures_go_into_a_bucket(stack: Stack) -> None:
    worker, records = function(stack), bucket(stack)
    made = AsyncDestinations(stack, "Results", function=live(worker), on_failure=records)
    arn = stack.resolve(records.bucket_arn)
    assert destination(made, "OnFailure") == arn
    assert granted(worker.role, arn) == {"s3:ListBucket"}
    below = {"Fn::Join": ["", [arn, "/aws/lambda/async/*"]]}
    assert granted(worker.role, below) == {"s3:PutObject"}
    assert made.failure_queue is None
    assert made.failure_queue_alarm is None


@pytest.mark.parametrize(
    ("make", "actions"),
    [
        (lambda stack, secret: queue(stack, encryption_key=secret), {"kms:GenerateDataKey", "kms:Decrypt"}),
        (lambda stack, secret: topic(stack, master_key=secret), {"kms:GenerateDataKey", "kms:Decrypt"}),
        (lambda stack, secret: bucket(stack, encryption_key=secret), {"kms:GenerateDataKey"}),
    ],
    ids=["queue", "topic", "bucket"],
)
def test_the_role_may_use_the_key_of_the_target(
    stack: Stack, make: Callable[[Stack, Any], Any], actions: set[str]
) -> None:
    worker, secret = function(stack), key(stack)
    AsyncDestinations(stack, "Results", function=live(worker), on_failure=make(stack, secret))
    assert granted(worker.role, stack.resolve(secret.key_arn)) == actions


def test_a_key_of_yours_encrypts_the_failure_queue(stack: Stack) -> None:
    worker, secret = function(stack), key(stack)
    made = AsyncDestinations(stack, "Results", function=live(worker), encryption_key=secret)
    arn = stack.resolve(secret.key_arn)
    assert properties(made.failure_queue)["KmsMasterKeyId"] == arn
    assert granted(worker.role, arn) == {"kms:GenerateDataKey", "kms:Decrypt"}


# --- alarms --------------------------------------------------------------------------------------------

ALARMS = {
    "dropped_alarm": ("AsyncEventsDropped", "Sum", 0, 1),
    "event_age_alarm": ("AsyncEventAge", "Maximum", 900_000, 2),
    "delivery_alarm": ("DestinationDeliveryFailures", "Sum", 0, 1),
    "failure_queue_alarm": ("ApproximateNumberOfMessagesVisible", "Maximum", 0, 1),
}


@pytest.mark.parametrize("alarm", ALARMS)
def test_every_alarm_watches_its_metric_and_notifies_its_topic(stack: Stack, alarm: str) -> None:
    mine = sns.Topic(stack, "Mine")
    made = AsyncDestinations(stack, "Results", function=live(stack), alarm_topic=mine)
    found = properties(getattr(made, alarm))
    assert (
        found["MetricName"],
        found["Statistic"],
        found["Threshold"],
        found["DatapointsToAlarm"],
    ) == ALARMS[alarm]
    assert found["ComparisonOperator"] == "GreaterThanThreshold"
    assert found["TreatMissingData"] == ("ignore" if alarm == "failure_queue_alarm" else "notBreaching")
    assert found["AlarmActions"] == [{"Ref": logical_id(mine)}]


@pytest.mark.parametrize("alarm", ["dropped_alarm", "event_age_alarm", "delivery_alarm"])
def test_alarms_watch_the_alias(stack: Stack, alarm: str) -> None:
    worker = function(stack)
    made = AsyncDestinations(stack, "Results", function=live(worker))
    qualified = {"Fn::Join": ["", [{"Ref": logical_id(worker)}, ":live"]]}
    assert {"Name": "Resource", "Value": qualified} in properties(getattr(made, alarm))["Dimensions"]


@pytest.mark.parametrize("alarm", ["dropped_alarm", "event_age_alarm", "delivery_alarm"])
def test_alarms_watch_the_version_by_its_function(stack: Stack, alarm: str) -> None:
    worker = function(stack)
    version = worker.current_version
    made = AsyncDestinations(stack, "Results", function=version)
    name = {"Ref": logical_id(worker)}
    number = {"Fn::GetAtt": [logical_id(version), "Version"]}
    assert properties(getattr(made, alarm))["Dimensions"] == [
        {"Name": "FunctionName", "Value": name},
        {"Name": "Resource", "Value": {"Fn::Join": ["", [name, ":", number]]}},
    ]


@pytest.mark.parametrize("alarm", ["dropped_alarm", "event_age_alarm", "delivery_alarm"])
def test_alarms_watch_an_imported_alias_by_its_function(stack: Stack, alarm: str) -> None:
    theirs = imported_alias(stack)
    made = AsyncDestinations(stack, "Results", function=theirs)
    assert properties(getattr(made, alarm))["Dimensions"] == [
        {"Name": "FunctionName", "Value": "theirs"},
        {"Name": "Resource", "Value": "theirs:live"},
    ]


@pytest.mark.parametrize("yours", [False, True], ids=["made", "yours"])
def test_the_alarm_on_failures_watches_their_queue(stack: Stack, yours: bool) -> None:
    given = queue(stack) if yours else None
    made = AsyncDestinations(stack, "Results", function=live(stack), on_failure=given)
    name = {"Fn::GetAtt": [logical_id(given or made.failure_queue), "QueueName"]}
    assert properties(made.failure_queue_alarm)["Dimensions"] == [{"Name": "QueueName", "Value": name}]


@pytest.mark.parametrize(
    ("arguments", "seconds"),
    [
        ({"max_event_age": Duration.minutes(10)}, 300),
        ({"event_age": Duration.minutes(3)}, 180),
        ({"max_event_age": Duration.minutes(10), "event_age": Duration.minutes(9)}, 540),
    ],
)
def test_the_age_alarm_comes_before_events_are_dropped(
    stack: Stack, arguments: dict[str, Duration], seconds: int
) -> None:
    made = AsyncDestinations(stack, "Results", function=live(stack), **arguments)  # type: ignore[arg-type]
    assert properties(made.event_age_alarm)["Threshold"] == seconds * 1000


# --- redrive -------------------------------------------------------------------------------------------


def test_redrive_may_take_records_and_call_the_alias_and_nothing_else(stack: Stack) -> None:
    called = live(stack)
    made = AsyncDestinations(stack, "Results", function=called, redrive=True)
    assert made.redrive_function is not None
    role = made.redrive_function.role
    queue_arn = {"Fn::GetAtt": [logical_id(made.failure_queue), "Arn"]}
    assert granted(role, queue_arn) == {
        "sqs:ReceiveMessage",
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
    }
    alias_arn = {"Ref": logical_id(called)}
    assert granted(role, alias_arn) == {"lambda:InvokeFunction"}
    assert properties(made.redrive_function)["Environment"]["Variables"] == {
        "REDRIVE_QUEUE_URL": {"Ref": logical_id(made.failure_queue)},
        "REDRIVE_FUNCTION": alias_arn,
    }


def test_the_package_of_redrive_is_one_file(stack: Stack) -> None:
    made = AsyncDestinations(stack, "Results", function=live(stack), redrive=True)
    assert made.redrive_function is not None
    names = {path.name for path in made.redrive_function.package.path.rglob("*.py")}
    assert names == {"redrive.py"}


def test_there_is_no_redrive_unless_asked_for(stack: Stack) -> None:
    made = AsyncDestinations(stack, "Results", function=live(stack))
    assert made.redrive_function is None
    Template.from_stack(stack).resource_count_is("AWS::Lambda::Function", 1)


# --- refused: one configuration, and no dead-letter queue -------------------------------------------------


@pytest.mark.parametrize("first", ["ours", "CDK's"])
@pytest.mark.parametrize("on", [live, lambda worker: worker], ids=["alias", "function"])
def test_a_second_configuration_on_one_qualifier_is_refused(stack: Stack, first: str, on: Any) -> None:
    called = on(function(stack))
    if first == "ours":
        AsyncDestinations(stack, "First", function=called)
    else:
        called.configure_async_invoke(retry_attempts=1)
    with pytest.raises(InvalidPropsError, match="has an asynchronous configuration on"):
        AsyncDestinations(stack, "Second", function=called)
    assert stack.node.try_find_child("Second") is None


@pytest.mark.parametrize("first", ["created", "imported"])
def test_an_import_by_the_arn_of_a_function_of_the_app_is_that_function(stack: Stack, first: str) -> None:
    created = function(stack)
    imported = lambda_.Function.from_function_attributes(
        stack, "Imported", function_arn=created.function_arn, role=created.role
    )
    one, other = (created, imported) if first == "created" else (imported, created)
    AsyncDestinations(stack, "First", function=one)
    with pytest.raises(InvalidPropsError, match=r"has an asynchronous configuration on \$LATEST already"):
        AsyncDestinations(stack, "Second", function=other)
    AsyncDestinations(stack, "OfAlias", function=live(created))
    AsyncDestinations(stack, "OfTheirs", function=imported_alias(stack))


@pytest.mark.parametrize(
    "arguments",
    [
        lambda stack: {"dead_letter_queue_enabled": True},
        lambda stack: {"dead_letter_topic": sns.Topic(stack, "Dead")},
    ],
    ids=["queue", "topic"],
)
def test_a_function_with_a_dead_letter_queue_is_refused(stack: Stack, arguments: Any) -> None:
    worker = lambda_.Function(
        stack,
        "Plain",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handle",
        code=lambda_.Code.from_inline("def handle(event, context): pass"),
        **arguments(stack),
    )
    called = lambda_.Alias(stack, "Live", alias_name="live", version=worker.current_version)
    with pytest.raises(InvalidPropsError, match="has a dead-letter queue: Lambda would send each"):
        AsyncDestinations(stack, "Results", function=called)
    assert stack.node.try_find_child("Results") is None


@pytest.mark.parametrize("argument", ["on_success", "on_failure"])
def test_the_function_itself_is_refused_as_a_destination(stack: Stack, argument: str) -> None:
    called = live(stack)
    with pytest.raises(
        InvalidPropsError, match=f"{argument} cannot be the function itself, got Stack/Function"
    ):
        AsyncDestinations(stack, "Results", function=called, **{argument: called.lambda_})  # type: ignore[arg-type]
    assert stack.node.try_find_child("Results") is None


@pytest.mark.parametrize(
    ("age", "threshold", "expression"),
    [
        (lambda number: Duration.millis(number), {"Ref": "Age"}, None),
        (lambda number: Duration.seconds(number), {"Ref": "Age"}, "age / 1000"),
        (lambda number: Duration.minutes(number), {"Ref": "Age"}, "age / 60000"),
    ],
    ids=["milliseconds", "seconds", "minutes"],
)
def test_an_age_that_is_known_at_deployment_is_alarmed_at_in_its_own_unit(
    stack: Stack, age: Any, threshold: Any, expression: str | None
) -> None:
    number = CfnParameter(stack, "Age", type="Number").value_as_number
    made = AsyncDestinations(stack, "Results", function=live(stack), event_age=age(number))
    alarm = properties(made.event_age_alarm)
    assert alarm["Threshold"] == threshold
    assert [each["Expression"] for each in alarm.get("Metrics", []) if "Expression" in each] == (
        [expression] if expression else []
    )


def test_a_queue_of_another_account_is_not_watched(app: App) -> None:
    stack = Stack(app, "Ours", env=Environment(account="123456789012", region="us-east-1"))
    theirs = sqs.Queue.from_queue_arn(stack, "Theirs", "arn:aws:sqs:us-east-1:210987654321:failed")
    made = AsyncDestinations(stack, "Results", function=live(stack), on_failure=theirs)
    assert destination(made, "OnFailure") == "arn:aws:sqs:us-east-1:210987654321:failed"
    assert made.failure_queue_alarm is None
