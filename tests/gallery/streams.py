"""Scenes of KinesisConsumer and TableStreamConsumer."""

from datetime import UTC, datetime
from typing import Any, Final

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import KinesisConsumer, TableStreamConsumer
from tests.gallery.parts import acknowledge, bucket, key, live, queue, topic
from tests.gallery.plain_function import function

THEIR_STREAM: Final = "arn:aws:kinesis:us-east-1:210987654321:stream/positions"
THEIR_TABLE: Final = "arn:aws:dynamodb:us-east-1:210987654321:table/trips"
THEIR_TABLE_STREAM: Final = f"{THEIR_TABLE}/stream/2026-11-28T00:00:00.000"

ID: Final = dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)


def stream(scope: Construct, construct_id: str = "Stream", **arguments: Any) -> kinesis.Stream:
    shards = None if "stream_mode" in arguments else 2
    made = kinesis.Stream(scope, construct_id, shard_count=shards, **arguments)
    acknowledge(made, "AwsSolutions-KDS3", reason="The scene is about something else.")
    return made


def table(scope: Construct, construct_id: str = "Table", **arguments: Any) -> dynamodb.Table:
    given = {"stream": dynamodb.StreamViewType.NEW_AND_OLD_IMAGES} | arguments
    return dynamodb.Table(
        scope,
        construct_id,
        partition_key=ID,
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        **given,
    )


# --- Kinesis -------------------------------------------------------------------------------------------


def kinesis_consumer(scope: Construct) -> None:
    alias = lambda_.Alias(scope, "Live", alias_name="live", version=function(scope).current_version)
    KinesisConsumer(scope, "Consumer", function=alias, stream=stream(scope))


def kinesis_consumer_on_a_version(stack: Stack) -> None:
    KinesisConsumer(stack, "Consumer", function=function(stack).current_version, stream=stream(stack))


def kinesis_consumer_with_everything_set(stack: Stack) -> None:
    KinesisConsumer(
        stack,
        "Consumer",
        function=live(stack),
        stream=stream(stack, retention_period=Duration.days(7)),
        starting_position=lambda_.StartingPosition.AT_TIMESTAMP,
        starting_position_timestamp=datetime(2026, 11, 28, 9, 30, tzinfo=UTC),
        batch_size=1000,
        max_batching_window=Duration.seconds(20),
        parallelization_factor=10,
        retry_attempts=2,
        max_record_age=Duration.days(2),
        filters=[{"data": {"type": ["moved"]}}, {"partitionKey": [{"prefix": "driver-"}]}],
        enhanced_fan_out=True,
        encryption_key=key(stack),
        failed_record_retention=Duration.days(30),
        redrive=True,
        iterator_age=Duration.minutes(2),
        alarm_topic=topic(stack, "Alarms"),
        removal_policy=RemovalPolicy.DESTROY,
    )


def kinesis_consumer_of_an_existing_stream_consumer(stack: Stack) -> None:
    source = stream(stack)
    existing = kinesis.StreamConsumer(stack, "Existing", stream=source, stream_consumer_name="existing")
    KinesisConsumer(stack, "Consumer", function=live(stack), stream=source, stream_consumer=existing)


def kinesis_consumer_of_the_latest(stack: Stack) -> None:
    KinesisConsumer(
        stack,
        "Consumer",
        function=live(stack),
        stream=stream(stack, stream_mode=kinesis.StreamMode.ON_DEMAND),
        starting_position=lambda_.StartingPosition.LATEST,
        event_count_metrics=False,
    )


def kinesis_consumer_in_windows(stack: Stack) -> None:
    KinesisConsumer(
        stack,
        "Consumer",
        function=live(stack),
        stream=stream(stack),
        tumbling_window=Duration.minutes(1),
        on_failure=topic(stack, "Failures"),
    )


def kinesis_consumer_to_a_queue(stack: Stack) -> None:
    KinesisConsumer(
        stack,
        "Consumer",
        function=live(stack),
        stream=stream(stack),
        on_failure=queue(stack, "Failures"),
        redrive=True,
    )


def kinesis_consumer_to_a_bucket(stack: Stack) -> None:
    KinesisConsumer(
        stack,
        "Consumer",
        function=live(stack),
        stream=stream(stack),
        on_failure=bucket(stack, "Failures"),
        redrive=True,
    )


