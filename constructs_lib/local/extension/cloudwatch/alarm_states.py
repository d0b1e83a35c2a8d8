"""The state of an alarm: of its own metric with its own dimensions, period by period, looked at twice a second.

MiniStack takes all dimensions of a metric together and all periods as one, knows no missing data, and looks only when
somebody puts a metric. Here a period that is not over counts as soon as it is bad and nothing that still comes can make
it good, so that an alarm goes off sooner than on AWS. What a queue has is measured at each look, where an alarm asks.
Missing data are what the alarm says. Where it says `missing` or `ignore`, those that are there decide; what AWS does
with too few of them is not in its documents without contradiction.
Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html,
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
"""

import logging
import operator
import threading
import time
from typing import Any

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import cloudwatch, sqs

from ..process import pace

_EVERY_SECONDS = 0.5
_COMPARISONS = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_ONLY_RISE = ("Sum", "Maximum", "SampleCount")
"""Statistics that more data can only raise, where none is negative; a `Minimum` can only fall."""
_MISSING = {"breaching": True, "notBreaching": False}
"""What an alarm takes missing data for."""

_changing = threading.RLock()
"""Held until a change of state has been told."""

_log = logging.getLogger(__name__)


def install() -> None:
    """Take the place of MiniStack's evaluation, and look again and again."""
    cloudwatch._evaluate_alarm = _evaluate
    threading.Thread(target=_evaluate_again_and_again, daemon=True).start()


def evaluate_all() -> bool:
    """Evaluate all alarms.

    Returns:
        Whether one has changed its state.
    """
    changed = False
    for account, region, name in list(cloudwatch._alarms._data):
        with request_scope(account, region):
            alarm = cloudwatch._alarms.get(name)
            try:
                if alarm is not None:
                    _measure_queue(alarm)
                    changed |= _evaluate(alarm)
            except Exception:
                _log.exception("the alarm %s", name)
    return changed


def _evaluate_again_and_again() -> None:
    while True:
        time.sleep(_EVERY_SECONDS)
        evaluate_all()


def _evaluate(alarm: dict[str, Any]) -> bool:
    """Whether it has changed its state."""
    if not alarm.get("MetricName") or alarm.get("ComparisonOperator") not in _COMPARISONS:
        return False  # an expression, or anomalies
    with _changing:
        before = alarm["StateValue"]
        bad = _periods(alarm, time.time())
        state = _state(alarm, bad)
        if state != before:
            _change(alarm, before, state, bad)
        return bool(state != before)


def _change(alarm: dict[str, Any], before: str, state: str, bad: list[bool | None]) -> None:
    periods = ", ".join({True: "breaching", False: "not breaching", None: "missing"}[each] for each in bad)
    reason = f"Threshold Crossed: the last {len(bad)} datapoints are {periods}"
    alarm |= {"StateValue": state, "StateReason": reason, "StateUpdatedTimestamp": int(time.time())}
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _state(alarm: dict[str, Any], bad: list[bool | None]) -> str:
    missing = alarm.get("TreatMissingData")
    known = [_MISSING.get(str(missing)) if each is None else each for each in bad]
    if known.count(True) >= int(alarm.get("DatapointsToAlarm") or len(bad)):
        return "ALARM"
    if known.count(None) < len(known):
        return "OK"
    return str(alarm["StateValue"]) if missing == "ignore" else "INSUFFICIENT_DATA"


def _periods(alarm: dict[str, Any], now: float) -> list[bool | None]:
    """Whether each of the last periods was bad, the oldest first; None without data."""
    length, count = int(alarm["Period"]), int(alarm["EvaluationPeriods"])
    this = now // length * length
    points = [point for point in _series(alarm) if point["Timestamp"] >= this - length * count]
    bad = [_is_bad(alarm, points, this - length * back) for back in range(count, 0, -1)]
    statistic, comparison = _statistic(alarm), alarm["ComparisonOperator"]
    stays_bad = statistic in _ONLY_RISE if comparison.startswith("Greater") else statistic == "Minimum"
    return [*bad[1:], True] if stays_bad and _is_bad(alarm, points, this) else bad


def _is_bad(alarm: dict[str, Any], recent: list[dict[str, Any]], start: float) -> bool | None:
    points = [point for point in recent if start <= point["Timestamp"] < start + int(alarm["Period"])]
    value = (
        cloudwatch._stat_value(cloudwatch._calc_stats(points), _statistic(alarm), points) if points else None
    )
    if value is None:
        return None
    return bool(_COMPARISONS[alarm["ComparisonOperator"]](value, alarm["Threshold"]))


def _statistic(alarm: dict[str, Any]) -> str:
    return str(alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average")


def _series(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    dimensions = cloudwatch._dims_key(_dimensions(alarm))
    return list(cloudwatch._metrics.get((alarm["Namespace"], alarm["MetricName"], dimensions)) or [])


def _dimensions(alarm: dict[str, Any]) -> dict[str, str]:
    return dict(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))


# --- queues --------------------------------------------------------------------------------------------


def _measure_queue(alarm: dict[str, Any]) -> None:
    if alarm.get("Namespace") != "AWS/SQS":
        return
    arn = f"arn:aws:sqs:{get_region()}:{get_account_id()}:{_dimensions(alarm).get('QueueName')}"
    queue = sqs._queue_by_arn(arn)
    if queue is None:
        return
    now = time.time()
    messages = list(queue["messages"])
    if alarm["MetricName"] == "ApproximateNumberOfMessagesVisible":
        value = float(sum(message["visible_at"] <= now for message in messages))
    elif alarm["MetricName"] == "ApproximateAgeOfOldestMessage":
        value = pace.since(min((message["sent_at"] for message in messages), default=now))
    else:
        return
    period = now // alarm["Period"]
    last = [(point["Value"], point["Timestamp"] // alarm["Period"]) for point in _series(alarm)[-1:]]
    if last != [(value, period)]:  # the same again would say nothing new
        cloudwatch.record_metric("AWS/SQS", alarm["MetricName"], value, dimensions=_dimensions(alarm))
