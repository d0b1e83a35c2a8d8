"""Patterns with wildcards, as IAM and EventBridge write them, and whether two of them can mean the same thing."""

from collections.abc import Sequence
from typing import Final

ANYTHING: Final = object()
"""Stands for `*` in a pattern."""

Pattern = Sequence[object]
"""Characters, `ANYTHING`, and values that are known only at deployment, each equal to itself alone."""


def pattern(text: str, *, escaped: bool = False) -> Pattern:
    """Read a pattern.

    Args:
        text: With `*` for any number of characters.
        escaped: Whether a backslash makes the next character an ordinary one.

    Returns:
        The pattern.
    """
    made: list[object] = []
    characters = iter(text)
    for character in characters:
        if escaped and character == "\\":
            made.append(next(characters, character))
        else:
            made.append(ANYTHING if character == "*" else character)
    return made


def overlap(first: Pattern, second: Pattern) -> bool:
    """Whether some text matches both patterns.

    Args:
        first: A pattern.
        second: Another.

    Returns:
        True if there is such a text.
    """
    # reachable[j]: what is read of `first` so far can be matched by the first j parts of `second`.
    reachable = _skip_wildcards({0}, second)
    for part in first:
        if part is ANYTHING:
            reachable = set(range(min(reachable), len(second) + 1)) if reachable else reachable
            continue
        stepped = set()
        for position in reachable:
            if position < len(second):
                other = second[position]
                if other is ANYTHING:
                    stepped.add(position)
                elif other == part:
                    stepped.add(position + 1)
        reachable = _skip_wildcards(stepped, second)
    return len(second) in reachable


def _skip_wildcards(positions: set[int], of: Pattern) -> set[int]:
    """A wildcard may also stand for nothing."""
    found = set(positions)
    for position in sorted(positions):
        at = position
        while at < len(of) and of[at] is ANYTHING:
            at += 1
            found.add(at)
    return found
