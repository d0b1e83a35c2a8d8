"""The limits of PythonFunction."""

from pathlib import Path
from typing import Final

from aws_cdk import Duration, Size, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_

from constructs_lib import PythonFunction
from tests.gallery.database import database, imported_vpc
from tests.gallery.plain_function import HANDLERS
from tests.limits.table import Arguments, Limits, said


def layer(stack: Stack, number: int) -> lambda_.ILayerVersion:
    return lambda_.LayerVersion.from_layer_version_arn(
        stack, f"Layer{number}", f"arn:aws:lambda:us-east-1:123456789012:layer:many:{number}"
    )


def security_group(stack: Stack, number: int) -> ec2.ISecurityGroup:
    return ec2.SecurityGroup.from_security_group_id(stack, f"Group{number}", f"sg-{number}")


_ROWS: list[tuple[str, Arguments, str]] = [
    ("timeout below 1 s", said(timeout=Duration.seconds(0)), "timeout must be 1 to 900 seconds, got 0"),
    ("timeout above 900 s", said(timeout=Duration.seconds(901)), "timeout must be 1 to 900 seconds, got 901"),
    ("timeout with a fraction", said(timeout=Duration.millis(1500)), "timeout must be a whole number, got 1.5"),
    ("numbers as a person writes them", said(timeout=Duration.hours(1)), "to 900 seconds, got 3,600. See"),
    ("timeout as a number", said(timeout=30), "timeout must be a Duration, such as Duration.seconds(30), got 30"),
    ("a variable that is no text", said(environment={"A": 1}), "must have text as values, got 1 (int) for A"),
    ("memory below 128", said(memory_size=64), "memory_size must be 128 to 10,240 MB, got 64"),
    ("memory above 10240", said(memory_size=20_480), "memory_size must be 128 to 10,240 MB, got 20,480"),
    ("memory no number", said(memory_size="512"), "memory_size must be a number, got '512'"),
    ("/tmp below 512", said(ephemeral_storage_size=Size.mebibytes(511)), "ephemeral_storage_size must be 512 to"),
    ("/tmp above 10240", said(ephemeral_storage_size=Size.gibibytes(11)), "10,240 MB, got 11,264"),
    ("environment above 4 KB", said(environment={"SMALL": "x", "LARGE": "x" * 4096}), "at most 4,096 bytes"),
    ("a variable's bytes count", said(environment={"A": "é" * 2048}), "got 4,097"),
    ("more than 5 layers", lambda stack: {"layers": [layer(stack, n) for n in range(6)]}, "at most 5, got 6"),
    ("reserved below 0", said(reserved_concurrent_executions=-1), "reserved_concurrent_executions must be at least 0"),
    ("deprecated runtime", said(runtime=lambda_.Runtime.PYTHON_3_10), "runtime must be one of python3.11"),
    ("another language", said(runtime=lambda_.Runtime.NODEJS_22_X), "got 'nodejs22.x'"),
    ("handler without a dot", said(handler="app"), "handler must be 'module.function', got 'app'"),
    ("handler's file with a typo", said(handler="ap.handle"), "no ap.py. Did you mean 'app'?"),
    ("handler's function with a typo", said(handler="app.handel"), "Did you mean 'handle'?"),
    ("entry is no folder", said(entry=HANDLERS / "nowhere"), "nowhere', which is not one."),
    ("entry that starts elsewhere", said(entry="functions/store"),
     f"got 'functions/store', which is not one: a relative path starts at the current directory, {Path.cwd()}."),
    ("subnets without a VPC", said(vpc_subnets=ec2.SubnetSelection(one_per_az=True)), "vpc_subnets needs vpc="),
    ("a security group without a VPC", lambda stack: {"security_groups": [security_group(stack, 0)]},
     "security_groups needs vpc="),
    ("more than 5 security groups", lambda stack: {"vpc": imported_vpc(stack),
     "security_groups": [security_group(stack, n) for n in range(6)]}, "security_groups must be at most 5, got 6"),
    ("more than 16 subnets", lambda stack: {"vpc": imported_vpc(stack,
     isolated_subnet_ids=[f"subnet-{n}" for n in range(18)])}, "must select at most 16 subnets, got 18"),
    ("a database for its VPC", lambda stack: {"vpc": database(stack)},
     "vpc must be a VPC, got Stack/Database (ProxiedDatabase): a ProxiedDatabase has it as .vpc."),
    ("a VPC's id", said(vpc="vpc-0123"), "vpc must be a VPC, got 'vpc-0123' (str): ec2.Vpc.from_lookup finds one"),
    ("subnets that are not there", lambda stack: {"vpc": imported_vpc(stack),
     "vpc_subnets": ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)}, "vpc_subnets selects nothing in vpc"),
    ("bytecode of a Python that is not there", said(bytecode=True, runtime=lambda_.Runtime("python3.99")), "runtime"),
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
