"""Scenes of EdgeFunction."""

from typing import Any, Final

from aws_cdk import Acknowledgment, Duration, Stack, Validations
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib import EdgeFunction, PythonFunction
from tests.gallery.parts import topic
from tests.gallery.plain_function import HANDLERS, function

JAVASCRIPT: Final = HANDLERS / "edge"


def at_edge(scope: Construct, construct_id: str = "Function", **arguments: Any) -> PythonFunction:
    """A function that Lambda@Edge takes."""
    given = {
        "architecture": lambda_.Architecture.X86_64,
        "tracing": lambda_.Tracing.DISABLED,
        "timeout": Duration.seconds(5),
    }
    return function(scope, construct_id, **(given | arguments))


def site(scope: Construct, *functions: EdgeFunction) -> cloudfront.Distribution:
    """A distribution as careful people make it: its functions are what is looked at here."""
    distribution = cloudfront.Distribution(
        scope,
        "Site",
        default_behavior=cloudfront.BehaviorOptions(
            origin=origins.HttpOrigin("origin.example.com"),
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
            **EdgeFunction.associations(*functions),
        ),
    )
    reason = "The scene is about something else."
    Validations.of(distribution).acknowledge(
        *(Acknowledgment(id=f"AwsSolutions-CFR{number}", reason=reason) for number in (1, 2, 3, 4))
    )
    return distribution


def edge_function(stack: Stack) -> None:
    """The smallest: a CloudFront function that logs nothing."""
    rewrite = EdgeFunction(stack, "Rewrite", event="viewer-request", code=JAVASCRIPT / "rewrite.js")
    site(stack, rewrite)


def edge_function_with_a_store(stack: Stack) -> None:
    redirect = EdgeFunction(
        stack,
        "Redirect",
        event="viewer-request",
        code=JAVASCRIPT / "redirect.js",
        key_value_store=cloudfront.KeyValueStore(stack, "Redirects"),
        log_retention=logs.RetentionDays.ONE_WEEK,
        alarm_topic=topic(stack),
    )
    site(stack, redirect)


def lambda_at_edge(stack: Stack) -> None:
    """One function for two events, next to a CloudFront function, all watched at once."""
    rewrite = EdgeFunction(stack, "Rewrite", event="viewer-request", code=JAVASCRIPT / "rewrite.js")
    render = at_edge(stack, "Render")
    asked = EdgeFunction(stack, "Asked", event="origin-request", function=render, include_body=True)
    answered = EdgeFunction(
        stack, "Answered", event="origin-response", function=render, alarm_topic=asked.alarm_topic
    )
    distribution = site(stack, rewrite, asked, answered)
    for each in (asked, answered):
        each.watch(distribution)


SCENES: Final = (edge_function, edge_function_with_a_store, lambda_at_edge)
