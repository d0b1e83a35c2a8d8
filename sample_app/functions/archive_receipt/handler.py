"""Copies a receipt into the archive.

The archive's key is the receipt's, so an event that comes twice makes the same copy twice.
"""

import os
from typing import Any

import boto3  # the runtime's own: not packaged
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

logger = Logger(service="archive-receipt")
archive = os.environ["ARCHIVE_BUCKET"]
s3 = boto3.client(
    "s3",
    config=Config(connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2}),
)


@logger.inject_lambda_context
def handle(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001 - as Lambda calls it
    """Copy one object; whatever goes wrong is raised, for Lambda to try again and to keep the event.

    Args:
        event: `Object Created` of S3, through EventBridge.
        context: Of this invocation.
    """
    bucket, key = event["detail"]["bucket"]["name"], event["detail"]["object"]["key"]
    s3.copy_object(Bucket=archive, Key=key, CopySource={"Bucket": bucket, "Key": key})
    logger.info("receipt archived", key=key)
