"""Notes when the surge of a zone changes, from the stream of the zones' table: each change once, in order."""

import os
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient

logger = Logger(service="notify-surge")
notices = os.environ["NOTICES_TABLE"]
_SCARCE = 3
"""With fewer free drivers a zone has a surge."""


@logger.inject_lambda_context
def handle(event: dict[str, Any], context: "LambdaContext") -> dict[str, list[dict[str, str]]]:  # noqa: ARG001 - as Lambda calls it
    """Note the changes of a batch, until one fails.

    Args:
        event: The changes of one shard of the table's stream, in order.
        context: Of this invocation.

    Returns:
        The record that failed; an empty list if none did.
    """
    for record in event["Records"]:
        change = record["dynamodb"]
        try:
            before, now = surge(change.get("OldImage")), surge(change.get("NewImage"))
            if before != now:
                put(change["Keys"]["zone"]["S"], change["SequenceNumber"], now)
        except Exception:
            logger.exception("a change cannot be noted", event_id=record["eventID"])
            return {"batchItemFailures": [{"itemIdentifier": change["SequenceNumber"]}]}
    return {"batchItemFailures": []}


@cache
def dynamodb() -> "DynamoDBClient":
    """Make the client where it is first needed: most batches change no surge, and importing boto3 takes longest.

    A function that needs its client in each invocation makes it when it is loaded, where Lambda gives it a whole
    processor.
    """
    import boto3  # the runtime's own: not packaged
    from botocore.config import Config

    return boto3.client(
        "dynamodb",
        config=Config(
            connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2}
        ),
    )


def surge(summary: Mapping[str, Any] | None) -> bool:
    """Whether a zone has a surge.

    Args:
        summary: The summary of the zone; None if there is none yet.

    Returns:
        True with few free drivers.
    """
    return summary is not None and int(summary["free"]["N"]) < _SCARCE


def put(zone: str, number: str, has_surge: bool) -> None:
    """Put a notice into the table, unless it is there.

    Args:
        zone: The zone.
        number: The sequence number of the change.
        has_surge: Whether it has a surge now.
    """
    item: dict[str, Any] = {
        "zone": {"S": zone},
        "change": {"S": number.zfill(40)},
        "surge": {"BOOL": has_surge},
    }
    try:
        dynamodb().put_item(TableName=notices, Item=item, ConditionExpression="attribute_not_exists(change)")
    except dynamodb().exceptions.ConditionalCheckFailedException:
        logger.info("noted already: a duplicate", zone=zone)
        return
    logger.info("the surge of a zone has changed", zone=zone, surge=has_surge)
