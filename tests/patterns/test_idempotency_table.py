"""What an idempotency table has, and what it gives to the functions that use it."""

from typing import Any

import pytest
from aws_cdk import App, Environment, RemovalPolicy, Stack, Stage
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_

from constructs_lib import IdempotencyTable, InvalidPropsError
from tests.gallery.parts import live
from tests.gallery.plain_function import function
from tests.template import logical_id, properties, resource, statements

HOME = Environment(account="1" * 12, region="us-east-1")


@pytest.fixture
def stack() -> Stack:
    return Stack(App(analytics_reporting=False), "Stack", env=HOME)


def test_the_attributes_are_those_of_powertools(stack: Stack) -> None:
    table = properties(IdempotencyTable(stack, "Orders").table)
    assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expiration", "Enabled": True}


def test_it_survives_mistakes(stack: Stack) -> None:
    orders = IdempotencyTable(stack, "Orders").table
    table = properties(orders)
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["DeletionProtectionEnabled"] is True
    assert resource(orders)["DeletionPolicy"] == "Retain"


def test_it_can_be_deleted_with_its_stack(stack: Stack) -> None:
    orders = IdempotencyTable(stack, "Orders", removal_policy=RemovalPolicy.DESTROY).table
    assert properties(orders).get("DeletionProtectionEnabled", False) is False
    assert resource(orders)["DeletionPolicy"] == "Delete"


def test_a_throttled_write_alarms(stack: Stack) -> None:
    orders = IdempotencyTable(stack, "Orders")
    alarm = properties(orders.throttles_alarm)
    assert (alarm["MetricName"], alarm["Threshold"], alarm["ComparisonOperator"]) == (
        "WriteThrottleEvents",
        0,
        "GreaterThanThreshold",
    )
    assert alarm["Dimensions"] == [{"Name": "TableName", "Value": {"Ref": logical_id(orders.table)}}]
    assert alarm["AlarmActions"] == [{"Ref": logical_id(orders.alarm_topic)}]


@pytest.mark.parametrize("by_alias", [True, False])
def test_a_function_may_use_this_table_and_knows_its_name(stack: Stack, by_alias: bool) -> None:
    orders = IdempotencyTable(stack, "Orders")
    ship = function(stack, "Ship")
    orders.connect(live(ship) if by_alias else ship)
    table = logical_id(orders.table)
    assert properties(ship)["Environment"]["Variables"] == {"IDEMPOTENCY_TABLE": {"Ref": table}}
    (found,) = (each for each in statements(ship.role) if "dynamodb:PutItem" in each["Action"])
    assert found["Resource"] == {"Fn::GetAtt": [table, "Arn"]}
    assert set(found["Action"]) == {f"dynamodb:{name}Item" for name in ("Get", "Put", "Update", "Delete")}


def test_a_function_may_use_the_tables_key(stack: Stack) -> None:
    key = kms.Key(stack, "Key")
    ship = function(stack, "Ship")
    IdempotencyTable(stack, "Orders", encryption_key=key).connect(ship)
    (found,) = (each for each in statements(ship.role) if "kms:Decrypt" in each["Action"])
    assert found["Resource"] == {"Fn::GetAtt": [logical_id(key), "Arn"]}


def test_a_function_has_two_tables_by_two_variables(stack: Stack) -> None:
    ship = function(stack, "Ship")
    for name in ("Orders", "Bills"):
        IdempotencyTable(stack, name).connect(ship, variable=f"{name.upper()}_TABLE")
    assert set(properties(ship)["Environment"]["Variables"]) == {"ORDERS_TABLE", "BILLS_TABLE"}


def test_a_function_of_another_stack_is_connected_without_a_cycle(stack: Stack) -> None:
    ship = function(Stack(Stage.of(stack), "There", env=HOME), "Ship")
    orders = IdempotencyTable(stack, "Orders")
    orders.connect(ship)
    assert "dynamodb:PutItem" in {action for each in statements(ship.role) for action in each["Action"]}


def imported(stack: Stack) -> Any:
    return lambda_.Function.from_function_name(stack, "Theirs", "theirs")


def of_another_region(stack: Stack) -> Any:
    there = Stack(Stage.of(stack), "There", env=Environment(account="1" * 12, region="eu-west-1"))
    return function(there, "Ship")


REFUSED: dict[str, tuple[Any, dict[str, str], str]] = {
    "imported": (imported, {}, "function Stack/Theirs is imported"),
    "a version": (lambda stack: function(stack).current_version, {}, "is a version, and the environment"),
    "elsewhere": (of_another_region, {}, "function must be in Region us-east-1"),
    "not a function": (lambda stack: "ship", {}, "function must be a function, version or alias"),
    "a variable of Lambda": (function, {"variable": "AWS_REGION"}, "which Lambda sets itself"),
    "no name of a variable": (function, {"variable": "1ST"}, "variable must be two or more letters"),
    "a variable that is taken": (
        lambda stack: function(stack, environment={"TABLE": "mine"}),
        {"variable": "TABLE"},
        "variable must be a name that is free, got 'TABLE', which function Stack/Function has already",
    ),
}


@pytest.mark.parametrize(("make", "more", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_connected(stack: Stack, make: Any, more: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidPropsError, match=message):
        IdempotencyTable(stack, "Orders").connect(make(stack), **more)


def test_a_function_is_connected_once(stack: Stack) -> None:
    orders = IdempotencyTable(stack, "Orders")
    ship = function(stack, "Ship")
    orders.connect(ship)
    with pytest.raises(
        InvalidPropsError, match=r"is connected to Stack/Orders already, by the variable IDEMP"
    ):
        orders.connect(live(ship), variable="OTHER")
