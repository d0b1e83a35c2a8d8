"""The emulator's own Python environment: it pins an SDK version that nobody else should have to live with."""

import fcntl
import hashlib
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from constructs_lib.local.errors import LocalCloudError

_REQUIREMENTS = Path(__file__).with_name("emulator-requirements.txt")
_DRAFT = ".making-"


def interpreter(state: Path) -> Path:
    """The Python of the environment, which is made if it is not there.

    Args:
        state: The folder to keep it in.

    Returns:
        The path of its executable.

    Raises:
        LocalCloudError: uv is missing, or could not install.
    """
    wanted = hashlib.sha256(
        _REQUIREMENTS.read_bytes() + f"{sys.version}{sys.prefix}{state}".encode()
    ).hexdigest()[:16]
    home = state / f"emulator-{wanted}"
    python = home / "bin" / "python"
    if python.exists():
        return python
    state.mkdir(parents=True, exist_ok=True)
    with (state / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one at a time; the kernel drops it with its process
        if not python.exists():
            uv = _uv()
            shutil.rmtree(home, ignore_errors=True)
            for left in state.glob(f"{_DRAFT}*"):  # by an installation that was killed
                shutil.rmtree(left, ignore_errors=True)
            _install(uv, home)
    return python


def _install(uv: str, home: Path) -> None:
    """Make it beside its place and move it there at once: nobody ever sees half an environment."""
    draft = Path(tempfile.mkdtemp(dir=home.parent, prefix=_DRAFT))
    try:
        _run([uv, "venv", "--quiet", "--python", sys.executable, "--relocatable", str(draft / "env")])
        _run(
            [uv, "pip", "install", "--quiet", "--python", str(draft / "env" / "bin" / "python"), "--no-config",
             "--require-hashes", "--compile-bytecode", "--requirements", str(_REQUIREMENTS)]
        )  # fmt: skip
        (draft / "env").rename(home)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


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
        raise LocalCloudError(f"the emulator could not be installed. uv says:\n{done.stderr.strip()}")
