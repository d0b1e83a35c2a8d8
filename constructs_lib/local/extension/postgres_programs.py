"""Which PostgreSQL runs: the machine's, else the one that was installed for the local cloud."""

import os
import shutil
import threading
from pathlib import Path
from typing import Final

from . import elsewhere
from .postgres_server import find_binaries

_copies: list[Path] = []
_lock: Final = threading.Lock()


def find() -> Path:
    """Find the programs.

    Returns:
        A folder that the server's own user can reach.

    Raises:
        ValueError: There are none.
    """
    installed = Path(os.environ["CONSTRUCTS_LIB_POSTGRES"])
    found = find_binaries(installed)
    if found is None:
        raise ValueError(
            "there is no PostgreSQL on this machine: install it, or deploy with LocalCloud.deploy."
        )
    if found == installed and os.geteuid() == 0 and not _others_can_enter(found):
        return _copy_for_others(found)
    return found


def _others_can_enter(folder: Path) -> bool:
    return all(each.stat().st_mode & 0o001 for each in (folder, *folder.parents))


def _copy_for_others(programs: Path) -> Path:
    """For a server that must not run as root, below a folder that root keeps for itself."""
    package = programs.parents[1]
    copy = elsewhere.new_folder()
    with _lock:
        if not _copies:
            shutil.copytree(package.parent, copy, symlinks=True)
            for each in (copy, *copy.rglob("*")):
                if not each.is_symlink():
                    each.chmod(0o755 if each.is_dir() or os.access(each, os.X_OK) else 0o644)
            _copies.append(copy)
    return _copies[0] / programs.relative_to(package.parent)
