"""Leave nothing of a run: end its processes and its databases, then delete its folder.

Standard library only, no imports of the package: it is a module of the library, and a script that the emulator
starts as its last act (`python sweep.py GROUP RUN_FOLDER`).
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time

MARK = "CONSTRUCTS_LIB_RUN_FOLDER"
"""The variable that every process of a run has in its environment; functions and the CDK CLI included."""

ELSEWHERE = "elsewhere"
"""The file of a run's folder that names the folders of its databases: their users cannot reach the run's own."""

_GRACE = 2.0  # seconds for a database to end by itself


def sweep(*, run_folder: str, group: int | None, patience: float = 60) -> None:
    """End every process of a run and delete its folder.

    Args:
        run_folder: What `MARK` says in the environment of the run's processes.
        group: The emulator's process group; None if it is known to be gone.
        patience: How many seconds to go on when something stays.
    """
    began = time.monotonic()
    if group is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    databases = _databases(run_folder)
    while time.monotonic() < began + patience:
        # A process that left the group, such as what a function or the CDK CLI has started.
        strangers = processes(run_folder)
        for process in strangers:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        # A database ends with the emulator, its folder last. Nobody is there for one that was just being made.
        databases = [folder for folder in databases if os.path.exists(folder)]  # noqa: PTH110
        for folder in databases:
            if time.monotonic() > began + _GRACE:
                _quit(folder, until=began + patience)
            elif os.path.exists(f"{folder}/running"):  # noqa: PTH110
                continue
            shutil.rmtree(folder, ignore_errors=True)
        if not databases:
            shutil.rmtree(run_folder, ignore_errors=True)
        # A process that is being killed may still have written something: then once more.
        if not strangers and not os.path.exists(run_folder):  # noqa: PTH110 - a script of few imports
            return
        time.sleep(0.02)


def _databases(run_folder: str) -> list[str]:
    try:
        with open(f"{run_folder}/{ELSEWHERE}") as listed:  # noqa: PTH123
            return listed.read().splitlines()
    except OSError:
        return []


def _quit(folder: str, *, until: float) -> None:
    """End a server whose holder is gone, and wait for its end: only then are its shared memory and its files free."""
    try:
        with open(f"{folder}/data/postmaster.pid") as lines:  # noqa: PTH123
            server = int(lines.readline())
    except (OSError, ValueError):
        return
    if not _runs_in(folder, server):  # the number is another process's by now
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(server, signal.SIGQUIT)
    while _runs_in(folder, server) and time.monotonic() < until:
        time.sleep(0.02)


def _runs_in(folder: str, process: int) -> bool:
    if os.path.isdir("/proc"):  # noqa: PTH112
        try:
            with open(f"/proc/{process}/cmdline", "rb") as command:  # noqa: PTH123
                return os.fsencode(folder) in command.read()
        except OSError:  # gone
            return False
    shown = subprocess.run(
        ["ps", "-o", "args=", "-p", str(process)], capture_output=True, text=True, check=False
    )
    return folder in shown.stdout


def processes(run_folder: str) -> list[int]:
    """Processes with the run's mark in their environment, this one excepted.

    Where there is no /proc (macOS), none is found and the process group has to do.
    """
    found = []
    wanted = os.fsencode(f"{MARK}={run_folder}")
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():  # noqa: PTH112, PTH208
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as environment:  # noqa: PTH123
                if wanted in environment.read().split(b"\0"):
                    found.append(int(name))
        except OSError:  # gone, or another user's
            continue
    return found


if __name__ == "__main__":
    sweep(group=int(sys.argv[1]), run_folder=sys.argv[2])
