"""A Python function with the practice built in, packaged without Docker."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from aws_cdk import Annotations, ArnFormat, Duration, RemovalPolicy, Size, Stack, Stage
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import location, permissions, subnets
from constructs_lib.foundation.acknowledgment import acknowledge
from constructs_lib.foundation.function import function_code, packaging
from constructs_lib.foundation.resource import resource_of
from constructs_lib.practice.plugin import app_of, check_app_of

if TYPE_CHECKING:  # a service module costs time at import
    from aws_cdk import aws_kms as kms

_LAMBDA: Final = iam.ServicePrincipal("lambda.amazonaws.com")
_TIMEOUT: Final = Duration.seconds(_defaults.FUNCTION_TIMEOUT_SECONDS)
_RUNTIME: Final = lambda_.Runtime.PYTHON_3_13
_ARCHITECTURE: Final = lambda_.Architecture.ARM_64

PACKAGE_FOR_CONTEXT: Final = "constructs-lib:package-for"
"""Context of the local cloud alone: `host` packages for the Python and the machine that run the synth."""


class PythonFunction(lambda_.Function):
    """A Lambda function from a folder of Python code and its lock file.

    What is deployed: the function (arm64, X-Ray tracing, JSON logs), a log group of its own with a retention,
    and a role that may write to that log group, send traces, and nothing else. In a VPC, Lambda may also manage
    the function's network interfaces with it; the function's code may not. No managed policy, no custom
    resource. The package holds exactly what `uv.lock` or the hashed `requirements.txt` in `entry` lists, in
    wheels for the function's machine, compiled for its Python, and the code of `entry` without what git ignores.

    Refused here, and not at deployment or at the first invocation: a handler that does not exist, requirements
    that contradict each other or that are declared in another form, a private key in `entry`, a package or an
    environment that is too large. An import that nothing provides is a warning.

    Nothing is packaged for stacks whose assets the CDK does not need, as in `cdk ls` and `cdk destroy`.

    The guide is docs/function.md.

    Args:
        scope: The construct's parent; the role and the log group become its children too, named after it.
        construct_id: The construct's id, unique in its scope.
        entry: The folder with the handler. A relative path starts at the current directory. What git ignores,
            names that start with a dot, `tests/`, lock files, environments and caches are not packaged.
        handler: As Lambda writes it: `module.function`. It may come with a dependency or a layer.
        runtime: Python 3.11 or newer; default 3.13, supported by AWS until June 2029.
        architecture: Default arm64, which costs a fifth less for the same duration.
        timeout: 1 to 900 seconds; default 29, as long as a REST API waits. Also determines the visibility
            timeout of a queue in front.
        memory_size: 128 to 10,240 MB; default 512. CPU comes in proportion.
        ephemeral_storage_size: /tmp, 512 to 10,240 MB; default 512.
        environment: Variables, at most 4 KB in all.
        environment_encryption: Your own key for the variables, and for snapshots of `snap_start`; default a key
            that AWS manages. Whoever deploys needs `kms:CreateGrant` and `kms:Encrypt` for it; the role does not.
        layers: At most five.
        vpc: Run in this VPC. From there the internet is reached only through a NAT gateway, and AWS's services
            through one or through VPC endpoints. None: outside of any VPC.
        vpc_subnets: Which subnets of `vpc`, at most 16; default those with a NAT gateway, or else the isolated.
        security_groups: Of `vpc`, at most five; default one of its own, which lets all out and nothing in.
        allow_public_subnet: Accept public subnets. A function gets no public address there: it reaches nothing
            but the VPC.
        leaving_vpc: Pass True in the deployment that removes `vpc`, and remove it in the next one: until then
            Lambda needs the permission to delete the network interfaces that it made.
            Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
        function_name: A name of your own, 1 to 64 letters, digits, `-` and `_`; default one that CloudFormation
            makes. Another name is another function, and only one stack of an account and Region can have it.
        description: Shown in the console; at most 256 characters.
        reserved_concurrent_executions: The most that run at once, reserved for it; 0 turns it off.
        snap_start: Start from a snapshot of the initialized function, in a fraction of a cold start's time.
            Requires Python 3.12 or newer, /tmp of 512 MB, no EFS and no provisioned concurrency; works for
            published versions only, so call it through a `LiveAlias`. Costs for keeping the snapshot of each
            version (by memory, three hours at least) and for each restore. What the module level makes is shared
            by all environments: unique ids, random seeds and connections belong in the handler.
            Source: https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html
        recursive_loop: What Lambda does when the function invokes itself through a queue, topic or bucket.
            Default TERMINATE: it stops after 16 rounds. ALLOW is for a loop that is intended and that ends. None
            leaves the property out, for Regions without loop detection: mx-central-1, ap-southeast-6, GovCloud.
            Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
        tracing: Default ACTIVE: X-Ray samples invocations. DISABLED also removes the role's permission; pass it in the
            Regions of China, where Lambda has no X-Ray.
        bytecode: Whether the package carries `.pyc` files of the runtime's own Python, which makes imports at
            a cold start about three times faster. None: if such a Python is found on this machine; an info
            tells you if not. True: it must be found. Part of the asset's hash in every case.
        include: Glob patterns of files or folders in `entry` to package although git ignores them or another
            rule leaves them out, such as `generated/*_pb2.py`.
        exclude: Glob patterns of files or folders in `entry` to leave out, such as `notes/*`.
        include_runtime: Put `constructs_lib.runtime` into the package, for handlers that import it: some 90 kB,
            and nothing else of this library.
        max_zipped_mb: Refuse a larger archive; 0 to 250, default 50.
        log_group: Your own log group, such as one under your own key; default one of its own.
        log_retention: How long the function's own log group keeps logs; default two months.
        log_level: The least important application log line that is kept; default INFO.
        system_log_level: The least important line of Lambda itself that is kept. Default INFO: one REPORT line
            for each invocation, with its billed duration and memory. WARN leaves these out of good invocations,
            and saves their price: some 0.30 USD for a million invocations, at 0.50 USD per GB.
            Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
        log_removal_policy: What happens to the function's own log group when the stack is deleted; default
            RETAIN.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        package: What was packaged: its folder, hash and sizes; a placeholder if the CDK needs no assets now.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/best-practices.html
    """

    package: Final[packaging.Package]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        entry: str | Path,
        handler: str,
        runtime: lambda_.Runtime | None = None,
        architecture: lambda_.Architecture | None = None,
        timeout: Duration | None = None,
        memory_size: float = _defaults.FUNCTION_MEMORY_MB,
        ephemeral_storage_size: Size | None = None,
        environment: Mapping[str, str] | None = None,
        environment_encryption: "kms.IKey | kms.Key | None" = None,
        layers: Sequence[lambda_.ILayerVersion | lambda_.LayerVersion] = (),
        vpc: ec2.IVpc | ec2.Vpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup | ec2.SecurityGroup] = (),
        allow_public_subnet: bool = False,
        leaving_vpc: bool = False,
        function_name: str | None = None,
        description: str | None = None,
        reserved_concurrent_executions: float | None = None,
        snap_start: bool = False,
        recursive_loop: lambda_.RecursiveLoop | None = lambda_.RecursiveLoop.TERMINATE,
        tracing: lambda_.Tracing = lambda_.Tracing.ACTIVE,
        bytecode: bool | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        include_runtime: bool = False,
        max_zipped_mb: float = _defaults.PACKAGE_ZIPPED_MB_MAX,
        log_group: logs.ILogGroup | logs.LogGroup | None = None,
        log_retention: logs.RetentionDays | None = None,
        log_level: lambda_.ApplicationLogLevel | None = None,
        system_log_level: lambda_.SystemLogLevel | None = None,
        log_removal_policy: RemovalPolicy | None = None,
    ) -> None:
        """Create the function; the arguments are described at the class."""
        _check_kinds(
            entry=entry,
            handler=handler,
            runtime=runtime,
            architecture=architecture,
            environment_encryption=environment_encryption,
            layers=layers,
            recursive_loop=recursive_loop,
            tracing=tracing,
            bytecode=bytecode,
            snap_start=snap_start,
            include=include,
            exclude=exclude,
            include_runtime=include_runtime,
        )
        runtime_name = _defaults.PYTHON_RUNTIME if runtime is None else runtime.name
        _check_arguments(
            runtime_name=runtime_name,
            timeout=timeout,
            memory_size=memory_size,
            ephemeral_storage_size=ephemeral_storage_size,
            environment=environment,
            layers=layers,
            function_name=function_name,
            description=description,
            reserved_concurrent_executions=reserved_concurrent_executions,
            max_zipped_mb=max_zipped_mb,
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
        if snap_start:
            _check_snap_start(runtime_name, ephemeral_storage_size)
        stack = location.stack_of(scope)
        code = (
            function_code.package(
                Path(entry),
                handler,
                function_code.target(
                    runtime_name,
                    _defaults.ARCHITECTURE if architecture is None else architecture.name,
                    for_host=_is_packaged_for_host(app_of(scope)),
                ),
                bytecode=bytecode,
                include=include,
                exclude=exclude,
                include_runtime=include_runtime,
                has_layers=bool(layers),
                has_python_path="PYTHONPATH" in (environment or {}),
            )
            if _is_bundled(stack)
            else function_code.Code(packaging.placeholder())
        )
        package = code.package
        packaging.check_size(package, layers_bytes=_layers_bytes(scope, layers), max_zipped_mb=max_zipped_mb)

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
                code=_code_of(package, stack),
                handler=handler,
                runtime=_RUNTIME if runtime is None else runtime,
                architecture=_ARCHITECTURE if architecture is None else architecture,
                timeout=_TIMEOUT if timeout is None else timeout,
                memory_size=memory_size,
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
                reserved_concurrent_executions=reserved_concurrent_executions,
                snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if snap_start else None,
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
        check_app_of(self, scope)
        location.note(scope, self, role)
        permissions.note_role(self, role)
        self.package = package

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
        if runtime_name in _defaults.PYTHON_RUNTIMES_SUPPORTED_LONGEST:
            newest = "AWS supports this runtime as long as the newest one, until June 2029."
            findings |= {"AwsSolutions-L1": newest, "Serverless-LambdaLatestVersion": newest}
        acknowledge(self, findings)
        for warning_id, text in code.warnings.items():
            Annotations.of(self).add_warning_v2(f"constructs-lib:{warning_id}", text)
        if code.lacks_bytecode:
            Annotations.of(stack).add_info_v2(
                f"constructs-lib:no-bytecode-{runtime_name}",
                f"No {runtime_name} found on this machine: packages for it carry no bytecode, and every cold start "
                f"compiles all imports again. Install one (uv python install {runtime_name[6:]}), or pass "
                f"bytecode=False if this is intended.",
            )


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


def _code_of(package: packaging.Package, stack: Stack) -> lambda_.Code:
    """A package as CDK's code, made once for each stack: functions of one stack may share it."""
    codes = _codes.setdefault(stack, {})
    if package.asset_hash not in codes:
        codes[package.asset_hash] = lambda_.Code.from_asset(str(package.path), asset_hash=package.asset_hash)
    return codes[package.asset_hash]


