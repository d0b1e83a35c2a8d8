"""Hands out receipts of the archive: `GET /<trip id>` at a function URL, for partners who sign their requests."""

import os
from typing import Any

import boto3  # the runtime's own: not packaged
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from botocore.exceptions import ClientError

logger = Logger(service="download-receipt")
app = LambdaFunctionUrlResolver()
archive = os.environ["ARCHIVE_BUCKET"]
s3 = boto3.client(
    "s3",
    config=Config(connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2}),
)


@logger.inject_lambda_context(correlation_id_path=correlation_paths.LAMBDA_FUNCTION_URL)
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle one request.

    Args:
        event: What the function URL passes on.
        context: Of this invocation.

    Returns:
        What the function URL answers.
    """
    return app.resolve(event, context)


@app.get("/<trip_id>")
def receipt(trip_id: str) -> Response[str]:
    """Read one receipt.

    Args:
        trip_id: Of which trip.

    Returns:
        The document as it is in the archive.

    Raises:
        NotFoundError: There is no such receipt.
    """
    try:
        found = s3.get_object(Bucket=archive, Key=f"receipts/{trip_id}.json")
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            raise NotFoundError(f"no receipt of trip {trip_id}") from None
        raise
    logger.info("receipt downloaded", trip_id=trip_id)
    return Response(200, "application/json", found["Body"].read().decode())
