"""What the cloud still has to do, by its own count: a test waits for the end of it, and not for a silence.

An invocation runs; an asynchronous event is tried or waits for its retry; a queue that a mapping drains has a message
(delayed, visible, hidden or in work); a stream that a mapping reads has a record that is not done with; a schedule of
one time is due; an execution of a state machine runs; a bucket, a topic or a bus delivers. What nobody is going to
take, such as a dead letter, is not counted.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import chain, count
from types import SimpleNamespace
from typing import Any

from ministack.services import (
    eventbridge,
    lambda_svc,
    s3,
    scheduler,
    sns,
    sqs,
    stepfunctions,
)

_lock = threading.Lock()
_numbers = count()
_pieces: dict[int, str] = {}
_finished = 0

_counts: list[Callable[[], Iterable[tuple[str, int]]]] = []

_IS_ATTEMPT: ContextVar[bool] = ContextVar("is_attempt", default=False)
"""The invocation that is under way finishes nothing by itself."""

_firing = threading.RLock()
"""Held while schedules are looked at: one that is due counts until what it calls is under way."""


def install() -> None:
    """Count from now on."""
    _count_invocations()
    s3.threading = _counting("an event of a bucket", but="_worker")
    sns._threading = _counting("a delivery of a topic")
    eventbridge.threading = _counting("a delivery of a bus", but="_scheduler_loop")
    stepfunctions.threading = _counting("an execution of a state machine")
    for module, name in ((scheduler, "_tick_schedules"), (eventbridge, "_tick_scheduled_rules")):
        setattr(module, name, _alone(getattr(module, name)))


def begin(what: str) -> int:
    """Count a piece of work.

    Args:
        what: As a message tells of it.

    Returns:
        Its number, for `describe` and `end`.
    """
    number = next(_numbers)
    with _lock:
        _pieces[number] = what
    return number


def describe(number: int, what: str) -> None:
    """Describe anew what a piece of work is.

    Args:
        number: Of the piece.
        what: As a message tells of it.
    """
    with _lock:
        _pieces[number] = what


def end(number: int) -> None:
    """Finish a piece of work.

    Args:
        number: Of the piece.
    """
    global _finished
    with _lock:
        del _pieces[number]
        _finished += 1


def finish() -> None:
    """Note that something was finished for good."""
    global _finished
    with _lock:
        _finished += 1


def add(count: Callable[[], Iterable[tuple[str, int]]]) -> None:
    """Add a kind of work.

    Args:
        count: Called for what there is to do, and how much of it.
    """
    _counts.append(count)


@contextmanager
def attempt() -> Iterator[None]:
    """Run an invocation that finishes nothing by itself: whoever tries knows what is finished, and calls `finish`."""
    token = _IS_ATTEMPT.set(True)
    try:
        yield
    finally:
        _IS_ATTEMPT.reset(token)


def work() -> dict[str, int]:
    """List all work that is left: what it is, and how many of the kind."""
    with _firing:
        left = Counter({f"a schedule that is due: {name}": 1 for name in _due_schedules()})
        for what, number in chain(_messages(), *(source() for source in _counts)):
            left[what] += number
        left.update({f"an invocation of {_function(key)}": n for key, n in _invocations().items()})
        with _lock:
            left.update(_pieces.values())
    return {what: number for what, number in left.items() if number}


def progress() -> list[int]:
    """Tell how far the cloud is: other numbers mean that something was finished for good.

    An attempt that failed is not progress, so that what fails forever is found out.
    """
    return [_finished, sum(messages for _, messages in _messages())]


# --- what begins and ends --------------------------------------------------------------------------------


def _count_invocations() -> None:
    execute = lambda_svc._execute_function_dispatch

    def execute_and_count(*arguments: Any) -> Any:
        result = execute(*arguments)
        if not result.get("error") and not _IS_ATTEMPT.get():
            finish()
        return result

    lambda_svc._execute_function_dispatch = execute_and_count


def _counting(what: str, *, but: str | None = None) -> SimpleNamespace:
    """Make a module `threading` for a service: its threads are pieces of work, unless they run the function `but`."""

    class Thread(threading.Thread):
        def __init__(self, *, target: Any, args: tuple[Any, ...] = (), **more: Any) -> None:
            super().__init__(target=target, args=args, **more)
            runs = target if hasattr(target, "__code__") else args[0]  # through a context's `run`
            self._counts = runs.__name__ != but

        def start(self) -> None:
            if self._counts:
                self._piece = begin(what)
            super().start()

        def run(self) -> None:
            try:
                super().run()
            finally:
                if self._counts:
                    end(self._piece)

    return SimpleNamespace(**vars(threading) | {"Thread": Thread})


def _alone(tick: Callable[[], None]) -> Callable[[], None]:
    def tick_alone() -> None:
        with _firing:
            tick()

    return tick_alone


# --- what is there ---------------------------------------------------------------------------------------


def _invocations() -> dict[str, int]:
    running: dict[str, int] = lambda_svc.executions_in_flight()[1]
    return running


def _function(key: str) -> str:
    return key.rpartition(":")[2]


def _drained_queues() -> set[str]:
    return {
        mapping["EventSourceArn"]
        for account, region, mapping in lambda_svc._iter_all_esms()
        if ":sqs:" in mapping.get("EventSourceArn", "")
        and mapping.get("Enabled", True)
        and lambda_svc._functions.get_scoped(account, region, mapping["FunctionName"]) is not None
    }


def _messages() -> Iterator[tuple[str, int]]:
    for arn in _drained_queues():
        with sqs._queues_lock:
            queue = sqs._queue_by_arn(arn) or {"messages": [], "attributes": {}}
            received = [message.get("receive_count") or 0 for message in queue["messages"]]
        dead = "" if queue["attributes"].get("RedrivePolicy") else ", which has no dead-letter queue"
        what = f"a message in the queue {arn.rpartition(':')[2]}{dead}"
        yield f"{what}, received {max(received, default=0)} times", len(received)


def _due_schedules() -> Iterator[str]:
    now = time.time()
    for key, schedule in list(scheduler._schedules._data.items()):
        at = scheduler._at_time_epoch(schedule.get("ScheduleExpression", ""))
        begins = scheduler._to_epoch(schedule.get("StartDate")) or 0
        if (
            at is not None
            and max(at, begins) <= now
            and schedule.get("State") == "ENABLED"
            and key not in scheduler._schedule_last_fired
        ):
            yield key[2]
