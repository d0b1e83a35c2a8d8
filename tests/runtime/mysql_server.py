"""A MariaDB server of one's own, of programs that lie in a folder: nothing is installed."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import pymysql

_START_SECONDS = 30


def find_program() -> Path | None:
    """Where `mariadbd` is: on PATH, or in the folder that CONSTRUCTS_LIB_MARIADB names."""
    if folder := os.environ.get("CONSTRUCTS_LIB_MARIADB"):
        return next((path for path in sorted(Path(folder).resolve().rglob("sbin/mariadbd"))), None)
    found = shutil.which("mariadbd")
    return Path(found).resolve() if found else None


class MySqlServer:
    """A server with users `root` (socket, no password) and a database `app`; deleted at the end."""

    def __init__(self, program: Path, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.address = "127.0.0.1"
        with socket.socket() as probe:
            probe.bind((self.address, 0))
            self.port = int(probe.getsockname()[1])
        self.socket = folder / "mysqld.sock"
        self._program = program
        self._folder = folder
        self._settings = settings or {}
        self._command: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.prepare()
        self.start()
        return self

    def prepare(self) -> None:
        """Make the data folder, unless it is there."""
        if self._command:
            return
        root = self._program.parents[1]
        share = next(path for path in (root / "share/mysql", root / "share/mariadb") if path.is_dir())
        libraries = [str(path.parent) for path in root.glob("lib/*/libaio.so.1")]
        # MariaDB refuses to run as root.
        user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._drop = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        self._environment = {"PATH": os.defpath, "LD_LIBRARY_PATH": os.pathsep.join(libraries)}
        if user:
            os.chown(self._folder, user.pw_uid, user.pw_gid)
        self._command = [
            str(self._program), "--no-defaults", f"--basedir={root}", f"--lc-messages-dir={share}",
            f"--character-sets-dir={share / 'charsets'}", f"--datadir={self._folder}", "--innodb-buffer-pool-size=16M",
            "--innodb-log-file-size=4M", "--innodb-flush-log-at-trx-commit=0", "--innodb-use-native-aio=0",
        ]  # fmt: skip
        tables = ["mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql"]
        # One statement a line is how --bootstrap reads.
        sql = "\n".join(
            ["CREATE DATABASE mysql;", "CREATE DATABASE app;", "USE mysql;", "SET @auth_root_socket=NULL;",
             "SET @skip_auth_anonymous=1;", "SET @current_hostname='localhost';"]
            + [(share / name).read_text() for name in tables]
        )  # fmt: skip
        subprocess.run(
            [*self._command, "--bootstrap", "--silent-startup"],
            input=sql.encode(), check=True, capture_output=True, env=self._environment, **self._drop,  # type: ignore[call-overload]
        )  # fmt: skip

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, f"--bind-address={self.address}", f"--port={self.port}",
                 f"--socket={self.socket}", f"--pid-file={self._folder / 'pid'}", *settings],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment, **self._drop,  # type: ignore[call-overload]
            )  # fmt: skip
        give_up = time.monotonic() + _START_SECONDS
        while True:
            try:
                socket.create_connection((self.address, self.port)).close()
            except ConnectionRefusedError:
                if time.monotonic() > give_up or self._process.poll() is not None:
                    raise AssertionError((self._folder / "server.log").read_text()[-2000:]) from None
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def run(self, *statements: str) -> list[tuple[object, ...]]:
        """Run statements as root; return the rows of the last."""
        connection = pymysql.connect(
            user="root", unix_socket=str(self.socket), database="app", autocommit=True, ssl_disabled=True
        )
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return list(cursor.fetchall())
        finally:
            connection.close()
