"""One face for the servers and drivers that the runtime is tried with."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import psycopg

from benchmarks.database.mariadb_server import MariaDBServer
from constructs_lib.local.extension.postgres.server import PostgresServer
from constructs_lib.runtime.database import Database
from constructs_lib.runtime.secret_login import SecretLogin
from tests.runtime.relay import Relay

PASSWORD = "first-password"


@dataclass
class Secret:
    """Stands for Secrets Manager: what it says, and how often it was asked."""

    user: str = "app"
    password: str = PASSWORD
    reads: int = 0

    def fetch(self, secret_id: str) -> str:
        self.reads += 1
        return json.dumps({"username": self.user, "password": self.password, "engine": "any"})


@dataclass
class Server:
    """A real server, the driver to reach it with, and a user `app` with a database `app`."""

    driver: ModuleType
    real: PostgresServer | MariaDBServer
    databases: list[Database] = field(default_factory=list)

    @property
    def is_mysql(self) -> bool:
        return isinstance(self.real, MariaDBServer)

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements as the superuser; return the rows of the last."""
        if isinstance(self.real, MariaDBServer):
            return self.real.run(*statements)
        with psycopg.connect(
            host=str(self.real.socket_folder), port=self.real.port, dbname="app", user=self.real.superuser,
            autocommit=True,
        ) as connection:  # fmt: skip
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def database(self, secret: Secret | None = None, relay: Relay | None = None, **more: Any) -> Database:
        """A database for `app` by password; closed after the test."""
        at = relay or self.real
        arguments: dict[str, Any] = {"host": at.address, "port": at.port, "name": "app", "tls": False} | more
        arguments.setdefault("login", SecretLogin("app", fetch=(secret or Secret()).fetch))
        self.databases.append(Database(self.driver, **arguments))
        return self.databases[-1]

    @contextmanager
    def connect(self, user: str, password: str = PASSWORD) -> Iterator[Any]:
        """A plain connection of the driver, without what is tried here."""
        place = {"host": self.real.address, "port": self.real.port, "database": "app"}
        if self.driver is psycopg:
            place["dbname"] = place.pop("database")
        connection = self.driver.connect(user=user, password=password, **place)
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def relay(self) -> Iterator[Relay]:
        committed = b"" if self.is_mysql else b"COMMIT\0"
        with Relay(self.real.address, self.real.port, committed=committed) as relay:
            yield relay

    def session(self, connection: Any) -> int:
        """The server's number of this session."""
        cursor = connection.cursor()
        cursor.execute("SELECT CONNECTION_ID()" if self.is_mysql else "SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])

    def end(self, session: int) -> None:
        """End a session from outside, as an administrator or a failover would."""
        if self.is_mysql:
            self.run(f"KILL {session}")
        else:
            self.run(f"SELECT pg_terminate_backend({session}, 5000)")

    def end_all(self) -> None:
        """End every session of `app`."""
        users = "SELECT id FROM information_schema.processlist WHERE user = 'app'"
        if not self.is_mysql:
            users = "SELECT pid FROM pg_stat_activity WHERE usename = 'app'"
        for (session,) in self.run(users):
            self.end(session)

    def set_password(self, password: str, user: str = "app") -> None:
        if self.is_mysql:
            self.run(f"ALTER USER {user} IDENTIFIED BY '{password}'")
        else:
            self.run(f"ALTER ROLE {user} PASSWORD '{password}'")

    def effects(self) -> list[str]:
        return [row[0] for row in self.run("SELECT name FROM effect ORDER BY name")]


def add(connection: Any, name: str) -> None:
    """The effect that the tests look for."""
    connection.cursor().execute("INSERT INTO effect (name) VALUES (%s)", (name,))
