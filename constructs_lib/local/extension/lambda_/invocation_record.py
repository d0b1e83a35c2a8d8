"""The record of an asynchronous invocation, as a destination gets it.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html (its example). The condition
of a function that is turned off is in no document that we found: it is what users report.
"""

from datetime import UTC, datetime
from typing import Any

from .called_function import CalledFunction

SUCCESS = "Success"
OUT_OF_RETRIES = "RetriesExhausted"
TOO_OLD = "EventAgeExceeded"
TURNED_OFF = "ZeroReservedConcurrency"


def write(
    function: CalledFunction,
    request: str,
    event: Any,
    condition: str,
    attempts: int,
    result: dict[str, Any] | None,
) -> dict[str, Any]:
    """Write the record.

    Args:
        function: As it was called.
        request: The invocation's id.
        event: What it was invoked with.
        condition: Why the record is written.
        attempts: How often the function ran.
        result: What its last run gave, as MiniStack has it; None if it never ran.

    Returns:
        The record. One of a function that never ran has no response.
    """
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": request,
            "functionArn": function.arn,
            "condition": condition,
            "approximateInvokeCount": attempts,
        },
        "requestPayload": event,
    }
    if result is None:
        return record
    response: dict[str, Any] = {"statusCode": 200, "executedVersion": function.version}
    if result.get("error"):
        response["functionError"] = result.get("function_error") or "Unhandled"
    return record | {"responseContext": response, "responsePayload": result.get("body")}
