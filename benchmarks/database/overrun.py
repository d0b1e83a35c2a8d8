"""A thousand environments at once, each with a connection of its own."""

import multiprocessing
import multiprocessing.connection
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import Any, Final

from benchmarks.database.effects import CONSUMER
from benchmarks.database.figures import Figure, NotMeasuredError, most_common
from benchmarks.database.handler import Handler
from benchmarks.database.load import Load, in_threads, lost_and_doubled
from benchmarks.database.parent import end_with_parent
from benchmarks.database.pool import Pool
from benchmarks.database.postgres_engine import PostgresEngine
from benchmarks.database.target import Target
from constructs_lib.runtime.once import Once

_LONGEST_SECONDS: Final = 15
_PROCESSES: Final = 4


def measure(
    engine: PostgresEngine,
    pool: Pool,
    *,
    safeguarded: bool,
    environments: int,
    invocations: int,
    give_up_after_seconds: float = 20,
) -> Figure:
    """Overrun the server. The safeguard is the pool: without it the same handlers connect to the server itself.

    Args:
        engine: The server.
        pool: In front of it.
        safeguarded: Whether the handlers connect to the pool.
        environments: How many connect in the same instant and stay connected.
        invocations: Of each, one after another; fewer where the time is up before.
        give_up_after_seconds: How long a handler tries to connect.

    Raises:
        NotMeasuredError: They were not all connected at once.
    """
    engine.empty()
    target = engine.target.at(pool.address, pool.port) if safeguarded else engine.target
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, target.driver])
    together = context.Barrier(_PROCESSES)
    over = context.Barrier(_PROCESSES + 1)
    shares = [environments // _PROCESSES + (n < environments % _PROCESSES) for n in range(_PROCESSES)]
    ends = [context.Pipe(duplex=False) for _ in shares]
    workers = [
        context.Process(
            target=_work,
            args=(target, number, share, invocations, give_up_after_seconds, together, over, sender),
            daemon=True,
        )
        for number, (share, (_, sender)) in enumerate(zip(shares, ends, strict=True))
    ]
    load = Load()
    waiting = [receiver for receiver, _ in ends]
    most_clients = most_connections = 0
    with engine.watch() as connections:
        _wait_for_none(connections)
        for worker in workers:
            worker.start()
        while waiting:
            most_connections = max(most_connections, connections())
            most_clients = max(most_clients, pool.clients())
            for receiver in multiprocessing.connection.wait(waiting, timeout=0.1):
                assert isinstance(receiver, Connection)
                load.add(receiver.recv())
                waiting.remove(receiver)
        most_clients = max(most_clients, pool.clients())
        over.wait()
        for worker in workers:
            worker.join()
        _wait_for_none(connections)
    if safeguarded and not load.errors and most_clients < environments:
        raise NotMeasuredError(f"only {most_clients} of {environments} were connected at once")
    lost, doubled = lost_and_doubled(engine.stored(), load.done)
    connected = (
        f"{most_clients:,} clients on a pool of {pool.size}, "
        if safeguarded
        else f"{environments:,} clients, "
    )
    return Figure(
        count=len(load.milliseconds),
        failed=len(load.errors),
        lost=lost,
        doubled=doubled,
        milliseconds=load.milliseconds,
        note="; ".join(
            filter(
                None, [f"{connected}at most {most_connections} server connections", most_common(load.errors)]
            )
        ),
    )


def _wait_for_none(connections: Callable[[], int]) -> None:
    """Until nobody is connected: those that the pool keeps go when they have been idle."""
    give_up = time.monotonic() + _LONGEST_SECONDS
    while connections() and time.monotonic() < give_up:
        time.sleep(0.01)


def _work(
    target: Target,
    number: int,
    environments: int,
    invocations: int,
    give_up_after_seconds: float,
    together: Barrier,
    over: Barrier,
    results: "Connection[Load, Any]",
) -> None:
    """What one process does: its share of the environments, each in a thread."""
    end_with_parent()
    threading.stack_size(512 * 1024)
    load = Load()
    databases = [target.database(give_up_after_seconds=give_up_after_seconds) for _ in range(environments)]
    handlers = [Handler(database, Once(database, consumer=CONSUMER)) for database in databases]
    together.wait()
    give_up = time.monotonic() + _LONGEST_SECONDS

    def keep_busy(environment: int) -> None:
        for invocation in range(invocations):
            if time.monotonic() > give_up:
                return
            load.invoke(handlers[environment], f"{number}-{environment}-{invocation}")

    for thread in in_threads(environments, keep_busy):
        thread.join()
    results.send(load)
    over.wait()  # all stay connected until the last has been measured
    for handler in handlers:
        handler.close()
