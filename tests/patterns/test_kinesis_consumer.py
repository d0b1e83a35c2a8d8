"""The promises that KinesisConsumer makes alone, one test each; none rests on a snapshot."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Environment, Stack, Token
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_

from constructs_lib import InvalidPropsError, KinesisConsumer
from tests.gallery.parts import key, live
from tests.gallery.plain_function import function
from tests.gallery.streams import THEIR_STREAM, stream
from tests.patterns.test_stream_consumer import mapping
from tests.template import granted, logical_id, of_type, properties, warnings

READING = {
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
}


def test_the_function_reads_the_stream_and_nothing_else(stack: Stack) -> None:
    source, secret = stream(stack), key(stack)
    encrypted = stream(stack, "Encrypted", encryption=kinesis.StreamEncryption.KMS, encryption_key=secret)
    plain = KinesisConsumer(stack, "Plain", function=live(stack), stream=source)
    other = live(function(stack, "Other"), "OtherLive")
    under_key = KinesisConsumer(stack, "UnderKey", function=other, stream=encrypted)
    for made, of in ((plain, source), (under_key, encrypted)):
        arn = {"Fn::GetAtt": [logical_id(of), "Arn"]}
        assert mapping(made)["EventSourceArn"] == arn
        assert granted(made.function.role, arn) == READING
        assert made.stream is of
        assert made.stream_consumer is None
    assert granted(other.role, {"Fn::GetAtt": [logical_id(secret), "Arn"]}) == {"kms:Decrypt"}


def test_enhanced_fan_out_registers_a_stream_consumer(stack: Stack) -> None:
    source = stream(stack)
    made = KinesisConsumer(stack, "Consumer", function=live(stack), stream=source, enhanced_fan_out=True)
    registered = properties(made.stream_consumer)
    assert registered["StreamARN"] == {"Fn::GetAtt": [logical_id(source), "Arn"]}
    assert registered["ConsumerName"].startswith("Stack-Consumer")
    arn = {"Ref": logical_id(made.stream_consumer)}
    assert mapping(made)["EventSourceArn"] in (arn, {"Fn::GetAtt": [arn["Ref"], "ConsumerARN"]})
    subscribing = {"kinesis:DescribeStreamConsumer", "kinesis:SubscribeToShard"}
    assert granted(made.function.role, mapping(made)["EventSourceArn"]) == subscribing
    assert granted(made.function.role, registered["StreamARN"]) == READING


def test_two_consumers_of_a_stream_have_two_names(stack: Stack) -> None:
    source = stream(stack)
    for name in ("First", "Second"):
        called = function(stack, f"{name}Function")
        KinesisConsumer(stack, name, function=called, stream=source, enhanced_fan_out=True)
    names = {each["ConsumerName"] for each in of_type(stack, "AWS::Kinesis::StreamConsumer").values()}
    assert len(names) == 2


def test_an_existing_stream_consumer_is_read_through(stack: Stack) -> None:
    source = stream(stack)
    existing = kinesis.StreamConsumer(stack, "Existing", stream=source, stream_consumer_name="existing")
    made = KinesisConsumer(stack, "Made", function=live(stack), stream=source, stream_consumer=existing)
    assert made.stream_consumer is existing
    assert mapping(made)["EventSourceArn"] == stack.resolve(existing.stream_consumer_arn)
    assert len(of_type(stack, "AWS::Kinesis::StreamConsumer")) == 1


def test_a_stream_consumer_that_is_known_at_deployment_is_taken(stack: Stack) -> None:
    """Its stream may be the one that was passed: nobody can know."""
    name = CfnParameter(stack, "StreamName").value_as_string
    arn = f"arn:aws:kinesis:us-east-1:123456789012:stream/{name}/consumer/any:1"
    consumer = kinesis.StreamConsumer.from_stream_consumer_arn(stack, "Theirs", arn)
    made = KinesisConsumer(
        stack, "Made", function=live(stack), stream=stream(stack), stream_consumer=consumer
    )
    assert mapping(made)["EventSourceArn"] == stack.resolve(arn)


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=2))])
def test_a_timestamp_is_seconds_since_1970(stack: Stack, zone: Any) -> None:
    made = KinesisConsumer(
        stack,
        "Made",
        function=live(stack),
        stream=stream(stack),
        starting_position=lambda_.StartingPosition.AT_TIMESTAMP,
        starting_position_timestamp=datetime(2026, 11, 28, 9, 30, tzinfo=zone),
    )
    assert mapping(made)["StartingPosition"] == "AT_TIMESTAMP"
    expected = 1_795_858_200 - (7200 if zone is not UTC else 0)
    assert mapping(made)["StartingPositionTimestamp"] == expected


@pytest.mark.parametrize(
    ("retention", "age"),
    [
        (None, 43_200),
        (Duration.days(2), 86_400),
        (Duration.days(14), 604_800),
        (Duration.days(365), 604_800),
    ],
)
def test_the_record_age_is_half_of_the_retention_and_at_most_seven_days(
    stack: Stack, retention: Duration | None, age: int
) -> None:
    source = stream(stack, retention_period=retention)
    made = KinesisConsumer(stack, "Made", function=live(stack), stream=source)
    assert mapping(made)["MaximumRecordAgeInSeconds"] == age


def test_the_retention_of_an_imported_stream_is_not_known(stack: Stack) -> None:
    theirs = kinesis.Stream.from_stream_arn(stack, "S", "arn:aws:kinesis:us-east-1:123456789012:stream/s")
    made = KinesisConsumer(stack, "Default", function=live(stack), stream=theirs)
    assert mapping(made)["MaximumRecordAgeInSeconds"] == 43_200


@pytest.mark.parametrize("known", ["imported", "later"])
def test_a_retention_that_is_not_known_limits_no_record_age(stack: Stack, known: str) -> None:
    if known == "imported":
        arn = "arn:aws:kinesis:us-east-1:123456789012:stream/s"
        source: Any = kinesis.Stream.from_stream_arn(stack, "Stream", arn)
    else:
        source = stream(stack)
        source.node.default_child.retention_period_hours = Token.as_number({"Ref": "Hours"})
    made = KinesisConsumer(
        stack, "Made", function=live(stack), stream=source, max_record_age=Duration.days(3)
    )
    assert mapping(made)["MaximumRecordAgeInSeconds"] == 259_200


@pytest.mark.parametrize(
    ("factor", "reserved", "warned"), [(3, 6, False), (3, 5, True), (1, 2, False), (1, 1, True)]
)
def test_a_concurrency_below_the_shards_is_warned_of(
    stack: Stack, factor: int, reserved: int, warned: bool
) -> None:
    worker = function(stack, reserved_concurrent_executions=reserved)
    KinesisConsumer(
        stack, "Made", function=worker, stream=stream(stack), parallelization_factor=factor
    )  # of two shards
    found = [
        each for each in warnings(stack) if "[ack: constructs-lib:reserved-concurrency-below-shards]" in each
    ]
    assert len(found) == warned
    if warned:
        assert (
            f"reserves a concurrency of {reserved}, and 2 shards x parallelization_factor {factor}"
            in found[0]
        )


def test_an_on_demand_stream_has_no_shards_to_count(stack: Stack) -> None:
    worker = function(stack, reserved_concurrent_executions=1)
    source = stream(stack, stream_mode=kinesis.StreamMode.ON_DEMAND)
    KinesisConsumer(stack, "Made", function=worker, stream=source)
    assert warnings(stack) == []


def test_the_owner_of_a_stream_registers_its_consumers(app: App) -> None:
    stack = Stack(app, "Ours", env=Environment(account="123456789012", region="us-east-1"))
    theirs = kinesis.Stream.from_stream_arn(stack, "Theirs", THEIR_STREAM)
    with pytest.raises(
        InvalidPropsError, match="enhanced_fan_out requires a stream of the same account, got Ours/"
    ):
        KinesisConsumer(stack, "Made", function=live(stack), stream=theirs, enhanced_fan_out=True)
    assert stack.node.try_find_child("Made") is None


def test_unresolved_tokens_pass(stack: Stack) -> None:
    """CloudFormation will judge what is known only at deployment."""
    number = CfnParameter(stack, "Number", type="Number").value_as_number
    made = KinesisConsumer(
        stack,
        "Made",
        function=function(stack, reserved_concurrent_executions=3),
        stream=stream(stack),
        batch_size=number,
        max_batching_window=Duration.seconds(number),
        parallelization_factor=number,
        retry_attempts=number,
        tumbling_window=Duration.seconds(number),
        filters=[{"data": {"type": [Token.as_string({"Ref": "Type"})]}}],
    )
    found = mapping(made)
    assert found["TumblingWindowInSeconds"] == found["MaximumRetryAttempts"] == {"Ref": "Number"}
