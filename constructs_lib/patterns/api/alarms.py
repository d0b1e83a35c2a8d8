"""The recommended alarms of an API, REST or HTTP: their metrics have other names, and mean the same.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Best_Practice_Recommended_Alarms_AWS_Services.html
"""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import alarms
from constructs_lib.foundation.alarms import Watch


def server_errors(*, errors: cloudwatch.IMetric, requests: cloudwatch.IMetric) -> Watch:
    """The share of requests that an API answers with 5XX, in per cent."""
    return Watch(
        metric=cloudwatch.MathExpression(
            expression="100 * errors / requests",
            label="Requests answered with 5XX (%)",
            using_metrics={"errors": errors, "requests": requests},
            period=alarms.PERIOD,
        ),
        threshold=_defaults.ERROR_RATE_PERCENT,
        description="The API answers 5XX: a function fails, times out or may not be invoked. The access log has the "
        "request ids and the errors.",
    )


def latency(metric: cloudwatch.IMetric, *, milliseconds: float) -> Watch:
    """Slow answers, at the percentile that the metric is read at."""
    return Watch(
        metric=metric,
        threshold=milliseconds,
        description="The API answers slowly: functions are slow, or start cold too often. The access log has the "
        "latency of each request, and how much of it is the function's.",
    )


def throttled_requests(metric: cloudwatch.IMetric) -> Watch:
    """Requests that an API refused because there were too many."""
    return Watch(
        metric=metric,
        threshold=0,
        description="The API answers 429: callers exceed the limits of the stage, the route or the account. The access "
        "log shows which callers.",
    )


def latency_milliseconds(threshold: Duration | None) -> float:
    """Read the threshold of the alarm on the latency.

    Args:
        threshold: What was passed as `latency_threshold`.

    Returns:
        Milliseconds; a token for a Duration that is known only at deployment.

    Raises:
        InvalidPropsError: It is not a Duration, or 0.
    """
    if threshold is None:
        return _defaults.LATENCY_ALARM_MILLISECONDS
    seconds = _validation.read_seconds("latency_threshold", threshold)
    if seconds is None:
        return _validation.read_token("latency_threshold", threshold, "millis")
    if seconds == 0:
        raise InvalidPropsError("latency_threshold must be at least 1 millisecond, got 0.")
    return 1000 * seconds
