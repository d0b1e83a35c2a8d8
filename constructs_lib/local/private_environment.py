"""The emulator's own Python environment: it pins an SDK version that nobody else should have to live with."""

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
    uv = _uv()
    state.mkdir(parents=True, exist_ok=True)
    # A link of its own for each attempt, moved into place at once: two runs never share half an environment.
    draft = Path(tempfile.mkdtemp(dir=state, prefix=".making-"))
    try:
        _run([uv, "venv", "--quiet", "--python", sys.executable, "--relocatable", str(draft / "env")])
        _run(
            [uv, "pip", "install", "--quiet", "--python", str(draft / "env" / "bin" / "python"), "--no-config",
             "--require-hashes", "--compile-bytecode", "--requirements", str(_REQUIREMENTS)]
        )  # fmt: skip
        try:
            (draft / "env").rename(home)
        except OSError:
            if not python.exists():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return python


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
