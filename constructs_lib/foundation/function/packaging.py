"""Makes the folder that Lambda unzips from a folder with a lock file, without Docker.

uv installs what the lock file says, for the machine that Lambda runs and not for this one. The result is the
same, byte for byte, wherever it is built, and it is kept under a hash of everything that went into it: an
unchanged function packages nothing.
"""

import ast
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from constructs_lib import _defaults
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation.function import (
    entry_files,
    handler_code,
    imports,
    installation,
    local_project,
    package_cache,
    requirement_files,
    uv_lock,
)
from constructs_lib.foundation.function.imports import Imports
from constructs_lib.foundation.function.input_digest import InputDigest
from constructs_lib.foundation.function.installation import Target
from constructs_lib.foundation.function.interpreter import Interpreter
from constructs_lib.foundation.function.requirements import Requirements, Selection

_FORMAT = "5"
"""Raised whenever the same input would give other bytes than before, or more is known about them."""

OWN_CODE = "(your own code)"
_RUNTIME = Path(_defaults.__file__).parent / "runtime"
_RUNTIME_PLACE = Path("constructs_lib/runtime")
_NOTHING_MORE = Selection()
_NO_IMPORTS = Imports()


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
        own_files: Files of the function and of the projects on this machine that it depends on.
        local_folders: The folders of those projects.
        imports: What the handler's module imports when it is loaded; empty for a layer.
        is_placeholder: Whether nothing was packaged, because the CDK does not need the stack's assets now.
    """

    path: Path
    asset_hash: str
    unzipped_bytes: int
    zipped_bytes: int
    sizes: Mapping[str, int]
    own_files: frozenset[Path] = frozenset()
    local_folders: tuple[Path, ...] = ()
    imports: Imports = _NO_IMPORTS
    is_placeholder: bool = False

    def largest(self, count: int = 10) -> str:
        """Name the largest distributions.

        Args:
            count: How many.

        Returns:
            One line each, the largest first.
        """
        rows = sorted(self.sizes.items(), key=lambda item: (-item[1], item[0]))[:count]
        return "\n".join(f"  {size / 1024 / 1024:8.1f} MB  {name}" for name, size in rows)


def check_entry(entry: Path) -> None:
    """Refuse an entry that is not a folder.

    Raises:
        InvalidPropsError: It is not one.
    """
    if not entry.is_dir():
        start = (
            ""
            if entry.is_absolute()
            else f": a relative path starts at the current directory, {Path.cwd()}. Write "
            f"Path(__file__).parent / {str(entry)!r} for a folder next to your own file"
        )
        if entry.is_file():
            start = f": pass the folder, {str(entry.parent)!r}, and name the file in handler"
        raise InvalidPropsError(f"entry must be a folder, got {str(entry)!r}, which is not one{start}.")


def build(
    entry: Path,
    target: Target,
    *,
    module: str | None = None,
    interpreter: Interpreter | None = None,
    selection: Selection = _NOTHING_MORE,
    include_runtime: bool = False,
) -> Package:
    """Package a folder for Lambda, or hand out the package that was made of the same input before.

    Args:
        entry: The folder with the handler. It is a project with a `uv.lock`, or a member of a uv workspace, or has a
            hashed `requirements.txt`, or needs nothing.
        target: The machine to package for.
        module: The handler's module, if it is in the entry.
        interpreter: Compiles bytecode; of the target's minor version. None: no bytecode.
        selection: Extras and groups to install, and files to include or leave out.
        include_runtime: Put `constructs_lib.runtime` in, and nothing else of the library.

    Returns:
        The package, in the cache.

    Raises:
        InvalidPropsError: The requirements contradict themselves or each other, are not hashed, are in a form
            that is not read, or have no wheel for the target; or uv is needed and not there; or a file is a
            secret or cannot be read, or imports this library, and the package has none of it.
    """
    entry = entry.resolve()
    code = handler_code.code_folder(entry, module)
    files = _files(entry, code, selection)
    runtime = sorted(_runtime_files()) if include_runtime else []
    if runtime and any((code / name).exists() for name in ("constructs_lib", "constructs_lib.py")):
        raise InvalidPropsError(
            f"include_runtime=True puts a folder constructs_lib into the package, and entry has its own "
            f"({code}): imports would find only one of them. Rename it."
        )
    requirements = requirement_files.find(entry, module, target.python, selection)
    recipe = _Recipe(
        Path(), "/var/task", code, files, runtime, requirements, selection.from_source, target, interpreter
    )
    return _made(recipe, module)


def build_layer(
    entry: Path,
    target: Target,
    *,
    interpreter: Interpreter | None = None,
    selection: Selection = _NOTHING_MORE,
) -> Package:
    """Package what a project requires, and the project itself if it has a build backend, as a layer.

    Args:
        entry: The folder of a project with a `uv.lock`, or of a member of a uv workspace, or with a hashed
            `requirements.txt`.
        target: The machine to package for.
        interpreter: Compiles bytecode; of the target's minor version. None: no bytecode.
        selection: Extras and groups to install, and files of the project to include or leave out.

    Raises:
        InvalidPropsError: There is nothing to install, or it cannot be packaged.
    """
    entry = entry.resolve()
    requirements = requirement_files.find(entry, None, target.python, selection, with_project=True)
    if requirements is None:
        raise InvalidPropsError(
            f"entry must have requirements, or be a package of its own, got {entry}: add dependencies to its "
            f"pyproject.toml, or a [build-system], and run 'uv lock'."
        )
    place = Path("python")
    return _made(
        _Recipe(place, "/opt", entry, [], [], requirements, selection.from_source, target, interpreter)
    )


def _made(recipe: "_Recipe", module: str | None = None) -> Package:
    """Make a package, or find the one that was made of the same input before."""
    asset_hash = recipe.digest()
    folder = package_cache.made("packages") / asset_hash
    if not all((folder / name).exists() for name in ("package", "package.json")):
        package_cache.forget_unused()
        recipe.make(folder)
    os.utime(folder)
    facts = json.loads((folder / "package.json").read_text())
    content, local = folder / "package" / recipe.place, tuple(Path(name) for name in facts["local"])
    own_files = (*recipe.files, *local)
    if not any((content / name).exists() for name in ("constructs_lib", "constructs_lib.py")):
        _check_imports(content, own_files)
    return Package(
        path=folder / "package",
        asset_hash=asset_hash,
        unzipped_bytes=facts["unzipped_bytes"],
        zipped_bytes=facts["zipped_bytes"],
        sizes=facts["sizes"],
        own_files=frozenset(own_files),
        local_folders=tuple(one.folder for one in recipe.requirements.local) if recipe.requirements else (),
        imports=imports.recall(folder / "imports", content, folder / "owners.json", module, OWN_CODE)
        if module
        else _NO_IMPORTS,
    )


def _files(entry: Path, code: Path, selection: Selection) -> list[Path]:
    """The function's own files, relative to `code`, without those of members of its workspace that are below it."""
    members = uv_lock.below(entry, uv_lock.members_of(uv_lock.workspace_of(entry) or entry))
    found = entry_files.find(entry, include=selection.include, exclude=(*selection.exclude, *members))
    return [(entry / file).relative_to(code) for file in found if (entry / file).is_relative_to(code)]


