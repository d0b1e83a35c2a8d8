"""A Python function with the practice built in, packaged without Docker."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from aws_cdk import Annotations, Duration, RemovalPolicy, Size, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import location
from constructs_lib.foundation.function import (
    arguments,
    function_code,
    layer_checks,
    packaging,
    packaging_context,
    runtimes,
)
from constructs_lib.foundation.function import durable as durable_
from constructs_lib.foundation.function import managed_instances as managed_
from constructs_lib.foundation.function.checked_function import CheckedFunction
from constructs_lib.foundation.function.durable import Durable
from constructs_lib.foundation.function.managed_instances import ManagedInstances
from constructs_lib.foundation.function.requirements import Selection
from constructs_lib.practice.plugin import app_of

if TYPE_CHECKING:  # a service module costs time at import
    from aws_cdk import aws_kms as kms

_RUNTIME: Final = lambda_.Runtime.PYTHON_3_13


class PythonFunction(CheckedFunction):
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
        entry: The folder with the handler: a project with its `uv.lock`, a member of a uv workspace, a folder with a
            hashed `requirements.txt`, or one without requirements. A relative path starts at the current directory.
            What git ignores, names that start with a dot, `tests/`, lock files, environments and caches are not
            packaged. If the handler is in `src`, the content of `src` is packaged, and nothing beside it.
        handler: As Lambda writes it: `module.function`. It may come with a dependency or a layer.
        runtime: Python 3.11 or newer; default 3.13, supported by AWS until June 2029. One that is newer than this
            library is accepted with a warning, also as `lambda_.Runtime("python3.15", lambda_.RuntimeFamily.PYTHON)`.
        architecture: Default arm64, which costs a fifth less for the same duration.
        timeout: 1 to 900 seconds, or up to 5,400 with `managed_instances`; default 29, as long as a REST API waits.
            Also determines the visibility timeout of a queue in front.
        memory_size: 128 to 10,240 MB; default 512. With `managed_instances` 2,048 to 32,768 MB; default the memory of
            one vCPU. CPU comes in proportion.
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
        reserved_concurrent_executions: The most that run at once, reserved for it, which no other function can use.
        disabled: Turn the function off, by a reserved concurrency of 0: Lambda throttles every invocation.
            docs/concurrency.md describes what happens to the events of each source.
        snap_start: Start from a snapshot of the initialized function, in a fraction of a cold start's time.
            Requires Python 3.12 or newer, /tmp of 512 MB, no EFS and no provisioned concurrency; works for
            published versions only, so call it through a `LiveAlias`. Costs for keeping the snapshot of each
            version (by memory, three hours at least) and for each restore. What the module level makes is shared
            by all environments: unique ids, random seeds and connections belong in the handler.
            Source: https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html
        durable: Make the function durable: an execution may take up to 366 days, and consists of many invocations.
            Requires Python 3.13 or newer. The role may then store and read the state of the function's executions, and
            versions are kept, since an execution continues in the version that started it. Adding it to a function
            that is deployed already, or removing it, replaces the function: docs/durable.md describes how.
            Source: https://docs.aws.amazon.com/lambda/latest/dg/durable-functions.html
        managed_instances: Run on EC2 instances of a capacity provider, which are always warm, with up to 32 GB and 90
            minutes. Requires Python 3.13 or newer, and invocations through an alias or a version, such as a
            `LiveAlias`. Adding it to a function that is deployed already, or removing it, requires another function:
            docs/managed-instances.md describes how.
            Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html
        tenant_isolation: Use each execution environment for invocations of one tenant alone. Each invocation must have
            a tenant id, which no event source sends; not with SnapStart, provisioned concurrency, function URLs and
            `managed_instances`. Each new environment costs. Adding it to a function that is deployed already, or
            removing it, replaces the function.
            Source: https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation.html
        recursive_loop: What Lambda does when the function invokes itself through a queue, topic or bucket.
            Default TERMINATE: it stops after 16 rounds. ALLOW is for a loop that is intended and that ends. None
            leaves the property out, for Regions without loop detection: mx-central-1, ap-southeast-6, GovCloud, China.
            Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
        tracing: Default ACTIVE: X-Ray samples invocations. DISABLED also removes the role's permission; pass it in the
            Regions of China, where Lambda has no X-Ray.
        bytecode: Whether the package carries `.pyc` files of the runtime's own Python, which makes imports at
            a cold start about three times faster. None: if such a Python is found on this machine; an info
            tells you if not. True: if there is none, uv installs one: a download of 17 to 34 MB, which an info
            reports, and which UV_PYTHON_DOWNLOADS=never forbids. Part of the asset's hash in every case.
        include: Glob patterns of files or folders in `entry` to package although git ignores them or another
            rule leaves them out, such as `generated/*_pb2.py`.
        exclude: Glob patterns of files or folders in `entry` to leave out, such as `notes/*`.
        extras: Extras of the function's own project to install; requires a `uv.lock`.
        dependency_groups: Its dependency groups to install, such as one for each function of a project; default none
            of them, not even those in `default-groups`. Requires a `uv.lock`.
        build_from_source: Names of packages that have no wheel, and may be built on the machine that synthesizes the
            app: those that an index has as source alone, and git dependencies. The newest build tools that are there
            build them, so that two machines may make different packages of one lock. Compiled code is refused.
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
        package: What was packaged: its folder, hash and sizes, and what the handler's module imports when it is loaded
            (`package.imports`); a placeholder if the CDK needs no assets now.

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
        memory_size: float | None = None,
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
        disabled: bool = False,
        snap_start: bool = False,
        durable: Durable | None = None,
        managed_instances: ManagedInstances | None = None,
        tenant_isolation: bool = False,
        recursive_loop: lambda_.RecursiveLoop | None = lambda_.RecursiveLoop.TERMINATE,
        tracing: lambda_.Tracing = lambda_.Tracing.ACTIVE,
        bytecode: bool | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        extras: Sequence[str] = (),
        dependency_groups: Sequence[str] = (),
        build_from_source: Sequence[str] = (),
        include_runtime: bool = False,
        max_zipped_mb: float = _defaults.PACKAGE_ZIPPED_MB_MAX,
        log_group: logs.ILogGroup | logs.LogGroup | None = None,
        log_retention: logs.RetentionDays | None = None,
        log_level: lambda_.ApplicationLogLevel | None = None,
        system_log_level: lambda_.SystemLogLevel | None = None,
        log_removal_policy: RemovalPolicy | None = None,
    ) -> None:
        """Create the function; the arguments are described at the class."""
        selection = Selection(
            extras=extras,
            groups=dependency_groups,
            from_source=build_from_source,
            include=include,
            exclude=exclude,
        )
        arguments.check_packaging(entry, bytecode, selection)
        _validation.check_text("handler", handler)
        _validation.check_type("runtime", runtime, lambda_.Runtime, "lambda_.Runtime.PYTHON_3_13")
        _validation.check_flag("include_runtime", include_runtime)
        runtime_name = _defaults.PYTHON_RUNTIME if runtime is None else runtime.name
        runtimes.check(runtime_name)
        _validation.check_range(
            "max_zipped_mb", max_zipped_mb, 0, _UNZIPPED_MB_MAX, unit="MB", source=_defaults.LAMBDA_QUOTAS
        )
        stack = location.stack_of(scope)
        packaged: function_code.Code

        def code() -> lambda_.Code:
            nonlocal packaged
            architecture_name = _defaults.ARCHITECTURE if architecture is None else architecture.name
            layer_checks.check(layers, runtime_name, architecture_name)
            if snap_start:
                _check_snap_start(runtime, runtime_name)
            durable_.check_runtime(durable, runtime_name)
            managed_.check_runtime(managed_instances, runtime_name)
            packaged = (
                function_code.package(
                    Path(entry),
                    handler,
                    function_code.target(
                        runtime_name,
                        architecture_name,
                        for_host=packaging_context.is_for_this_machine(app_of(scope)),
                    ),
                    bytecode=bytecode,
                    selection=selection,
                    include_runtime=include_runtime,
                    has_layers=bool(layers),
                    has_python_path="PYTHONPATH" in (environment or {}),
                )
                if packaging_context.is_bundled(stack)
                else function_code.Code(packaging.placeholder())
            )
            package = packaged.package
            packaging.check_size(
                package, layers_bytes=layer_checks.unzipped_bytes(scope, layers), max_zipped_mb=max_zipped_mb
            )
            return _code_of(package, stack)

        super().__init__(
            scope,
            construct_id,
            code=code,
            handler=handler,
            runtime=_RUNTIME if runtime is None else runtime,
            acknowledged=_NEWEST if runtime_name in _defaults.PYTHON_RUNTIMES_SUPPORTED_LONGEST else {},
            architecture=architecture,
            timeout=timeout,
            memory_size=memory_size,
            ephemeral_storage_size=ephemeral_storage_size,
            environment=environment,
            environment_encryption=environment_encryption,
            layers=layers,
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            security_groups=security_groups,
            allow_public_subnet=allow_public_subnet,
            leaving_vpc=leaving_vpc,
            function_name=function_name,
            description=description,
            reserved_concurrent_executions=reserved_concurrent_executions,
            disabled=disabled,
            snap_start=snap_start,
            durable=durable,
            managed_instances=managed_instances,
            tenant_isolation=tenant_isolation,
            recursive_loop=recursive_loop,
            tracing=tracing,
            log_group=log_group,
            log_retention=log_retention,
            log_level=log_level,
            system_log_level=system_log_level,
            log_removal_policy=log_removal_policy,
        )
        self.package = packaged.package
        warnings = (
            packaged.warnings
            | layer_checks.warnings(stack, layers, packaged.package)
            | runtimes.warnings(runtime_name)
        )
        for warning_id, text in warnings.items():
            Annotations.of(self).add_warning_v2(f"constructs-lib:{warning_id}", text)
        for info_id, text in packaged.infos.items():
            Annotations.of(stack).add_info_v2(info_id, text)
        if packaged.heavy_imports:
            Annotations.of(self).add_info_v2("constructs-lib:heavy-imports", packaged.heavy_imports)


_UNZIPPED_MB_MAX: Final = _defaults.PACKAGE_UNZIPPED_BYTES_MAX // (1024 * 1024)
_NEWEST_REASON: Final = "AWS supports this runtime as long as the newest one, until June 2029."
_NEWEST: Final = {"AwsSolutions-L1": _NEWEST_REASON, "Serverless-LambdaLatestVersion": _NEWEST_REASON}


def _code_of(package: packaging.Package, stack: Stack) -> lambda_.Code:
    """A package as CDK's code, made once for each stack: functions of one stack may share it."""
    codes = _codes.setdefault(stack, {})
    if package.asset_hash not in codes:
        codes[package.asset_hash] = lambda_.Code.from_asset(str(package.path), asset_hash=package.asset_hash)
    return codes[package.asset_hash]


_codes: Final[WeakKeyDictionary[Stack, dict[str, lambda_.Code]]] = WeakKeyDictionary()


def _check_snap_start(runtime: lambda_.Runtime | None, runtime_name: str) -> None:
    if runtime is not None and runtimes.is_newer(runtime_name):
        if not runtime.supports_snap_start:
            raise InvalidPropsError(
                f"snap_start requires a runtime that has it, and of {runtime_name} it is not known: if AWS has it by "
                f"now, pass lambda_.Runtime({runtime_name!r}, lambda_.RuntimeFamily.PYTHON, supports_snap_start=True). "
                f"See {_defaults.SNAP_START}"
            )
    else:
        _validation.check_choice(
            "runtime of a function with snap_start",
            runtime_name,
            _defaults.SNAP_START_PYTHON_RUNTIMES,
            source=_defaults.SNAP_START,
        )
