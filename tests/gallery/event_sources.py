"""Scenes of the sources in front of a function: buckets, topics, buses and the clock."""

from datetime import UTC, datetime
from typing import Final

from aws_cdk import Duration, RemovalPolicy, Stack, TimeZone
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns

from constructs_lib import BucketEvents, EventRule, ScheduledInvocation, TopicSubscription
from tests.gallery.parts import bucket, key, live, queue, topic
from tests.gallery.plain_function import function

TRIPS: Final = events.EventPattern(source=["trips"], detail_type=["Trip finished"])


def bucket_events(stack: Stack) -> None:
    BucketEvents(stack, "Uploads", function=live(stack), bucket=bucket(stack))


def bucket_events_of_some_keys(stack: Stack) -> None:
    worker = function(stack)
    pictures = bucket(stack)
    worker.add_to_role_policy(
        iam.PolicyStatement(
            actions=["s3:PutObject"], resources=[pictures.arn_for_objects("thumbnails/new.jpg")]
        )
    )
    BucketEvents(
        stack,
        "Uploads",
        function=live(worker),
        bucket=pictures,
        event_types=["Object Created", "Object Deleted"],
        prefix="uploads/",
        suffix=".jpg",
        retry_attempts=10,
        max_event_age=Duration.hours(1),
        dead_letter_queue=queue(stack),
        alarm_topic=topic(stack, "Alarms"),
    )


def bucket_events_on_a_version(stack: Stack) -> None:
    BucketEvents(stack, "Uploads", function=function(stack).current_version, bucket=bucket(stack))


def topic_subscription(stack: Stack) -> None:
    TopicSubscription(stack, "Trips", function=live(stack), topic=topic(stack))


def topic_subscription_filtered(stack: Stack) -> None:
    TopicSubscription(
        stack,
        "Trips",
        function=function(stack),
        topic=topic(stack),
        filter_policy={"type": sns.SubscriptionFilter.string_filter(allowlist=["trip.completed"])},
        dead_letter_queue=queue(stack, encryption_key=key(stack)),
        alarm_topic=topic(stack, "Alarms"),
    )


def topic_subscription_filtered_by_body(stack: Stack) -> None:
    TopicSubscription(
        stack,
        "Trips",
        function=function(stack).current_version,
        topic=topic(stack),
        filter_policy_with_message_body={
            "trip": sns.FilterOrPolicy.policy(
                {
                    "city": sns.FilterOrPolicy.filter(
                        sns.SubscriptionFilter.string_filter(allowlist=["Berlin"])
                    )
                }
            )
        },
        removal_policy=RemovalPolicy.DESTROY,
    )


def event_rule(stack: Stack) -> None:
    EventRule(stack, "Trips", function=live(stack), event_pattern=TRIPS)


def event_rule_with_everything_said(stack: Stack) -> None:
    EventRule(
        stack,
        "Trips",
        function=function(stack),
        event_pattern=TRIPS,
        event_bus=events.EventBus(stack, "Bus"),
        event=events.RuleTargetInput.from_event_path("$.detail"),
        retry_attempts=0,
        max_event_age=Duration.minutes(1),
        dead_letter_queue=queue(stack, encryption_key=key(stack)),
        enabled=False,
        description="Finished trips",
        alarm_topic=topic(stack, "Alarms"),
    )


def event_rule_on_a_version(stack: Stack) -> None:
    EventRule(stack, "Trips", function=function(stack).current_version, event_pattern=TRIPS)


def scheduled_invocation(stack: Stack) -> None:
    ScheduledInvocation(
        stack,
        "Hourly",
        function=live(stack),
        schedule=scheduler.ScheduleExpression.rate(Duration.hours(1)),
    )


def scheduled_invocation_with_everything_said(stack: Stack) -> None:
    ScheduledInvocation(
        stack,
        "Daily",
        function=function(stack),
        schedule=scheduler.ScheduleExpression.cron(hour="6", minute="30", time_zone=TimeZone.EUROPE_BERLIN),
        event={"report": "yesterday"},
        flexible_window=Duration.minutes(15),
        start=datetime(2030, 1, 1, tzinfo=UTC),
        end=datetime(2031, 1, 1, tzinfo=UTC),
        schedule_group=scheduler.ScheduleGroup(stack, "Reports"),
        retry_attempts=3,
        max_event_age=Duration.hours(2),
        dead_letter_queue=queue(stack, encryption_key=key(stack)),
        enabled=False,
        description="Yesterday's report",
        alarm_topic=topic(stack, "Alarms"),
    )


def scheduled_invocation_once_of_a_version(stack: Stack) -> None:
    ScheduledInvocation(
        stack,
        "Once",
        function=function(stack).current_version,
        schedule=scheduler.ScheduleExpression.at(datetime(2030, 1, 1, tzinfo=UTC)),
    )


SCENES: Final = (
    bucket_events,
    bucket_events_of_some_keys,
    bucket_events_on_a_version,
    topic_subscription,
    topic_subscription_filtered,
    topic_subscription_filtered_by_body,
    event_rule,
    event_rule_with_everything_said,
    event_rule_on_a_version,
    scheduled_invocation,
    scheduled_invocation_with_everything_said,
    scheduled_invocation_once_of_a_version,
)
