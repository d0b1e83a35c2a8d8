import json
from collections.abc import Iterator
from datetime import date

import boto3
import pytest
import settle
from botocore.exceptions import ClientError
from botocore.stub import Stubber

DAY = date(2026, 11, 27)
QUERY = {
    "TableName": "fares",
    "KeyConditionExpression": "#day = :day",
    "ExpressionAttributeNames": {"#day": "day"},
    "ExpressionAttributeValues": {":day": {"S": "2026-11-27"}},
    "ConsistentRead": True,
}


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """Refuses every call that is not the one expected."""
    client = boto3.client("dynamodb")
    monkeypatch.setattr(boto3, "client", lambda _: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def fare(driver_id: str, cents: int) -> dict[str, dict[str, str]]:
    return {"driver_id": {"S": driver_id}, "cents": {"N": str(cents)}}


def put(driver_id: str, cents: int) -> dict[str, object]:
    return {
        "TableName": "settlements",
        "Item": {
            "day": {"S": "2026-11-27"},
            "driver_id": {"S": driver_id},
            "cents": {"N": str(cents)},
            "execution": {"S": "execution-1"},
        },
        "ConditionExpression": "attribute_not_exists(#day)",
        "ExpressionAttributeNames": {"#day": "day"},
    }


def test_the_fares_of_each_driver_are_added_up_over_all_pages(tables: Stubber) -> None:
    key = {"day": {"S": "2026-11-27"}, "trip_id": {"S": "trip-2"}}
    first = [fare("driver-1", 1000), fare("driver-2", 250)]
    tables.add_response("query", {"Items": first, "LastEvaluatedKey": key}, QUERY)
    tables.add_response("query", {"Items": [fare("driver-1", 50)]}, {**QUERY, "ExclusiveStartKey": key})
    tables.add_response("put_item", {}, put("driver-1", 1050))
    tables.add_response("put_item", {}, put("driver-2", 250))
    assert settle.settle(boto3.client("dynamodb"), DAY, execution="execution-1") == 2


def test_what_is_settled_is_not_settled_again(tables: Stubber) -> None:
    tables.add_response("query", {"Items": [fare("driver-1", 1000), fare("driver-2", 250)]}, QUERY)
    tables.add_client_error("put_item", "ConditionalCheckFailedException")
    tables.add_response("put_item", {}, put("driver-2", 250))
    assert settle.settle(boto3.client("dynamodb"), DAY, execution="execution-1") == 1


def test_any_other_error_ends_the_job(tables: Stubber) -> None:
    tables.add_response("query", {"Items": [fare("driver-1", 1000)]}, QUERY)
    tables.add_client_error("put_item", "ProvisionedThroughputExceededException")
    with pytest.raises(ClientError, match="ProvisionedThroughput"):
        settle.settle(boto3.client("dynamodb"), DAY, execution="execution-1")


def test_it_settles_the_day_before_the_schedule(tables: Stubber, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOB_INPUT", json.dumps({"time": "2026-11-28T02:00:00Z"}))
    monkeypatch.setenv("JOB_EXECUTION_ARN", "execution-1")
    tables.add_response("query", {"Items": []}, QUERY)
    settle.main()
