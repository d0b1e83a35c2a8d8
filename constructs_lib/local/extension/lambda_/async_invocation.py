"""Asynchronous invocation: retries, the age of an event, and what becomes of it, by the qualifier that was called.

An error of the function is retried after one minute, then after two; a throttled event waits from one second on, twice
as long each time, up to five minutes, and uses up no retry. All of these waits run faster here, by the same factor;
an event's age counts them at AWS's own pace, and what a slow machine takes for an attempt at a quick one's. With no
concurrency reserved at all, an event fails at once.
MiniStack looks at `$LATEST` alone, sends nothing on success, and another record.
Sources: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html,
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html,
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

import contextvars
import logging
import threading
import time
import uuid
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ministack.services import lambda_svc

from ..process import in_flight, pace
from . import dead_letter_queue, destinations, invocation_metrics, invocation_record
from .called_function import CalledFunction

_RETRIES = 2
_MOST_AGE = 6 * 3600
_FIRST_WAIT = 60
_MOST_WAIT_OF_THROTTLED = 300

_REQUEST: ContextVar[str | None] = ContextVar("request", default=None)
"""The id of the event that is being tried: the same at each attempt."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What became of an event.

    Attributes:
        condition: As an invocation's record has it.
        attempts: How often the function ran.
        result: What its last run gave, as MiniStack has it; None if it never ran.
    """

    condition: str
    attempts: int
    result: dict[str, Any] | None


def install() -> None:
    """Take the place of MiniStack's retries."""
    execute = lambda_svc._execute_function_dispatch

    def execute_request(func: Any, config: Any, event: Any, request_id: str, started: float) -> Any:
        return execute(func, config, event, _REQUEST.get() or request_id, started)

    lambda_svc._execute_function_dispatch = execute_request
    lambda_svc.invoke_async_with_retry = _invoke


def _invoke(func: dict[str, Any], event: Any) -> None:
    function = CalledFunction.of(func)
    piece = in_flight.begin(_description(function, "queued"))
    work = contextvars.copy_context().run
    threading.Thread(target=work, args=(_run, func, event, function, piece), daemon=True).start()


def _description(function: CalledFunction, state: str) -> str:
    return f"an asynchronous event of {function.name}:{function.qualifier} ({state})"


def _run(func: dict[str, Any], event: Any, function: CalledFunction, piece: int) -> None:
    lambda_svc._request_account_id.set(function.account)
    lambda_svc._request_region.set(function.region)
    request = str(uuid.uuid4())
    try:
        invocation_metrics.record(function, "AsyncEventsReceived")
        outcome = _process(func, event, function, request, piece)
        in_flight.describe(piece, _description(function, "its record is being delivered"))
        _deliver(outcome, event, function, request)
    except Exception:
        _log.exception("asynchronous invocation of %s", function.arn)
    finally:
        in_flight.end(piece)


def _process(func: dict[str, Any], event: Any, function: CalledFunction, request: str, piece: int) -> Outcome:
    settings = function.settings
    retries = int(settings.get("MaximumRetryAttempts", _RETRIES))
    most_age = int(settings.get("MaximumEventAgeInSeconds", _MOST_AGE))
    haste = _FIRST_WAIT / lambda_svc._LAMBDA_ASYNC_RETRY_BASE_SECONDS
    age = 0.0
    attempts = throttled = 0
    last: dict[str, Any] | None = None
    while True:
        if function.reserved_concurrency == 0:
            return Outcome(invocation_record.TURNED_OFF, attempts, last)
        in_flight.describe(piece, _description(function, f"attempt {attempts + 1}"))
        began = time.time()
        result = try_once(func, event, request)
        if result.get("throttle"):
            wait = min(2**throttled, _MOST_WAIT_OF_THROTTLED)
            throttled += 1
        else:
            invocation_metrics.record(function, "AsyncEventAge", age * 1000, "Milliseconds")
            attempts, throttled, last = attempts + 1, 0, result
            if not result.get("error"):
                return Outcome(invocation_record.SUCCESS, attempts, last)
            if attempts > retries:
                return Outcome(invocation_record.OUT_OF_RETRIES, attempts, last)
            wait = _FIRST_WAIT * attempts
        age += pace.since(began)
        if age + wait > most_age:
            return Outcome(invocation_record.TOO_OLD, attempts, last)
        in_flight.describe(piece, _description(function, f"waits after {attempts} attempts"))
        time.sleep(wait / haste)
        age += wait


def try_once(func: dict[str, Any], event: Any, request: str) -> dict[str, Any]:
    """Run a function.

    Args:
        func: As MiniStack has it.
        event: What it is invoked with.
        request: The invocation's id.

    Returns:
        What it gave, as MiniStack has it.
    """
    token = _REQUEST.set(request)
    try:
        result: dict[str, Any] = lambda_svc._execute_function(func, event)
        return result
    finally:
        _REQUEST.reset(token)


def _deliver(outcome: Outcome, event: Any, function: CalledFunction, request: str) -> None:
    succeeded = outcome.condition == invocation_record.SUCCESS
    configured = function.settings.get("DestinationConfig") or {}
    kind = "OnSuccess" if succeeded else "OnFailure"
    destination = (configured.get(kind) or {}).get("Destination")
    if destination:
        record = invocation_record.write(
            function, request, event, outcome.condition, outcome.attempts, outcome.result
        )
        try:
            destinations.deliver(destination, record, function)
        except Exception as error:
            _log.warning("%s: the record did not reach %s: %s", function.arn, destination, error)
            invocation_metrics.record(function, "DestinationDeliveryFailures")
    if succeeded:
        return
    if function.dead_letter_queue:
        try:
            dead_letter_queue.deliver(function.dead_letter_queue, event, request, outcome.result, function)
        except Exception as error:
            _log.warning(
                "%s: the event did not reach %s: %s", function.arn, function.dead_letter_queue, error
            )
            invocation_metrics.record(function, "DeadLetterErrors")
    invocation_metrics.record(function, "AsyncEventsDropped")
