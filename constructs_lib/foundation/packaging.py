"""From a folder with a lock file to the folder that Lambda unzips, without Docker.

uv installs what the lock file says, for the machine that Lambda runs and not for this one. The result is the
same, byte for byte, wherever it is built, and it is kept under a hash of everything that went into it: an
unchanged function packages nothing.
"""

import ast
import hashlib
import importlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from constructs_lib import _defaults
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation.interpreter import Interpreter

_FORMAT = "1"
"""Raised whenever the same input would give other bytes than before."""

_NEVER_PACKAGED = (
    "__pycache__", "*.pyc", ".git", ".venv", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".DS_Store",
)  # fmt: skip
_NOT_AT_RUN_TIME = ("tests", "pyproject.toml", "uv.lock", "requirements.txt")
"""Beside the handler, yet of no use in /var/task."""

_OWN_CODE = "(your own code)"
_RUNTIME = Path(__file__).parents[1] / "runtime"
_RUNTIME_PLACE = Path("constructs_lib/runtime")
_UNUSED_SECONDS = 30 * 24 * 3600


@dataclass(frozen=True)
class Target:
    """The machine that a package is made for.

    Attributes:
        python: Minor version of the runtime, such as `3.13`.
        platform: What uv calls the machine, such as `aarch64-manylinux_2_34`; None for this one.
    """

    python: str
    platform: str | None


@dataclass(frozen=True)
class Package:
    """A folder that is ready for Lambda.

    Attributes:
        path: The folder.
        asset_hash: Of everything that went into it; names this content and no other.
        unzipped_bytes: Size of all its files.
        zipped_bytes: Size as a deflated archive, to within a few per cent; the unzipped size where that is
            below the limit anyway.
        sizes: Bytes by distribution, your own code under a name of its own.
    """

    path: Path
    asset_hash: str
    unzipped_bytes: int
    zipped_bytes: int
    sizes: Mapping[str, int]

    def largest(self, count: int = 10) -> str:
        """Name the largest distributions.

        Args:
            count: How many.

        Returns:
            One line each, the largest first.
        """
        rows = sorted(self.sizes.items(), key=lambda item: (-item[1], item[0]))[:count]
        return "\n".join(f"  {size / 1024 / 1024:8.1f} MB  {name}" for name, size in rows)


def check_handler(entry: Path, handler: str, *, target: Target) -> None:
    """Find out now what Lambda would say at the first invocation.

    Args:
        entry: The folder with the handler's file.
        handler: As Lambda writes it: `module.function`, folders with `/` or `.`.
        target: For its Python version: only a syntax that this Python can read is judged.

    Raises:
        InvalidPropsError: The folder, the file or the function does not exist, or the file is no Python.
    """
    if not entry.is_dir():
        start = (
            ""
            if entry.is_absolute()
            else f": a relative path starts at the current directory, {Path.cwd()}. Write "
            f"Path(__file__).parent / {str(entry)!r} for one beside your own file"
        )
        raise InvalidPropsError(f"entry must be a folder, got {str(entry)!r}, which is not one{start}.")
    module, dot, function = handler.rpartition(".")
    if not (dot and function.isidentifier() and all(part for part in re.split(r"[./]", module))):
        raise InvalidPropsError(f"handler must be 'module.function', got {handler!r}.")
    stem = entry.joinpath(*re.split(r"[./]", module))
    source = next((f for f in (stem.with_name(f"{stem.name}.py"), stem / "__init__.py") if f.is_file()), None)
    if source is None:
        modules = [path.stem for path in sorted(entry.glob("*.py"))]
        raise InvalidPropsError(
            f"handler names the module {module!r}, but {entry} has no {module}.py"
            f"{_did_you_mean(module, modules)}"
        )
    try:
        tree = ast.parse(source.read_bytes(), filename=str(source))
    except SyntaxError as error:
        if sys.version_info[:2] < _minor(target.python):
            return  # newer syntax than this Python reads
        raise InvalidPropsError(
            f"handler is in {source}, which is not valid Python: {error.msg} (line {error.lineno})."
        ) from None
    names, star = _top_level_names(tree.body)
    if function not in names and not star:
        raise InvalidPropsError(
            f"handler names the function {function!r}, but {source} defines no such name"
            f"{_did_you_mean(function, sorted(names))}"
        )


def has_requirements(entry: Path) -> bool:
    """Whether a lock file or requirements lie beside the handler.

    Args:
        entry: The folder with the handler.

    Returns:
        True if so.
    """
    return any((entry / name).is_file() for name in ("uv.lock", "requirements.txt"))


