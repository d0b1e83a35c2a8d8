"""Scenes of QueueConsumer."""

from typing import Final

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib import QueueConsumer
from tests.gallery.plain_function import function


def queue_consumer(scope: Construct) -> None:
    QueueConsumer(scope, "Consumer", function=function(scope))


def queue_consumer_on_an_alias(stack: Stack) -> None:
    live = lambda_.Alias(stack, "Live", alias_name="live", version=function(stack).current_version)
    QueueConsumer(stack, "Consumer", function=live, max_concurrency=10)


def queue_consumer_fifo(stack: Stack) -> None:
    QueueConsumer(stack, "Consumer", function=function(stack), fifo=True, content_based_deduplication=True)


def queue_consumer_with_a_key(stack: Stack) -> None:
    key = kms.Key(stack, "Key", enable_key_rotation=True)
    consumer = QueueConsumer(stack, "Consumer", function=function(stack), encryption_key=key)
    consumer.grant_send_messages(function(stack, "Producer"))


def queue_consumer_in_large_batches(stack: Stack) -> None:
    QueueConsumer(
        stack,
        "Consumer",
        function=function(stack, timeout=Duration.seconds(60), reserved_concurrent_executions=20),
        batch_size=1000,
        max_batching_window=Duration.seconds(20),
        max_concurrency=20,
        max_receive_count=8,
        retention_period=Duration.days(7),
        filters=[{"body": {"type": ["trip.completed"]}}],
        oldest_message_age=Duration.minutes(5),
        removal_policy=RemovalPolicy.DESTROY,
    )


def queue_consumer_with_provisioned_pollers(stack: Stack) -> None:
    QueueConsumer(stack, "Consumer", function=function(stack), minimum_pollers=2, maximum_pollers=20)


def queue_consumer_of_an_existing_queue(stack: Stack) -> None:
    dead = sqs.Queue(stack, "Dead", enforce_ssl=True, retention_period=Duration.days(14))
    source = sqs.Queue(
        stack,
        "Source",
        enforce_ssl=True,
        visibility_timeout=Duration.minutes(5),
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead, max_receive_count=5),
    )
    QueueConsumer(stack, "Consumer", function=function(stack), queue=source)


def queue_consumer_of_another_account(stack: Stack) -> None:
    theirs = sqs.Queue.from_queue_arn(stack, "Theirs", "arn:aws:sqs:us-east-1:210987654321:trips")
    QueueConsumer(
        stack,
        "Consumer",
        function=function(stack),
        queue=theirs,
        alarm_topic=sns.Topic.from_topic_arn(stack, "Alarms", "arn:aws:sns:us-east-1:123456789012:alarms"),
    )


SCENES: Final = (
    queue_consumer,
    queue_consumer_on_an_alias,
    queue_consumer_fifo,
    queue_consumer_with_a_key,
    queue_consumer_in_large_batches,
    queue_consumer_with_provisioned_pollers,
    queue_consumer_of_an_existing_queue,
    queue_consumer_of_another_account,
)
