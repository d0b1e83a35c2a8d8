"""Process a Kafka topic with a Lambda function: of Amazon MSK, or of any other cluster."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import jsii
from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.foundation import alarms, brokers, event_filter, location, permissions
from constructs_lib.foundation.acknowledgment import acknowledged_together
from constructs_lib.foundation.alarms import Alarms, Watch
from constructs_lib.foundation.destination import Destination
from constructs_lib.foundation.invoked import dimensions_of, of_mapping
from constructs_lib.patterns.streams import failure_destination
from constructs_lib.patterns.streams.failure_destination import OnFailure, RecordTarget
from constructs_lib.patterns.streams.kafka_authentication import KafkaAuthentication
from constructs_lib.patterns.streams.kafka_cluster import KafkaCluster
from constructs_lib.patterns.streams.kafka_polling import KafkaPolling, check_topic
from constructs_lib.patterns.streams.reading import STARTING_POSITION
from constructs_lib.practice.plugin import check_app_of


@jsii.implements(iam.IGrantable)
class KafkaConsumer(Construct):
    """A Kafka topic processed by your function: batches whose retries are exhausted are kept.

    What is deployed: the event source mapping, on the alias, version or function that you pass; a bucket for the
    batches whose retries are exhausted (unless you pass `on_failure`), encrypted, over TLS only, not public, which
    keeps them for 14 days; alarms (offset lag, deliveries that failed, errors, throttles; in provisioned mode also
    polling and failed records) and the topic that they notify. The function's role may find the cluster, join its
    network, read the secret, and write under the prefix `aws/lambda/` in the bucket; with IAM authentication it may
    read this topic, and no other. The cluster, its topic and its network stay yours: synth shows what the network must
    let through.

    There are two modes. Without `minimum_pollers` or `maximum_pollers` Lambda polls on demand, which costs nothing: a
    batch that fails is retried as a whole, ten times at most, and then goes to the on-failure destination as a whole.
    The handler must raise an error for a batch that failed; what it returns does not matter.

    With either of them (provisioned mode, paid for by the hour) the handler must return `{"batchItemFailures":
    [{"itemIdentifier": {"partition": "topic-0", "offset": 100}}]}`, as Powertools' `BatchProcessor` does, and an empty
    list (or nothing) if every record succeeded: Lambda retries the records that failed. A batch whose invocation fails
    is split in two, so that the record that fails is soon alone; after `retry_attempts` it goes to the on-failure
    destination. Changing the mode changes what the handler must do: docs/brokers.md has both handlers.

    The records of a partition are in order while none fails. A record whose retries are exhausted is missing in the
    order. Lambda delivers at least once: use topic, partition and offset as the idempotency key.

    The cluster, `topic`, `consumer_group_id`, `bootstrap_servers` and the starting position cannot be changed in place:
    CloudFormation creates a new mapping and deletes the old one. The new one has a new consumer group, and begins at
    `starting_position`, by default with the oldest record of the topic, unless `consumer_group_id` names one: then
    pass another, since no two mappings may have the same. Removing `max_batching_window` does not bring back the half
    second that Lambda waits without it.

    Args:
        scope: The construct to put it in.
        construct_id: The construct's id, unique in its scope.
        function: Processes the batches: a function, or the alias or version to invoke.
        topic: The name of the topic.
        authentication: How Lambda authenticates to the cluster: `KafkaAuthentication.iam()` and others.
        cluster_arn: The ARN of a cluster of Amazon MSK, provisioned or serverless, of the same Region.
        vpc_connection_arn: For a cluster of another account: the managed VPC connection to it. Not for serverless ones.
        bootstrap_servers: The brokers of any other cluster, 1 to 10, such as `["kafka1.example.com:9092"]`.
        root_ca_certificate: With `bootstrap_servers`: a secret whose JSON has `certificate`, the private authority that
            signed the certificates of the brokers.
        vpc: With `bootstrap_servers`: the network of the brokers; default is the internet.
        vpc_subnets: With `vpc`: the subnets to reach the brokers from, at most 16; default is the private ones.
        security_groups: With `vpc`: the groups of the brokers, 1 to 5, which Lambda joins.
        consumer_group_id: An existing group, whose offsets are continued, or a new one, up to 200 characters. None: a
            group of the mapping's own.
        starting_position: Where a new group begins: TRIM_HORIZON (the default) is the oldest record. LATEST misses what
            arrives in the minutes until the mapping works. AT_TIMESTAMP requires `starting_position_timestamp`.
        starting_position_timestamp: With AT_TIMESTAMP: a datetime with a time zone, in the past.
        batch_size: Maximum number of records in a batch, 1 to 10,000; default 100. A batch has at most 6 MB.
        max_batching_window: How long to wait for a full batch, 0 to 300 whole seconds; default half a second.
        minimum_pollers: Provisioned mode: minimum number of event pollers, 1 to 200; default 1. Each reads up to
            5 MB a second, and invokes up to 5 times at once.
        maximum_pollers: Provisioned mode: maximum number of event pollers, 1 to 2,000; default 200. Lambda has no more
            than the topic has partitions.
        poller_group: Provisioned mode: mappings of one VPC with the same name share their capacity, and its price; 1 to
            128 letters, digits, `-` and `_`.
        retry_attempts: Provisioned mode: retries of a batch whose invocation fails, 0 to 10,000; default 5.
        max_record_age: Provisioned mode: the age at which Lambda stops retrying a record, 60 seconds to 7 days; default
            is no limit, except the topic's own retention.
        schema_registry: Provisioned mode: `GlueSchemaRegistry` or `ConfluentSchemaRegistry` of
            `aws_cdk.aws_lambda_event_sources`, which add their permissions themselves.
        filters: Filter patterns of `value`, at most 5, such as `{"value": {"type": ["moved"]}}`. Lambda skips records
            that match none.
        on_failure: A bucket, a queue or a topic of SNS, of the same Region, for batches whose retries are exhausted.
            None: a bucket is created. A queue or a topic gets offsets alone, and no records.
        dead_letter_topic: Provisioned mode: another topic of the same cluster for records whose retries are exhausted,
            in place of `on_failure`; it must exist.
        encryption_key: Your own KMS key for the bucket that is created, of the same Region; default is a key that S3
            manages, without cost.
        failed_record_retention: How long that bucket keeps a failed batch, in whole days; default 14 days.
        offset_lag: Alarm when the consumer is more records behind for a quarter of an hour, at least 1; default 10,000.
            With `mapping_metrics`, in one partition.
        mapping_metrics: Provisioned mode: whether the mapping publishes counts of its events and errors, and its lag,
            each a custom metric; default True. Without them no alarm sees failures to poll, and a bucket or a topic for
            failures has no alarm on failed records.
        alarm_topic: The topic that the alarms notify, of the same Region. None: that of `AlarmSettings`, or else one
            that is created, for you to subscribe to.
        removal_policy: What happens to the bucket that is created when the stack is deleted; default RETAIN.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        function: The function, alias or version that you passed.
        event_source_mapping: The event source mapping between the topic and the function.
        failure_bucket: Where failed batches go: the bucket that was created, or yours. None for another destination.
        failure_queue: The queue that you passed as `on_failure`. None if it is not a queue.
        alarm_topic: Notified by the alarms: the one that you passed, that of `AlarmSettings`, or one that was created.
        offset_lag_alarm: On the records that are still to be processed.
        polling_alarm: On failures to poll: the network, the secret or the permissions. None without `mapping_metrics`.
        failed_records_alarm: On the first record in the on-failure destination. None without `mapping_metrics`, unless
            `on_failure` is a queue.
        delivery_alarm: On batches that Lambda could not deliver to the on-failure destination.
        errors_alarm: On the share of invocations that fail.
        throttles_alarm: On throttled invocations.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/with-kafka-esm.html
    """

    function: Final[FunctionLike]
    event_source_mapping: Final[lambda_.EventSourceMapping]
    failure_bucket: Final[s3.IBucket | None]
    failure_queue: Final[sqs.IQueue | None]
    alarm_topic: Final[sns.ITopic]
    offset_lag_alarm: Final[cloudwatch.Alarm]
    polling_alarm: Final[cloudwatch.Alarm | None]
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
        topic: str,
        authentication: KafkaAuthentication,
        cluster_arn: str | None = None,
        vpc_connection_arn: str | None = None,
        bootstrap_servers: Sequence[str] | None = None,
        root_ca_certificate: secretsmanager.ISecret | secretsmanager.Secret | None = None,
        vpc: ec2.IVpc | ec2.Vpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup | ec2.SecurityGroup] = (),
        consumer_group_id: str | None = None,
        starting_position: lambda_.StartingPosition = STARTING_POSITION,
        starting_position_timestamp: datetime | None = None,
        batch_size: float = _defaults.STREAM_BATCH_SIZE,
        max_batching_window: Duration | None = None,
        minimum_pollers: float | None = None,
        maximum_pollers: float | None = None,
        poller_group: str | None = None,
        retry_attempts: float | None = None,
        max_record_age: Duration | None = None,
        schema_registry: lambda_.ISchemaRegistry | None = None,
        filters: Sequence[Mapping[str, object]] = (),
        on_failure: RecordTarget | None = None,
        dead_letter_topic: str | None = None,
        encryption_key: kms.IKey | kms.Key | None = None,
        failed_record_retention: Duration | None = None,
        offset_lag: float = _defaults.OFFSET_LAG_ALARM_RECORDS,
        mapping_metrics: bool | None = None,
        alarm_topic: sns.ITopic | sns.Topic | None = None,
        removal_policy: RemovalPolicy | None = None,
    ) -> None:
        """Create the consumer; the arguments are described at the class."""
        invoked, role = of_mapping(scope, function)
        Alarms.check_topic(scope, alarm_topic)
        check_topic("topic", topic)
        cluster = KafkaCluster(
            cluster_arn=cluster_arn,
            vpc_connection_arn=vpc_connection_arn,
            bootstrap_servers=bootstrap_servers,
            authentication=authentication,
            root_ca_certificate=root_ca_certificate,
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            security_groups=security_groups,
        )
        cluster.check(scope)
        _check_group(consumer_group_id)
        polling = KafkaPolling(
            batch_size=batch_size,
            max_batching_window=max_batching_window,
            starting_position=starting_position,
            starting_position_timestamp=starting_position_timestamp,
            minimum_pollers=minimum_pollers,
            maximum_pollers=maximum_pollers,
            poller_group=poller_group,
            retry_attempts=retry_attempts,
            max_record_age=max_record_age,
            schema_registry=schema_registry,
            dead_letter_topic=dead_letter_topic,
            mapping_metrics=mapping_metrics,
        )
        polling.check(topic)
        patterns = event_filter.of_mapping(
            scope,
            filters,
            keys=("value",) if schema_registry is None else ("value", "key"),
            source=_defaults.KAFKA_FILTERING,
        )
        failure_destination.check(scope, on_failure, source=_defaults.KAFKA_FAILURES)
        failure_destination.check_bucket(
            scope,
            on_failure,
            encryption_key=encryption_key,
            failed_record_retention=failed_record_retention,
            removal_policy=removal_policy,
        )
        if dead_letter_topic is not None:
            _validation.check_not_with(
                "dead_letter_topic",
                "failed records go to one place. Leave one out.",
                on_failure=on_failure,
                encryption_key=encryption_key,
                failed_record_retention=failed_record_retention,
                removal_policy=removal_policy,
            )
        _validation.check_range("offset_lag", offset_lag, 1, float("inf"), source=_defaults.MAPPING_METRICS)

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        location.note(scope, self)
        self.function = function
        failure = self._failure(
            on_failure,
            dead_letter_topic,
            encryption_key=encryption_key,
            retention=failed_record_retention,
            removal_policy=removal_policy,
        )
        self.failure_bucket, self.failure_queue = failure.bucket, failure.queue
        cluster.inform(self, is_provisioned=polling.is_provisioned, destination=_service_of(failure))
        with acknowledged_together():
            holders = cluster.attach(
                self, role, topic=topic, group=consumer_group_id, dead_letter_topic=dead_letter_topic
            )
            holders.append(failure.grant(self, role))
        self.event_source_mapping = self._make_mapping(
            cluster,
            polling,
            failure,
            patterns,
            topic=topic,
            group=consumer_group_id,
        )
        brokers.acknowledge_judges(self.event_source_mapping, has_pollers=polling.is_provisioned)
        for holder in holders:
            permissions.wait(self.event_source_mapping, holder)

        measured = self.event_source_mapping.event_source_mapping_id if polling.has_metrics else None
        alarms_here = Alarms(self, alarm_topic, findings=failure_destination.findings(failure, on_failure))
        self.alarm_topic = alarms_here.topic
        self.offset_lag_alarm = alarms_here.add(
            "OffsetLagAlarm",
            _offset_lag(function, measured, offset_lag),
        )
        self.polling_alarm = alarms_here.add(
            "PollingAlarm", None if measured is None else _polling_errors(measured)
        )
        self.failed_records_alarm = alarms_here.add(
            "FailedRecordsAlarm",
            alarms.dead_letters(failure.queue)
            if failure.queue is not None and not location.is_of_another_account(self, failure.queue)
            else None
            if measured is None
            else failure_destination.failed_records(measured),
        )
        self.delivery_alarm = alarms_here.add(
            "DeliveryAlarm", failure_destination.delivery_failures(function)
        )
        self.errors_alarm = alarms_here.add(
            "ErrorsAlarm", alarms.function_errors(function, timeout=invoked.watched_seconds)
        )
        self.throttles_alarm = alarms_here.add("ThrottlesAlarm", alarms.function_throttles(function))

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The function's role, so that `table.grant_write_data(consumer)` works."""
        return self.function.grant_principal

    def _failure(
        self,
        on_failure: RecordTarget | None,
        dead_letter_topic: str | None,
        *,
        encryption_key: kms.IKey | None,
        retention: Duration | None,
        removal_policy: RemovalPolicy | None,
    ) -> Destination:
        if dead_letter_topic is not None:
            return Destination(f"kafka://{dead_letter_topic}", grant=_nothing)
        if on_failure is not None:
            return failure_destination.existing(on_failure)
        return failure_destination.make_bucket(
            self, encryption_key=encryption_key, retention=retention, removal_policy=removal_policy
        )

    def _make_mapping(
        self,
        cluster: KafkaCluster,
        polling: KafkaPolling,
        failure: Destination,
        patterns: list[dict[str, str]],
        *,
        topic: str,
        group: str | None,
    ) -> lambda_.EventSourceMapping:
        is_provisioned = polling.is_provisioned
        timestamp = polling.starting_position_timestamp
        metrics = lambda_.MetricType
        servers = cluster.bootstrap_servers
        return lambda_.EventSourceMapping(
            self,
            brokers.mapping_id(topic, group),
            target=self.function,
            event_source_arn=cluster.event_source_arn,
            kafka_bootstrap_servers=None if servers is None else list(servers),
            kafka_topic=topic,
            kafka_consumer_group_id=group,
            source_access_configurations=cluster.access_configurations() or None,
            starting_position=polling.starting_position,
            starting_position_timestamp=None if timestamp is None else timestamp.timestamp(),
            batch_size=polling.batch_size,
            max_batching_window=polling.max_batching_window,
            provisioned_poller_config=lambda_.ProvisionedPollerConfig(
                minimum_pollers=polling.minimum_pollers,
                maximum_pollers=polling.maximum_pollers,
                poller_group_name=polling.poller_group,
            )
            if is_provisioned
            else None,
            bisect_batch_on_error=True if is_provisioned else None,
            report_batch_item_failures=True if is_provisioned else None,
            retry_attempts=polling.retries,
            max_record_age=polling.max_record_age,
            schema_registry_config=polling.schema_registry,
            on_failure=OnFailure(failure.arn),
            filters=patterns or None,
            metrics_config=lambda_.MetricsConfig(
                metrics=[metrics.EVENT_COUNT, metrics.ERROR_COUNT, metrics.KAFKA_METRICS]
            )
            if polling.has_metrics
            else None,
        )


