"""Scenes of LiveAlias."""

from typing import Final

from aws_cdk import Duration, Stack, TimeZone
from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import LiveAlias, QueueConsumer
from tests.gallery.plain_function import function


def live_alias(scope: Construct) -> None:
    LiveAlias(scope, "Live", function=function(scope))


def live_alias_with_provisioned_concurrency(stack: Stack) -> None:
    LiveAlias(
        stack,
        "Live",
        function=function(stack, reserved_concurrent_executions=20),
        provisioned_concurrency=5,
    )


def live_alias_provisioned_on_a_schedule(stack: Stack) -> None:
    LiveAlias(
        stack,
        "Live",
        function=function(stack),
        provisioned_concurrency=1,
        provisioned_concurrency_schedule={
            "Morning": appscaling.ScalingSchedule(
                schedule=appscaling.Schedule.cron(week_day="MON-FRI", hour="6", minute="45"),
                time_zone=TimeZone.EUROPE_BERLIN,
                min_capacity=20,
            ),
            "Evening": appscaling.ScalingSchedule(
                schedule=appscaling.Schedule.cron(week_day="MON-FRI", hour="19", minute="0"),
                time_zone=TimeZone.EUROPE_BERLIN,
                min_capacity=1,
            ),
        },
    )


def live_alias_scaled(stack: Stack) -> None:
    LiveAlias(
        stack,
        "Live",
        function=function(stack),
        provisioned_concurrency=2,
        maximum_provisioned_concurrency=50,
        provisioned_concurrency_schedule={
            "BeforeTheGame": appscaling.ScalingSchedule(
                schedule=appscaling.Schedule.cron(week_day="SAT", hour="14", minute="0"), min_capacity=30
            ),
            "AfterTheGame": appscaling.ScalingSchedule(
                schedule=appscaling.Schedule.cron(week_day="SAT", hour="18", minute="0"), min_capacity=2
            ),
        },
    )


def live_alias_canary_with_hooks(stack: Stack) -> None:
    before, after = function(stack, "Before"), function(stack, "After")
    live = LiveAlias(
        stack,
        "Live",
        function=function(stack),
        provisioned_concurrency=3,
        deployment_config=codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_15_MINUTES,
        before_traffic=before,
        after_traffic=after,
    )
    before.add_environment("NEW_VERSION", live.version.function_arn)


def live_alias_all_at_once(stack: Stack) -> None:
    LiveAlias(
        stack,
        "Live",
        function=function(stack),
        deployment_config=codedeploy.LambdaDeploymentConfig.ALL_AT_ONCE,
        before_traffic=function(stack, "Before"),
    )


def live_alias_in_steps(stack: Stack) -> None:
    LiveAlias(
        stack,
        "Live",
        function=function(stack),
        alias_name="public",
        deployment_config=codedeploy.LambdaDeploymentConfig.LINEAR_10_PERCENT_EVERY_1_MINUTE,
    )


def live_alias_by_hand(stack: Stack) -> None:
    LiveAlias(stack, "Live", function=function(stack), stable_version="7", new_version_weight=0.1)


def live_alias_with_snap_start(stack: Stack) -> None:
    LiveAlias(stack, "Live", function=function(stack, snap_start=True))


def live_alias_with_alarms_of_yours(stack: Stack) -> None:
    topic = sns.Topic.from_topic_arn(stack, "Alarms", "arn:aws:sns:us-east-1:123456789012:alarms")
    orders = cloudwatch.Metric(namespace="Shop", metric_name="Orders", period=Duration.minutes(1))
    too_few = cloudwatch.Alarm(
        stack,
        "TooFewOrders",
        metric=orders,
        threshold=10,
        comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
        evaluation_periods=2,
    )
    LiveAlias(
        stack,
        "Live",
        function=function(stack, timeout=Duration.seconds(20)),
        rollback_alarms=[too_few],
        latency_threshold=Duration.millis(800),
        alarm_topic=topic,
    )


def queue_consumer_on_a_live_alias(stack: Stack) -> None:
    live = LiveAlias(stack, "Live", function=function(stack))
    QueueConsumer(stack, "Consumer", function=live.alias, max_concurrency=10, alarm_topic=live.alarm_topic)


SCENES: Final = (
    live_alias,
    live_alias_with_provisioned_concurrency,
    live_alias_provisioned_on_a_schedule,
    live_alias_scaled,
    live_alias_canary_with_hooks,
    live_alias_all_at_once,
    live_alias_in_steps,
    live_alias_by_hand,
    live_alias_with_snap_start,
    live_alias_with_alarms_of_yours,
    queue_consumer_on_a_live_alias,
)
