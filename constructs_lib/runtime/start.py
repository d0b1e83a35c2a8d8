"""Start a durable execution for each message or event, and only one however often that comes.

`DurableExecutions(..., starter=True)` deploys `handle`. A queue, a rule or a topic delivers at least once, and starts a
new execution with each delivery. This function passes the name of the execution: Lambda starts none for a name that it
knows, as long as the execution's history is kept.

The name is the id of the message or event, or the value of a key in it, and a part of the hash of the function's ARN,
since AWS's documents disagree on whether a name is taken within the function or within the account. The input is what
stays the same when a message comes again: the body of a queue's message, the text of a topic's, the `detail` of an
event on a bus, or the whole event of anything else.

Source: https://docs.aws.amazon.com/lambda/latest/dg/durable-execution-idempotency.html
"""

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

_NAME_CHARACTERS_MAX = 64
"""Of letters, digits, - and _: https://docs.aws.amazon.com/lambda/latest/api/API_Execution.html"""
_FUNCTION_CHARACTERS = 8
"""Of the hash of the function's ARN, at the end of a name."""

clients: dict[str, Any] = {}
"""Made at the first call, and kept: importing boto3 takes longer than a call does."""


def handle(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Start the executions for what arrived.

    Args:
        event: A batch of a queue, the record of a topic, an event of a bus, or anything else with an `id`.
        _context: Of Lambda.

    Returns:
        Of a batch: the messages that started nothing, for the queue to deliver again. Otherwise the execution's ARN.

    Raises:
        Exception: No execution was started, so that Lambda tries again.
    """
    if "lambda" not in clients:
        clients["lambda"] = import_module("boto3").client("lambda")
    lambda_client, function = clients["lambda"], os.environ["DURABLE_FUNCTION"]
    key = os.environ.get("EXECUTION_KEY")
    records = event.get("Records")
    if records and "messageId" in records[0]:
        return {"batchItemFailures": start_batch(lambda_client, records, function=function, key=key)}
    identity, text = _content(event)
    return {"execution": start(lambda_client, identity, text, function=function, key=key)}


def start_batch(
    lambda_client: Any, records: Sequence[Mapping[str, Any]], *, function: str, key: str | None = None
) -> list[dict[str, str]]:
    """Start an execution for each message of a queue.

    Args:
        lambda_client: A client of boto3.
        records: The messages.
        function: The ARN of the durable function, with the alias or version to start.
        key: What names an execution, in the body; None: the id of the message.

    Returns:
        The messages that started nothing, as Lambda expects them: of a FIFO queue, those after the first as well.
    """
    failed: list[dict[str, str]] = []
    for record in records:
        identity = record["messageId"]
        is_ordered = record["eventSourceARN"].endswith(".fifo")
        try:
            if failed and is_ordered:
                raise _EarlierMessageError
            start(lambda_client, identity, record["body"], function=function, key=key)
        except Exception as error:
            # Whatever it is, the message stays in its queue, and the next one gets its turn.
            import logging

            logging.getLogger(__name__).warning("%s started no execution: %r", identity, error)
            failed.append({"itemIdentifier": identity})
    return failed


class _EarlierMessageError(Exception):
    """An earlier message of a FIFO queue started no execution."""


def start(lambda_client: Any, identity: str, text: str, *, function: str, key: str | None = None) -> str:
    """Start one execution, or find the one that was started before.

    Args:
        lambda_client: A client of boto3.
        identity: The id of the message or event.
        text: What the execution gets: JSON as it is, other text as a string of JSON.
        function: The ARN of the durable function, with the alias or version to start.
        key: What names the execution, in the JSON object; None: `identity`.

    Returns:
        The ARN of the execution.

    Raises:
        ValueError: There is a key, and `text` is not a JSON object that has it.
        Exception: Lambda has not accepted it; that includes the name of an execution with another input.
    """
    import json

    try:
        content = json.loads(text)
    except ValueError:
        content, text = text, json.dumps(text)
    if key is not None:
        value = content.get(key) if isinstance(content, dict) else None
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            raise ValueError(f"{key} must be a text or a whole number in a JSON object, got {value!r}")
        identity = str(value)
    answer = lambda_client.invoke(
        FunctionName=function,
        InvocationType="Event",
        DurableExecutionName=name_of(identity, function),
        Payload=text.encode(),
    )
    execution: str = answer.get("DurableExecutionArn", "")
    return execution


def name_of(identity: str, function: str) -> str:
    """The name of an execution: the same for the same id or key, and another one for another function.

    Args:
        identity: The id of the message or event, or the value of the key.
        function: The ARN of the durable function, with its alias or version.

    Returns:
        The identity, where its characters and its length fit into a name, or else its hash; and the function's.
    """
    import re
    from hashlib import sha256

    of_function = sha256(":".join(function.split(":")[:7]).encode()).hexdigest()[:_FUNCTION_CHARACTERS]
    room = _NAME_CHARACTERS_MAX - _FUNCTION_CHARACTERS - 1
    if not re.fullmatch(rf"[A-Za-z0-9_-]{{1,{room}}}", identity):
        identity = sha256(identity.encode()).hexdigest()[:room]
    return f"{identity}-{of_function}"


def _content(event: Mapping[str, Any]) -> tuple[str, str]:
    """The id of an event, and what of it stays the same when it comes again."""
    import json

    records = event.get("Records")
    if records and "Sns" in records[0]:
        message = records[0]["Sns"]
        return message["MessageId"], message["Message"]
    identity = event.get("id")
    if not isinstance(identity, str):
        raise ValueError("the event must have an id, which is a text: it names the execution")
    return identity, json.dumps(event.get("detail", event))
