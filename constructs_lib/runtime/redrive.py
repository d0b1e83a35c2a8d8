"""Send the events of a failure queue to their function again, after the fault was mended.

`AsyncDestinations(..., redrive=True)` deploys `handle`. Call it by hand, with `{}` or with `{"most": 100}`;
it answers how many events it sent again, and what it kept and why.

Each event once, as far as that can be had: a record is deleted after Lambda has accepted its event, so that
nothing is lost; a record whose deletion failed is not sent again by the same run. Twice is possible in two
places. A run that is killed after Lambda accepted an event, and before its record was deleted, leaves the
record for the next run: at most the few that were in work. And SQS and Lambda's own queue deliver at least
once. So an effect that must not happen twice needs a key of its own in the handler, as every effect of an
asynchronous call does.

An event that fails again comes back as a new record. A run leaves the records alone that are younger than
itself, or it would send a poisoned event round and round.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

_BATCH = 10
_HIDDEN_SECONDS = 120
"""While a batch is in work. Ten calls take a few seconds; what is kept becomes visible again at once."""
_STOP_BEFORE_SECONDS = 30
"""Of the function's timeout: a batch that was begun is finished."""
_WAIT_SECONDS = 1
"""Long enough that SQS asks all of its servers, so that an empty answer means an empty queue."""
_ACCEPTED = 202

clients: dict[str, Any] = {}
"""Made at the first call, and kept: importing boto3 takes longer than a call does."""


def handle(event: Mapping[str, Any] | None, context: Any) -> dict[str, Any]:
    """Redrive the queue that the environment names.

    Args:
        event: `most`: how many records to send at most; without it, all that are older than this call.
        context: Of Lambda.

    Returns:
        `redriven`: how many events were sent again. `kept`: how many records were not, by reason.
    """
    for service in ("sqs", "lambda"):
        if service not in clients:
            clients[service] = import_module("boto3").client(service)
    return redrive(
        clients["sqs"],
        clients["lambda"],
        queue_url=os.environ["REDRIVE_QUEUE_URL"],
        function=os.environ["REDRIVE_FUNCTION"],
        most=(event or {}).get("most"),
        has_time=lambda: context.get_remaining_time_in_millis() > _STOP_BEFORE_SECONDS * 1000,
    )


def redrive(
    sqs: Any,
    lambda_client: Any,
    *,
    queue_url: str,
    function: str,
    most: int | None = None,
    has_time: Callable[[], bool] = lambda: True,
    now: Callable[[], float] = time.time,
) -> dict[str, Any]:
    """Send the events of a failure queue to a function again.

    Args:
        sqs: A client of boto3.
        lambda_client: Another.
        queue_url: The queue with the records.
        function: The function's ARN, with the alias or version that is called.
        most: How many records to send at most; None for all.
        has_time: Whether to begin another batch.
        now: Seconds since 1970.

    Returns:
        `redriven`: how many events were sent again. `kept`: how many records were not, by reason.
    """
    began = now()
    redriven = 0
    sent: set[str] = set()
    kept: dict[str, _Kept] = {}
    while has_time() and (most is None or redriven < most):
        messages = _receive(sqs, queue_url, _BATCH if most is None else min(_BATCH, most - redriven))
        if not messages or all(message["MessageId"] in kept for message in messages):
            for message in messages:
                identity = message["MessageId"]
                kept[identity] = _Kept(message["ReceiptHandle"], kept[identity].reason)
            break
        for message in messages:
            identity, receipt = message["MessageId"], message["ReceiptHandle"]
            if identity not in sent:
                event, reason = _event(message, function, began)
                reason = reason or _invoke(lambda_client, function, event)
                if reason:
                    kept[identity] = _Kept(receipt, reason)
                    continue
                sent.add(identity)
                redriven += 1
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=receipt)
    for message_kept in kept.values():
        # Not earlier: this run would receive them again and again.
        sqs.change_message_visibility(
            QueueUrl=queue_url, ReceiptHandle=message_kept.receipt, VisibilityTimeout=0
        )
    return {"redriven": redriven, "kept": dict(Counter(each.reason for each in kept.values()))}


class _Kept(NamedTuple):
    receipt: str
    reason: str


def _receive(sqs: Any, queue_url: str, most: int) -> list[dict[str, Any]]:
    answer = sqs.receive_message(
        QueueUrl=queue_url,
        MaxNumberOfMessages=most,
        VisibilityTimeout=_HIDDEN_SECONDS,
        WaitTimeSeconds=_WAIT_SECONDS,
        MessageSystemAttributeNames=["SentTimestamp"],
    )
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    return messages


def _event(message: Mapping[str, Any], function: str, began: float) -> tuple[bytes, str]:
    """The original event of a record, or why it is not to be sent."""
    import json

    if int(message["Attributes"]["SentTimestamp"]) >= began * 1000:
        return b"", "younger than this run"
    try:
        record = json.loads(message["Body"])
        context = record["requestContext"]
        of_function, condition, event = context["functionArn"], context["condition"], record["requestPayload"]
    except (ValueError, TypeError, KeyError):
        return b"", "no record of an asynchronous call"
    if _without_qualifier(of_function) != _without_qualifier(function):
        return b"", "of another function"
    if condition == "Success":
        return b"", "of a success"
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode(), ""


def _invoke(lambda_client: Any, function: str, event: bytes) -> str:
    """Send an event; what it answers is why not."""
    try:
        answer = lambda_client.invoke(FunctionName=function, InvocationType="Event", Payload=event)
    except Exception as error:  # whatever it is, the record stays and the next one gets its turn
        return f"not accepted: {type(error).__name__}"
    return "" if answer["StatusCode"] == _ACCEPTED else f"not accepted: status {answer['StatusCode']}"


def _without_qualifier(arn: str) -> str:
    return ":".join(arn.split(":")[:7])
