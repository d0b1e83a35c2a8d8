"""What is known of the function behind an alias."""

from collections.abc import Iterable, Mapping
from typing import Final
from weakref import WeakKeyDictionary, WeakSet

from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib import _defaults
from constructs_lib._types import AliasLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation.called import Called, called, check_place, check_tenants

watched: Final[WeakSet[lambda_.Alias]] = WeakSet()
"""Aliases with alarms of their own, as those of a `LiveAlias`: nobody is to be woken twice."""

_waits_for: Final[WeakKeyDictionary[Stack, WeakSet[Stack]]] = WeakKeyDictionary()
"""The stacks that each stack is deployed after: the API's after the alias's, and that of a release after its alarms."""

_known: WeakKeyDictionary[lambda_.Alias, Called] = WeakKeyDictionary()
"""Read once for each alias: an API may have hundreds of routes to the same one."""


def _behind(alias: AliasLike) -> Called:
    if not isinstance(alias, lambda_.Alias):
        return called(alias)
    if alias not in _known:
        _known[alias] = called(alias)
    return _known[alias]


def check(name: str, value: object) -> None:
    """Refuse whatever is not an alias, which would be called at `$LATEST`, and what nothing here can call.

    Args:
        name: The argument, as the user wrote it.
        value: What was given.

    Raises:
        InvalidPropsError: It is a function, a version, or something else; or its function has tenant isolation.
    """
    if isinstance(value, lambda_.Alias):
        check_tenants(_behind(value), name)
        return
    if hasattr(value, "alias_name"):
        return
    kind = type(value).__name__
    if hasattr(value, "function_arn"):
        kind = "version" if isinstance(value, lambda_.Version) else "function"
    latest = " It would be called at $LATEST, past every release." if kind == "function" else ""
    raise InvalidPropsError(
        f"{name} must be an alias, got a {kind}.{latest} Pass the .alias of a LiveAlias, or a lambda_.Alias. "
        f"See {_defaults.LAMBDA_ALIASES}"
    )


def check_places(scope: Construct, aliases: Mapping[str, AliasLike]) -> None:
    """Refuse aliases of another Region or account.

    Args:
        scope: Where the API is going to be.
        aliases: By argument, as the user wrote it.

    Raises:
        InvalidPropsError: One of them is elsewhere.
    """
    names: dict[AliasLike, str] = {}
    for name, alias in aliases.items():
        names.setdefault(alias, name)
    for alias, name in names.items():
        check_place(scope, _behind(alias), name)


def timeout_seconds(alias: AliasLike) -> float | None:
    """How long the function behind an alias may take: its timeout, or a whole durable execution.

    Args:
        alias: The alias.

    Returns:
        Seconds; None for a function that is not of this app, or a time known only at deployment.
    """
    return _behind(alias).timeout_seconds


def has_provisioned_concurrency(alias: AliasLike) -> bool:
    """Whether environments are kept ready for an alias.

    Args:
        alias: The alias.

    Returns:
        False also for an imported alias: of it nothing is known here.
    """
    resource = alias.node.default_child if isinstance(alias, lambda_.Alias) else None
    return isinstance(resource, lambda_.CfnAlias) and resource.provisioned_concurrency_config is not None


def identity(alias: AliasLike) -> dict[str, object]:
    """Everything that, when it changes, replaces an alias whose reference in the template stays the same.

    A hash over a template sees `{"Ref": alias}` alone. The alias is replaced with its name, and with its function;
    the function with its own name and place, and with the settings that Lambda cannot change.

    Args:
        alias: The alias.

    Returns:
        The values by name; empty for an imported alias, whose ARN is a text.
    """
    if not isinstance(alias, lambda_.Alias):
        return {}
    function = alias.lambda_
    node = function.node
    found: dict[str, object] = {"alias": alias.alias_name, "function": node.path}
    resource = node.default_child
    if isinstance(resource, lambda_.CfnFunction):
        found |= {"name": resource.function_name, "package": resource.package_type}
    return found


def other_stacks(home: Stack, aliases: Iterable[AliasLike]) -> list[Stack]:
    """Find the stacks of aliases that are not in a construct's own.

    Args:
        home: The stack of the construct.
        aliases: What it calls.

    Returns:
        The other stacks.
    """
    of_this_app = (alias for alias in dict.fromkeys(aliases) if isinstance(alias, lambda_.Alias))
    stacks = dict.fromkeys(Stack.of(alias) for alias in of_this_app)
    return [stack for stack in stacks if stack is not home]


def check_order(home: Stack, others: Iterable[Stack], words: str) -> None:
    """Refuse that two stacks wait for each other.

    Args:
        home: The stack that would wait.
        others: The stacks that it would wait for.
        words: What makes it wait, and the way out.

    Raises:
        InvalidPropsError: One of them waits for `home`.
    """
    for other in others:
        if home in _waits_for.get(other, ()):
            raise InvalidPropsError(
                f"{words} {other.node.path} is deployed after {home.node.path} already, so each would wait for the "
                "other."
            )


def let_wait(home: Stack, others: Iterable[Stack]) -> None:
    """Note that a stack is deployed after others.

    Args:
        home: The stack that waits.
        others: The stacks that it waits for.
    """
    _waits_for.setdefault(home, WeakSet()).update(others)
