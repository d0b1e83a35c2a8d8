"""The programs of PostgreSQL, where the user that the server runs as can reach them."""

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ..process import outside_folders

_copies: list[Path] = []
_lock: Final = threading.Lock()


def find() -> Path:
    """Find what was installed for this cloud.

    Returns:
        The folder of the programs; the server's own user can reach it.

    Raises:
        ValueError: Nothing was installed: the app was not deployed with `LocalCloud.deploy`.
    """
    installed = Path(os.environ["CONSTRUCTS_LIB_POSTGRES"])
    if not installed.is_dir():
        raise ValueError(
            "PostgreSQL is not installed for this local cloud: deploy with LocalCloud.deploy, which installs it."
        )
    with _lock:
        if not _copies:
            _copies.append(reachable(installed, outside_folders.new_folder))
        return _copies[0]


def reachable(programs: Path, new_folder: Callable[[], Path]) -> Path:
    """Copy the programs if the server's user cannot reach them: it is not root, who may keep a folder above closed.

    Args:
        programs: The folder of the programs, as installed.
        new_folder: Names the folder to copy them into, which does not exist yet.

    Returns:
        The folder to run them from.
    """
    if os.geteuid() != 0 or all(each.stat().st_mode & 0o001 for each in (programs, *programs.parents)):
        return programs
    package = programs.parents[1]
    copy = new_folder()
    shutil.copytree(package.parent, copy, symlinks=True)
    for each in (copy, *copy.rglob("*")):
        if not each.is_symlink():
            each.chmod(0o755 if each.is_dir() or os.access(each, os.X_OK) else 0o644)
    return copy / programs.relative_to(package.parent)
