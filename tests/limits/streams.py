"""The limits of KinesisConsumer and TableStreamConsumer."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from aws_cdk import Duration, RemovalPolicy, Stack, Token
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk.aws_lambda_event_sources import SqsDlq

from constructs_lib import KinesisConsumer, LiveAlias, TableStreamConsumer
from tests.gallery.parts import key, live, queue, topic
from tests.gallery.plain_function import function
from tests.gallery.streams import stream, table
from tests.limits.table import Arguments, Limits, args, by_name_instead

POSITION: Final = lambda_.StartingPosition


def fifo(kind: type) -> Arguments:
    return lambda stack: {"on_failure": kind(stack, "Fifo", fifo=True)}


def with_a_queue(**arguments: Any) -> Arguments:
    return lambda stack: {"on_failure": queue(stack), "redrive": True} | arguments


def beside_a_target(argument: str, value: Callable[[Stack], Any]) -> Arguments:
    return lambda stack: {"on_failure": queue(stack), argument: value(stack)}


def consumer_of_another(stack: Stack) -> dict[str, Any]:
    other = stream(stack, "Other")
    existing = kinesis.StreamConsumer(stack, "Existing", stream=other, stream_consumer_name="existing")
    return {"stream_consumer": existing}


def consumer_of_another_imported(stack: Stack) -> dict[str, Any]:
    arn = "arn:aws:kinesis:us-east-1:123456789012:stream/"
    consumer = kinesis.StreamConsumer.from_stream_consumer_arn(stack, "C", f"{arn}other/consumer/c:1")
    return {"stream": kinesis.Stream.from_stream_arn(stack, "S", f"{arn}ours"), "stream_consumer": consumer}


def both_consumers(stack: Stack) -> dict[str, Any]:
    ours = stream(stack)
    existing = kinesis.StreamConsumer(stack, "Existing", stream=ours, stream_consumer_name="existing")
    return {"stream": ours, "stream_consumer": existing, "enhanced_fan_out": True}


def kept_for(retention: Duration | None, **arguments: Any) -> Arguments:
    return lambda stack: {"stream": stream(stack, retention_period=retention)} | arguments


_BOTH: Final[list[tuple[str, Arguments, str]]] = [
    ("batch of 0", args(batch_size=0), "batch_size must be 1 to 10,000, got 0"),
    ("batch above 10,000", args(batch_size=10_001), "batch_size must be 1 to 10,000, got 10,001"),
    ("batch with a fraction", args(batch_size=1.5), "batch_size must be a whole number, got 1.5"),
    ("window above 300 s", args(max_batching_window=Duration.seconds(301)),
     "max_batching_window must be 0 seconds to 5 minutes"),
    ("window with a fraction", args(max_batching_window=Duration.millis(1500)),
     "max_batching_window must be a whole number of seconds, got 1.5"),
    ("factor of 0", args(parallelization_factor=0), "parallelization_factor must be 1 to 10, got 0"),
    ("factor above 10", args(parallelization_factor=11), "parallelization_factor must be 1 to 10, got 11"),
    ("factor with a fraction", args(parallelization_factor=2.5), "parallelization_factor must be a whole number"),
    ("tumbling window of 0", args(tumbling_window=Duration.seconds(0)),
     "tumbling_window must be 1 second to 15 minutes, got 0 seconds"),
    ("tumbling window above 900 s", args(tumbling_window=Duration.seconds(901)),
     "must be 1 second to 15 minutes, got 901 seconds"),
    ("tumbling window with a fraction", args(tumbling_window=Duration.millis(1500)),
     "tumbling_window must be a whole number of seconds"),
    ("retries forever", args(retry_attempts=-1), "retry_attempts must be 0 to 10,000, got -1"),
    ("retries above 10,000", args(retry_attempts=10_001), "retry_attempts must be 0 to 10,000, got 10,001"),
    ("retries with a fraction", args(retry_attempts=0.5), "retry_attempts must be a whole number, got 0.5"),
    ("age below 60 s", args(max_record_age=Duration.seconds(59)),
     "max_record_age must be 1 minute to 7 days, got 59 seconds"),
    ("age above 7 days", args(max_record_age=Duration.days(8)), "1 minute to 7 days, got 8 days"),
    ("age with a fraction", args(max_record_age=Duration.millis(60_500)),
     "max_record_age must be a whole number of seconds"),
    ("age as a number", args(max_record_age=60), "max_record_age must be a Duration"),
    ("age of the default retention", args(max_record_age=Duration.hours(24)),
     "max_record_age must be below the stream's retention of 86,400 seconds, got 86,400"),
    ("alarm at age 0", args(iterator_age=Duration.seconds(0)), "iterator_age must be at least 1 second, got 0"),
    ("alarm after records are given up", args(max_record_age=Duration.minutes(5), iterator_age=Duration.minutes(5)),
     "iterator_age must be below max_record_age of 300 seconds, got 300"),
    ("alarm after the default age", args(iterator_age=Duration.hours(12)), "below max_record_age of 43,200 seconds"),
    ("age known at deployment", args(max_record_age=Duration.seconds(Token.as_number({"Ref": "N"}))),
     "max_record_age must be known at synth"),
    ("alarm known at deployment", args(iterator_age=Duration.seconds(Token.as_number({"Ref": "N"}))),
     "iterator_age must be known at synth"),
    ("no position", args(starting_position=None), "starting_position must be a StartingPosition"),
    ("position as a text", args(starting_position="LATEST"), "must be a StartingPosition, such as StartingPosition."),
    ("one filter", args(filters={"eventID": ["a"]}), "filters must be a list of patterns"),
    ("six filters", args(filters=[{"eventID": ["a"]}] * 6), "filters must be at most 5, got 6"),
    ("an empty filter", args(filters=[{}]), "filters[0] must have at least one key"),
    ("a filter that CDK has made", args(filters=[lambda_.FilterCriteria.filter({"eventID": ["a"]})]),
     "filters[0] must be the pattern itself"),
    ("a filter without a list", args(filters=[{"eventID": "a"}]), "filters[0]['eventID'] must be a list"),
    ("a long filter", args(filters=[{"eventID": ["a" * 4096]}]), "filters[0] must be at most 4,096 characters"),
    ("failures to a FIFO queue", fifo(sqs.Queue), "on_failure cannot be a FIFO queue"),
    ("failures to a FIFO topic", fifo(sns.Topic), "on_failure cannot be a FIFO topic"),
    ("failures to a function", lambda stack: {"on_failure": function(stack, "Other")},
     "on_failure must be a bucket, queue or topic"),
    ("failures to a text", args(on_failure="failed"),
     "on_failure must be a bucket, queue or topic, got 'failed' (str)."),
    ("failures to CDK's destination", lambda stack: {"on_failure": SqsDlq(queue(stack))},
     "Pass the bucket, queue or topic itself, not the destination around it."),
    ("a key and a target", beside_a_target("encryption_key", key), "encryption_key cannot be combined with on_failure"),
    ("a retention and a target", beside_a_target("failed_record_retention", lambda _: Duration.days(3)),
     "failed_record_retention cannot be combined with on_failure"),
    ("a removal policy and a target", beside_a_target("removal_policy", lambda _: RemovalPolicy.DESTROY),
     "removal_policy cannot be combined with on_failure"),
    ("retention of 0 days", args(failed_record_retention=Duration.days(0)),
     "must be at least 1 day, got 0 seconds"),
    ("retention of hours", args(failed_record_retention=Duration.hours(36)),
     "must be a whole number of days, got 1.5"),
    ("a removal policy by its name", args(removal_policy="destroy"),
     "removal_policy must be a RemovalPolicy other than"),
    ("a snapshot of a bucket", args(removal_policy=RemovalPolicy.SNAPSHOT), "RemovalPolicy other than SNAPSHOT"),
    ("redrive in words", args(redrive="yes"), "redrive must be True or False, got 'yes' (str)"),
    ("redrive from a topic", lambda stack: {"on_failure": topic(stack), "redrive": True},
     "redrive=True requires a bucket or a queue for failures"),
    ("redrive into windows", args(redrive=True, tumbling_window=Duration.minutes(1)),
     "redrive cannot be combined with tumbling_window"),
    ("redrive of filtered records from a queue", with_a_queue(filters=[{"eventID": ["a"]}]),
     "redrive from a queue cannot be combined with filters"),
    ("redrive of parallel batches from a queue", with_a_queue(parallelization_factor=2),
     "redrive from a queue cannot be combined with parallelization_factor"),
    ("metrics in words", args(event_count_metrics="yes"), "event_count_metrics must be True or False, got 'yes' (str)"),
    ("a LiveAlias", lambda stack: {"function": LiveAlias(stack, "Other", function=function(stack))},
     "function must be a function, version or alias, got Stack/Other (LiveAlias). Pass its .alias."),
    ("an imported function without its role", lambda stack: {"function": lambda_.Function.from_function_name(stack,
     "Roleless", "theirs")}, "was imported without its role"),
    *by_name_instead(function="a function, version or alias", alarm_topic="a topic", encryption_key="a key"),
]  # fmt: skip

_KINESIS: Final[list[tuple[str, Arguments, str]]] = [
    ("a timestamp alone", args(starting_position_timestamp=datetime(2026, 1, 31, tzinfo=UTC)),
     "starting_position_timestamp requires starting_position=StartingPosition.AT_TIMESTAMP"),
    ("no timestamp", args(starting_position=POSITION.AT_TIMESTAMP),
     "and the other way round, got AT_TIMESTAMP and None"),
    ("a timestamp without a zone", args(starting_position=POSITION.AT_TIMESTAMP,
     starting_position_timestamp=datetime(2026, 1, 31)), "must be a datetime with a time zone"),
    ("a timestamp as a number", args(starting_position=POSITION.AT_TIMESTAMP,
     starting_position_timestamp=1_800_000_000),
     "must be a datetime with a time zone"),
    ("age of a longer retention", kept_for(Duration.days(3), max_record_age=Duration.days(3)),
     "must be below the stream's retention of 259,200 seconds, got 259,200"),
    ("a filter of a queue", args(filters=[{"body": ["a"]}]),
     "each key of filters[0] must be one of data, partitionKey"),
    ("no stream", args(stream=None), "stream must be a Kinesis stream, got None"),
    ("a table as a stream", lambda stack: {"stream": table(stack)}, "stream must be a Kinesis stream, got Stack/Table"),
    ("fan-out in words", args(enhanced_fan_out="yes"), "enhanced_fan_out must be True or False, got 'yes' (str)"),
    ("two stream consumers", both_consumers, "enhanced_fan_out and stream_consumer cannot be combined"),
    ("a consumer of another stream", consumer_of_another,
     "stream_consumer must be one of stream Stack/Stream, got one of"),
    ("a consumer of another imported stream", consumer_of_another_imported,
     "stream_consumer must be one of stream Stack/S"),
    *by_name_instead(stream="a Kinesis stream", stream_consumer="a stream consumer"),
]  # fmt: skip

_TABLE: Final[list[tuple[str, Arguments, str]]] = [
    ("a timestamp", args(starting_position=POSITION.AT_TIMESTAMP),
     "starting_position must be TRIM_HORIZON or LATEST, got AT_TIMESTAMP"),
    ("a filter of a stream", args(filters=[{"data": ["a"]}]),
     "each key of filters[0] must be one of dynamodb, eventID"),
    ("a number in a filter", args(filters=[{"dynamodb": {"NewImage": {"age": {"N": [{"numeric": [">", 5]}]}}}}]),
     "filters[0] cannot use numeric"),
    ("a number in an alternative", args(filters=[{"dynamodb": {"$or": [{"Keys": {"a": {"N": [{"numeric": ["=",
     5]}]}}}]}}]),
     "filters[0] cannot use numeric"),
    ("no table", args(table=None), "table must be a DynamoDB table, got None"),
    ("a stream as a table", lambda stack: {"table": stream(stack)}, "table must be a DynamoDB table, got Stack/Stream"),
    ("a table without a stream", lambda stack: {"table": table(stack, stream=None)}, "table Stack/Table has no stream"),
    *by_name_instead(table="a DynamoDB table"),
]  # fmt: skip

KINESIS_LIMITS: Final = Limits(
    KinesisConsumer, otherwise={"function": live, "stream": stream}, rows=[*_BOTH, *_KINESIS]
)
TABLE_STREAM_LIMITS: Final = Limits(
    TableStreamConsumer, otherwise={"function": live, "table": table}, rows=[*_BOTH, *_TABLE]
)
