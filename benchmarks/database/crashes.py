"""The consumer's process is ended with kill -9 in the middle of a batch, again and again."""

import multiprocessing
import random
import time
from multiprocessing.managers import BaseManager
from typing import Any, Final, Protocol

from benchmarks.database.effects import CONSUMER, EffectThenMarker
from benchmarks.database.engine import Engine
from benchmarks.database.figures import Figure, NotMeasuredError
from benchmarks.database.handler import Handler
from benchmarks.database.load import lost_and_doubled
from benchmarks.database.message_queue import MessageQueue
from benchmarks.database.parent import end_with_parent
from benchmarks.database.target import Target
from constructs_lib.runtime.once import Once

_BATCH: Final = 10
_MESSAGES_PER_CONSUMER: Final = 30
_VISIBILITY_SECONDS: Final = 0.5
_ONE_IN_SO_MANY_IS_SENT_TWICE: Final = 10
_GIVE_UP_SECONDS: Final = 20
_LONGEST_SECONDS: Final = 60
_LATEST_KILL_SECONDS: Final = 0.008  # about as long as a batch takes
_ROUNDS_WITHOUT_SAFEGUARD: Final = 5


class _Queues(BaseManager):
    """A process that has the queue, as SQS has it: it outlives every consumer."""


_Queues.register("MessageQueue", MessageQueue)


class _Queue(Protocol):
    """The queue as it is seen from other processes."""

    def send(self, keys: list[str]) -> None: ...
    def receive(self, most: int, receiver: str) -> list[tuple[int, str]]: ...
    def delete(self, receipts: list[int]) -> None: ...
    def left(self) -> int: ...
    def in_flight(self, receiver: str) -> int: ...
    def receives(self, receiver: str | None = None) -> int: ...


def measure(engine: Engine, *, safeguarded: bool, kills: int) -> Figure:
    """Kill consumers. The safeguard is `Once`: without it the marker is written in a second transaction.

    Args:
        engine: The server.
        safeguarded: Whether effect and marker are one transaction. If not, and chance has spared all of them, as many
            are killed again.
        kills: How many consumers are killed while they have messages in flight.

    Raises:
        NotMeasuredError: The time was up before.
    """
    engine.empty()
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__, engine.target.driver])
    give_up = time.monotonic() + _LONGEST_SECONDS
    keys: list[str] = []
    killed = 0
    queues = _Queues(ctx=processes)
    queues.start(initializer=end_with_parent)
    with queues:
        queue: _Queue = queues.MessageQueue(_VISIBILITY_SECONDS)  # type: ignore[attr-defined]

        def start(name: str) -> Any:
            consumer = processes.Process(target=_consume, args=(queue, name, engine.target, safeguarded))
            consumer.start()
            return consumer

        for times in range(1, 2 if safeguarded else _ROUNDS_WITHOUT_SAFEGUARD + 1):
            while killed < kills * times and time.monotonic() < give_up:
                more = [f"message-{len(keys) + number}" for number in range(_MESSAGES_PER_CONSUMER)]
                keys += more
                queue.send(more + more[::_ONE_IN_SO_MANY_IS_SENT_TWICE])
                name = f"consumer {len(keys)}"
                consumer = start(name)
                # Not the first batch: there it would be opening its connection most of the time.
                while queue.receives(name) <= _BATCH and time.monotonic() < give_up:
                    time.sleep(0.0005)
                time.sleep(random.uniform(0, _LATEST_KILL_SECONDS))  # noqa: S311 - no secret
                consumer.kill()
                consumer.join()
                killed += queue.in_flight(name) > 0
            last = start("the last one")
            last.join(max(0, give_up - time.monotonic()))
            last.kill()
            if lost_and_doubled(engine.stored(), keys) != (0, 0):
                break
        left, received = queue.left(), queue.receives()
    if killed < kills:
        raise NotMeasuredError(f"{killed} of {kills} consumers were killed in {_LONGEST_SECONDS} seconds")
    lost, doubled = lost_and_doubled(engine.stored(), keys)
    return Figure(
        count=len(keys),
        failed=left,
        lost=lost,
        doubled=doubled,
        note=f"{killed} consumers killed in a batch, {received:,} deliveries",
    )


def _consume(queue: _Queue, name: str, target: Target, safeguarded: bool) -> None:
    end_with_parent()
    database = target.database(give_up_after_seconds=_GIVE_UP_SECONDS)
    handler = Handler(
        database, Once(database, consumer=CONSUMER) if safeguarded else EffectThenMarker(database)
    )
    while queue.left():
        batch = queue.receive(_BATCH, name)
        for _, key in batch:
            handler(key)
        # As Lambda does it: the batch is deleted when the function has returned.
        queue.delete([receipt for receipt, _ in batch])
        if not batch:
            time.sleep(0.02)
    handler.close()
