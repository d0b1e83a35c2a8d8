"""The on-failure destination of a mapping: a bucket of the consumer's own, or what the user passed."""

from typing import Any, Final

import jsii
from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import alarms, encryption, location
from constructs_lib.foundation.alarms import Watch
from constructs_lib.foundation.destination import (
    Destination,
    bucket_destination,
    check_not_fifo,
    queue_destination,
    topic_destination,
)
from constructs_lib.foundation.invoked import dimensions_of

RecordTarget = s3.IBucket | s3.Bucket | sqs.IQueue | sqs.Queue | sns.ITopic | sns.Topic


def check(scope: Construct, target: RecordTarget | None, *, source: str) -> None:
    """Refuse what Lambda does not deliver to.

    Args:
        scope: Where the consumer is going to be.
        target: The argument `on_failure`.
        source: The page that describes the destinations.

    Raises:
        InvalidPropsError: It is something else, is FIFO, or is in another Region.
    """
    if target is None:
        return
    known = any(hasattr(type(target), name) or hasattr(target, name) for name in _ARNS)
    if isinstance(target, type) or not known:
        hint = (
            " Pass the bucket, queue or topic itself, not the destination around it."
            if hasattr(target, "bind")
            else ""
        )
        raise InvalidPropsError(
            f"on_failure must be a bucket, queue or topic, got {_validation.shown(target)}.{hint} See {source}"
        )
    if not hasattr(type(target), "bucket_arn") and not hasattr(target, "bucket_arn"):
        check_not_fifo("on_failure", target, source=source)
    location.check(
        scope,
        "on_failure",
        target,
        same_account=False,
        way_out="Lambda sends records within its own Region: pass a target of that Region.",
        source=source,
    )


_ARNS = ("bucket_arn", "queue_arn", "topic_arn")


def existing(target: Any) -> Destination:
    """What the user passed, after `check`."""
    if hasattr(target, "bucket_arn"):
        return bucket_destination(target, _defaults.STREAM_S3_PREFIX)
    if hasattr(target, "queue_arn"):
        return queue_destination(target)
    return topic_destination(target)


def make_bucket(
    construct: Construct,
    *,
    encryption_key: kms.IKey | None,
    retention: Duration | None,
    removal_policy: RemovalPolicy | None,
) -> Destination:
    """Create a bucket for failed batches, which keeps the records themselves.

    Args:
        construct: The consumer.
        encryption_key: None for keys that S3 manages.
        retention: How long an object is kept; default 14 days.
        removal_policy: What happens to the bucket when the stack is deleted; default RETAIN.
    """
    bucket = s3.Bucket(
        construct,
        "FailureBucket",
        encryption=s3.BucketEncryption.KMS if encryption_key else s3.BucketEncryption.S3_MANAGED,
        encryption_key=encryption_key,
        bucket_key_enabled=True if encryption_key else None,
        block_public_access=_NOT_PUBLIC,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=True,
        lifecycle_rules=[s3.LifecycleRule(expiration=retention or _RETENTION)],
        removal_policy=removal_policy or RemovalPolicy.RETAIN,
    )
    location.note(construct, bucket)
    return bucket_destination(bucket, _defaults.STREAM_S3_PREFIX)


_RETENTION: Final = Duration.days(_defaults.FAILED_RECORD_RETENTION_DAYS)
_NOT_PUBLIC: Final = s3.BlockPublicAccess.BLOCK_ALL


def findings(failure: Destination, passed: object) -> dict[str, str]:
    """Findings on the bucket that is created, each with the reason why it is not a fault.

    Args:
        failure: Where the batches go.
        passed: What the user passed in its place.

    Returns:
        The reasons by finding, for a construct without another bucket; empty if no bucket is created.
    """
    if failure.bucket is None or passed is not None:
        return {}
    return {
        "AwsSolutions-S1": "Lambda writes failed batches here, and the redrive function reads them: CloudTrail's data "
        "events show who else does, where that is wanted."
    }


@jsii.implements(lambda_.IEventSourceDlq)
class OnFailure:
    """An ARN and nothing else: the destinations of aws_lambda_event_sources grant more than sending takes."""

    def __init__(self, arn: str) -> None:
        self._arn = arn

    def bind(self, *_: Any, **__: Any) -> lambda_.DlqDestinationConfig:
        """What the template has of it."""
        return lambda_.DlqDestinationConfig(destination=self._arn)


# --- arguments -----------------------------------------------------------------------------------------


def check_bucket(
    scope: Construct,
    on_failure: RecordTarget | None,
    *,
    encryption_key: kms.IKey | None,
    failed_record_retention: Duration | None,
    removal_policy: RemovalPolicy | None,
) -> None:
    """Refuse a bucket that S3 refuses, and arguments of one that is not created.

    Args:
        scope: Where the consumer is going to be.
        on_failure: The argument; None: a bucket is created.
        encryption_key: Of the bucket.
        failed_record_retention: Of the bucket.
        removal_policy: Of the bucket.

    Raises:
        InvalidPropsError: One of them cannot work.
    """
    encryption.check_key(scope, encryption_key, of="S3", source=_defaults.S3_KEYS, words="a key")
    _validation.check_member("removal_policy", removal_policy, RemovalPolicy, without="SNAPSHOT")
    _validation.read_seconds(
        "failed_record_retention",
        failed_record_retention,
        low=_DAY,
        whole="days",
        source=_defaults.S3_LIFECYCLE,
    )
    if on_failure is not None:
        _validation.check_not_with(
            "on_failure",
            "no bucket is created. Set this where the target is created.",
            encryption_key=encryption_key,
            failed_record_retention=failed_record_retention,
            removal_policy=removal_policy,
        )


_DAY: Final = 86_400


# --- alarms --------------------------------------------------------------------------------------------


def failed_records(mapping_id: str) -> Watch:
    """The first record of a mapping whose retries are exhausted, and that Lambda sent to the on-failure destination."""
    return Watch(
        metric=cloudwatch.Metric(
            namespace="AWS/Lambda",
            metric_name="OnFailureDestinationDeliveredEventCount",
            dimensions_map={"EventSourceMappingUUID": mapping_id},
            period=alarms.PERIOD,
            statistic="Sum",
        ),
        threshold=0,
        periods=1,
        datapoints=1,
        description="Records have failed for good and are in the failure destination. Find the cause, then redrive "
        "them.",
    )


def delivery_failures(function: FunctionLike) -> Watch:
    """The first batch that Lambda could not deliver to the on-failure destination, and that is lost."""
    return Watch(
        metric=function.metric(
            "DestinationDeliveryFailures",
            period=alarms.PERIOD,
            statistic="Sum",
            dimensions_map=dimensions_of(function),
        ),
        threshold=0,
        periods=1,
        datapoints=1,
        description="Lambda could not deliver records to their failure destination, and they are lost. Check the "
        "permissions of the function's role, and the key.",
    )
