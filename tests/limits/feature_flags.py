"""The limits of FeatureFlags."""

from typing import Final

from aws_cdk import aws_cloudwatch as cloudwatch

from constructs_lib import FeatureFlags
from tests.gallery.feature_flags import alarm
from tests.limits.table import Arguments, Limits, args

_ROWS: list[tuple[str, Arguments, str]] = [
    ("no flags", args(flags={}), "flags must be a mapping from the names of flags to whether they are on"),
    ("a list of flags", args(flags=["express"]), "such as {'express': False}, got ['express'] (list)"),
    (
        "the name of a flag",
        args(flags={"Express": True}),
        "each name of flags must be a lowercase letter and then up to 63 letters, digits, hyphens and underscores, got",
    ),
    (
        "a flag that is text",
        args(flags={"express": "on"}),
        "flags['express'] must be True or False, got 'on'",
    ),
    ("no alarm", args(rollback_alarms=[]), "rollback_alarms must be 1 to 5 alarms, got 0"),
    (
        "six alarms",
        lambda stack: {"rollback_alarms": [alarm(stack, f"Alarm{number}") for number in range(6)]},
        "rollback_alarms must be 1 to 5 alarms, got 6",
    ),
    (
        "an alarm by its name",
        args(rollback_alarms=["errors"]),
        "rollback_alarms must be a list of alarms, got 'errors' (str) in it",
    ),
    (
        "an alarm that lacks data",
        lambda stack: {"rollback_alarms": [alarm(stack, treat_missing_data=None)]},
        "which treats it as 'missing': AppConfig rolls back for INSUFFICIENT_DATA",
    ),
    (
        "an alarm that fails without data",
        lambda stack: {
            "rollback_alarms": [alarm(stack, treat_missing_data=cloudwatch.TreatMissingData.BREACHING)]
        },
        "which treats it as 'breaching'",
    ),
    (
        "an alarm whose actions are disabled",
        lambda stack: {"rollback_alarms": [alarm(stack, actions_enabled=False)]},
        "rollback_alarms must have their actions enabled",
    ),
    (
        "a composite alarm whose actions are disabled",
        lambda stack: {
            "rollback_alarms": [
                cloudwatch.CompositeAlarm(
                    stack,
                    "Either",
                    alarm_rule=cloudwatch.AlarmRule.from_alarm(alarm(stack), cloudwatch.AlarmState.ALARM),
                    actions_enabled=False,
                )
            ]
        },
        "rollback_alarms must have their actions enabled",
    ),
    (
        "a strategy that does not exist",
        args(deployment_strategy="AppConfig.Canary"),
        "deployment_strategy must be one of AppConfig.Canary10Percent20Minutes, ",
    ),
]

FEATURE_FLAGS_LIMITS: Final = Limits(
    FeatureFlags,
    otherwise={
        "flags": lambda stack: {"express": False},
        "rollback_alarms": lambda stack: [alarm(stack, "Otherwise")],
    },
    rows=_ROWS,
)
