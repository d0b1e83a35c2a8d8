"""Scenes of IdempotencyTable."""

from typing import Final

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from constructs import Construct

from constructs_lib import IdempotencyTable
from tests.gallery.parts import live, topic
from tests.gallery.plain_function import function


def idempotency_table(scope: Construct) -> None:
    IdempotencyTable(scope, "Orders")


def idempotency_table_of_functions(stack: Stack) -> None:
    table = IdempotencyTable(
        stack,
        "Orders",
        encryption_key=kms.Key(stack, "Key", enable_key_rotation=True),
        alarm_topic=topic(stack, "Alarms"),
        removal_policy=RemovalPolicy.DESTROY,
    )
    table.connect(live(function(stack, "Ship")))
    table.connect(function(stack, "Bill"), variable="BILLS")


SCENES: Final = (idempotency_table, idempotency_table_of_functions)
