"""Send the events of a failure queue to their function again, after the fault was fixed.

`AsyncDestinations(..., redrive=True)` deploys `handle`. Invoke it, with `{}` or with `{"max_records": 100}`;
it answers how many events it sent again, and what it kept and why.

Each event is sent once, as far as that is possible: a record is deleted after Lambda has accepted its event, so that
nothing is lost; a record whose deletion failed is not sent again by the same run. An event is sent twice in three
cases. A run that is killed after Lambda accepted an event, and before its record was deleted, leaves that one record
for the next run. A record that could not be deleted until the end of the run is left for the next run too, and `kept`
counts it. And SQS and Lambda's own queue deliver at least once. So an effect that must not happen twice needs a key
of its own in the handler, as every effect of an asynchronous call does.

An event that fails again comes back as a new record. A run leaves the records alone that are younger than
itself, or it would send a poisoned event round and round.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

_BATCH = 10
_HIDDEN_SECONDS = 120
"""While a batch is in work: ten calls take a few seconds."""
_KEPT_HIDDEN_SECONDS = 900
"""What is kept, so that this run does not meet it again; it becomes visible at its end."""
_UNDELETED = "sent, but not deleted: the next run would send it again"
_STOP_BEFORE_SECONDS = 30
"""How much of the function's timeout must be left to begin a batch, so that it can be finished."""
_WAIT_SECONDS = 1
"""Long enough that SQS asks all of its servers, so that an empty answer means an empty queue."""
_ACCEPTED = 202

clients: dict[str, Any] = {}
"""Made at the first call, and kept: importing boto3 takes longer than a call does."""


def handle(event: Mapping[str, Any] | None, context: Any) -> dict[str, Any]:
    """Redrive the queue that the environment names.

    Args:
        event: `max_records`: how many records to send at most; without it, all that are older than this call.
        context: Of Lambda.

    Returns:
        As `redrive`.

    Raises:
        ValueError: The event asks for something else.
    """
    asked = dict(event or {})
    max_records = asked.pop("max_records", None)
    if asked:
        raise ValueError(f"the event may have max_records, and nothing else: {sorted(asked)}")
    for service in ("sqs", "lambda"):
        if service not in clients:
            clients[service] = import_module("boto3").client(service)
    return redrive(
        clients["sqs"],
        clients["lambda"],
        queue_url=os.environ["REDRIVE_QUEUE_URL"],
        function=os.environ["REDRIVE_FUNCTION"],
        max_records=max_records,
        has_time=lambda: context.get_remaining_time_in_millis() > _STOP_BEFORE_SECONDS * 1000,
    )


def redrive(
    sqs: Any,
    lambda_client: Any,
    *,
    queue_url: str,
    function: str,
    max_records: int | None = None,
    has_time: Callable[[], bool] = lambda: True,
    now: Callable[[], float] = time.time,
) -> dict[str, Any]:
    """Send the events of a failure queue to a function again.

    Args:
        sqs: A client of boto3.
        lambda_client: Another.
        queue_url: The queue with the records.
        function: The function's ARN, with the alias or version that is called.
        max_records: How many records to send at most; None for all.
        has_time: Whether to begin another batch.
        now: Seconds since 1970.

    Returns:
        `redriven`: how many events were sent again. `kept`: how many records stay in the queue, by reason.
        `stopped`: why others may be there too, if they may.

    Raises:
        ValueError: `max_records` is not a whole number of 1 or more.
        Exception: The queue cannot be read at all, as boto3 says it.
    """
    is_whole = isinstance(max_records, int) and not isinstance(max_records, bool)
    if max_records is not None and not (is_whole and max_records >= 1):
        raise ValueError(f"max_records must be a whole number of 1 or more, got {max_records!r}")
    began = now()
    redriven = 0
    receipts: dict[str, str] = {}
    """The latest receipt of each message that is not to be sent again in this run, by its id."""
    kept: dict[str, str] = {}
    undeleted: set[str] = set()
    answer: dict[str, Any] = {}
    while max_records is None or redriven < max_records:
        if not has_time():
            answer["stopped"] = "out of time: call again"
            break
        try:
            messages = _receive(
                sqs, queue_url, _BATCH if max_records is None else min(_BATCH, max_records - redriven)
            )
        except Exception as error:
            if not receipts:
                raise
            # What was done so far is brought to its end, and told.
            answer["stopped"] = f"the queue could not be read: {type(error).__name__}: call again"
            break
        progress = False
        for message in messages:
            identity, receipt = message["MessageId"], message["ReceiptHandle"]
            if identity not in receipts:
                progress = True
                event, reason = _event(message, function, began)
                reason = reason or _invoke(lambda_client, function, event)
                if reason:
                    kept[identity] = reason
                else:
                    redriven += 1
                    undeleted.add(identity)
            receipts[identity] = receipt
            if identity in kept:
                _show_again(sqs, queue_url, receipt, after=_KEPT_HIDDEN_SECONDS)
            elif _delete(sqs, queue_url, receipt):
                undeleted.discard(identity)
                progress = True
        if not progress:
            break
    for identity in [*undeleted]:
        if _delete(sqs, queue_url, receipts[identity]):
            undeleted.discard(identity)
    for identity in kept:
        _show_again(sqs, queue_url, receipts[identity], after=0)
    reasons = Counter(kept.values())
    if undeleted:
        reasons[_UNDELETED] = len(undeleted)
    return {"redriven": redriven, "kept": dict(reasons), **answer}


