"""What a function's folder says about its dependencies: one file that is read, or a form that is refused.

Nothing is installed here. Everything that decides what will be installed is named, so that it can be hashed.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from constructs_lib.errors import InvalidPropsError

_LOCKS = ("uv.lock", "requirements.txt")

_FOREIGN = {
    "poetry.lock": "poetry export --format requirements.txt --output requirements.txt",
    "pdm.lock": "pdm export --prod --format requirements --output requirements.txt",
    "Pipfile.lock": "pipenv requirements --hash > requirements.txt",
    "Pipfile": "pipenv lock && pipenv requirements --hash > requirements.txt",
    "requirements.in": "uv pip compile --generate-hashes --python-version {python} requirements.in "
    "--output-file requirements.txt",
    "pylock.toml": "uv pip compile --generate-hashes --python-version {python} pyproject.toml "
    "--output-file requirements.txt",
}
"""Files of other tools, with the command that makes a hashed requirements.txt of them."""

_OPTION = re.compile(r"(?:(?:--requirement|--constraint)[\s=]\s*|-[rc]\s*=?\s*)(?P<file>\S.*)")
_LOCAL = ("-e", "--editable", ".", "/", "file:")
_DIRECT = re.compile(r"\w+(\+\w+)?://|.* @ ")
_SCRIPT = re.compile(r"^# /// script\s*$\n(?P<toml>(?:^#(?: .*)?$\n)+?)^# ///\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Requirements:
    """What decides which packages are installed.

    Attributes:
        file: `uv.lock` or `requirements.txt`, at the top of the entry.
        inputs: That file and every other that is read with it; their content decides what is installed.
    """

    file: Path
    inputs: tuple[Path, ...]


def find(entry: Path, module: str | None, python: str, exclude: Sequence[str] = ()) -> Requirements | None:
    """Find the file that says what to install, or None if nothing is needed.

    Args:
        entry: The folder with the handler.
        module: The handler's module; None if it is not in the entry.
        python: Minor version of the runtime.
        exclude: Glob patterns: a file of another tool that they match is not a reason to refuse.

    Raises:
        InvalidPropsError: Dependencies are declared in a form that is not read here, or in two, or without
            their hashes, or for a newer Python.
    """
    lock, requirements = (entry / name for name in _LOCKS)
    if lock.is_file() and requirements.is_file():
        raise InvalidPropsError(
            f"entry has both uv.lock and requirements.txt ({entry}): delete one of them; only one can be used."
        )
    if lock.is_file():
        return _of_lock(lock, python)
    if requirements.is_file():
        included = tuple(dict.fromkeys(_included(requirements)))
        return Requirements(requirements, (*included, *_settings_of_uv(entry)))
    _refuse_other_forms(entry, module, python, exclude)
    return None


def exist(entry: Path) -> bool:
    """Whether a file that says what to install is in a folder."""
    return any((entry / name).is_file() for name in _LOCKS)


def above(entry: Path) -> Path | None:
    """A lock or requirements file in a folder above an entry, in the same git work tree; for a hint."""
    for folder in entry.resolve().parents:
        if found := next((folder / name for name in (*_LOCKS, *_FOREIGN) if (folder / name).is_file()), None):
            return found
        if (folder / ".git").exists():
            return None
    return None


def toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        InvalidPropsError: It is not valid.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidPropsError(f"{path} cannot be read: {error}.") from None


def allows(requires_python: str, version: str) -> bool:
    """Whether a `requires-python` allows a version, such as `3.13.7`; `3.13` is any of its patch releases."""
    if version.count(".") == 1:
        return any(allows(requires_python, f"{version}.{patch}") for patch in (0, 99))
    actual = _numbers(version)
    return all(
        _clause_allows(operator, _numbers(bound), actual, wildcard=bound.endswith("*"))
        for operator, bound in re.findall(r"(~=|==|!=|<=|>=|<|>)\s*([\d.]+\*?)", requires_python)
    )


def _clause_allows(operator: str, bound: tuple[int, ...], actual: tuple[int, ...], *, wildcard: bool) -> bool:
    same = actual[: len(bound)] == bound if wildcard else actual == bound + (0,) * (len(actual) - len(bound))
    match operator:
        case "==":
            return same
        case "!=":
            return not same
        case "~=":
            return actual >= bound and actual[: len(bound) - 1] == bound[:-1]
        case ">=":
            return actual >= bound
        case "<=":
            return actual <= bound or same
        case ">":
            return actual > bound and not same
        case _:
            return actual < bound


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


# --- uv.lock -------------------------------------------------------------------------------------------


def _of_lock(lock: Path, python: str) -> Requirements:
    entry = lock.parent
    if not (entry / "pyproject.toml").is_file():
        raise InvalidPropsError(
            f"entry has a uv.lock without the pyproject.toml that it was made from ({entry}). Add that file."
        )
    required = str(toml(lock).get("requires-python", ""))
    if not allows(required, python):
        raise InvalidPropsError(
            f"uv.lock requires Python {required}, but the function runs on {python} ({entry}). Change runtime, "
            f"or requires-python in pyproject.toml. (The local cloud runs functions on the Python of the app.)"
        )
    return Requirements(lock, (lock, *_settings_of_uv(entry)))


def _settings_of_uv(entry: Path) -> tuple[Path, ...]:
    return tuple(path for name in ("pyproject.toml", "uv.toml") if (path := entry / name).is_file())


def changed_since(lock: Path) -> list[str]:
    """The dependencies that differ between a lock and its `pyproject.toml`, as far as text can tell.

    uv itself finds out more, and needs a Python that the project allows; this needs none. Markers, extras and
    versions with letters are not compared.
    """
    project = toml(lock.with_name("pyproject.toml")).get("project", {})
    if "dependencies" in project.get("dynamic", ()):
        return []
    locked = {
        (_normalized(one["name"]), _bounds(one.get("specifier", "")))
        for package in toml(lock).get("package", ())
        if {"virtual": ".", "editable": "."}.items() & package.get("source", {}).items()
        for one in package.get("metadata", {}).get("requires-dist", ())
        if "extra ==" not in one.get("marker", "")
    }
    wanted = set(map(_name_and_bounds, project.get("dependencies", ())))
    return sorted({name for name, _ in wanted ^ locked})


def _name_and_bounds(requirement: str) -> tuple[str, frozenset[tuple[str, str]]]:
    name = re.match(r"[\w.-]+", requirement.strip())
    plain = requirement.partition(";")[0].partition("@")[0]
    return _normalized(name[0] if name else requirement), _bounds(plain)


def _bounds(specifier: str) -> frozenset[tuple[str, str]]:
    return frozenset(re.findall(r"(~=|==|!=|<=|>=|<|>)\s*([\d.*]+)(?![\w.*])", specifier))


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


# --- requirements.txt ----------------------------------------------------------------------------------


def _included(file: Path, constraints: bool = False, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """A requirements file and all that it includes, each one checked."""
    yield file
    for line in _lines(file):
        option = _OPTION.match(line)
        if option is None:
            if not constraints:
                _check(file, line)
            continue
        if "://" in option["file"]:
            raise InvalidPropsError(
                f"{file} includes {option['file']!r}, which may change without notice. Copy it into entry."
            )
        other = file.parent / option["file"].strip("'\"")
        if not other.is_file():
            raise InvalidPropsError(f"{file} includes {option['file']!r}, and there is no {other}.")
        if other.resolve() not in above:
            is_constraint = constraints or line.startswith(("-c", "--constraint"))
            yield from _included(other, is_constraint, (*above, file.resolve(), other.resolve()))


def _lines(file: Path) -> Iterator[str]:
    text = file.read_text(encoding="utf-8-sig", errors="replace").replace("\\\n", " ")
    for line in text.splitlines():
        if found := re.sub(r"(^|\s)#.*", "", line).strip():
            yield found


def _check(file: Path, line: str) -> None:
    requirement = line.partition("--hash")[0].strip()
    if line.startswith(_LOCAL) or _DIRECT.match(requirement):
        raise InvalidPropsError(f"{file} has {requirement!r}. {ONLY_WHEELS}")
    if line.startswith("-"):
        return
    name = _normalized(re.split(r"[^\w.-]", requirement, maxsplit=1)[0])
    check_not_this_library(file, name)
    if "--hash=" not in line:
        raise InvalidPropsError(
            f"{file} has no hash for {requirement.split(';')[0].strip()!r}. Write it with "
            f"'uv pip compile --generate-hashes --python-version X.Y requirements.in -o {file.name}', "
            f"where X.Y is the runtime's version, or use uv.lock."
        )


ONLY_WHEELS = (
    "It is not a wheel of an index, and only wheels can be packaged the same way everywhere. Publish a wheel of "
    "it to an index; or build one into entry (uv build --wheel --out-dir wheels) and depend on that file in "
    "pyproject.toml: [tool.uv.sources] name = { path = 'wheels/name-1.0-py3-none-any.whl' }; or link or copy "
    "the code into entry."
)


def check_not_this_library(file: Path, name: str) -> None:
    """Refuse a function that would install this library: it brings the whole CDK.

    Raises:
        InvalidPropsError: `name` is this library.
    """
    if name == "constructs-lib":
        raise InvalidPropsError(
            f"{file} installs constructs-lib, and with it the CDK: more than Lambda takes. Pass "
            f"include_runtime=True, which puts constructs_lib.runtime into the package, and remove "
            f"constructs-lib from the function's dependencies; for its tests, it may be in a group such as dev."
        )


# --- everything else -----------------------------------------------------------------------------------


def _refuse_other_forms(entry: Path, module: str | None, python: str, exclude: Sequence[str]) -> None:
    """Refuse dependencies that would not be installed."""

    def is_excluded(name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in exclude)

    project_file = entry / "pyproject.toml"
    project = toml(project_file) if project_file.is_file() and not is_excluded("pyproject.toml") else {}
    has_dependencies = bool(project.get("project", {}).get("dependencies"))
    if has_dependencies:
        _refuse_workspace_member(entry, project["project"].get("name"))
    for name, command in _FOREIGN.items():
        file = entry / name
        if file.is_file() and not is_excluded(name) and (file.suffix != ".in" or any(_lines(file))):
            raise _not_read(entry, name, f"run '{command.format(python=python)}' there")
    if has_dependencies:
        raise InvalidPropsError(
            f"entry has dependencies in pyproject.toml but no uv.lock ({entry}): run 'uv lock' there."
        )
    if "dependencies" in project.get("project", {}).get("dynamic", ()):
        raise _not_read(entry, "pyproject.toml", "run 'uv lock' there")
    if set(project.get("tool", {}).get("poetry", {}).get("dependencies", ())) - {"python"}:
        raise _not_read(entry, "pyproject.toml", f"run 'poetry lock && {_FOREIGN['poetry.lock']}' there")
    for name in ("setup.py", "setup.cfg"):
        if (entry / name).is_file() and not is_excluded(name) and "install_requires" in _text(entry / name):
            raise _not_read(entry, name, "move them to [project] of pyproject.toml, and run 'uv lock' there")
    if (entry / "requirements").is_dir() and not is_excluded("requirements"):
        for file in sorted((entry / "requirements").glob("*.txt")):
            name = file.relative_to(entry).as_posix()
            if not is_excluded(name):
                raise _not_read(entry, name, f"write a requirements.txt with the line '-r {name}'")
    if module is not None:
        _refuse_beside_the_handler(entry, module)


def _not_read(entry: Path, name: str, way_out: str) -> InvalidPropsError:
    return InvalidPropsError(
        f"entry declares dependencies in {name} ({entry}), and only a uv.lock or a hashed requirements.txt is "
        f"installed: {way_out}, and again after each change; or pass exclude=[{name!r}] if the function needs "
        f"none of them."
    )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _refuse_workspace_member(entry: Path, name: str | None) -> None:
    """Refuse a member of a uv workspace: its lock is the one of the workspace, which is not read yet."""
    root = next((folder for folder in entry.parents if _has_member(folder, entry)), None)
    if root is None:
        return
    member = entry.relative_to(root).as_posix()
    raise InvalidPropsError(
        f"entry is a member of the uv workspace in {root}, and has no uv.lock of its own ({entry}). Members "
        f"are not supported yet. Until then, write its requirements next to the handler, and again after each "
        f"change of the lock:\n  uv export --package {name} --no-default-groups --no-emit-workspace "
        f"--format requirements-txt --output-file {member}/requirements.txt\nin {root}. Code of other members "
        f"is not among them: link or copy it into entry."
    )


def _has_member(root: Path, entry: Path) -> bool:
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False
    workspace = project.get("tool", {}).get("uv", {}).get("workspace", {})

    def is_one_of(patterns: Sequence[str]) -> bool:
        return any(entry in root.glob(pattern) for pattern in patterns)

    return is_one_of(workspace.get("members", ())) and not is_one_of(workspace.get("exclude", ()))


def _refuse_beside_the_handler(entry: Path, module: str) -> None:
    """Refuse dependencies that are declared in the handler's file, or in a folder between it and the entry."""
    parts = re.split(r"[./]", module)
    for depth in range(1, len(parts)):
        folder = entry.joinpath(*parts[:depth])
        if name := next((name for name in _LOCKS if (folder / name).is_file()), None):
            raise InvalidPropsError(
                f"handler is in {folder}, which has a {name}, and only one at the top of entry ({entry}) is "
                f"installed. Pass entry={str(folder)!r} and a handler that starts there, or move the file."
            )
    file = entry.joinpath(*parts).with_suffix(".py")
    script = _SCRIPT.search(_text(file)) if file.is_file() else None
    if script is None:
        return
    lines = (line.removeprefix("#").removeprefix(" ") for line in script["toml"].splitlines())
    try:
        dependencies = tomllib.loads("\n".join(lines)).get("dependencies")
    except tomllib.TOMLDecodeError:
        return
    if dependencies:
        raise InvalidPropsError(
            f"handler is in {file}, which declares dependencies for itself alone (# /// script), and only a "
            f"uv.lock or a hashed requirements.txt is installed: run 'uv export --script {file.name} --format "
            f"requirements-txt --output-file requirements.txt' there, and again after each change."
        )
