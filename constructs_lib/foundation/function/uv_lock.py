"""Reads a uv.lock: which of its packages a project reaches, and whether it still fits the projects that it locks.

One lock may serve a whole workspace. A function depends on its own share of it alone, so that a change rebuilds the
functions that reach what was changed, and no other.
"""

import glob
import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation.function import local_project
from constructs_lib.foundation.function.local_project import LocalProject
from constructs_lib.foundation.function.requirements import Requirements, Selection

_LOCAL = ("editable", "directory", "virtual")
"""The kinds of source that are a folder on this machine, with its path from the lock."""


def requirements_of(
    lock: Path, project: Path, python: str, selection: Selection, *, with_project: bool
) -> Requirements | None:
    """Read what a project requires by its lock.

    Args:
        lock: The `uv.lock`.
        project: The folder of the project: that of the lock, or a member of its workspace.
        python: Minor version of the runtime.
        selection: Extras and groups of the project; patterns for the files of others.
        with_project: Whether the project itself is to be installed too, if it is a package.

    Returns:
        Its requirements; None if it has none.

    Raises:
        InvalidPropsError: The lock does not know the project, an extra or a group; or requires another Python; or a
            project that is required is not there.
    """
    if not (project / "pyproject.toml").is_file():
        raise InvalidPropsError(
            f"entry has a uv.lock without the pyproject.toml that it was made from ({project}). Add that file."
        )
    content = read(lock)
    required = str(content.get("requires-python", ""))
    if not allows(required, python):
        raise InvalidPropsError(
            f"uv.lock requires Python {required}, but the function runs on {python} ({lock.parent}). Change runtime, "
            f"or requires-python in pyproject.toml. (The local cloud runs functions on the Python of the app.)"
        )
    _check_selection(project, selection)
    graph = _Graph(lock, content)
    root = graph.package_in(project)
    if root is None:
        if lock.parent == project and not _declared(project):
            return None
        raise InvalidPropsError(
            f"{lock} has no project in {project}: run 'uv lock' in {lock.parent}, and again after each change."
        )
    reached = list(graph.reached(root, selection))
    local = list(graph.local_projects(reached if with_project else reached[1:], selection))
    is_needed = len(reached) > 1 or local or _declared(project) or selection.extras or selection.groups
    if not is_needed:
        return None
    return Requirements(
        file=lock,
        project=project,
        inputs=settings_in(project),
        locked=json.dumps(sorted((_facts(*one) for one in reached), key=_by_name), sort_keys=True),
        local=tuple(sorted(local, key=lambda one: one.name)),
        options=(
            *(part for extra in selection.extras for part in ("--extra", extra)),
            *(part for group in selection.groups for part in ("--group", group)),
            *(() if with_project else ("--no-emit-project",)),
        ),
    )


def settings_in(folder: Path) -> tuple[Path, ...]:
    """The files of a project that uv reads its settings from."""
    return tuple(path for name in ("pyproject.toml", "uv.toml") if (path := folder / name).is_file())


def workspace_of(folder: Path) -> Path | None:
    """The root of the uv workspace that a folder is a member of, above it; None if there is none."""
    return next((above for above in folder.parents if folder in members_of(above)), None)


def members_of(root: Path) -> Sequence[Path]:
    """The folders of the members of a workspace, without its root; none if it is not the root of one.

    Many functions of a workspace ask: they are looked for once for each version of its project and its lock.
    """
    return _members_of(root, *(_version(root / name) for name in ("pyproject.toml", "uv.lock")))


def _version(file: Path) -> tuple[int, int] | None:
    try:
        state = file.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size


@lru_cache(maxsize=64)
def _members_of(root: Path, *_versions: tuple[int, int] | None) -> Sequence[Path]:
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
        workspace = project.get("tool", {}).get("uv", {}).get("workspace", {})
        left_out = {place for pattern in workspace.get("exclude", ()) for place in root.glob(pattern)}
        found = [place for pattern in workspace.get("members", ()) for place in root.glob(pattern)]
    except (OSError, ValueError, TypeError, AttributeError, NotImplementedError):
        return ()  # not TOML, or not what uv reads, which tells it better
    return tuple(place for place in found if place not in left_out and (place / "pyproject.toml").is_file())


