"""An alarm's state is that of its own metric, period by period.

Held to the documents that `cloudwatch/alarm_states.py` names.
"""

import json
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from constructs_lib.local import LocalCloud
from tests.local import async_stacks, stacks

pytestmark = pytest.mark.cloud

PERIOD = 3600
MINE = {"FunctionName": "mine"}


def in_one_period(check: Callable[[str], None]) -> None:
    """Check something that goes by periods, and once more if one has ended in the middle of it.

    Args:
        check: The check; it is given a name that is new each time.
    """
    for number in count():
        period = time.time() // PERIOD
        try:
            check(f"{check.__qualname__.partition('.')[0].replace('_', '-')}-{number}")
        except AssertionError:
            if time.time() // PERIOD == period:
                raise
        else:
            if time.time() // PERIOD == period:
                return


def put(cloud: LocalCloud, namespace: str, values: dict[int, float], dimensions: dict[str, str]) -> None:
    """Put values into past periods: 1 is the last one that is over, 0 the one that is not."""
    now = time.time()
    start = now // PERIOD * PERIOD
    cloud.client("cloudwatch").put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": "Calls",
                "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
                "Timestamp": datetime.fromtimestamp(now if not back else start - PERIOD * back, UTC),
                "Value": value,
            }
            for back, value in values.items()
        ],
    )


def alarm(namespace: str, **more: Any) -> dict[str, Any]:
    """More than 5 calls of `mine` in two of three periods, where nothing else is said."""
    dimensions = [{"Name": name, "Value": value} for name, value in MINE.items()]
    properties = {
        "AlarmName": namespace,
        "Namespace": namespace,
        "MetricName": "Calls",
        "Dimensions": dimensions,
        "Statistic": "Sum",
        "Period": PERIOD,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "Threshold": 5,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties | more}


def states(cloud: LocalCloud, names: Iterable[str]) -> dict[str, str]:
    """The states of alarms, once nothing changes them any more."""
    cloud.wait_until_idle()
    found = cloud.client("cloudwatch").describe_alarms(AlarmNames=list(names))["MetricAlarms"]
    return {each["AlarmName"]: each["StateValue"] for each in found}


def test_other_dimensions_of_its_metric_are_not_its_own(cloud: LocalCloud) -> None:
    def check(name: str) -> None:
        put(cloud, name, {1: 100, 2: 100}, {"FunctionName": "another"})
        put(cloud, name, {1: 100, 2: 100}, MINE | {"Resource": "mine:live"})
        stacks.put(cloud, name, {"Alarm": alarm(name)})
        assert states(cloud, [name]) == {name: "OK"}
        put(cloud, name, {1: 6, 2: 6}, MINE)
        assert states(cloud, [name]) == {name: "ALARM"}

    in_one_period(check)


def test_so_many_of_the_last_periods_are_bad(cloud: LocalCloud) -> None:
    cases: dict[str, tuple[dict[int, float], str]] = {
        "two": ({1: 6, 2: 6}, "ALARM"),
        "two-of-three": ({1: 6, 3: 6}, "ALARM"),
        "one": ({1: 6, 2: 5}, "OK"),
        "one-alone": ({1: 100}, "OK"),
        "long-ago": ({3: 6, 4: 6, 5: 6}, "OK"),
        "the-open-one-too": ({0: 6, 2: 6}, "ALARM"),
        "open-and-not-bad-yet": ({0: 5, 1: 6}, "OK"),
    }

    def check(name: str) -> None:
        wanted = {f"{name}-{case}": state for case, (_, state) in cases.items()}
        for case, (values, _) in cases.items():
            put(cloud, f"{name}-{case}", values, MINE)
        stacks.put(cloud, name, {f"Alarm{number}": alarm(each) for number, each in enumerate(wanted)})
        assert states(cloud, wanted) == wanted

    in_one_period(check)


