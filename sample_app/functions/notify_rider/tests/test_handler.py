from collections.abc import Iterator

import botocore.exceptions
import handler
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.stub import ANY, Stubber

RESULT = {
    "trip_id": "trip-00c0ffee",
    "rider_id": "rider-00beef",
    "bucket": "receipts-bucket",
    "key": "receipts/trip-00c0ffee.json",
}
PUT = {
    "TableName": "inbox",
    "Item": {
        "rider_id": {"S": "rider-00beef"},
        "trip_id": {"S": "trip-00c0ffee"},
        "receipt": {"S": "receipts/trip-00c0ffee.json"},
        "notified_at": ANY,
    },
    "ConditionExpression": "attribute_not_exists(trip_id)",
}


@pytest.fixture(autouse=True)
def table() -> Iterator[Stubber]:
    """Refuses every item that is not the one expected."""
    with Stubber(handler.dynamodb) as stubber:
        yield stubber


def test_a_rider_is_notified_where_the_receipt_is(table: Stubber, lambda_context: LambdaContext) -> None:
    table.add_response("put_item", {}, PUT)
    handler.handle(RESULT, lambda_context)
    table.assert_no_pending_responses()


def test_a_rider_is_not_notified_twice(table: Stubber, lambda_context: LambdaContext) -> None:
    table.add_client_error("put_item", "ConditionalCheckFailedException", expected_params=PUT)
    handler.handle(RESULT, lambda_context)
    table.assert_no_pending_responses()


def test_what_dynamodb_refuses_is_an_error_so_that_lambda_tries_again(
    table: Stubber, lambda_context: LambdaContext
) -> None:
    table.add_client_error("put_item", "ProvisionedThroughputExceededException", http_status_code=400)
    with pytest.raises(botocore.exceptions.ClientError, match="ProvisionedThroughput"):
        handler.handle(RESULT, lambda_context)
