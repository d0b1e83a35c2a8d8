"""What every function of this library has, whatever its code is: its role, its logs, its network, and their checks."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Size, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import location, permissions, subnets
from constructs_lib.foundation.acknowledgment import acknowledge
from constructs_lib.foundation.function import arguments
from constructs_lib.foundation.function import durable as durable_
from constructs_lib.foundation.function import managed_instances as managed_
from constructs_lib.foundation.function.durable import Durable
from constructs_lib.foundation.function.managed_instances import ManagedInstances
from constructs_lib.foundation.resource import resource_of
from constructs_lib.practice.plugin import check_app_of

if TYPE_CHECKING:  # a service module costs time at import
    from aws_cdk import aws_kms as kms

_LAMBDA: Final = iam.ServicePrincipal("lambda.amazonaws.com")
_TIMEOUT: Final = Duration.seconds(_defaults.FUNCTION_TIMEOUT_SECONDS)
_ARCHITECTURE: Final = lambda_.Architecture.ARM_64


class CheckedFunction(lambda_.Function):
    """A function with its role, its log group and its network; what it runs is set by the classes that extend it.

    The arguments are those of `PythonFunction` and `ContainerFunction`, and described there.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Callable[[], lambda_.Code],
        handler: str,
        runtime: lambda_.Runtime,
        acknowledged: Mapping[str, str],
        architecture: lambda_.Architecture | None,
        timeout: Duration | None,
        memory_size: float | None,
        ephemeral_storage_size: Size | None,
        environment: Mapping[str, str] | None,
        environment_encryption: "kms.IKey | kms.Key | None",
        vpc: ec2.IVpc | ec2.Vpc | None,
        vpc_subnets: ec2.SubnetSelection | None,
        security_groups: Sequence[ec2.ISecurityGroup | ec2.SecurityGroup],
        allow_public_subnet: bool,
        leaving_vpc: bool,
        function_name: str | None,
        description: str | None,
        reserved_concurrent_executions: float | None,
        disabled: bool,
        durable: Durable | None,
        managed_instances: ManagedInstances | None,
        tenant_isolation: bool,
        recursive_loop: lambda_.RecursiveLoop | None,
        tracing: lambda_.Tracing,
        log_group: logs.ILogGroup | logs.LogGroup | None,
        log_retention: logs.RetentionDays | None,
        log_level: lambda_.ApplicationLogLevel | None,
        system_log_level: lambda_.SystemLogLevel | None,
        log_removal_policy: RemovalPolicy | None,
        layers: Sequence[lambda_.ILayerVersion | lambda_.LayerVersion] = (),
        snap_start: bool = False,
    ) -> None:
        """Check the arguments, make the code, and then the function.

        `code` is called when all arguments were checked, and before anything is created: it may refuse, too.
        `acknowledged` has findings of cdk-nag about the code that are meant to be so, with their reasons.
        """
        _check_kinds(
            architecture=architecture,
            environment_encryption=environment_encryption,
            layers=layers,
            recursive_loop=recursive_loop,
            tracing=tracing,
            snap_start=snap_start,
            managed_instances=managed_instances,
            tenant_isolation=tenant_isolation,
        )
        memory_mb = managed_.memory_size(memory_size, managed_instances)
        _check_arguments(
            timeout=timeout,
            memory_size=memory_mb,
            is_managed=managed_instances is not None,
            ephemeral_storage_size=ephemeral_storage_size,
            environment=environment,
            layers=layers,
            function_name=function_name,
            description=description,
            reserved_concurrent_executions=reserved_concurrent_executions,
            disabled=disabled,
        )
        _check_logs(log_group, log_retention, log_level, system_log_level, log_removal_policy)
        _check_network(
            vpc,
            vpc_subnets,
            security_groups,
            allow_public_subnet=allow_public_subnet,
            leaving_vpc=leaving_vpc,
        )
        for name, parts, page in (
            ("layers", layers, _defaults.LAMBDA_LAYERS),
            ("vpc", [vpc], _defaults.LAMBDA_VPC),
            ("security_groups", security_groups, _defaults.LAMBDA_VPC),
            ("log_group", [log_group], _defaults.LAMBDA_LOG_GROUPS),
            ("environment_encryption", [environment_encryption], _defaults.LAMBDA_ENVIRONMENT),
        ):
            for part in parts:
                location.check(
                    scope,
                    name,
                    part,
                    same_account=name == "log_group",
                    way_out="A function uses what is in its own Region: pass one from there.",
                    source=page,
                )
        durable_.check(durable)
        managed_.check(
            scope,
            managed_instances,
            memory_mb=memory_mb,
            architecture_name=_defaults.ARCHITECTURE if architecture is None else architecture.name,
            refused={
                "vpc": vpc,
                "leaving_vpc": leaving_vpc,
                "reserved_concurrent_executions": reserved_concurrent_executions,
                "disabled": disabled,
                "snap_start": snap_start,
                "tenant_isolation": tenant_isolation,
            },
        )
        if snap_start and tenant_isolation:
            raise InvalidPropsError(
                "snap_start cannot be combined with tenant_isolation: all environments would start from one snapshot. "
                f"Leave one out. See {_defaults.TENANT_ISOLATION}"
            )
        if snap_start:
            _check_storage_of_snap_start(ephemeral_storage_size)
        content = code()

        created: list[Construct] = []
        try:
            role = iam.Role(scope, f"{construct_id}Role", assumed_by=_LAMBDA)
            created.append(role)
            if log_group is None:
                log_group = logs.LogGroup(
                    scope,
                    f"{construct_id}LogGroup",
                    retention=log_retention or logs.RetentionDays.TWO_MONTHS,
                    removal_policy=log_removal_policy or RemovalPolicy.RETAIN,
                )
                created.append(log_group)
            super().__init__(
                scope,
                construct_id,
                code=content,
                handler=handler,
                runtime=runtime,
                architecture=_ARCHITECTURE if architecture is None else architecture,
                timeout=_TIMEOUT if timeout is None else timeout,
                memory_size=memory_mb,
                ephemeral_storage_size=ephemeral_storage_size,
                environment=dict(environment or {}),
                environment_encryption=environment_encryption,
                layers=list(layers) or None,
                vpc=vpc,
                vpc_subnets=vpc_subnets,
                security_groups=list(security_groups) or None,
                allow_public_subnet=allow_public_subnet or None,
                function_name=function_name,
                description=description,
                reserved_concurrent_executions=0 if disabled else reserved_concurrent_executions,
                snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if snap_start else None,
                durable_config=None if durable is None else durable_.config(durable),
                current_version_options=managed_.version_options(
                    managed_instances, None if durable is None else durable_.REMOVAL_OF_VERSIONS
                ),
                tenancy_config=lambda_.TenancyConfig.PER_TENANT if tenant_isolation else None,
                recursive_loop=recursive_loop,
                role=role,
                log_group=log_group,
                logging_format=lambda_.LoggingFormat.JSON,
                application_log_level_v2=log_level or lambda_.ApplicationLogLevel.INFO,
                system_log_level_v2=system_log_level or lambda_.SystemLogLevel.INFO,
                tracing=tracing,
            )
        except RuntimeError as error:  # what CDK throws becomes this in Python
            if "already a Construct" in str(error):
                _refuse_taken(scope, construct_id, created)
            raise
        if managed_instances is not None:
            managed_.attach(resource_of(self, lambda_.CfnFunction), managed_instances)
        check_app_of(self, scope)
        location.note(scope, self, role)
        permissions.note_role(self, role)

        log_group.grant_write(role)
        reasons = []
        if tracing != lambda_.Tracing.DISABLED:
            reasons.append(
                "xray:PutTraceSegments and xray:PutTelemetryRecords know no resource: AWS offers nothing narrower "
                "than *."
            )
        if vpc is not None or leaving_vpc:
            _let_lambda_manage_network_interfaces(role)
            reasons.append(
                "Lambda makes and deletes network interfaces whose names nobody knows before; the function's own "
                "code is denied the same."
            )
        acknowledge(role, {"AwsSolutions-IAM5[Resource::*]": " ".join(reasons)} if reasons else {})
        findings = {
            "Serverless-LambdaDLQ": "A function's own dead-letter queue serves asynchronous calls alone, and "
            "those have a destination, which keeps the error too. A queue in front has its own."
        }
        if tracing != lambda_.Tracing.ACTIVE:
            findings["Serverless-LambdaTracing"] = f"The app chose {tracing.name} for this function."
        if managed_instances is not None:
            findings |= managed_.FINDINGS
        acknowledge(self, {**findings, **acknowledged})
        if durable is not None:
            durable_.allow_checkpoints(self, role)


