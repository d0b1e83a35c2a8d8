"""Leave nothing of a run: end its processes, then delete its folder.

Standard library only, no imports of the package: it is a module of the library, and a script that the emulator
starts as its last act (`python sweep.py GROUP RUN_FOLDER`).
"""

import contextlib
import os
import shutil
import signal
import sys
import time

MARK = "CONSTRUCTS_LIB_RUN_FOLDER"
"""The variable that every process of a run has in its environment; functions and the CDK CLI included."""


def sweep(*, run_folder: str, group: int | None, patience: float = 10) -> None:
    """End every process of a run and delete its folder.

    Args:
        run_folder: What `MARK` says in the environment of the run's processes.
        group: The emulator's process group; None if it is known to be gone.
        patience: How many seconds to go on when something stays.
    """
    give_up = time.monotonic() + patience
    if group is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    while time.monotonic() < give_up:
        # A process that left the group, such as what a function or the CDK CLI has started.
        strangers = processes(run_folder)
        for process in strangers:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        shutil.rmtree(run_folder, ignore_errors=True)
        # A process that is being killed may still have written something: then once more.
        if not strangers and not os.path.exists(run_folder):  # noqa: PTH110 - a script of few imports
            return
        time.sleep(0.02)


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
