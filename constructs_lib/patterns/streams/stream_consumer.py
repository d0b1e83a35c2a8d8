"""What the consumers of Kinesis streams and of tables' streams have in common."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import jsii
from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import alarms, event_filter, location, permissions
from constructs_lib.foundation.acknowledgment import acknowledged_together
from constructs_lib.foundation.alarms import Alarms, Watch
from constructs_lib.foundation.destination import Destination, acknowledge_wildcard
from constructs_lib.foundation.function.python_function import PythonFunction
from constructs_lib.foundation.invoked import Invoked, dimensions_of, of_mapping
from constructs_lib.patterns.streams import failure_destination
from constructs_lib.patterns.streams.failure_destination import OnFailure, RecordTarget
from constructs_lib.patterns.streams.reading import Reading
from constructs_lib.patterns.streams.source import Source
from constructs_lib.practice.plugin import check_app_of

_RUNTIME: Final = Path(_defaults.__file__).parent / "runtime"
_REDRIVE: Final = "stream_redrive"
_REDRIVE_TIMEOUT: Final = Duration.seconds(_defaults.FUNCTION_TIMEOUT_SECONDS_MAX)


@jsii.implements(iam.IGrantable)
class StreamConsumer(Construct):
    """The base of the consumers of streams; its arguments and attributes are described at each of them."""

    function: Final[FunctionLike]
    event_source_mapping: Final[lambda_.EventSourceMapping]
    failure_bucket: Final[s3.IBucket | None]
    failure_queue: Final[sqs.IQueue | None]
    redrive_function: Final[PythonFunction | None]
    alarm_topic: Final[sns.ITopic]
    iterator_age_alarm: Final[cloudwatch.Alarm]
    failed_records_alarm: Final[cloudwatch.Alarm | None]
    delivery_alarm: Final[cloudwatch.Alarm]
    errors_alarm: Final[cloudwatch.Alarm]
    throttles_alarm: Final[cloudwatch.Alarm]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: FunctionLike,
        source: Source,
        reading: Reading,
        filters: Sequence[Mapping[str, object]],
        on_failure: RecordTarget | None,
        encryption_key: kms.IKey | None,
        failed_record_retention: Duration | None,
        redrive: bool,
        event_count_metrics: bool,
        alarm_topic: sns.ITopic | None,
        removal_policy: RemovalPolicy | None,
    ) -> None:
        invoked, role = of_mapping(scope, function)
        Alarms.check_topic(scope, alarm_topic)
        reading.check(source)
        iterator_age = reading.iterator_age_seconds(source)
        patterns = event_filter.of_mapping(
            scope, filters, keys=source.record_keys, source=source.pages.filtering
        )
        failure_destination.check(scope, on_failure, source=source.pages.failures)
        failure_destination.check_bucket(
            scope,
            on_failure,
            encryption_key=encryption_key,
            failed_record_retention=failed_record_retention,
            removal_policy=removal_policy,
        )
        _validation.check_flag("event_count_metrics", event_count_metrics)
        _check_redrive(redrive, on_failure, reading, source, filtered=bool(patterns))

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        location.note(scope, self)
        reading.warn(self, source, invoked)
        self.function = function
        failure = (
            failure_destination.make_bucket(
                self,
                encryption_key=encryption_key,
                retention=failed_record_retention,
                removal_policy=removal_policy,
            )
            if on_failure is None
            else failure_destination.existing(on_failure)
        )
        self.failure_bucket, self.failure_queue = failure.bucket, failure.queue
        with acknowledged_together():
            arn = source.attach(self, role)
            holder = failure.grant(self, role)
        self.event_source_mapping = self._make_mapping(
            arn, failure, patterns, reading, source, event_count_metrics=event_count_metrics
        )
        permissions.wait(self.event_source_mapping, holder)

        alarms_here = Alarms(self, alarm_topic, findings=failure_destination.findings(failure, on_failure))
        self.alarm_topic = alarms_here.topic
        self.iterator_age_alarm = alarms_here.add("IteratorAgeAlarm", _iterator_age(function, iterator_age))
        self.failed_records_alarm = alarms_here.add(
            "FailedRecordsAlarm",
            alarms.dead_letters(failure.queue)
            if failure.queue is not None and not location.is_of_another_account(self, failure.queue)
            else failure_destination.failed_records(self.event_source_mapping.event_source_mapping_id)
            if event_count_metrics
            else None,
        )
        self.delivery_alarm = alarms_here.add(
            "DeliveryAlarm", failure_destination.delivery_failures(function)
        )
        self.errors_alarm = alarms_here.add(
            "ErrorsAlarm", alarms.function_errors(function, timeout=invoked.watched_seconds)
        )
        self.throttles_alarm = alarms_here.add("ThrottlesAlarm", alarms.function_throttles(function))
        self.redrive_function = self._make_redrive(failure, source, invoked) if redrive else None

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The function's role, so that `table.grant_write_data(consumer)` works."""
        return self.function.grant_principal

    def _make_mapping(
        self,
        arn: str,
        failure: Destination,
        patterns: list[dict[str, str]],
        reading: Reading,
        source: Source,
        *,
        event_count_metrics: bool,
    ) -> lambda_.EventSourceMapping:
        timestamp = reading.starting_position_timestamp
        return lambda_.EventSourceMapping(
            self,
            "EventSourceMapping",
            target=self.function,
            event_source_arn=arn,
            batch_size=reading.batch_size,
            max_batching_window=reading.max_batching_window,
            parallelization_factor=reading.parallelization_factor,
            tumbling_window=reading.tumbling_window,
            starting_position=reading.starting_position,
            starting_position_timestamp=None if timestamp is None else timestamp.timestamp(),
            bisect_batch_on_error=True,
            report_batch_item_failures=True,
            retry_attempts=reading.retry_attempts,
            max_record_age=reading.max_record_age or Duration.seconds(reading.record_age_seconds(source)),
            on_failure=OnFailure(failure.arn),
            filters=patterns or None,
            metrics_config=lambda_.MetricsConfig(metrics=[lambda_.MetricType.EVENT_COUNT])
            if event_count_metrics
            else None,
        )

    @acknowledged_together()
    def _make_redrive(self, failure: Destination, source: Source, invoked: Invoked) -> PythonFunction:
        mapping = self.event_source_mapping.event_source_mapping_id
        function = PythonFunction(
            self,
            "Redrive",
            entry=_RUNTIME,
            handler=f"{_REDRIVE}.handle",
            exclude=[path.name for path in sorted(_RUNTIME.iterdir()) if path.stem != _REDRIVE],
            description="Sends the records of a failure destination to their function again",
            timeout=_REDRIVE_TIMEOUT,
            environment={
                "REDRIVE_FUNCTION": invoked.arn,
                "REDRIVE_FUNCTION_SECONDS": f"{invoked.timeout_seconds or _defaults.FUNCTION_TIMEOUT_SECONDS_MAX:g}",
                **_place_of(failure, source, mapping),
            },
        )
        role = permissions.role_of(function)
        permissions.allow_role(self, role, ["lambda:InvokeFunction"], invoked.arn, resource=self.function)
        if failure.queue is not None:
            queue = failure.queue
            permissions.allow_role(
                self,
                role,
                ["sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:SendMessage", "sqs:DeleteMessage"],
                failure.arn,
                resource=queue,
                key=queue.encryption_master_key,
                key_actions=["kms:Decrypt", "kms:GenerateDataKey"],
            )
            source.allow_reading_again(self, role)
        elif failure.bucket is not None:
            bucket = failure.bucket
            permissions.allow_role(self, role, ["s3:ListBucket"], failure.arn, resource=bucket)
            objects = f"/{_defaults.STREAM_S3_PREFIX}{mapping}/*"
            holder = permissions.allow_role(
                self,
                role,
                ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
                failure.arn + objects,
                resource=bucket,
                key=bucket.encryption_key,
                key_actions=["kms:Decrypt", "kms:GenerateDataKey"],
            )
            acknowledge_wildcard(
                holder,
                failure.arn + objects.removesuffix("*"),
                "*",
                "Each failed batch is an object of its own, below the prefix of this mapping.",
            )
        return function


