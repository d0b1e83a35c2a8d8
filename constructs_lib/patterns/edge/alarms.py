"""What alarms on edge functions watch. All of these metrics are in us-east-1, for all edge locations together.

A function that fails at the edge fails for every viewer of its behavior, and does not have an alias to roll back.
Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/viewing-cloudfront-metrics.html
"""

from collections.abc import Mapping
from typing import Final

from aws_cdk import aws_cloudwatch as cloudwatch

from constructs_lib import _defaults
from constructs_lib.foundation import alarms
from constructs_lib.foundation.alarms import Watch

_NAMESPACE: Final = "AWS/CloudFront"
_GLOBAL: Final = {"Region": "Global"}


def of_cloudfront_function(name: str) -> dict[str, Watch]:
    """What to watch of a CloudFront function, by what goes wrong.

    Args:
        name: Of the function.
    """
    dimensions = {"FunctionName": name, **_GLOBAL}
    return {
        "errors": _share(
            "FunctionExecutionErrors",
            of="FunctionInvocations",
            dimensions=dimensions,
            description="The CloudFront function fails, and viewers get 503. Test the event in the CloudFront console, "
            "and deploy the code that worked.",
        ),
        "validation": _share(
            "FunctionValidationErrors",
            of="FunctionInvocations",
            dimensions=dimensions,
            description="The CloudFront function returns what CloudFront does not accept, and viewers get 503. Test "
            "the event in the CloudFront console, and deploy the code that worked.",
        ),
        "throttles": Watch(
            metric=_metric("FunctionThrottles", dimensions),
            threshold=0,
            description="CloudFront throttles the function: it takes too long, does not compile, or gets unusually "
            "many requests. Viewers get 503.",
        ),
        "utilization": Watch(
            metric=_metric("FunctionComputeUtilization", dimensions, statistic="Average"),
            threshold=_defaults.CLOUDFRONT_FUNCTION_UTILIZATION_PERCENT,
            description="The CloudFront function uses most of the time that it has, and may be throttled. Shorten it, "
            "or use Lambda@Edge.",
        ),
    }


def of_distribution(distribution_id: str) -> dict[str, Watch]:
    """What to watch of all Lambda@Edge functions of a distribution, by what goes wrong.

    Args:
        distribution_id: Of the distribution.
    """
    dimensions = {"DistributionId": distribution_id, **_GLOBAL}
    return {
        "errors": _share(
            "LambdaExecutionError",
            of="Requests",
            dimensions=dimensions,
            description="A Lambda@Edge function raises an error or times out, and viewers get 503. The traceback is in "
            "the Region where it ran: the CloudFront console shows which.",
        ),
        "validation": _share(
            "LambdaValidationError",
            of="Requests",
            dimensions=dimensions,
            description="A Lambda@Edge function returns what CloudFront does not accept, and viewers get 502.",
        ),
        "throttles": Watch(
            metric=_metric("LambdaLimitExceededErrors", dimensions),
            threshold=0,
            description="Lambda throttles a Lambda@Edge function, and viewers get 503: the concurrency of the account "
            "is used up in the Region where it runs.",
        ),
    }


def _share(failed: str, *, of: str, dimensions: Mapping[str, str], description: str) -> Watch:
    return Watch(
        metric=cloudwatch.MathExpression(
            expression="100 * failed / total",
            label=f"{failed} (%)",
            using_metrics={"failed": _metric(failed, dimensions), "total": _metric(of, dimensions)},
            period=alarms.PERIOD,
        ),
        threshold=_defaults.ERROR_RATE_PERCENT,
        description=description,
    )


def _metric(name: str, dimensions: Mapping[str, str], *, statistic: str = "Sum") -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=_NAMESPACE,
        metric_name=name,
        dimensions_map=dict(dimensions),
        period=alarms.PERIOD,
        statistic=statistic,
    )
