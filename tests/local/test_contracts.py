"""Each module of the extension is held by a test: `<service>/test_<module>.py`, or one whose docstring names it."""

import ast
import re
import sys
from pathlib import Path

import constructs_lib.local.extension

EXTENSION = Path(constructs_lib.local.extension.__file__).parent
MODULES = {str(path.relative_to(EXTENSION)) for path in EXTENSION.glob("*/*.py")}
TESTS = sorted(Path(__file__).parent.rglob("test_*.py"))


def _named(test: Path) -> set[str]:
    return set(re.findall(r"`(\w+/\w+\.py)`", ast.get_docstring(ast.parse(test.read_text())) or ""))


def test_each_module_is_held_by_a_test() -> None:
    of_its_name = {f"{test.parent.name}/{test.name.removeprefix('test_')}" for test in TESTS}
    named = set().union(*map(_named, TESTS))
    missing = {module for module in MODULES - of_its_name - named if not module.endswith("/__init__.py")}
    assert not missing


def test_what_a_test_names_is_there() -> None:
    assert {test.name: gone for test in TESTS if (gone := _named(test) - MODULES)} == {}


def test_the_extension_imports_the_standard_library_and_the_emulator_alone() -> None:
    known = sys.stdlib_module_names | {"ministack"}
    foreign = set()
    for path in EXTENSION.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [str(node.module)]
            else:
                continue
            foreign |= {(path.name, name) for name in names if name.partition(".")[0] not in known}
    assert not foreign
