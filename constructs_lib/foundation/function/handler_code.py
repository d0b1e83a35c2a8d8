"""What a handler's code says about itself: whether it is there, whether it is Python, and what it imports.

Only what is certain is reported: code that builds names or paths at run time is left alone.
"""

import ast
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation.function import interpreter

_HOST = sys.version_info[:2]

_IN_THE_RUNTIME = frozenset(
    ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3", "awslambdaric", "simplejson",
     "snapshot_restore_py", "runtime_client", "pip", "setuptools", "pkg_resources")
)  # fmt: skip
"""Modules that Lambda's Python runtimes bring, in some version or other."""

_SINCE = {"annotationlib": 14, "compression": 14}
_UNTIL = (
    dict.fromkeys(("asynchat", "asyncore", "distutils", "imp", "smtpd"), 11)
    | dict.fromkeys(
        ("aifc", "audioop", "cgi", "cgitb", "chunk", "crypt", "imghdr", "lib2to3", "mailcap", "msilib", "nis",
         "nntplib", "ossaudiodev", "pipes", "sndhdr", "spwd", "sunau", "telnetlib", "uu", "xdrlib"), 12
    )
)  # fmt: skip
"""Modules of the standard library that not every Python 3.11 to 3.14 has, with the first or last minor version.
Source: https://docs.python.org/3/whatsnew/"""


@dataclass(frozen=True)
class Import:
    """An import that will fail.

    Attributes:
        name: The module, as a whole.
        file: The file that imports it, relative to the package.
        line: Where.
    """

    name: str
    file: Path
    line: int


@dataclass(frozen=True)
class Findings:
    """What is wrong with the modules that the handler's module loads.

    Attributes:
        unprovided: Imports of modules that nothing provides.
        left_out: Imports of modules that are in the entry, and not in the package.
        unread: Files that this Python cannot read, of a newer Python that is not on this machine.
    """

    unprovided: list[Import] = field(default_factory=list)
    left_out: list[Import] = field(default_factory=list)
    unread: list[Path] = field(default_factory=list)


def split(handler: str) -> tuple[str, str]:
    """The module and the function that a handler names.

    Raises:
        InvalidPropsError: It has another form.
    """
    module, dot, function = handler.rpartition(".")
    if not (dot and function.isidentifier() and all(part for part in re.split(r"[./]", module))):
        raise InvalidPropsError(f"handler must be 'module.function', got {handler!r}.")
    if function == "py":
        raise InvalidPropsError(
            f"handler must be 'module.function', got the file {handler!r}: write '{module}.' and the function's "
            f"name."
        )
    return module, function


def located(root: Path, module: str) -> Path | None:
    """The file of a module below a folder; None if there is none."""
    stem = root.joinpath(*re.split(r"[./]", module))
    return next((f for f in (stem.with_name(f"{stem.name}.py"), stem / "__init__.py") if f.is_file()), None)


def code_folder(entry: Path, module: str | None) -> Path:
    """The folder whose content Lambda finds at the top of the package: `src` in a project of the src layout.

    Args:
        entry: The function's folder.
        module: The handler's module; None if it is not known.
    """
    src = entry / "src"
    if module is not None and located(entry, module):
        return entry
    if module is not None and located(src, module):
        return src
    # The handler comes from elsewhere, as the wrappers of monitoring tools do, and imports the user's own code.
    has_modules = any(src.glob("*.py")) or any(src.glob("*/__init__.py"))
    return (
        src if has_modules and not (src / "__init__.py").exists() and not any(entry.glob("*.py")) else entry
    )


