"""Scenes of PythonFunction."""

from typing import Final

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_lambda as lambda_

from tests.gallery.plain_function import HANDLERS, SAMPLE_FUNCTIONS, function


def python_function(stack: Stack) -> None:
    function(stack)


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


SCENES: Final = (
    python_function,
    python_function_with_dependencies,
    python_function_with_everything_said,
)