def kinesis_consumer_under_a_key(stack: Stack) -> None:
    secret = key(stack)
    KinesisConsumer(
        stack,
        "Consumer",
        function=live(stack),
        stream=stream(stack, encryption=kinesis.StreamEncryption.KMS, encryption_key=secret),
        on_failure=queue(stack, "Failures", encryption_key=secret),
        redrive=True,
    )


def kinesis_consumer_of_another_account(stack: Stack) -> None:
    KinesisConsumer(
        stack,
        "Consumer",
        function=live(stack),
        stream=kinesis.Stream.from_stream_arn(stack, "Theirs", THEIR_STREAM),
        max_record_age=Duration.hours(2),
        alarm_topic=sns.Topic.from_topic_arn(stack, "Alarms", "arn:aws:sns:us-east-1:123456789012:alarms"),
    )


# --- DynamoDB ------------------------------------------------------------------------------------------


def table_stream_consumer(scope: Construct) -> None:
    alias = lambda_.Alias(scope, "Live", alias_name="live", version=function(scope).current_version)
    TableStreamConsumer(scope, "Consumer", function=alias, table=table(scope))


def table_stream_consumer_on_a_function(stack: Stack) -> None:
    TableStreamConsumer(stack, "Consumer", function=function(stack), table=table(stack))


def table_stream_consumer_with_everything_set(stack: Stack) -> None:
    TableStreamConsumer(
        stack,
        "Consumer",
        function=live(stack),
        table=table(stack),
        starting_position=lambda_.StartingPosition.LATEST,
        batch_size=10_000,
        max_batching_window=Duration.seconds(5),
        parallelization_factor=2,
        retry_attempts=0,
        max_record_age=Duration.hours(6),
        filters=[{"eventName": ["INSERT"], "dynamodb": {"NewImage": {"seats": {"N": ["4", "6"]}}}}],
        encryption_key=key(stack),
        failed_record_retention=Duration.days(90),
        redrive=True,
        iterator_age=Duration.minutes(5),
        event_count_metrics=True,
        alarm_topic=topic(stack, "Alarms"),
        removal_policy=RemovalPolicy.DESTROY,
    )


def table_stream_consumer_of_a_table_v2(stack: Stack) -> None:
    home = dynamodb.TableV2(
        stack,
        "Table",
        partition_key=ID,
        dynamo_stream=dynamodb.StreamViewType.NEW_IMAGE,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
    )
    TableStreamConsumer(
        stack, "Consumer", function=live(stack), table=home, on_failure=bucket(stack, "Failures")
    )


def table_stream_consumer_in_windows(stack: Stack) -> None:
    TableStreamConsumer(
        stack,
        "Consumer",
        function=live(stack),
        table=table(stack),
        tumbling_window=Duration.minutes(15),
        on_failure=topic(stack, "Failures"),
        event_count_metrics=False,
    )


def table_stream_consumer_under_a_key(stack: Stack) -> None:
    secret: kms.IKey = key(stack)
    TableStreamConsumer(
        stack,
        "Consumer",
        function=live(stack),
        table=table(stack, encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED, encryption_key=secret),
        on_failure=queue(stack, "Failures", encryption_key=secret),
        redrive=True,
    )


def table_stream_consumer_of_another_account(stack: Stack) -> None:
    TableStreamConsumer(
        stack,
        "Consumer",
        function=live(stack),
        table=dynamodb.Table.from_table_attributes(
            stack, "Theirs", table_arn=THEIR_TABLE, table_stream_arn=THEIR_TABLE_STREAM
        ),
    )


SCENES: Final = (
    kinesis_consumer,
    kinesis_consumer_on_a_version,
    kinesis_consumer_with_everything_set,
    kinesis_consumer_of_an_existing_stream_consumer,
    kinesis_consumer_of_the_latest,
    kinesis_consumer_in_windows,
    kinesis_consumer_to_a_queue,
    kinesis_consumer_to_a_bucket,
    kinesis_consumer_under_a_key,
    kinesis_consumer_of_another_account,
    table_stream_consumer,
    table_stream_consumer_on_a_function,
    table_stream_consumer_with_everything_set,
    table_stream_consumer_of_a_table_v2,
    table_stream_consumer_in_windows,
    table_stream_consumer_under_a_key,
    table_stream_consumer_of_another_account,
)
