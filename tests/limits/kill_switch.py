"""The limits of KillSwitch."""

from typing import Final

from aws_cdk import aws_lambda as lambda_

from constructs_lib import KillSwitch
from tests.gallery.plain_function import function
from tests.limits.table import Limits, args, by_name_instead

KILL_SWITCH_LIMITS: Final = Limits(
    KillSwitch,
    otherwise={"function": function, "invocations_per_minute": lambda stack: 600},
    rows=[
        ("no number", args(invocations_per_minute=None), "invocations_per_minute must be a number, got None"),
        ("infinity", args(invocations_per_minute=float("inf")), "invocations_per_minute must be a number, got inf"),
        ("armed in words", args(armed="yes"), "armed must be True or False, got 'yes' (str)"),
        *by_name_instead(function="a function, version or alias", alarm_topic="a topic"),
        ("a switch that is always pulled", args(invocations_per_minute=0), "invocations_per_minute must be at least 1"),
        ("provisioned concurrency", lambda stack: {"function": lambda_.Alias(stack, "Live", alias_name="live",
         version=function(stack).current_version, provisioned_concurrent_executions=5)}, "has provisioned concurrency"),
    ],
)  # fmt: skip
