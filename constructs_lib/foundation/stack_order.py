"""Which stack is deployed after which: an API's after its alias's, and a release's after that of its alarms."""

from collections.abc import Iterable
from typing import Final
from weakref import WeakKeyDictionary, WeakSet

from aws_cdk import Stack

from constructs_lib.errors import InvalidPropsError

_waits_for: Final[WeakKeyDictionary[Stack, WeakSet[Stack]]] = WeakKeyDictionary()


def check(stack: Stack, others: Iterable[Stack], words: str) -> None:
    """Refuse that two stacks wait for each other.

    Args:
        stack: The stack that would wait.
        others: The stacks that it would wait for.
        words: What makes it wait, and the way out.

    Raises:
        InvalidPropsError: One of them waits for `stack`.
    """
    for other in others:
        if stack in _waits_for.get(other, ()):
            raise InvalidPropsError(
                f"{words} {other.node.path} is deployed after {stack.node.path} already, so each would wait for the "
                "other."
            )


def note(stack: Stack, others: Iterable[Stack]) -> None:
    """Remember that a stack is deployed after others."""
    _waits_for.setdefault(stack, WeakSet()).update(others)
