"""What is found out from a handler's code, before Lambda would."""

import sys
from pathlib import Path

import pytest

from constructs_lib import InvalidPropsError
from constructs_lib.foundation.function import handler_code, interpreter
from constructs_lib.foundation.function.handler_code import Findings

OLDEST = "3.11"
"""The oldest Python that runs an app."""


# --- the handler ---------------------------------------------------------------------------------------


HANDLERS = {
    "async def handle(event, context): ...": True,
    "handle = lambda event, context: 1": True,
    "from elsewhere import handle": True,
    "from elsewhere import main as handle": True,
    "from elsewhere import *": True,
    "try:\n    from elsewhere import handle\nexcept ImportError:\n    handle = None": True,
    "if True:\n    def handle(event, context): ...": True,
    "class Handler:\n    def handle(self, event, context): ...": False,
    "def handel(event, context): ...": False,
    "import handle.elsewhere": True,
    "x = [handle for handle in ()]": False,
    "x = handle": False,
    "handle, other = 1, 2": True,
    "for name in (print,):\n    pass": False,
    "for name in (1,):\n    def handle(event, context): ...": True,
    "try:\n    import x\nexcept ImportError:\n    from elsewhere import *": True,
    "(handle := print)": True,
    "print([handle := n for n in (print,)])": True,
    "match 1:\n    case handle:\n        pass": True,
    "match [1]:\n    case [*handle]:\n        pass": True,
    "match {}:\n    case {**handle}:\n        pass": True,
    "with open('x') as handle:\n    pass": True,
    "for handle in (print,):\n    pass": True,
    "try:\n    pass\nexcept* ValueError:\n    def handle(event, context): ...": True,
    "globals()['handle'] = print": True,
    "import sys\nsetattr(sys.modules[__name__], 'handle', print)": True,
    "def __getattr__(name):\n    return print": True,
    "def make():\n    global handle\n    handle = print\nmake()": True,
    "def make():\n    handle = print": False,
    "make = lambda handle: handle": False,
    "class Handler:\n    def __getattr__(self, name): ...": False,
    "x = {handle: 1 for handle in ()}": False,
    "exec_ = vars_ = 1": False,
}


@pytest.mark.parametrize(("source", "there"), HANDLERS.items(), ids=range(len(HANDLERS)))
def test_the_handler_is_found_as_lambda_finds_it(tmp_path: Path, source: str, there: bool) -> None:
    (tmp_path / "app.py").write_text(source)
    if there:
        handler_code.check(tmp_path, "app.handle", python=OLDEST)
    else:
        with pytest.raises(InvalidPropsError, match="defines no such name"):
            handler_code.check(tmp_path, "app.handle", python=OLDEST)


@pytest.mark.parametrize("name", ["inner/app.handle", "inner.app.handle", "inner.handle"])
def test_the_handler_may_be_in_a_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "inner").mkdir()
    for file in ("app.py", "__init__.py"):
        (tmp_path / "inner" / file).write_text("def handle(event, context): ...")
    handler_code.check(tmp_path, name, python=OLDEST)


# --- syntax --------------------------------------------------------------------------------------------

NEWER = f"3.{sys.version_info[1] + 1}"
BROKEN = "def handle(event, context)\n"


