"""What is reported of a function's imports: what Python imports, found without executing any of it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk import App, Stack

from constructs_lib import _defaults
from constructs_lib.foundation.function import imports, interpreter, packaging
from constructs_lib.foundation.function.imports import Imports
from constructs_lib.foundation.function.installation import Target
from tests.foundation.wheels import ARM
from tests.gallery.plain_function import SAMPLE_FUNCTIONS, function

HOST = Target(interpreter.HOST.version.rpartition(".")[0], None)
LAZY = """
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from .a import A
    from .b import *
def __getattr__(name):
    from importlib import import_module
    if name not in ("A", "B"):
        raise AttributeError(name)
    return getattr(import_module("lib." + name.lower()), name)
"""
REAL = """
import json, os, sys
sys.path.insert(0, os.getcwd())
import app
files = [getattr(module, "__file__", None) or "" for module in sys.modules.values()]
print(json.dumps([os.path.getsize(file) for file in files if file.startswith(os.getcwd())]))
"""


def really_imported(folder: Path) -> list[int]:
    """The sizes of the modules that Python imports with `app`."""
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", REAL], cwd=folder, capture_output=True, text=True, check=True
    )
    found: list[int] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    "source",
    [
        "import lib.a",
        "from lib import a",
        "from lib.a import A",
        "import lib",
        "try:\n    import lib.a\nexcept ImportError:\n    import lib.b",
        "class C:\n    import lib.a",
        "import contextlib\nwith contextlib.suppress(ImportError):\n    import lib.a",
        "def later():\n    import lib.a",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import lib.a\nelse:\n    import lib.b",
        "import sys\nif sys.platform == 'never':\n    import lib.a",
        "from lib import A",
        "from lib import B",
        "from lib.nested.deep import c",
    ],
)
def test_it_is_what_python_imports(tmp_path: Path, source: str) -> None:
    modules = {
        "app": source,
        "lib/__init__": LAZY,
        "lib/a": "from .nested import deep\nA = 1",
        "lib/b": "B = 2",
        "lib/nested/__init__": "from . import deep",
        "lib/nested/deep": "c = 3",
    }
    for position, (name, text) in enumerate(modules.items()):
        file = tmp_path / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n#".ljust(1000 * 2**position, "#"))  # every selection has another sum
    found = imports.weigh(tmp_path, {"lib/a.py": "lib 1.0"}, "app", "own")
    real = really_imported(tmp_path)
    assert found.total_source_bytes == sum(real)
    assert found.total_modules == len(real)
    assert found.source_bytes.get("lib 1.0", 0) == (4000 if 4000 in real else 0)


def test_nothing_of_the_package_is_executed(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import other\nraise SystemExit\n")
    (tmp_path / "other.py").write_text(f"open({str(tmp_path / 'trace')!r}, 'w')\n")
    assert imports.weigh(tmp_path, {}, "app", "own").total_modules == 2
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize(("source", "provided"), [("import boto3", True), ("import botocore", False)])
def test_the_sdk_of_the_runtime_is_noted(tmp_path: Path, source: str, provided: bool) -> None:
    (tmp_path / "app.py").write_text(source)
    assert imports.weigh(tmp_path, {}, "app", "own") == Imports({"own": 1}, {"own": len(source)}, provided)
    (tmp_path / "boto3.py").touch()
    assert not imports.weigh(tmp_path, {}, "app", "own").from_runtime


def test_code_that_this_python_cannot_read_counts_by_its_size(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import newer")
    (tmp_path / "newer.py").write_text("this is not Python\n")
    assert imports.weigh(tmp_path, {}, "app", "own").total_source_bytes == len(
        "import newerthis is not Python\n"
    )


@pytest.mark.parametrize("name", ["accept_trip", "complete_trip", "settle_dispute"])
def test_of_a_sample_function_it_is_nearly_what_python_imports(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Libraries also import by names that they put together: psycopg the code of its binary package, for example."""
    from sample_app.functions_environment import SETTINGS

    for variable, value in SETTINGS.items():
        monkeypatch.setenv(variable, value)
    package = packaging.build(SAMPLE_FUNCTIONS / name, HOST, module="handler", include_runtime=True)
    done = subprocess.run(
        [sys.executable, "-B", "-c", REAL.replace("import app", "import handler")],
        cwd=package.path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    real = json.loads(done.stdout)
    assert 0.85 < package.imports.total_modules / len(real) < 1.05


# --- in the package, and at synth ----------------------------------------------------------------------


def two_handlers(folder: Path, size: int) -> Path:
    folder.mkdir()
    (folder / "light.py").write_text("def handle(event, context): ...\n")
    (folder / "app.py").write_text("import heavy\ndef handle(event, context): ...\n")
    (folder / "heavy.py").write_text("#" * size)
    return folder


def test_two_handlers_of_one_package_are_weighed_each(tmp_path: Path) -> None:
    entry = two_handlers(tmp_path / "fn", 100)
    light, heavy = (packaging.build(entry, ARM, module=module) for module in ("light", "app"))
    assert light.path == heavy.path
    assert (light.imports.modules, heavy.imports.modules) == (
        {packaging.OWN_CODE: 1},
        {packaging.OWN_CODE: 2},
    )
    assert packaging.build(entry, ARM, module="app").imports == heavy.imports  # read from the cache
    assert packaging.placeholder().imports == Imports()


@pytest.mark.parametrize(
    ("size", "handler", "reported"), [(0, "app.handle", False), (1, "app.handle", True), (1, "light.handle", False)]
)  # fmt: skip
def test_heavy_imports_are_reported(
    app: App, stack: Stack, tmp_path: Path, size: int, handler: str, reported: bool
) -> None:
    own = len("import heavy\ndef handle(event, context): ...\n")
    entry = two_handlers(tmp_path / "fn", _defaults.HEAVY_IMPORTS_BYTES - own + size)
    function(stack, entry=entry, handler=handler)
    app.synth()
    said = "".join(path.read_text() for path in Path(app.outdir).glob("*.json"))
    text = "app.handle imports 2 modules with 2.0 MB of source when it is loaded, at every cold start"
    assert (text in said) is reported
    assert ("(your own code) (2048 kB, 2 modules)" in said) is reported
