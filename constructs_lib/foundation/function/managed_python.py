"""Let uv install the Python of a runtime, where the user asks for bytecode and the machine has no such Python."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation.function import interpreter, uv
from constructs_lib.foundation.function.interpreter import Interpreter

_DOCS: Final = "https://docs.astral.sh/uv/concepts/python-versions/"
_DOWNLOAD_MB: Final = "17 to 34"
"""What uv reports for its builds of Python 3.13: 16.8 MiB on Linux with arm64 to 32.0 MiB on Linux with x86-64."""
_FORBIDDEN: Final = ("never", "manual")
"""Settings of UV_PYTHON_DOWNLOADS with which nothing but `uv python install`, run by the user, may download."""


@dataclass(frozen=True)
class Installed:
    """A Python that was installed by this process.

    Attributes:
        interpreter: The Python.
        folder: Where it is.
        disk_bytes: What it takes there.
    """

    interpreter: Interpreter
    folder: Path
    disk_bytes: int

    def note(self) -> tuple[str, str]:
        """The id and the text of what a user should know: what was installed, where, and what it costs."""
        minor = self.interpreter.version.rpartition(".")[0]
        text = (
            f"bytecode=True: no Python {minor} was found on this machine, so uv installed Python "
            f"{self.interpreter.version} in {self.folder}. It takes {self.disk_bytes / 1024 / 1024:.0f} MB there, was "
            f"downloaded once ({_DOWNLOAD_MB} MB, depending on the machine), and is used by the next synth as well. "
            f"Keep that folder between the runs of a pipeline, or set UV_PYTHON_DOWNLOADS=never to forbid downloads. "
            f"See {_DOCS}"
        )
        return f"constructs-lib:python-installed-{minor}", text


_installed: Final[dict[str, Installed]] = {}
"""By minor version."""


def installed(minor: str) -> Installed | None:
    """What this process has installed of a minor version; None if nothing."""
    return _installed.get(minor)


def install(minor: str) -> Interpreter:
    """Let uv install a Python where uv keeps those that it manages.

    Args:
        minor: Such as `3.13`.

    Returns:
        Its interpreter.

    Raises:
        InvalidPropsError: uv may not or cannot install it, or is not there.
    """
    missing = (
        f"bytecode=True requires a Python {minor} on this machine, none is on PATH, in pyenv or managed by uv"
    )
    way_out = f"Install one (uv python install {minor}), or pass bytecode=None to package without bytecode."
    setting = os.environ.get("UV_PYTHON_DOWNLOADS")
    if setting in _FORBIDDEN:
        raise InvalidPropsError(
            f"{missing}, and UV_PYTHON_DOWNLOADS={setting} forbids installing one here. {way_out} See {_DOCS}"
        )
    if uv.located() is None:
        raise InvalidPropsError(
            f"{missing}, and uv, which can install one, is not there: pip install 'constructs-lib[packaging]', or put "
            f"uv on PATH. {way_out}"
        )
    uv.run(
        ["python", "install", minor, "--no-bin", "--quiet"],
        cwd=Path.cwd(),
        failure=f"{missing}, and uv cannot install one",
        way_out=f"{way_out} See {_DOCS}",
    )
    interpreter.find.cache_clear()
    found = interpreter.find(minor)
    if found is None:
        raise InvalidPropsError(f"{missing}, and the one that uv installed does not run. {way_out}")
    folder = found.path.parents[1]
    disk_bytes = sum(path.lstat().st_size for path in folder.rglob("*"))
    _installed[minor] = Installed(found, folder, disk_bytes)
    return found