def build(
    entry: Path,
    target: Target,
    *,
    interpreter: Interpreter | None = None,
    exclude: Iterable[str] = (),
    include_runtime: bool = False,
) -> Package:
    """Package a folder for Lambda, or hand out the package that was made of the same input before.

    Args:
        entry: The folder with the handler, and `uv.lock` or a hashed `requirements.txt` beside it if it needs
            anything.
        target: The machine to package for.
        interpreter: Compiles bytecode; of the target's minor version. None: no bytecode.
        exclude: Glob patterns of files or folders of `entry` to leave out.
        include_runtime: Put `constructs_lib.runtime` in, and nothing else of the library.

    Returns:
        The package, in the cache.

    Raises:
        InvalidPropsError: The requirements contradict themselves or each other, are not hashed, or have no
            wheel for the target; or uv is needed and not there; or a file imports this library, and the
            package has none of it.
    """
    entry = entry.resolve()
    files = list(_files(entry, tuple(exclude)))
    for file in files:
        if not (entry / file).is_file() or not os.access(entry / file, os.R_OK):
            raise InvalidPropsError(
                f"entry has {file}, which cannot be read ({entry}): a broken link? Mend it, or pass exclude."
            )
    runtime = list(_files(_RUNTIME, ())) if include_runtime else []
    if runtime and any((entry / name).exists() for name in ("constructs_lib", "constructs_lib.py")):
        raise InvalidPropsError(
            f"include_runtime=True puts a folder constructs_lib into the package, and entry has its own "
            f"({entry}): imports would find one of them alone. Rename it."
        )
    requirements = _requirement_source(entry, target)
    asset_hash = _hash(entry, files, runtime, requirements, target, interpreter)
    home = _cache() / asset_hash
    if not (home / "package.json").is_file():
        _forget_unused()
        _make(home, entry, files, runtime, requirements, target, interpreter)
    os.utime(home)
    if not any((home / "package" / name).exists() for name in ("constructs_lib", "constructs_lib.py")):
        _check_imports(entry, files)
    facts = json.loads((home / "package.json").read_text())
    return Package(
        path=home / "package",
        asset_hash=asset_hash,
        unzipped_bytes=facts["unzipped_bytes"],
        zipped_bytes=facts["zipped_bytes"],
        sizes=facts["sizes"],
    )


def check_size(package: Package, *, layers_bytes: int, max_zipped_mb: float) -> None:
    """Refuse a package that Lambda would refuse for its size.

    Args:
        package: What was built.
        layers_bytes: Unzipped size of the function's layers, as far as it is known.
        max_zipped_mb: The largest archive to accept.

    Raises:
        InvalidPropsError: One of the limits is passed; the message names the ten largest distributions.
    """
    mb = 1024 * 1024
    total = package.unzipped_bytes + layers_bytes
    if total > _defaults.PACKAGE_UNZIPPED_BYTES_MAX:
        with_layers = f" (of which layers: {layers_bytes / mb:.1f} MB)" if layers_bytes else ""
        raise InvalidPropsError(
            f"entry packages to {total / mb:.1f} MB unzipped{with_layers}; Lambda takes at most "
            f"{_defaults.PACKAGE_UNZIPPED_BYTES_MAX // mb} MB, layers included. Leave out what the handler "
            f"does not import, or use a container image. Largest:\n{package.largest()}\n"
            f"See {_defaults.LAMBDA_QUOTAS}"
        )
    if package.zipped_bytes > max_zipped_mb * mb:
        raise InvalidPropsError(
            f"entry packages to {package.zipped_bytes / mb:.1f} MB zipped; the limit is {max_zipped_mb:g} MB. "
            f"Leave out what the handler does not import; or, since the CDK uploads through S3, where Lambda "
            f"holds only the unzipped size, pass a larger max_zipped_mb. Largest:\n{package.largest()}\n"
            f"See {_defaults.LAMBDA_QUOTAS}"
        )


def folder_or_archive_bytes(path: Path) -> int:
    """Measure what a layer's asset is unzipped.

    Args:
        path: A folder, or a zip archive.

    Returns:
        Bytes.
    """
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    from zipfile import ZipFile  # only for layers that come as an archive

    with ZipFile(path) as archive:
        return sum(info.file_size for info in archive.infolist())


# --- the handler ---------------------------------------------------------------------------------------


