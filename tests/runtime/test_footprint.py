"""The runtime is small, quick to import, and needs nothing of the rest of the library."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RUNTIME = Path(__file__).parents[2] / "constructs_lib" / "runtime"
MODULES = sorted(path.stem for path in RUNTIME.glob("*.py") if path.stem != "__init__")
NO_HANDLER_IMPORTS = {"stream_redrive"}
"""A function of its own, which needs json at each invocation."""

# What the three drivers, or Python itself, load in any case.
_COMMON = "import collections.abc, contextlib, importlib, os, threading, time, types, typing, weakref"


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    """The folder as PythonFunction packages it: no constructs_lib/__init__.py above it."""
    shutil.copytree(
        RUNTIME, tmp_path / "constructs_lib" / "runtime", ignore=shutil.ignore_patterns("__pycache__")
    )
    return tmp_path


def run(folder: Path, code: str) -> str:
    """Run code with nothing but the standard library and this folder."""
    code = f"import sys; sys.path.insert(0, {str(folder)!r})\n{code}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_it_is_small() -> None:
    """A third of it is documentation, and 6 kB are certificates. Zipped, it is a third of that."""
    sizes = [path.stat().st_size for path in RUNTIME.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert sum(sizes) < 160_000


def test_it_imports_without_the_library(alone: Path) -> None:
    imports = "\n".join(f"import constructs_lib.runtime.{name}" for name in MODULES)
    assert run(alone, f"{imports}\nimport constructs_lib; print(constructs_lib.__file__)") == "None\n"


@pytest.mark.parametrize("name", sorted({*MODULES} - NO_HANDLER_IMPORTS))
def test_it_loads_nothing_else(alone: Path, name: str) -> None:
    """ssl, urllib, json, boto3 and drivers are imported when they are needed, since not every handler needs them."""
    loaded = run(
        alone,
        f"{_COMMON}\nbefore = set(sys.modules)\nimport constructs_lib.runtime.{name}\n"
        "print(*sorted(name for name in set(sys.modules) - before if not name.startswith('constructs_lib')))",
    )
    assert loaded == "\n"


def test_the_authorities_come_along(alone: Path) -> None:
    found = run(alone, "from constructs_lib.runtime import database; print(open(database._AMAZON).read())")
    assert found.count("BEGIN CERTIFICATE") == 5
