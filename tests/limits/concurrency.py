"""The limits of ConcurrencyBudget."""

from typing import Final

from aws_cdk import CfnParameter

from constructs_lib import ConcurrencyBudget
from tests.limits.table import Limits, args, by_name_instead

CONCURRENCY_BUDGET_LIMITS: Final = Limits(
    ConcurrencyBudget,
    otherwise={},
    rows=[
        ("no limit", args(account_limit=None), "account_limit must be a number that is known at synth, got None"),
        ("a limit of 0", args(account_limit=0), "account_limit must be at least 1, got 0"),
        ("half an environment", args(account_limit=10.5), "account_limit must be a whole number, got 10.5"),
        ("without end", args(account_limit=float("inf")), "must be a number that is known at synth, got inf"),
        ("a limit of the deployment", lambda stack: {"account_limit": CfnParameter(stack, "Limit", type="Number")
         .value_as_number}, "account_limit must be a number that is known at synth, got a token"),
        ("less than nothing elsewhere", args(taken_elsewhere=-1), "taken_elsewhere must be 0 to 1,000, got -1"),
        ("more elsewhere than there is", args(taken_elsewhere=1_001), "taken_elsewhere must be 0 to 1,000, got 1,001"),
        *by_name_instead(alarm_topic="a topic"),
    ],
)  # fmt: skip