def _top_level_names(body: Iterable[ast.stmt]) -> tuple[set[str], bool]:
    """Names that a module defines, also inside `if` and `try`; and whether a star import may add more."""
    names: set[str] = set()
    star = False
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names.update(alias.asname or alias.name.partition(".")[0] for alias in aliases)
                star = star or any(alias.name == "*" for alias in aliases)
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                bound = (
                    n for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
                )
                names.update(n.id for n in bound if not _inside_comprehension(n, node))
            case ast.If() | ast.Try() | ast.With() | ast.For() | ast.While():
                for part in ("body", "orelse", "finalbody"):
                    inner, inner_star = _top_level_names(getattr(node, part, []))
                    names |= inner
                    star = star or inner_star
                for handler in getattr(node, "handlers", []):
                    inner, inner_star = _top_level_names(handler.body)
                    names |= inner
                    star = star or inner_star
    return names, star


def _inside_comprehension(name: ast.Name, statement: ast.AST) -> bool:
    scopes = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)
    return any(name in ast.walk(scope) for scope in ast.walk(statement) if isinstance(scope, scopes))


def _did_you_mean(word: str, known: list[str]) -> str:
    near = get_close_matches(word, known, n=1)
    if near:
        return f". Did you mean {near[0]!r}?"
    return f" (there are: {', '.join(known)})." if known else "."