def _place_of(failure: Destination, source: Source, mapping: str) -> dict[str, str]:
    """The environment of the redrive function: where the failed batches are."""
    if failure.queue is not None:
        return {"REDRIVE_QUEUE_URL": failure.queue.queue_url, "REDRIVE_STREAM": source.stream_arn}
    if failure.bucket is not None:
        return {
            "REDRIVE_BUCKET": failure.bucket.bucket_name,
            "REDRIVE_PREFIX": f"{_defaults.STREAM_S3_PREFIX}{mapping}/",
        }
    raise AssertionError("redrive requires a bucket or a queue")  # refused before


# --- arguments -----------------------------------------------------------------------------------------


def _check_redrive(
    redrive: bool, on_failure: RecordTarget | None, reading: Reading, source: Source, *, filtered: bool
) -> None:
    _validation.check_flag("redrive", redrive)
    if not redrive:
        return
    if on_failure is not None and hasattr(on_failure, "topic_arn"):
        raise InvalidPropsError(
            "redrive=True requires a bucket or a queue for failures: a topic keeps nothing. Leave on_failure out. "
            f"See {source.pages.failures}"
        )
    if reading.tumbling_window is not None:
        raise InvalidPropsError(
            "redrive cannot be combined with tumbling_window: the window of a failed record is closed, and its state "
            f"no longer exists. Leave one out. See {_defaults.KINESIS_WINDOWS}"
        )
    if hasattr(on_failure, "queue_arn") and (filtered or reading.parallelization_factor != 1):
        other = "filters" if filtered else "parallelization_factor"
        raise InvalidPropsError(
            f"redrive from a queue cannot be combined with {other}: a message names the first and the last record of a "
            "batch, and records between them that were not in it would be processed again. Leave on_failure out: the "
            f"bucket has the records themselves. See {source.pages.failures}"
        )


# --- alarms --------------------------------------------------------------------------------------------
#
# AWS names these metrics and gives no threshold: those here are ours.
# Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html


def _iterator_age(function: FunctionLike, seconds: float) -> Watch:
    """Records that are older than a number of seconds when the function gets them."""
    return Watch(
        metric=function.metric(
            "IteratorAge", period=alarms.PERIOD, statistic="Maximum", dimensions_map=dimensions_of(function)
        ),
        threshold=seconds * 1000,
        description="Records wait too long in the stream: the function is too slow, throttled or failing. Records that "
        "become older than the mapping allows go to the failure destination.",
    )
