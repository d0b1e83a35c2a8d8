"""The promises of ConcurrencyBudget, one test each; what its rule compares is in tests/practice."""

from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_sns as sns

from constructs_lib import ConcurrencyBudget
from tests.template import logical_id, properties

ALARMS = ("claimed_alarm", "concurrent_executions_alarm", "unreserved_alarm")


@pytest.mark.parametrize(
    ("alarm", "metric"),
    [("claimed_alarm", "ClaimedAccountConcurrency"), ("concurrent_executions_alarm", "ConcurrentExecutions")],
)
def test_nine_tenths_of_the_accounts_limit_alarm(stack: Stack, alarm: str, metric: str) -> None:
    """The metrics of the whole account have no dimensions."""
    found = properties(getattr(ConcurrencyBudget(stack, "Budget", account_limit=3_000), alarm))
    assert (found["Namespace"], found["MetricName"], found["Statistic"]) == ("AWS/Lambda", metric, "Maximum")
    assert "Dimensions" not in found
    assert (found["ComparisonOperator"], found["Threshold"]) == ("GreaterThanThreshold", 2_700)


def test_the_unreserved_alarm_is_about_what_nobody_has_reserved(stack: Stack) -> None:
    alarm = properties(ConcurrencyBudget(stack, "Budget", account_limit=3_000).unreserved_alarm)
    (expression,) = [each["Expression"] for each in alarm["Metrics"] if "Expression" in each]
    stats: dict[str, Any] = {
        each["Id"]: each["MetricStat"] for each in alarm["Metrics"] if "MetricStat" in each
    }
    assert {
        name: (stat["Metric"]["MetricName"], stat["Stat"], stat["Metric"].get("Dimensions"))
        for name, stat in stats.items()
    } == {
        "claimed": ("ClaimedAccountConcurrency", "Maximum", None),
        "unreserved": ("UnreservedConcurrentExecutions", "Maximum", None),
    }
    # 800 of 1,000 allocated as in AWS's example, and 150 of the other 200 in use
    share = expression.replace("3000", "1000").replace("claimed", "950").replace("unreserved", "150")
    assert eval(share) == 75  # noqa: S307 - plain arithmetic of ours
    assert alarm["Threshold"] == 90


@pytest.mark.parametrize("alarm", ALARMS)
def test_a_blip_does_not_alarm(stack: Stack, alarm: str) -> None:
    """Ten minutes of ten, as AWS recommends."""
    found = properties(getattr(ConcurrencyBudget(stack, "Budget"), alarm))
    assert (found["EvaluationPeriods"], found["DatapointsToAlarm"]) == (10, 10)
    assert found["TreatMissingData"] == "notBreaching"


@pytest.mark.parametrize("alarm", ALARMS)
def test_every_alarm_notifies_its_topic(stack: Stack, alarm: str) -> None:
    mine = sns.Topic(stack, "Mine")
    budget = ConcurrencyBudget(stack, "Budget", alarm_topic=mine)
    assert budget.alarm_topic is mine
    assert properties(getattr(budget, alarm))["AlarmActions"] == [{"Ref": logical_id(mine)}]
