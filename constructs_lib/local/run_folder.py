"""A folder for each run, deleted with it; and those of runs that could not delete theirs."""

import fcntl
import logging
import os
import secrets
from pathlib import Path
from typing import IO

from constructs_lib.local.extension.process.sweep import sweep

_log = logging.getLogger(__name__)
_OWNER = "owner"


def name_one(runs: Path) -> Path:
    """A folder for a run of this process; it is not made.

    Args:
        runs: Where runs have their folders.
    """
    return runs / f"{os.getpid()}-{secrets.token_hex(4)}"


def make(folder: Path) -> IO[str]:
    """Make the folder and lock it.

    Args:
        folder: The run's folder.

    Returns:
        The lock: the kernel drops it with this process, so that a pid that is used again deceives nobody.
    """
    for name in ("home", "tmp"):
        (folder / name).mkdir(parents=True)
    draft = folder / f"{_OWNER}.new"
    lock = draft.open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    draft.rename(folder / _OWNER)  # only now, that nobody sees it without its lock
    return lock


def delete_stale(runs: Path) -> None:
    """Delete the folders whose process is gone, and end what is left of their processes.

    Args:
        runs: Where runs have their folders.
    """
    for folder in runs.glob("*-*"):
        pid = folder.name.partition("-")[0]
        if pid.isdigit() and not _has_owner(folder, int(pid)):
            _log.warning("deleting what a killed run has left: %s", folder)
            sweep(run_folder=str(folder), group=None)


def _has_owner(folder: Path, pid: int) -> bool:
    try:
        with (folder / _OWNER).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
    except FileNotFoundError:  # being made, or being deleted
        return _is_alive(pid)
    except OSError:  # locked, or another user's
        return True


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
