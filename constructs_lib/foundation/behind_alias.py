"""What is known of the function behind an alias."""

from typing import Final
from weakref import WeakSet

from aws_cdk import aws_lambda as lambda_

from constructs_lib import _defaults, _validation
from constructs_lib._types import AliasLike
from constructs_lib.errors import InvalidPropsError

watched: Final[WeakSet[lambda_.Alias]] = WeakSet()
"""Aliases with alarms of their own, as those of a `LiveAlias`: nobody is to be woken twice."""


def check(name: str, value: object) -> None:
    """Refuse whatever is no alias: a function would be called at `$LATEST`.

    Args:
        name: The argument, as the user wrote it.
        value: What was given.

    Raises:
        InvalidPropsError: It is a function, a version, or something else.
    """
    if isinstance(value, lambda_.Alias) or hasattr(value, "alias_name"):
        return
    kind = type(value).__name__
    if hasattr(value, "function_arn"):
        kind = "version" if isinstance(value, lambda_.Version) else "function"
    latest = " It would be called at $LATEST, past every release." if kind == "function" else ""
    raise InvalidPropsError(
        f"{name} must be an alias, got a {kind}.{latest} Pass the .alias of a LiveAlias, or a lambda_.Alias. "
        f"See {_defaults.LAMBDA_ALIASES}"
    )


def timeout_seconds(alias: AliasLike) -> float | None:
    """The timeout of the function behind an alias.

    Args:
        alias: The alias.

    Returns:
        Seconds; None for a function that is not of this app, or a timeout known only at deployment.
    """
    if not isinstance(alias, lambda_.Alias):
        return None
    function = alias.version.lambda_
    if not isinstance(function, lambda_.Function):
        return None
    return _validation.seconds("timeout", function.timeout, _defaults.FUNCTION_TIMEOUT_SECONDS_WHEN_UNSET)


def has_provisioned_concurrency(alias: AliasLike) -> bool:
    """Whether environments are kept ready for an alias.

    Args:
        alias: The alias.

    Returns:
        False also for an imported alias: of it nothing is known here.
    """
    resource = alias.node.default_child if isinstance(alias, lambda_.Alias) else None
    return isinstance(resource, lambda_.CfnAlias) and resource.provisioned_concurrency_config is not None