def placeholder() -> Package:
    """Stand in for a package that the CDK does not need now: for `cdk ls`, `cdk destroy`, another stack.

    It is the same for all functions, so that templates do not change with their code, and has a hash of its
    own, so that it is never taken for a package.
    """
    path = package_cache.made("packages") / "not-packaged"
    text = (
        "This function was not packaged: the CDK did not ask for the assets of its stack (Stack.bundling_required, "
        "context aws:cdk:bundling-stacks). Do not deploy this.\n"
    )
    path.mkdir(exist_ok=True)
    (path / "NOT_PACKAGED.txt").write_text(text)
    os.utime(path)
    asset_hash = hashlib.sha256(text.encode()).hexdigest()
    return Package(path, asset_hash, len(text), len(text), {OWN_CODE: len(text)}, is_placeholder=True)


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


def _runtime_files() -> Iterator[Path]:
    return (path.relative_to(_RUNTIME) for kind in ("py", "pem") for path in _RUNTIME.rglob(f"*.{kind}"))


# --- what goes in --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Recipe:
    """Everything that decides what is in a package.

    Attributes:
        place: Where its content is in the archive that Lambda unzips.
        mount: Where Lambda unzips it.
    """

    place: Path
    mount: str
    code: Path
    files: list[Path]
    runtime: list[Path]
    requirements: Requirements | None
    from_source: Sequence[str]
    target: Target
    interpreter: Interpreter | None

    def digest(self) -> str:
        """A hash of it."""
        digest = InputDigest()
        # No platform means this machine: then its name and its Python are inputs too.
        machine = self.target.platform or local_project.THIS_MACHINE
        compiler = self.interpreter.version if self.interpreter else "no bytecode"
        digest.add(_FORMAT, self.mount, self.target.python, machine, compiler)
        if self.requirements:
            self.requirements.add_to(digest)
            digest.add(*sorted(self.from_source))
        digest.add("files")
        digest.add_files(self.code, self.files)
        for file in self.runtime:
            digest.add((_RUNTIME_PLACE / file).as_posix(), (_RUNTIME / file).read_bytes())
        return digest.hexdigest()

    def make(self, folder: Path) -> None:
        """Build next to it and move into place at once: two synths at a time never see half a package."""
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".building-") as aside:
            draft = Path(aside) / "draft"
            package = draft / "package"
            content = package / self.place
            content.mkdir(parents=True)
            owners, local = dict[str, str](), frozenset[str]()
            if self.requirements:
                done = installation.install(
                    content, self.requirements, self.target, self.from_source, aside=Path(aside)
                )
                owners, local = done.owners, done.local
            for file in self.files:
                (content / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.code / file, content / file)
                (content / file).chmod((self.code / file).stat().st_mode)
                owners.pop(file.as_posix(), None)
            for file in self.runtime:
                place = _RUNTIME_PLACE / file
                (content / place).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(_RUNTIME / file, content / place)
                owners[place.as_posix()] = "constructs_lib.runtime"
            if self.interpreter:
                _compile(package, self.interpreter, self.mount)
            (draft / "owners.json").write_text(json.dumps(owners))
            facts = _measure(content, owners) | {
                "local": sorted(name for name in local if (content / name).is_file())
            }
            (draft / "package.json").write_text(json.dumps(facts))
            package_cache.move(draft, folder)


