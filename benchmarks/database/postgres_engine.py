"""PostgreSQL as an engine of the rows."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

import psycopg
from psycopg import sql

from benchmarks.database.engine import OTHER_USER, PASSWORD, TABLES, USER
from benchmarks.database.target import Target
from constructs_lib.local.extension.postgres.server import PostgresServer
from constructs_lib.runtime.once import Once

_DATABASE: Final = "postgres"


class PostgresEngine:
    """A PostgreSQL server, made ready.

    Args:
        server: Running, and nobody else's.
    """

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        with self._administrator() as connection:
            for table in TABLES:
                connection.execute(table)
            Once.create_table(connection)
            for user in (USER, OTHER_USER):
                name = sql.Identifier(user)
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
                connection.execute(
                    sql.SQL(
                        "GRANT SELECT, INSERT, UPDATE, DELETE ON stored, marked, once_marker TO {}"
                    ).format(name)
                )
        self.empty()

    @property
    def target(self) -> Target:
        """How the application's user gets in."""
        return Target("psycopg", self._server.address, self._server.port, _DATABASE, USER, PASSWORD)

    def empty(self) -> None:
        """Forget what was stored, and give the users their first password."""
        with self._administrator() as connection:
            connection.execute("TRUNCATE stored, marked, once_marker")
        for user in (USER, OTHER_USER):
            self.set_password(user, PASSWORD)

    def stored(self) -> Counter[str]:
        """How often each message is in the table."""
        with self._administrator() as connection:
            rows = connection.execute("SELECT message, count(*) FROM stored GROUP BY message").fetchall()
        return Counter({str(message): int(times) for message, times in rows})

    def set_password(self, user: str, password: str) -> None:
        """Change a user's password."""
        with self._administrator() as connection:
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(user), sql.Literal(password))
            )

    def kill_a_connection(self) -> bool:
        """End one of the application's connections, any of them; False if there was none."""
        with self._administrator() as connection:
            killed = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename IN (%s, %s) ORDER BY random() LIMIT 1",
                (USER, OTHER_USER),
            ).fetchone()
        return killed is not None and bool(killed[0])

    @contextlib.contextmanager
    def watch(self) -> Iterator[Callable[[], int]]:
        """Keep an eye on a server that may soon be full.

        Yields:
            Tells how many connections of the application are open now.
        """
        with self._administrator() as connection:

            def count() -> int:
                row = connection.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE usename IN (%s, %s)", (USER, OTHER_USER)
                ).fetchone()
                assert row is not None
                return int(row[0])

            yield count

    def restart(self) -> None:
        """Stop the server and start it again, whatever is going on."""
        self._server.restart()

    def _administrator(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(
            host=str(self._server.socket_folder),
            port=self._server.port,
            dbname=_DATABASE,
            user=self._server.superuser,
            autocommit=True,
        )
