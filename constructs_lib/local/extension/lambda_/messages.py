"""A message to a standard queue or topic, in the name of a function's role.

A FIFO queue or topic refuses it, for there is no message group. Where the queue or topic is
encrypted with your own key, the role needs the key too.
Sources: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html,
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html,
https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
"""

from typing import Any

from ministack.services import kms, sns, sqs

from ..iam import role_permissions
from .called_function import CalledFunction


class DeliveryRefusedError(Exception):
    """What kept something from being delivered."""


def send(arn: str, body: str, attributes: dict[str, Any], function: CalledFunction) -> None:
    """Send a message.

    Args:
        arn: The queue's, or the topic's.
        body: What to say.
        attributes: Of the message.
        function: In whose name.

    Raises:
        DeliveryRefusedError: There is no such place, or the role is not allowed to.
    """
    if arn.split(":")[2] == "sqs":
        queue = sqs._queue_by_arn(arn)
        if queue is None:
            raise DeliveryRefusedError("there is no such queue")
        require_permission(function, "sqs:SendMessage", arn)
        require_key_permission(function, queue["attributes"].get("KmsMasterKeyId"))
        sqs._act_send_message({"MessageBody": body, "MessageAttributes": attributes}, arn.rpartition(":")[2])
        return
    topic = sns._topic_by_arn_any_scope(arn)
    if topic is None:
        raise DeliveryRefusedError("there is no such topic")
    require_permission(function, "sns:Publish", arn)
    require_key_permission(function, topic["attributes"].get("KmsMasterKeyId"))
    sns.publish_internal(arn, body, message_attributes=attributes)


def require_permission(function: CalledFunction, action: str, resource: str) -> None:
    """Check that the function's role is allowed to do something.

    Raises:
        DeliveryRefusedError: It is not.
    """
    if not role_permissions.allows(function.role, action, resource, region=function.region):
        raise DeliveryRefusedError(
            f"{function.role} is not authorized to perform: {action} on resource: {resource}"
        )


def require_key_permission(function: CalledFunction, key: str | None) -> None:
    """Check that the function's role is allowed to encrypt with your own key; AWS's own are open to all.

    Raises:
        DeliveryRefusedError: It is not.
    """
    record = kms._resolve_key(key)
    if record is not None and not str(key).rpartition(":")[2].startswith("alias/aws/"):
        for action in ("kms:GenerateDataKey", "kms:Decrypt"):
            require_permission(function, action, record["Arn"])
