"""The alarms on asynchronous calls, and on functions that run away.

AWS names these metrics and gives no threshold: those here are ours. An event given up, or a record lost, is one too
many.
Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import _defaults
from constructs_lib._types import FunctionLike
from constructs_lib.foundation import alarms


def async_events_dropped(
    scope: Construct, construct_id: str, *, function: FunctionLike, send_to: sns.ITopic
) -> cloudwatch.Alarm:
    """Alarm on the first event that Lambda gave up.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        function: The function, or the alias or version that is called.
        send_to: The topic to notify.

    Returns:
        The alarm, on a single minute with such an event: out of retries, too old, or turned off.
    """
    return alarms.alarm(
        scope,
        construct_id,
        metric=_sum(function, "AsyncEventsDropped"),
        threshold=0,
        periods=1,
        datapoints=1,
        description="Lambda gave up events: out of retries, too old, or reserved concurrency is 0. The failure "
        "destination has them; what it could not take is lost.",
        send_to=send_to,
    )


def async_event_age(
    scope: Construct, construct_id: str, *, function: FunctionLike, age: float, unit: int, send_to: sns.ITopic
) -> cloudwatch.Alarm:
    """Alarm on events that wait too long for their function.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        function: The function, or the alias or version that is called.
        age: The longest acceptable age of an event when the function gets it.
        unit: Of that, in milliseconds, which are the metric's own.
        send_to: The topic to notify.

    Returns:
        The alarm.
    """
    period = Duration.seconds(_defaults.ALARM_PERIOD_SECONDS)
    metric: cloudwatch.IMetric = function.metric(
        "AsyncEventAge", period=period, statistic="Maximum", dimensions_map=alarms.of_qualifier(function)
    )
    if unit != 1:
        metric = cloudwatch.MathExpression(
            expression=f"age / {unit}", label="Age", using_metrics={"age": metric}, period=period
        )
    return alarms.alarm(
        scope,
        construct_id,
        metric=metric,
        threshold=age,
        description="Events wait longer than they should: the function is throttled, or errors pile up.",
        send_to=send_to,
    )


def destination_failures(
    scope: Construct, construct_id: str, *, function: FunctionLike, send_to: sns.ITopic
) -> cloudwatch.Alarm:
    """Alarm on the first record that its destination did not take.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        function: The function, or the alias or version that is called.
        send_to: The topic to notify.

    Returns:
        The alarm, on a single minute: each is a record that is lost.
    """
    return alarms.alarm(
        scope,
        construct_id,
        metric=_sum(function, "DestinationDeliveryFailures"),
        threshold=0,
        periods=1,
        datapoints=1,
        description="Lambda could not hand records to their destination, and they are lost: a permission, a key, "
        "or the size of the record.",
        send_to=send_to,
    )


def _sum(function: FunctionLike, metric: str) -> cloudwatch.Metric:
    return function.metric(
        metric,
        period=Duration.seconds(_defaults.ALARM_PERIOD_SECONDS),
        statistic="Sum",
        dimensions_map=alarms.of_qualifier(function),
    )


# --- runaway functions ---------------------------------------------------------------------------------


def runaway(
    scope: Construct,
    construct_id: str,
    *,
    function: FunctionLike,
    timeout: float | None,
    invocations_per_minute: float,
    send_to: sns.ITopic,
) -> cloudwatch.Alarm:
    """Alarm on more invocations than the function can have honestly.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        function: The function, over all of its aliases.
        timeout: Its timeout in seconds, where it is known.
        invocations_per_minute: The most that its traffic can bring.
        send_to: The topic to notify.

    Returns:
        The alarm.
    """
    return alarms.alarm(
        scope,
        construct_id,
        metric=_sum(function, "Invocations"),
        threshold=invocations_per_minute,
        description="More invocations than the traffic can bring: the function may be feeding itself.",
        send_to=send_to,
        periods=alarms.minutes_back(timeout),
    )


def switch_failed(
    scope: Construct, construct_id: str, *, failures: cloudwatch.IMetric, send_to: sns.ITopic
) -> cloudwatch.Alarm:
    """Alarm on a kill switch that did not work.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        failures: How often it was not pulled, or failed.
        send_to: The topic to notify.

    Returns:
        The alarm, on one minute of five with one.
    """
    return alarms.alarm(
        scope,
        construct_id,
        metric=failures,
        threshold=0,
        # FILL takes a minute whose figures come late for 0, and would keep an alarm on one minute at OK.
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
        periods=5,
        datapoints=1,
        description="The kill switch could not turn the function off. Do it by hand: aws lambda "
        "put-function-concurrency --reserved-concurrent-executions 0",
        send_to=send_to,
    )
