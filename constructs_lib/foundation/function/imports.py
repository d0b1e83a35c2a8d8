"""What a function imports when its handler's module is loaded, weighed without running any of it."""

import ast
import contextlib
import json
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from constructs_lib.foundation.function import handler_code

_SDK: Final = ("boto3", "botocore.session")
"""Modules of the AWS SDK that import most of it. `botocore` alone imports next to nothing."""


@dataclass(frozen=True)
class Imports:
    """What the handler's module imports when it is loaded, and so at every cold start.

    The figures are those of the source, since how long an import takes depends on the machine. They are a lower bound:
    imports in functions, under a condition or by a name that is put together at run time are not followed, although
    some libraries execute them while they are imported. Modules of the standard library do not count.

    Attributes:
        modules: How many modules of the package are imported, by distribution; your own code under a name of its own.
        source_bytes: The size of their source, by distribution. Compiled extensions count as modules, and not here.
        from_runtime: Whether the AWS SDK is imported and not in the package, so that Lambda's runtime provides it.
    """

    modules: Mapping[str, int] = field(default_factory=dict)
    source_bytes: Mapping[str, int] = field(default_factory=dict)
    from_runtime: bool = False

    @property
    def total_modules(self) -> int:
        """How many modules of the package are imported."""
        return sum(self.modules.values())

    @property
    def total_source_bytes(self) -> int:
        """The size of the source of all of them."""
        return sum(self.source_bytes.values())

    def heaviest(self, count: int = 3) -> str:
        """Name the distributions with the most source to import.

        Args:
            count: How many.

        Returns:
            Their names and sizes, the heaviest first.
        """
        rows = sorted(self.source_bytes.items(), key=lambda item: (-item[1], item[0]))[:count]
        return ", ".join(
            f"{name} ({size / 1024:.0f} kB, {self.modules[name]} modules)" for name, size in rows
        )


def recall(place: Path, package: Path, owners: Path, module: str, own_code: str) -> Imports:
    """Weigh what a module imports, or read what was found before.

    Args:
        place: A folder next to the package, for what is found.
        package: The package, complete.
        owners: A JSON file that names the distribution of each file.
        module: The handler's module.
        own_code: What stands for files that no distribution owns.
    """
    known = place / f"{module.replace('/', '.')}.json"
    if not known.is_file():
        found = weigh(package, json.loads(owners.read_text()), module, own_code)
        place.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=place, delete=False) as draft:
            json.dump(asdict(found), draft)
        Path(draft.name).replace(known)  # two synths at a time never see half of it
    return Imports(**json.loads(known.read_text()))


def weigh(package: Path, owners: Mapping[str, str], module: str, own_code: str) -> Imports:
    """Follow the imports of a module through the package, dependencies included.

    Args:
        package: The package, complete.
        owners: The distribution of each file.
        module: The handler's module.
        own_code: What stands for files that no distribution owns.
    """
    modules, source_bytes = Counter[str](), Counter[str]()
    sources, from_runtime = _Sources(package), False
    waiting, seen = [*handler_code.with_parents(module.replace("/", "."))], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        file = sources.file(name)
        if file is None:
            waiting += sources.behind_a_lazy_name(name)
            from_runtime = from_runtime or name in _SDK
            continue
        here = file.relative_to(package).as_posix()
        distribution = owners.get(here, own_code)
        modules[distribution] += 1
        if file.suffix == ".py":
            source_bytes[distribution] += file.stat().st_size
            waiting += sources.imported_by(name)
    return Imports(dict(sorted(modules.items())), dict(sorted(source_bytes.items())), from_runtime)


class _Sources:
    """The modules of a package, each read once."""

    def __init__(self, package: Path) -> None:
        self._package = package
        self._trees: dict[str, ast.Module | None] = {}

    def file(self, name: str) -> Path | None:
        """The file of a module, which may be a compiled one; None if the package has none."""
        if found := handler_code.located(self._package, name):
            return found
        place = self._package.joinpath(*name.split("."))
        return next((file for file in place.parent.glob(f"{place.name}.*") if file.suffix == ".so"), None)

    def imported_by(self, name: str) -> Iterator[str]:
        """The modules, and what may be modules, that a module imports when it is loaded."""
        tree = self._tree(name)
        if tree is not None:
            for node in _executed(tree.body):
                yield from self._names(node, name)

    def behind_a_lazy_name(self, name: str) -> Iterator[str]:
        """Where a name comes from that a module provides by `__getattr__`: it imports the same for type checkers."""
        module, _, attribute = name.rpartition(".")
        tree = self._tree(module) if module else None
        if tree is None or not any(
            isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in tree.body
        ):
            return
        for node in _for_type_checkers(tree.body):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    one = ast.ImportFrom(node.module, [alias], node.level)
                    origin, *_ = [*self._names(one, module)][-2:]
                    if attribute in (alias.asname, alias.name) or (
                        alias.name == "*" and self._defines(origin, attribute)
                    ):
                        yield from self._names(one, module)

    def _names(self, node: ast.Import | ast.ImportFrom, name: str) -> Iterator[str]:
        file = self.file(name)
        is_package = file is not None and file.name == "__init__.py"
        return (found for found, _ in handler_code.names_of(node, name, is_package=is_package))

    def _defines(self, module: str, name: str) -> bool:
        tree = self._tree(module)
        return tree is not None and name in (handler_code.names(tree) or ())

    def _tree(self, name: str) -> ast.Module | None:
        if name not in self._trees:
            self._trees[name] = None
            file = self.file(name)
            if file is not None and file.suffix == ".py":
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", SyntaxWarning)
                    # It may be a template, or have newer syntax than this Python reads.
                    with contextlib.suppress(SyntaxError, ValueError):
                        self._trees[name] = ast.parse(file.read_bytes())
        return self._trees[name]


def _executed(body: Iterable[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports that are tried when a module is loaded, whether or not one that fails is caught."""
    for node in body:
        match node:
            case ast.Import() | ast.ImportFrom():
                yield node
            case ast.ClassDef(body=inner) | ast.With(body=inner):
                yield from _executed(inner)
            case ast.Try(body=inner, orelse=otherwise, finalbody=final):
                yield from _executed([*inner, *otherwise, *final])
            case ast.If(orelse=otherwise) if _is_for_type_checkers(node):
                yield from _executed(otherwise)


def _for_type_checkers(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    return (
        inner
        for node in body
        if isinstance(node, ast.If) and _is_for_type_checkers(node)
        for inner in node.body
    )


def _is_for_type_checkers(node: ast.If) -> bool:
    match node.test:
        case ast.Name("TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return True
    return False