def test_a_handler_that_is_not_python(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(BROKEN)
    with pytest.raises(InvalidPropsError, match=r"not valid Python 3\.11: .*\(line 1\)"):
        handler_code.check(tmp_path, "app.handle", python=OLDEST)


OTHERS = [
    found
    for minor in ("3.12", "3.13", "3.14")
    if (found := interpreter.find(minor)) not in (None, interpreter.HOST)
]


@pytest.mark.skipif(not OTHERS, reason="no second Python on this machine")
def test_the_python_of_the_function_judges_its_syntax(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever Python runs the app."""
    other = OTHERS[-1]
    assert other is not None
    monkeypatch.setattr(interpreter, "find", lambda minor: other if minor == NEWER else None)
    (tmp_path / "app.py").write_text(BROKEN)
    with pytest.raises(InvalidPropsError, match=rf"not valid Python {NEWER}: expected ':' \(line 1\)"):
        handler_code.check(tmp_path, "app.handle", python=NEWER)
    if sys.version_info < (3, 12):  # what this Python cannot read, and the other one can
        (tmp_path / "app.py").write_text("type Event = dict\ndef handle(event: Event, context): ...\n")
        handler_code.check(tmp_path, "app.handle", python=NEWER)
        assert examined(tmp_path, python=NEWER).unread == []


def test_syntax_newer_than_any_python_here_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreter, "find", lambda minor: None)
    (tmp_path / "app.py").write_text(BROKEN)
    handler_code.check(tmp_path, "app.handle", python=NEWER)
    assert examined(tmp_path, python=NEWER).unread == [Path("app.py")]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="this Python cannot read the newer syntax itself")
def test_newer_syntax_than_the_functions_python_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreter, "find", lambda minor: None)
    (tmp_path / "app.py").write_text("type Event = dict\ndef handle(event: Event, context): ...\n")
    with pytest.raises(InvalidPropsError, match=r"not valid Python 3\.11"):
        handler_code.check(tmp_path, "app.handle", python=OLDEST)


def test_a_module_that_the_handler_loads_is_not_python(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import store\ndef handle(event, context): ...\n")
    (tmp_path / "store.py").write_text(BROKEN)
    with pytest.raises(InvalidPropsError, match=r"entry has store\.py, which is not valid Python"):
        examined(tmp_path)
    (tmp_path / "app.py").write_text("def handle(event, context):\n    import store\n")
    assert examined(tmp_path) == Findings()


# --- imports -------------------------------------------------------------------------------------------


def examined(
    package: Path, entry: Path | None = None, *, python: str = OLDEST, module: str = "app"
) -> Findings:
    folder = entry or package
    own_files = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    return handler_code.examine(package, own_files, [folder], module, python=python, compiled=False)


def unprovided(package: Path, python: str = OLDEST) -> set[str]:
    return {found.name for found in examined(package, python=python).unprovided}


FAIL = {
    "import requests": "requests",
    "import requests.adapters as adapters": "requests",
    "from requests import get": "requests",
    "from requests.adapters import HTTPAdapter": "requests",
    "import os, requests": "requests",
    "class Handler:\n    import requests": "requests",
    "try:\n    import requests\nfinally:\n    pass": "requests",
}
DO_NOT = (
    "import json, os.path, boto3, botocore.config",
    "from dateutil import parser",
    "try:\n    import requests\nexcept ImportError:\n    requests = None",
    "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import requests",
    "def handle(event, context):\n    import requests",
    "if __name__ == '__main__':\n    import requests",
    "from contextlib import suppress\nwith suppress(ImportError):\n    import requests",
    "import sys\nsys.path.insert(0, '/mnt/libraries')\nimport requests",
    "import sibling, folder.module, namespace.part",
    "from folder import module, anything",
    "from . import anything",
    "import native, oldstyle",
    "from __future__ import annotations",
)


def with_siblings(folder: Path) -> None:
    for name in ("sibling.py", "folder/__init__.py", "folder/module.py", "namespace/part.py",
                 "native.cpython-313-aarch64-linux-gnu.so", "oldstyle.so", "requests.json"):  # fmt: skip
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("")


@pytest.mark.parametrize(("source", "name"), FAIL.items())
def test_an_import_that_nothing_provides(tmp_path: Path, source: str, name: str) -> None:
    with_siblings(tmp_path)
    (tmp_path / "app.py").write_text(f"{source}\n")
    assert unprovided(tmp_path) == {name}


@pytest.mark.parametrize("source", DO_NOT)
def test_an_import_that_may_work(tmp_path: Path, source: str) -> None:
    with_siblings(tmp_path)
    (tmp_path / "app.py").write_text(f"{source}\n")
    assert examined(tmp_path) == Findings()


def test_imports_are_followed_through_the_functions_own_code(tmp_path: Path) -> None:
    files = {
        "orders/__init__.py": "from .parts import store\n",
        "orders/app.py": "from orders import prices\n",
        "orders/parts/store.py": "from ..deep import *\n",
        "orders/deep/__init__.py": "\nimport requests\n",
        "orders/prices.py": "import yaml\n",
        "orders/unused.py": "import numpy\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = examined(tmp_path, module="orders/app").unprovided
    assert {(each.name, each.file.as_posix(), each.line) for each in found} == {
        ("requests", "orders/deep/__init__.py", 2),
        ("yaml", "orders/prices.py", 1),
    }


def test_code_of_dependencies_is_not_judged(tmp_path: Path) -> None:
    package, entry = tmp_path / "package", tmp_path / "entry"
    for folder in (package, entry):
        folder.mkdir()
        (folder / "app.py").write_text("import alpha\n")
    (package / "alpha.py").write_text("import optional_accelerator\n")
    assert examined(package, entry) == Findings()


def test_a_module_that_is_left_out_of_the_package_is_named(tmp_path: Path) -> None:
    package, entry = tmp_path / "package", tmp_path / "entry"
    for folder in (package, entry):
        (folder / "orders").mkdir(parents=True)
        (folder / "app.py").write_text("import generated\nfrom orders import schema_pb2, name\n")
        (folder / "orders" / "__init__.py").write_text("")
    (entry / "generated.py").write_text("")
    (entry / "orders" / "schema_pb2.py").write_text("")
    found = examined(package, entry)
    assert [each.name for each in found.left_out] == ["generated", "orders.schema_pb2"]
    assert found.unprovided == []


STANDARD = {
    "distutils": "3.11",
    "imp": "3.11",
    "telnetlib": "3.11 3.12",
    "cgi": "3.11 3.12",
    "annotationlib": "3.14",
    "compression": "3.14",
    "tomllib": "3.11 3.12 3.13 3.14",
}


@pytest.mark.parametrize(("name", "pythons"), STANDARD.items())
def test_the_standard_library_is_that_of_the_functions_python(
    tmp_path: Path, name: str, pythons: str
) -> None:
    (tmp_path / "app.py").write_text(f"import {name}\n")
    has_it = {python for python in ("3.11", "3.12", "3.13", "3.14") if not unprovided(tmp_path, python)}
    assert has_it == set(pythons.split())


@pytest.mark.parametrize("minor", ["3.11", "3.12", "3.13", "3.14"])
def test_the_standard_library_is_that_of_the_python(minor: str) -> None:
    import subprocess

    found = interpreter.find(minor)
    if found is None:
        pytest.skip(f"no Python {minor} on this machine")
    code = "import sys; print(' '.join(sys.stdlib_module_names))"
    done = subprocess.run([found.path, "-I", "-c", code], capture_output=True, text=True, check=True)
    theirs = {name for name in done.stdout.split() if not name.startswith("_")}
    known = theirs | {*sys.stdlib_module_names, *handler_code._SINCE, *handler_code._UNTIL}
    ours = {name for name in known if not name.startswith("_") and handler_code._is_standard(name, minor)}
    assert ours == theirs
