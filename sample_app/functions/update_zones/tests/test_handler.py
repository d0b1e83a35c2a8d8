import base64
import json
from collections.abc import Iterator
from typing import Any

import botocore.exceptions
import handler
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.stub import ANY, Stubber

AT, EARLIER, LATER = (f"2026-11-28T08:0{minute}:00+00:00" for minute in (1, 0, 2))
KEY = {"zone": {"S": "Mitte"}, "part": {"S": "driver-7"}}


def record(number: str = "42", **data: Any) -> dict[str, Any]:
    position = {"zone": "Mitte", "driver_id": "driver-7", "free": True, "at": AT} | data
    return {
        "eventID": f"shardId-000000000000:{number}",
        "kinesis": {
            "sequenceNumber": number,
            "data": base64.b64encode(json.dumps(position).encode()).decode(),
        },
    }


def once(number: str = "42") -> dict[str, Any]:
    return {
        "Put": {
            "TableName": "taken",
            "Item": {
                "event_id": {"S": f"shardId-000000000000:{number}"},
                "taken_at": ANY,
                "expires": ANY,
            },
            "ConditionExpression": "attribute_not_exists(event_id)",
        }
    }


def count(change: int) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": "zones",
            "Key": {"zone": {"S": "Mitte"}, "part": {"S": "summary"}},
            "UpdateExpression": "ADD #free :change",
            "ExpressionAttributeNames": {"#free": "free"},
            "ExpressionAttributeValues": {":change": {"N": str(change)}},
        }
    }


def note(*, free: bool, before: str | None) -> dict[str, Any]:
    put: dict[str, Any] = {
        "TableName": "zones",
        "Item": {**KEY, "free": {"BOOL": free}, "at": {"S": AT}},
        "ConditionExpression": "attribute_not_exists(part)",
    }
    if before is not None:
        put |= {
            "ConditionExpression": "#at = :at",
            "ExpressionAttributeNames": {"#at": "at"},
            "ExpressionAttributeValues": {":at": {"S": before}},
        }
    return {"Put": put}


class Tables:
    """Answers what is expected, and refuses anything else."""

    def __init__(self, stubber: Stubber) -> None:
        self._stubber = stubber
        self.assert_all_asked = stubber.assert_no_pending_responses

    def have(self, *, free: bool, at: str) -> None:
        self._found({"Item": {**KEY, "free": {"BOOL": free}, "at": {"S": at}}})

    def have_nothing(self) -> None:
        self._found({})

    def _found(self, answer: dict[str, Any]) -> None:
        asked = {"TableName": "zones", "Key": KEY, "ConsistentRead": True}
        self._stubber.add_response("get_item", answer, asked)

    def take(self, *operations: dict[str, Any]) -> None:
        self._stubber.add_response("transact_write_items", {}, {"TransactItems": list(operations)})

    def refuse(self, *codes: str) -> None:
        self._stubber.add_client_error(
            "transact_write_items",
            "TransactionCanceledException",
            modeled_fields={"CancellationReasons": [{"Code": code} for code in codes]},
        )


@pytest.fixture
def tables() -> Iterator[Tables]:
    with Stubber(handler.dynamodb) as stubber:
        yield Tables(stubber)


def handle(context: LambdaContext, *records: dict[str, Any]) -> dict[str, list[dict[str, str]]]:
    answer: dict[str, list[dict[str, str]]] = handler.handle({"Records": list(records)}, context)
    return answer


SUCCESS: dict[str, list[dict[str, str]]] = {"batchItemFailures": []}


def test_the_first_position_of_a_driver_is_counted(tables: Tables, lambda_context: LambdaContext) -> None:
    tables.have_nothing()
    tables.take(once(), note(free=True, before=None), count(1))
    assert handle(lambda_context, record()) == SUCCESS
    tables.assert_all_asked()


@pytest.mark.parametrize(
    ("was", "free", "change"), [(False, True, 1), (True, False, -1), (True, True, 0), (False, False, 0)]
)
def test_only_what_has_changed_is_counted(
    tables: Tables, lambda_context: LambdaContext, was: bool, free: bool, change: int
) -> None:
    tables.have(free=was, at=EARLIER)
    tables.take(once(), note(free=free, before=EARLIER), *([count(change)] if change else []))
    assert handle(lambda_context, record(free=free)) == SUCCESS
    tables.assert_all_asked()


def test_a_position_that_comes_after_a_newer_one_changes_nothing(
    tables: Tables, lambda_context: LambdaContext
) -> None:
    tables.have(free=False, at=LATER)
    tables.take(once())
    assert handle(lambda_context, record()) == SUCCESS
    tables.assert_all_asked()


def test_a_second_delivery_is_a_success(tables: Tables, lambda_context: LambdaContext) -> None:
    tables.have(free=True, at=AT)
    tables.refuse("ConditionalCheckFailed")
    assert handle(lambda_context, record()) == SUCCESS


def test_the_batch_ends_at_the_first_failure(tables: Tables, lambda_context: LambdaContext) -> None:
    tables.have_nothing()
    tables.take(once("41"), note(free=True, before=None), count(1))
    answer = handle(lambda_context, record("41"), record("42", zone="Harbour"), record("43"))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "42"}]}
    tables.assert_all_asked()


@pytest.mark.parametrize(
    "codes", [("None", "ConditionalCheckFailed"), ("None", "None", "TransactionConflict")]
)
def test_what_dynamodb_refuses_for_another_reason_is_tried_again(
    tables: Tables, lambda_context: LambdaContext, codes: tuple[str, ...]
) -> None:
    tables.have_nothing()
    tables.refuse(*codes)
    assert handle(lambda_context, record()) == {"batchItemFailures": [{"itemIdentifier": "42"}]}


def test_another_error_of_dynamodb_is_tried_again(lambda_context: LambdaContext) -> None:
    with Stubber(handler.dynamodb) as stubber:
        stubber.add_client_error("get_item", "ProvisionedThroughputExceededException", http_status_code=400)
        assert handle(lambda_context, record())["batchItemFailures"]
    assert issubclass(handler.dynamodb.exceptions.ClientError, botocore.exceptions.ClientError)
