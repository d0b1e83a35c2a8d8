"""What exactly is invoked: the function behind an alias or version, its qualifier, and what Lambda refuses.

Durable functions, functions with tenant isolation and those on managed instances are called in fewer ways than others.
Where Lambda would refuse a call, or lose an event, a check here refuses it at synth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from weakref import WeakKeyDictionary

from aws_cdk import CfnResource, RemovalPolicy, Resource, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct, IConstruct

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import location, permissions
from constructs_lib.foundation.resource import find_resource, node_of, path_of, properties_of

LATEST = "$LATEST"


@dataclass(frozen=True)
class CallRestrictions:
    """What makes Lambda refuse some of the ways to call a function."""

    is_durable: bool = False
    execution_seconds: float | None = None
    """How long a whole execution of a durable function may take; None where it is known only at deployment."""
    has_tenants: bool = False
    is_managed: bool = False
    """Whether it runs on managed instances."""
    has_latest: bool = True
    """Whether a call without a qualifier reaches anything."""


@dataclass(frozen=True)
class Invoked:
    """A function as callers name it, and what is known of it."""

    called: FunctionLike
    """The function, version or alias that was passed."""
    base: lambda_.IFunction
    """The function without its qualifier."""
    function: lambda_.Function | None
    """The function without its qualifier, if it belongs to this app; otherwise None."""
    _qualifier: str = LATEST
    """Of all but an alias of this app, which is asked when it is needed."""

    @classmethod
    def of(cls, function: FunctionLike, name: str = "function") -> "Invoked":
        """Resolve an alias or version to its function.

        Args:
            function: A function, version, alias or import.
            name: The argument, as the user wrote it.

        Raises:
            InvalidPropsError: `function` is something else.
        """
        _validation.check_part(name, function, "function_arn", "a function, version or alias", required=True)
        base: lambda_.IFunction = function
        qualifier = LATEST
        if isinstance(function, lambda_.Alias):
            live = _live.get(function)
            base = function.lambda_ if live is None else live[0]
        elif not isinstance(function, lambda_.Function):
            alias_name, version = getattr(function, "alias_name", None), getattr(function, "version", None)
            if alias_name is not None and version is not None:
                qualifier, base = alias_name, version.lambda_
            elif version is not None:
                qualifier, base = version, function.lambda_  # type: ignore[union-attr]
            else:
                qualifier = _qualifier_of(function.function_arn)
        return cls(
            called=function,
            base=base,
            function=base if isinstance(base, lambda_.Function) else None,
            _qualifier=qualifier,
        )

    @cached_property
    def qualifier(self) -> str:
        """An alias, a version, or `$LATEST`."""
        if not isinstance(self.called, lambda_.Alias):
            return self._qualifier
        live = _live.get(self.called)
        return str(self._qualifier_properties["name"]) if live is None else live[1]

    @cached_property
    def arn(self) -> str:
        """The ARN that callers use, with its qualifier; a token for what this app creates."""
        return self.called.function_arn

    @cached_property
    def base_arn(self) -> str:
        """The ARN of the function without its qualifier."""
        if self.base is not self.called:
            return self.base.function_arn
        return self.arn.removesuffix(f":{self.qualifier}")

    def is_same_as(self, other: "Invoked") -> bool:
        """Whether two ways lead to the same code; the ARN is asked for only where it can decide."""
        if self.function is not None and other.function is not None:
            return self.function is other.function and self.qualifier == other.qualifier
        arns = [each.base_arn for each in (self, other) if each.function is None]
        if _validation.has_unresolved(arns) or len(arns) > 1:
            arns = [self.base_arn, other.base_arn]
            return arns[0] == arns[1] and self.qualifier == other.qualifier
        return False  # the ARN of a function of this app is a token, and the other one is a text

    @property
    def identity(self) -> dict[str, object]:
        """Everything that, when it changes, replaces an alias of this app whose reference stays the same.

        A hash over a template sees `{"Ref": alias}` alone. The alias is replaced with its name, and with its function;
        the function with its own name and place, and with the settings that Lambda cannot change.
        """
        found: dict[str, object] = {"alias": self.qualifier, "function": path_of(self.base)}
        if self.resource is not None:
            found |= {
                "name": self.properties.get("functionName"),
                "package": self.properties.get("packageType"),
            }
        return found

    @property
    def path(self) -> str:
        """The path of `base`, for messages."""
        return self.base.node.path

    @cached_property
    def children(self) -> Sequence[IConstruct]:
        """What is in the construct that is called, read at the first use."""
        return node_of(self.called).children

    @property
    def qualifier_resource(self) -> lambda_.CfnAlias | lambda_.CfnVersion | None:
        """The resource of an alias or version of this app."""
        kinds = lambda_.CfnAlias | lambda_.CfnVersion
        return next((child for child in self.children if isinstance(child, kinds)), None)

    @cached_property
    def _qualifier_properties(self) -> Mapping[str, Any]:
        resource = self.qualifier_resource
        return {} if resource is None else properties_of(resource)

    @property
    def has_provisioned_concurrency(self) -> bool:
        """Whether environments are kept ready for the alias or version; False where nothing is known of it."""
        if not isinstance(self.called, lambda_.Alias | lambda_.Version):
            return False
        if self._qualifier_properties.get("provisionedConcurrencyConfig") is not None:
            return True
        others = [child for child in self.children if not isinstance(child, Resource | CfnResource)]
        return bool(others) and node_of(self.called).try_find_child(_SCALING) is not None

    @cached_property
    def resource(self) -> lambda_.CfnFunction | None:
        """The function's resource, where it belongs to this app."""
        return None if self.function is None else find_resource(self.function, lambda_.CfnFunction)

    @cached_property
    def properties(self) -> Mapping[str, Any]:
        """What the function's resource has, read at the first use: later changes are not seen.

        Empty for a function that is not of this app.
        """
        return {} if self.resource is None else properties_of(self.resource)

    @cached_property
    def kind(self) -> CallRestrictions:
        """What its properties mean for its callers."""
        durable = self.properties.get("durableConfig")
        seconds = durable.get("executionTimeout") if isinstance(durable, Mapping) else None
        is_managed = self.properties.get("capacityProviderConfig") is not None
        return CallRestrictions(
            is_durable=durable is not None,
            execution_seconds=None if seconds is None else _known(seconds),
            has_tenants=self.properties.get("tenancyConfig") is not None or self._is_imported_with_tenants,
            is_managed=is_managed,
            has_latest=not is_managed or self.properties.get("publishToLatestPublished") is not False,
        )

    @property
    def _is_imported_with_tenants(self) -> bool:
        return self.function is None and getattr(self.base, "tenancy_config", None) is not None

    @cached_property
    def timeout_seconds(self) -> float | None:
        """How long a caller waits for an answer at most: the timeout, or a whole execution of a durable function.

        None for a function that is not of this app, or a time that is known only at deployment.
        """
        return self.kind.execution_seconds if self.kind.is_durable else self.invocation_seconds

    @property
    def invocation_seconds(self) -> float | None:
        """How long one invocation may take, also of a durable function; None where that is not known."""
        if self.function is None:
            return None
        return _known(self.properties.get("timeout", _defaults.FUNCTION_TIMEOUT_SECONDS_WHEN_UNSET))

    @property
    def watched_seconds(self) -> float | None:
        """How long after the start of an invocation its metrics may come; None where that is not known.

        Of a durable function, the longest that an invocation of any function may take.
        """
        seconds = self.timeout_seconds
        return None if seconds is None else min(seconds, self.longest_seconds)

    @property
    def longest_seconds(self) -> int:
        """The longest timeout that a function of this kind may have."""
        return (
            _defaults.MANAGED_TIMEOUT_SECONDS_MAX
            if self.kind.is_managed
            else _defaults.FUNCTION_TIMEOUT_SECONDS_MAX
        )

    @property
    def reserved_concurrency(self) -> float | None:
        """The concurrency reserved for the function; None where it has none, or it is known only at deployment."""
        return _known(self.properties.get("reservedConcurrentExecutions"))

    @property
    def is_unreserved(self) -> bool:
        """Whether the function, which is of this app, could use up the concurrency of the account."""
        return (
            self.function is not None
            and not self.kind.is_managed
            and self.properties.get("reservedConcurrentExecutions") is None
        )


