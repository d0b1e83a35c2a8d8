"""Alarms look where the data points of their metrics are."""

from typing import Any

import pytest
from aws_cdk import Duration, Stack

from constructs_lib import KillSwitch, LiveAlias, QueueConsumer
from tests.gallery.plain_function import function
from tests.template import of_type

DATED_AT_THE_START = {"Errors", "Invocations", "Duration"}
"""Lambda publishes them at the end of an invocation."""


def metrics(alarm: dict[str, Any]) -> set[tuple[str, str]]:
    """Namespace and name of each metric of an alarm."""
    stats = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each] or [
        alarm
    ]
    return {(each["Namespace"], each["MetricName"]) for each in stats}


@pytest.mark.parametrize(("seconds", "minutes"), [(29, 3), (59, 3), (60, 4), (150, 5), (900, 18)])
def test_alarms_look_back_to_the_start_of_the_longest_invocation(
    stack: Stack, seconds: int, minutes: int
) -> None:
    worker = function(stack, timeout=Duration.seconds(seconds))
    LiveAlias(stack, "Live", function=worker)
    QueueConsumer(stack, "Consumer", function=function(stack, "Ship", timeout=Duration.seconds(seconds)))
    KillSwitch(stack, "Switch", function=worker, invocations_per_minute=100)
    found = {
        logical_id: alarm["EvaluationPeriods"] * alarm.get("Period", 60) / 60
        for logical_id, alarm in of_type(stack, "AWS::CloudWatch::Alarm").items()
        if any(space == "AWS/Lambda" and name in DATED_AT_THE_START for space, name in metrics(alarm))
    }
    assert len(found) == 6
    assert set(found.values()) == {minutes}
