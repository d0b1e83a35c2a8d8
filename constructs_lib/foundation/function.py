"""A Python function with the practice built in, packaged without Docker."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from aws_cdk import (
    Acknowledgment,
    Annotations,
    ArnFormat,
    Duration,
    RemovalPolicy,
    Size,
    Stack,
    Stage,
    Validations,
)
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import interpreter, network, packaging

PACKAGE_FOR_CONTEXT: Final = "constructs-lib:package-for"
"""Context of the local cloud alone: `host` packages for the Python and the machine that run the synth."""


class PythonFunction(lambda_.Function):
    """A Lambda function from a folder of Python code and its lock file.

    What is deployed: the function (arm64, X-Ray tracing, JSON logs), a log group of its own with a retention,
    and a role that may write to that log group, send traces, and nothing else. In a VPC, Lambda may also manage
    the function's network interfaces with it; the function's code may not. No managed policy, no custom
    resource. The package holds exactly what `uv.lock` or the hashed `requirements.txt` beside the handler
    say, in wheels for the function's machine, compiled for its Python.

    Refused here, and not at deployment or at the first invocation: a handler that is not there, requirements
    that contradict themselves, a package or an environment that is too large. Not found out here: an import
    that nothing provides.

    Args:
        scope: The construct to put it in; its role and log group become its neighbours, named after it.
        construct_id: Its name there.
        entry: The folder with the handler. A relative path starts at the current directory. `tests/`, caches
            and lock files in it are not deployed.
        handler: As Lambda writes it: `module.function`.
        runtime: Python 3.11 or newer; default 3.13, supported by AWS until June 2029.
        architecture: Default arm64: a fifth cheaper for the same duration.
        timeout: 1 to 900 seconds; default 30. Also decides the visibility timeout of a queue in front.
        memory_size: 128 to 10,240 MB; CPU comes in proportion.
        ephemeral_storage_size: /tmp, 512 to 10,240 MB; default 512.
        environment: Variables, at most 4 KB in all.
        layers: At most five.
        vpc: Run in this VPC. From there the internet is reached through a NAT gateway alone, and AWS's services
            through one or through VPC endpoints. None: outside of any.
        vpc_subnets: Which subnets of `vpc`, at most 16; default those with a NAT gateway, or else the isolated.
        security_groups: Of `vpc`, at most five; default one of its own, which lets all out and nothing in.
        description: Shown in the console.
        reserved_concurrent_executions: The most that run at once, kept free for it; 0 turns it off.
        snap_start: Start from a snapshot of the initialized function, in a fraction of a cold start's time.
            Python 3.12 and newer, /tmp of 512 MB, no EFS and no provisioned concurrency; of published
            versions alone, so call it through a `LiveAlias`. Costs for keeping the snapshot of each version
            (by memory, three hours at least) and for each restore. What the module level made is shared by
            all environments: unique ids, random seeds and connections belong into the handler.
            Source: https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html
        recursive_loop: What Lambda does when the function calls itself through a queue, topic or bucket; default
            TERMINATE: it stops after 16 rounds. ALLOW is for a loop that is meant, and that ends by itself.
        bytecode: Whether the package carries `.pyc` files of the runtime's own Python, which makes imports at
            a cold start about three times quicker. None: if such a Python is found on this machine; it is
            said once when not. True: it must be found. Part of the asset's hash in every case.
        exclude: Glob patterns of files in `entry` to leave out, such as `notes/*`.
        include_runtime: Put `constructs_lib.runtime` into the package, for handlers that import it: some 90 kB,
            and nothing else of this library.
        max_zipped_mb: Refuse a larger archive; default 50.
        log_retention: How long logs are kept; default two months.
        log_level: The least important application log line that is kept; default INFO.
        log_removal_policy: What becomes of the logs with the stack; default RETAIN.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/best-practices.html
    """

    package: Final[packaging.Package]
    """What was packaged: its folder, hash and sizes."""

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
        memory_size: int = _defaults.FUNCTION_MEMORY_MB,
        ephemeral_storage_size: Size | None = None,
        environment: Mapping[str, str] | None = None,
        layers: Sequence[lambda_.ILayerVersion] = (),
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] = (),
        description: str | None = None,
        reserved_concurrent_executions: int | None = None,
        snap_start: bool = False,
        recursive_loop: lambda_.RecursiveLoop = lambda_.RecursiveLoop.TERMINATE,
        bytecode: bool | None = None,
        exclude: Sequence[str] = (),
        include_runtime: bool = False,
        max_zipped_mb: float = _defaults.PACKAGE_ZIPPED_MB_MAX,
        log_retention: logs.RetentionDays | None = None,
        log_level: lambda_.ApplicationLogLevel | None = None,
        log_removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        runtime = runtime or lambda_.Runtime.PYTHON_3_13
        architecture = architecture or lambda_.Architecture.ARM_64
        timeout = timeout or Duration.seconds(_defaults.FUNCTION_TIMEOUT_SECONDS)
        runtime_name = runtime.name
        _check_arguments(
            runtime_name=runtime_name,
            timeout=timeout,
            memory_size=memory_size,
            ephemeral_storage_size=ephemeral_storage_size,
            environment=environment,
            layers=layers,
            reserved_concurrent_executions=reserved_concurrent_executions,
        )
        _check_network(vpc, vpc_subnets, security_groups)
        if snap_start:
            _check_snap_start(runtime_name, ephemeral_storage_size)
        package, compiled = _package(
            scope,
            Path(entry),
            handler,
            runtime_name.removeprefix("python"),
            architecture.name,
            bytecode,
            exclude,
            include_runtime,
        )
        packaging.check_size(package, layers_bytes=_layers_bytes(scope, layers), max_zipped_mb=max_zipped_mb)

        role = iam.Role(scope, f"{construct_id}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group = logs.LogGroup(
            scope,
            f"{construct_id}LogGroup",
            retention=log_retention or logs.RetentionDays.TWO_MONTHS,
            removal_policy=log_removal_policy,
        )
        super().__init__(
            scope,
            construct_id,
            code=lambda_.Code.from_asset(str(package.path), asset_hash=package.asset_hash),
            handler=handler,
            runtime=runtime,
            architecture=architecture,
            timeout=timeout,
            memory_size=memory_size,
            ephemeral_storage_size=ephemeral_storage_size,
            environment=dict(environment or {}),
            layers=list(layers) or None,
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            security_groups=list(security_groups) or None,
            description=description,
            reserved_concurrent_executions=reserved_concurrent_executions,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if snap_start else None,
            recursive_loop=recursive_loop,
            role=role,
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            application_log_level_v2=log_level or lambda_.ApplicationLogLevel.INFO,
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            tracing=lambda_.Tracing.ACTIVE,
        )
        self.package = package

        log_group.grant_write(role)
        anything = (
            "xray:PutTraceSegments and xray:PutTelemetryRecords know no resource: AWS offers nothing narrower "
            "than *."
        )
        if vpc is not None:
            _let_lambda_manage_network_interfaces(role)
            anything += (
                " Lambda makes and deletes network interfaces whose names nobody knows before; the function's own "
                "code is denied the same."
            )
        _acknowledge(role, {"AwsSolutions-IAM5[Resource::*]": anything})
        _acknowledge(
            self,
            {
                "Serverless-LambdaDLQ": "A function's own dead-letter queue serves asynchronous calls alone, and "
                "those have a destination, which keeps the error too. A queue in front has its own."
            },
        )
        if runtime_name in _defaults.PYTHON_RUNTIMES_SUPPORTED_LONGEST:
            newest = "AWS supports this runtime as long as the newest one, until June 2029."
            _acknowledge(self, {"AwsSolutions-L1": newest, "Serverless-LambdaLatestVersion": newest})
        if not compiled and bytecode is None:
            Annotations.of(Stack.of(self)).add_info_v2(
                f"constructs-lib:no-bytecode-{runtime_name}",
                f"No {runtime_name} found on this machine: packages for it carry no bytecode, and cold starts "
                f"compile every import again. Install one (uv python install {runtime_name[6:]}), or pass "
                f"bytecode=False to say that this is meant.",
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


def _acknowledge(construct: Construct, findings: Mapping[str, str]) -> None:
    for finding, reason in findings.items():
        Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))


def _check_arguments(
    *,
    runtime_name: str,
    timeout: Duration,
    memory_size: int,
    ephemeral_storage_size: Size | None,
    environment: Mapping[str, str] | None,
    layers: Sequence[lambda_.ILayerVersion],
    reserved_concurrent_executions: int | None,
) -> None:
    quotas = _defaults.LAMBDA_QUOTAS
    _validation.one_of(
        "runtime",
        runtime_name,
        _defaults.PYTHON_RUNTIMES,
        source="https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html",
    )
    seconds = _validation.seconds("timeout", timeout)
    _validation.in_range(
        "timeout",
        seconds,
        _defaults.FUNCTION_TIMEOUT_SECONDS_MIN,
        _defaults.FUNCTION_TIMEOUT_SECONDS_MAX,
        unit="seconds",
        source=quotas,
    )
    _validation.whole("timeout", seconds)
    _validation.in_range(
        "memory_size",
        memory_size,
        _defaults.FUNCTION_MEMORY_MB_MIN,
        _defaults.FUNCTION_MEMORY_MB_MAX,
        unit="MB",
        source=quotas,
    )
    _validation.whole("memory_size", memory_size)
    if ephemeral_storage_size is not None and not ephemeral_storage_size.is_unresolved():
        _validation.in_range(
            "ephemeral_storage_size",
            ephemeral_storage_size.to_mebibytes(),
            _defaults.EPHEMERAL_STORAGE_MB_MIN,
            _defaults.EPHEMERAL_STORAGE_MB_MAX,
            unit="MB",
            source=quotas,
        )
    _validation.environment_fits("environment", environment, _defaults.ENVIRONMENT_BYTES_MAX, source=quotas)
    if len(layers) > _defaults.LAYERS_MAX:
        raise InvalidPropsError(
            f"layers must be at most {_defaults.LAYERS_MAX}, got {len(layers)}. Merge some of them, or put "
            f"the code into the package. See {quotas}"
        )
    _validation.in_range(
        "reserved_concurrent_executions",
        reserved_concurrent_executions,
        _defaults.RESERVED_CONCURRENCY_MIN,
        float("inf"),
        source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html",
    )


def _check_network(
    vpc: ec2.IVpc | None,
    vpc_subnets: ec2.SubnetSelection | None,
    security_groups: Sequence[ec2.ISecurityGroup],
) -> None:
    source = _defaults.LAMBDA_VPC
    if vpc is None and (vpc_subnets is not None or security_groups):
        given = "vpc_subnets" if vpc_subnets is not None else "security_groups"
        raise InvalidPropsError(f"{given} needs vpc=: it says where in a VPC the function runs. See {source}")
    if len(security_groups) > _defaults.FUNCTION_SECURITY_GROUPS_MAX:
        raise InvalidPropsError(
            f"security_groups must be at most {_defaults.FUNCTION_SECURITY_GROUPS_MAX}, got "
            f"{len(security_groups)}: put the rules of some into one. See {source}"
        )
    if vpc is None:
        return
    subnets = network.selected(vpc, vpc_subnets)
    if len(subnets.subnet_ids) > _defaults.FUNCTION_SUBNETS_MAX:
        raise InvalidPropsError(
            f"vpc_subnets must select at most {_defaults.FUNCTION_SUBNETS_MAX} subnets, got "
            f"{len(subnets.subnet_ids)}: one in each zone is enough. See {source}"
        )


def _check_snap_start(runtime_name: str, ephemeral_storage_size: Size | None) -> None:
    _validation.one_of(
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


def _package(
    scope: Construct,
    entry: Path,
    handler: str,
    python: str,
    architecture: str,
    bytecode: bool | None,
    exclude: Sequence[str],
    include_runtime: bool,
) -> tuple[packaging.Package, bool]:
    """Package for Lambda, or for this machine where the local cloud asks for it."""
    if scope.node.try_get_context(PACKAGE_FOR_CONTEXT) == "host":
        target = packaging.Target(interpreter.HOST.version.rpartition(".")[0], platform=None)
    else:
        # Amazon Linux 2023 has glibc 2.34; 3.11 still runs on Amazon Linux 2 with 2.26.
        glibc = "2_17" if python == "3.11" else "2_34"
        machine = "aarch64" if architecture == "arm64" else "x86_64"
        target = packaging.Target(python, platform=f"{machine}-manylinux_{glibc}")
    missing = None
    try:
        packaging.check_handler(entry, handler, target=target)
    except InvalidPropsError as error:
        if not packaging.has_requirements(entry):
            raise
        missing = error  # it may come with a dependency, as the wrappers of monitoring tools do
    found = None if bytecode is False else interpreter.find(target.python)
    if bytecode and found is None:
        raise InvalidPropsError(
            f"bytecode=True needs a Python {target.python} on this machine, and none is on PATH, in pyenv or "
            f"managed by uv. Install one (uv python install {target.python}), or pass bytecode=None."
        )
    package = packaging.build(
        entry, target, interpreter=found, exclude=exclude, include_runtime=include_runtime
    )
    if missing is not None:
        try:
            packaging.check_handler(package.path, handler, target=target)
        except InvalidPropsError:
            raise missing from None
    return package, found is not None


def _layers_bytes(scope: Construct, layers: Sequence[lambda_.ILayerVersion]) -> int:
    """Unzipped size of the layers that are assets of this app; of others nothing is known here."""
    total = 0
    for layer in layers:
        if not isinstance(layer, lambda_.LayerVersion):
            continue
        resource = layer.node.default_child
        assert isinstance(resource, lambda_.CfnLayerVersion)  # noqa: S101 - what a LayerVersion is made of
        key = str(Stack.of(layer).resolve(resource.content).get("s3Key", ""))
        name = re.fullmatch(r".*?([0-9a-f]{64})(\.zip)?", key)
        stage = Stage.of(scope)
        if name is None or stage is None:
            continue
        staged = [Path(stage.asset_outdir) / f"asset.{name[1]}{ending}" for ending in ("", ".zip")]
        total += sum(packaging.folder_or_archive_bytes(path) for path in staged if path.exists())
    return total
