"""What is known of the function behind an alias."""

from collections.abc import Iterable
from typing import Final
from weakref import WeakKeyDictionary, WeakSet

from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_
from constructs import IConstruct

from constructs_lib import _defaults, _validation
from constructs_lib._types import AliasLike
from constructs_lib.errors import InvalidPropsError

watched: Final[WeakSet[lambda_.Alias]] = WeakSet()
"""Aliases with alarms of their own, as those of a `LiveAlias`: nobody is to be woken twice."""

_waits_for: Final[WeakKeyDictionary[Stack, WeakSet[Stack]]] = WeakKeyDictionary()
"""The stacks that each stack is deployed after: the API's after the alias's, and that of a release after its alarms."""


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

    Raises:
        InvalidPropsError: One of them is of another account or Region.
    """
    of_this_app = (alias for alias in dict.fromkeys(aliases) if isinstance(alias, lambda_.Alias))
    stacks = {check_environment("alias", alias, home): None for alias in of_this_app}
    return [stack for stack in stacks if stack is not home]


def check_environment(name: str, part: IConstruct, home: Stack) -> Stack:
    """Refuse a part of another account or Region.

    Args:
        name: What it is, for the message.
        part: The part.
        home: The stack in which it is used.

    Returns:
        The stack of the part.

    Raises:
        InvalidPropsError: The two stacks are known to differ.
    """
    stack = Stack.of(part)
    if stack is home:
        return stack
    for what, theirs, ours in (
        ("Region", stack.region, home.region),
        ("account", stack.account, home.account),
    ):
        if theirs != ours and not (_validation.is_unresolved(theirs) or _validation.is_unresolved(ours)):
            raise InvalidPropsError(
                f"{name} {part.node.path} must be in the {what} of {home.node.path}, {ours}, got {theirs}. Put both "
                "into stacks of one environment."
            )
    return stack


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
