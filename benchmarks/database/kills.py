"""Server connections are killed while handlers are invoked."""

import random
import threading
import time
from typing import Final

from benchmarks.database.effects import CONSUMER
from benchmarks.database.engine import Engine
from benchmarks.database.figures import Figure, NotMeasuredError, most_common
from benchmarks.database.handler import Handler
from benchmarks.database.load import Load, in_threads, lost_and_doubled
from constructs_lib.runtime.once import Once

_GIVE_UP_SECONDS: Final = 20
_BETWEEN_KILLS_SECONDS: Final = 0.05
_LONGEST_SECONDS: Final = 60


def measure(engine: Engine, *, safeguarded: bool, kills: int, environments: int) -> Figure:
    """Kill connections under load. The safeguard is the retry: without it a handler gives up at once.

    Args:
        engine: The server.
        safeguarded: Whether the handlers retry.
        kills: How many connections are killed, one after another.
        environments: How many handlers are invoked at the same time.

    Raises:
        NotMeasuredError: The time was up before.
    """
    engine.empty()
    load = Load()
    over = threading.Event()
    databases = [
        engine.target.database(give_up_after_seconds=_GIVE_UP_SECONDS if safeguarded else 0)
        for _ in range(environments)
    ]
    handlers = [Handler(database, Once(database, consumer=CONSUMER)) for database in databases]

    def keep_busy(number: int) -> None:
        invocation = 0
        while not over.is_set():
            load.invoke(handlers[number], f"{number}-{invocation}")
            invocation += 1

    threads = in_threads(environments, keep_busy)
    killed, give_up = 0, time.monotonic() + _LONGEST_SECONDS
    try:
        while killed < kills and time.monotonic() < give_up:
            time.sleep(random.uniform(0.5, 1.5) * _BETWEEN_KILLS_SECONDS)  # noqa: S311 - no secret
            killed += engine.kill_a_connection()
    finally:
        over.set()
        for thread in threads:
            thread.join()
        for handler in handlers:
            handler.close()
    if killed < kills:
        raise NotMeasuredError(f"{killed} of {kills} connections were killed in {_LONGEST_SECONDS} seconds")
    lost, doubled = lost_and_doubled(engine.stored(), load.done)
    return Figure(
        count=len(load.milliseconds),
        failed=len(load.errors),
        lost=lost,
        doubled=doubled,
        milliseconds=load.milliseconds,
        note="; ".join(filter(None, [f"{killed} connections killed", most_common(load.errors)])),
    )
