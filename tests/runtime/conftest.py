import os
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import pytest

from benchmarks.database.debian import CACHE, MissingProgramError, Program, find_program
from benchmarks.database.mariadb_server import MariaDBServer
from constructs_lib.local.extension.postgres.server import PostgresServer
from constructs_lib.runtime.drivers import MYSQL, POSTGRESQL
from constructs_lib.runtime.once import Once
from tests.runtime.server import PASSWORD, Server

DRIVERS = POSTGRESQL + MYSQL


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("AWS_", "DATABASE_")) or name == "CONSTRUCTS_LIB_CA_FILE":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def mariadbd() -> Iterator[Program]:
    """The program of MariaDB, of this machine or out of Debian's package."""
    with tempfile.TemporaryDirectory(prefix="my-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        try:
            yield find_program("mariadbd", package="mariadb-server-core", cache=CACHE, folder=Path(folder))
        except MissingProgramError as error:
            pytest.skip(str(error))


@pytest.fixture(scope="session")
def mysql(mariadbd: Program) -> Iterator[MariaDBServer]:
    """A real MariaDB for the whole session, with a user `app`."""
    with tempfile.TemporaryDirectory(prefix="my-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        with MariaDBServer(Path(folder) / "server", program=mariadbd, database="app") as server:
            server.run(f"CREATE USER app IDENTIFIED BY '{PASSWORD}'", "GRANT ALL ON app.* TO app")
            yield server


@pytest.fixture(scope="session")
def postgres_with_app(postgres: PostgresServer) -> PostgresServer:
    """The PostgreSQL of the session, with a user and a database `app`."""
    place = {"host": str(postgres.socket_folder), "port": postgres.port, "user": postgres.superuser}
    with psycopg.connect(**place, dbname="postgres", autocommit=True) as connection:  # type: ignore[arg-type]
        connection.execute(f"CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'".encode())
        connection.execute("CREATE DATABASE app OWNER app")
    return postgres


def _server(request: pytest.FixtureRequest) -> Iterator[Server]:
    driver = import_module(request.param)
    real: Any = request.getfixturevalue("mysql" if request.param == "pymysql" else "postgres_with_app")
    server = Server(driver, real)
    server.set_password(PASSWORD)
    server.run("DROP TABLE IF EXISTS effect, once_marker", "CREATE TABLE effect (name varchar(80) NOT NULL)")
    if not server.is_mysql:
        server.run("ALTER TABLE effect OWNER TO app")
    setting_up = server.database()
    setting_up.run(Once.create_table)
    setting_up.close()
    yield server
    for database in server.databases:
        database.close()


@pytest.fixture(params=DRIVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server for each driver, with empty tables; connections that the test leaves open are closed."""
    yield from _server(request)


@pytest.fixture(params=POSTGRESQL)
def postgresql(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server like `server`, with the two drivers of PostgreSQL only."""
    yield from _server(request)


@pytest.fixture(params=["pg8000.dbapi"])
def pg8000_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server like `server`, with pg8000 only."""
    yield from _server(request)


@pytest.fixture(params=MYSQL)
def mysql_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server like `server`, with PyMySQL only."""
    yield from _server(request)