def test_what_more_data_can_make_good_waits_for_the_end_of_its_period(cloud: LocalCloud) -> None:
    one = {"EvaluationPeriods": 1, "DatapointsToAlarm": 1}
    below = {"ComparisonOperator": "LessThanThreshold", "Threshold": 7}

    def check(name: str) -> None:
        put(cloud, name, {0: 6}, MINE)
        wanted = {f"{name}-average-above": "OK", f"{name}-sum-below": "OK", f"{name}-minimum-below": "ALARM"}
        average, total, least = wanted
        resources = {
            "Average": alarm(name, AlarmName=average, Statistic="Average", **one),
            "Low": alarm(name, AlarmName=total, **below, **one),
            "Least": alarm(name, AlarmName=least, Statistic="Minimum", **below, **one),
        }
        stacks.put(cloud, name, resources)
        assert states(cloud, wanted) == wanted

    in_one_period(check)


def test_missing_data_count_as_the_alarm_defines(cloud: LocalCloud) -> None:
    wanted = {
        "breaching": "ALARM",
        "notBreaching": "OK",
        "missing": "INSUFFICIENT_DATA",
        "ignore": "INSUFFICIENT_DATA",
    }
    stacks.put(cloud, "missing-data", {name.title(): alarm(name, TreatMissingData=name) for name in wanted})
    assert states(cloud, wanted) == wanted
    for name in wanted:
        cloud.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="by hand")
    assert states(cloud, wanted) == wanted | {"ignore": "ALARM"}


def told(cloud: LocalCloud, url: str) -> tuple[dict[str, str], list[Any]]:
    """What a topic said of alarms, through a queue: their states, and of whom they speak."""
    notices = [
        json.loads(json.loads(message["Body"])["Message"]) for message in async_stacks.messages(cloud, url)
    ]
    states = {notice["AlarmName"]: notice["NewStateValue"] for notice in notices}
    return states, [notice["Trigger"]["Dimensions"] for notice in notices]


def test_a_queues_depth_and_age_set_off_its_alarms_which_notify_their_topic(cloud: LocalCloud) -> None:
    name = "depth"
    by_queue = [{"Name": "QueueName", "Value": async_stacks.get("Watched", "QueueName")}]
    quick = {
        "Namespace": "AWS/SQS",
        "Statistic": "Maximum",
        "Threshold": 0,
        "EvaluationPeriods": 1,
        "DatapointsToAlarm": 1,
        "AlarmActions": [{"Ref": "Topic"}],
    }
    visible, age = "ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"
    resources = {
        "Watched": {"Type": "AWS::SQS::Queue"},
        "Empty": {"Type": "AWS::SQS::Queue"},
        "Told": {"Type": "AWS::SQS::Queue"},
        "Topic": {
            "Type": "AWS::SNS::Topic",
            "Properties": {"Subscription": [{"Protocol": "sqs", "Endpoint": async_stacks.get("Told")}]},
        },
        "Policy": async_stacks.queue_policy("Told", "sns.amazonaws.com"),
        "Depth": alarm("AWS/SQS", AlarmName="depth", MetricName=visible, Dimensions=by_queue, **quick),
        "Age": alarm(
            "AWS/SQS", AlarmName="age", MetricName=age, Dimensions=by_queue, **quick | {"Threshold": 1}
        ),
        "Other": alarm(
            "AWS/SQS",
            AlarmName="other",
            MetricName=visible,
            Dimensions=[{"Name": "QueueName", "Value": async_stacks.get("Empty", "QueueName")}],
            **quick,
        ),
    }
    ids = stacks.put(cloud, name, resources)
    quiet = dict.fromkeys(("depth", "age", "other"), "OK")
    assert states(cloud, quiet) == quiet
    cloud.client("sqs").send_message(QueueUrl=ids["Empty"], MessageBody="not yet", DelaySeconds=600)
    cloud.client("sqs").send_message(QueueUrl=ids["Watched"], MessageBody="waits")
    alarmed = {"depth": "ALARM", "age": "ALARM", "other": "OK"}
    give_up = time.monotonic() + stacks.STUCK_SECONDS
    while states(cloud, quiet) != alarmed:  # it takes a second for the message to be a second old
        assert time.monotonic() < give_up
        time.sleep(0.1)
    said, dimensions = told(cloud, ids["Told"])
    assert said == {"depth": "ALARM", "age": "ALARM"}
    assert dimensions == [[{"name": "QueueName", "value": ids["Watched"].rpartition("/")[2]}]] * 2
