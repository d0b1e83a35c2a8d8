"""Scenes of FunctionEndpoint."""

from typing import Any, Final

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib import Authorization, FunctionEndpoint, LiveAlias
from tests.gallery.api import certificate
from tests.gallery.parts import topic
from tests.gallery.plain_function import function

WEB_ACL: Final = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/edge/1"


def bounded(
    scope: Construct, construct_id: str = "Live", *, provisioned: int | None = None, **arguments: Any
) -> lambda_.Alias:
    """A live alias of a function with reserved concurrency, which may be public."""
    behind = function(
        scope, f"{construct_id}Function", **({"reserved_concurrent_executions": 10} | arguments)
    )
    return lambda_.Alias(
        scope,
        construct_id,
        alias_name="live",
        version=behind.current_version,
        provisioned_concurrent_executions=provisioned,
    )


def caller(stack: Stack) -> iam.Role:
    return iam.Role(stack, "Caller", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))


def function_endpoint(stack: Stack) -> None:
    live = LiveAlias(stack, "Live", function=function(stack))
    endpoint = FunctionEndpoint(stack, "Endpoint", alias=live.alias, alarm_topic=topic(stack, "Alarms"))
    endpoint.grant_invoke_url(caller(stack))
    endpoint.grant_invoke_url(
        iam.Role.from_role_arn(stack, "Theirs", "arn:aws:iam::210987654321:role/theirs")
    )


def public_function_endpoint(stack: Stack) -> None:
    FunctionEndpoint(
        stack,
        "Endpoint",
        alias=bounded(stack, provisioned=2),
        authorization=Authorization.public(),
        cors_origins=["https://app.example.com"],
        cors_methods=["GET"],
        cors_exposed_headers=["ETag"],
        cors_credentials=True,
        cors_max_age=Duration.hours(1),
        latency_threshold=Duration.seconds(1),
    )


def function_endpoint_behind_cloudfront(stack: Stack) -> None:
    FunctionEndpoint(
        stack,
        "Endpoint",
        alias=bounded(stack),
        authorization=Authorization.public(),
        cloudfront=True,
        web_acl_arn=WEB_ACL,
        domain_name="files.example.com",
        certificate=certificate(stack),
    )


def function_endpoint_behind_cloudfront_alone(stack: Stack) -> None:
    """Without a domain and a web ACL."""
    FunctionEndpoint(
        stack, "Endpoint", alias=bounded(stack), authorization=Authorization.public(), cloudfront=True
    )


def function_endpoint_with_streaming(stack: Stack) -> None:
    """A managed Python runtime streams through the Lambda Web Adapter."""
    behind = function(
        stack,
        environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap", "AWS_LWA_INVOKE_MODE": "response_stream"},
    )
    live = LiveAlias(stack, "Live", function=behind)
    FunctionEndpoint(stack, "Endpoint", alias=live.alias, response_streaming=True)


SCENES: Final = (
    function_endpoint,
    public_function_endpoint,
    function_endpoint_behind_cloudfront,
    function_endpoint_behind_cloudfront_alone,
    function_endpoint_with_streaming,
)
