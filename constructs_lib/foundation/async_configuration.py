"""Which qualifiers have their asynchronous configuration, and whether those that are called do.

Lambda keeps one for each qualifier, and looks at that of the qualifier that was called. An event that fails for good
where there is none is dropped without a word.
"""

from typing import Final
from weakref import WeakKeyDictionary

from aws_cdk import Annotations
from constructs import Construct, IConstruct

from constructs_lib import _defaults
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import at_synth
from constructs_lib.foundation.called import Called, called

_configured: Final[WeakKeyDictionary[IConstruct, set[tuple[str, str]]]] = WeakKeyDictionary()
"""Of each app."""


def refuse_second(function: FunctionLike, source: Called) -> None:
    """Refuse a second configuration of one qualifier.

    Args:
        function: As it was given.
        source: The same, looked behind.

    Raises:
        InvalidPropsError: There is one, ours or CDK's.
    """
    if source.key in _configured.get(function.node.root, ()) or _has_cdks(function):
        raise InvalidPropsError(
            f"function {function.node.path} has an asynchronous configuration on {source.qualifier} already, "
            f"and Lambda keeps one for each qualifier: give this AsyncDestinations all of it. "
            f"See {_defaults.ASYNC_RECORDS}"
        )


def add(construct: Construct, source: Called) -> None:
    """Remember that a qualifier has its configuration.

    Args:
        construct: Whose it is.
        source: What is called.
    """
    _configured.setdefault(construct.node.root, set()).add(source.key)


def call(construct: Construct, function: FunctionLike) -> None:
    """Look at synth whether a failed event of a source has somewhere to go: everything is made by then.

    Where another qualifier of the function has a configuration, this one was forgotten, and synth fails. Where none
    has, synth warns.

    Args:
        construct: The source.
        function: What it calls.
    """
    at_synth.check(construct, lambda: _lost(construct, function))


def _lost(construct: Construct, function: FunctionLike) -> str | None:
    it = called(function)
    keys = _configured.get(construct.node.root, set())
    if it.key in keys or _has_cdks(function):
        return None
    others = sorted(qualifier for base_arn, qualifier in keys if base_arn == it.base_arn)
    lost = (
        f"{construct.node.path} calls {function.node.path} at {it.qualifier}, and what it fails at three times is "
        f"dropped in silence: "
    )
    if others:
        return (
            f"{lost}its AsyncDestinations are on {' and '.join(others)}. Call that, or give {it.qualifier} "
            f"AsyncDestinations too. See {_defaults.ASYNC_RECORDS}"
        )
    Annotations.of(construct).add_warning_v2(
        "constructs-lib:no-async-destinations",
        f"{lost}it has no AsyncDestinations. See {_defaults.ASYNC_RECORDS}",
    )
    return None


def _has_cdks(function: FunctionLike) -> bool:
    return function.node.try_find_child("EventInvokeConfig") is not None
