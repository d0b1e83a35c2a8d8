"""What exactly is called: the function behind an alias or version, its qualifier, and what Lambda refuses.

Durable functions, functions with tenant isolation and those on managed instances are called in fewer ways than others.
Where Lambda would refuse a call, or lose an event, a check here refuses it at synth.
"""

from dataclasses import dataclass
from functools import cached_property

from aws_cdk import Token
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import location

LATEST = "$LATEST"


@dataclass(frozen=True)
class Kind:
    """What makes Lambda refuse some of the ways to call a function."""

    is_durable: bool = False
    execution_seconds: float | None = None
    """How long a whole execution of a durable function may take; None where it is known only at deployment."""
    has_tenants: bool = False
    is_managed: bool = False


@dataclass(frozen=True)
class Called:
    """A function as callers name it."""

    arn: str
    """Where a call goes, with its qualifier; a token for what this app makes."""
    qualifier: str
    """An alias, a version, or `$LATEST`."""
    base: lambda_.IFunction
    """The function without its qualifier."""
    base_arn: str
    function: lambda_.Function | None
    """The same, where it belongs to this app."""

    @property
    def key(self) -> tuple[str, str]:
        """Equal for two ways to the same code: `base_arn` and `qualifier`."""
        return self.base_arn, self.qualifier

    @cached_property
    def kind(self) -> Kind:
        """What the function's resource says, read once: a capacity provider may be added until then."""
        resource = self.function.node.default_child if self.function is not None else None
        if not isinstance(resource, lambda_.CfnFunction):
            return Kind()
        durable = resource.durable_config
        seconds = getattr(durable, "execution_timeout", None)
        return Kind(
            is_durable=durable is not None,
            execution_seconds=None
            if seconds is None or _validation.is_unresolved(seconds)
            else float(seconds),
            has_tenants=resource.tenancy_config is not None,
            is_managed=resource.capacity_provider_config is not None,
        )

    @cached_property
    def timeout_seconds(self) -> float | None:
        """How long a caller waits for an answer at most: the timeout, or a whole execution of a durable function.

        None for a function that is not of this app, or a time that is known only at deployment.
        """
        if self.function is None:
            return None
        if self.kind.is_durable:
            return self.kind.execution_seconds
        unset = _defaults.FUNCTION_TIMEOUT_SECONDS_WHEN_UNSET
        return _validation.seconds("timeout", self.function.timeout, unset)


def called(function: FunctionLike, name: str = "function") -> Called:
    """Resolve an alias or version to its function.

    Args:
        function: A function, version, alias or import.
        name: The argument, as the user wrote it.

    Returns:
        What a call of it reaches.

    Raises:
        InvalidPropsError: `function` is something else.
    """
    _validation.kind(name, function, "function_arn", "a function, version or alias", required=True)
    base: lambda_.IFunction = function
    qualifier = LATEST
    alias_name, version = getattr(function, "alias_name", None), getattr(function, "version", None)
    if alias_name is not None and version is not None:
        qualifier, base = alias_name, version.lambda_
    elif version is not None:
        qualifier, base = version, function.lambda_  # type: ignore[union-attr]
    arn = function.function_arn
    base_arn = arn if base is function else base.function_arn
    if base is function and not Token.is_unresolved(arn) and arn.count(":") == _COLONS_WITH_QUALIFIER:
        base_arn, _, qualifier = arn.rpartition(":")  # imported by an ARN that says it
    return Called(
        arn=arn,
        qualifier=qualifier,
        base=base,
        base_arn=base_arn,
        function=base if isinstance(base, lambda_.Function) else None,
    )


_COLONS_WITH_QUALIFIER = 7
"""arn:aws:lambda:region:account:function:name:qualifier"""


# --- what is refused -----------------------------------------------------------------------------------


def check_event_source(it: Called, name: str = "function") -> None:
    """Refuse a function that Lambda does not let an event source call.

    Args:
        it: What it calls.
        name: The argument, as the user wrote it.

    Raises:
        InvalidPropsError: The function has tenant isolation, or is a durable one without a qualifier.
    """
    check_tenants(it, name)
    if it.kind.is_durable and it.qualifier == LATEST:
        raise InvalidPropsError(
            f"{name} {it.base.node.path} is a durable function, and Lambda refuses a call of it without a qualifier: "
            f"each event would fail. Pass an alias or a version, such as LiveAlias(...).alias. "
            f"See {_defaults.DURABLE_INVOKING}"
        )


def check_place(scope: Construct, it: Called, name: str = "function") -> None:
    """Refuse a function of another Region or account.

    Args:
        scope: Where the construct is going to be.
        it: The function.
        name: The argument, as the user wrote it.

    Raises:
        InvalidPropsError: It is in another one.
    """
    location.check(
        scope,
        name,
        it.base,
        way_out="Make this construct in the function's own Region and account.",
        source=_defaults.LAMBDA_PERMISSIONS,
    )


