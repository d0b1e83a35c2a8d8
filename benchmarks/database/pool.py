"""pgbouncer in transaction mode: it stands for the connection pool of RDS Proxy."""

import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psycopg

from benchmarks.database.debian import Program
from benchmarks.database.figures import NotMeasuredError
from benchmarks.database.held_process import HeldProcess, give_to_server

_START_SECONDS: Final = 10
_CONSOLE: Final = "console"


class Pool:
    """A pool in front of a PostgreSQL server, as a context manager.

    Args:
        folder: Made for it, and deleted by the caller.
        program: pgbouncer.
        server_address: Of the PostgreSQL server.
        server_port: Of the PostgreSQL server.
        users: Passwords by user; who is not here is not let in.
        size: Server connections at most.
        most_clients: Client connections at most.
    """

    def __init__(
        self,
        folder: Path,
        *,
        program: Program,
        server_address: str,
        server_port: int,
        users: dict[str, str],
        size: int,
        most_clients: int = 2000,
    ) -> None:
        self.address: Final = "127.0.0.1"
        with socket.socket() as probe:
            probe.bind((self.address, 0))
            self.port: Final = int(probe.getsockname()[1])
        self.size: Final = size
        give_to_server(folder)
        (folder / "users.txt").write_text(
            "".join(f'"{user}" "{password}"\n' for user, password in (users | {_CONSOLE: _CONSOLE}).items())
        )
        (folder / "pgbouncer.ini").write_text(
            f"""\
[databases]
* = host={server_address} port={server_port}

[pgbouncer]
listen_addr = {self.address}
listen_port = {self.port}
unix_socket_dir =
# As an IAM token goes to RDS Proxy; and no arithmetic of SCRAM for a thousand clients on this one machine.
auth_type = plain
auth_file = {folder / "users.txt"}
admin_users = {_CONSOLE}
pool_mode = transaction
default_pool_size = {size}
max_client_conn = {most_clients}
# All of them may knock in the same instant.
listen_backlog = {most_clients}
server_login_retry = 0
server_idle_timeout = 2
log_connections = 0
log_disconnections = 0
"""
        )
        self._process = HeldProcess(
            [str(program.path), "-q", str(folder / "pgbouncer.ini")],
            log=folder / "log",
            environment=program.environment,
        )
        give_up = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.has_ended or time.monotonic() > give_up:
                self._process.close()
                raise NotMeasuredError(f"pgbouncer did not start: {self._process.log}")
            time.sleep(0.02)

    def __enter__(self) -> Self:
        """The pool, started."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the pool."""
        self._process.close()

    def clients(self) -> int:
        """Client connections that are open now, ours to ask with not counted."""
        with psycopg.connect(
            host=self.address,
            port=self.port,
            dbname="pgbouncer",
            user=_CONSOLE,
            password=_CONSOLE,
            sslmode="disable",
            autocommit=True,
            cursor_factory=psycopg.ClientCursor,
        ) as console:
            lists = dict(row[:2] for row in console.execute("SHOW LISTS").fetchall())
        return int(lists["used_clients"]) - 1

    def _answers(self) -> bool:
        try:
            self.clients()
        except psycopg.OperationalError:
            return False
        return True
