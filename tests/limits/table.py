"""What a table of limits is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Stack
from constructs import Construct

Arguments = Callable[[Stack], dict[str, Any]]


def args(**arguments: Any) -> Arguments:
    """Arguments that need no stack."""
    return lambda stack: arguments


def by_name_instead(**arguments: str) -> list[tuple[str, Arguments, str]]:
    """Rows of text in the place of a part, as one writes it who takes a name for enough.

    Args:
        **arguments: What the argument must be, by its name.
    """
    return [
        (f"{name} by its name", args(**{name: "any"}), f"{name} must be {must}, got 'any' (str)")
        for name, must in arguments.items()
    ]


@dataclass(frozen=True)
class Limits:
    """The limits of one construct.

    Attributes:
        construct: What refuses.
        otherwise: The arguments that are right, where a row says nothing of them; made only where it does not.
        rows: A name, the arguments given, and what the error must say.
    """

    construct: Callable[..., Construct]
    otherwise: dict[str, Callable[[Stack], Any]]
    rows: Sequence[tuple[str, Arguments, str]]

    def arguments(self, stack: Stack, given: Arguments) -> dict[str, Any]:
        """The arguments of a row, completed."""
        said_by_row = given(stack)
        rest = {name: make(stack) for name, make in self.otherwise.items() if name not in said_by_row}
        return said_by_row | rest