def _minor(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


# --- what goes in --------------------------------------------------------------------------------------


def _files(entry: Path, exclude: tuple[str, ...]) -> Iterator[Path]:
    """Files of the entry in a fixed order, relative to it."""
    for folder, folders, names in os.walk(entry, followlinks=True):
        here = Path(folder).relative_to(entry)
        folders[:] = sorted(name for name in folders if not _left_out(here / name, exclude))
        yield from (here / name for name in sorted(names) if not _left_out(here / name, exclude))


def _left_out(path: Path, exclude: tuple[str, ...]) -> bool:
    return (
        any(fnmatch(path.name, pattern) for pattern in _NEVER_PACKAGED)
        or (len(path.parts) == 1 and path.name in _NOT_AT_RUN_TIME)
        or any(fnmatch(path.as_posix(), pattern) for pattern in exclude)
    )


def _check_imports(entry: Path, files: Iterable[Path]) -> None:
    """Refuse files that import this library, for a package that has none of it."""
    for file in files:
        if file.suffix != ".py" or b"constructs_lib" not in (source := (entry / file).read_bytes()):
            continue
        try:
            tree = ast.parse(source, filename=str(file))
        except (SyntaxError, ValueError):
            continue  # a template, or newer syntax than this Python reads
        imported = _imports_at_run_time(tree)
        leave_out = f"exclude=[{file.as_posix()!r}]"
        if any(name.startswith("constructs_lib.runtime.") for name in imported):
            raise InvalidPropsError(
                f"entry imports constructs_lib.runtime in {file.as_posix()}: pass include_runtime=True, or "
                f"{leave_out} if the handler does without that file."
            )
        if any(name.startswith("constructs_lib.") for name in imported):
            raise InvalidPropsError(
                f"entry imports constructs_lib in {file.as_posix()}: pass {leave_out}. It makes stacks, and is in "
                f"no function's package; constructs_lib.runtime is what handlers can import."
            )


def _imports_at_run_time(tree: ast.Module) -> set[str]:
    """Everything that is imported, each with a dot at the end, also inside functions; not for types alone."""
    names: set[str] = set()
    nodes: list[ast.AST] = [tree]
    while nodes:
        node = nodes.pop()
        match node:
            case ast.Import(names=aliases):
                names.update(f"{alias.name}." for alias in aliases)
            case ast.ImportFrom(module=str(module), names=aliases, level=0):
                names.update(f"{module}.{alias.name}." for alias in aliases)
            case ast.If(test=ast.Name("TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                nodes += node.orelse
            case _:
                nodes += ast.iter_child_nodes(node)
    return names


def _requirement_source(entry: Path, target: Target) -> Path | None:
    """The one file that says what to install, or None if nothing is needed."""
    lock, requirements, project = entry / "uv.lock", entry / "requirements.txt", entry / "pyproject.toml"
    if lock.is_file() and requirements.is_file():
        raise InvalidPropsError(
            f"entry has both uv.lock and requirements.txt ({entry}): which one counts? Delete one of them."
        )
    if lock.is_file():
        if not project.is_file():
            raise InvalidPropsError(
                f"entry has a uv.lock but no pyproject.toml that it belongs to ({entry})."
            )
        required = _toml(lock).get("requires-python", "")
        floor = re.search(r">=\s*(3\.\d+)", required)
        if floor and _minor(floor[1]) > _minor(target.python):
            raise InvalidPropsError(
                f"uv.lock requires Python {required}, but the runtime is {target.python} ({entry})."
            )
        return lock
    if requirements.is_file():
        return requirements
    if project.is_file() and _toml(project).get("project", {}).get("dependencies"):
        raise InvalidPropsError(
            f"entry has dependencies in pyproject.toml but no uv.lock ({entry}): run 'uv lock' there."
        )
    return None


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidPropsError(f"{path} cannot be read: {error}.") from None


def _hash(
    entry: Path,
    files: list[Path],
    runtime: list[Path],
    requirements: Path | None,
    target: Target,
    interpreter: Interpreter | None,
) -> str:
    digest = hashlib.sha256()

    def add(*parts: str | bytes) -> None:
        for part in parts:
            data = part.encode() if isinstance(part, str) else part
            digest.update(len(data).to_bytes(8, "big") + data)

    # No platform means this machine: then its name is an input too.
    machine = target.platform or f"{sys.platform}-{platform.machine()}"
    add(_FORMAT, target.python, machine, interpreter.version if interpreter else "no bytecode")
    if requirements:
        for name in (requirements.name, "pyproject.toml"):
            path = entry / name
            add(name, path.read_bytes() if path.is_file() else b"")
    for file in files:
        executable = "x" if (entry / file).stat().st_mode & 0o100 else "-"
        add(file.as_posix(), executable, (entry / file).read_bytes())
    for file in runtime:
        add((_RUNTIME_PLACE / file).as_posix(), (_RUNTIME / file).read_bytes())
    return digest.hexdigest()


# --- the cache -----------------------------------------------------------------------------------------


def _cache() -> Path:
    """Where packages are kept: CONSTRUCTS_LIB_CACHE_DIR, or the user's cache folder."""
    if own := os.environ.get("CONSTRUCTS_LIB_CACHE_DIR"):
        return Path(own).resolve() / "packages"
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).resolve() / "constructs-lib" / "packages"


def _forget_unused() -> None:
    for home in _cache().glob("*"):
        try:
            if time.time() - home.stat().st_mtime > _UNUSED_SECONDS:
                shutil.rmtree(home, ignore_errors=True)
        except FileNotFoundError:
            continue  # another synth was quicker


def _make(
    home: Path,
    entry: Path,
    files: list[Path],
    runtime: list[Path],
    requirements: Path | None,
    target: Target,
    interpreter: Interpreter | None,
) -> None:
    """Build aside and move into place at once, so that two synths at a time never see half a package."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix=".building-") as aside:
        draft = Path(aside) / "draft"
        package = draft / "package"
        package.mkdir(parents=True)
        owners = _install(package, entry, requirements, target) if requirements else {}
        for file in files:
            (package / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(entry / file, package / file)
            (package / file).chmod((entry / file).stat().st_mode)
            owners.pop(file.as_posix(), None)
        if runtime and (package / "constructs_lib").exists():
            raise InvalidPropsError(
                f"include_runtime=True puts constructs_lib.runtime into the package, and {requirements} installs "
                f"the whole library there. Take it out: a function needs nothing else of it."
            )
        for file in runtime:
            place = _RUNTIME_PLACE / file
            (package / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(_RUNTIME / file, package / place)
            owners[place.as_posix()] = "constructs_lib.runtime"
        if interpreter:
            _compile(package, interpreter)
        (draft / "package.json").write_text(json.dumps(_measure(package, owners)))
        try:
            draft.rename(home)
        except OSError:
            if not (home / "package.json").is_file():
                raise


def _measure(package: Path, owners: Mapping[str, str]) -> dict[str, object]:
    """Make modes the same everywhere, and add up sizes."""
    sizes: defaultdict[str, int] = defaultdict(int)
    for path in sorted(package.rglob("*")):
        executable = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if executable else 0o644)
        if path.is_file():
            source = path.relative_to(package)
            if source.parent.name == "__pycache__":
                source = source.parent.parent / f"{source.name.partition('.')[0]}.py"
            sizes[owners.get(source.as_posix(), _OWN_CODE)] += path.stat().st_size
    unzipped = sum(sizes.values())
    may_be_large = unzipped > _defaults.PACKAGE_ZIPPED_MB_MAX * 1024 * 1024
    zipped = unzipped
    if may_be_large:
        zipped = sum(len(zlib.compress(p.read_bytes(), 6)) for p in package.rglob("*") if p.is_file())
    return {"unzipped_bytes": unzipped, "zipped_bytes": zipped, "sizes": dict(sizes)}


# --- uv ------------------------------------------------------------------------------------------------


def _install(package: Path, entry: Path, requirements: Path, target: Target) -> dict[str, str]:
    """Install the target's wheels; say which file belongs to which distribution."""
    if requirements.name == "uv.lock":
        text = _uv(
            ["export", "--locked", "--no-dev", "--no-emit-project", "--no-header", "--no-annotate",
             "--format", "requirements-txt", "--no-python-downloads", "--quiet"],
            cwd=entry,
            failure=f"uv.lock in {entry} cannot be used",
        )  # fmt: skip
        listed = package.parent / "requirements.txt"
        listed.write_text(text)
    else:
        listed = requirements  # where it is: it may include other files of its folder
        text = requirements.read_text(encoding="utf-8-sig", errors="replace")
    if not re.search(r"^\s*[^#\s]", text, flags=re.MULTILINE):
        return {}
    _check_hashed(text, requirements)
    machine = ["--python-platform", target.platform] if target.platform else []
    arguments = [
        "pip", "install", "--requirements", str(listed), "--target", str(package),
        "--python", sys.executable, "--python-version", target.python, *machine,
        "--only-binary", ":all:", "--require-hashes", "--link-mode", "copy",
        "--no-compile-bytecode", "--no-installer-metadata", "--quiet",
    ]  # fmt: skip
    _uv(
        arguments, cwd=entry, failure=f"{requirements.name} in {entry} cannot be packaged for {_name(target)}"
    )
    return _tidy(package)


def _name(target: Target) -> str:
    return f"Python {target.python} on {target.platform or 'this machine'}"


def _check_hashed(text: str, requirements: Path) -> None:
    joined = text.replace("\\\n", " ")
    for line in filter(None, (line.strip() for line in joined.splitlines())):
        if line.startswith(("-e", "--editable", ".", "/", "file:")) or " @ " in line.partition("--hash")[0]:
            raise InvalidPropsError(
                f"{requirements} has {line.split('--hash')[0].strip()!r}: only wheels of an index can be "
                f"packaged the same way everywhere. Put local code into the entry folder, or publish a wheel."
            )
        if not line.startswith(("#", "-")) and "--hash=" not in line:
            raise InvalidPropsError(
                f"{requirements} has no hash for {line.split(';')[0].strip()!r}. Write it with "
                f"'uv pip compile --generate-hashes --python-version X.Y requirements.in -o requirements.txt', "
                f"where X.Y is the runtime's version, or use uv.lock."
            )


def _tidy(package: Path) -> dict[str, str]:
    """Delete what depends on this machine; keep metadata that code reads at run time."""
    owners: dict[str, str] = {}
    for record in sorted(package.glob("*.dist-info/RECORD")):
        name = record.parent.name.removesuffix(".dist-info").replace("-", " ")
        for line in record.read_text().splitlines():
            owners[line.split(",")[0].strip('"')] = name
        record.unlink()
    shutil.rmtree(package / "bin", ignore_errors=True)  # scripts with this machine's Python in them
    (package / ".lock").unlink(missing_ok=True)
    for cached in list(package.rglob("__pycache__")):
        shutil.rmtree(cached)
    return owners


def _compile(package: Path, interpreter: Interpreter) -> None:
    """Compile for /var/task, which is read-only: without this every cold start compiles again.

    A file that does not compile stays as it is (some distributions carry templates, or code of other
    versions); the handler's own module was read by `check_handler`.
    """
    subprocess.run(
        [interpreter.path, "-I", "-m", "compileall", "-q", "-f", "-j", "1",
         "--invalidation-mode", "unchecked-hash", "-s", str(package), "-p", "/var/task", str(package)],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        check=False,
    )  # fmt: skip


def _uv(arguments: list[str], *, cwd: Path, failure: str) -> str:
    """Run uv: from its cache if that will do, with the network otherwise."""
    uv = _uv_binary()
    # An environment that is active here has nothing to do with the function.
    environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT")}
    for mode in (["--offline"], []):
        done = subprocess.run(
            [uv, *arguments, *mode], cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return done.stdout
    raise InvalidPropsError(f"{failure}. uv says:\n{done.stderr.strip()}")


def _uv_binary() -> str:
    try:
        found = str(importlib.import_module("uv").find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv") or ""
    if not found:
        raise InvalidPropsError(
            "entry has dependencies, and uv, which installs them, is not there: "
            "pip install 'constructs-lib[packaging]', or put uv on PATH."
        )
    return found
