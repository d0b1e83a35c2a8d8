"""Checks that wait for synth, when everything is made."""

from collections.abc import Callable
from weakref import WeakKeyDictionary

import jsii
from constructs import Construct, IConstruct, IValidation

_checks: WeakKeyDictionary[IConstruct, list[Callable[[], str | None]]] = WeakKeyDictionary()


@jsii.implements(IValidation)
class _AllOfThem:
    def __init__(self, checks: list[Callable[[], str | None]]) -> None:
        self._checks = checks

    def validate(self) -> list[str]:
        return [found for check in self._checks if (found := check()) is not None]


def check(construct: Construct, what: Callable[[], str | None]) -> None:
    """Let synth fail with a sentence, if there is one then.

    Args:
        construct: Part of the app.
        what: What is wrong, or None.
    """
    root = construct.node.root
    if root not in _checks:
        _checks[root] = []
        root.node.add_validation(_AllOfThem(_checks[root]))
    _checks[root].append(what)
