"""A PostgreSQL server of one's own: made in a folder, gone with the process that made it.

Standard library only, no imports of the package: it is a module of the library, and the script that stays beside
each server (`python server.py ...`). That script holds one end of a pipe; when the other end is closed,
by whatever ends its owner, it shuts the server down and deletes the folder. Without it a kill -9 would leave the
server, its folder and a segment of shared memory behind.
"""

import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

SUPERUSER: Final = "postgres"
_LONGEST_SOCKET: Final = 100  # the kernel takes 107 bytes for a path, and the file's own name is part of it
_START_SECONDS: Final = 300

_SETTINGS: Final = {
    # It has to outlive a crash of the server, not one of the machine: that would only cost time.
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "16MB",
    "max_connections": "100",
    "dynamic_shared_memory_type": "mmap",
    "password_encryption": "scram-sha-256",
    "log_min_messages": "warning",
}
_ACCESS: Final = """\
local all all trust
host all +rds_iam all reject
host all all all password
"""
"""The socket is for the owner: its folder is closed to others. A user with IAM authentication has no password, as
on RDS. All others give theirs, which the server keeps as SCRAM."""


class PostgresError(Exception):
    """The server is not there, or does not do what it should."""


class PostgresServer:
    """A server with a data folder of its own, as a context manager.

    Over its Unix socket everybody who can reach it is let in as the superuser `postgres`, or anyone else; over TCP
    a user needs a password.

    Args:
        folder: Made for the server and deleted with it. Where this process is root, the server runs as `postgres`
            or `nobody`, who must be able to reach the folder.
        binaries: The folder of `initdb` and `postgres`.
        address: To listen on; loopback.
        port: To listen on; None takes a free one.
        settings: Of `postgresql.conf`, beside ours.

    Raises:
        PostgresError: The path of the folder is too long, or the server does not start.
    """

    superuser: Final = SUPERUSER

    def __init__(
        self,
        folder: Path,
        *,
        binaries: Path,
        address: str = "127.0.0.1",
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.binaries: Final = binaries
        self.folder: Final = folder.resolve()
        self.address: Final = address
        self.port: Final = _free_port(address) if port is None else port
        self._settings = _SETTINGS | dict(settings or {})
        self._holder: subprocess.Popen[bytes] | None = None
        if len(str(self.socket_folder)) > _LONGEST_SOCKET:
            raise PostgresError(f"the path of the folder is too long for a socket: {self.folder}")

    @property
    def socket_folder(self) -> Path:
        """The folder of the server's Unix socket."""
        return self.folder / "socket"

    @property
    def log(self) -> str:
        """What the server has said."""
        path = self.folder / "server.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def __enter__(self) -> Self:
        """Make the data folder and start the server."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server and delete its folder."""
        self.close()

    def start(self) -> None:
        """Start the server, and make its data folder if there is none yet; it is ready when this returns."""
        if self._holder is None:
            self._make()
        assert self._holder is not None  # noqa: S101 - made just now
        assert self._holder.stdin is not None  # noqa: S101 - a pipe was asked for
        self._holder.stdin.write(b"start\n")
        self._holder.stdin.flush()
        give_up = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            if time.monotonic() > give_up or self._holder.poll() is not None or self._has_failed():
                raise PostgresError(f"PostgreSQL did not start. Its last lines:\n{self.log[-2000:]}")
            time.sleep(0.01)

    def stop(self) -> None:
        """Shut down in order: what is open is rolled back, its clients are told so. The data stays."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End as in a crash: nothing is finished, nobody is told. The data stays, and `start` recovers it."""
        self._end(signal.SIGQUIT)

    def restart(self) -> None:
        """Stop and start again."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop the server and delete its folder. Twice does no harm."""
        holder, self._holder = self._holder, None
        if holder is not None:
            assert holder.stdin is not None  # noqa: S101 - a pipe was asked for
            with contextlib.suppress(BrokenPipeError):
                holder.stdin.close()
            holder.wait()

    # --- inside ----------------------------------------------------------------------------------------

    def _make(self) -> None:
        user = _unprivileged()
        for folder in (self.folder, self.socket_folder):
            folder.mkdir(parents=True)
            if user is not None:
                os.chown(folder, user.pw_uid, user.pw_gid)
            folder.chmod(0o700)
        data = self.folder / "data"
        done = subprocess.run(
            [str(self.binaries / "initdb"), "--pgdata", str(data), "--username", SUPERUSER, "--auth", "trust",
             "--encoding", "UTF8", "--no-locale", "--no-sync", "--no-instructions"],
            capture_output=True, text=True, check=False, **_as_user(user),  # type: ignore[call-overload]
        )  # fmt: skip
        if done.returncode:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise PostgresError(
                f"initdb failed as user {user.pw_name if user else 'of this process'}:\n"
                f"{(done.stdout + done.stderr).strip()[-2000:]}"
            )
        (data / "pg_hba.conf").write_text(_ACCESS)
        listen = {
            "listen_addresses": self.address,
            "port": str(self.port),
            "unix_socket_directories": str(self.socket_folder),
        }
        with (data / "postgresql.conf").open("a") as conf:
            conf.writelines(
                f"{name} = '{_quoted(value)}'\n" for name, value in (self._settings | listen).items()
            )
        self._single_user("CREATE ROLE rds_iam NOLOGIN;\n", user)
        self._holder = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, json.dumps({
                "command": [str(self.binaries / "postgres"), "-D", str(data)],
                "folder": str(self.folder),
                "user": None if user is None else [user.pw_uid, user.pw_gid],
            })],
            stdin=subprocess.PIPE, cwd="/", env=_ENVIRONMENT, start_new_session=True,
        )  # fmt: skip

    def _single_user(self, sql: str, user: pwd.struct_passwd | None) -> None:
        """Run statements before the server is there for anybody."""
        done = subprocess.run(
            [str(self.binaries / "postgres"), "--single", "-D", str(self.folder / "data"), "postgres"],
            input=sql, capture_output=True, text=True, check=False, **_as_user(user),  # type: ignore[call-overload]
        )  # fmt: skip
        if done.returncode or "ERROR" in done.stderr:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise PostgresError(f"PostgreSQL refused to begin:\n{done.stderr.strip()[-2000:]}")

    def _postmaster(self) -> list[str]:
        """Lines of the lock file, which the server rewrites as it starts: its process first, its state last."""
        try:
            return (self.folder / "data" / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _is_ready(self) -> bool:
        lines = self._postmaster()
        return len(lines) > 7 and lines[7].strip() == "ready"

    def _has_failed(self) -> bool:
        return (self.folder / "failed").exists()

    def _end(self, with_signal: signal.Signals) -> None:
        lines = self._postmaster()
        if not lines:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(lines[0]), with_signal)
        give_up = time.monotonic() + _START_SECONDS
        while (self.folder / "running").exists():
            if time.monotonic() > give_up:
                raise PostgresError(f"PostgreSQL does not stop. Its last lines:\n{self.log[-2000:]}")
            time.sleep(0.005)


