"""Patterns with wildcards, as IAM and EventBridge write them, and whether two of them can mean the same thing.

A pattern is a text in which two characters that no text has stand for the wildcards. What is known only at
deployment is one character too (see `assembly`), equal to itself alone.
"""

import re
from functools import lru_cache
from typing import Final

ANYTHING: Final = "\uffff"
"""Stands for any number of characters."""
ANY_ONE: Final = "\ufffe"
"""Stands for one character."""


def of_iam(text: str) -> str:
    """The pattern of an action or a resource in a policy."""
    return text.replace("*", ANYTHING).replace("?", ANY_ONE)


def of_events(text: str) -> str:
    """The pattern of EventBridge's `wildcard`, in which a backslash makes the next character an ordinary one."""
    characters = iter(text)
    return "".join(
        next(characters, character)
        if character == "\\"
        else ANYTHING
        if character == "*"
        else character
        for character in characters
    )  # fmt: skip


def covers(pattern: str, other: str) -> bool:
    """Whether every text that matches `other` matches `pattern` too."""
    return pattern == other or (_is_pattern(pattern) and _expression(pattern).fullmatch(other) is not None)


def overlap(first: str, second: str) -> bool:
    """Whether some text matches both patterns."""
    if not _is_pattern(first):
        first, second = second, first
    if not _is_pattern(second):
        return covers(first, second)
    # reachable: how much of `second` can match what was read of `first` so far.
    reachable = _skip_wildcards({0}, second)
    for part in first:
        if part == ANYTHING:
            reachable = set(range(min(reachable), len(second) + 1)) if reachable else reachable
            continue
        stepped = set()
        for position in reachable:
            if position < len(second):
                other = second[position]
                if other == ANYTHING:
                    stepped.add(position)
                elif other == part or ANY_ONE in (other, part):
                    stepped.add(position + 1)
        reachable = _skip_wildcards(stepped, second)
    return len(second) in reachable


def _is_pattern(text: str) -> bool:
    return ANYTHING in text or ANY_ONE in text


@lru_cache(maxsize=4096)
def _expression(pattern: str) -> re.Pattern[str]:
    wildcards = {ANYTHING: ".*", ANY_ONE: f"[^{ANYTHING}]"}
    return re.compile("".join(wildcards.get(part) or re.escape(part) for part in pattern), re.DOTALL)


def _skip_wildcards(positions: set[int], pattern: str) -> set[int]:
    """`ANYTHING` may also stand for nothing."""
    found = set(positions)
    for position in positions:
        at = position
        while at < len(pattern) and pattern[at] == ANYTHING:
            at += 1
            found.add(at)
    return found
