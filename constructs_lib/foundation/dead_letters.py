"""Queues for what could not be delivered: encrypted, over TLS only, kept as long as SQS keeps anything."""

from typing import Final

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IDependable

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import alarms, encryption, location, permissions
from constructs_lib.foundation.alarms import Watch
from constructs_lib.foundation.resource import find_resource

_RETENTION: Final = Duration.seconds(_defaults.DEAD_LETTER_RETENTION_SECONDS)


def queue(
    scope: Construct,
    construct_id: str,
    *,
    encryption_key: kms.IKey | None = None,
    removal_policy: RemovalPolicy | None = None,
) -> sqs.Queue:
    """Make a queue at the end of the line.

    Args:
        scope: Where to put it.
        construct_id: Its id there.
        encryption_key: None for the one that SQS manages.
        removal_policy: What happens to it and its messages when the stack is deleted; default RETAIN.

    Returns:
        The queue.
    """
    queue = sqs.Queue(
        scope,
        construct_id,
        enforce_ssl=True,
        encryption=sqs.QueueEncryption.KMS if encryption_key else sqs.QueueEncryption.SQS_MANAGED,
        encryption_master_key=encryption_key,
        retention_period=_RETENTION,
        removal_policy=removal_policy or RemovalPolicy.RETAIN,
    )
    location.note(scope, queue)
    return queue


def findings(passed: object) -> dict[str, str]:
    """Findings on the queue that is made, each with the reason why it is not a fault.

    A redrive policy of its own would send what failed on, and away from the alarm.

    Args:
        passed: What the user passed in its place.

    Returns:
        The reasons by finding, for a construct without another queue; empty where no queue is made.
    """
    end = "This is where failed events end: they stay until somebody redrives them."
    return {} if passed is not None else {"Serverless-SQSRedrivePolicy": end, "AwsSolutions-SQS3": end}


def watch(
    construct: Construct, queue: sqs.IQueue, *, passed: sqs.IQueue | None, description: str = ""
) -> Watch | None:
    """Watch a dead-letter queue whose metrics are in the construct's account.

    Args:
        construct: Whose alarm it is.
        queue: The queue.
        passed: The same where the user passed it; None for one that was made here.
        description: What to do, for whoever is on call; default is to send the events again.

    Returns:
        The watch; None for a queue of another account.
    """
    if passed is not None and location.is_of_another_account(construct, passed):
        return None
    return alarms.dead_letters(queue, description=description or _SEND_AGAIN)


_SEND_AGAIN: Final = (
    "Events could not be delivered, or failed for good, and are in the dead-letter queue. Find the cause, then send "
    "them again: SQS redrives only what comes from a queue."
)
"""Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html"""


def let_service_send(
    construct: Construct, target: sqs.IQueue, *, service: str, source_arn: str
) -> IDependable | None:
    """Let a service send what it could not deliver to the queue, for one source alone.

    Args:
        construct: What needs it; synth tells there what the owner of an imported queue has to add.
        target: The queue.
        service: Such as `sns.amazonaws.com`.
        source_arn: The topic or rule whose dead letters they are.

    Returns:
        What must exist before the queue is used; None for an imported queue.
    """
    # As AWS writes it for both: not every service says its account, and the ARN has it.
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    # https://docs.aws.amazon.com/sns/latest/dg/sns-configure-dead-letter-queue.html
    principals: list[iam.IPrincipal] = [iam.ServicePrincipal(service)]
    dependable = permissions.allow(
        construct,
        target,
        iam.PolicyStatement(
            actions=["sqs:SendMessage"],
            principals=principals,
            resources=[target.queue_arn],
            conditions={"ArnEquals": {"aws:SourceArn": source_arn}},
        ),
    )
    key = target.encryption_master_key
    if key is not None:
        # Without a condition, as AWS writes it: docs/decisions/0018 has the reason.
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
        permissions.allow(
            construct,
            key,
            iam.PolicyStatement(
                actions=["kms:GenerateDataKey", "kms:Decrypt"], principals=principals, resources=["*"]
            ),
        )
    return dependable


