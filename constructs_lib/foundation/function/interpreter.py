"""Find a Python of a given minor version on this machine, to compile bytecode with and to judge syntax."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Interpreter:
    """A Python that was run and has reported what it is.

    Attributes:
        path: Its executable.
        version: Its full version, such as `3.13.7`: bytecode may differ between patch releases.
    """

    path: Path
    version: str


HOST = Interpreter(Path(sys.executable), ".".join(map(str, sys.version_info[:3])))
"""The Python that is running now."""


@cache
def find(minor: str) -> Interpreter | None:
    """Find an interpreter of one minor version: this one, on PATH, in pyenv, or managed by uv.

    Args:
        minor: Such as `3.13`.

    Returns:
        The first that runs and is of that minor version, or None.
    """
    if HOST.version.startswith(f"{minor}."):
        return HOST
    for candidate in _candidates(minor):
        version = _version_of(candidate)
        if version is not None and version.startswith(f"{minor}."):
            return Interpreter(candidate, version)
    return None


def syntax_fault(found: Interpreter, file: Path) -> str | None:
    """What an interpreter finds wrong with the syntax of a file; None if nothing."""
    compile_it = (
        "import sys, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "try: compile(sys.stdin.buffer.read(), 'file', 'exec', dont_inherit=True)\n"
        "except (SyntaxError, ValueError) as error:\n"
        "    print(getattr(error, 'msg', error), f'(line {getattr(error, \"lineno\", 1)})')\n"
    )
    done = subprocess.run(
        [found.path, "-I", "-c", compile_it], input=file.read_bytes(), capture_output=True, check=True
    )
    return done.stdout.decode(errors="replace").strip() or None


def _candidates(minor: str) -> Iterator[Path]:
    name = f"python{minor}"
    for folder in os.get_exec_path():
        if found := shutil.which(name, path=folder):
            yield Path(found)
    # uv does not look into pyenv's versions; pyenv's own shims refuse what is not selected.
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{minor}.*/bin/{name}"), reverse=True)
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    managed = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv/python")
    yield from sorted(managed.glob(f"cpython-{minor}.*/bin/{name}"), reverse=True)


def _version_of(executable: Path) -> str | None:
    ask = "import sys; print('.'.join(map(str, sys.version_info[:3])) * (sys.version_info[3] == 'final'))"
    try:
        answer = subprocess.run(
            [executable, "-I", "-c", ask], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() or None
