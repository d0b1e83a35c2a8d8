"""What a topic, a rule or a schedule could not deliver goes to the dead-letter queue that it names."""

import logging
from collections.abc import Callable

from ministack.services import sqs

_log = logging.getLogger(__name__)


def send(
    queue_arn: str | None, body: str, attributes: dict[str, str], *, is_allowed: Callable[[str], bool]
) -> None:
    """Send to a dead-letter queue, if there is one and the sender is allowed to.

    Args:
        queue_arn: The queue's; None where none was named.
        body: What was not delivered.
        attributes: Of the message.
        is_allowed: Called with the queue's ARN: whether it lets the sender in.
    """
    if not queue_arn or sqs._queue_by_arn(queue_arn) is None:
        return
    if not is_allowed(queue_arn):
        _log.warning("%s: not authorized to perform: sqs:SendMessage", queue_arn)
        return
    typed = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    sqs._act_send_message({"MessageBody": body, "MessageAttributes": typed}, queue_arn.rpartition(":")[2])


def policy_allows(queue_arn: str, service: str, source: str) -> bool:
    """Whether the queue's own policy lets a service in, for EventBridge and SNS.

    Args:
        queue_arn: The queue's.
        service: Such as `events.amazonaws.com`.
        source: The ARN of the service's resource.
    """
    # Neither of the two names its account: a condition on it does not hold.
    return bool(sqs.queue_policy_allows(queue_arn, service, source, ""))
