"""Install what a lock file says, for the machine that Lambda runs: uv does it, its hashes hold it."""

import csv
import hashlib
import json
import re
import shutil
import tomllib
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation.function import interpreter, uv, uv_lock
from constructs_lib.foundation.function.requirements import Requirements, check_not_this_library

_NO_WHEEL = (
    "If a package has no wheel for that machine, choose another version or package, or another architecture; or "
    "build its wheel once, for that machine, and publish it to an index, or depend on the file of it."
)

_ONE_AFTER_THE_OTHER = {"UV_CONCURRENT_DOWNLOADS": "1", "UV_CONCURRENT_INSTALLS": "1"}


@dataclass(frozen=True)
class Target:
    """The machine that a package is made for.

    Attributes:
        python: Minor version of the runtime, such as `3.13`.
        platform: What uv calls the machine, such as `aarch64-manylinux_2_34`; None for this one.
    """

    python: str
    platform: str | None

    def __str__(self) -> str:
        return f"Python {self.python} on {self.platform or 'this machine'}"


@dataclass(frozen=True)
class Installation:
    """What was installed.

    Attributes:
        owners: Which file belongs to which distribution.
        local: Files that come from projects on this machine.
    """

    owners: dict[str, str]
    local: frozenset[str]


def install(
    package: Path, requirements: Requirements, target: Target, from_source: Iterable[str] = (), *, aside: Path
) -> Installation:
    """Install the target's wheels into a folder.

    Args:
        package: The folder, which exists.
        requirements: What to install.
        target: The machine to install for.
        from_source: Names of packages to build on this machine.
        aside: A folder for a file that is needed in between.

    Raises:
        InvalidPropsError: The lock does not fit its project, or has something other than wheels with hashes; or
            a package has no wheel for the target, or cannot be built; or uv is not there, or fails.
    """
    file = requirements.file
    sources = {uv_lock.normalized(name) for name in from_source}
    # A requirements.txt is installed from where it is: it may include other files.
    command = ["install", "--requirements", str(file)]
    require_hashes = ["--require-hashes"]
    if file.name == "uv.lock":
        listed = aside / "pylock.toml"
        text = _exported(requirements, target)
        packages = tomllib.loads(text).get("packages", ())
        _check(requirements, packages, sources)
        listed.write_text(_with_wheels(text, requirements, target), encoding="utf-8")
        # The versions are in there: unlike `install`, `sync` does not read the project's constraints once more.
        command = ["sync", str(listed), "--allow-empty-requirements"]
        if any("vcs" in one for one in packages):
            require_hashes = []  # a commit is its own hash; all others were checked to have one
    machine = ["--python-platform", target.platform] if target.platform else []
    built = [part for name in sorted(sources) for part in ("--no-binary", name)]
    arguments = [
        "pip", *command, "--target", str(package), "--python", str(interpreter.HOST.path),
        "--python-version", target.python, *machine, "--only-binary", ":all:", *built, *require_hashes,
        "--link-mode", "copy", "--no-compile-bytecode", "--no-installer-metadata", "--quiet",
    ]  # fmt: skip
    failure = f"{file.name} in {file.parent} cannot be packaged for {target}"
    uv.run(arguments, cwd=requirements.project, failure=failure, way_out=_NO_WHEEL)
    if _has_rivals(package):
        # uv installs at the same time, and the last to write a file wins. From its cache, its order is always the same.
        shutil.rmtree(package)
        package.mkdir()
        uv.run(
            arguments,
            cwd=requirements.project,
            failure=failure,
            way_out=_NO_WHEEL,
            environment=_ONE_AFTER_THE_OTHER,
        )
    local = {uv_lock.normalized(project.name) for project in requirements.local}
    if target.platform:
        _check_pure(package, sources)
    return _tidied(package, local, sources)