_codes: Final[WeakKeyDictionary[Stack, dict[str, lambda_.Code]]] = WeakKeyDictionary()


def _is_bundled(stack: Stack) -> bool:
    """Whether the CDK needs the assets of a stack, asked once: a context cannot change below what has children."""
    if stack not in _bundled:
        _bundled[stack] = stack.bundling_required
    return _bundled[stack]


_bundled: Final[WeakKeyDictionary[Stack, bool]] = WeakKeyDictionary()


def _is_packaged_for_host(app: Stage | None) -> bool:
    """Whether the local cloud runs this app, asked once: it passes its context to the app."""
    if app is None:
        return False
    if app not in _for_host:
        _for_host[app] = app.node.try_get_context(PACKAGE_FOR_CONTEXT) == "host"
    return _for_host[app]


_for_host: Final[WeakKeyDictionary[Stage, bool]] = WeakKeyDictionary()


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
    entry: object,
    handler: object,
    runtime: object,
    architecture: object,
    environment_encryption: object,
    layers: object,
    recursive_loop: object,
    tracing: object,
    bytecode: object,
    snap_start: object,
    include: object,
    exclude: object,
    include_runtime: object,
) -> None:
    """Refuse what Python lets pass and the CDK would choke on, such as a name in place of a part."""
    if not isinstance(entry, str | Path):
        raise InvalidPropsError(f"entry must be a path, got {_validation.shown(entry)}.")
    _validation.check_text("handler", handler)
    kinds: tuple[tuple[str, object, type, str], ...] = (
        ("runtime", runtime, lambda_.Runtime, "lambda_.Runtime.PYTHON_3_13"),
        ("architecture", architecture, lambda_.Architecture, "lambda_.Architecture.ARM_64"),
        ("recursive_loop", recursive_loop, lambda_.RecursiveLoop, "lambda_.RecursiveLoop.ALLOW"),
        ("tracing", tracing, lambda_.Tracing, "lambda_.Tracing.DISABLED"),
    )
    for name, value, kind, example in kinds:
        _validation.check_type(name, value, kind, example)
    _validation.check_part("environment_encryption", environment_encryption, "key_arn", "a KMS key")
    _validation.check_parts("layers", layers, "layer_version_arn", "layer versions")
    for name, value in (("include", include), ("exclude", exclude)):
        _validation.check_parts(name, value, "casefold", "glob patterns")
    for name, value in (("snap_start", snap_start), ("include_runtime", include_runtime)):
        _validation.check_flag(name, value)
    if bytecode is not None:
        _validation.check_flag("bytecode", bytecode)