def _delete(sqs: Any, queue_url: str, receipt: str) -> bool:
    try:
        sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=receipt)
    except Exception:  # it is tried again, and told of in the end
        return False
    return True


def _show_again(sqs: Any, queue_url: str, receipt: str, *, after: int) -> None:
    # What fails here shows up again by itself, when the time is over that it was hidden for.
    with suppress(Exception):
        sqs.change_message_visibility(QueueUrl=queue_url, ReceiptHandle=receipt, VisibilityTimeout=after)


def _receive(sqs: Any, queue_url: str, limit: int) -> list[dict[str, Any]]:
    answer = sqs.receive_message(
        QueueUrl=queue_url,
        MaxNumberOfMessages=limit,
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
        members = _members(
            message["Body"], json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
        )
        context, event = json.loads(members["requestContext"]), members["requestPayload"].encode()
        of_function, condition = str(context["functionArn"]), context["condition"]
    except Exception:  # whatever it is, the record stays and the next one gets its turn
        return b"", "no record of an asynchronous call"
    if _without_qualifier(of_function) != _without_qualifier(function):
        return b"", "of another function"
    if condition == "Success":
        return b"", "of a success"
    return event, ""


_SPACE = " \t\n\r"


def _members(text: str, decoder: Any) -> dict[str, str]:
    """The members of a JSON object, each as it is written: an event is sent on to the letter.

    Args:
        text: The object.
        decoder: Of JSON, to find where a value ends; one for which a number may have any length.
    """
    members: dict[str, str] = {}
    at = _after(text, 0, "{")
    while True:
        name, at = decoder.raw_decode(text, at)
        start = _after(text, at, ":")
        _, at = decoder.raw_decode(text, start)
        members[name] = text[start:at]
        at = _skip(text, at)
        if text[at] == "}":
            return members
        at = _after(text, at, ",")


def _after(text: str, at: int, sign: str) -> int:
    at = _skip(text, at)
    if text[at] != sign:
        raise ValueError(f"no {sign} at {at}")
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    while text[at] in _SPACE:
        at += 1
    return at


def _invoke(lambda_client: Any, function: str, event: bytes) -> str:
    """Send an event; what it answers is why not."""
    try:
        answer = lambda_client.invoke(FunctionName=function, InvocationType="Event", Payload=event)
    except Exception as error:  # whatever it is, the record stays and the next one gets its turn
        return f"not accepted: {type(error).__name__}"
    return "" if answer["StatusCode"] == _ACCEPTED else f"not accepted: status {answer['StatusCode']}"


def _without_qualifier(arn: str) -> str:
    return ":".join(arn.split(":")[:7])
