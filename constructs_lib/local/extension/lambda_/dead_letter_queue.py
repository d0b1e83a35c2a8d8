"""A function's own dead-letter queue or topic: the event as it came, what went wrong in attributes.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq
"""

import json
from typing import Any

from . import messages
from .called_function import CalledFunction

_MOST_OF_THE_MESSAGE = 1024
_OK, _THROTTLED = 200, 429
_NEVER_RAN = {"body": {"errorMessage": "The function has not been invoked: it has no concurrency left"}}


def deliver(
    arn: str, event: Any, request: str, result: dict[str, Any] | None, function: CalledFunction
) -> None:
    """Send an event that is given up.

    Args:
        arn: The queue's, or the topic's.
        event: As it came.
        request: The invocation's id.
        result: What the function's last run gave, as MiniStack has it; None if it never ran.
        function: As it was called.

    Raises:
        messages.DeliveryRefusedError: It cannot be delivered.
    """
    body = (result or _NEVER_RAN).get("body")
    message = str(body.get("errorMessage", "")) if isinstance(body, dict) else str(body)
    attributes = {
        "RequestID": {"DataType": "String", "StringValue": request},
        "ErrorCode": {"DataType": "Number", "StringValue": str(_OK if result else _THROTTLED)},
    }
    if message:  # an attribute cannot be empty
        cut = message.encode()[:_MOST_OF_THE_MESSAGE].decode(errors="ignore")
        attributes["ErrorMessage"] = {"DataType": "String", "StringValue": cut}
    messages.send(arn, json.dumps(event), attributes, function)
