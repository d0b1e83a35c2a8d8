"""The recommended alarms of an API, REST or HTTP: their metrics have other names, and mean the same.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Best_Practice_Recommended_Alarms_AWS_Services.html
"""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import _defaults
from constructs_lib.foundation import alarms


def server_errors(
    scope: Construct,
    construct_id: str,
    *,
    errors: cloudwatch.IMetric,
    requests: cloudwatch.IMetric,
    send_to: sns.ITopic,
) -> cloudwatch.Alarm:
    """Alarm on the share of requests that an API answers with 5XX.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        errors: How many were answered so.
        requests: How many there were.
        send_to: The topic to notify.

    Returns:
        The alarm, on errors in per cent of requests.
    """
    return alarms.alarm(
        scope,
        construct_id,
        metric=cloudwatch.MathExpression(
            expression="100 * errors / requests",
            label="Requests answered with 5XX (%)",
            using_metrics={"errors": errors, "requests": requests},
            period=Duration.seconds(_defaults.ALARM_PERIOD_SECONDS),
        ),
        threshold=_defaults.ERROR_RATE_PERCENT,
        description="The API fails: a function raises, times out or may not be called. The access log has the "
        "request ids and what failed.",
        send_to=send_to,
    )


def latency(
    scope: Construct,
    construct_id: str,
    *,
    metric: cloudwatch.IMetric,
    milliseconds: float,
    send_to: sns.ITopic,
) -> cloudwatch.Alarm:
    """Alarm on slow answers.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        metric: The latency, at the percentile that counts.
        milliseconds: The longest acceptable one.
        send_to: The topic to notify.

    Returns:
        The alarm.
    """
    return alarms.alarm(
        scope,
        construct_id,
        metric=metric,
        threshold=milliseconds,
        description="The API answers slowly: functions are slow, or start cold too often. The access log has "
        "the latency of each request, and the function's part of it.",
        send_to=send_to,
    )


def throttled_requests(
    scope: Construct, construct_id: str, *, metric: cloudwatch.IMetric, send_to: sns.ITopic
) -> cloudwatch.Alarm:
    """Alarm on requests that an API refused because there were too many.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        metric: How many were refused so.
        send_to: The topic to notify.

    Returns:
        The alarm.
    """
    return alarms.alarm(
        scope,
        construct_id,
        metric=metric,
        threshold=0,
        description="The API answers 429: callers send more than the limits of the stage, the route or the "
        "account. The access log says who.",
        send_to=send_to,
    )
