"""Scenes of PythonFunction."""

from typing import Final

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib import ContainerFunction, LiveAlias, ManagedInstances, PythonFunction, PythonLayer
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
        runtime=lambda_.Runtime.PYTHON_3_13,
        architecture=lambda_.Architecture.X86_64,
        description="What rides have in common",
        layer_version_name="rides",
        removal_policy=RemovalPolicy.RETAIN,
    )
    powertools = PythonLayer.powertools(
        stack,
        "Powertools",
        version="3.24.0",
        runtime=lambda_.Runtime.PYTHON_3_13,
        architecture=lambda_.Architecture.X86_64,
    )
    function(
        stack,
        layers=[layer, powertools],
        runtime=lambda_.Runtime.PYTHON_3_13,
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


PROVIDER: Final = "arn:aws:lambda:us-east-1:123456789012:capacity-provider:steady"


def provider(scope: Construct) -> lambda_.ICapacityProvider:
    """A capacity provider that another app defines."""
    return lambda_.CapacityProvider.from_capacity_provider_arn(scope, "Provider", PROVIDER)


def managed_function(scope: Construct, construct_id: str = "Function") -> PythonFunction:
    instances = ManagedInstances(
        capacity_provider=provider(scope),
        max_concurrency=16,
        memory_gib_per_vcpu=4,
        minimum_environments=3,
        maximum_environments=40,
    )
    return function(
        scope,
        construct_id,
        managed_instances=instances,
        timeout=Duration.minutes(90),
        memory_size=32_768,
    )


def python_function_on_managed_instances(stack: Stack) -> None:
    LiveAlias(stack, "Live", function=managed_function(stack))


def python_function_with_tenant_isolation(stack: Stack) -> None:
    LiveAlias(stack, "Live", function=function(stack, tenant_isolation=True))


def container_function_with_snap_start(stack: Stack) -> None:
    function = ContainerFunction(stack, "Function", entry=HANDLERS / "container", snap_start=True)
    LiveAlias(stack, "Live", function=function)


SCENES: Final = (
    container_function_with_snap_start,
    python_function_on_managed_instances,
    python_function_with_tenant_isolation,
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
