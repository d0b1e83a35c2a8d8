"""Everything that the runtime says to PostgreSQL is read from the wire: does any of it pin a proxy's session?"""

import contextlib
from collections import Counter
from types import ModuleType
from typing import Any, Final

import pg8000.dbapi
import psycopg

from benchmarks.database.driver_defaults import with_its_own_defaults
from benchmarks.database.effects import CONSUMER
from benchmarks.database.figures import Figure
from benchmarks.database.handler import Handler
from benchmarks.database.postgres_engine import PostgresEngine
from benchmarks.database.protocol import what_pins
from benchmarks.database.wire_tap import WireTap
from constructs_lib.runtime.once import Once

_TIMES: Final = 12
"""How often each statement runs: psycopg gives it a name from the sixth time on."""


def measure(engine: PostgresEngine, *, safeguarded: bool) -> Figure:
    """Listen to all that the runtime does. The safeguard is how it opens psycopg's connections.

    Args:
        engine: The server.
        safeguarded: Whether psycopg's connections are opened as the runtime wants it.
    """
    engine.empty()
    with WireTap(engine.target.host, engine.target.port) as tap:
        for driver in (psycopg if safeguarded else with_its_own_defaults(psycopg), pg8000.dbapi):
            _do_everything(engine, tap, driver)
    pinning = Counter(pin for message in tap.messages if (pin := what_pins(message)))
    kinds = Counter(message.kind for message in tap.messages)
    read = ", ".join(f"{kinds[kind]} {kind}" for kind in ("StartupMessage", "Query", "Parse", "Execute"))
    return Figure(
        count=len(tap.messages),
        failed=pinning.total(),
        note="; ".join([read, *(f"{times} x {what}" for what, times in pinning.most_common())]),
    )


def _do_everything(engine: PostgresEngine, tap: WireTap, driver: ModuleType) -> None:
    """Run, once and twice, be killed, be checked after idling, purge, fail, close, open again."""
    target = engine.target.at(tap.address, tap.port)
    # The check after idling ends with a rollback, at which psycopg forgets what it has counted: so not always.
    for idle_check_seconds in (60, 0):
        database = target.database(
            give_up_after_seconds=20, idle_check_seconds=idle_check_seconds, driver=driver
        )
        once = Once(database, consumer=CONSUMER)
        handler = Handler(database, once)
        for number in range(_TIMES):
            handler(f"{driver.__name__}-{idle_check_seconds}-{number}")
            handler(f"{driver.__name__}-{idle_check_seconds}-{number}")
        assert engine.kill_a_connection()
        for _ in range(_TIMES):
            database.run(_count)
        once.purge()
        with contextlib.suppress(ZeroDivisionError):
            database.run(_fail)
        database.close()
        handler(f"{driver.__name__}-{idle_check_seconds}-again")
        database.close()


def _count(connection: Any) -> int:
    cursor = connection.cursor()
    cursor.execute("SELECT count(*) FROM stored WHERE message LIKE %s", ("%-1%",))
    return int(cursor.fetchone()[0])


def _fail(connection: Any) -> None:
    _count(connection)
    raise ZeroDivisionError
