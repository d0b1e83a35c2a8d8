"""Scenes of DurableExecutions, and of a durable function."""

from typing import Final

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib import Durable, DurableExecutions, EventRule, LiveAlias, PythonFunction, QueueConsumer
from tests.gallery.event_sources import TRIPS
from tests.gallery.parts import key, live, queue, topic
from tests.gallery.plain_function import function


def durable_function(
    scope: Construct,
    construct_id: str = "Function",
    execution_timeout: Duration | None = None,
    retention: Duration | None = None,
) -> PythonFunction:
    """A durable function that does nothing."""
    timeout = execution_timeout or Duration.hours(24)
    durable = (
        Durable(execution_timeout=timeout)
        if retention is None
        else Durable(execution_timeout=timeout, retention=retention)
    )
    return function(scope, construct_id, durable=durable)


def durable_live(stack: Stack) -> lambda_.Alias:
    return live(durable_function(stack))


def python_function_durable(stack: Stack) -> None:
    durable_function(stack, retention=Duration.days(30))


def durable_executions(scope: Construct) -> None:
    alias = lambda_.Alias(scope, "Live", alias_name="live", version=durable_function(scope).current_version)
    DurableExecutions(scope, "Executions", function=alias)


def durable_executions_with_everything_said(stack: Stack) -> None:
    release = LiveAlias(stack, "Live", function=durable_function(stack))
    executions = DurableExecutions(
        stack,
        "Executions",
        function=release.alias,
        starter=True,
        execution_key="trip_id",
        encryption_key=key(stack),
        alarm_topic=topic(stack, "Alarms"),
        removal_policy=RemovalPolicy.DESTROY,
    )
    assert executions.starter is not None
    QueueConsumer(stack, "Queue", function=executions.starter)
    EventRule(stack, "Events", function=executions.starter, event_pattern=TRIPS)


def durable_executions_with_your_queue(stack: Stack) -> None:
    DurableExecutions(
        stack, "Executions", function=durable_live(stack), dead_letter_queue=queue(stack, "DeadLetters")
    )


def durable_function_behind_a_queue(stack: Stack) -> None:
    """Executions that are short enough for a mapping: the queue hides a message for six of them."""
    worker = live(durable_function(stack, execution_timeout=Duration.minutes(10)))
    QueueConsumer(stack, "Queue", function=worker)


SCENES: Final = (
    python_function_durable,
    durable_executions,
    durable_executions_with_everything_said,
    durable_executions_with_your_queue,
    durable_function_behind_a_queue,
)
