"""What uv.lock says is installed, from where it says, whatever else is on the machine."""

import io
import json
import os
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from constructs_lib import InvalidPropsError
from constructs_lib.foundation.function import interpreter, packaging
from constructs_lib.foundation.function.installation import Target
from constructs_lib.foundation.function.requirements import Selection
from tests.foundation.wheels import ARM, content, handler, locked, names, serving, wheel

pytestmark = pytest.mark.usefixtures("cache")

NEXT = f"3.{sys.version_info[1] + 1}"
"""A Python newer than the one that runs this."""


def project(url: str, *dependencies: str, more: str = "") -> str:
    return (
        '[project]\nname = "fn"\nversion = "0"\nrequires-python = ">=3.11"\n'
        f"dependencies = {json.dumps(dependencies)}\n{more}\n"
        f'[[tool.uv.index]]\nname = "main"\nurl = "{url}"\ndefault = true\n'
    )


def test_what_the_lock_lists_is_installed(tmp_path: Path, index: Path, url: str) -> None:
    wheel(index, "alpha", "1.0")
    wheel(index, "alpha", "2.0")
    wheel(index, "beta", "1.0", requires="Requires-Dist: alpha<2\n")
    entry = locked(tmp_path / "fn", project(url, "beta"))
    built = packaging.build(entry, ARM)
    assert {"alpha/__init__.py", "beta/__init__.py", "app.py"} < names(built.path)
    assert (built.path / "alpha" / "__init__.py").read_text() == "VERSION = '1.0'\n"
    assert {"alpha 1.0", "beta 1.0", "(your own code)"} == set(built.sizes)


