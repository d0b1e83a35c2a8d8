"""Which stack depends on which: that of an API on that of its alias, and that of an alias on those of its alarms."""

from collections.abc import Iterable
from typing import Final
from weakref import WeakKeyDictionary, WeakSet

from aws_cdk import Stack

from constructs_lib.errors import InvalidPropsError

_depends_on: Final[WeakKeyDictionary[Stack, WeakSet[Stack]]] = WeakKeyDictionary()


def check(stack: Stack, others: Iterable[Stack], words: str) -> None:
    """Refuse a circular dependency between two stacks.

    Args:
        stack: The stack that would depend on the others.
        others: The other stacks.
        words: What is refused, and the way out.

    Raises:
        InvalidPropsError: One of them depends on `stack`.
    """
    for other in others:
        if stack in _depends_on.get(other, ()):
            raise InvalidPropsError(
                f"{words} The stack {other.node.path} already depends on the stack {stack.node.path}: with this, each "
                "would depend on the other."
            )


def note(stack: Stack, others: Iterable[Stack]) -> None:
    """Remember that a stack depends on others."""
    _depends_on.setdefault(stack, WeakSet()).update(others)