def _nothing(construct: Construct, _: iam.IRole) -> Construct:
    """A topic of the cluster is allowed with the cluster."""
    return construct


def _service_of(failure: Destination) -> str:
    """Whose endpoint a destination needs in the network of the brokers; empty for a topic of theirs."""
    if failure.bucket is not None:
        return "S3"
    if failure.queue is not None:
        return "SQS"
    return "" if failure.arn.startswith("kafka://") else "SNS"


def _check_group(consumer_group_id: str | None) -> None:
    if consumer_group_id is None:
        return
    _validation.check_text("consumer_group_id", consumer_group_id)
    _validation.check_pattern(
        "consumer_group_id",
        consumer_group_id,
        _defaults.CONSUMER_GROUP_PATTERN,
        "1 to 200 letters, digits, and - / * : _ + = . @",
        source=_defaults.KAFKA_GROUPS,
    )


# --- alarms --------------------------------------------------------------------------------------------
#
# Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html


def _offset_lag(function: FunctionLike, mapping_id: str | None, records: float) -> Watch:
    """More records to be processed than a number of them.

    Args:
        function: The function, whose metric sees the whole topic.
        mapping_id: What has a metric of its own, for the partition that is furthest behind; None without such metrics.
        records: How many.
    """
    return Watch(
        metric=function.metric(
            "OffsetLag", period=alarms.PERIOD, statistic="Maximum", dimensions_map=dimensions_of(function)
        )
        if mapping_id is None
        else _of_mapping(mapping_id, "MaxOffsetLag", "Maximum"),
        threshold=records,
        periods=_defaults.BACKLOG_ALARM_MINUTES,
        datapoints=_defaults.BACKLOG_ALARM_MINUTES,
        description="Records wait in the topic: the function is too slow, throttled or failing, or has too few event "
        "pollers. Records that the topic deletes first are lost.",
    )


def _polling_errors(mapping_id: str) -> Watch:
    """Failures to read from the brokers."""
    return Watch(
        metric=_of_mapping(mapping_id, "PollingErrorCount", "Sum"),
        threshold=0,
        description="Lambda cannot read from the brokers. Check the network, the security group, the secret, and what "
        "the state of the event source mapping shows.",
    )


def _of_mapping(mapping_id: str, name: str, statistic: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/Lambda",
        metric_name=name,
        dimensions_map={"EventSourceMappingUUID": mapping_id},
        period=alarms.PERIOD,
        statistic=statistic,
    )
