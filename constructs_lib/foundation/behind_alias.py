"""What is known of the function behind an alias."""

from collections.abc import Mapping
from typing import Final
from weakref import WeakKeyDictionary, WeakSet

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib import _defaults
from constructs_lib._types import AliasLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation.called import Called, called, check_place, check_tenants

watched: Final[WeakSet[lambda_.Alias]] = WeakSet()
"""Aliases with alarms of their own, as those of a `LiveAlias`: nobody is to be woken twice."""

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
