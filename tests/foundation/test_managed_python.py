"""What `bytecode=True` does on a machine without the runtime's Python. uv gets it from a folder here."""

import hashlib
import io
import json
import platform
import re
import sys
import tarfile
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_lambda as lambda_

from constructs_lib import InvalidPropsError, PythonLayer
from constructs_lib.foundation.function import interpreter, managed_python, uv
from tests.gallery.plain_function import function

NEWER = lambda_.Runtime("python3.15", lambda_.RuntimeFamily.PYTHON)
"""A runtime whose Python no machine of the tests has."""
FAKE = b'#!/bin/sh\ncase "$3" in *version_info*) echo 3.15.2 ;; esac\n'
"""A Python that reports its version, compiles nothing, and finds nothing wrong."""


@pytest.fixture(autouse=True)
def plain_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no other Python than the one that runs the app; returns where uv keeps those that it manages."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "managed"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.delenv("UV_PYTHON_DOWNLOADS", raising=False)
    monkeypatch.setattr(managed_python, "_installed", {})
    interpreter.find.cache_clear()
    return tmp_path / "managed"


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let uv find a Python 3.15 in a folder."""
    archive = tmp_path / "python.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        for name, content, mode in (
            ("python/bin/python3.15", FAKE, 0o755),
            ("python/lib/python3.15/os.py", b"#" * 2 * 1024 * 1024, 0o644),
            (
                "python/lib/python3.15/_sysconfigdata__fake_.py",
                b"# system configuration generated and used by the sysconfig module\nbuild_time_vars = {}\n",
                0o644,
            ),
        ):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            file.addfile(member, io.BytesIO(content))
    linux = sys.platform == "linux"
    machine = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
    listed = {
        "name": "cpython", "arch": {"family": machine, "variant": None}, "os": "linux" if linux else "darwin",
        "libc": "gnu" if linux else "none", "major": 3, "minor": 15, "patch": 2, "prerelease": "",
        "url": archive.as_uri(), "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(), "variant": None,
        "build": "20261001",
    }  # fmt: skip
    (tmp_path / "downloads.json").write_text(json.dumps({"cpython-3.15.2": listed}))
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS_JSON_URL", str(tmp_path / "downloads.json"))


def infos(app: App) -> str:
    app.synth()
    return "".join(path.read_text() for path in Path(app.outdir).rglob("*.json"))


@pytest.mark.usefixtures("mirror")
def test_uv_installs_the_python_and_an_info_reports_it_once(
    app: App, stack: Stack, plain_machine: Path
) -> None:
    for name in ("One", "Two"):
        function(stack, name, runtime=NEWER, bytecode=True)
    (python,) = plain_machine.glob("cpython-3.15.2-*/bin/python3.15")
    said = infos(app)
    assert said.count("uv installed Python 3.15.2") == 1
    assert str(python.parents[1]) in said
    assert re.search(r"It takes [2-9] MB there, was downloaded once \(17 to 34 MB", said)
    assert "UV_PYTHON_DOWNLOADS=never" in said
    # A later synth finds it, and has nothing to report.
    managed_python._installed.clear()
    interpreter.find.cache_clear()
    again = App()
    function(Stack(again, "Stack"), runtime=NEWER, bytecode=True)
    assert "uv installed" not in infos(again)


@pytest.mark.usefixtures("mirror")
def test_nothing_is_installed_unless_bytecode_is_demanded(
    app: App, stack: Stack, plain_machine: Path
) -> None:
    function(stack, runtime=NEWER, bytecode=None)
    assert not plain_machine.exists()
    assert "Pass bytecode=True, with which uv installs one" in infos(app)


@pytest.mark.usefixtures("mirror")
@pytest.mark.parametrize("setting", ["never", "manual"])
def test_downloads_can_be_forbidden(
    stack: Stack, plain_machine: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", setting)
    with pytest.raises(InvalidPropsError) as error:
        function(stack, runtime=NEWER, bytecode=True)
    assert "bytecode=True requires a Python 3.15 on this machine, none is on PATH, in pyenv" in str(
        error.value
    )
    assert f"UV_PYTHON_DOWNLOADS={setting} forbids installing one here" in str(error.value)
    assert not plain_machine.exists()


def test_a_download_that_fails_names_both_causes(stack: Stack) -> None:
    """The machine has none, and uv may not use the network here."""
    with pytest.raises(InvalidPropsError) as error:
        function(stack, runtime=NEWER, bytecode=True)
    assert "none is on PATH, in pyenv or managed by uv, and uv cannot install one. uv says:" in str(
        error.value
    )
    assert "3.15" in str(error.value).partition("uv says:")[2]
    assert "or pass bytecode=None" in str(error.value)
    assert stack.node.try_find_child("FunctionRole") is None


def test_without_uv_the_error_says_how_to_get_it(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uv, "located", lambda: None)
    with pytest.raises(
        InvalidPropsError, match=r"none is on PATH.*uv, which can install one, is not there: pip"
    ):
        function(stack, runtime=NEWER, bytecode=True)


def test_a_layer_has_the_same_promise(stack: Stack, tmp_path: Path) -> None:
    with pytest.raises(
        InvalidPropsError, match=r"bytecode=True requires a Python 3\.15.*uv cannot install one"
    ):
        PythonLayer(stack, "Layer", entry=tmp_path, runtime=NEWER, bytecode=True)
