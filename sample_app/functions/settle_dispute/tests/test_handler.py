"""What the handler does in which order; waits, replays and crashes are the demo's, on the local cloud."""

import inspect
import json
from collections.abc import Callable, Iterator
from typing import Any

import handler
import pytest
from aws_durable_execution_sdk_python.config import Duration, WaitForCallbackConfig
from botocore.stub import Stubber

EVENT = {"dispute_id": "dispute-1", "fare": "10.00"}
settle_dispute = inspect.unwrap(handler.handle)


class Context:
    """Runs each step at once, and answers for the driver.

    Args:
        refund: What the driver agrees to.
    """

    def __init__(self, refund: str) -> None:
        self.refund = refund
        self.waited: list[Duration] = []

    def step(self, run: Callable[[None], Any]) -> Any:
        return run(None)

    def wait_for_callback(self, submit: Callable[[str, None], None], *, config: WaitForCallbackConfig) -> str:
        assert config.timeout.to_seconds() == 3 * 86_400
        submit("callback-1", None)
        return json.dumps({"refund": self.refund})

    def wait(self, duration: Duration) -> None:
        self.waited.append(duration)


@pytest.fixture(autouse=True)
def table() -> Iterator[Stubber]:
    """Refuses every update that is not the one expected."""
    with Stubber(handler.dynamodb) as stubber:
        yield stubber


def expect(table: Stubber, expression: str, values: dict[str, Any]) -> None:
    table.add_response(
        "update_item",
        {},
        {
            "TableName": "disputes",
            "Key": {"dispute_id": {"S": "dispute-1"}},
            "UpdateExpression": expression,
            "ExpressionAttributeValues": values,
        },
    )


def expect_question(table: Stubber) -> None:
    one = {":one": {"N": "1"}}
    expect(table, "SET fare = :fare ADD opened :one", {":fare": {"S": "10.00"}} | one)
    expect(table, "SET callback_id = :id", {":id": {"S": "callback-1"}})


@pytest.mark.parametrize("refund", ["0", "4.00", "10.00"])
def test_what_the_driver_agrees_to_is_refunded(table: Stubber, refund: str) -> None:
    expect_question(table)
    expect(table, "SET refund = :refund ADD settled :one", {":refund": {"S": refund}, ":one": {"N": "1"}})
    context = Context(refund)
    assert settle_dispute(EVENT, context) == {"dispute_id": "dispute-1", "refund": refund}
    table.assert_no_pending_responses()
    assert [duration.to_seconds() for duration in context.waited] == [600]


@pytest.mark.parametrize("refund", ["10.01", "-1"])
def test_an_impossible_refund_fails_the_execution(table: Stubber, refund: str) -> None:
    expect_question(table)
    with pytest.raises(handler.RefundError, match=rf"a refund of {refund} for a fare of 10\.00"):
        settle_dispute(EVENT, Context(refund))
    table.assert_no_pending_responses()