def check_key(scope: Construct, encryption_key: "kms.IKey | None") -> None:
    """Refuse what cannot encrypt a queue that is made.

    Args:
        scope: Where the construct is going to be.
        encryption_key: What was given as `encryption_key`.

    Raises:
        InvalidPropsError: It is not a key, or one of another Region.
    """
    encryption.check_key(scope, encryption_key, of="SQS", source=_defaults.SQS_KEYS, words="a key")


def check(
    scope: Construct,
    target: sqs.IQueue | None,
    removal_policy: RemovalPolicy | None,
    *,
    source: str,
    same_account: bool = False,
    encryption_key: "kms.IKey | None" = None,
) -> None:
    """Refuse a dead-letter queue that nothing would arrive in.

    Args:
        scope: Where the construct is going to be.
        target: What was given as `dead_letter_queue`; None: a queue is made.
        removal_policy: Of the queue that is made.
        source: The page that gives the rules.
        same_account: Whether the service delivers within its account alone.
        encryption_key: Of the queue that is made.

    Raises:
        InvalidPropsError: It cannot be one, or `removal_policy` or `encryption_key` is for a queue that is not made.
    """
    _validation.check_member("removal_policy", removal_policy, RemovalPolicy, without="SNAPSHOT")
    check_key(scope, encryption_key)
    if target is None:
        return
    _validation.check_part("dead_letter_queue", target, "queue_arn", "a queue")
    if target.fifo:
        raise InvalidPropsError(
            f"dead_letter_queue cannot be a FIFO queue, got {target.node.path}: nothing would be delivered to it. "
            f"Pass a standard queue. See {source}"
        )
    location.check(
        scope,
        "dead_letter_queue",
        target,
        same_account=same_account,
        way_out="Nothing would be delivered to it. Pass a queue from there, or leave it out: a queue is made.",
        source=source,
    )
    resource = find_resource(target, sqs.CfnQueue)
    if resource is not None and resource.kms_master_key_id == "alias/aws/sqs":
        raise InvalidPropsError(
            f"dead_letter_queue {target.node.path} is under the key alias/aws/sqs, which lets no service in: nothing "
            f"would be delivered to it. Use QueueEncryption.SQS_MANAGED, or your own key. See {source}"
        )
    if removal_policy is not None:
        raise InvalidPropsError(
            "removal_policy cannot be combined with dead_letter_queue, since no queue is made. Set it where "
            "the queue is created."
        )
    _validation.check_not_with(
        "dead_letter_queue",
        "no queue is made then. Set this where the queue is created.",
        encryption_key=encryption_key,
    )


def check_stack(scope: Construct, target: sqs.IQueue | None, *, topic: sns.ITopic | None = None) -> None:
    """Refuse a queue of another stack whose policy would have to name something of the construct's own stack.

    The construct's stack depends on the queue, and the queue's stack would depend on what its policy names.

    Args:
        scope: Where the construct is going to be.
        target: What was given as `dead_letter_queue`.
        topic: What the policy names; None for a rule of the construct itself.

    Raises:
        InvalidPropsError: The stacks would depend on each other.
    """
    if not isinstance(target, sqs.Queue):
        return
    ours, theirs = Stack.of(scope), Stack.of(target)
    if theirs is ours or (topic is not None and Stack.of(topic) is not ours):
        return
    inner, outer = (ours, theirs) if topic is None else (theirs, ours)
    if not _encloses(outer, inner):
        named = "this rule" if topic is None else f"topic {topic.node.path}"
        raise InvalidPropsError(
            f"dead_letter_queue {target.node.path} must be in stack {ours.node.path}, got one of {theirs.node.path}: "
            f"its policy has to name {named}, and each stack would depend on the other. Leave dead_letter_queue out, "
            "which makes a queue here; or import the queue by its ARN, and have its owner add the statement that synth "
            "shows."
        )


def _encloses(outer: Stack, inner: Stack) -> bool:
    """Whether a nested stack is inside of another one."""
    parent: Stack | None = inner
    while parent is not None and parent is not outer:
        parent = parent.nested_stack_parent
    return parent is not None
