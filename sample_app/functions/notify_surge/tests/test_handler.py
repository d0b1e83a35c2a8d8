from collections.abc import Iterator
from typing import Any

import handler
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.stub import Stubber

SUCCESS: dict[str, list[dict[str, str]]] = {"batchItemFailures": []}


def record(before: int | None, now: int, number: str = "42") -> dict[str, Any]:
    change: dict[str, Any] = {
        "Keys": {"zone": {"S": "Mitte"}, "part": {"S": "summary"}},
        "NewImage": {"free": {"N": str(now)}},
        "SequenceNumber": number,
    }
    if before is not None:
        change["OldImage"] = {"free": {"N": str(before)}}
    return {"eventID": "e1", "dynamodb": change}


def notice(*, surge: bool, number: str = "42") -> dict[str, Any]:
    return {
        "TableName": "notices",
        "Item": {"zone": {"S": "Mitte"}, "change": {"S": number.zfill(40)}, "surge": {"BOOL": surge}},
        "ConditionExpression": "attribute_not_exists(change)",
    }


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """Refuses every item that is not the one expected."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    handler.dynamodb.cache_clear()
    with Stubber(handler.dynamodb()) as stubber:
        yield stubber


@pytest.mark.parametrize(
    ("before", "now", "surge"), [(None, 1, True), (None, 3, None), (3, 2, True), (2, 3, False), (5, 4, None)]
)
def test_a_change_of_the_surge_is_noted(
    table: Stubber, lambda_context: LambdaContext, before: int | None, now: int, surge: bool | None
) -> None:
    if surge is not None:
        table.add_response("put_item", {}, notice(surge=surge))
    assert handler.handle({"Records": [record(before, now)]}, lambda_context) == SUCCESS
    table.assert_no_pending_responses()


def test_a_second_delivery_is_a_success(table: Stubber, lambda_context: LambdaContext) -> None:
    table.add_client_error("put_item", "ConditionalCheckFailedException", expected_params=notice(surge=True))
    assert handler.handle({"Records": [record(3, 2)]}, lambda_context) == SUCCESS


def test_the_batch_ends_at_the_first_failure(table: Stubber, lambda_context: LambdaContext) -> None:
    table.add_response("put_item", {}, notice(surge=True, number="41"))
    table.add_client_error("put_item", "ProvisionedThroughputExceededException", http_status_code=400)
    records = [record(3, 2, "41"), record(2, 3, "42"), record(3, 2, "43")]
    answer = handler.handle({"Records": records}, lambda_context)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "42"}]}
    table.assert_no_pending_responses()


def test_a_batch_without_a_change_makes_no_client(lambda_context: LambdaContext) -> None:
    handler.dynamodb.cache_clear()
    assert handler.handle({"Records": [record(5, 4)]}, lambda_context) == SUCCESS
    assert handler.dynamodb.cache_info().currsize == 0