def check_permission(it: Called, function: FunctionLike) -> None:
    """Refuse an imported function to which CDK does not add a permission, without a word.

    Args:
        it: What is called.
        function: The same, as it was given.

    Raises:
        InvalidPropsError: Its account is not known to be that of its stack.
    """
    if it.function is None and not getattr(function, "_can_create_permissions", True):
        raise InvalidPropsError(
            f"function {function.node.path} is imported, and its account is not known to be that of its stack: CDK "
            "would add no permission to call it. Give the stack an env with account and Region, or import the "
            "function with Function.from_function_attributes(..., same_environment=True). "
            f"See {_defaults.LAMBDA_PERMISSIONS}"
        )


def check_mapping(it: Called) -> None:
    """Refuse a durable function that an event source mapping cannot wait for.

    Args:
        it: What the mapping calls.

    Raises:
        InvalidPropsError: Its executions may take longer.
    """
    kind = it.kind
    most = (
        _defaults.DURABLE_EXECUTION_SECONDS_MAX_MANAGED
        if kind.is_managed
        else _defaults.DURABLE_EXECUTION_SECONDS_MAX
    )
    if kind.execution_seconds is not None and kind.execution_seconds > most:
        raise InvalidPropsError(
            f"execution_timeout of the durable function {it.base.node.path} must be at most {most:,} seconds, got "
            f"{kind.execution_seconds:,.0f}: an event source mapping waits for the whole execution, and no longer. "
            f"Start longer ones asynchronously, with EventRule for example. See {_defaults.DURABLE_MAPPINGS}"
        )


def check_destinations(it: Called, *, redrive: bool) -> None:
    """Refuse a function whose destinations Lambda would not serve.

    Args:
        it: Whose asynchronous configuration is asked for.
        redrive: Whether its failed events are going to be sent again.

    Raises:
        InvalidPropsError: It is a durable function, or one on managed instances without a qualifier; or it has tenant
            isolation, and `redrive` is asked for.
    """
    kind = it.kind
    path = it.base.node.path
    if kind.is_durable:
        raise InvalidPropsError(
            f"function {path} is a durable function, which has no destinations: Lambda would send no record of it. Set "
            f"dead_letter_queue on the function itself. See {_defaults.DURABLE_INVOKING}"
        )
    if kind.is_managed and it.qualifier == LATEST:
        raise InvalidPropsError(
            f"function {path} is on managed instances, where a call without a qualifier reaches $LATEST.PUBLISHED, and "
            f"not the destinations of $LATEST. Pass an alias or a version. See {_defaults.MANAGED_INSTANCES_VERSIONS}"
        )
    if redrive and kind.has_tenants:
        raise InvalidPropsError(
            f"redrive cannot be combined with tenant isolation, which function {path} has: a record does not have the "
            f"tenant that its event was for. Leave redrive out. See {_defaults.TENANT_ISOLATION}"
        )


def check_tenants(it: Called, name: str = "function") -> None:
    """Refuse a function with tenant isolation, which is called for one tenant at a time.

    Args:
        it: What is called.
        name: The argument, as the user wrote it.

    Raises:
        InvalidPropsError: It has tenant isolation.
    """
    if it.kind.has_tenants:
        raise InvalidPropsError(
            f"{name} {it.base.node.path} has tenant isolation: Lambda refuses each call without a tenant, and nothing "
            "here sends one. Pass a function without tenancy_config, or call this one by Invoke with a TenantId. "
            f"See {_defaults.TENANT_ISOLATION}"
        )


def check_reserved(it: Called) -> None:
    """Refuse a function whose concurrency Lambda does not let anybody reserve.

    Args:
        it: The function.

    Raises:
        InvalidPropsError: It runs on managed instances.
    """
    if it.kind.is_managed:
        raise InvalidPropsError(
            f"function {it.base.node.path} is on managed instances, which scale by a scaling configuration: reserved "
            "concurrency does not turn it off. Call put-function-scaling-config with 0 environments instead. "
            f"See {_defaults.MANAGED_INSTANCES}"
        )


def check_provisioned(it: Called) -> None:
    """Refuse provisioned concurrency where Lambda has none.

    Args:
        it: The function.

    Raises:
        InvalidPropsError: It runs on managed instances, or has tenant isolation.
    """
    kind = it.kind
    if kind.is_managed or kind.has_tenants:
        has, page = (
            ("is on managed instances, which are always warm", _defaults.MANAGED_INSTANCES)
            if kind.is_managed
            else ("has tenant isolation", _defaults.TENANT_ISOLATION)
        )
        raise InvalidPropsError(
            f"provisioned_concurrency cannot be given for function {it.base.node.path}, which {has}. Leave it out. "
            f"See {page}"
        )
