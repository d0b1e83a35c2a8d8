"""Scenes of PythonFunction."""

from typing import Final

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib import ContainerFunction, PythonLayer
from tests.gallery.plain_function import HANDLERS, SAMPLE_FUNCTIONS, function


def python_function(scope: Construct) -> None:
    function(scope)


def python_function_with_dependencies(stack: Stack) -> None:
    function(stack, entry=SAMPLE_FUNCTIONS / "complete_trip", handler="handler.handle", include_runtime=True)


def python_function_with_everything_said(stack: Stack) -> None:
    layer = lambda_.LayerVersion(stack, "Layer", code=lambda_.Code.from_asset(str(HANDLERS / "plain")))
    function(
        stack,
        runtime=lambda_.Runtime.PYTHON_3_14,
        architecture=lambda_.Architecture.X86_64,
        timeout=Duration.minutes(15),
        memory_size=10240,
        environment={"LEVEL": "high"},
        layers=[layer],
        description="Everything said",
        reserved_concurrent_executions=50,
        log_level=lambda_.ApplicationLogLevel.DEBUG,
        log_removal_policy=RemovalPolicy.DESTROY,
    )


def python_function_of_an_organization(stack: Stack) -> None:
    """The name, the key and the log group are those that an organization's rules may require."""
    key = kms.Key(stack, "Key", enable_key_rotation=True)
    function(
        stack,
        function_name="orders-ship",
        environment={"LEVEL": "high"},
        environment_encryption=key,
        log_group=logs.LogGroup(
            stack, "Logs", retention=logs.RetentionDays.ONE_YEAR, removal_policy=RemovalPolicy.RETAIN
        ),
        system_log_level=lambda_.SystemLogLevel.WARN,
        tracing=lambda_.Tracing.DISABLED,
        recursive_loop=None,
    )


def python_function_leaving_its_vpc(stack: Stack) -> None:
    function(stack, leaving_vpc=True)


def python_layer(stack: Stack) -> None:
    layer = PythonLayer(stack, "Layer", entry=SAMPLE_FUNCTIONS / "complete_trip", bytecode=False)
    function(stack, layers=[layer])


def python_layer_with_everything_set(stack: Stack) -> None:
    layer = PythonLayer(
        stack,
        "Layer",
        entry=SAMPLE_FUNCTIONS / "complete_trip",
        bytecode=False,
        runtime=lambda_.Runtime.PYTHON_3_14,
        architecture=lambda_.Architecture.X86_64,
        description="What rides have in common",
        layer_version_name="rides",
        removal_policy=RemovalPolicy.RETAIN,
    )
    powertools = PythonLayer.powertools(
        stack,
        "Powertools",
        version="3.24.0",
        runtime=lambda_.Runtime.PYTHON_3_14,
        architecture=lambda_.Architecture.X86_64,
    )
    function(
        stack,
        layers=[layer, powertools],
        runtime=lambda_.Runtime.PYTHON_3_14,
        architecture=lambda_.Architecture.X86_64,
    )


def container_function(stack: Stack) -> None:
    ContainerFunction(stack, "Function", entry=HANDLERS / "container")


def container_function_of_a_repository(stack: Stack) -> None:
    repository = ecr.Repository(stack, "Images", image_tag_mutability=ecr.TagMutability.IMMUTABLE)
    ContainerFunction(
        stack,
        "Function",
        repository=repository,
        tag_or_digest="7f3c2a1",
        command=["app.handle"],
        architecture=lambda_.Architecture.X86_64,
        memory_size=2048,
        log_removal_policy=RemovalPolicy.DESTROY,
    )


SCENES: Final = (
    container_function,
    container_function_of_a_repository,
    python_layer,
    python_layer_with_everything_set,
    python_function,
    python_function_with_dependencies,
    python_function_with_everything_said,
    python_function_of_an_organization,
    python_function_leaving_its_vpc,
)
