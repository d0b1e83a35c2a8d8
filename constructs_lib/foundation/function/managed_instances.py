"""What makes a function run on instances of EC2 that Lambda manages, and what such a function may not have."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final

from aws_cdk import RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from constructs import Construct, IConstruct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import location
from constructs_lib.foundation.function import runtimes
from constructs_lib.foundation.resource import find_resource, properties_of


@dataclass(frozen=True, kw_only=True)
class ManagedInstances:
    """The instances that a function runs on, for `PythonFunction(managed_instances=...)`.

    Lambda runs the function on EC2 instances in your account, which a capacity provider describes. Its environments are
    always warm, each runs many invocations at the same time, and their number follows the use of the CPU.

    The guide is docs/managed-instances.md.

    Attributes:
        capacity_provider: The provider of the instances, of the function's Region and account: a
            `lambda_.CapacityProvider`, or an imported one. All functions of one provider must trust each other.
        max_concurrency: How many invocations run in one environment at the same time: 1 to 1,600, and at most 64 for
            each vCPU. Default is Lambda's: 16 for each vCPU. Each one runs in a Python process of its own, and these
            processes share the memory and `/tmp`.
        memory_gib_per_vcpu: How much of the function's memory comes with one vCPU: 2 to 8 GiB; default is Lambda's, 2.
            AWS recommends 4 or 8 for Python.
        minimum_environments: How many environments of a version are always there: 1 to 15,000, or 0 together with a
            maximum of 0, which deactivates the function. Below 3 they are not in three zones. Default is Lambda's, 3.
            Requires `maximum_environments`.
        maximum_environments: How many environments of a version there are at most, up to 15,000; default is Lambda's,
            no maximum. Requires `minimum_environments`.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html
    """

    capacity_provider: lambda_.ICapacityProvider | lambda_.CapacityProvider
    max_concurrency: float | None = None
    memory_gib_per_vcpu: float | None = None
    minimum_environments: float | None = None
    maximum_environments: float | None = None


def memory_size(memory: float | None, managed: ManagedInstances | None) -> float:
    """The memory of a function, in MB: that of one vCPU where the user leaves it to us."""
    if memory is not None:
        return memory
    if managed is None:
        return _defaults.FUNCTION_MEMORY_MB
    gib = managed.memory_gib_per_vcpu
    known = isinstance(gib, int | float) and gib in range(
        _defaults.MANAGED_GIB_PER_VCPU_MIN, _defaults.MANAGED_GIB_PER_VCPU_MAX + 1
    )
    return ceil(gib * _MB_OF_A_GIB) if known and gib is not None else _defaults.MANAGED_MEMORY_MB_MIN


def check(
    scope: Construct,
    managed: ManagedInstances | None,
    *,
    memory_mb: float,
    architecture_name: str,
    refused: Mapping[str, object],
) -> None:
    """Refuse what Lambda refuses of a function on managed instances.

    Args:
        scope: Where the function is going to be.
        managed: What the user passed.
        memory_mb: The function's memory, which is checked already.
        architecture_name: The function's architecture.
        refused: Other arguments that such a function does not have, by name.

    Raises:
        InvalidPropsError: It cannot work.
    """
    if managed is None:
        return
    provider = managed.capacity_provider
    name = "capacity_provider of managed_instances"
    _validation.check_part(name, provider, "capacity_provider_arn", "a capacity provider", required=True)
    location.check(
        scope,
        name,
        provider,
        way_out=_FROM_HERE,
        source=_defaults.MANAGED_INSTANCES_CONFIG,
    )
    location.check_arn(
        scope,
        name,
        provider.capacity_provider_arn,
        way_out=_FROM_HERE,
        source=_defaults.MANAGED_INSTANCES_CONFIG,
    )
    for argument, value in refused.items():
        if value is not None and value is not False and value != ():
            raise InvalidPropsError(
                f"{argument} cannot be combined with managed_instances{_REASONS[argument]} "
                f"See {_PAGES.get(argument, _defaults.MANAGED_INSTANCES)}"
            )
    _check_vcpus(managed, memory_mb)
    _check_environments(managed)
    theirs = _architecture_of(provider)
    if theirs is not None and theirs != architecture_name:
        raise InvalidPropsError(
            f"architecture must be {theirs}, that of capacity provider {provider.node.path}, got {architecture_name}. "
            "Pass the same architecture to both: architectures=[...] of a CapacityProvider is x86_64 by default. "
            f"See {_defaults.MANAGED_INSTANCES_PROVIDERS}"
        )


FINDINGS: Final = dict.fromkeys(
    ("cdk-preflight::pf-lambda-memory-max", "cdk-preflight::pf-lambda-timeout-max"),
    "On managed instances a function has up to 32,768 MB and 5,400 seconds; these rules have the limits of others.",
)
"""What cdk-preflight reports of functions that Lambda accepts."""

_FROM_HERE: Final = "A function runs on instances of its own Region and account: pass a provider from there."

_REASONS: Final = {
    "vpc": ": the function is in the VPC of its capacity provider. Set subnets and security groups there.",
    "leaving_vpc": ": Lambda makes no network interfaces for such a function. Leave it out.",
    "reserved_concurrent_executions": ", which scale by minimum_environments and maximum_environments. Set these.",
    "disabled": ", which reserved concurrency does not turn off. Set its environments to 0.",
    "snap_start": ", whose environments are always warm. Leave one out.",
    "tenant_isolation": ": one environment runs many invocations at the same time. Leave one out.",
}

_PAGES: Final = {
    "vpc": _defaults.MANAGED_INSTANCES_NETWORKING,
    "leaving_vpc": _defaults.MANAGED_INSTANCES_NETWORKING,
    "reserved_concurrent_executions": _defaults.MANAGED_INSTANCES_SCALING,
    "disabled": _defaults.MANAGED_INSTANCES_SCALING,
    "tenant_isolation": _defaults.TENANT_ISOLATION,
}


def check_runtime(managed: ManagedInstances | None, runtime_name: str) -> None:
    """Refuse managed instances with a runtime that does not run there.

    Raises:
        InvalidPropsError: The runtime is such a one.
    """
    if managed is not None and not runtimes.is_newer(runtime_name):
        _validation.check_choice(
            "runtime of a function on managed instances",
            runtime_name,
            _defaults.MANAGED_PYTHON_RUNTIMES,
            source=_defaults.MANAGED_INSTANCES_RUNTIMES,
        )


def version_options(
    managed: ManagedInstances | None, removal_policy: RemovalPolicy | None
) -> lambda_.VersionOptions | None:
    """What CDK makes the function's versions with; without numbers of environments, Lambda's own apply."""
    least, most = (
        (None, None) if managed is None else (managed.minimum_environments, managed.maximum_environments)
    )
    if removal_policy is None and least is None:
        return None
    return lambda_.VersionOptions(
        removal_policy=removal_policy, min_execution_environments=least, max_execution_environments=most
    )


def attach(function: lambda_.CfnFunction, managed: ManagedInstances) -> None:
    """Let a function run on the instances.

    Lambda would keep environments for `$LATEST.PUBLISHED`, too, which an invocation without a qualifier reaches: paid
    twice, and released past the alias. So nothing is published there.
    Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-version-publishing.html

    Args:
        function: The function's resource.
        managed: The instances.
    """
    function.capacity_provider_config = lambda_.CfnFunction.CapacityProviderConfigProperty(
        lambda_managed_instances_capacity_provider_config=lambda_.CfnFunction.LambdaManagedInstancesCapacityProviderConfigProperty(
            capacity_provider_arn=managed.capacity_provider.capacity_provider_arn,
            execution_environment_memory_gib_per_v_cpu=managed.memory_gib_per_vcpu,
            per_execution_environment_max_concurrency=managed.max_concurrency,
        )
    )
    function.publish_to_latest_published = False


def _check_vcpus(managed: ManagedInstances, memory_mb: float) -> None:
    _validation.check_range(
        "memory_gib_per_vcpu of managed_instances",
        managed.memory_gib_per_vcpu,
        _defaults.MANAGED_GIB_PER_VCPU_MIN,
        _defaults.MANAGED_GIB_PER_VCPU_MAX,
        unit="GiB",
        source=_defaults.MANAGED_INSTANCES_CONFIG,
    )
    _validation.check_range(
        "max_concurrency of managed_instances",
        managed.max_concurrency,
        _defaults.MANAGED_CONCURRENCY_MIN,
        _defaults.MANAGED_CONCURRENCY_MAX,
        whole=True,
        source=_defaults.MANAGED_INSTANCES_CONFIG,
    )
    gib = managed.memory_gib_per_vcpu or _defaults.MANAGED_GIB_PER_VCPU_MIN
    if _validation.is_unresolved(gib) or _validation.is_unresolved(memory_mb):
        return
    vcpus = memory_mb / _MB_OF_A_GIB / gib
    if vcpus < 1:
        raise InvalidPropsError(
            f"memory_size must be at least the {gib:g} GiB of memory_gib_per_vcpu, got {memory_mb:,.0f} MB: a function "
            f"on managed instances has one vCPU or more. See {_defaults.MANAGED_INSTANCES_SCALING}"
        )
    most = _defaults.MANAGED_CONCURRENCY_PER_VCPU_MAX * vcpus
    concurrency = managed.max_concurrency
    if concurrency is not None and not _validation.is_unresolved(concurrency) and concurrency > most:
        raise InvalidPropsError(
            f"max_concurrency of managed_instances must be at most {most:,.0f}, got {concurrency:,.0f}: "
            f"{_defaults.MANAGED_CONCURRENCY_PER_VCPU_MAX} for each of the {vcpus:g} vCPUs that come with "
            f"{memory_mb:,.0f} MB. Raise memory_size, or lower memory_gib_per_vcpu. "
            f"See {_defaults.MANAGED_INSTANCES_SCALING}"
        )


def _check_environments(managed: ManagedInstances) -> None:
    least, most = managed.minimum_environments, managed.maximum_environments
    if (least is None) != (most is None):
        passed, missing = (
            ("maximum_environments", "minimum_environments")
            if least is None
            else ("minimum_environments", "maximum_environments")
        )
        raise InvalidPropsError(
            f"{passed} of managed_instances requires {missing}: Lambda takes both or neither. "
            f"See {_defaults.MANAGED_INSTANCES_SCALING}"
        )
    for name, number in (("minimum_environments", least), ("maximum_environments", most)):
        _validation.check_range(
            f"{name} of managed_instances",
            number,
            0,
            _defaults.MANAGED_ENVIRONMENTS_MAX,
            whole=True,
            source=_defaults.MANAGED_INSTANCES_SCALING,
        )
    if least is None or most is None or _validation.has_unresolved([least, most]):
        return
    if most < least:
        raise InvalidPropsError(
            f"maximum_environments of managed_instances must not be below minimum_environments, got {most:,.0f} < "
            f"{least:,.0f}. See {_defaults.MANAGED_INSTANCES_SCALING}"
        )
    if least == 0 < most:
        raise InvalidPropsError(
            f"minimum_environments of managed_instances can be 0 only with a maximum_environments of 0, which "
            f"deactivates the function, got {most:,.0f}. Set the minimum to 1 or more. "
            f"See {_defaults.MANAGED_INSTANCES_SCALING}"
        )


def _architecture_of(provider: IConstruct) -> str | None:
    """The architecture of the instances; None for an imported provider, or one that is known only at deployment."""
    resource = find_resource(provider, lambda_.CfnCapacityProvider)
    if resource is None:
        return None
    requirements = properties_of(resource).get("instanceRequirements")
    if requirements is None:
        return lambda_.Architecture.X86_64.name
    architectures = requirements.get("architectures") if isinstance(requirements, Mapping) else None
    if not architectures:
        return lambda_.Architecture.X86_64.name if isinstance(requirements, Mapping) else None
    name = architectures[0]
    return name if isinstance(name, str) and not _validation.is_unresolved(name) else None


_MB_OF_A_GIB: Final = 1024