def _exported(requirements: Requirements, target: Target) -> str:
    """What a function needs of its lock as a pylock.toml, which keeps the index of each package."""
    lock = requirements.file
    judge = _python_that_the_project_allows(lock, target)
    if judge is None and (changed := uv_lock.changed_since(lock, requirements)):
        raise InvalidPropsError(
            f"uv.lock in {lock.parent} does not fit its pyproject.toml, which has other requirements for "
            f"{' and '.join(changed)}: run 'uv lock' there."
        )
    text = uv.run(
        ["export", "--locked" if judge else "--frozen", "--python", str(judge or interpreter.HOST.path),
         "--no-default-groups", *requirements.options, "--no-header",
         "--format", "pylock.toml", "--quiet"],
        cwd=requirements.project,
        failure=f"uv.lock in {lock.parent} cannot be used",
    )  # fmt: skip
    # uv would compare this with the Python that installs, and not with the target's.
    return re.sub(r"^requires-python = .*\n", "", text, count=1, flags=re.MULTILINE)


def _with_wheels(text: str, requirements: Requirements, target: Target) -> str:
    """A pylock.toml in which the wheel of each local project is in the place of its folder.

    A relative path starts at the file that it is in, which is written elsewhere than where uv was run.
    """
    projects = {project.folder.resolve(): project for project in requirements.local}

    def wheel(line: re.Match[str]) -> str:
        folder = (requirements.project / json.loads(line["path"])).resolve()
        built = projects[folder].wheel(for_this_machine=target.platform is None, cwd=requirements.file.parent)
        sha256 = hashlib.sha256(built.read_bytes()).hexdigest()
        return f'archive = {{ path = {_quoted(built)}, hashes = {{ sha256 = "{sha256}" }} }}'

    text = re.sub(
        r'^archive = \{ path = "(?=[^/])',
        lambda start: f"{start[0]}{_quoted(requirements.project)[1:-1]}/",
        text,
        flags=re.MULTILINE,
    )
    return re.sub(r'^directory = \{ path = (?P<path>"[^"]*").*\}$', wheel, text, flags=re.MULTILINE)


def _quoted(path: Path) -> str:
    """A path as TOML writes it; JSON's pairs of surrogates would not be TOML."""
    return json.dumps(path.as_posix(), ensure_ascii=False)


def _python_that_the_project_allows(lock: Path, target: Target) -> Path | None:
    """A Python by which uv can judge whether a lock is up to date; that it is here must not be required."""
    required = str(uv_lock.read(lock).get("requires-python", ""))
    if uv_lock.allows(required, interpreter.HOST.version):
        return interpreter.HOST.path
    found = interpreter.find(target.python)
    return found.path if found and uv_lock.allows(required, found.version) else None


def _check(requirements: Requirements, packages: Iterable[Mapping[str, Any]], sources: Set[str]) -> None:
    """Refuse what is not a wheel with a hash, unless it may be built here."""
    lock = requirements.file
    names = {str(package["name"]) for package in packages}
    if missing := sources - names:
        raise InvalidPropsError(
            f"build_from_source has {', '.join(sorted(missing))}, which nothing in {requirements.project} requires."
        )
    for package in packages:
        name = str(package["name"])
        check_not_this_library(lock, name)
        if name not in sources and "directory" not in package:
            _check_is_a_wheel(lock, package)
    _check_hashes(lock, names, sources)


def _check_is_a_wheel(lock: Path, package: Mapping[str, Any]) -> None:
    name, version = str(package["name"]), package.get("version", "")
    ways_out = (
        "Depend on a wheel: another version, another package, or one that you build once and publish to an index or "
        f"keep as a file. Or pass build_from_source=[{name!r}]: it is then built on each machine that synthesizes "
        "the app, by the newest build tools that are there, and must have no compiled code."
    )
    if place := package.get("vcs"):
        raise InvalidPropsError(f"{lock} has {name} from {place.get('url')}, which is source. {ways_out}")
    if place := package.get("archive"):
        where = str(place.get("path") or place.get("url"))
        if not where.endswith(".whl"):
            raise InvalidPropsError(f"{lock} has {name} from {where}, which is source. {ways_out}")
    elif not package.get("wheels") and "marker" not in package:
        raise InvalidPropsError(
            f"{lock} has {name} {version}, which is published as source alone. {ways_out}"
        )


