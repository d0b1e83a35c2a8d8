"""Counts the free drivers of each zone, from their positions on a stream: each position once, in order.

The records of a batch are in order, and so are the batches of a shard. The first record that fails ends the batch: its
sequence number is returned, and Lambda delivers it and what is behind it again. So nothing overtakes a failure, and
nothing behind it is processed twice.

Lambda delivers at least once. The position's own item, under its shard and sequence number, is written in the same
transaction as its effect: a second delivery finds it, and changes nothing.
"""

import os
import time
from typing import Any

import boto3  # the runtime's own: not packaged
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from position import Position

logger = Logger(service="update-zones")
taken_table, zones_table = os.environ["TAKEN_TABLE"], os.environ["ZONES_TABLE"]
dynamodb = boto3.client(
    "dynamodb",
    config=Config(connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2}),
)
_KEPT_SECONDS = 14 * 86_400
"""How long a position is remembered: as long as a failed one may wait to be sent again."""
_SUMMARY = "summary"


@logger.inject_lambda_context
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, list[dict[str, str]]]:  # noqa: ARG001 - as Lambda calls it
    """Take the positions of a batch, until one fails.

    Args:
        event: The records of one shard, in order.
        context: Of this invocation.

    Returns:
        The record that failed; an empty list if none did.
    """
    for record in event["Records"]:
        try:
            take(Position.of(record))
        except Exception:
            logger.exception("a position cannot be taken", event_id=record["eventID"])
            return {"batchItemFailures": [{"itemIdentifier": record["kinesis"]["sequenceNumber"]}]}
    return {"batchItemFailures": []}


def take(position: Position) -> bool:
    """Note where a driver is, and count the zone's free drivers anew.

    A position that is sent again comes after its successors: it changes nothing if a newer one of the driver is there.

    Args:
        position: The position.

    Returns:
        False if it was taken before.
    """
    before = _driver_in(position)
    operations: list[Any] = [_once(position)]
    if before is None or position.at > before["at"]["S"]:
        operations.append(_note(position, before))
        change = position.is_free - (before is not None and before["free"]["BOOL"])
        if change:
            operations.append(_count(position, change))
    try:
        dynamodb.transact_write_items(TransactItems=operations)
    except dynamodb.exceptions.TransactionCanceledException as error:
        if error.response["CancellationReasons"][0]["Code"] == "ConditionalCheckFailed":
            return False
        raise
    return True


def _driver_in(position: Position) -> dict[str, Any] | None:
    key = {"zone": {"S": position.zone}, "part": {"S": position.driver_id}}
    found: dict[str, Any] | None = dynamodb.get_item(TableName=zones_table, Key=key, ConsistentRead=True).get(
        "Item"
    )
    return found


def _once(position: Position) -> dict[str, Any]:
    item = {
        "event_id": {"S": position.event_id},
        "taken_at": {"N": str(time.time_ns())},
        "expires": {"N": str(int(time.time()) + _KEPT_SECONDS)},
    }
    return {
        "Put": {
            "TableName": taken_table,
            "Item": item,
            "ConditionExpression": "attribute_not_exists(event_id)",
        }
    }


def _note(position: Position, before: dict[str, Any] | None) -> dict[str, Any]:
    item = {
        "zone": {"S": position.zone},
        "part": {"S": position.driver_id},
        "free": {"BOOL": position.is_free},
        "at": {"S": position.at},
    }
    put: dict[str, Any] = {"TableName": zones_table, "Item": item}
    if before is None:
        put["ConditionExpression"] = "attribute_not_exists(part)"
    else:
        put |= {
            "ConditionExpression": "#at = :at",
            "ExpressionAttributeNames": {"#at": "at"},
            "ExpressionAttributeValues": {":at": before["at"]},
        }
    return {"Put": put}


def _count(position: Position, change: int) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": zones_table,
            "Key": {"zone": {"S": position.zone}, "part": {"S": _SUMMARY}},
            "UpdateExpression": "ADD #free :change",
            "ExpressionAttributeNames": {"#free": "free"},
            "ExpressionAttributeValues": {":change": {"N": str(change)}},
        }
    }
