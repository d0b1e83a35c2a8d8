"""A server that ends with us, whatever ends us, and that does not run as root.

The module is also the script that stays beside the server. It holds one end of a pipe: when the other end is
closed, by a kill -9 too, it ends the server.
"""

import contextlib
import json
import os
import pwd
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

_PATIENCE_SECONDS: Final = 10


class HeldProcess:
    """A running server.

    Args:
        command: What to run.
        log: The file that gets its output.
        environment: Added to an environment that has a search path and nothing else.
    """

    def __init__(self, command: list[str], *, log: Path, environment: dict[str, str]) -> None:
        self._log = log
        user = unprivileged_user()
        given = {
            "command": command,
            "log": str(log),
            "user": None if user is None else [user.pw_uid, user.pw_gid],
        }
        self._holder = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, json.dumps(given)],
            stdin=subprocess.PIPE,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"} | environment,
            start_new_session=True,
        )

    @property
    def has_ended(self) -> bool:
        """Whether the server is gone."""
        return self._holder.poll() is not None

    @property
    def log(self) -> str:
        """The last of what the server said."""
        return self._log.read_text(errors="replace")[-2000:] if self._log.exists() else ""

    def close(self) -> None:
        """End the server. Twice does no harm."""
        assert self._holder.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._holder.stdin.close()
        self._holder.wait()


def unprivileged_user() -> pwd.struct_passwd | None:
    """Whom servers run as where we are root; None: as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise LookupError("this is root, and there is no user postgres or nobody to run a server as")


def give_to_server(folder: Path) -> Path:
    """Make a folder that the server's user owns, and nobody else can reach."""
    folder.mkdir()
    user = unprivileged_user()
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    folder.chmod(0o700)
    return folder


def _hold(command: list[str], log: str, user: list[int] | None) -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    drop: dict[str, object] = {} if user is None else {"user": user[0], "group": user[1], "extra_groups": []}
    with Path(log).open("ab") as output:
        server: subprocess.Popen[bytes] = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            **drop,  # type: ignore[call-overload]
        )
    # The server may end by itself while we wait for the pipe: then we end too.
    signal.signal(signal.SIGCHLD, lambda *_: os._exit(1) if server.poll() is not None else None)
    sys.stdin.read()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    server.terminate()
    try:
        return server.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        return server.wait()


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    sys.exit(_hold(given["command"], given["log"], given["user"]))
