"""Writes the receipt of a finished trip, once.

EventBridge calls asynchronously, and may call twice for one event; Lambda tries again what fails. So the receipt
has a key of the trip's own, and is written only where there is none. What is returned becomes the success record
from which others go on.
"""

import os
from typing import Any

import boto3  # the runtime's own: not packaged
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from botocore.exceptions import ClientError
from receipt import Receipt, make_receipt

logger = Logger(service="make-receipt")
bucket = os.environ["RECEIPTS_BUCKET"]
s3 = boto3.client(
    "s3",
    config=Config(connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2}),
)


@logger.inject_lambda_context
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:  # noqa: ARG001 - as Lambda calls it
    """Write the receipt of one trip; whatever is wrong with it is raised, for Lambda to keep the event.

    Args:
        event: Of EventBridge, with the trip as its detail.
        context: Of this invocation.

    Returns:
        Whose receipt of what is where.
    """
    trip = event["detail"]
    logger.info("a trip has finished", trip_id=trip.get("trip_id"))
    receipt = make_receipt(trip)
    is_new = write(receipt)
    logger.info("receipt written" if is_new else "the receipt was there already", trip_id=receipt.trip_id)
    return {"trip_id": receipt.trip_id, "rider_id": receipt.rider_id, "bucket": bucket, "key": receipt.key}


def write(receipt: Receipt) -> bool:
    """Put a receipt into the bucket, unless it is there.

    Args:
        receipt: The receipt.

    Returns:
        False if it was there.
    """
    try:
        s3.put_object(
            Bucket=bucket,
            Key=receipt.key,
            Body=receipt.document,
            ContentType="application/json",
            IfNoneMatch="*",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "PreconditionFailed":
            return False
        raise
    return True