def _check_imports(package: Path, files: Iterable[Path]) -> None:
    """Refuse files that import this library, for a package that has none of it."""
    for file in files:
        if file.suffix != ".py" or b"constructs_lib" not in (source := (package / file).read_bytes()):
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
            sizes[owners.get(source.as_posix(), OWN_CODE)] += path.stat().st_size
    unzipped = sum(sizes.values())
    may_be_large = unzipped > _defaults.PACKAGE_ZIPPED_MB_MAX * 1024 * 1024
    zipped = unzipped
    if may_be_large:
        zipped = sum(len(zlib.compress(p.read_bytes(), 6)) for p in package.rglob("*") if p.is_file())
    return {"unzipped_bytes": unzipped, "zipped_bytes": zipped, "sizes": dict(sizes)}


def _compile(package: Path, interpreter: Interpreter, mount: str) -> None:
    """Compile for where Lambda unzips it, which is read-only: without this every cold start compiles again.

    A file that does not compile stays as it is (some distributions carry templates, or code of other
    versions); the handler's own module was read by `check_handler`.
    """
    subprocess.run(
        [interpreter.path, "-I", "-m", "compileall", "-q", "-f", "-j", "1",
         "--invalidation-mode", "unchecked-hash", "-s", str(package), "-p", mount, str(package)],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        check=False,
    )  # fmt: skip
