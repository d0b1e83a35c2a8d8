"""A topic invokes a function asynchronously, by the function's own configuration, and only if it is allowed to.

MiniStack runs the function once, whatever comes of it, and checks no permission. Here the topic needs the permission of
just the function, version or alias that is subscribed. What it may not invoke goes to the subscription's dead-letter
queue, at once: no retry would help.
Sources: https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html,
https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
"""

import json
import logging
from typing import Any

from ministack.services import sns

from ..lambda_ import by_arn, resource_policy
from ..sqs import dead_letters

_SERVICE = "sns.amazonaws.com"

_log = logging.getLogger(__name__)


def install() -> None:
    """Take the place of MiniStack's delivery to functions."""
    sns._deliver_to_lambda = _deliver


def _deliver(
    endpoint: str, envelope: str, topic_arn: str, sub_arn: str, _id: str, _message: str, _attributes: Any
) -> None:
    event = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": sub_arn,
        "Sns": json.loads(envelope),
    }
    if by_arn.exists(endpoint) and resource_policy.allows(endpoint, _SERVICE, topic_arn):
        by_arn.invoke_asynchronously(endpoint, {"Records": [event]})
        return
    code, reason = ("403", "AccessDenied") if by_arn.exists(endpoint) else ("404", "Function not found")
    _log.warning("%s: %s: %s", topic_arn, reason, endpoint)
    dead_letters.send(
        _dead_letters_of(topic_arn, sub_arn),
        envelope,
        {"ErrorCode": code, "ErrorMessage": f"{reason}: {endpoint}"},
        is_allowed=lambda queue: dead_letters.policy_allows(queue, _SERVICE, topic_arn),
    )


def _dead_letters_of(topic_arn: str, sub_arn: str) -> str | None:
    subscription = sns._find_subscription(topic_arn, sub_arn) or {}
    policy = (subscription.get("attributes") or {}).get("RedrivePolicy")
    read = json.loads(policy) if isinstance(policy, str) else policy
    target: str | None = (read or {}).get("deadLetterTargetArn")
    return target
