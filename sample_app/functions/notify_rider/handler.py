"""Puts the news of a receipt into the rider's inbox, once."""

import os
from datetime import UTC, datetime
from typing import Any

import boto3  # the runtime's own: not packaged
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

logger = Logger(service="notify-rider")
inbox = os.environ["INBOX_TABLE"]
dynamodb = boto3.client(
    "dynamodb",
    config=Config(connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2}),
)


@logger.inject_lambda_context
def handle(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001 - as Lambda calls it
    """Tell one rider of one receipt; whatever goes wrong is raised, for Lambda to try again and to keep the event.

    Args:
        event: What the function that wrote the receipt has returned: the `responsePayload` of its success record.
        context: Of this invocation.
    """
    is_new = put(event["rider_id"], event["trip_id"], event["key"])
    message = "rider notified" if is_new else "the rider knew already: a duplicate"
    logger.info(message, trip_id=event["trip_id"])


def put(rider_id: str, trip_id: str, receipt: str) -> bool:
    """Put an item into the inbox, unless the trip has one there.

    Args:
        rider_id: Whose inbox.
        trip_id: Which trip.
        receipt: The key of its receipt.

    Returns:
        False if there was one.
    """
    try:
        dynamodb.put_item(
            TableName=inbox,
            Item={
                "rider_id": {"S": rider_id},
                "trip_id": {"S": trip_id},
                "receipt": {"S": receipt},
                "notified_at": {"S": datetime.now(UTC).isoformat(timespec="milliseconds")},
            },
            ConditionExpression="attribute_not_exists(trip_id)",
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True