_SCALING: Final = "AliasScaling"
"""The child that CDK's `alias.add_auto_scaling()` makes, which is not a resource."""

_live: Final[WeakKeyDictionary[lambda_.Alias, tuple[lambda_.IFunction, str]]] = WeakKeyDictionary()
"""The functions and the names of aliases of this library, for which nobody has to ask Node."""


def note_alias(alias: lambda_.Alias, function: lambda_.IFunction, name: str) -> None:
    """Remember what an alias of this library leads to."""
    _live[alias] = (function, name)


def _known(number: object) -> float | None:
    """A number; None where it is not set, or known only at deployment."""
    return number if isinstance(number, int | float) and not _validation.is_unresolved(number) else None


def changeable(function: FunctionLike) -> lambda_.Function:
    """The function whose environment, role and security groups are to be changed.

    Args:
        function: A function of this app, or an alias of one.

    Returns:
        The function itself.

    Raises:
        InvalidPropsError: It is a version, or a function that was made elsewhere.
    """
    if isinstance(function, lambda_.Version):
        raise InvalidPropsError(
            f"function {function.node.path} is a version, and the environment of a version cannot change. "
            f"Connect the function itself, or the alias."
        )
    _validation.check_part("function", function, "function_arn", "a function or alias", required=True)
    behind = function.lambda_ if isinstance(function, lambda_.Alias) else function
    if not isinstance(behind, lambda_.Function):
        raise InvalidPropsError(
            f"function {function.node.path} is imported: its environment, role and security groups cannot be "
            f"changed from this app. Connect it in the app that makes it."
        )
    return behind


