"""The aliases that an API calls, and what is known of the functions behind them."""

from collections.abc import Iterable, Mapping
from weakref import WeakKeyDictionary

from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib import _defaults
from constructs_lib._types import AliasLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import location
from constructs_lib.foundation.invoked import Invoked, check_place, check_tenants

_known: WeakKeyDictionary[lambda_.Alias, Invoked] = WeakKeyDictionary()
"""Read once for each alias and API: there may be hundreds of routes to the same one."""


def forget() -> None:
    """Read each alias again: its function may have changed since an earlier API has read it."""
    _known.clear()


def invoked(alias: AliasLike) -> Invoked:
    """What a call of the alias reaches, read once for an alias of this app."""
    if not isinstance(alias, lambda_.Alias):
        return Invoked.of(alias)
    if alias not in _known:
        _known[alias] = Invoked.of(alias)
    return _known[alias]


def check(name: str, value: object, *, tenant_id: str | None = None) -> None:
    """Refuse whatever is not an alias, which would be called at `$LATEST`, and what nothing here can call.

    Args:
        name: The argument, as the user wrote it.
        value: What was given.
        tenant_id: Where the tenant id comes from, of a route that has one.

    Raises:
        InvalidPropsError: It is a function, a version, or something else; or its function has tenant isolation, and no
            tenant id comes with its calls, or the other way around.
    """
    if isinstance(value, lambda_.Alias):
        if tenant_id is None:
            check_tenants(invoked(value), name)
        elif invoked(value).function is not None and not invoked(value).kind.has_tenants:
            raise InvalidPropsError(
                f"tenant_id of {name} requires a function with tenant isolation, which {invoked(value).path} does not "
                f"have. Leave tenant_id out, or pass tenant_isolation=True to its PythonFunction. "
                f"See {_defaults.TENANT_ISOLATION}"
            )
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
        check_place(scope, invoked(alias), name)


def timeout_seconds(alias: AliasLike) -> float | None:
    """How long the function behind an alias may take: its timeout, or a whole durable execution.

    Args:
        alias: The alias.

    Returns:
        Seconds; None for a function that is not of this app, or a time known only at deployment.
    """
    return invoked(alias).timeout_seconds


def identity(alias: AliasLike) -> dict[str, object]:
    """Everything that, when it changes, replaces an alias whose reference in the template stays the same.

    Args:
        alias: The alias.

    Returns:
        The values by name; empty for an imported alias, whose ARN is a text.
    """
    return invoked(alias).identity if isinstance(alias, lambda_.Alias) else {}


def other_stacks(own_stack: Stack, aliases: Iterable[AliasLike]) -> list[Stack]:
    """Find the stacks of aliases that are not in a construct's own.

    Args:
        own_stack: The stack of the construct.
        aliases: What it calls.

    Returns:
        The other stacks.
    """
    of_this_app = (alias for alias in dict.fromkeys(aliases) if isinstance(alias, lambda_.Alias))
    stacks = dict.fromkeys(location.stack_of(alias) for alias in of_this_app)
    return [stack for stack in stacks if stack is not own_stack]
