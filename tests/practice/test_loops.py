"""Loops through an app, whoever made their parts and in whichever order."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import (
    App,
    Aws,
    CfnCondition,
    Duration,
    Environment,
    Fn,
    NestedStack,
    PhysicalName,
    Stack,
    Stage,
)
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs

from constructs_lib import AsyncDestinations, BucketEvents, EventRule, QueueConsumer, TopicSubscription
from tests.gallery.parts import bucket, live, queue, topic
from tests.gallery.plain_function import function
from tests.practice.report import Found, errors, findings

LOOP = "endless-loop"


def loops(app: App) -> list[Found]:
    return findings(app, LOOP)


# --- ways back -------------------------------------------------------------------------------------------


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


ONCE_MORE = (
    by_a_consumer,
    by_our_consumer,
    by_a_topic_and_a_queue,
    by_a_bus_and_a_queue,
    by_another_function,
)
"""A mapping invokes synchronously: Lambda sends no record of that, so that the function gets each result once."""
ENDLESS = (
    by_a_subscription,
    by_our_subscription,
    by_a_rule,
    by_our_rule,
    by_two_buses,
    by_the_default_bus,
    by_its_bucket,
    by_a_notification,
)


@pytest.mark.parametrize("later", [False, True], ids=["before", "later"])
@pytest.mark.parametrize("way", [*ONCE_MORE, *ENDLESS])
def test_a_destination_that_leads_back_fails_synth(app: App, stack: Stack, way: Any, later: bool) -> None:
    called = live(stack)
    if later:
        place = sqs.Queue(stack, "Before")
        made = AsyncDestinations(stack, "Results", function=called, on_success=place)
        resource = made.event_invoke_config.node.default_child
        assert isinstance(resource, lambda_.CfnEventInvokeConfig)
        arn = destination_arn(way(stack, called))
        resource.add_property_override("DestinationConfig.OnFailure.Destination", arn)
    else:
        AsyncDestinations(stack, "Results", function=called, on_failure=way(stack, called))
    (found,) = loops(app)
    assert (found.severity, found.path) == ("error", "Stack/Results/EventInvokeConfig/Resource")
    expected = "an endless loop" if way in ENDLESS else "it gets each as its own input"
    assert "of Stack/Function" in found.text
    assert expected in found.text
    assert "recursive_loop" in found.fix
    assert "invocation-recursion" in found.fix


def destination_arn(place: Any) -> str:
    names = ("queue_arn", "topic_arn", "event_bus_arn", "function_arn", "bucket_arn")
    (arn,) = (getattr(place, name) for name in names if hasattr(place, name))
    return str(arn)


def test_the_way_back_is_named(app: App, stack: Stack) -> None:
    called = live(stack)
    AsyncDestinations(stack, "Results", function=called, on_success=by_two_buses(stack, called))
    (found,) = loops(app)
    assert (
        "go to Stack/First and lead back to the function, through Stack/Onward and Stack/Rule: each"
        in found.text
    )


@pytest.mark.parametrize("way", [by_a_consumer, by_a_subscription, by_a_notification, by_its_bucket])
def test_a_loop_is_reported_once(app: App, stack: Stack, way: Any) -> None:
    """What Lambda may write for the function, as its destination, is not what its handler may write."""
    called = live(stack)
    AsyncDestinations(stack, "Results", function=called, on_failure=way(stack, called))
    assert errors(app) == [(LOOP, "Stack/Results/EventInvokeConfig/Resource")]


# --- by plain CDK, across stacks and environments --------------------------------------------------------


def by_hand(called: lambda_.Alias, place: sns.ITopic) -> None:
    called.configure_async_invoke(on_failure=destinations.SnsDestination(place))


def consumer_of_another_app_part(scope: Any) -> None:
    """What makes the app ours: without a construct of the library nothing is checked."""
    function(Stack(scope, "Elsewhere"), "Anything")


def test_a_loop_of_plain_cdk_fails_synth(app: App, stack: Stack) -> None:
    consumer_of_another_app_part(app)
    called = live(stack)
    by_hand(called, by_a_subscription(stack, called))
    (found,) = loops(app)
    assert found.path == "Stack/Live/EventInvokeConfig/Resource"


def test_a_loop_of_a_dead_letter_topic_fails_synth(app: App, stack: Stack) -> None:
    dead = topic(stack)
    worker = lambda_.Function(
        stack,
        "Plain",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handle",
        code=lambda_.Code.from_inline("def handle(event, context): pass"),
        dead_letter_topic=dead,
    )
    dead.add_subscription(subscriptions.LambdaSubscription(worker))
    consumer_of_another_app_part(app)
    (found,) = loops(app)
    assert found.path == "Stack/Plain/Resource"
    assert "The failed events of Stack/Plain go to Stack/Topic and lead back" in found.text


def test_a_loop_over_two_stacks_fails_synth(app: App) -> None:
    ours, theirs = Stack(app, "Ours"), Stack(app, "Theirs")
    called = live(ours)
    place = topic(theirs)
    AsyncDestinations(ours, "Results", function=called, on_success=place)
    place.add_subscription(subscriptions.LambdaSubscription(live(function(theirs, "Other"), "OtherLive")))
    sns.Subscription(
        ours,
        "Back",
        topic=place,
        protocol=sns.SubscriptionProtocol.LAMBDA,
        endpoint=called.function_arn,
    )
    (found,) = loops(app)
    assert found.path == "Ours/Results/EventInvokeConfig/Resource"
    assert "through Ours/Back" in found.text


def test_a_loop_through_a_nested_stack_fails_synth(app: App, stack: Stack) -> None:
    """The topic goes down as a parameter, and the endpoint comes up as an output."""
    called, place = live(stack), topic(stack)
    nested = NestedStack(stack, "Nested")
    inner = queue(nested, "Inner")
    sns.Subscription(
        nested,
        "In",
        topic=place,
        protocol=sns.SubscriptionProtocol.SQS,
        endpoint=inner.queue_arn,
    )
    lambda_.EventSourceMapping(stack, "Back", target=called, event_source_arn=inner.queue_arn)
    AsyncDestinations(stack, "Results", function=called, on_success=place)
    (found,) = loops(app)
    assert found.path == "Stack/Results/EventInvokeConfig/Resource"
    assert "through Stack/Nested/In and Stack/Back" in found.text


@pytest.mark.parametrize("within", ["an app", "a stage"])
def test_a_loop_over_two_regions_fails_synth(app: App, within: str) -> None:
    scope = app if within == "an app" else Stage(app, "Prod")
    environments = [
        Environment(account="111111111111", region=region) for region in ("us-east-1", "eu-west-1")
    ]
    ours = Stack(scope, "Ours", env=environments[0])
    theirs = Stack(scope, "Theirs", env=environments[1])
    # A destination is of the function's own Region. A topic calls functions of other Regions.
    for here, name, other in (
        (ours, "ours", "eu-west-1:111111111111:function:theirs"),
        (theirs, "theirs", "us-east-1:111111111111:function:ours"),
    ):
        called, place = live(function(here, function_name=name)), topic(here)
        AsyncDestinations(here, "Results", function=called, on_success=place)
        endpoint = f"arn:aws:lambda:{other}:live"
        sns.Subscription(here, "On", topic=place, protocol=sns.SubscriptionProtocol.LAMBDA, endpoint=endpoint)
    prefix = "" if within == "an app" else "Prod/"
    found = {each.path: each.text for each in loops(app)}
    assert set(found) == {f"{prefix}{name}/Results/EventInvokeConfig/Resource" for name in ("Ours", "Theirs")}
    assert f"through {prefix}Ours/On" in found[f"{prefix}Ours/Results/EventInvokeConfig/Resource"]


def test_a_loop_over_two_accounts_fails_synth(app: App) -> None:
    ours = Stack(app, "Ours", env=Environment(account="111111111111", region="us-east-1"))
    theirs = Stack(app, "Theirs", env=Environment(account="222222222222", region="us-east-1"))
    called = live(ours)
    place = sns.Topic(theirs, "Topic", topic_name=PhysicalName.GENERATE_IF_NEEDED)
    AsyncDestinations(ours, "Results", function=called, on_success=place)
    sns.Subscription(
        ours,
        "Back",
        topic=sns.Topic.from_topic_arn(ours, "Theirs", place.topic_arn),
        protocol=sns.SubscriptionProtocol.LAMBDA,
        endpoint=called.function_arn,
    )
    (found,) = loops(app)
    assert "go to Theirs/Topic and lead back to the function, through Ours/Back" in found.text


# --- closed later -----------------------------------------------------------------------------------------


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


CLOSINGS: list[tuple[Callable[[Stack], Any], Any]] = [
    (queue, closed_by_a_consumer),
    (topic, closed_by_a_subscription),
    (lambda stack: events.EventBus(stack, "Bus"), closed_by_a_rule),
    (default_bus, closed_by_a_rule_of_the_default_bus),
    (bucket, closed_by_a_notification),
    (bucket, closed_by_a_rule_for_objects),
]


@pytest.mark.parametrize(("make", "close"), CLOSINGS)
def test_a_loop_that_is_closed_later_fails_synth(app: App, stack: Stack, make: Any, close: Any) -> None:
    called, place = live(stack), make(stack)
    AsyncDestinations(stack, "Results", function=called, on_failure=place)
    close(stack, called, place)
    (found,) = loops(app)
    assert found.path == "Stack/Results/EventInvokeConfig/Resource"


def test_a_rule_for_buckets_of_such_a_name_leads_back(app: App, stack: Stack) -> None:
    called = live(stack)
    pattern = events.EventPattern(source=["aws.s3"], detail={"bucket": {"name": [{"prefix": "records-"}]}})
    events.Rule(stack, "Rule", event_pattern=pattern, targets=[targets.LambdaFunction(called)])
    records = s3.Bucket.from_bucket_name(stack, "Named", "records-1")
    AsyncDestinations(stack, "Results", function=called, on_failure=records)
    assert [found.path for found in loops(app)] == ["Stack/Results/EventInvokeConfig/Resource"]


def test_a_source_that_the_functions_own_destinations_feed_fails_synth(app: App, stack: Stack) -> None:
    called, bus, place = live(stack), events.EventBus(stack, "Bus"), topic(stack)
    AsyncDestinations(stack, "Results", function=called, on_success=bus, on_failure=place)
    pattern = events.EventPattern(source=["lambda"])
    EventRule(stack, "Rule", function=called, event_bus=bus, event_pattern=pattern)
    TopicSubscription(stack, "Subscription", function=called, topic=place)
    through = sorted(found.text.partition("through ")[2].partition(":")[0] for found in loops(app))
    assert through == ["Stack/Rule/Rule", "Stack/Subscription/Subscription"]


# --- what leads nowhere ----------------------------------------------------------------------------------


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
    assert findings(app) == []


@pytest.mark.parametrize(
    "pattern",
    [
        {"detail": {"object": ["order"]}},
        {"detail": {"bucket": ["gold"]}},
        {"detail": {"object": {"key": {"x": ["y"]}}}},
    ],
    ids=["text for an object", "text for a bucket", "deeper"],
)
def test_a_rule_for_other_shapes_is_not_about_a_bucket(
    app: App, stack: Stack, pattern: dict[str, Any]
) -> None:
    called = live(stack)
    to = targets.LambdaFunction(called)
    events.Rule(stack, "Rule", event_pattern=events.EventPattern(**pattern), targets=[to])
    AsyncDestinations(stack, "Results", function=called, on_failure=bucket(stack))
    assert loops(app) == []


def test_a_rule_whose_targets_are_decided_at_deployment_is_passed_over(app: App, stack: Stack) -> None:
    condition = CfnCondition(stack, "Condition", expression=Fn.condition_equals(Aws.REGION, "us-east-1"))
    decided = Fn.condition_if(condition.logical_id, [], Aws.NO_VALUE)
    events.CfnRule(stack, "Rule", event_pattern={"source": ["lambda"]}, targets=decided)
    AsyncDestinations(stack, "Results", function=live(stack), on_success=default_bus(stack))
    assert findings(app) == []


def test_a_clock_invokes_without_a_loop(app: App, stack: Stack) -> None:
    called = live(stack)
    hourly = events.Schedule.rate(Duration.hours(1))
    events.Rule(stack, "Rule", schedule=hourly, targets=[targets.LambdaFunction(called)])
    AsyncDestinations(stack, "Results", function=called, on_success=default_bus(stack))
    assert findings(app) == []


def test_a_loop_that_is_meant_is_set_on_the_function(app: App, stack: Stack) -> None:
    called = live(function(stack, recursive_loop=lambda_.RecursiveLoop.ALLOW))
    bus = events.EventBus(stack, "Bus")
    EventRule(
        stack, "Rule", function=called, event_bus=bus, event_pattern=events.EventPattern(source=["lambda"])
    )
    AsyncDestinations(stack, "Results", function=called, on_success=bus)
    assert findings(app) == []


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["trips"]},
        {"detail_type": ["Lambda Function Invocation Result - Failure"]},
        {"resources": ["arn:aws:lambda:us-east-1:123456789012:function:another:live"]},
        {"detail": {"requestContext": {"functionArn": [{"suffix": ":another:live"}]}}},
        {"detail": {"requestContext": {"condition": ["RetriesExhausted"]}}},
        {"detail": {"type": ["trip.finished"]}},
    ],
    ids=["source", "outcome", "resources", "function", "condition", "a field that records do not have"],
)
def test_a_rule_for_other_events_leads_nowhere(app: App, stack: Stack, pattern: dict[str, Any]) -> None:
    """One bus, in front and behind: the records of successes do not match the pattern."""
    called, bus = live(stack), events.EventBus(stack, "Bus")
    EventRule(stack, "Rule", function=called, event_bus=bus, event_pattern=events.EventPattern(**pattern))
    AsyncDestinations(stack, "Results", function=called, on_success=bus)
    assert loops(app) == []


def test_a_rule_for_the_functions_own_records_leads_back(app: App, stack: Stack) -> None:
    called, bus = live(stack), events.EventBus(stack, "Bus")
    detail = {"requestContext": {"functionArn": [called.function_arn], "condition": ["Success"]}}
    EventRule(stack, "Rule", function=called, event_bus=bus, event_pattern=events.EventPattern(detail=detail))
    AsyncDestinations(stack, "Results", function=called, on_success=bus)
    assert len(loops(app)) == 1


@pytest.mark.parametrize(
    "keys", [{"prefix": "uploads/"}, {"suffix": ".jpg", "prefix": "aws/images/"}], ids=["prefix", "both"]
)
@pytest.mark.parametrize("notified", [False, True], ids=["EventBridge", "S3's own"])
def test_objects_below_another_prefix_lead_nowhere(
    app: App, stack: Stack, keys: dict[str, str], notified: bool
) -> None:
    called, objects = live(stack), bucket(stack)
    AsyncDestinations(stack, "Results", function=called, on_failure=objects)
    if notified:
        to = notifications.LambdaDestination(called)
        objects.add_object_created_notification(to, s3.NotificationKeyFilter(**keys))
    else:
        BucketEvents(stack, "Uploads", function=called, bucket=objects, **keys)  # type: ignore[arg-type]
    assert findings(app) == []


def test_a_topic_that_filters_attributes_passes_no_record(app: App, stack: Stack) -> None:
    """Lambda's records have no message attributes."""
    called, place = live(stack), topic(stack)
    wanted = {"type": sns.SubscriptionFilter.string_filter(allowlist=["trip"])}
    TopicSubscription(stack, "Trips", function=called, topic=place, filter_policy=wanted)
    AsyncDestinations(stack, "Results", function=called, on_success=place)
    assert findings(app) == []


def test_a_queue_that_another_function_drains_leads_nowhere(app: App, stack: Stack) -> None:
    place = by_a_consumer(stack, live(function(stack, "Other"), "OtherLive"))
    AsyncDestinations(stack, "Results", function=live(stack), on_failure=place)
    assert findings(app) == []


def test_a_mapping_ends_the_way(app: App, stack: Stack) -> None:
    """The other function is invoked synchronously: its own destinations get nothing of this."""
    called, back = live(stack), topic(stack)
    other = live(function(stack, "Other"), "OtherLive")
    between = queue(stack)
    other.add_event_source(sources.SqsEventSource(between))
    AsyncDestinations(stack, "Onward", function=other, on_success=back)
    TopicSubscription(stack, "Subscription", function=called, topic=back)
    AsyncDestinations(stack, "Results", function=called, on_success=between)
    assert [found.path for found in loops(app)] == ["Stack/Onward/EventInvokeConfig/Resource"]
