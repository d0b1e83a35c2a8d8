"""What a rule is, and what it finds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from constructs_lib.practice.assembly import Resource
from constructs_lib.practice.flows import Flows


@dataclass(frozen=True)
class Finding:
    """A resource for which a rule does not hold."""

    resource: Resource
    text: str
    """What is wrong here, and with what else."""


@dataclass(frozen=True)
class Rule:
    """A check over all templates of an app."""

    id: str
    severity: Literal["error", "warning"]
    """An error loses data or cannot work; a warning is a recommendation."""
    reason: str
    fix: str
    source: str
    """The AWS page that states it."""
    find: Callable[[Flows], Iterable[Finding]]