def _check_arguments(
    *,
    runtime_name: str,
    timeout: Duration | None,
    memory_size: float,
    ephemeral_storage_size: Size | None,
    environment: Mapping[str, str] | None,
    layers: Sequence[lambda_.ILayerVersion],
    function_name: str | None,
    description: str | None,
    reserved_concurrent_executions: float | None,
    max_zipped_mb: float,
) -> None:
    quotas = _defaults.LAMBDA_QUOTAS
    _validation.check_choice(
        "runtime",
        runtime_name,
        _defaults.PYTHON_RUNTIMES,
        source="https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html",
    )
    _validation.read_seconds(
        "timeout",
        timeout,
        low=_defaults.FUNCTION_TIMEOUT_SECONDS_MIN,
        high=_defaults.FUNCTION_TIMEOUT_SECONDS_MAX,
        whole="seconds",
        source=quotas,
    )
    if isinstance(memory_size, Size):
        pass_it = "" if memory_size.is_unresolved() else f": pass {memory_size.to_mebibytes():g}"
        raise InvalidPropsError(f"memory_size must be a number of MB, got a Size{pass_it}. See {quotas}")
    _validation.check_range(
        "memory_size",
        memory_size,
        _defaults.FUNCTION_MEMORY_MB_MIN,
        _defaults.FUNCTION_MEMORY_MB_MAX,
        unit="MB",
        whole=True,
        source=quotas,
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
    _validation.check_range(
        "reserved_concurrent_executions",
        reserved_concurrent_executions,
        _defaults.RESERVED_CONCURRENCY_MIN,
        float("inf"),
        whole=True,
        source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html",
    )
    _validation.check_range("max_zipped_mb", max_zipped_mb, 0, _UNZIPPED_MB_MAX, unit="MB", source=quotas)
    if function_name is not None:
        _validation.check_pattern(
            "function_name",
            function_name,
            _defaults.FUNCTION_NAME_PATTERN,
            "1 to 64 letters, digits, hyphens and underscores",
            source=_defaults.CREATE_FUNCTION,
        )
    if description is not None:
        _validation.check_text("description", description)
        most = _defaults.FUNCTION_DESCRIPTION_CHARACTERS_MAX
        if not _validation.is_unresolved(description) and len(description) > most:
            raise InvalidPropsError(
                f"description must be at most {most} characters, got {len(description)}. "
                f"See {_defaults.CREATE_FUNCTION}"
            )


_UNZIPPED_MB_MAX = _defaults.PACKAGE_UNZIPPED_BYTES_MAX // (1024 * 1024)


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


def _check_snap_start(runtime_name: str, ephemeral_storage_size: Size | None) -> None:
    _validation.check_choice(
        "runtime of a function with snap_start",
        runtime_name,
        _defaults.SNAP_START_PYTHON_RUNTIMES,
        source=_defaults.SNAP_START,
    )
    most = _defaults.SNAP_START_EPHEMERAL_STORAGE_MB_MAX
    if ephemeral_storage_size is None or ephemeral_storage_size.is_unresolved():
        return
    if ephemeral_storage_size.to_mebibytes() > most:
        raise InvalidPropsError(
            f"ephemeral_storage_size of a function with snap_start must be at most {most} MB, got "
            f"{ephemeral_storage_size.to_mebibytes():g}. See {_defaults.SNAP_START}"
        )


def _layers_bytes(scope: Construct, layers: Sequence[lambda_.ILayerVersion]) -> int:
    """Unzipped size of the layers that are assets of this app; of others nothing is known here."""
    total = 0
    for layer in layers:
        if not isinstance(layer, lambda_.LayerVersion):
            continue
        resource = resource_of(layer, lambda_.CfnLayerVersion)
        key = str(Stack.of(layer).resolve(resource.content).get("s3Key", ""))
        name = re.fullmatch(r".*?([0-9a-f]{64})(\.zip)?", key)
        stage = Stage.of(scope)
        if name is None or stage is None:
            continue
        staged = [Path(stage.asset_outdir) / f"asset.{name[1]}{ending}" for ending in ("", ".zip")]
        total += sum(packaging.folder_or_archive_bytes(path) for path in staged if path.exists())
    return total
