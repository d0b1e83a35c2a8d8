"""A scene of FeatureFlags."""

from typing import Final

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch

from constructs_lib import FeatureFlags
from tests.gallery.plain_function import function


def alarm(
    stack: Stack,
    construct_id: str = "Alarm",
    *,
    treat_missing_data: cloudwatch.TreatMissingData | None = cloudwatch.TreatMissingData.NOT_BREACHING,
    actions_enabled: bool | None = None,
) -> cloudwatch.Alarm:
    return cloudwatch.Alarm(
        stack,
        construct_id,
        metric=cloudwatch.Metric(namespace="Trips", metric_name="Failed", period=Duration.minutes(1)),
        threshold=1,
        evaluation_periods=1,
        treat_missing_data=treat_missing_data,
        actions_enabled=actions_enabled,
    )


def feature_flags(stack: Stack) -> None:
    flags = FeatureFlags(
        stack,
        "Flags",
        flags={"express": False, "new_checkout": True},
        rollback_alarms=[alarm(stack), alarm(stack, "Another")],
    )
    flags.connect(function(stack, "Charge"))


SCENES: Final = (feature_flags,)
