"""Where Lambda sends the record of an invocation, and what the function's role needs to send it there."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IConstruct

from constructs_lib import _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import location, permissions
from constructs_lib.foundation.acknowledgment import acknowledge

Grant = Callable[[Construct, iam.IRole], IConstruct]
"""Allows a role to send to a destination, for a construct; returns what holds the statements."""

_SENDING_UNDER_A_KEY: Final = ["kms:GenerateDataKey", "kms:Decrypt"]
"""For SQS and SNS. CDK's own grants add every kms:ReEncrypt* and kms:GenerateDataKey*."""


@dataclass(frozen=True)
class Destination:
    """A destination, and what the function's role needs to send there."""

    arn: str
    grant: Grant
    queue: sqs.IQueue | None = None
    """The destination itself, if it is a queue."""
    bucket: s3.IBucket | None = None
    """The destination itself, if it is a bucket."""
    function_arn: str | None = None
    """The ARN of a destination that is a function, without the qualifier."""


def queue_destination(queue: sqs.IQueue | sqs.Queue) -> Destination:
    """A queue that is not FIFO."""
    arn, key = queue.queue_arn, queue.encryption_master_key
    grant = allowing("sqs:SendMessage", arn, queue, key=key, key_actions=_SENDING_UNDER_A_KEY)
    return Destination(arn, grant, queue=queue)


def topic_destination(topic: sns.ITopic | sns.Topic) -> Destination:
    """A topic that is not FIFO."""
    arn, key = topic.topic_arn, topic.master_key
    return Destination(arn, allowing("sns:Publish", arn, topic, key=key, key_actions=_SENDING_UNDER_A_KEY))


def bucket_destination(bucket: s3.IBucket | s3.Bucket, prefix: str) -> Destination:
    """A bucket.

    Args:
        bucket: The bucket.
        prefix: The prefix of the objects that Lambda puts there. Lambda goes on with the name of the function or the
            id of the mapping, which cannot be in the policy: both depend on the role.
    """
    arn = bucket.bucket_arn
    records = f"/{prefix}*"

    def grant(construct: Construct, role: iam.IRole) -> IConstruct:
        permissions.allow_role(construct, role, ["s3:ListBucket"], arn, resource=bucket)
        holder = permissions.allow_role(
            construct,
            role,
            ["s3:PutObject"],
            arn + records,
            resource=bucket,
            key=bucket.encryption_key,
            key_actions=["kms:GenerateDataKey"],
        )
        acknowledge_wildcard(
            holder, arn, records, "Each record is an object of its own, below a prefix that is Lambda's."
        )
        return holder

    return Destination(arn, grant, bucket=bucket)


def allowing(
    action: str,
    arn: str,
    target: Any,
    *,
    key: kms.IKey | None = None,
    key_actions: Sequence[str] = (),
) -> Grant:
    """Make the grant of a destination that needs one action.

    Args:
        action: What sending takes.
        arn: The ARN that it is allowed on.
        target: The destination itself.
        key: The key that it is encrypted with.
        key_actions: What is allowed with the key.
    """

    def grant(construct: Construct, role: iam.IRole) -> IConstruct:
        return permissions.allow_role(
            construct, role, [action], arn, resource=target, key=key, key_actions=key_actions
        )

    return grant


def acknowledge_wildcard(holder: IConstruct, arn: str, suffix: str, reason: str) -> None:
    """Acknowledge cdk-nag's finding on a statement whose resource ends with a wildcard.

    Args:
        holder: The role or policy that has the statement.
        arn: The ARN of the resource.
        suffix: What follows the ARN in the statement, with the wildcard.
        reason: Why there is nothing narrower.
    """
    known = not _validation.is_unresolved(arn)
    named = arn if known else _as_cdk_nag_writes_it(location.stack_of(holder).resolve(arn))
    acknowledge(holder, {f"AwsSolutions-IAM5[Resource::{named}{suffix}]": reason})


def _as_cdk_nag_writes_it(resolved: Any) -> str:
    if not isinstance(resolved, dict):
        return str(resolved)
    (name, value), *_ = resolved.items()
    if name == "Fn::Join":
        delimiter, parts = value
        return str(delimiter).join(_as_cdk_nag_writes_it(part) for part in parts)
    if name == "Fn::Select":
        return json.dumps(resolved, separators=(",", ":"))
    return f"<{value if isinstance(value, str) else '.'.join(value)}>"


def check_not_fifo(name: str, target: Any, *, source: str) -> None:
    """Refuse a FIFO queue or topic.

    Args:
        name: The argument, as the user wrote it.
        target: A queue or a topic.
        source: The page that says so.

    Raises:
        InvalidPropsError: It is FIFO.
    """
    if target.fifo:
        kind = "queue" if hasattr(target, "queue_arn") else "topic"
        raise InvalidPropsError(
            f"{name} cannot be a FIFO {kind}, got {target.node.path}: Lambda does not deliver to one, and the records "
            f"would be lost. Pass a standard {kind}. See {source}"
        )