def variables_of(function: lambda_.Function) -> Mapping[str, Any]:
    """The environment of a function of this app, as it is now.

    Args:
        function: The function.

    Returns:
        The values by variable, as they are in its template.
    """
    environment = location.stack_of(function).resolve(Invoked.of(function).properties.get("environment"))
    variables: Mapping[str, Any] = (environment or {}).get("variables", {})
    return variables


def dimensions_of(function: FunctionLike) -> dict[str, str] | None:
    """The dimensions of a function's metrics where CDK's own are wrong: it looks for a function of a version's name.

    Args:
        function: The function, or the alias or version that is called.

    Returns:
        Names and values; None where CDK has them right.
    """
    if isinstance(function, lambda_.Function | lambda_.Alias) or hasattr(function, "alias_name"):
        return None
    invoked = Invoked.of(function)
    if invoked.qualifier == LATEST:
        return None
    name = invoked.base.function_name if invoked.base is not function else invoked.base_arn.rpartition(":")[2]
    return {"FunctionName": name, "Resource": f"{name}:{invoked.qualifier}"}


def _qualifier_of(arn: str) -> str:
    """What a function was imported by: arn:aws:lambda:region:account:function:name:qualifier."""
    has_one = not Token.is_unresolved(arn) and arn.count(":") == _COLONS_WITH_QUALIFIER
    return arn.rpartition(":")[2] if has_one else LATEST


_COLONS_WITH_QUALIFIER = 7


# --- what is refused -----------------------------------------------------------------------------------


def check_event_source(invoked: Invoked, name: str = "function") -> None:
    """Refuse a function that Lambda does not let an event source call.

    Args:
        invoked: What it calls.
        name: The argument, as the user wrote it.

    Raises:
        InvalidPropsError: The function has tenant isolation, or is a durable one without a qualifier, or one on managed
            instances without a qualifier that has published nothing there.
    """
    check_tenants(invoked, name)
    if invoked.qualifier == LATEST and not invoked.kind.has_latest:
        raise InvalidPropsError(
            f"{name} {invoked.path} is on managed instances, which run published versions alone: each event without a "
            f"qualifier would fail. Pass an alias or a version, such as LiveAlias(...).alias. "
            f"See {_defaults.MANAGED_INSTANCES_VERSIONS}"
        )
    if invoked.kind.is_durable and invoked.qualifier == LATEST:
        raise InvalidPropsError(
            f"{name} {invoked.base.node.path} is a durable function, and Lambda refuses a call of it without a "
            f"qualifier: each event would fail. Pass an alias or a version, such as LiveAlias(...).alias. "
            f"See {_defaults.DURABLE_INVOKING}"
        )


