"""Metrics of stream mappings: the age of what a function receives, and the counts that a mapping asks for.

`IteratorAge` has the function's dimensions, at each attempt. The counts are those of a `MetricsConfig` with
`EventCount`. A Kinesis stream has `GetRecords.IteratorAgeMilliseconds` of what mappings read without enhanced fan-out:
at each attempt, and 0 where nothing is left to read.
Sources: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html,
https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html
"""

from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from . import invocation_metrics, streams
from .called_function import CalledFunction


def count(mapping: dict[str, Any], metric: str, events: int) -> None:
    """Count events, if the mapping asks for it.

    Args:
        mapping: The mapping.
        metric: Such as `PolledEventCount`.
        events: How many.
    """
    if "EventCount" in ((mapping.get("MetricsConfig") or {}).get("Metrics") or []):
        dimensions = {"EventSourceMappingUUID": mapping["UUID"]}
        cloudwatch.record_metric("AWS/Lambda", metric, events, "Count", dimensions)


def age_of_batch(function: CalledFunction, seconds: float) -> None:
    """Record the age of the last record of a batch that is sent to a function."""
    invocation_metrics.record(function, "IteratorAge", seconds * 1000, "Milliseconds")


def age_of_stream(arn: str, seconds: float) -> None:
    """Record the age of the last record that was read.

    Args:
        arn: The event source's.
        seconds: The age; 0 if nothing is left.
    """
    _, _, service, region, account, resource = arn.split(":", 5)
    if service == "kinesis" and not streams.is_consumer(arn):
        with request_scope(account, region):
            metric = "GetRecords.IteratorAgeMilliseconds"
            dimensions = {"StreamName": resource.split("/")[1]}
            cloudwatch.record_metric("AWS/Kinesis", metric, seconds * 1000, "Milliseconds", dimensions)
