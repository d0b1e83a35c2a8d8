"""Queues for what could not be handed over: encrypted, over TLS only, kept as long as SQS keeps anything."""

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IDependable

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError


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
        construct_id: Its name there.
        encryption_key: None for the one that SQS manages.
        removal_policy: What becomes of it, and of what is in it, with the stack; default RETAIN.

    Returns:
        The queue.
    """
    made = sqs.Queue(
        scope,
        construct_id,
        enforce_ssl=True,
        encryption=sqs.QueueEncryption.KMS if encryption_key else sqs.QueueEncryption.SQS_MANAGED,
        encryption_master_key=encryption_key,
        retention_period=Duration.seconds(_defaults.DEAD_LETTER_RETENTION_SECONDS),
        removal_policy=removal_policy or RemovalPolicy.RETAIN,
    )
    # A redrive policy of its own would send what failed on, and away from the alarm.
    end = "This is where failed events end: they stay until somebody redrives them."
    Validations.of(made).acknowledge(
        Acknowledgment(id="Serverless-SQSRedrivePolicy", reason=end),
        Acknowledgment(id="AwsSolutions-SQS3", reason=end),
    )
    return made


def let_service_send(target: sqs.IQueue, *, service: str, source_arn: str) -> IDependable | None:
    """Let a service put what it could not deliver into the queue, for one source alone.

    Args:
        target: The queue; of an imported one, its owner has to say so.
        service: Such as `sns.amazonaws.com`.
        source_arn: The topic or rule whose dead letters they are.

    Returns:
        What whoever needs this has to wait for; None for an imported queue.
    """
    # As AWS writes it for both: not every service says its account, and the ARN has it.
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    # https://docs.aws.amazon.com/sns/latest/dg/sns-configure-dead-letter-queue.html
    conditions = {"ArnEquals": {"aws:SourceArn": source_arn}}
    principal = iam.ServicePrincipal(service)
    added = target.add_to_resource_policy(
        iam.PolicyStatement(
            actions=["sqs:SendMessage"],
            principals=[principal],
            resources=[target.queue_arn],
            conditions=conditions,
        )
    )
    key = target.encryption_master_key
    if key is not None:
        # As AWS writes it, without a condition: what a service tells the key of its source is not documented for all.
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
        key.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["kms:GenerateDataKey", "kms:Decrypt"], principals=[principal], resources=["*"]
            )
        )
    return added.policy_dependable


def check(target: sqs.IQueue | None, removal_policy: RemovalPolicy | None, *, source: str) -> None:
    """Refuse a dead-letter queue that gets nothing.

    Args:
        target: What was given as `dead_letter_queue`; None: a queue is made.
        removal_policy: Of the queue that is made.
        source: The page that says so.

    Raises:
        InvalidPropsError: It is a FIFO queue, or not made here.
    """
    if target is None:
        return
    _validation.kind("dead_letter_queue", target, "queue_arn", "a queue")
    if target.fifo:
        raise InvalidPropsError(
            f"dead_letter_queue cannot be a FIFO queue, got {target.node.path}: nothing would be delivered to it. "
            f"Give it a standard queue. See {source}"
        )
    resource = target.node.default_child
    if isinstance(resource, sqs.CfnQueue) and resource.kms_master_key_id == "alias/aws/sqs":
        raise InvalidPropsError(
            f"dead_letter_queue {target.node.path} is under the key alias/aws/sqs, which lets no service in: nothing "
            f"would be delivered to it. Use QueueEncryption.SQS_MANAGED, or a key of yours. See {source}"
        )
    if removal_policy is not None:
        raise InvalidPropsError(
            "removal_policy cannot be given together with dead_letter_queue: no queue is made. Set it there."
        )