def test_a_package_stays_with_its_own_index(
    tmp_path: Path, index: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index that is explicit, as uv's manual has it for private packages, and that asks for a password."""
    wheel(index, "alpha", "1.0")
    private = tmp_path / "private"
    private.mkdir()
    wheel(private, "hidden", "1.0")
    with serving(private, credentials="user:secret") as private_url:
        monkeypatch.setenv("UV_INDEX_PRIVATE_USERNAME", "user")
        monkeypatch.setenv("UV_INDEX_PRIVATE_PASSWORD", "secret")
        more = (
            '[tool.uv.sources]\nhidden = { index = "private" }\n'
            f'[[tool.uv.index]]\nname = "private"\nurl = "{private_url}"\nexplicit = true\n'
        )
        entry = locked(tmp_path / "fn", project(url, "alpha", "hidden", more=more))
        assert {"alpha/__init__.py", "hidden/__init__.py"} < names(packaging.build(entry, ARM).path)


def test_constraints_and_overrides_of_the_project_are_in_the_lock_already(
    tmp_path: Path, index: Path, url: str
) -> None:
    for version in ("1.0", "2.0", "3.0"):
        wheel(index, "alpha", version)
        wheel(index, "beta", version)
    settings = '[tool.uv]\nconstraint-dependencies = ["beta<3"]\noverride-dependencies = ["alpha<2"]\n'
    entry = locked(tmp_path / "fn", project(url, "alpha>2", "beta", more=settings))
    assert set(packaging.build(entry, ARM).sizes) == {"alpha 1.0", "beta 2.0", packaging.OWN_CODE}


@pytest.mark.parametrize("form", ["uv.lock", "requirements.txt"])
def test_which_of_two_packages_brings_a_file_is_always_the_same(
    tmp_path: Path, index: Path, url: str, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    kept = ("alpha", "beta", "gamma", "delta", "omega")
    lines = [
        wheel(index, name, "1.0", more={"tests/__init__.py": f"# {name}\n".encode()} | _modules(name, n))
        for n, name in enumerate(kept)
    ]
    if form == "uv.lock":
        entry = locked(tmp_path / "fn", project(url, *kept))
    else:
        entry = handler(tmp_path / "fn", index, *lines)
    seen = set()
    for n in range(6):
        monkeypatch.setenv("CONSTRUCTS_LIB_CACHE_DIR", str(tmp_path / f"cache{n}"))
        seen.add((packaging.build(entry, ARM).path / "tests" / "__init__.py").read_text())
    assert len(seen) == 1


def _modules(name: str, n: int) -> dict[str, bytes]:
    """Many files, so that the wheels take different times."""
    return {f"{name}/m{k}.py": b"" for k in range(10 * (5 - n))}


def test_no_group_is_packaged(tmp_path: Path, index: Path, url: str) -> None:
    for name in ("alpha", "linter", "tester"):
        wheel(index, name, "1.0")
    more = (
        '[dependency-groups]\ndev = ["tester"]\nlint = ["linter"]\n'
        '[tool.uv]\ndefault-groups = ["dev", "lint"]\n'
    )
    entry = locked(tmp_path / "fn", project(url, "alpha", more=more))
    assert {name.split("/")[0] for name in names(packaging.build(entry, ARM).path)} == {"alpha", "app.py"}


def test_a_package_of_another_platform_does_not_matter(tmp_path: Path, index: Path, url: str) -> None:
    wheel(index, "alpha", "1.0")
    wheel(index, "winonly", "1.0", tag="cp313-cp313-win_amd64")
    entry = locked(tmp_path / "fn", project(url, "alpha", "winonly ; sys_platform == 'win32'"))
    assert "winonly/__init__.py" not in names(packaging.build(entry, ARM).path)


# --- the Pythons of the machine ------------------------------------------------------------------------


def raise_requirement(entry: Path) -> None:
    """Let a project and its lock require a newer Python, as `uv init` writes on a machine that has one."""
    for name in ("pyproject.toml", "uv.lock"):
        text = (entry / name).read_text()
        assert 'requires-python = ">=3.11"' in text
        (entry / name).write_text(text.replace('requires-python = ">=3.11"', f'requires-python = ">={NEXT}"'))


def test_a_function_for_a_newer_python_than_the_apps(
    tmp_path: Path, index: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreter, "find", lambda minor: None)
    wheel(index, "alpha", "1.0")
    entry = locked(tmp_path / "fn", project(url, "alpha"))
    raise_requirement(entry)
    target = Target(NEXT, ARM.platform)
    assert "alpha/__init__.py" in names(packaging.build(entry, target).path)


@pytest.mark.parametrize("text", ["3.14", "3.12.99", "pypy"])
def test_a_python_version_file_is_not_asked(tmp_path: Path, index: Path, url: str, text: str) -> None:
    wheel(index, "alpha", "1.0")
    entry = locked(tmp_path / "fn", project(url, "alpha"))
    first = packaging.build(entry, ARM)
    for place in (entry, tmp_path):
        (place / ".python-version").write_text(f"{text}\n")
    (entry / "other.py").write_text("")
    second = packaging.build(entry, ARM)
    assert names(second.path) - names(first.path) == {"other.py"}


def outgrow(entry: Path, old: str, new: str) -> None:
    text = (entry / "pyproject.toml").read_text()
    assert old in text
    (entry / "pyproject.toml").write_text(text.replace(old, new))


CHANGES = {
    "one more": ('["alpha"]', '["alpha", "beta"]'),
    "one less": ('["alpha"]', "[]"),
    "another version": ('["alpha"]', '["alpha>=1.0"]'),
}


@pytest.mark.parametrize(("old", "new"), CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("has_python", [True, False])
def test_a_lock_that_its_project_has_outgrown(
    tmp_path: Path,
    index: Path,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    old: str,
    new: str,
    has_python: bool,
) -> None:
    """This holds also where uv finds no Python to ask."""
    for name in ("alpha", "beta"):
        wheel(index, name, "1.0")
    entry = locked(tmp_path / "fn", project(url, "alpha"))
    target = ARM
    if not has_python:
        monkeypatch.setattr(interpreter, "find", lambda minor: None)
        raise_requirement(entry)
        target = Target(NEXT, ARM.platform)
    packaging.build(entry, target)
    outgrow(entry, old, new)
    with pytest.raises(InvalidPropsError, match=r"uv\.lock in .* (cannot be used|does not fit)"):
        packaging.build(entry, target)


SPELLINGS = (
    "Alpha>=1.0, <3",
    "alpha [extra] >=1.0",
    "alpha==1.*; python_version >= '3.11'",
    "alpha>=1.0rc1",
    "alpha @ {wheel}",
)


@pytest.mark.parametrize("requirement", SPELLINGS)
def test_a_lock_that_fits_is_taken_however_it_is_spelt(
    tmp_path: Path, index: Path, url: str, monkeypatch: pytest.MonkeyPatch, requirement: str
) -> None:
    wheel(index, "alpha", "1.0")
    place = f"{url.removesuffix('/simple')}/files/alpha-1.0-py3-none-any.whl"
    entry = locked(tmp_path / "fn", project(url, requirement.format(wheel=place)))
    monkeypatch.setattr(interpreter, "find", lambda minor: None)
    raise_requirement(entry)
    assert "alpha/__init__.py" in names(packaging.build(entry, Target(NEXT, ARM.platform)).path)


# --- the settings of the machine -----------------------------------------------------------------------


USERS = """
compile-bytecode = true
link-mode = "symlink"
[pip]
no-deps = true
python-version = "3.9"
python-platform = "windows"
target = "elsewhere"
verify-hashes = false
"""
VARIABLES = {
    "UV_COMPILE_BYTECODE": "1",
    "UV_LINK_MODE": "symlink",
    "UV_PYTHON": "3.9",
    "UV_FROZEN": "1",
    "UV_NO_VERIFY_HASHES": "1",
    "UV_NO_BINARY": "1",
    "UV_PROJECT_ENVIRONMENT": "elsewhere",
    "UV_PROJECT": "elsewhere",
    "UV_EXCLUDE_NEWER": "2001-01-01T00:00:00Z",
    "VIRTUAL_ENV": "elsewhere",
}


def with_a_file_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config" / "uv").mkdir(parents=True)
    (tmp_path / "config" / "uv" / "uv.toml").write_text(USERS)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def with_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("settings", [with_a_file_of_the_user, with_variables])
def test_settings_of_the_machine_do_not_change_a_package(
    tmp_path: Path,
    index: Path,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    settings: Callable[[Path, pytest.MonkeyPatch], None],
) -> None:
    """An example are the variables that uv's manual recommends for container images."""
    wheel(index, "alpha", "1.0")
    entry = locked(tmp_path / "fn", project(url, "alpha"))
    plain = packaging.build(entry, ARM)
    settings(tmp_path, monkeypatch)
    monkeypatch.setenv("CONSTRUCTS_LIB_CACHE_DIR", str(tmp_path / "another cache"))
    built = packaging.build(entry, ARM)
    assert built.path != plain.path
    assert content(built.path) == content(plain.path)


def test_a_changed_wheel_is_refused_whatever_the_settings(
    tmp_path: Path, index: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel(index, "alpha", "1.0")
    entry = locked(tmp_path / "fn", project(url, "alpha"))
    with_a_file_of_the_user(tmp_path, monkeypatch)
    with_variables(tmp_path, monkeypatch)
    wheel(index, "alpha", "1.0", size=10)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "an empty cache"))
    with pytest.raises(InvalidPropsError, match=r"(?i)hash mismatch"):
        packaging.build(entry, ARM)


def test_where_packages_come_from_may_be_a_setting_of_the_machine(
    tmp_path: Path, index: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A company's index, for a requirements.txt that names none."""
    line = wheel(index, "alpha", "1.0")
    entry = handler(tmp_path / "fn")
    (entry / "requirements.txt").write_text(f"{line}\n")
    monkeypatch.setenv("UV_DEFAULT_INDEX", url)
    assert "alpha/__init__.py" in names(packaging.build(entry, ARM).path)


# --- what cannot be the same everywhere ----------------------------------------------------------------


def test_a_wheel_in_the_entry_may_be_a_dependency(tmp_path: Path, url: str) -> None:
    """A way to share code between functions: its hash is in the lock."""
    entry = tmp_path / "fn"
    (entry / "wheels").mkdir(parents=True)
    wheel(entry / "wheels", "shared", "1.0")
    more = "[tool.uv.sources]\nshared = { path = 'wheels/shared-1.0-py3-none-any.whl' }\n"
    locked(entry, project(url, "shared", more=more))
    built = packaging.build(entry, ARM, selection=Selection(exclude=["wheels"]))
    assert names(built.path) == {"app.py", "shared/__init__.py", "shared/data.bin"}
    assert str(tmp_path) not in "".join(path.read_text() for path in built.path.rglob("*") if path.is_file())


def test_a_package_that_is_source_alone(tmp_path: Path, index: Path, url: str) -> None:
    metadata = b"Metadata-Version: 2.2\nName: sourceonly\nVersion: 1.0\n"
    with tarfile.open(index / "sourceonly-1.0.tar.gz", "w:gz") as archive:
        for name, data in (("PKG-INFO", metadata), ("pyproject.toml", b"")):
            member = tarfile.TarInfo(f"sourceonly-1.0/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    entry = locked(tmp_path / "fn", project(url, "sourceonly"))
    with pytest.raises(InvalidPropsError, match=r"sourceonly 1\.0, which is published as source alone"):
        packaging.build(entry, ARM)


def test_a_package_without_a_wheel_for_the_target_names_ways_out(
    tmp_path: Path, index: Path, url: str
) -> None:
    wheel(index, "native", "1.0", tag="cp313-cp313-win_amd64")
    entry = locked(tmp_path / "fn", project(url, "native"))
    with pytest.raises(InvalidPropsError, match=r"uv says:[\s\S]*native[\s\S]*another architecture"):
        packaging.build(entry, ARM)


def test_an_index_without_hashes(tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    wheel(index, "alpha", "1.0")
    with serving(index, hashes=False) as url:
        entry = locked(tmp_path / "fn", project(url, "alpha"))
        with pytest.raises(InvalidPropsError, match="has no hash for alpha"):
            packaging.build(entry, ARM)


def test_this_library_is_refused_before_it_is_downloaded(tmp_path: Path, index: Path, url: str) -> None:
    wheel(index, "constructs_lib", "0.1.0")
    entry = locked(tmp_path / "fn", project(url, "constructs-lib"))
    (index / "constructs_lib-0.1.0-py3-none-any.whl").unlink()
    with pytest.raises(InvalidPropsError, match="Pass include_runtime=True"):
        packaging.build(entry, ARM)


# --- what is left of a wheel ---------------------------------------------------------------------------


def test_a_program_of_a_wheel_is_kept_and_a_script_of_this_machine_removed(
    tmp_path: Path, index: Path
) -> None:
    program = b"\x7fELF" + os.urandom(100)
    line = wheel(index, "tool", "1.0", scripts={"tool-native": program, "tool-shell": b"#!/bin/sh\nexit 0\n"})
    built = packaging.build(handler(tmp_path / "fn", index, line), ARM).path
    kept = {name: mode for name, (mode, _) in content(built).items() if name.startswith("bin/")}
    assert kept == {"bin/tool-native": 0o755, "bin/tool-shell": 0o755}
    assert (built / "bin" / "tool-native").read_bytes() == program