def check(root: Path, handler: str, *, python: str) -> None:
    """Find out now what Lambda would report at the first invocation.

    Args:
        root: The folder with the handler's file.
        handler: As Lambda writes it: `module.function`, folders with `/` or `.`.
        python: Minor version of the runtime.

    Raises:
        InvalidPropsError: The file or the function does not exist, or the file is not valid Python.
    """
    module, function = split(handler)
    file = located(root, module)
    if file is None:
        modules = [path.stem for path in sorted(root.glob("*.py"))]
        raise InvalidPropsError(
            f"handler names the module {module!r}, but {root} has no {module}.py{_did_you_mean(module, modules)}"
        )
    tree = _parsed(file, python)
    if isinstance(tree, SyntaxError):
        fault = _fault(file, tree, python)
        if fault is not None:
            raise InvalidPropsError(f"handler is in {file}, which is not valid Python {python}: {fault}.")
        return  # newer syntax than this Python reads
    known = names(tree)
    if known is not None and function not in known:
        raise InvalidPropsError(
            f"handler names the function {function!r}, but {file} defines no such name"
            f"{_did_you_mean(function, sorted(known))}"
        )


def may_be_elsewhere(root: Path, module: str) -> bool:
    """Whether nothing in a folder stands in the way of a module that comes from somewhere else."""
    top = re.split(r"[./]", module)[0]
    return not (root / top).exists() and not (root / f"{top}.py").exists()


def is_near_miss(root: Path, module: str) -> bool:
    """Whether a module that is not in a folder has a name much like one that is."""
    return bool(get_close_matches(module, [path.stem for path in root.glob("*.py")], n=1))


def examine(
    package: Path,
    own_files: Set[Path],
    folders: Iterable[Path],
    module: str,
    *,
    python: str,
    compiled: bool,
) -> Findings:
    """Follow the imports of a handler's module through the function's own code.

    Only imports that are executed whenever their module is: not those in functions, in `if`, and in `try` that
    catches them. Code of dependencies is not looked at.

    Args:
        package: The package, complete.
        own_files: Those of its files that are the user's own code.
        folders: Where that code comes from, with what is not packaged.
        module: The handler's module.
        python: Minor version of the runtime.
        compiled: Whether the package has bytecode.

    Raises:
        InvalidPropsError: A module that is loaded in any case is not valid Python.
    """
    findings = Findings()
    paths_are_known = True
    waiting, seen = [*with_parents(module.replace("/", "."))], set[str]()
    while waiting:
        name = waiting.pop()
        file = located(package, name)
        if name in seen or file is None or file.relative_to(package) not in own_files:
            continue
        seen.add(name)
        here = file.relative_to(package)
        source = file.read_bytes()
        paths_are_known = paths_are_known and b"sys.path" not in source
        tree = _parsed(file, python)
        if isinstance(tree, SyntaxError) or (compiled and not _bytecode(file, python).is_file()):
            error = tree if isinstance(tree, SyntaxError) else SyntaxError("invalid syntax")
            fault = _fault(file, error, python)
            if fault is not None:
                raise InvalidPropsError(f"entry has {here}, which is not valid Python {python}: {fault}.")
            if isinstance(tree, SyntaxError):
                if not interpreter.find(python):
                    findings.unread.append(here)
                continue
        for imported, line, required in _imports(tree, name, is_package=file.name == "__init__.py"):
            top = imported.partition(".")[0]
            if located(package, imported) or _is_provided(package, imported):
                waiting.append(imported)
            elif any(located(folder, imported) for folder in folders):
                findings.left_out.append(Import(imported, here, line))
            elif (
                required and imported == top and not _is_standard(top, python) and top not in _IN_THE_RUNTIME
            ):
                findings.unprovided.append(Import(top, here, line))
    if not paths_are_known:
        findings.unprovided.clear()
    return findings


# --- syntax --------------------------------------------------------------------------------------------


def _parsed(file: Path, python: str) -> ast.Module | SyntaxError:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        try:
            version = min(_minor(python), _HOST)
            return ast.parse(file.read_bytes(), filename=str(file), feature_version=version)
        except ValueError as error:  # null bytes, in some versions
            return SyntaxError(str(error))
        except SyntaxError as error:
            return error


def _fault(file: Path, error: SyntaxError, python: str) -> str | None:
    """What is wrong with a file that could not be parsed or compiled; None if that is not known."""
    if found := interpreter.find(python):
        return interpreter.syntax_fault(found, file)
    if _minor(python) > _HOST:
        return None
    return f"{error.msg} (line {error.lineno})"


