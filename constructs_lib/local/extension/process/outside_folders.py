"""Folders of a run outside of its own, for a user who cannot reach that; `sweep` deletes them with it."""

import os
import secrets
import threading
from pathlib import Path
from typing import Final

from .sweep import ELSEWHERE, MARK

_lock: Final = threading.Lock()


def new_folder() -> Path:
    """Name a folder that anybody can reach; it is not made."""
    folder = Path("/tmp") / f"constructs-lib-{secrets.token_hex(8)}"  # noqa: S108 - made by us, closed to others
    with _lock, (Path(os.environ[MARK]) / ELSEWHERE).open("a") as listed:
        listed.write(f"{folder}\n")  # first: whatever happens from here on, somebody knows of it
    return folder
