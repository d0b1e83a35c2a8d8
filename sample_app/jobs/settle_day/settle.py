"""Settles a day: adds up the fares of each driver, and stores each sum once, however often the job runs."""

import json
import logging
import os
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import ClientError

logger = logging.getLogger("settle")


def main() -> None:
    """Settle the day before the time that the schedule was for.

    That time is the same if the schedule starts the job twice, and at each retry and redrive.
    """
    job_input = json.loads(os.environ["JOB_INPUT"])
    day = datetime.fromisoformat(job_input["time"]).date() - timedelta(days=1)
    settled = settle(boto3.client("dynamodb"), day, execution=os.environ["JOB_EXECUTION_ARN"])
    logger.info("settled %s for %d drivers", day, settled)


def settle(dynamodb: Any, day: date, *, execution: str) -> int:
    """Settle a day.

    Args:
        dynamodb: A client.
        day: The day.
        execution: What settles it.

    Returns:
        For how many drivers this was new: the others have been settled before.
    """
    sums: Counter[str] = Counter()
    for driver_id, cents in fares(dynamodb, day):
        sums[driver_id] += cents
    return sum(
        store(dynamodb, day, driver_id, cents, execution=execution) for driver_id, cents in sums.items()
    )


def fares(dynamodb: Any, day: date) -> Iterator[tuple[str, int]]:
    """Read the fares of a day.

    Args:
        dynamodb: A client.
        day: The day.

    Yields:
        The driver, and the fare in cents.
    """
    pages = dynamodb.get_paginator("query").paginate(
        TableName=os.environ["FARES_TABLE"],
        KeyConditionExpression="#day = :day",
        ExpressionAttributeNames={"#day": "day"},
        ExpressionAttributeValues={":day": {"S": day.isoformat()}},
        ConsistentRead=True,
    )
    for page in pages:
        for item in page["Items"]:
            yield item["driver_id"]["S"], int(item["cents"]["N"])


def store(dynamodb: Any, day: date, driver_id: str, cents: int, *, execution: str) -> bool:
    """Store the sum of a driver, unless it is stored.

    Args:
        dynamodb: A client.
        day: The day.
        driver_id: The driver.
        cents: The sum.
        execution: What settles it.

    Returns:
        Whether it was stored now.
    """
    item = {
        "day": {"S": day.isoformat()},
        "driver_id": {"S": driver_id},
        "cents": {"N": str(cents)},
        "execution": {"S": execution},
    }
    try:
        dynamodb.put_item(
            TableName=os.environ["SETTLEMENTS_TABLE"],
            Item=item,
            ConditionExpression="attribute_not_exists(#day)",
            ExpressionAttributeNames={"#day": "day"},
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return False
    return True


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main()
