"""Scenes of ConcurrencyBudget, and of a function that is off."""

from typing import Final

from aws_cdk import Stack

from constructs_lib import ConcurrencyBudget
from tests.gallery.parts import topic
from tests.gallery.plain_function import function


def concurrency_budget(stack: Stack) -> None:
    """The limit has room for all scenes, which are one app."""
    ConcurrencyBudget(stack, "Budget", account_limit=5_000)


def concurrency_budget_shared_with_others(stack: Stack) -> None:
    ConcurrencyBudget(
        stack, "Budget", account_limit=5_000, taken_elsewhere=500, alarm_topic=topic(stack, "Alarms")
    )
    function(stack, disabled=True)


SCENES: Final = (concurrency_budget, concurrency_budget_shared_with_others)