def _bytecode(file: Path, python: str) -> Path:
    return file.parent / "__pycache__" / f"{file.stem}.cpython-{python.replace('.', '')}.pyc"


def _minor(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


# --- names ---------------------------------------------------------------------------------------------


def names(tree: ast.Module) -> set[str] | None:
    """Names that a module defines; None if it may define any."""
    found: set[str] = set()
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        match node:
            case ast.ImportFrom(names=[ast.alias(name="*")]) | ast.FunctionDef(name="__getattr__"):
                return None
            case ast.Call(func=ast.Name(id="globals" | "vars" | "locals" | "setattr" | "exec")):
                return None
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                found.update(alias.asname or alias.name.partition(".")[0] for alias in aliases)
            case ast.Name(id=name, ctx=ast.Store()) | ast.ClassDef(name=name):
                found.add(name)
            case (
                ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name))
            ):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
                found.update(
                    n for inner in ast.walk(node) if isinstance(inner, ast.Global) for n in inner.names
                )
        waiting += _in_the_same_scope(node)
    return found


def _in_the_same_scope(node: ast.AST) -> Iterable[ast.AST]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Lambda():
            return ()
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            # Their variables are their own, but `:=` in them binds outside.
            return (inner.target for inner in ast.walk(node) if isinstance(inner, ast.NamedExpr))
        case _:
            return ast.iter_child_nodes(node)


def _did_you_mean(word: str, known: list[str]) -> str:
    near = get_close_matches(word, known, n=1)
    if near:
        return f". Did you mean {near[0]!r}?"
    return f" (there are: {', '.join(known)})." if known else "."


# --- imports -------------------------------------------------------------------------------------------


def _imports(tree: ast.Module, module: str, *, is_package: bool) -> Iterator[tuple[str, int, bool]]:
    """What a module imports whenever it is loaded: each name, its line, and whether it must be a module."""
    for node in _always_executed(tree.body):
        for name, required in names_of(node, module, is_package=is_package):
            yield name, node.lineno, required


def names_of(
    node: ast.Import | ast.ImportFrom, module: str, *, is_package: bool
) -> Iterator[tuple[str, bool]]:
    """What an import names, in the order of its execution, and whether each must be a module.

    Args:
        node: The import.
        module: The module that it is in.
        is_package: Whether that module is a package.
    """
    package = module.split(".") if is_package else module.split(".")[:-1]
    match node:
        case ast.Import(names=aliases):
            for alias in aliases:
                for name in with_parents(alias.name):
                    yield name, True
        case ast.ImportFrom(module=origin, names=aliases, level=level):
            base = package[: len(package) - level + 1] if level else []
            whole = ".".join([*base, *([origin] if origin else [])])
            for name in with_parents(whole) if whole else ():
                yield name, True
            for alias in aliases:
                yield f"{whole}.{alias.name}".lstrip("."), False


def with_parents(name: str) -> Iterator[str]:
    """A module and the packages that it is in, the outermost first: importing it imports all of them."""
    parts = name.split(".")
    return (".".join(parts[: n + 1]) for n in range(len(parts)))


def _always_executed(body: Iterable[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in body:
        match node:
            case ast.Import() | ast.ImportFrom():
                yield node
            case ast.ClassDef(body=inner):
                yield from _always_executed(inner)
            case ast.Try(handlers=[], body=inner, finalbody=final):
                yield from _always_executed([*inner, *final])


def _is_provided(package: Path, name: str) -> bool:
    """Whether something of that name is in the package: a folder, or an extension module."""
    place = package.joinpath(*name.split("."))
    files = place.parent.glob(f"{place.name}.*")
    return place.is_dir() or any(file.suffix in (".py", ".pyc", ".so", ".pyd") for file in files)


def _is_standard(name: str, python: str) -> bool:
    minor = _minor(python)[1]
    known = name in sys.stdlib_module_names or name in _SINCE or name in _UNTIL
    return known and _SINCE.get(name, 0) <= minor <= _UNTIL.get(name, minor)
