"""What a mapping discards, as its destination receives it: a queue, a topic, or a bucket, which gets the event too.

The function's role must be allowed to send it, where IAM is enforced. What cannot be sent is lost: it is counted as
`DestinationDeliveryFailures` of the function, and as dropped.
A response is in the record only if the function ran, and an error in the response only if it raised: AWS's pages show
no other record. AWS may write one record for several batches that it discards one after the other; here each batch has
its own.
Sources: https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
"""

import json
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from . import destinations, invocation_metrics, messages, stream_metrics
from .called_function import CalledFunction
from .streams import Record

OUT_OF_RETRIES = "RetryAttemptsExhausted"
TOO_OLD = "RecordAgeExceeded"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Attempt:
    """The last run of a function with a batch.

    Attributes:
        request: The invocation's id.
        version: The version that ran.
        result: What it gave, as MiniStack has it.
    """

    request: str
    version: str
    result: dict[str, Any]


def discard(
    mapping: dict[str, Any],
    shard: str,
    records: Sequence[Record],
    condition: str,
    *,
    attempts: int,
    last: Attempt | None,
    function: CalledFunction | None,
) -> None:
    """Send what is discarded to the mapping's destination, if it has one.

    Args:
        mapping: The mapping.
        shard: The id of the shard.
        records: What is discarded, at least one record.
        condition: Why.
        attempts: How often the function ran with it.
        last: The last run; None if it never ran.
        function: As the mapping invokes it, whose role sends; None if the function does not exist any more.
    """
    configured = (mapping.get("DestinationConfig") or {}).get("OnFailure") or {}
    destination = configured.get("Destination")
    if not destination:
        stream_metrics.count(mapping, "DroppedEventCount", len(records))
        return
    body = _write(mapping, shard, records, condition, attempts, last)
    try:
        if function is None:
            raise messages.DeliveryRefusedError("the function was deleted, and its role is not known")
        _send(destination, body, mapping, shard, records, function)
    except Exception as error:
        _log.warning("%s: the record did not reach %s: %s", mapping["FunctionArn"], destination, error)
        if function is not None:
            invocation_metrics.record(function, "DestinationDeliveryFailures")
        stream_metrics.count(mapping, "DroppedEventCount", len(records))
    else:
        stream_metrics.count(mapping, "OnFailureDestinationDeliveredEventCount", len(records))


def _write(
    mapping: dict[str, Any],
    shard: str,
    records: Sequence[Record],
    condition: str,
    attempts: int,
    last: Attempt | None,
) -> dict[str, Any]:
    source = mapping["EventSourceArn"]
    from_table = source.split(":")[2] == "dynamodb"
    # A table's stream notes seconds.
    first, end = (
        _time(record.arrived, "seconds" if from_table else "milliseconds")
        for record in (records[0], records[-1])
    )
    body = {
        "requestContext": {
            "requestId": last.request if last else str(uuid.uuid4()),
            "functionArn": mapping["FunctionArn"],
            "condition": condition,
            "approximateInvokeCount": attempts,
        },
        "version": "1.0",
        "timestamp": _time(datetime.now(UTC).timestamp(), "milliseconds"),
        "DDBStreamBatchInfo" if from_table else "KinesisBatchInfo": {
            "shardId": shard,
            "startSequenceNumber": records[0].sequence,
            "endSequenceNumber": records[-1].sequence,
            "approximateArrivalOfFirstRecord": first,
            "approximateArrivalOfLastRecord": end,
            "batchSize": len(records),
            "streamArn": source,
        },
    }
    if last is not None:
        response: dict[str, Any] = {"statusCode": 200, "executedVersion": last.version}
        if last.result.get("error"):
            response["functionError"] = last.result.get("function_error") or "Unhandled"
        body["responseContext"] = response
    return body


def _send(
    destination: str,
    body: dict[str, Any],
    mapping: dict[str, Any],
    shard: str,
    records: Sequence[Record],
    function: CalledFunction,
) -> None:
    if destination.split(":")[2] != "s3":
        messages.send(destination, json.dumps(body), {}, function)
        return
    now = datetime.now(UTC)
    key = f"aws/lambda/{mapping['UUID']}/{shard}/{now:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
    event = {"Records": [record.event for record in records]}
    destinations.put_object(destination, key, body | {"payload": json.dumps(event)}, function)


def _time(seconds: float, precision: str) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec=precision).replace("+00:00", "Z")
