"""A function without dependencies, for scenes and tests that are about something else."""

from pathlib import Path
from typing import Final

from constructs import Construct

from constructs_lib import PythonFunction

HANDLERS: Final = Path(__file__).parents[1] / "handlers"
SAMPLE_FUNCTIONS: Final = Path(__file__).parents[2] / "sample_app" / "functions"


def function(scope: Construct, construct_id: str = "Function", **arguments: object) -> PythonFunction:
    """A function without dependencies, for scenes that are about something else."""
    given: dict[str, object] = {
        "entry": HANDLERS / "plain",
        "handler": "app.handle",
        "bytecode": False,  # the same on every machine, whatever Python is found there
    }
    given |= arguments
    return PythonFunction(scope, construct_id, **given)  # type: ignore[arg-type]
