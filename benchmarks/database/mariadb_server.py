"""A MariaDB server of one's own, in a folder."""

import os
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pymysql

from benchmarks.database.debian import Program
from benchmarks.database.figures import NotMeasuredError
from benchmarks.database.held_process import HeldProcess, give_to_server, unprivileged_user

_START_SECONDS: Final = 30
_TABLES: Final = ("system_tables.sql", "system_tables_data.sql")
_NAMES: Final = ("mariadb", "mysql")
"""The names of the folder of its tables, and of their files; the second until MariaDB 10.11, Debian 12."""


class MariaDBServer:
    """A server with an empty database, as a context manager.

    Args:
        folder: Made for it, and deleted by the caller.
        program: mariadbd.
        database: The name of the empty database.
        settings: Options of mariadbd, without their dashes, beside ours.
    """

    def __init__(
        self,
        folder: Path,
        *,
        program: Program,
        database: str = "benchmark",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.address: Final = "127.0.0.1"
        self.database: Final = database
        with socket.socket() as probe:
            probe.bind((self.address, 0))
            self.port: Final = int(probe.getsockname()[1])
        give_to_server(folder)
        self.socket: Final = folder / "socket"
        share = _share(program.root)
        self._command = [
            str(program.path),
            "--no-defaults",
            f"--datadir={folder}",
            f"--lc-messages-dir={share}",
            f"--character-sets-dir={share / 'charsets'}",
            f"--socket={self.socket}",
            "--innodb-buffer-pool-size=32M",
            "--innodb-log-file-size=16M",
            # It has to outlive a crash of the server, not one of the machine.
            "--innodb-flush-log-at-trx-commit=2",
            "--innodb-flush-method=nosync",
            "--innodb-use-native-aio=0",
            "--max-connections=100",
            *(f"--{name}={value}" for name, value in (settings or {}).items()),
        ]
        self._log = folder / "log"
        self._environment = program.environment
        self._bootstrap(share)
        self._process = self._start()

    def __enter__(self) -> Self:
        """The server, started."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server."""
        self._process.close()

    def restart(self) -> None:
        """Stop and start again."""
        self._process.close()
        self._process = self._start()

    def administrator(self) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        """A connection that may do anything; each statement is a transaction."""
        return pymysql.connect(
            unix_socket=str(self.socket), user="root", database=self.database, autocommit=True
        )

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements as the administrator; return the rows of the last."""
        connection = self.administrator()
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def _bootstrap(self, share: Path) -> None:
        statements = ["CREATE DATABASE mysql;", "USE mysql;"]
        statements += [(share / f"{share.name}_{table}").read_text(errors="replace") for table in _TABLES]
        statements += [
            f"CREATE DATABASE {self.database};",
            "FLUSH PRIVILEGES;",
            "CREATE OR REPLACE USER root@localhost IDENTIFIED BY '';",
            "GRANT ALL ON *.* TO root@localhost WITH GRANT OPTION;",
        ]
        user = unprivileged_user()
        drop = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        done = subprocess.run(
            [*self._command, "--bootstrap"],
            input="\n".join(statements) + "\n",
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={"PATH": os.defpath} | self._environment,
            **drop,  # type: ignore[call-overload]
        )
        if done.returncode:
            raise NotMeasuredError(f"mariadbd could not make its tables: {done.stderr[-2000:]}")

    def _start(self) -> HeldProcess:
        process = HeldProcess(
            [*self._command, f"--bind-address={self.address}", f"--port={self.port}", "--skip-name-resolve"],
            log=self._log,
            environment=self._environment,
        )
        give_up = time.monotonic() + _START_SECONDS
        # PyMySQL leaves a socket open where there is no server yet: so it does not ask first.
        while not self._listens():
            if process.has_ended or time.monotonic() > give_up:
                process.close()
                raise NotMeasuredError(f"mariadbd did not start: {process.log}")
            time.sleep(0.02)
        return process

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0


def _share(root: Path) -> Path:
    """The folder that has the server's messages and the statements that make its tables."""
    for name in _NAMES:
        folder = root / "usr/share" / name
        if (folder / f"{name}_{_TABLES[0]}").exists():
            return folder
    raise NotMeasuredError(f"mariadbd has no tables in {root / 'usr/share'}")
