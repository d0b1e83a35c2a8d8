"""The limits of PythonFunction."""

from pathlib import Path
from typing import Any, Final

from aws_cdk import Duration, Size, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from constructs_lib import Durable, ManagedInstances, PythonFunction
from tests.gallery.database import database, imported_vpc
from tests.gallery.function import provider
from tests.gallery.plain_function import HANDLERS
from tests.limits.table import Arguments, Limits, args

HOUR: Final = Duration.hours(1)


def layer(stack: Stack, number: int) -> lambda_.ILayerVersion:
    return lambda_.LayerVersion.from_layer_version_arn(
        stack, f"Layer{number}", f"arn:aws:lambda:us-east-1:123456789012:layer:many:{number}"
    )


def security_group(stack: Stack, number: int) -> ec2.ISecurityGroup:
    return ec2.SecurityGroup.from_security_group_id(stack, f"Group{number}", f"sg-{number}")


def instances(*, function: dict[str, Any] | None = None, **arguments: Any) -> Arguments:
    """A function on managed instances, with arguments of these and of the function."""
    return lambda stack: {
        "managed_instances": ManagedInstances(**{"capacity_provider": provider(stack)} | arguments),
        **(function or {}),
    }


def of_x86(stack: Stack) -> dict[str, Any]:
    subnets = imported_vpc(stack).isolated_subnets
    own = lambda_.CapacityProvider(stack, "Own", subnets=subnets, security_groups=[security_group(stack, 1)])
    return {"managed_instances": ManagedInstances(capacity_provider=own)}