def check_place(scope: Construct, invoked: Invoked, name: str = "function") -> None:
    """Refuse a function of another environment, which is an account and a Region.

    Args:
        scope: Where the construct is going to be.
        invoked: The function.
        name: The argument, as the user wrote it.

    Raises:
        InvalidPropsError: It is in another one.
    """
    location.check(
        scope,
        name,
        invoked.base,
        way_out="Make this construct in the function's own Region and account.",
        source=_defaults.LAMBDA_PERMISSIONS,
    )


def check_permission(invoked: Invoked, function: FunctionLike) -> None:
    """Refuse an imported function for which CDK would silently skip the permission to call it.

    Args:
        invoked: What is called.
        function: The same, as it was passed.

    Raises:
        InvalidPropsError: Its account is not known to be that of its stack.
    """
    if invoked.function is None and not getattr(function, "_can_create_permissions", True):
        raise InvalidPropsError(
            f"function {function.node.path} is imported, and its account is not known to be that of its stack: CDK "
            "would add no permission to call it. Give the stack an env with account and Region, or import the "
            "function with Function.from_function_attributes(..., same_environment=True). "
            f"See {_defaults.LAMBDA_PERMISSIONS}"
        )


def of_mapping(
    scope: Construct,
    function: FunctionLike,
    *,
    longest_on_instances: int = _defaults.MANAGED_TIMEOUT_SECONDS_MAX,
) -> tuple[Invoked, iam.IRole]:
    """What an event source mapping calls, and the role that it reads its source with.

    Args:
        scope: Where the consumer is going to be.
        function: The argument `function`.
        longest_on_instances: How many seconds the mapping waits for a function on managed instances.

    Returns:
        The function, and its role.

    Raises:
        InvalidPropsError: Lambda lets no mapping call it, it takes longer than the mapping waits, it is in another
            Region or account, or it was imported without its role.
    """
    invoked = Invoked.of(function)
    check_place(scope, invoked)
    check_event_source(invoked)
    _check_mapping(invoked, min(invoked.longest_seconds, longest_on_instances))
    return invoked, permissions.role_of(function, invoked.base)


def _check_mapping(invoked: Invoked, longest: int) -> None:
    """Refuse a function that an event source mapping cannot wait for."""
    kind = invoked.kind
    if kind.execution_seconds is not None and kind.execution_seconds > longest:
        raise InvalidPropsError(
            f"execution_timeout of the durable function {invoked.path} must be at most {longest:,} seconds, "
            f"got {kind.execution_seconds:,.0f}: an event source mapping waits for the whole execution, and no longer. "
            f"Start longer ones with DurableExecutions(starter=True), whose starter a mapping may invoke. "
            f"See {_defaults.DURABLE_MAPPINGS}"
        )
    seconds = invoked.invocation_seconds
    if kind.is_managed and seconds is not None and seconds > longest:
        raise InvalidPropsError(
            f"the timeout of function {invoked.path} must be at most {longest:,} seconds here, got {seconds:,.0f}: "
            "Lambda gives its invocations no more, on managed instances too. Lower it, or let the function start the "
            f"long work asynchronously. See {_defaults.LAMBDA_TIMEOUT}"
        )


def check_synchronous(invoked: Invoked, what: str, *, seconds: float, source: str) -> None:
    """Refuse a durable function whose caller waits for less than a whole execution.

    Args:
        invoked: What is called.
        what: The function, as the message names it.
        seconds: How long its caller waits.
        source: The page that gives that number.

    Raises:
        InvalidPropsError: Its executions may take longer.
    """
    known = invoked.kind.execution_seconds
    if known is not None and known > seconds:
        raise InvalidPropsError(
            f"execution_timeout of the durable function {invoked.path}, {what}, must be at most {seconds:g} seconds, "
            f"got {known:,.0f}: API Gateway waits for the whole execution, and no longer. Let a route start it "
            f'asynchronously, by a function that invokes it with InvocationType="Event". See {source}'
        )


