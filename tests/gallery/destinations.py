"""Scenes of AsyncDestinations."""

from typing import Final

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib import AsyncDestinations
from tests.gallery.parts import bucket, key, live, queue, topic
from tests.gallery.plain_function import function


def async_destinations(scope: Construct) -> None:
    alias = lambda_.Alias(scope, "Live", alias_name="live", version=function(scope).current_version)
    AsyncDestinations(scope, "Results", function=alias)


def async_destinations_on_a_function(stack: Stack) -> None:
    AsyncDestinations(stack, "Results", function=function(stack))


def async_destinations_on_a_version(stack: Stack) -> None:
    AsyncDestinations(stack, "Results", function=function(stack).current_version)


def async_destinations_with_everything_said(stack: Stack) -> None:
    AsyncDestinations(
        stack,
        "Results",
        function=live(stack),
        on_success=events.EventBus(stack, "Bus"),
        retry_attempts=0,
        max_event_age=Duration.minutes(10),
        encryption_key=key(stack),
        redrive=True,
        event_age=Duration.minutes(2),
        alarm_topic=topic(stack, "Alarms"),
        removal_policy=RemovalPolicy.DESTROY,
    )


def async_destinations_queues(stack: Stack) -> None:
    AsyncDestinations(
        stack,
        "Results",
        function=live(stack),
        on_success=queue(stack, "Good"),
        on_failure=queue(stack, "Bad"),
        redrive=True,
    )


def async_destinations_topics(stack: Stack) -> None:
    AsyncDestinations(
        stack,
        "Results",
        function=live(stack),
        on_success=topic(stack, "Good"),
        on_failure=topic(stack, "Bad"),
    )


def async_destinations_buses(stack: Stack) -> None:
    AsyncDestinations(
        stack,
        "Results",
        function=live(stack),
        on_success=events.EventBus(stack, "Good"),
        on_failure=events.EventBus.from_event_bus_name(stack, "Bad", "default"),
    )


def async_destinations_functions(stack: Stack) -> None:
    AsyncDestinations(
        stack,
        "Results",
        function=live(stack),
        on_success=live(function(stack, "Good"), "GoodLive"),
        on_failure=live(function(stack, "Bad"), "BadLive"),
    )


def async_destinations_bucket(stack: Stack) -> None:
    AsyncDestinations(
        stack,
        "Results",
        function=live(stack),
        on_failure=bucket(stack),
    )


def async_destinations_under_a_key(stack: Stack) -> None:
    secret = key(stack)
    AsyncDestinations(
        stack,
        "Queues",
        function=live(stack),
        on_success=topic(stack, master_key=secret),
        on_failure=queue(stack, encryption_key=secret),
    )
    AsyncDestinations(
        stack,
        "Bucket",
        function=function(stack, "Second"),
        on_failure=bucket(stack, "Records", encryption_key=secret),
    )


SCENES: Final = (
    async_destinations,
    async_destinations_on_a_function,
    async_destinations_on_a_version,
    async_destinations_with_everything_said,
    async_destinations_queues,
    async_destinations_topics,
    async_destinations_buses,
    async_destinations_functions,
    async_destinations_bucket,
    async_destinations_under_a_key,
)
