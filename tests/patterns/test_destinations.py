"""The promises of AsyncDestinations, one test each; none rests on a snapshot."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import (
    App,
    Aws,
    CfnCondition,
    CfnParameter,
    Duration,
    Environment,
    Fn,
    RemovalPolicy,
    Stack,
    Stage,
)
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template

from constructs_lib import (
    AsyncDestinations,
    BucketEvents,
    EventRule,
    InvalidPropsError,
    QueueConsumer,
    TopicSubscription,
)
from tests.gallery.parts import bucket, key, live, queue, topic
from tests.gallery.plain_function import function
from tests.reading import granted, logical_id, properties, resource, resources


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
    assert {config["Qualifier"] for config in resources(stack, "AWS::Lambda::EventInvokeConfig")} == {
        "live",
        "$LATEST",
    }


# --- what it says --------------------------------------------------------------------------------------


def test_events_are_retried_twice_and_kept_six_hours(stack: Stack) -> None:
    config = properties(AsyncDestinations(stack, "Results", function=live(stack)).event_invoke_config)
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (2, 6 * 3600)


def test_retries_and_age_are_as_said(stack: Stack) -> None:
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
    (policy,) = resources(stack, "AWS::SQS::QueuePolicy")
    (denied,) = policy["PolicyDocument"]["Statement"]
    assert policy["Queues"] == [{"Ref": logical_id(made.failure_queue)}]
    assert (denied["Effect"], denied["Action"]) == ("Deny", "sqs:*")
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_failure_queue_goes_with_the_stack_when_told_to(stack: Stack) -> None:
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
def test_every_alarm_watches_its_metric_and_tells_somebody(stack: Stack, alarm: str) -> None:
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


# --- refused: loops ------------------------------------------------------------------------------------


def by_a_consumer(stack: Stack, called: lambda_.Alias) -> Any:
    place = queue(stack)
    called.add_event_source(sources.SqsEventSource(place))
    return place


def by_our_consumer(stack: Stack, called: lambda_.Alias) -> Any:
    return QueueConsumer(stack, "Consumer", function=called).queue


def by_a_subscription(stack: Stack, called: lambda_.Alias) -> Any:
    place = topic(stack)
    place.add_subscription(subscriptions.LambdaSubscription(called))
    return place


def by_our_subscription(stack: Stack, called: lambda_.Alias) -> Any:
    return TopicSubscription(stack, "Subscription", function=called, topic=topic(stack)).topic


def by_a_topic_and_a_queue(stack: Stack, called: lambda_.Alias) -> Any:
    place = topic(stack)
    place.add_subscription(subscriptions.SqsSubscription(by_a_consumer(stack, called)))
    return place


def by_a_rule(stack: Stack, called: lambda_.Alias) -> Any:
    bus = events.EventBus(stack, "Bus")
    pattern = events.EventPattern(source=["lambda"])
    events.Rule(stack, "Rule", event_bus=bus, event_pattern=pattern, targets=[targets.LambdaFunction(called)])
    return bus


def by_our_rule(stack: Stack, called: lambda_.Alias) -> Any:
    bus = events.EventBus(stack, "Bus")
    pattern = events.EventPattern(source=events.Match.prefix("lam"))
    EventRule(stack, "Rule", function=called, event_bus=bus, event_pattern=pattern)
    return bus


def by_two_buses(stack: Stack, called: lambda_.Alias) -> Any:
    first = events.EventBus(stack, "First")
    events.Rule(
        stack,
        "Onward",
        event_bus=first,
        event_pattern=events.EventPattern(account=["123456789012"]),
        targets=[targets.EventBus(by_a_rule(stack, called))],
    )
    return first


def by_a_bus_and_a_queue(stack: Stack, called: lambda_.Alias) -> Any:
    bus = events.EventBus(stack, "Bus")
    events.Rule(
        stack,
        "Rule",
        event_bus=bus,
        event_pattern=events.EventPattern(source=["lambda"]),
        targets=[targets.SqsQueue(by_a_consumer(stack, called))],
    )
    return bus


def default_bus(stack: Stack) -> events.IEventBus:
    return events.EventBus.from_event_bus_name(stack, "Default", "default")


def by_the_default_bus(stack: Stack, called: lambda_.Alias) -> Any:
    pattern = events.EventPattern(source=["lambda"])
    events.Rule(stack, "Rule", event_pattern=pattern, targets=[targets.LambdaFunction(called)])
    return default_bus(stack)


def by_another_function(stack: Stack, called: lambda_.Alias) -> Any:
    other = live(function(stack, "Other"), "OtherLive")
    AsyncDestinations(stack, "Back", function=other, on_success=by_a_consumer(stack, called))
    return other


def by_its_bucket(stack: Stack, called: lambda_.Alias) -> Any:
    return BucketEvents(stack, "Objects", function=called, bucket=bucket(stack)).bucket


def by_a_notification(stack: Stack, called: lambda_.Alias) -> Any:
    place = bucket(stack)
    place.add_object_created_notification(notifications.LambdaDestination(called))
    return place


def by_the_function_itself(stack: Stack, called: lambda_.Alias) -> Any:
    return called.lambda_


WAYS_BACK = (
    by_a_consumer,
    by_our_consumer,
    by_a_subscription,
    by_our_subscription,
    by_a_topic_and_a_queue,
    by_a_rule,
    by_our_rule,
    by_two_buses,
    by_a_bus_and_a_queue,
    by_the_default_bus,
    by_another_function,
    by_its_bucket,
    by_a_notification,
    by_the_function_itself,
)


@pytest.mark.parametrize("way", WAYS_BACK)
def test_a_destination_that_leads_back_is_refused(stack: Stack, way: Any) -> None:
    called = live(stack)
    place = way(stack, called)
    with pytest.raises(InvalidPropsError, match="for ever"):
        AsyncDestinations(stack, "Results", function=called, on_failure=place)
    assert stack.node.try_find_child("Results") is None


def test_a_loop_over_two_stacks_is_refused(app: App) -> None:
    ours, theirs = Stack(app, "Ours"), Stack(app, "Theirs")
    called = live(ours)
    place = queue(theirs)
    called.add_event_source(sources.SqsEventSource(place))
    with pytest.raises(InvalidPropsError, match="leads back to the function, through Ours/Live"):
        AsyncDestinations(ours, "Results", function=called, on_success=place)


def closed_by_a_consumer(stack: Stack, called: lambda_.Alias, place: sqs.Queue) -> None:
    called.add_event_source(sources.SqsEventSource(place))


def closed_by_a_subscription(stack: Stack, called: lambda_.Alias, place: sns.Topic) -> None:
    place.add_subscription(subscriptions.LambdaSubscription(called))


def closed_by_a_notification(stack: Stack, called: lambda_.Alias, place: s3.Bucket) -> None:
    place.add_object_created_notification(notifications.LambdaDestination(called))


def closed_by_a_rule_for_objects(stack: Stack, called: lambda_.Alias, place: s3.Bucket) -> None:
    pattern = events.EventPattern(source=["aws.s3"], detail={"bucket": {"name": [place.bucket_name]}})
    events.Rule(stack, "Rule", event_pattern=pattern, targets=[targets.LambdaFunction(called)])


def closed_by_a_rule_of_the_default_bus(stack: Stack, called: lambda_.Alias, place: object) -> None:
    pattern = events.EventPattern(source=["lambda"])
    events.Rule(stack, "Rule", event_pattern=pattern, targets=[targets.LambdaFunction(called)])


def closed_by_a_rule(stack: Stack, called: lambda_.Alias, place: events.EventBus) -> None:
    pattern = events.EventPattern(detail_type=events.Match.prefix("Lambda"))
    to = targets.LambdaFunction(called)
    late = Stack(App.of(stack), "Late")
    events.Rule(late, "Rule", event_bus=place, event_pattern=pattern, targets=[to])


@pytest.mark.parametrize(
    ("make", "close"),
    [
        (queue, closed_by_a_consumer),
        (topic, closed_by_a_subscription),
        (lambda stack: events.EventBus(stack, "Bus"), closed_by_a_rule),
        (default_bus, closed_by_a_rule_of_the_default_bus),
        (bucket, closed_by_a_notification),
        (bucket, closed_by_a_rule_for_objects),
    ],
)
def test_a_loop_that_is_closed_later_fails_synth(app: App, stack: Stack, make: Any, close: Any) -> None:
    called, place = live(stack), make(stack)
    AsyncDestinations(stack, "Results", function=called, on_failure=place)
    close(stack, called, place)
    with pytest.raises(RuntimeError, match="sends results that lead back to Stack/Function"):
        app.synth()


@pytest.mark.parametrize(
    "other",
    [
        lambda app: Stack(app, "Other", env=Environment(account="111111111111", region="eu-west-1")),
        lambda app: Stack(app, "Other"),
        lambda app: Stack(
            Stage(app, "Prod", env=Environment(account="222222222222", region="us-east-1")), "Other"
        ),
    ],
    ids=["another region", "no environment", "another stage"],
)
def test_an_app_of_several_environments_is_looked_at_too(app: App, other: Any) -> None:
    ours = Stack(app, "Ours", env=Environment(account="111111111111", region="us-east-1"))
    AsyncDestinations(ours, "Results", function=live(ours), on_success=queue(ours))
    elsewhere = other(app)
    queue(elsewhere, "Theirs")
    function(elsewhere, "Worker")
    app.synth()


@pytest.mark.parametrize(
    "pattern",
    [
        {"detail": {"object": ["order"]}},
        {"detail": {"bucket": ["gold"]}},
        {"detail": {"object": {"key": {"x": ["y"]}}}},
    ],
    ids=["text for an object", "text for a bucket", "deeper"],
)
def test_a_rule_for_other_shapes_is_none_of_a_buckets(
    app: App, stack: Stack, pattern: dict[str, Any]
) -> None:
    called = live(stack)
    to = targets.LambdaFunction(called)
    events.Rule(stack, "Rule", event_pattern=events.EventPattern(**pattern), targets=[to])
    AsyncDestinations(stack, "Results", function=called, on_failure=bucket(stack))
    app.synth()


def test_a_rule_for_buckets_of_such_a_name_leads_back(stack: Stack) -> None:
    called = live(stack)
    records = s3.Bucket(stack, "Records", bucket_name="records-1")
    pattern = events.EventPattern(source=["aws.s3"], detail={"bucket": {"name": [{"prefix": "records-"}]}})
    events.Rule(stack, "Rule", event_pattern=pattern, targets=[targets.LambdaFunction(called)])
    with pytest.raises(InvalidPropsError, match="leads back to the function"):
        AsyncDestinations(
            stack,
            "Results",
            function=called,
            on_failure=s3.Bucket.from_bucket_name(stack, "Named", "records-1"),
        )
    assert records.node.path


def test_a_rule_whose_targets_are_decided_at_deployment_is_passed_over(app: App, stack: Stack) -> None:
    condition = CfnCondition(stack, "Condition", expression=Fn.condition_equals(Aws.REGION, "us-east-1"))
    decided = Fn.condition_if(condition.logical_id, [], Aws.NO_VALUE)
    events.CfnRule(stack, "Rule", event_pattern={"source": ["lambda"]}, targets=decided)
    AsyncDestinations(stack, "Results", function=live(stack), on_success=default_bus(stack))
    app.synth()


def test_a_clock_calls_nobody_back(app: App, stack: Stack) -> None:
    called = live(stack)
    hourly = events.Schedule.rate(Duration.hours(1))
    events.Rule(stack, "Rule", schedule=hourly, targets=[targets.LambdaFunction(called)])
    AsyncDestinations(stack, "Results", function=called, on_success=default_bus(stack))
    app.synth()


def test_a_way_back_that_is_meant_is_said_on_the_function(app: App, stack: Stack) -> None:
    called = live(function(stack, recursive_loop=lambda_.RecursiveLoop.ALLOW))
    bus = events.EventBus(stack, "Bus")
    pattern = events.EventPattern(
        source=["lambda"], resources=["arn:aws:lambda:us-east-1:123456789012:function:a"]
    )
    EventRule(stack, "Rule", function=called, event_bus=bus, event_pattern=pattern)
    AsyncDestinations(stack, "Results", function=called, on_success=bus)
    app.synth()


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


def test_a_source_that_the_functions_own_destinations_feed_is_refused(stack: Stack) -> None:
    called, bus, place = live(stack), events.EventBus(stack, "Bus"), topic(stack)
    AsyncDestinations(stack, "Results", function=called, on_success=bus, on_failure=place)
    with pytest.raises(InvalidPropsError, match="gets what the function's own destinations send"):
        EventRule(
            stack,
            "Rule",
            function=called,
            event_bus=bus,
            event_pattern=events.EventPattern(source=["lambda"]),
        )
    with pytest.raises(InvalidPropsError, match="for ever"):
        TopicSubscription(stack, "Subscription", function=called, topic=place)
    assert stack.node.try_find_child("Rule") is None
    assert stack.node.try_find_child("Subscription") is None


def test_the_default_bus_that_the_functions_own_results_go_to_is_refused(stack: Stack) -> None:
    called = live(stack)
    AsyncDestinations(stack, "Results", function=called, on_success=default_bus(stack))
    with pytest.raises(InvalidPropsError, match="for ever"):
        EventRule(stack, "Rule", function=called, event_pattern=events.EventPattern(source=["lambda"]))
    EventRule(stack, "Trips", function=called, event_pattern=events.EventPattern(source=["trips"]))


def test_a_queue_of_another_account_is_not_watched(app: App) -> None:
    stack = Stack(app, "Ours", env=Environment(account="123456789012", region="us-east-1"))
    theirs = sqs.Queue.from_queue_arn(stack, "Theirs", "arn:aws:sqs:us-east-1:210987654321:failed")
    made = AsyncDestinations(stack, "Results", function=live(stack), on_failure=theirs)
    assert destination(made, "OnFailure") == "arn:aws:sqs:us-east-1:210987654321:failed"
    assert made.failure_queue_alarm is None


def test_a_bucket_that_the_functions_own_failures_go_to_is_refused(stack: Stack) -> None:
    called, records = live(stack), bucket(stack)
    AsyncDestinations(stack, "Results", function=called, on_failure=records)
    with pytest.raises(InvalidPropsError, match="for ever"):
        BucketEvents(stack, "Objects", function=called, bucket=records)
    BucketEvents(stack, "Uploads", function=called, bucket=records, prefix="uploads/")


def test_events_that_are_no_results_lead_nowhere(app: App, stack: Stack) -> None:
    """One bus, in front and behind: the rule lets trips through, and results are none."""
    called, bus = live(stack), events.EventBus(stack, "Bus")
    EventRule(
        stack,
        "Trips",
        function=called,
        event_bus=bus,
        event_pattern=events.EventPattern(source=["trips"]),
    )
    AsyncDestinations(stack, "Results", function=called, on_success=bus)
    other = live(function(stack, "Other"), "OtherLive")
    EventRule(
        stack,
        "Finished",
        function=other,
        event_bus=bus,
        event_pattern=events.EventPattern(source=["lambda"]),
    )
    app.synth()


def test_objects_below_another_prefix_lead_nowhere(stack: Stack) -> None:
    called, objects = live(stack), bucket(stack)
    BucketEvents(stack, "Uploads", function=called, bucket=objects, prefix="uploads/")
    AsyncDestinations(stack, "Results", function=called, on_failure=objects)


def test_a_queue_that_somebody_else_drains_leads_nowhere(stack: Stack) -> None:
    place = by_a_consumer(stack, live(function(stack, "Other"), "OtherLive"))
    AsyncDestinations(stack, "Results", function=live(stack), on_failure=place)