def check_version_removal(invoked: Invoked, removal_policy: RemovalPolicy | None) -> None:
    """Refuse to delete the versions of a durable function.

    Args:
        invoked: The function.
        removal_policy: What happens to a version when the next one is published.

    Raises:
        InvalidPropsError: The function is a durable one, and its versions would be deleted.
    """
    if invoked.kind.is_durable and removal_policy is RemovalPolicy.DESTROY:
        raise InvalidPropsError(
            f"version_removal_policy cannot be DESTROY for the durable function {invoked.path}: an execution continues "
            "in the version that started it, and CloudFormation would wait for it for an hour, and fail. Leave "
            f"version_removal_policy out, and delete a version when no execution of it runs. "
            f"See {_defaults.DURABLE_PRACTICES}"
        )


def check_destinations(invoked: Invoked, *, redrive: bool) -> None:
    """Refuse a function whose destinations Lambda would not serve.

    Args:
        invoked: Whose asynchronous configuration is asked for.
        redrive: Whether its failed events are going to be sent again.

    Raises:
        InvalidPropsError: It is a durable function, or one on managed instances without a qualifier; or it has tenant
            isolation, and `redrive` is asked for.
    """
    kind = invoked.kind
    if kind.is_durable:
        raise InvalidPropsError(
            f"function {invoked.path} is a durable function, which has no destinations: Lambda would send no record of "
            f"it. Use DurableExecutions, which gives it a dead-letter queue. See {_defaults.DURABLE_PRACTICES}"
        )
    if kind.is_managed and invoked.qualifier == LATEST:
        raise InvalidPropsError(
            f"function {invoked.path} is on managed instances, where a call without a qualifier reaches "
            "$LATEST.PUBLISHED, and not the destinations of $LATEST. Pass an alias or a version. "
            f"See {_defaults.MANAGED_INSTANCES_VERSIONS}"
        )
    if redrive and kind.has_tenants:
        raise InvalidPropsError(
            f"redrive cannot be combined with tenant isolation, which function {invoked.path} has: a record does not "
            f"have the tenant that its event was for. Leave redrive out. See {_defaults.TENANT_ISOLATION}"
        )


def check_tenants(invoked: Invoked, name: str = "function") -> None:
    """Refuse a function with tenant isolation, which is called for one tenant at a time.

    Args:
        invoked: What is called.
        name: The argument, as the user wrote it.

    Raises:
        InvalidPropsError: It has tenant isolation.
    """
    if invoked.kind.has_tenants:
        raise InvalidPropsError(
            f"{name} {invoked.base.node.path} has tenant isolation: Lambda refuses each call without a tenant, and "
            "nothing here sends one. Pass a function without tenant isolation, or call this one by Invoke with "
            f"a TenantId, or from a REST API with Route(tenant_id=...). See {_defaults.TENANT_ISOLATION}"
        )


def check_can_be_turned_off(invoked: Invoked) -> None:
    """Refuse a function whose concurrency Lambda does not let anybody reserve.

    Args:
        invoked: The function.

    Raises:
        InvalidPropsError: It runs on managed instances.
    """
    if invoked.kind.is_managed:
        raise InvalidPropsError(
            f"function {invoked.base.node.path} is on managed instances, which scale by a scaling configuration: "
            "reserved concurrency does not turn it off. Call put-function-scaling-config with 0 environments instead. "
            f"See {_defaults.MANAGED_INSTANCES}"
        )


def check_provisioned(invoked: Invoked) -> None:
    """Refuse provisioned concurrency where Lambda has none.

    Args:
        invoked: The function.

    Raises:
        InvalidPropsError: It runs on managed instances, or has tenant isolation.
    """
    kind = invoked.kind
    if kind.is_managed or kind.has_tenants:
        has, page = (
            ("is on managed instances, which are always warm", _defaults.MANAGED_INSTANCES)
            if kind.is_managed
            else ("has tenant isolation", _defaults.TENANT_ISOLATION)
        )
        raise InvalidPropsError(
            f"provisioned_concurrency cannot be given for function {invoked.base.node.path}, which {has}. Leave it "
            f"out. See {page}"
        )