def _refuse_taken(scope: Construct, construct_id: str, created: Sequence[Construct]) -> None:
    """Refuse an id that another construct has, and leave nothing behind.

    CDK finds this out for us: looking for the id beforehand would cost each function two round trips to Node.
    """
    node = scope.node
    if node.try_find_child(construct_id) is None:
        return
    for part in created:
        node.try_remove_child(part.node.id)
    raise InvalidPropsError(
        f"construct_id must be unique in its scope, got {construct_id!r}, which {node.path} already has."
    )


def _let_lambda_manage_network_interfaces(role: iam.Role) -> None:
    """Allow Lambda what it needs to join the VPC, and deny it to the code that runs with the same role.

    Calls of the function's code carry `lambda:SourceFunctionArn`, calls of the service itself do not. The
    pattern stands for this function: no other has the role, and its own ARN here would be a cycle.
    Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
    """
    actions = [f"ec2:{name}" for name in _defaults.NETWORK_INTERFACE_ACTIONS]
    functions = Stack.of(role).format_arn(
        service="lambda", resource="function", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    for sid, effect, conditions in (
        ("LambdaJoinsTheVpc", iam.Effect.ALLOW, None),
        ("CodeOfTheFunctionDoesNot", iam.Effect.DENY, {"ArnLike": {"lambda:SourceFunctionArn": functions}}),
    ):
        role.add_to_policy(
            iam.PolicyStatement(
                sid=sid, effect=effect, actions=actions, resources=["*"], conditions=conditions
            )
        )


def _check_kinds(
    *,
    architecture: object,
    environment_encryption: object,
    layers: object,
    recursive_loop: object,
    tracing: object,
    snap_start: object,
    managed_instances: object,
    tenant_isolation: object,
) -> None:
    """Refuse what Python lets pass and the CDK would choke on, such as a name in place of a part."""
    kinds: tuple[tuple[str, object, type, str], ...] = (
        ("architecture", architecture, lambda_.Architecture, "lambda_.Architecture.ARM_64"),
        ("recursive_loop", recursive_loop, lambda_.RecursiveLoop, "lambda_.RecursiveLoop.ALLOW"),
        ("tracing", tracing, lambda_.Tracing, "lambda_.Tracing.DISABLED"),
        (
            "managed_instances",
            managed_instances,
            ManagedInstances,
            "ManagedInstances(capacity_provider=provider)",
        ),
    )
    for name, value, kind, example in kinds:
        _validation.check_type(name, value, kind, example)
    _validation.check_part("environment_encryption", environment_encryption, "key_arn", "a KMS key")
    _validation.check_parts("layers", layers, "layer_version_arn", "layer versions")
    _validation.check_flag("snap_start", snap_start)
    _validation.check_flag("tenant_isolation", tenant_isolation)


def _check_arguments(
    *,
    timeout: Duration | None,
    memory_size: float,
    is_managed: bool,
    ephemeral_storage_size: Size | None,
    environment: Mapping[str, str] | None,
    layers: Sequence[lambda_.ILayerVersion],
    function_name: str | None,
    description: str | None,
    reserved_concurrent_executions: float | None,
    disabled: bool,
) -> None:
    quotas = _defaults.LAMBDA_QUOTAS
    on_instances = " of a function on managed instances" if is_managed else ""
    _validation.read_seconds(
        f"timeout{on_instances}",
        timeout,
        low=_defaults.FUNCTION_TIMEOUT_SECONDS_MIN,
        high=_defaults.MANAGED_TIMEOUT_SECONDS_MAX if is_managed else _defaults.FUNCTION_TIMEOUT_SECONDS_MAX,
        whole="seconds",
        source=_defaults.LAMBDA_TIMEOUT if is_managed else quotas,
    )
    if isinstance(memory_size, Size):
        pass_it = "" if memory_size.is_unresolved() else f": pass {memory_size.to_mebibytes():g}"
        raise InvalidPropsError(f"memory_size must be a number of MB, got a Size{pass_it}. See {quotas}")
    _validation.check_range(
        f"memory_size{on_instances}",
        memory_size,
        _defaults.MANAGED_MEMORY_MB_MIN if is_managed else _defaults.FUNCTION_MEMORY_MB_MIN,
        _defaults.MANAGED_MEMORY_MB_MAX if is_managed else _defaults.FUNCTION_MEMORY_MB_MAX,
        unit="MB",
        whole=True,
        source=_defaults.MANAGED_INSTANCES_SCALING if is_managed else quotas,
    )
    _validation.check_type("ephemeral_storage_size", ephemeral_storage_size, Size, "Size.gibibytes(1)")
    if ephemeral_storage_size is not None and not ephemeral_storage_size.is_unresolved():
        _validation.check_range(
            "ephemeral_storage_size",
            ephemeral_storage_size.to_mebibytes(),
            _defaults.EPHEMERAL_STORAGE_MB_MIN,
            _defaults.EPHEMERAL_STORAGE_MB_MAX,
            unit="MB",
            source=quotas,
        )
    _check_environment(environment)
    _validation.check_environment_size(
        "environment", environment, _defaults.ENVIRONMENT_BYTES_MAX, source=quotas
    )
    if len(layers) > _defaults.LAYERS_MAX:
        raise InvalidPropsError(
            f"layers must be at most {_defaults.LAYERS_MAX}, got {len(layers)}. Merge some of them, or put "
            f"the code into the package. See {quotas}"
        )
    _check_concurrency(reserved_concurrent_executions, disabled=disabled)
    if function_name is not None:
        _validation.check_pattern(
            "function_name",
            function_name,
            _defaults.FUNCTION_NAME_PATTERN,
            "1 to 64 letters, digits, hyphens and underscores",
            source=_defaults.CREATE_FUNCTION,
        )
    arguments.check_description(description, source=_defaults.CREATE_FUNCTION)


def _check_storage_of_snap_start(ephemeral_storage_size: Size | None) -> None:
    most = _defaults.SNAP_START_EPHEMERAL_STORAGE_MB_MAX
    if ephemeral_storage_size is None or ephemeral_storage_size.is_unresolved():
        return
    if ephemeral_storage_size.to_mebibytes() > most:
        raise InvalidPropsError(
            f"ephemeral_storage_size of a function with snap_start must be at most {most} MB, got "
            f"{ephemeral_storage_size.to_mebibytes():g}. See {_defaults.SNAP_START}"
        )


def _check_concurrency(reserved: float | None, *, disabled: bool) -> None:
    source = _defaults.LAMBDA_CONCURRENCY
    _validation.check_flag("disabled", disabled)
    if disabled:
        _validation.check_not_with(
            "disabled",
            "a disabled function has a reserved concurrency of 0. Set it again when the function is on. "
            f"See {source}",
            reserved_concurrent_executions=reserved,
        )
    if reserved == 0:
        raise InvalidPropsError(
            "reserved_concurrent_executions must be at least 1, got 0, which turns the function off: Lambda throttles "
            "every invocation. Pass disabled=True if that is meant, or leave it out for a function that reserves "
            f"nothing. See {source}"
        )
    _validation.check_range(
        "reserved_concurrent_executions",
        reserved,
        _defaults.RESERVED_CONCURRENCY_MIN,
        float("inf"),
        whole=True,
        source=source,
    )


def _check_environment(environment: Mapping[str, str] | None) -> None:
    if environment is not None and not isinstance(environment, Mapping):
        raise InvalidPropsError(f"environment must be a mapping, got {_validation.shown(environment)}.")
    for name in environment or {}:
        source = _defaults.LAMBDA_ENVIRONMENT
        if name in _defaults.RESERVED_VARIABLES:
            raise InvalidPropsError(
                f"environment must not have {name}, which Lambda sets itself. Read it, or choose another name. "
                f"See {source}"
            )
        if not _validation.is_unresolved(name) and not re.fullmatch(
            _defaults.VARIABLE_NAME_PATTERN, str(name)
        ):
            raise InvalidPropsError(
                f"environment must have names of two or more letters, digits and underscores that start with a "
                f"letter, got {name!r}. See {source}"
            )


def _check_logs(
    log_group: object,
    log_retention: object,
    log_level: object,
    system_log_level: object,
    removal_policy: object,
) -> None:
    kinds: tuple[tuple[str, object, type, str], ...] = (
        ("log_retention", log_retention, logs.RetentionDays, "logs.RetentionDays.ONE_MONTH"),
        ("log_level", log_level, lambda_.ApplicationLogLevel, "lambda_.ApplicationLogLevel.DEBUG"),
        ("system_log_level", system_log_level, lambda_.SystemLogLevel, "lambda_.SystemLogLevel.WARN"),
        ("log_removal_policy", removal_policy, RemovalPolicy, "RemovalPolicy.DESTROY"),
    )
    for name, value, kind, example in kinds:
        _validation.check_type(name, value, kind, example)
    _validation.check_part("log_group", log_group, "log_group_arn", "a log group")
    if log_group is not None:
        _validation.check_not_with(
            "log_group",
            "it already exists. Set this where it is created.",
            log_retention=log_retention,
            log_removal_policy=removal_policy,
        )


def _check_network(
    vpc: ec2.IVpc | None,
    vpc_subnets: ec2.SubnetSelection | None,
    security_groups: Sequence[ec2.ISecurityGroup],
    *,
    allow_public_subnet: bool,
    leaving_vpc: bool,
) -> None:
    source = _defaults.LAMBDA_VPC
    _validation.check_parts("security_groups", security_groups, "security_group_id", "security groups")
    _validation.check_type(
        "vpc_subnets", vpc_subnets, ec2.SubnetSelection, "ec2.SubnetSelection(one_per_az=True)"
    )
    _validation.check_flag("allow_public_subnet", allow_public_subnet)
    _validation.check_flag("leaving_vpc", leaving_vpc)
    where = {
        "vpc_subnets": vpc_subnets is not None,
        "security_groups": bool(security_groups),
        "allow_public_subnet": allow_public_subnet,
    }
    if vpc is None and any(where.values()):
        passed = " and ".join(name for name, is_given in where.items() if is_given)
        raise InvalidPropsError(f"{passed} requires vpc, the VPC that the function runs in. See {source}")
    if vpc is not None and leaving_vpc:
        raise InvalidPropsError(
            f"leaving_vpc cannot be combined with vpc: pass it in the deployment that removes vpc. See {source}"
        )
    if len(security_groups) > _defaults.FUNCTION_SECURITY_GROUPS_MAX:
        raise InvalidPropsError(
            f"security_groups must be at most {_defaults.FUNCTION_SECURITY_GROUPS_MAX}, got "
            f"{len(security_groups)}: put the rules of some into one. See {source}"
        )
    if vpc is None:
        return
    chosen = subnets.selected(vpc, vpc_subnets)
    if len(chosen.subnet_ids) > _defaults.FUNCTION_SUBNETS_MAX:
        raise InvalidPropsError(
            f"vpc_subnets must select at most {_defaults.FUNCTION_SUBNETS_MAX} subnets, got "
            f"{len(chosen.subnet_ids)}: one in each zone is enough. See {source}"
        )
    if chosen.has_public and not allow_public_subnet:
        raise InvalidPropsError(
            f"vpc_subnets must select private or isolated subnets, got public ones of vpc {vpc.node.path}: a "
            f"function gets no public address there, so that it reaches neither the internet nor AWS's services. "
            f"Select others, or pass allow_public_subnet=True for one that reaches nothing but the VPC. "
            f"See {source}"
        )
