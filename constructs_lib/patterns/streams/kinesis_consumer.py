"""Process a Kinesis data stream with a Lambda function: a record that fails never blocks its shard for long."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aws_cdk import Duration, Names, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import location, permissions
from constructs_lib.foundation.resource import find_resource, properties_of
from constructs_lib.patterns.streams.failure_destination import RecordTarget
from constructs_lib.patterns.streams.reading import STARTING_POSITION, Reading
from constructs_lib.patterns.streams.source import Pages
from constructs_lib.patterns.streams.stream_consumer import StreamConsumer

_READING: Final = (
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
)
"""What Lambda does with a stream (KINESIS_CREATE)."""

_SUBSCRIBING: Final = ("kinesis:DescribeStreamConsumer", "kinesis:SubscribeToShard")
"""What it does with a stream consumer (KINESIS_POLICIES)."""

_PAGES: Final = Pages(
    parameters=_defaults.KINESIS_PARAMETERS,
    failures=_defaults.KINESIS_FAILURES,
    filtering=_defaults.KINESIS_FILTERING,
)


class KinesisConsumer(StreamConsumer):
    """A Kinesis data stream processed by your function: records that fail are kept, and can be redriven.

    What is deployed: the event source mapping, on the alias, version or function that you pass; a bucket for the
    records whose retries are exhausted (unless you pass `on_failure`), encrypted, over TLS only, not public, which
    keeps them for 14 days; five alarms (iterator age, failed records, deliveries that failed, errors, throttles) and
    the topic that they notify. The function's role may read the stream, and write under the prefix `aws/lambda/` in the
    bucket. The bucket costs what is in it; `event_count_metrics` costs seven custom metrics a month; a stream consumer
    of `enhanced_fan_out` costs by shard and hour.

    Lambda's own default is to retry a batch that fails until its records expire, a day to a year later, while every
    record behind it in the shard waits. Here a batch that fails is split in two (which uses up no retry), so that the
    record that fails is soon alone; it is retried `retry_attempts` times, and then goes to the on-failure destination.
    A function that is throttled uses up no retries: `max_record_age` ends that, by default half of the retention.

    The handler must return `{"batchItemFailures": [{"itemIdentifier": sequence number}]}`: Lambda retries from the
    lowest sequence number in it. An empty list means that every record succeeded, and so does a handler that returns
    nothing (None). If it raises an error, the whole batch failed. docs/streams.md has a handler that stops at the first
    failure.

    What is in order: the records of a partition key, from the first to the last, while none fails. After a failure the
    records behind it in the batch are processed again, unless the handler stopped at the failure. A record whose
    retries are exhausted is missing in the order, and comes after its successors when it is redriven. A batch that is
    retried blocks the records behind it; with `parallelization_factor`, those of the same partition keys, whose order
    is kept, and not that of the shard. Lambda delivers at least once: use the record's `eventID` (the shard and the
    sequence number) as the idempotency key.

    `starting_position` and its timestamp cannot be changed in one deployment: CloudFormation creates the new mapping
    before it deletes the old one, and Lambda refuses a second mapping of a function to a stream. Remove the consumer in
    one deployment, and add it in the next, with AT_TIMESTAMP. Another stream, or enhanced fan-out, can be changed: the
    new mapping begins at `starting_position`, and `redrive_function` does not see what failed under the old one.

    The stream may belong to another account: its resource policy must then let the function's role do what synth shows.

    Args:
        scope: The construct to put it in.
        construct_id: The construct's id, unique in its scope.
        function: Processes the batches: a function, or the alias or version to invoke.
        stream: The stream to read, of the same Region.
        starting_position: Where to begin: TRIM_HORIZON (the default) is the oldest record. LATEST misses what arrives
            in the minutes until the mapping works. AT_TIMESTAMP requires `starting_position_timestamp`.
        starting_position_timestamp: With AT_TIMESTAMP: a datetime with a time zone.
        batch_size: Maximum number of records in a batch, 1 to 10,000; default 100. A batch has at most 6 MB.
        max_batching_window: How long to wait for a full batch, 0 to 300 seconds; default 0.
        parallelization_factor: Batches of one shard at the same time, 1 to 10; default 1.
        tumbling_window: Length of the windows over which the handler passes on a state, 1 to 900 seconds; default is
            no windows. The handler must return `state` then.
        retry_attempts: Retries of a batch whose invocation fails, 0 to 10,000; default 5. Splitting uses up none.
        max_record_age: The age at which Lambda stops retrying a record, 60 seconds to 7 days, and below the stream's
            retention; default half of the retention, or 12 hours if it is unknown.
        filters: Filter patterns, at most 5, such as `{"data": {"type": ["moved"]}}`. Lambda skips records that match
            none, and records whose data is not JSON.
        enhanced_fan_out: Whether to register a stream consumer, with a throughput of its own, on a stream of the same
            account; default False.
        stream_consumer: Read through this existing consumer of `stream`.
        on_failure: A bucket, a queue or a topic of the same Region for what fails when retries are exhausted. None: a
            bucket is created. A bucket gets the records themselves. A queue or a topic gets their sequence numbers
            alone, which lead nowhere once the stream has deleted the records.
        encryption_key: Your own KMS key for the bucket that is created, of the same Region; default is a key that S3
            manages, without cost.
        failed_record_retention: How long that bucket keeps a failed batch, in whole days; default 14 days.
        redrive: Whether to deploy the function that sends failed records to `function` again; requires a bucket or a
            queue for failures, and no `tumbling_window`.
        iterator_age: Alarm when a record is older when the function gets it, below `max_record_age`; default 15
            minutes, or half of `max_record_age` if that is less.
        event_count_metrics: Whether the mapping publishes its event counts; default True, for the price of
            seven custom metrics. Without them a bucket or a topic for failures has no alarm on failed records.
        alarm_topic: The topic that the alarms notify, of the same Region. None: that of `AlarmSettings`, or else one
            that is created, for you to subscribe to.
        removal_policy: What happens to the bucket that is created when the stack is deleted; default RETAIN.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        function: The function, alias or version that you passed.
        stream: The stream, as you passed it.
        stream_consumer: The stream consumer that was created, or the one that you passed. None without enhanced
            fan-out.
        event_source_mapping: The event source mapping between the stream and the function.
        failure_bucket: Where failed batches go: the bucket that was created, or yours. None if `on_failure` is not a
            bucket.
        failure_queue: The queue that you passed as `on_failure`. None if it is not a queue.
        redrive_function: Sends failed records to `function` again. None without `redrive=True`.
        alarm_topic: Notified by the alarms: the one that you passed, that of `AlarmSettings`, or one that was created.
        iterator_age_alarm: On the age of records when the function gets them.
        failed_records_alarm: On the first record in the on-failure destination. None without `event_count_metrics`,
            unless the destination is a queue of this account.
        delivery_alarm: On batches that Lambda could not deliver to the on-failure destination.
        errors_alarm: On the share of invocations that fail.
        throttles_alarm: On throttled invocations.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
    """

    stream: Final[kinesis.IStream]
    stream_consumer: Final[kinesis.IStreamConsumer | None]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: FunctionLike,
        stream: kinesis.IStream | kinesis.Stream,
        starting_position: lambda_.StartingPosition = STARTING_POSITION,
        starting_position_timestamp: datetime | None = None,
        batch_size: float = _defaults.STREAM_BATCH_SIZE,
        max_batching_window: Duration | None = None,
        parallelization_factor: float = 1,
        tumbling_window: Duration | None = None,
        retry_attempts: float = _defaults.STREAM_RETRY_ATTEMPTS,
        max_record_age: Duration | None = None,
        filters: Sequence[Mapping[str, object]] = (),
        enhanced_fan_out: bool = False,
        stream_consumer: kinesis.IStreamConsumer | kinesis.StreamConsumer | None = None,
        on_failure: RecordTarget | None = None,
        encryption_key: kms.IKey | kms.Key | None = None,
        failed_record_retention: Duration | None = None,
        redrive: bool = False,
        iterator_age: Duration | None = None,
        event_count_metrics: bool = True,
        alarm_topic: sns.ITopic | sns.Topic | None = None,
        removal_policy: RemovalPolicy | None = None,
    ) -> None:
        """Create the consumer; the arguments are described at the class."""
        source = _KinesisSource.of(scope, stream, stream_consumer, enhanced_fan_out=enhanced_fan_out)
        super().__init__(
            scope,
            construct_id,
            function=function,
            source=source,
            reading=Reading(
                batch_size=batch_size,
                max_batching_window=max_batching_window,
                parallelization_factor=parallelization_factor,
                tumbling_window=tumbling_window,
                starting_position=starting_position,
                starting_position_timestamp=starting_position_timestamp,
                retry_attempts=retry_attempts,
                max_record_age=max_record_age,
                iterator_age=iterator_age,
            ),
            filters=filters,
            on_failure=on_failure,
            encryption_key=encryption_key,
            failed_record_retention=failed_record_retention,
            redrive=redrive,
            event_count_metrics=event_count_metrics,
            alarm_topic=alarm_topic,
            removal_policy=removal_policy,
        )
        self.stream = stream
        self.stream_consumer = source.consumer


@dataclass
class _KinesisSource:
    stream: kinesis.IStream
    consumer: kinesis.IStreamConsumer | None
    enhanced_fan_out: bool
    shards: float | None
    retention: float | None
    pages: Pages = _PAGES
    record_keys: tuple[str, ...] = _defaults.KINESIS_RECORD_KEYS

    @classmethod
    def of(
        cls,
        scope: Construct,
        stream: kinesis.IStream,
        consumer: kinesis.IStreamConsumer | None,
        *,
        enhanced_fan_out: bool,
    ) -> "_KinesisSource":
        """Check what is read.

        Raises:
            InvalidPropsError: It is not a stream, or is in another Region.
        """
        _validation.check_part("stream", stream, "stream_arn", "a Kinesis stream", required=True)
        _validation.check_part("stream_consumer", consumer, "stream_consumer_arn", "a stream consumer")
        _validation.check_flag("enhanced_fan_out", enhanced_fan_out)
        _validation.check_at_most_one(
            "stream_consumer has enhanced fan-out already. Leave one out.",
            enhanced_fan_out=enhanced_fan_out,
            stream_consumer=consumer,
        )
        for name, part in (
            ("stream_consumer", None if consumer is None else consumer.stream),
            ("stream", stream),
        ):
            location.check(
                scope,
                name,
                part,
                same_account=False,
                way_out="Lambda reads streams of its own Region only: create this consumer, and the function, there.",
                source=_defaults.KINESIS_CREATE,
            )
        if enhanced_fan_out and location.is_of_another_account(scope, stream):
            raise InvalidPropsError(
                f"enhanced_fan_out requires a stream of the same account, got {stream.node.path}: only its owner can "
                f"register a stream consumer. Pass that as stream_consumer. See {_defaults.KINESIS_POLICIES}"
            )
        resource = find_resource(stream, kinesis.CfnStream)
        if consumer is not None and _is_of_another(consumer.stream, stream, resource):
            raise InvalidPropsError(
                f"stream_consumer must be one of stream {stream.node.path}, got one of "
                f"{consumer.stream.node.path}. See {_defaults.KINESIS_CREATE}"
            )
        shards = retention = None
        if resource is not None:
            properties = properties_of(resource)
            hours = properties.get("retentionPeriodHours")
            shards = _known(properties.get("shardCount"))
            retention = _known(_defaults.KINESIS_RETENTION_SECONDS if hours is None else hours * 3600)
        return cls(stream, consumer, enhanced_fan_out, shards, retention)

    @property
    def stream_arn(self) -> str:
        return self.stream.stream_arn

    def attach(self, construct: Construct, role: iam.IRole) -> str:
        stream, arn = self.stream, self.stream_arn
        permissions.allow_role(
            construct,
            role,
            _READING,
            arn,
            resource=stream,
            key=stream.encryption_key,
            key_actions=["kms:Decrypt"],
        )
        if self.enhanced_fan_out:
            self.consumer = kinesis.StreamConsumer(
                construct,
                "StreamConsumer",
                stream=stream,
                stream_consumer_name=Names.unique_resource_name(construct, max_length=128, separator="-"),
            )
        if self.consumer is None:
            return arn
        arn = self.consumer.stream_consumer_arn
        permissions.allow_role(construct, role, _SUBSCRIBING, arn, resource=stream)
        return arn

    def allow_reading_again(self, construct: Construct, role: iam.IRole) -> None:
        permissions.allow_role(
            construct,
            role,
            ["kinesis:GetRecords", "kinesis:GetShardIterator"],
            self.stream.stream_arn,
            resource=self.stream,
            key=self.stream.encryption_key,
            key_actions=["kms:Decrypt"],
        )


def _is_of_another(
    theirs: kinesis.IStream, stream: kinesis.IStream, resource: kinesis.CfnStream | None
) -> bool:
    """Whether a stream is known to be another one: two of this app, or two whose ARNs are known."""
    if theirs.stream_arn == stream.stream_arn:
        return False
    if find_resource(theirs, kinesis.CfnStream) is not None and resource is not None:
        return True
    return not _validation.has_unresolved([theirs.stream_arn, stream.stream_arn])


def _known(number: float | None) -> float | None:
    return None if number is None or _validation.is_unresolved(number) else number
