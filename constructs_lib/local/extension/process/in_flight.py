"""Counts the work that the cloud still has to do, so that a test can wait until there is none left.

These count as work:

- an invocation that runs, and an asynchronous event that is tried or waits for its retry;
- a message in a queue that a mapping drains, whether delayed, visible or hidden;
- a record in a stream that a mapping reads, and that was neither processed nor discarded;
- a schedule that fires once and is due;
- an execution of a state machine that runs;
- an event that a bucket, a topic or a bus is delivering.

A message that nothing is going to receive, such as a dead letter, does not count.
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
"""Locked while MiniStack fires the schedules that are due, and while `work` counts. Without it, `work` could miss a
schedule that has just fired, whose target does not count yet."""


def install() -> None:
    """Make MiniStack's services count their work."""
    _count_invocations()
    s3.threading = _counting("an event of a bucket", except_for="_worker")
    sns._threading = _counting("a delivery of a topic")
    eventbridge.threading = _counting("a delivery of a bus", except_for="_scheduler_loop")
    stepfunctions.threading = _counting("an execution of a state machine")
    for module, name in ((scheduler, "_tick_schedules"), (eventbridge, "_tick_scheduled_rules")):
        setattr(module, name, _with_lock(getattr(module, name)))


def begin(what: str) -> int:
    """Add a piece of work.

    Args:
        what: A description, for the message of a test that waited in vain.

    Returns:
        The number of the piece, for `describe` and `end`.
    """
    number = next(_numbers)
    with _lock:
        _pieces[number] = what
    return number


def describe(number: int, what: str) -> None:
    """Replace the description of a piece of work.

    Args:
        number: The number of the piece.
        what: The new description.
    """
    with _lock:
        _pieces[number] = what


def end(number: int) -> None:
    """Remove a piece of work that is finished.

    Args:
        number: The number of the piece.
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
    """Return the work that is left: each description, and how many pieces have it."""
    with _firing:
        left = Counter({f"a schedule that is due: {name}": 1 for name in _due_schedules()})
        for what, number in chain(_messages(), *(source() for source in _counts)):
            left[what] += number
        left.update({f"an invocation of {_function(key)}": n for key, n in _invocations().items()})
        with _lock:
            left.update(_pieces.values())
    return {what: number for what, number in left.items() if number}


def progress() -> list[int]:
    """Return two numbers that change whenever the cloud has finished a piece of work.

    A failed attempt changes neither, so that a test notices work that fails forever.
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


def _counting(what: str, *, except_for: str | None = None) -> SimpleNamespace:
    """Return a copy of the module `threading` for a service, in which each thread counts as a piece of work.

    Args:
        what: The description of such a piece.
        except_for: The name of a function whose threads do not count, since they run as long as the service does.
    """

    class Thread(threading.Thread):
        def __init__(self, *, target: Any, args: tuple[Any, ...] = (), **more: Any) -> None:
            super().__init__(target=target, args=args, **more)
            runs = target if hasattr(target, "__code__") else args[0]  # through a context's `run`
            self._counts = runs.__name__ != except_for

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


def _with_lock(tick: Callable[[], None]) -> Callable[[], None]:
    """Wrap the function that fires the schedules that are due, so that `work` cannot count while it runs."""

    def tick_with_lock() -> None:
        with _firing:
            tick()

    return tick_with_lock


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
