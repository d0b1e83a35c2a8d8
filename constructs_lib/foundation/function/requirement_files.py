"""What a function's folder says about its dependencies: one file that is read, or a form that is refused.

Nothing is installed here. Everything that decides what will be installed is named, so that it can be hashed.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation.function import uv_lock
from constructs_lib.foundation.function.requirements import (
    ONLY_WHEELS,
    Requirements,
    Selection,
    check_not_this_library,
)

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


def find(
    entry: Path, module: str | None, python: str, selection: Selection, *, with_project: bool = False
) -> Requirements | None:
    """Find the file that says what to install, or None if nothing is needed.

    Args:
        entry: The folder with the handler.
        module: The handler's module; None if it is not in the entry.
        python: Minor version of the runtime.
        selection: Extras and groups to install; a file of another tool that is excluded is not a reason to refuse.
        with_project: Whether the project itself is to be installed too, if it is a package.

    Raises:
        InvalidPropsError: Dependencies are declared in a form that is not read here, or in two, or without
            their hashes, or for a newer Python.
    """
    lock, requirements = (entry / name for name in _LOCKS)
    root = uv_lock.workspace_of(entry)
    if lock.is_file() and requirements.is_file():
        raise InvalidPropsError(
            f"entry has both uv.lock and requirements.txt ({entry}): delete one of them; only one can be used."
        )
    if requirements.is_file():
        if root is not None:
            raise InvalidPropsError(
                f"entry has a requirements.txt, and is a member of the uv workspace in {root} ({entry}): delete the "
                f"file, or exclude the folder from the workspace; only one lock can be used."
            )
        for name, asked in (("extras", selection.extras), ("dependency_groups", selection.groups)):
            if asked:
                raise InvalidPropsError(
                    f"{name} requires a uv.lock, and entry has a requirements.txt ({entry})."
                )
        included = tuple(dict.fromkeys(_included(requirements)))
        return Requirements(requirements, entry, (*included, *uv_lock.settings_in(entry)))
    if root is not None:
        if lock.is_file():
            raise InvalidPropsError(
                f"entry is a member of the uv workspace in {root}, and has a uv.lock of its own, which uv does not "
                f"read ({entry}): delete it."
            )
        lock = root / "uv.lock"
        if not lock.is_file():
            raise InvalidPropsError(
                f"entry is a member of the uv workspace in {root}, which has no uv.lock: run 'uv lock' there."
            )
    if lock.is_file():
        return uv_lock.requirements_of(lock, entry, python, selection, with_project=with_project)
    _refuse_other_forms(entry, module, python, selection.exclude)
    for name, asked in (("extras", selection.extras), ("dependency_groups", selection.groups)):
        if asked:
            raise InvalidPropsError(f"{name} requires a uv.lock, and there is none in entry ({entry}).")
    return None


def above(entry: Path) -> Path | None:
    """A lock or requirements file in a folder above an entry, in the same git work tree; for a hint."""
    for folder in entry.resolve().parents:
        if found := next((folder / name for name in (*_LOCKS, *_FOREIGN) if (folder / name).is_file()), None):
            return found
        if (folder / ".git").exists():
            return None
    return None


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
    name = uv_lock.normalized(re.split(r"[^\w.-]", requirement, maxsplit=1)[0])
    check_not_this_library(file, name)
    if "--hash=" not in line:
        raise InvalidPropsError(
            f"{file} has no hash for {requirement.split(';')[0].strip()!r}. Write it with "
            f"'uv pip compile --generate-hashes --python-version X.Y requirements.in -o {file.name}', "
            f"where X.Y is the runtime's version, or use uv.lock."
        )


# --- everything else -----------------------------------------------------------------------------------


def _refuse_other_forms(entry: Path, module: str | None, python: str, exclude: Sequence[str]) -> None:
    """Refuse dependencies that would not be installed."""

    def is_excluded(name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in exclude)

    project_file = entry / "pyproject.toml"
    project = (
        uv_lock.toml(project_file) if project_file.is_file() and not is_excluded("pyproject.toml") else {}
    )
    has_dependencies = bool(project.get("project", {}).get("dependencies"))
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
