"""Settles the dispute of a fare: stores it, asks the driver, waits for days if need be, and refunds what was agreed."""

import json
import os
from decimal import Decimal
from typing import Any

import boto3
from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
    durable_wait_for_callback,
)
from aws_durable_execution_sdk_python.config import Duration, WaitForCallbackConfig
from aws_durable_execution_sdk_python.types import WaitForCallbackContext
from botocore.config import Config

disputes = os.environ["DISPUTES_TABLE"]
dynamodb = boto3.client(
    "dynamodb",
    config=Config(connect_timeout=1, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 2}),
)

ANSWER_WITHIN = WaitForCallbackConfig(timeout=Duration.from_days(3))
TIME_TO_OBJECT = Duration.from_minutes(10)
"""Between the driver's answer and the refund, both may still write to us."""


class RefundError(Exception):
    """The driver has agreed to an impossible refund: a person has to look at it."""


@durable_execution
def handle(event: dict[str, Any], context: DurableContext) -> dict[str, str]:
    """Settle one dispute.

    Lambda runs this from the beginning after each wait, error or crash. A step that has ended is not run again: its
    stored result is returned. So whatever has an effect is in a step.

    Args:
        event: `dispute_id`, and the `fare` in question.
        context: Of the execution.

    Returns:
        The dispute, and what was refunded.

    Raises:
        RefundError: The refund is impossible. The execution fails, and its event goes to the dead-letter queue.
    """
    dispute_id, fare = event["dispute_id"], event["fare"]
    context.step(open_dispute(dispute_id, fare))
    answer = json.loads(context.wait_for_callback(ask_driver(dispute_id), config=ANSWER_WITHIN))
    if not 0 <= Decimal(answer["refund"]) <= Decimal(fare):
        raise RefundError(f"a refund of {answer['refund']} for a fare of {fare}")
    context.wait(TIME_TO_OBJECT)
    context.step(settle(dispute_id, answer["refund"]))
    return {"dispute_id": dispute_id, "refund": answer["refund"]}


@durable_step
def open_dispute(_: StepContext, dispute_id: str, fare: str) -> None:
    """Store a dispute, and how often that was done."""
    _update(dispute_id, "SET fare = :fare ADD opened :one", {":fare": {"S": fare}, ":one": {"N": "1"}})


@durable_wait_for_callback
def ask_driver(callback_id: str, _: WaitForCallbackContext, dispute_id: str) -> None:
    """Leave the id for the driver's app, which answers with `SendDurableExecutionCallbackSuccess`."""
    _update(dispute_id, "SET callback_id = :id", {":id": {"S": callback_id}})


@durable_step
def settle(_: StepContext, dispute_id: str, refund: str) -> None:
    """Refund, and note how often that was done."""
    _update(
        dispute_id, "SET refund = :refund ADD settled :one", {":refund": {"S": refund}, ":one": {"N": "1"}}
    )


def _update(dispute_id: str, expression: str, values: dict[str, dict[str, str]]) -> None:
    dynamodb.update_item(
        TableName=disputes,
        Key={"dispute_id": {"S": dispute_id}},
        UpdateExpression=expression,
        ExpressionAttributeValues=values,
    )
