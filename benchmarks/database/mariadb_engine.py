"""MariaDB as an engine of the rows."""

from collections import Counter
from typing import Any, Final

import pymysql

from benchmarks.database.engine import OTHER_USER, PASSWORD, TABLES, USER
from benchmarks.database.mariadb_server import MariaDBServer
from benchmarks.database.target import Target
from constructs_lib.runtime.once import Once

_NO_SUCH_THREAD: Final = 1094


class MariaDBEngine:
    """A MariaDB server, made ready.

    Args:
        server: Running, and nobody else's.
    """

    def __init__(self, server: MariaDBServer) -> None:
        self._server = server
        for table in TABLES:
            self._run(table)
        connection = server.administrator()
        Once.create_table(connection)
        connection.close()
        for user in (USER, OTHER_USER):
            self._run("CREATE USER %s@'%%'", user)
            for table in ("stored", "marked", "once_marker"):
                self._run(f"GRANT SELECT, INSERT, DELETE ON {table} TO %s@'%%'", user)
        self.empty()

    @property
    def target(self) -> Target:
        """How the application's user gets in."""
        server = self._server
        return Target("pymysql", server.address, server.port, server.database, USER, PASSWORD)

    def empty(self) -> None:
        """Forget what was stored, and give the users their first password."""
        for table in ("stored", "marked", "once_marker"):
            self._run(f"TRUNCATE {table}")
        for user in (USER, OTHER_USER):
            self.set_password(user, PASSWORD)

    def stored(self) -> Counter[str]:
        """How often each message is in the table."""
        rows = self._run("SELECT message, count(*) FROM stored GROUP BY message")
        return Counter({str(message): int(times) for message, times in rows})

    def set_password(self, user: str, password: str) -> None:
        """Change a user's password."""
        self._run("ALTER USER %s@'%%' IDENTIFIED BY %s", user, password)

    def kill_a_connection(self) -> bool:
        """End one of the application's connections, any of them; False if there was none."""
        threads = self._run(
            "SELECT id FROM information_schema.processlist WHERE user IN (%s, %s) ORDER BY rand() LIMIT 1",
            USER,
            OTHER_USER,
        )
        if not threads:
            return False
        try:
            self._run("KILL CONNECTION %s", threads[0][0])
        except pymysql.MySQLError as error:
            if error.args[0] != _NO_SUCH_THREAD:
                raise
            return False
        return True

    def restart(self) -> None:
        """Stop the server and start it again, whatever is going on."""
        self._server.restart()

    def _run(self, statement: str, *arguments: object) -> tuple[tuple[Any, ...], ...]:
        connection = self._server.administrator()
        try:
            cursor = connection.cursor()
            cursor.execute(statement, arguments or ())
            return tuple(cursor.fetchall())
        finally:
            connection.close()
