"""What is known only at deployment passes: CloudFormation will judge it."""

from typing import Any

from aws_cdk import Duration, Stack, TimeZone, Token
from aws_cdk import aws_events as events
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns

from constructs_lib import (
    AsyncDestinations,
    BucketEvents,
    EventRule,
    KillSwitch,
    ScheduledInvocation,
    TopicSubscription,
)
from tests.gallery.parts import live


def test_unresolved_tokens_pass(stack: Stack) -> None:
    number, text = Token.as_number({"Ref": "Number"}), Token.as_string({"Ref": "Text"})
    called = live(stack)
    AsyncDestinations(
        stack,
        "Results",
        function=called,
        retry_attempts=int(number),
        max_event_age=Duration.seconds(number),
        event_age=Duration.seconds(number),
    )
    delivery: dict[str, Any] = {"retry_attempts": int(number), "max_event_age": Duration.seconds(number)}
    EventRule(
        stack,
        "Rule",
        function=called,
        event_pattern=events.EventPattern(source=Token.as_list({"Ref": "Sources"})),
        event_bus=events.EventBus.from_event_bus_name(stack, "Bus", text),
        **delivery,
    )
    BucketEvents(
        stack,
        "Uploads",
        function=called,
        bucket=s3.Bucket.from_bucket_name(stack, "Bucket", text),
        event_types=[text],
        prefix=text,
        suffix=text,
        **delivery,
    )
    TopicSubscription(stack, "Trips", function=called, topic=sns.Topic.from_topic_arn(stack, "Topic", text))
    ScheduledInvocation(
        stack,
        "Schedule",
        function=called,
        schedule=scheduler.ScheduleExpression.expression(text, TimeZone.of(text)),
        event={"text": text},
        flexible_window=Duration.minutes(number),
        **delivery,
    )
    KillSwitch(stack, "Switch", function=called, invocations_per_minute=number)
