"""How long a handler may run and how long it ran, at the pace of a machine that is not slow.

Neither the wait for an environment nor its start counts, as on AWS. On a slow machine a timeout comes later by as much
as everything takes longer, the time that a handler is told to have left is more by as much, and a duration is less.
Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

import time
from contextvars import ContextVar
from typing import Any

from ministack.core import lambda_runtime

from ..process import pace
from . import worker_script

_TIMED_OUT = "Task timed out after "
_DEADLINE = 'float(os.environ.get("_LAMBDA_TIMEOUT", "3"))'
_STRETCHED_DEADLINE = '_ms_ctx["timeout_ms"] / 1000'

_RAN: ContextVar[float] = ContextVar("ran", default=0.0)


def install() -> None:
    """Stretch timeouts, and note durations."""
    worker_script.replace(_DEADLINE, _STRETCHED_DEADLINE)
    invoke, spawn = lambda_runtime.Worker.invoke, lambda_runtime.Worker._spawn

    def spawn_and_note(worker: Any) -> None:
        spawn(worker)
        worker.ready_since = time.time()

    def invoke_stretched(worker: Any, *arguments: Any, **keywords: Any) -> Any:
        declared, began = worker.config, time.time()
        timeout = declared.get("Timeout", 3)
        worker.config = declared | {"Timeout": timeout * pace.slowness()}
        _RAN.set(0.0)
        try:
            response = invoke(worker, *arguments, **keywords)
        finally:
            worker.config = declared
        _RAN.set(min(timeout, pace.since(max(began, worker.ready_since))))
        if str(response.get("error", "")).startswith(_TIMED_OUT):
            response["error"] = f"{_TIMED_OUT}{timeout}.00 seconds"
        return response

    lambda_runtime.Worker._spawn = spawn_and_note
    lambda_runtime.Worker.invoke = invoke_stretched


def last() -> float:
    """How many seconds the handler ran in the invocation that has just ended in this thread."""
    return _RAN.get()