_ROWS: list[tuple[str, Arguments, str]] = [
    ("timeout below 1 s", args(timeout=Duration.seconds(0)), "timeout must be 1 second to 15 minutes, got 0 seconds"),
    ("timeout above 900 s", args(timeout=Duration.seconds(901)),
     "timeout must be 1 second to 15 minutes, got 901 seconds"),
    ("timeout with a fraction", args(timeout=Duration.millis(1500)),
     "timeout must be a whole number of seconds, got 1.5"),
    ("numbers as a person writes them", args(timeout=Duration.hours(1)), "to 15 minutes, got 1 hour. See"),
    ("timeout as a number", args(timeout=30), "timeout must be a Duration, such as Duration.seconds(30), got 30"),
    ("a variable that is not text", args(environment={"LEVEL": 1}),
     "must have text as values, got 1 (int) for LEVEL"),
    ("a variable of Lambda's own", args(environment={"AWS_REGION": "us-east-1"}),
     "environment must not have AWS_REGION, which Lambda sets itself"),
    ("a variable of one letter", args(environment={"A": "1"}), "two or more letters, digits and underscores"),
    ("a variable that starts with a digit", args(environment={"1ST": "1"}), "start with a letter, got '1ST'"),
    ("variables as text", args(environment="A=1"), "environment must be a mapping, got 'A=1' (str)"),
    ("memory below 128", args(memory_size=64), "memory_size must be 128 to 10,240 MB, got 64"),
    ("memory above 10240", args(memory_size=20_480), "memory_size must be 128 to 10,240 MB, got 20,480"),
    ("memory that is not a number", args(memory_size="512"), "memory_size must be a number, got '512'"),
    ("memory as a Size", args(memory_size=Size.gibibytes(1)), "must be a number of MB, got a Size: pass 1024."),
    ("memory without end", args(memory_size=float("inf")), "memory_size must be 128 to 10,240 MB, got inf"),
    ("memory that is not a number at all", args(memory_size=float("nan")), "128 to 10,240 MB, got nan"),
    ("/tmp below 512", args(ephemeral_storage_size=Size.mebibytes(511)), "ephemeral_storage_size must be 512 to"),
    ("/tmp as a number", args(ephemeral_storage_size=1024),
     "ephemeral_storage_size must be a Size, such as Size.gibibytes(1), got 1024 (int)."),
    ("/tmp above 10240", args(ephemeral_storage_size=Size.gibibytes(11)), "10,240 MB, got 11,264"),
    ("environment above 4 KB", args(environment={"SMALL": "x", "LARGE": "x" * 4096}), "at most 4,096 bytes"),
    ("a variable's bytes count", args(environment={"AB": "é" * 2048}), "got 4,098"),
    ("more than 5 layers", lambda stack: {"layers": [layer(stack, n) for n in range(6)]}, "at most 5, got 6"),
    ("a layer alone", lambda stack: {"layers": layer(stack, 0)}, "layers must be a list of layer versions, got "),
    ("a layer's ARN", args(layers=["arn:aws:lambda:::layer:x:1"]),
     "must be a list of layer versions, got 'arn:aws:lambda:::layer:x:1' (str) in it."),
    ("reserved without end", args(reserved_concurrent_executions=float("inf")), "must be at least 1, got inf"),
    ("reserved with a fraction", args(reserved_concurrent_executions=1.5), "must be a whole number, got 1.5"),
    ("reserved below 0", args(reserved_concurrent_executions=-1), "reserved_concurrent_executions must be at least 1"),
    ("off by reserving 0", args(reserved_concurrent_executions=0), "got 0, which turns the function off"),
    ("disabled in words", args(disabled="yes"), "disabled must be True or False, got 'yes' (str)"),
    ("disabled, and reserved", args(disabled=True, reserved_concurrent_executions=5),
     "reserved_concurrent_executions cannot be combined with disabled: a disabled function"),
    ("a runtime's name", args(runtime="python3.13"),
     "runtime must be a Runtime, such as lambda_.Runtime.PYTHON_3_13, got 'python3.13' (str)."),
    ("an architecture's name", args(architecture="arm64"),
     "architecture must be an Architecture, such as lambda_.Architecture.ARM_64, got 'arm64' (str)."),
    ("a loop by its name", args(recursive_loop="Allow"), "recursive_loop must be a RecursiveLoop, such as "),
    ("tracing by its name", args(tracing="Active"), "tracing must be a Tracing, such as "),
    ("days of retention", args(log_retention=30),
     "log_retention must be a RetentionDays, such as logs.RetentionDays.ONE_MONTH, got 30 (int)."),
    ("a level by its name", args(log_level="INFO"), "log_level must be an ApplicationLogLevel, such as "),
    ("a system level by its name", args(system_log_level="INFO"), "system_log_level must be a SystemLogLevel"),
    ("a removal policy by its name", args(log_removal_policy="destroy"), "must be a RemovalPolicy, such as "),
    ("a log group by its name", args(log_group="/mine"), "log_group must be a log group, got '/mine' (str)."),
    ("a log group and its retention", lambda stack: {"log_group": logs.LogGroup(stack, "Logs"),
     "log_retention": logs.RetentionDays.ONE_DAY}, "log_retention cannot be combined with log_group"),
    ("a key by its ARN", args(environment_encryption="arn:aws:kms:::key/1"), "must be a KMS key, got "),
    ("a pattern alone", args(exclude="notes/*"), "exclude must be a list of glob patterns, got 'notes/*' (str)."),
    ("patterns that are paths", args(include=[Path("notes")]), "include must be a list of glob patterns, got "),
    ("an extra alone", args(extras="fast"), "extras must be a list of names of extras, got 'fast' (str)."),
    ("an extra without a lock", args(extras=["fast"]), "extras requires a uv.lock, and there is none in entry"),
    ("a group alone", args(dependency_groups="ship"), "dependency_groups must be a list of names of dependency groups"),
    ("a group without a lock", args(dependency_groups=["ship"]), "dependency_groups requires a uv.lock"),
    ("a package alone", args(build_from_source="six"), "build_from_source must be a list of names of packages, got "),
    ("a flag as text", args(snap_start="yes"), "snap_start must be True or False, got 'yes' (str)."),
    ("bytecode as text", args(bytecode="no"), "bytecode must be True or False, got 'no' (str)."),
    ("durable in words", args(durable=True), "durable must be a Durable, such as Durable(execution_timeout="),
    ("an execution of 0 s", args(durable=Durable(execution_timeout=Duration.seconds(0))),
     "execution_timeout of durable must be 1 second to 366 days, got 0 seconds"),
    ("an execution above 366 days", args(durable=Durable(execution_timeout=Duration.days(367))),
     "execution_timeout of durable must be 1 second to 366 days, got 367 days"),
    ("an execution with a fraction", args(durable=Durable(execution_timeout=Duration.millis(1500))),
     "execution_timeout of durable must be a whole number of seconds, got 1.5"),
    ("an execution timeout as a number", args(durable=Durable(execution_timeout=60)),  # type: ignore[arg-type]
     "execution_timeout of durable must be a Duration, such as"),
    ("an execution timeout of None", args(durable=Durable(execution_timeout=None)),  # type: ignore[arg-type]
     "durable must have an execution_timeout and a retention, got None"),
    ("a history of 0 days", args(durable=Durable(execution_timeout=HOUR, retention=Duration.days(0))),
     "retention of durable must be 1 day to 90 days, got 0 seconds"),
    ("a history above 90 days", args(durable=Durable(execution_timeout=HOUR, retention=Duration.days(91))),
     "retention of durable must be 1 day to 90 days, got 91 days"),
    ("a history of half a day", args(durable=Durable(execution_timeout=HOUR, retention=Duration.hours(36))),
     "retention of durable must be a whole number of days, got 1.5"),
    ("durable before Python 3.13", args(durable=Durable(execution_timeout=HOUR), runtime=lambda_.Runtime.PYTHON_3_12),
     "runtime of a durable function must be one of python3.13, python3.14, got 'python3.12'"),
    ("instances in words", args(managed_instances=True),
     "managed_instances must be a ManagedInstances, such as ManagedInstances(capacity_provider=provider), got True"),
    ("a capacity provider by its name", instances(capacity_provider="steady"),
     "capacity_provider of managed_instances must be a capacity provider, got 'steady' (str)."),
    ("no capacity provider", instances(capacity_provider=None), "must be a capacity provider, got None (NoneType)."),
    ("instances for Python 3.12", instances(function={"runtime": lambda_.Runtime.PYTHON_3_12}),
     "runtime of a function on managed instances must be one of python3.13, python3.14, got 'python3.12'"),
    ("more than 90 minutes on instances", instances(function={"timeout": Duration.minutes(91)}),
     "timeout of a function on managed instances must be 1 second to 90 minutes, got 91 minutes"),
    ("less than 2 GB on instances", instances(function={"memory_size": 2047}),
     "memory_size of a function on managed instances must be 2,048 to 32,768 MB, got 2,047"),
    ("more than 32 GB on instances", instances(function={"memory_size": 32_769}), "2,048 to 32,768 MB, got 32,769"),
    ("less than 2 GiB for a vCPU", instances(memory_gib_per_vcpu=1),
     "memory_gib_per_vcpu of managed_instances must be 2 to 8 GiB, got 1"),
    ("more than 8 GiB for a vCPU", instances(memory_gib_per_vcpu=9), "must be 2 to 8 GiB, got 9"),
    ("less than a vCPU", instances(memory_gib_per_vcpu=4, function={"memory_size": 2048}),
     "memory_size must be at least the 4 GiB of memory_gib_per_vcpu, got 2,048 MB"),
    ("no invocation in an environment", instances(max_concurrency=0),
     "max_concurrency of managed_instances must be 1 to 1,600, got 0"),
    ("half an invocation", instances(max_concurrency=1.5), "must be a whole number, got 1.5"),
    ("more than 1600 invocations", instances(max_concurrency=1601), "must be 1 to 1,600, got 1,601"),
    ("more than 64 invocations for a vCPU", instances(max_concurrency=65),
     "max_concurrency of managed_instances must be at most 64, got 65: 64 for each of the 1 vCPUs"),
    ("a minimum alone", instances(minimum_environments=3),
     "minimum_environments of managed_instances requires maximum_environments"),
    ("a maximum alone", instances(maximum_environments=3),
     "maximum_environments of managed_instances requires minimum_environments"),
    ("environments below 0", instances(minimum_environments=-1, maximum_environments=3),
     "minimum_environments of managed_instances must be 0 to 15,000, got -1"),
    ("more than 15000 environments", instances(minimum_environments=1, maximum_environments=15_001),
     "maximum_environments of managed_instances must be 0 to 15,000, got 15,001"),
    ("half an environment", instances(minimum_environments=1.5, maximum_environments=3), "whole number, got 1.5"),
    ("a maximum below the minimum", instances(minimum_environments=4, maximum_environments=3),
     "maximum_environments of managed_instances must not be below minimum_environments, got 3 < 4"),
    ("a minimum of 0 alone", instances(minimum_environments=0, maximum_environments=3),
     "minimum_environments of managed_instances can be 0 only with a maximum_environments of 0"),
    ("instances of another architecture", of_x86,
     "architecture must be x86_64, that of capacity provider Stack/Own, got arm64"),
    ("instances and a VPC", lambda stack: instances(function={"vpc": imported_vpc(stack)})(stack),
     "vpc cannot be combined with managed_instances: the function is in the VPC of its capacity provider"),
    ("instances and a VPC that it leaves", instances(function={"leaving_vpc": True}),
     "leaving_vpc cannot be combined with managed_instances"),
    ("instances and reserved concurrency", instances(function={"reserved_concurrent_executions": 5}),
     "reserved_concurrent_executions cannot be combined with managed_instances"),
    ("instances that are disabled", instances(function={"disabled": True}),
     "disabled cannot be combined with managed_instances"),
    ("instances and SnapStart", instances(function={"snap_start": True}),
     "snap_start cannot be combined with managed_instances"),
    ("instances and tenants", instances(function={"tenant_isolation": True}),
     "tenant_isolation cannot be combined with managed_instances"),
    ("tenants in words", args(tenant_isolation="PER_TENANT"), "tenant_isolation must be True or False, got 'PER_"),
    ("tenants and SnapStart", args(tenant_isolation=True, snap_start=True),
     "snap_start cannot be combined with tenant_isolation"),
    ("an entry that is not a path", args(entry=None), "entry must be a path, got None (NoneType)."),
    ("a handler that is not text", args(handler=print), "handler must be text, got "),
    ("a handler's file", args(handler="app.py"), "got the file 'app.py': write 'app.' and the function's name."),
    ("a name with a dot", args(function_name="my.function"),
     "function_name must be 1 to 64 letters, digits, hyphens and underscores, got 'my.function'"),
    ("a name that is too long", args(function_name="f" * 65), "function_name must be 1 to 64 letters"),
    ("a description that is too long", args(description="d" * 257), "description must be at most 256 characters"),
    ("an archive of any size", args(max_zipped_mb=float("inf")), "max_zipped_mb must be 0 to 250 MB, got inf"),
    ("an archive of nothing", args(max_zipped_mb=-1), "max_zipped_mb must be 0 to 250 MB, got -1"),
    ("deprecated runtime", args(runtime=lambda_.Runtime.PYTHON_3_10), "runtime must be one of python3.11"),
    ("SnapStart of a runtime of which it is not known", lambda stack: {"snap_start": True, "runtime":
     lambda_.Runtime("python3.15", lambda_.RuntimeFamily.PYTHON)}, "pass lambda_.Runtime('python3.15', "),
    ("another language", args(runtime=lambda_.Runtime.NODEJS_22_X), "got 'nodejs22.x'"),
    ("handler without a dot", args(handler="app"), "handler must be 'module.function', got 'app'"),
    ("handler's file with a typo", args(handler="ap.handle"), "no ap.py. Did you mean 'app'?"),
    ("handler's function with a typo", args(handler="app.handel"), "Did you mean 'handle'?"),
    ("entry is not a folder", args(entry=HANDLERS / "nowhere"), "nowhere', which is not one."),
    ("entry that starts elsewhere", args(entry="functions/store"),
     f"got 'functions/store', which is not one: a relative path starts at the current directory, {Path.cwd()}."),
    ("subnets without a VPC", args(vpc_subnets=ec2.SubnetSelection(one_per_az=True)), "vpc_subnets requires vpc"),
    ("a security group without a VPC", lambda stack: {"security_groups": [security_group(stack, 0)]},
     "security_groups requires vpc"),
    ("more than 5 security groups", lambda stack: {"vpc": imported_vpc(stack),
     "security_groups": [security_group(stack, n) for n in range(6)]}, "security_groups must be at most 5, got 6"),
    ("more than 16 subnets", lambda stack: {"vpc": imported_vpc(stack,
     isolated_subnet_ids=[f"subnet-{n}" for n in range(18)])}, "must select at most 16 subnets, got 18"),
    ("a database for its VPC", lambda stack: {"vpc": database(stack)},
     "vpc must be a VPC, got Stack/Database (ProxiedDatabase): a ProxiedDatabase has it as .vpc."),
    ("a VPC's id", args(vpc="vpc-0123"), "vpc must be a VPC, got 'vpc-0123' (str): ec2.Vpc.from_lookup finds one"),
    ("public subnets alone", lambda stack: {"vpc": ec2.Vpc(stack, "Public", subnet_configuration=[
     ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC)])},
     "vpc_subnets must select private or isolated subnets, got public ones of vpc Stack/Public"),
    ("public subnets by choice", lambda stack: {"vpc": ec2.Vpc(stack, "Vpc"),
     "vpc_subnets": ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)}, "allow_public_subnet=True"),
    ("public subnets without a VPC", args(allow_public_subnet=True), "allow_public_subnet requires vpc"),
    ("leaving the VPC that it is in", lambda stack: {"vpc": imported_vpc(stack), "leaving_vpc": True},
     "leaving_vpc cannot be combined with vpc"),
    ("a security group alone", lambda stack: {"vpc": imported_vpc(stack), "security_groups":
     security_group(stack, 0)}, "security_groups must be a list of security groups, got "),
    ("subnets that are not a selection", lambda stack: {"vpc": imported_vpc(stack), "vpc_subnets": "private"},
     "vpc_subnets must be a SubnetSelection, such as "),
    ("subnets that are not there", lambda stack: {"vpc": imported_vpc(stack),
     "vpc_subnets": ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)}, "vpc_subnets selects nothing in vpc"),
    ("bytecode of a Python that is not there", args(bytecode=True, runtime=lambda_.Runtime("python3.99")),
     "bytecode=True requires a Python 3.99 on this machine"),
]  # fmt: skip

FUNCTION_LIMITS: Final = Limits(
    PythonFunction,
    otherwise={
        "entry": lambda stack: HANDLERS / "plain",
        "handler": lambda stack: "app.handle",
        "bytecode": lambda stack: False,
    },
    rows=_ROWS,
)
