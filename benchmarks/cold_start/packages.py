"""The sample functions, packaged by this library and as most people deploy them, but for this machine."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from constructs_lib.foundation.function import interpreter, packaging
from constructs_lib.foundation.function.installation import Target
from constructs_lib.foundation.function.interpreter import Interpreter

_FUNCTIONS: Final = Path(__file__).parents[2] / "sample_app" / "functions"
NAMES: Final = tuple(sorted(handler.parent.name for handler in _FUNCTIONS.glob("*/handler.py")))
_HAS_AN_SDK: Final = "settle_dispute"
"""The function whose lock has boto3: its package stands for the SDK that Lambda's runtime brings."""
PYTHON: Final = "3.13"
"""The runtime of the sample functions."""


@dataclass(frozen=True)
class Packages:
    """A function, packaged twice from the same lock.

    Attributes:
        ours: With bytecode.
        plain: Source alone.
        modules: How many modules are imported from the package, as `package.imports` has it.
    """

    ours: Path
    plain: Path
    modules: int


def python() -> Interpreter:
    """The Python that imports: of the functions' runtime if the machine has one, or else the one that runs now."""
    return interpreter.find(PYTHON) or interpreter.HOST


def package(name: str, python: Interpreter) -> Packages:
    """Package a function for this machine and a Python.

    Both have the same wheels. pip compiles what it installs, but by the time of each source file, which an archive
    does not keep: on Lambda, such bytecode is stale, and is not used.
    """
    ours, plain = (_built(name, python, compiler) for compiler in (python, None))
    return Packages(ours.path, plain.path, ours.imports.total_modules)


def sdk(python: Interpreter, *, compiled: bool) -> Path:
    """A folder with boto3, for functions that have none in their package."""
    return _built(_HAS_AN_SDK, python, python if compiled else None).path


def _built(name: str, python: Interpreter, compiler: Interpreter | None) -> packaging.Package:
    entry = _FUNCTIONS / name
    return packaging.build(
        entry,
        Target(python.version.rpartition(".")[0], platform=None),
        module="handler",
        interpreter=compiler,
        include_runtime=any(b"constructs_lib.runtime" in file.read_bytes() for file in entry.glob("*.py")),
    )
