"""The server is restarted while a queue is drained into it."""

import time
from typing import Final

from benchmarks.database.effects import CONSUMER, EffectThenMarker
from benchmarks.database.engine import Engine
from benchmarks.database.figures import Figure, NotMeasuredError, most_common
from benchmarks.database.handler import Handler
from benchmarks.database.load import Load, in_threads, lost_and_doubled
from benchmarks.database.message_queue import MessageQueue
from constructs_lib.runtime.once import Once

_GIVE_UP_SECONDS: Final = 20
_VISIBILITY_SECONDS: Final = 1.0
_BATCH: Final = 10
_ONE_IN_SO_MANY_IS_SENT_TWICE: Final = 10
_LONGEST_SECONDS: Final = 60


def measure(engine: Engine, *, safeguarded: bool, messages: int, restarts: int, environments: int) -> Figure:
    """Restart the server under load. The safeguards are the retry, and effect and marker in one transaction.

    Args:
        engine: The server.
        safeguarded: Whether the handlers retry, and use `Once`.
        messages: How many different ones are sent; some of them twice.
        restarts: How many.
        environments: How many handlers receive batches at the same time.

    Raises:
        NotMeasuredError: The time was up before.
    """
    engine.empty()
    load = Load()
    queue = MessageQueue(_VISIBILITY_SECONDS)
    keys = [f"message-{number}" for number in range(messages)]
    queue.send(keys + keys[::_ONE_IN_SO_MANY_IS_SENT_TWICE])
    sent = queue.left()
    give_up = time.monotonic() + _LONGEST_SECONDS

    def drain(number: int) -> None:
        database = engine.target.database(give_up_after_seconds=_GIVE_UP_SECONDS if safeguarded else 0)
        handler = Handler(
            database, Once(database, consumer=CONSUMER) if safeguarded else EffectThenMarker(database)
        )
        while queue.left() and time.monotonic() < give_up:
            batch = queue.receive(_BATCH, f"handler {number}")
            # A partial batch: what failed stays in the queue.
            queue.delete([receipt for receipt, key in batch if load.invoke(handler, key)])
            if not batch:
                time.sleep(0.02)
        handler.close()

    threads = in_threads(environments, drain)
    done = 0
    try:
        for restart in range(1, restarts + 1):
            # Evenly over the work, so that each falls into it.
            while queue.left() > sent * (1 - restart / (restarts + 1)) and time.monotonic() < give_up:
                time.sleep(0.002)
            if queue.left():
                engine.restart()
                done += 1
    finally:
        for thread in threads:
            thread.join()
    if done < restarts:
        raise NotMeasuredError(f"{done} of {restarts} restarts fell into the work")
    lost, doubled = lost_and_doubled(engine.stored(), keys)
    return Figure(
        count=len(load.milliseconds),
        failed=len(load.errors),
        lost=lost,
        doubled=doubled,
        milliseconds=load.milliseconds,
        note="; ".join(
            filter(
                None, [f"{done} restarts, {sent} messages, {messages} different", most_common(load.errors)]
            )
        ),
    )
