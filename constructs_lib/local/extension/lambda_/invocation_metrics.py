"""Metrics of `AWS/Lambda`: of each invocation, whoever asked for it, by the function and by the alias or version too.

MiniStack counts those of the Invoke API alone, and by the function alone; one that is asynchronous when it is accepted.
A duration is that of the handler: neither the wait for an environment nor its start counts.
Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

from typing import Any

from ministack.services import cloudwatch, lambda_svc

from . import running_time
from .called_function import LATEST, CalledFunction


def install() -> None:
    """Count where every invocation comes by."""
    execute, acquire = lambda_svc._execute_function_dispatch, lambda_svc._acquire_execution_slot

    def execute_and_count(func: Any, config: Any, *rest: Any) -> Any:
        result = execute(func, config, *rest)
        function = CalledFunction.of(config)
        record(function, "Invocations")
        record(function, "Errors", 1 if result.get("error") else 0)
        record(function, "Throttles", 0)
        record(function, "Duration", running_time.last() * 1000, "Milliseconds")
        return result

    def acquire_or_count(func: Any, config: Any) -> Any:
        slot, limit = acquire(func, config)
        if slot is None:
            record(CalledFunction.of(config), "Throttles")
        return slot, limit

    lambda_svc._execute_function_dispatch = execute_and_count
    lambda_svc._acquire_execution_slot = acquire_or_count
    lambda_svc._emit_lambda_metrics = lambda *_, **__: None


def record(function: CalledFunction, metric: str, value: float = 1, unit: str = "Count") -> None:
    """Put one value.

    Args:
        function: As it was called.
        metric: Its name.
        value: Its value.
        unit: What that is counted in.
    """
    by_function = {"FunctionName": function.name}
    cloudwatch.record_metric("AWS/Lambda", metric, value, unit, by_function)
    if function.qualifier != LATEST:
        by_qualifier = by_function | {"Resource": f"{function.name}:{function.qualifier}"}
        cloudwatch.record_metric("AWS/Lambda", metric, value, unit, by_qualifier)
