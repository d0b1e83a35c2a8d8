"""What a prepared statement does to a pool: the handlers share server connections, and find each other's names."""

from typing import Any, Final

import psycopg

from benchmarks.database.driver_defaults import with_its_own_defaults
from benchmarks.database.engine import Engine
from benchmarks.database.figures import Figure, most_common
from benchmarks.database.load import Load, in_threads
from benchmarks.database.pool import Pool

_GIVE_UP_SECONDS: Final = 20


def measure(engine: Engine, pool: Pool, *, safeguarded: bool, environments: int, invocations: int) -> Figure:
    """Run the same statement again and again through the pool. The safeguard is that it never gets a name.

    Args:
        engine: The server.
        pool: In front of it.
        safeguarded: Whether psycopg's connections are opened as the runtime wants it.
        environments: How many handlers are invoked at the same time; more than the pool has connections.
        invocations: Of each.
    """
    engine.empty()
    load = Load()

    def keep_busy(number: int) -> None:
        database = engine.target.at(pool.address, pool.port).database(
            give_up_after_seconds=_GIVE_UP_SECONDS,
            driver=psycopg if safeguarded else with_its_own_defaults(psycopg),
        )
        for _ in range(invocations):
            load.invoke(lambda key: database.run(lambda connection: _look_up(connection, key)), str(number))
        database.close()

    for thread in in_threads(environments, keep_busy):
        thread.join()
    return Figure(
        count=len(load.milliseconds),
        failed=len(load.errors),
        milliseconds=load.milliseconds,
        note=most_common(load.errors),
    )


def _look_up(connection: Any, key: str) -> None:
    cursor = connection.cursor()
    cursor.execute("SELECT count(*) FROM stored WHERE message = %s", (key,))
    cursor.fetchone()
    cursor.close()