def _check_hashes(lock: Path, names: Set[str], sources: Set[str]) -> None:
    """Look into the lock itself: uv may export the hashes of what is in its cache just now."""
    for package in uv_lock.read(lock).get("package", ()):
        name, source = package["name"], package.get("sdist")
        files = [source] if name in sources and source else package.get("wheels", ())
        if name in names and not all(file.get("hash") for file in files):
            raise InvalidPropsError(
                f"{lock} has no hash for {name}: its index gives none, so that nobody can tell whether "
                f"a file was changed. Serve the files from an index with hashes (PEP 503)."
            )


def _check_pure(package: Path, sources: Set[str]) -> None:
    """Refuse what was built here and has compiled code: it would not run there."""
    for info in package.glob("*.dist-info"):
        name = uv_lock.normalized(info.name.removesuffix(".dist-info").rpartition("-")[0])
        if name in sources and "-none-any" not in (info / "WHEEL").read_text():
            raise InvalidPropsError(
                f"build_from_source has {name}, which has compiled code: what is built on this machine does not run "
                f"on the function's. Build its wheel once for that machine, in AWS's container image for the runtime "
                f"for example (public.ecr.aws/sam/build-python), and depend on the wheel; or put it into a layer."
            )


def _has_rivals(package: Path) -> bool:
    """Whether two distributions have the same file with other content, such as a `tests/__init__.py`."""
    hashes: dict[str, str] = {}
    for record in package.glob("*.dist-info/RECORD"):
        with record.open(encoding="utf-8", newline="") as lines:
            for name, sha256, *_ in csv.reader(lines):
                if hashes.setdefault(name, sha256) != sha256:
                    return True
    return False


def _tidied(package: Path, local: Set[str], sources: Set[str]) -> Installation:
    """Delete what depends on this machine; keep metadata that code reads at run time."""
    owners: dict[str, str] = {}
    own: set[str] = set()
    for record in sorted(package.glob("*.dist-info/RECORD")):
        info = record.parent
        name = info.name.removesuffix(".dist-info").replace("-", " ")
        distribution = uv_lock.normalized(name.rpartition(" ")[0])
        with record.open(encoding="utf-8", newline="") as lines:
            files = [line[0] for line in csv.reader(lines)]
        record.unlink()
        if distribution in local | sources:
            _forget_backend(info, distribution)
        if distribution in local:
            plain = info.with_name(f"{distribution.replace('-', '_')}-{name.rpartition(' ')[2]}.dist-info")
            _keep_what_backends_agree_on(info)
            info.rename(plain)
            files = [file.replace(f"{info.name}/", f"{plain.name}/", 1) for file in files]
            own.update(files)
        owners |= dict.fromkeys(files, name)
    for script in list(package.glob("bin/*")):
        head = script.read_bytes()[:512] if script.is_file() else b""
        if head.startswith(b"#!") and b"python" in head:
            script.unlink()  # it names the Python of this machine
    if (package / "bin").is_dir() and not any((package / "bin").iterdir()):
        (package / "bin").rmdir()
    (package / ".lock").unlink(missing_ok=True)
    for cached in list(package.rglob("__pycache__")):
        shutil.rmtree(cached)
    return Installation(owners, frozenset(own))


_READ_AT_RUN_TIME = ("Version:", "Requires-Python:", "Requires-Dist:", "Provides-Extra:")
_KEPT = ("METADATA", "WHEEL", "entry_points.txt", "top_level.txt")


def _forget_backend(info: Path, name: str) -> None:
    """Keep of the metadata what code reads: the rest differs between releases of the backend that wrote it."""
    lines = (info / "METADATA").read_text(encoding="utf-8").partition("\n\n")[0].splitlines()
    kept = sorted(line for line in lines if line.startswith(_READ_AT_RUN_TIME))
    text = "\n".join(["Metadata-Version: 2.1", f"Name: {name}", *kept, ""])
    (info / "METADATA").write_text(text, encoding="utf-8")
    wheel = (info / "WHEEL").read_text().splitlines()
    kept = [line for line in wheel if line and not line.startswith("Generator:")]
    (info / "WHEEL").write_text("\n".join([*kept, ""]))


def _keep_what_backends_agree_on(info: Path) -> None:
    """Delete the licenses of the user's own project, which each release of a backend puts into another place."""
    for path in info.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in _KEPT:
            path.unlink()