_ENVIRONMENT: Final = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
"""The environment of the holder. It has nothing of this process, which the holder outlives for a moment."""


def _as_user(user: pwd.struct_passwd | None) -> dict[str, object]:
    common: dict[str, object] = {"cwd": "/", "env": _ENVIRONMENT}
    if user is None:
        return common
    return common | {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom the server runs as: PostgreSQL refuses to be root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresError("PostgreSQL does not run as root, and there is no user postgres or nobody.")


def _quoted(value: str) -> str:
    return value.replace("'", "''")


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


# --- the script that stays beside the server ---------------------------------------------------------------


def _hold(command: list[str], folder: Path, user: list[int] | None) -> None:
    """Start the server whenever a line says so; end it, and its folder, with the end of standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    started: list[subprocess.Popen[bytes]] = []
    drop: dict[str, object] = {} if user is None else {"user": user[0], "group": user[1], "extra_groups": []}
    for _ in sys.stdin:
        (folder / "failed").unlink(missing_ok=True)
        (folder / "running").touch()
        with (folder / "server.log").open("ab") as log:
            server: subprocess.Popen[bytes] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", **drop  # type: ignore[call-overload]
            )  # fmt: skip
        started.append(server)
        threading.Thread(target=_note_end, args=(server, folder), daemon=True).start()
    for server in started:
        if server.poll() is None:
            server.send_signal(signal.SIGQUIT)
            server.wait()
    shutil.rmtree(folder, ignore_errors=True)


def _note_end(server: subprocess.Popen[bytes], folder: Path) -> None:
    code = server.wait()
    with contextlib.suppress(FileNotFoundError):
        if code == 1:
            (folder / "failed").touch()
        (folder / "running").unlink()


if __name__ == "__main__":
    arguments = json.loads(sys.argv[1])
    _hold(arguments["command"], Path(arguments["folder"]), arguments["user"])