def below(folder: Path, members: Iterable[Path]) -> tuple[str, ...]:
    """Patterns for the members of a workspace that are below a folder: they are not part of it."""
    places = (member.relative_to(folder) for member in members if folder in member.parents)
    return tuple(glob.escape(place.as_posix()) for place in places)


def names_of_members(lock: Path) -> list[str]:
    """The names of the projects of a workspace."""
    return list(read(lock).get("manifest", {}).get("members", ()))


def toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        InvalidPropsError: It is not valid.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidPropsError(f"{path} cannot be read: {error}.") from None


def read(lock: Path) -> Mapping[str, Any]:
    """Read a lock, which many functions of a workspace share, once for each of its versions.

    Raises:
        InvalidPropsError: It is not valid.
    """
    return _read(lock, _version(lock))


@lru_cache(maxsize=16)
def _read(lock: Path, _state: tuple[int, int] | None) -> Mapping[str, Any]:
    return toml(lock)


def normalized(name: str) -> str:
    """The name of a distribution, extra or group as a lock writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


# --- what a project reaches ----------------------------------------------------------------------------

_Package = Mapping[str, Any]
_Reached = tuple[_Package, list[str], list[str]]


class _Graph:
    """The packages of a lock, and what each of them requires."""

    def __init__(self, lock: Path, content: Mapping[str, Any]) -> None:
        self._lock = lock
        self._by_name: dict[str, list[_Package]] = {}
        for package in content.get("package", ()):
            self._by_name.setdefault(package["name"], []).append(package)

    def folder_of(self, package: _Package) -> Path | None:
        source = package.get("source", {})
        place = next((source[kind] for kind in _LOCAL if kind in source), None)
        return None if place is None else Path(os.path.normpath(self._lock.parent / place))

    def package_in(self, project: Path) -> _Package | None:
        packages = (package for named in self._by_name.values() for package in named)
        return next((package for package in packages if self.folder_of(package) == project), None)

    def reached(self, root: _Package, selection: Selection) -> Iterator[_Reached]:
        """What a project reaches, itself first, each with the extras and groups that are asked for.

        Markers are not evaluated: what they leave out for the target is not installed, though it counts here.
        """
        asked: dict[int, tuple[_Package, set[str]]] = {}
        groups = [normalized(group) for group in selection.groups]
        waiting = [(root, {normalized(extra) for extra in selection.extras})]
        while waiting:
            package, extras = waiting.pop()
            is_new = id(package) not in asked
            known = asked.setdefault(id(package), (package, set()))[1]
            if extras <= known and not is_new:
                continue
            known |= extras
            for one in _dependencies(package, known, groups if package is root else []):
                waiting += [(found, set(one.get("extra", ()))) for found in self._matching(one)]
        for package, extras in asked.values():
            yield package, sorted(extras), groups if package is root else []

    def _matching(self, dependency: _Package) -> Iterable[_Package]:
        return (
            package
            for package in self._by_name.get(dependency["name"], ())
            if dependency.get("version", package.get("version")) == package.get("version")
            and dependency.get("source", package.get("source")) == package.get("source")
        )

    def local_projects(self, reached: list[_Reached], selection: Selection) -> Iterator[LocalProject]:
        """The projects on this machine among what is reached."""
        members = members_of(self._lock.parent)
        for package, _, _ in reached:
            folder = self.folder_of(package)
            if folder is None or "virtual" in package["source"]:
                continue  # of a virtual project the dependencies alone are installed
            place = Path(os.path.relpath(folder, self._lock.parent))
            yield local_project.find(
                package["name"],
                folder,
                place,
                _below(place, selection.include),
                (*_below(place, selection.exclude), *below(folder, members)),
            )


def _below(place: Path, patterns: Iterable[str]) -> tuple[str, ...]:
    """Patterns that start at the lock, for a folder from which they start."""
    split = [pattern.split("/") for pattern in patterns]
    depth = len(place.parts)
    return tuple(
        "/".join(parts[depth:])
        for parts in split
        if len(parts) > depth and all(map(fnmatchcase, place.parts, parts))
    )


def _dependencies(package: _Package, extras: Iterable[str], groups: Iterable[str]) -> Iterator[_Package]:
    yield from package.get("dependencies", ())
    for extra in extras:
        yield from package.get("optional-dependencies", {}).get(extra, ())
    for group in groups:
        yield from package.get("dev-dependencies", {}).get(group, ())


def _facts(package: _Package, extras: list[str], groups: list[str]) -> dict[str, Any]:
    """What decides which files a package brings: hashes, not the address of the index that serves them."""
    source = package.get("source", {})
    is_local = any(kind in source for kind in _LOCAL)
    return {
        "name": package["name"],
        "version": None if is_local else package.get("version"),
        "git": source.get("git"),
        "files": sorted(
            file.get("hash") or file.get("url") or file.get("path") or file.get("filename", "")
            for file in (*package.get("wheels", ()), *filter(None, [package.get("sdist")]))
        ),
        "dependencies": [_edge(one) for one in _dependencies(package, extras, groups)],
    }


def _by_name(facts: Mapping[str, Any]) -> tuple[str, str]:
    return facts["name"], str(facts["version"])


def _edge(dependency: _Package) -> list[object]:
    return [
        dependency["name"],
        dependency.get("version"),
        sorted(dependency.get("extra", ())),
        dependency.get("marker"),
    ]


# --- whether it fits -----------------------------------------------------------------------------------


def _declared(project: Path) -> bool:
    """Whether a project declares dependencies of its own, as far as its text tells."""
    table = toml(project / "pyproject.toml").get("project", {})
    return bool(table.get("dependencies")) or "dependencies" in table.get("dynamic", ())


def _check_selection(project: Path, selection: Selection) -> None:
    content = toml(project / "pyproject.toml")
    table = content.get("project", {})
    extras = (
        {} if "optional-dependencies" in table.get("dynamic", ()) else table.get("optional-dependencies", {})
    )
    for argument, asked, known in (
        ("extras", selection.extras, extras),
        ("dependency_groups", selection.groups, content.get("dependency-groups", {})),
    ):
        names = {normalized(name) for name in known}
        for name in asked:
            if normalized(name) not in names:
                there = f"it has {', '.join(sorted(known))}" if known else "it has none"
                raise InvalidPropsError(
                    f"{argument} has {name!r}, which {project / 'pyproject.toml'} does not define: {there}."
                )


def changed_since(lock: Path, requirements: Requirements) -> list[str]:
    """The dependencies that differ between a lock and the projects that it locks, as far as text can tell.

    uv itself finds out more, and needs a Python that the project allows; this needs none. Markers, extras and
    versions with letters are not compared.
    """
    graph = _Graph(lock, read(lock))
    changed: set[str] = set()
    for folder in (requirements.project, *(project.folder for project in requirements.local)):
        package = graph.package_in(folder)
        if package is None or not (folder / "pyproject.toml").is_file():
            continue
        table = toml(folder / "pyproject.toml").get("project", {})
        if "dependencies" in table.get("dynamic", ()):
            continue
        locked = {
            (normalized(one["name"]), _bounds(one.get("specifier", "")))
            for one in package.get("metadata", {}).get("requires-dist", ())
            if "extra ==" not in one.get("marker", "")
        }
        wanted = set(map(_name_and_bounds, table.get("dependencies", ())))
        changed |= {name for name, _ in wanted ^ locked}
    return sorted(changed)


def _name_and_bounds(requirement: str) -> tuple[str, frozenset[tuple[str, str]]]:
    name = re.match(r"[\w.-]+", requirement.strip())
    plain = requirement.partition(";")[0].partition("@")[0]
    return normalized(name[0] if name else requirement), _bounds(plain)


def _bounds(specifier: str) -> frozenset[tuple[str, str]]:
    return frozenset(re.findall(r"(~=|==|!=|<=|>=|<|>)\s*([\d.*]+)(?![\w.*])", specifier))


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
