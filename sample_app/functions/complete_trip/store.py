"""The table that holds each completed trip exactly once."""

from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError
from trip import Trip

if TYPE_CHECKING:  # stubs, not in the package
    from mypy_boto3_dynamodb import DynamoDBClient

_serializer = TypeSerializer()


class TripConflictError(Exception):
    """Another trip is stored under this id."""


class TripStore:
    """Stores a trip once, however often it arrives.

    Powertools' idempotency would need a table of its own, and forget after a while. Here the stored trip
    tells that it was handled.

    Args:
        client: DynamoDB.
        table: The name of a table whose key is `trip_id`.
    """

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def put(self, trip: Trip, fare: Decimal) -> bool:
        """Store a trip with its fare.

        Args:
            trip: What the message told.
            fare: What it costs.

        Returns:
            True if it is new, False if this very trip was there already.

        Raises:
            TripConflictError: Another trip has this id. It is not overwritten, and this one not dropped.
        """
        item = asdict(trip) | {
            "completed_at": trip.completed_at.isoformat(),
            "fare": fare,
            "fingerprint": trip.fingerprint,
        }
        try:
            self._client.put_item(
                TableName=self._table,
                Item={name: _serializer.serialize(value) for name, value in item.items()},
                ConditionExpression="attribute_not_exists(trip_id)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            answer: Any = error.response  # its type knows nothing of Item
            if answer["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            # An item without a fingerprint was not written here: nobody can say that it is the same trip.
            stored = answer.get("Item", {}).get("fingerprint", {}).get("S")
            if stored != trip.fingerprint:
                raise TripConflictError(f"another trip is stored as {trip.trip_id}") from error
            return False
        return True
