"""Scenes whose stack has tags, or lies in a stage, in another stack or in another Region."""

from collections.abc import Callable
from typing import Final

from aws_cdk import App, Duration, Environment, NestedStack, Stack, Stage, Tags
from aws_cdk import aws_scheduler as scheduler

from constructs_lib import (
    AsyncDestinations,
    Authorization,
    BucketEvents,
    EventRule,
    KillSwitch,
    KinesisConsumer,
    LiveAlias,
    ProvisionedApi,
    QueueConsumer,
    ScheduledInvocation,
    TableStreamConsumer,
    TopicSubscription,
    UsagePlan,
)
from tests.gallery.api import alias
from tests.gallery.event_sources import TRIPS
from tests.gallery.parts import bucket, live, topic
from tests.gallery.plain_function import function
from tests.gallery.streams import stream, table


def patterns_in_a_tagged_stack(stack: Stack) -> None:
    """A tag reaches each resource that takes one, and no other."""
    alarms = topic(stack, "Alarms")
    accept = LiveAlias(
        stack,
        "Accept",
        function=function(stack, "AcceptFunction", timeout=Duration.seconds(10)),
        provisioned_concurrency=1,
        maximum_provisioned_concurrency=5,
        alarm_topic=alarms,
    )
    ProvisionedApi(
        stack,
        "Rest",
        routes={"POST /trips": accept.alias},
        authorization=Authorization.iam(),
        api_key_required=True,
        usage_plans={"Partners": UsagePlan(keys=["Acme"], quota_limit=1000)},
        alarm_topic=alarms,
    )
    ProvisionedApi(
        stack,
        "Http",
        routes={"POST /trips": accept.alias},
        authorization=Authorization.iam(),
        http=True,
        alarm_topic=alarms,
    )
    QueueConsumer(stack, "Orders", function=function(stack, "Ship"), max_concurrency=10, alarm_topic=alarms)
    receipts = live(function(stack, "Receipts"))
    AsyncDestinations(stack, "Results", function=receipts, redrive=True, alarm_topic=alarms)
    EventRule(stack, "Trips", function=receipts, event_pattern=TRIPS, alarm_topic=alarms)
    TopicSubscription(stack, "News", function=receipts, topic=topic(stack), alarm_topic=alarms)
    BucketEvents(stack, "Uploads", function=receipts, bucket=bucket(stack), alarm_topic=alarms)
    ScheduledInvocation(
        stack,
        "Hourly",
        function=receipts,
        schedule=scheduler.ScheduleExpression.rate(Duration.hours(1)),
        alarm_topic=alarms,
    )
    KillSwitch(
        stack,
        "Switch",
        function=function(stack, "Costly"),
        invocations_per_minute=600,
        armed=True,
        alarm_topic=alarms,
    )
    KinesisConsumer(stack, "Positions", function=receipts, stream=stream(stack), alarm_topic=alarms)
    TableStreamConsumer(stack, "Changes", function=receipts, table=table(stack), alarm_topic=alarms)


def rest_api_in_a_nested_stack(stack: Stack) -> None:
    """The alias lies in the parent stack: the nested one gets it as a parameter, and the parent nothing back."""
    parent = stack.nested_stack_parent or stack
    ProvisionedApi(
        stack,
        "Api",
        routes={"POST /trips": alias(parent), "GET /health": alias(stack, "Health")},
        authorization=Authorization.iam(),
    )


def live_alias_in_a_stage(stack: Stack) -> None:
    released = LiveAlias(stack, "Live", function=function(stack))
    QueueConsumer(
        stack, "Orders", function=released.alias, max_concurrency=10, alarm_topic=released.alarm_topic
    )


def streams_in_a_stage(stack: Stack) -> None:
    released = LiveAlias(stack, "Live", function=function(stack))
    KinesisConsumer(
        stack, "Positions", function=released.alias, stream=stream(stack), alarm_topic=released.alarm_topic
    )
    TableStreamConsumer(
        stack, "Changes", function=released.alias, table=table(stack), alarm_topic=released.alarm_topic
    )


def stream_consumer_in_a_nested_stack(stack: Stack) -> None:
    """The stream and the alias are in the parent stack."""
    parent = stack.nested_stack_parent or stack
    called = live(parent)
    KinesisConsumer(
        stack, "Positions", function=called, stream=stream(parent), enhanced_fan_out=True, redrive=True
    )
    TableStreamConsumer(stack, "Changes", function=called, table=table(stack), redrive=True)


def http_api_in_another_region(stack: Stack) -> None:
    called = alias(stack)
    ProvisionedApi(stack, "Api", routes={"POST /trips": called}, authorization=Authorization.iam(), http=True)
    AsyncDestinations(stack, "Results", function=called)


SCENES: Final = (
    patterns_in_a_tagged_stack,
    rest_api_in_a_nested_stack,
    live_alias_in_a_stage,
    streams_in_a_stage,
    stream_consumer_in_a_nested_stack,
    http_api_in_another_region,
)


def _tagged(app: App, construct_id: str, *, env: Environment | None) -> Stack:
    stack = Stack(app, construct_id, env=env)
    Tags.of(stack).add("team", "rides")
    return stack


def _nested(app: App, construct_id: str, *, env: Environment | None) -> Stack:
    return NestedStack(Stack(app, construct_id, env=env), "Nested")


def _staged(app: App, construct_id: str, *, env: Environment | None) -> Stack:
    return Stack(Stage(app, construct_id, env=env), "Stack")


def _elsewhere(app: App, construct_id: str, *, env: Environment | None) -> Stack:
    account = None if env is None else env.account
    return Stack(app, construct_id, env=Environment(account=account, region="eu-central-1"))


PLACES: Final[dict[str, Callable[..., Stack]]] = {
    "patterns_in_a_tagged_stack": _tagged,
    "rest_api_in_a_nested_stack": _nested,
    "live_alias_in_a_stage": _staged,
    "streams_in_a_stage": _staged,
    "stream_consumer_in_a_nested_stack": _nested,
    "http_api_in_another_region": _elsewhere,
}
"""What creates the stack of a scene, by the name of the place; called with the app, an id and `env`."""
