"""Process a DynamoDB stream with a Lambda function: a change that fails never blocks its shard for long."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aws_cdk import Duration, Environment, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct, Node

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import location, permissions
from constructs_lib.foundation.destination import acknowledge_wildcard
from constructs_lib.patterns.streams.failure_destination import RecordTarget
from constructs_lib.patterns.streams.reading import STARTING_POSITION, Reading
from constructs_lib.patterns.streams.source import Pages
from constructs_lib.patterns.streams.stream_consumer import StreamConsumer

_READING: Final = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
"""What Lambda does with a stream (TABLE_STREAM)."""

_PAGES: Final = Pages(
    parameters=_defaults.TABLE_STREAM_PARAMETERS,
    failures=_defaults.TABLE_STREAM_FAILURES,
    filtering=_defaults.TABLE_STREAM_FILTERING,
)

TableWithStream = dynamodb.ITable | dynamodb.Table | dynamodb.ITableV2 | dynamodb.TableV2


class TableStreamConsumer(StreamConsumer):
    """A DynamoDB stream processed by your function: changes whose retries are exhausted are kept, and can be redriven.

    What is deployed: the event source mapping, on the alias, version or function that you pass; a bucket for the
    changes whose retries are exhausted (unless you pass `on_failure`), encrypted, over TLS only, not public, which
    keeps them for 14 days; five alarms (iterator age, failed records, deliveries that failed, errors, throttles) and
    the topic that they notify. The function's role may read the stream, and write under the prefix `aws/lambda/` in the
    bucket. The bucket costs what is in it; `event_count_metrics` costs seven custom metrics a month; Lambda's reads of
    the stream cost nothing.

    Lambda's own default is to retry a batch that fails until its records expire, after 24 hours, while every change
    behind it in the shard waits. Here a batch that fails is split in two (which uses up no retry), so that the record
    that fails is soon alone; it is retried `retry_attempts` times, and then goes to the on-failure destination. A
    function that is throttled uses up no retries: `max_record_age` ends that, after 12 hours by default.

    The handler must return `{"batchItemFailures": [{"itemIdentifier": sequence number}]}`: Lambda retries from the
    lowest sequence number in it. An empty list means that every record succeeded, and so does a handler that returns
    nothing (None). If it raises an error, the whole batch failed. docs/streams.md has a handler that stops at the first
    failure.

    What is in order: the changes of an item, from the first to the last, while none fails. After a failure the records
    behind it in the batch are processed again, unless the handler stopped at the failure. A change whose retries are
    exhausted is missing in the order, and comes after its successors when it is redriven: a handler that writes the
    item's newest state should compare first. A batch that is retried blocks the changes behind it; with
    `parallelization_factor`, those of the same items, whose order is kept, and not that of the shard. Lambda delivers
    at least once: use the record's `eventID` as the idempotency key.

    `starting_position` cannot be changed in one deployment: CloudFormation creates the new mapping before it deletes
    the old one, and Lambda refuses a second mapping of a function to a stream. Remove the consumer in one deployment,
    and add it in the next. A table whose `stream` changes gets a new stream: what the old one still had is not read,
    and `redrive_function` does not see what failed under the old mapping.

    The table may belong to another account: the policy of its stream must then let the function's role do what synth
    shows.

    Args:
        scope: The construct to put it in.
        construct_id: The construct's id, unique in its scope.
        function: Processes the batches: a function, or the alias or version to invoke.
        table: The table, of the same Region, with a stream (`stream`, or `dynamo_stream` of a TableV2).
        starting_position: Where to begin: TRIM_HORIZON (the default) is the oldest change. LATEST misses what is
            written in the minutes until the mapping works. AT_TIMESTAMP is for Kinesis alone.
        batch_size: Maximum number of changes in a batch, 1 to 10,000; default 100. A batch has at most 6 MB.
        max_batching_window: How long to wait for a full batch, 0 to 300 seconds; default 0.
        parallelization_factor: Batches of one shard at the same time, 1 to 10; default 1.
        tumbling_window: Length of the windows over which the handler passes on a state, 1 to 900 seconds; default is
            no windows. The handler must return `state` then.
        retry_attempts: Retries of a batch whose invocation fails, 0 to 10,000; default 5. Splitting uses up none.
        max_record_age: The age at which Lambda stops retrying a change, 60 seconds to less than 24 hours; default 12
            hours.
        filters: Filter patterns, at most 5, such as `{"eventName": ["INSERT"]}`. Lambda skips changes that match none.
            Numbers of a table are text in its stream: compare them as text.
        on_failure: A bucket, a queue or a topic of the same Region for what fails when retries are exhausted. None: a
            bucket is created. A bucket gets the records themselves. A queue or a topic gets their sequence numbers
            alone, which lead nowhere once the stream has deleted the records.
        encryption_key: Your own KMS key for the bucket that is created, of the same Region; default is a key that S3
            manages, without cost.
        failed_record_retention: How long that bucket keeps a failed batch, in whole days; default 14 days.
        redrive: Whether to deploy the function that sends failed records to `function` again; requires a bucket or a
            queue for failures, and no `tumbling_window`.
        iterator_age: Alarm when a change is older when the function gets it, below `max_record_age`; default 15
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
        table: The table, as you passed it.
        event_source_mapping: The event source mapping between the stream and the function.
        failure_bucket: Where failed batches go: the bucket that was created, or yours. None if `on_failure` is not a
            bucket.
        failure_queue: The queue that you passed as `on_failure`. None if it is not a queue.
        redrive_function: Sends failed records to `function` again. None without `redrive=True`.
        alarm_topic: Notified by the alarms: the one that you passed, that of `AlarmSettings`, or one that was created.
        iterator_age_alarm: On the age of changes when the function gets them.
        failed_records_alarm: On the first record in the on-failure destination. None without `event_count_metrics`,
            unless the destination is a queue of this account.
        delivery_alarm: On batches that Lambda could not deliver to the on-failure destination.
        errors_alarm: On the share of invocations that fail.
        throttles_alarm: On throttled invocations.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
    """

    table: Final[TableWithStream]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: FunctionLike,
        table: TableWithStream,
        starting_position: lambda_.StartingPosition = STARTING_POSITION,
        batch_size: float = _defaults.STREAM_BATCH_SIZE,
        max_batching_window: Duration | None = None,
        parallelization_factor: float = 1,
        tumbling_window: Duration | None = None,
        retry_attempts: float = _defaults.STREAM_RETRY_ATTEMPTS,
        max_record_age: Duration | None = None,
        filters: Sequence[Mapping[str, object]] = (),
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
        if starting_position is lambda_.StartingPosition.AT_TIMESTAMP:
            raise InvalidPropsError(
                "starting_position must be TRIM_HORIZON or LATEST, got AT_TIMESTAMP, which streams of tables do not "
                f"have. See {_defaults.TABLE_STREAM_PARAMETERS}"
            )
        source = _TableSource.of(scope, table)
        _check_filters(filters)
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
                starting_position_timestamp=None,
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
        self.table = table


@dataclass(frozen=True)
class _TableSource:
    table: TableWithStream
    stream_arn: str
    owner: Any
    """What has the account and the Region of the table."""
    shards: float | None = None
    """Never known: DynamoDB makes them."""
    retention: float | None = _defaults.TABLE_STREAM_RETENTION_SECONDS
    pages: Pages = _PAGES
    record_keys: tuple[str, ...] = _defaults.TABLE_STREAM_RECORD_KEYS

    @classmethod
    def of(cls, scope: Construct, table: TableWithStream) -> "_TableSource":
        """Check what is read.

        Raises:
            InvalidPropsError: It is not a table, is in another Region, or has no stream.
        """
        _validation.check_part("table", table, "table_stream_arn", "a DynamoDB table", required=True)
        arn = table.table_stream_arn
        owner = _owner_of(table, arn)
        location.check(
            scope,
            "table",
            owner,
            same_account=False,
            way_out="Lambda reads streams of its own Region only: create this consumer, and the function, there.",
            source=_defaults.TABLE_STREAM,
        )
        if arn is None:
            raise InvalidPropsError(
                f"table {table.node.path} has no stream: set stream=StreamViewType.NEW_AND_OLD_IMAGES on a Table, "
                "dynamo_stream on a TableV2, or import it with its table_stream_arn. See "
                f"{_defaults.TABLE_STREAM}"
            )
        return cls(table, arn, owner)

    def attach(self, construct: Construct, role: iam.IRole) -> str:
        table, table_arn = self.table, self.table.table_arn
        holder = permissions.allow_role(
            construct,
            role,
            _READING,
            self.stream_arn,
            resource=self.owner,
            key=table.encryption_key,
            key_actions=["kms:Decrypt"],
        )
        streams = "/stream/*"
        permissions.allow_role(
            construct, role, ["dynamodb:ListStreams"], table_arn + streams, resource=self.owner
        )
        acknowledge_wildcard(
            holder,
            table_arn,
            streams,
            "Lambda lists the streams of this table: the action takes no single stream.",
        )
        return self.stream_arn

    def allow_reading_again(self, construct: Construct, role: iam.IRole) -> None:
        permissions.allow_role(
            construct,
            role,
            ["dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            self.stream_arn,
            resource=self.owner,
            key=self.table.encryption_key,
            key_actions=["kms:Decrypt"],
        )


@dataclass(frozen=True)
class _Imported:
    """A table with the account and the Region of its ARN: CDK gives an imported one those of its stack."""

    node: Node
    env: Environment


def _owner_of(table: TableWithStream, arn: str | None) -> Any:
    if isinstance(table, dynamodb.Table | dynamodb.TableV2) or arn is None or _validation.is_unresolved(arn):
        return table
    region, account = arn.split(":")[3:5]
    return _Imported(table.node, Environment(account=account, region=region))


def _check_filters(filters: Sequence[Mapping[str, object]]) -> None:
    """Refuse filters that match nothing, since numbers are text."""
    for number, pattern in enumerate(filters if isinstance(filters, list | tuple) else ()):
        asked = pattern.get("dynamodb") if isinstance(pattern, Mapping) else None
        if not isinstance(asked, Mapping):
            continue
        if _has_numeric(asked):
            raise InvalidPropsError(
                f"filters[{number}] cannot use numeric, since the stream of a table has its numbers as text: compare "
                f"text, such as {{'N': ['5']}}. See {_defaults.TABLE_STREAM_FILTERING}"
            )


def _has_numeric(part: object) -> bool:
    """Whether a list of matchers has one of numbers; an attribute may be called numeric."""
    if isinstance(part, Mapping):
        return any(_has_numeric(each) for each in part.values())
    matchers = [each for each in part if isinstance(each, Mapping)] if isinstance(part, list | tuple) else []
    return any("numeric" in each or _has_numeric(each) for each in matchers)
