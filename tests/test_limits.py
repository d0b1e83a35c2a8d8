"""An error comes before anything is created: no node is left behind, and the id can be used again."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Environment, Size, Stack, Token
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct
from jsii._kernel.providers import process

from constructs_lib import (
    AsyncDestinations,
    Authorization,
    FunctionEndpoint,
    InvalidPropsError,
    LiveAlias,
    ProvisionedApi,
    PythonFunction,
    QueueConsumer,
    Route,
    ScheduledInvocation,
    UsagePlan,
)
from tests.gallery.api import alias, certificate
from tests.gallery.database import AURORA_MYSQL, database
from tests.gallery.plain_function import HANDLERS, function
from tests.limits import ALL
from tests.limits.api import AUTHORIZATION_LIMITS
from tests.limits.brokers import KAFKA_AUTHENTICATION_LIMITS
from tests.limits.kinds import EVERY_ARGUMENT, NEVER_RIGHT
from tests.limits.load_balancer import LOGIN_LIMITS
from tests.limits.table import Arguments, Limits


def refused(stack: Stack, construct: Callable[..., Construct], **arguments: Any) -> str:
    """The message of the error; nothing may be left in the tree."""
    before = {child.node.id for child in stack.node.children}
    with pytest.raises(InvalidPropsError) as error:
        construct(stack, "Refused", **arguments)
    assert {child.node.id for child in stack.node.children} == before
    return str(error.value)


@pytest.mark.parametrize(
    ("limits", "given", "message"),
    [(limits, given, message) for limits in ALL for _, given, message in limits.rows],
    ids=[f"{limits.construct.__name__}: {row[0]}" for limits in ALL for row in limits.rows],
)
def test_bad_input_is_refused(stack: Stack, limits: Limits, given: Arguments, message: str) -> None:
    assert message in refused(stack, limits.construct, **limits.arguments(stack, given))


@pytest.mark.parametrize(
    ("choose", "message"),
    [row[1:] for row in (*AUTHORIZATION_LIMITS, *KAFKA_AUTHENTICATION_LIMITS, *LOGIN_LIMITS)],
    ids=[row[0] for row in (*AUTHORIZATION_LIMITS, *KAFKA_AUTHENTICATION_LIMITS, *LOGIN_LIMITS)],
)
def test_a_bad_authorization_is_refused(
    stack: Stack, choose: Callable[[Stack], object], message: str
) -> None:
    with pytest.raises(InvalidPropsError) as error:
        choose(stack)
    assert message in str(error.value)


@pytest.fixture
def a_number_that_is_none_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Node answers NaN by ending: with it, all later tests of this process would fail instead of one."""
    monkeypatch.setattr(process, "json", StrictJson)


class StrictJson:
    """The part of `json` that jsii uses."""

    loads = staticmethod(json.loads)
    JSONDecodeError = json.JSONDecodeError

    @staticmethod
    def dumps(value: Any, **options: Any) -> str:
        return json.dumps(value, allow_nan=False, **options)


@pytest.mark.parametrize("argument", EVERY_ARGUMENT)
@pytest.mark.usefixtures("a_number_that_is_none_is_an_error")
def test_what_no_argument_takes_is_refused_before_anything_is_made(stack: Stack, argument: str) -> None:
    """CDK's own refusal would come when parts are made already, and name what the user never wrote."""
    make = EVERY_ARGUMENT[argument](stack)
    before = {child.node.id for child in stack.node.children}
    for wrong in NEVER_RIGHT:
        with pytest.raises(InvalidPropsError) as error:
            make(wrong)
        assert re.search(r"\b(must|cannot|requires)\b", str(error.value))
        assert {child.node.id for child in stack.node.children} == before, wrong


@pytest.mark.parametrize(
    ("what", "make"),
    [
        ("routes", lambda here, there: ProvisionedApi(
            here, "Api", routes={"GET /": alias(there)}, authorization=Authorization.iam())),
        ("the authorizer of routes", lambda here, there: ProvisionedApi(
            here, "Api", routes={"GET /": alias(here, "Ours")},
            authorization=Authorization.lambda_authorizer(alias(there)))),
        ("certificate", lambda here, there: ProvisionedApi(
            here, "Api", routes={"GET /": alias(here)}, authorization=Authorization.iam(),
            domain_name="api.example.com", certificate=acm.Certificate.from_certificate_arn(
                here, "C", "arn:aws:acm:eu-west-1:123456789012:certificate/any"))),
        ("web_acl_arn", lambda here, there: ProvisionedApi(
            here, "Api", routes={"GET /": alias(here)}, authorization=Authorization.iam(),
            web_acl_arn="arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/edge/1")),
        ("domain_name", lambda here, there: ProvisionedApi(
            here, "Api", routes={"GET /": alias(here)}, authorization=Authorization.iam(),
            domain_name=apigateway.DomainName(there, "Domain", domain_name="api.example.com",
                                              certificate=certificate(there)))),
        ("function", lambda here, there: LiveAlias(here, "Api", function=function(there))),
        ("rollback_alarms", lambda here, there: LiveAlias(
            here, "Api", function=function(here), rollback_alarms=[
                cloudwatch.Metric(namespace="Shop", metric_name="Orders").create_alarm(
                    there, "Mine", threshold=1, evaluation_periods=1)])),
    ],
    ids=["alias", "authorizer", "certificate", "web ACL", "domain", "function", "alarm"],
)  # fmt: skip
def test_what_lies_in_another_region_is_refused(
    app: App, what: str, make: Callable[[Stack, Stack], Construct]
) -> None:
    here, there = (
        Stack(app, name, env=Environment(account="123456789012", region=region))
        for name, region in (("Here", "us-east-1"), ("There", "eu-west-1"))
    )
    with pytest.raises(InvalidPropsError, match=f"^{what}.* must be in Region us-east-1, .* in eu-west-1"):
        make(here, there)
    assert here.node.try_find_child("Api") is None


def test_a_live_alias_is_asked_for_its_alias(stack: Stack) -> None:
    live = LiveAlias(stack, "Live", function=function(stack))
    said = refused(stack, AsyncDestinations, function=live)
    assert (
        said == "function must be a function, version or alias, got Stack/Live (LiveAlias). Pass its .alias."
    )


def test_every_schedule_that_the_scheduler_takes_is_taken(stack: Stack) -> None:
    called = function(stack)
    for number, text in enumerate(
        (
            "cron(0 6 * * ? *)",
            "cron(0/15 8-17 ? * MON-FRI 2030)",
            "cron(0,30 */2 L JAN,7,JUL ? 2030-2040)",
            "cron(15 10 ? * 6#3 2199)",
            "cron(0 0 ? * FRIL *)",
            "cron(0 0 LW * ? *)",
            "cron(0 0 15W * ? *)",
            "cron(* * * * ? *)",
            "cron(0-59 3 * * ? *)",
            "rate(1 minute)",
            "rate(90 days)",
            "at(2030-01-31T06:00:00)",
            Token.as_string({"Ref": "When"}),
        )
    ):
        schedule = scheduler.ScheduleExpression.expression(text)
        ScheduledInvocation(stack, f"Schedule{number}", function=called, schedule=schedule)


def test_consumers_of_one_function_share_its_reserved_concurrency(stack: Stack) -> None:
    shared = function(stack, reserved_concurrent_executions=10)
    QueueConsumer(stack, "First", function=shared, max_concurrency=6)
    assert "got 5, together with 6 of other consumers" in refused(
        stack, QueueConsumer, function=shared, max_concurrency=5
    )
    QueueConsumer(stack, "Second", function=shared, max_concurrency=4)


def test_a_token_does_not_count_against_the_reserved_concurrency(stack: Stack) -> None:
    """CDK's number for it is hugely negative, and would make room for anything."""
    shared = function(stack, reserved_concurrent_executions=10)
    number = int(Token.as_number({"Ref": "Number"}))
    QueueConsumer(stack, "First", function=shared, max_concurrency=number)
    QueueConsumer(stack, "Second", function=shared, max_concurrency=6)
    assert "got 5, together with 6 of other consumers" in refused(
        stack, QueueConsumer, function=shared, max_concurrency=5
    )


def test_unresolved_tokens_pass(stack: Stack) -> None:
    """CloudFormation will judge what is known only at deployment."""
    number = Token.as_number({"Ref": "Number"})
    of_tokens = PythonFunction(
        stack,
        "Tokens",
        entry=HANDLERS / "plain",
        handler="app.handle",
        bytecode=False,
        timeout=Duration.seconds(number),
        memory_size=int(number),
        environment={"TOKEN": Token.as_string({"Ref": "Text"}) * 1000},
        reserved_concurrent_executions=int(number),
    )
    QueueConsumer(
        stack,
        "Consumer",
        function=of_tokens,
        batch_size=int(number),
        max_concurrency=int(number),
        max_receive_count=int(number),
        visibility_timeout=Duration.seconds(number),
        retention_period=Duration.seconds(number),
        dead_letter_retention_period=Duration.seconds(number),
        oldest_message_age=Duration.seconds(number),
    )
    QueueConsumer(
        stack,
        "Pollers",
        function=function(stack),
        batch_size=100,
        max_batching_window=Duration.seconds(number),
        minimum_pollers=int(number),
        maximum_pollers=5,
    )
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "VpcOfTokens",
        vpc_id=Token.as_string({"Ref": "Vpc"}),
        availability_zones=[Token.as_string({"Ref": f"Zone{n}"}) for n in range(2)],
        isolated_subnet_ids=[Token.as_string({"Ref": f"Subnet{n}"}) for n in range(2)],
        isolated_subnet_route_table_ids=[Token.as_string({"Ref": f"Table{n}"}) for n in range(2)],
    )
    database(
        stack,
        vpc=vpc,
        database_name=Token.as_string({"Ref": "Name"}),
        application_user=Token.as_string({"Ref": "User"}),
        master_user=Token.as_string({"Ref": "Master"}),
        port=int(number),
        allocated_storage=int(number),
        max_allocated_storage=int(number),
        max_connections=int(number),
        max_connections_percent=int(number),
        max_idle_connections_percent=int(number),
        borrow_timeout=Duration.seconds(number),
        idle_client_timeout=Duration.seconds(number),
        backup_retention=Duration.days(number),
    ).connect(function(stack, "Client", vpc=vpc, reserved_concurrent_executions=int(number)))
    database(
        stack,
        "Cluster",
        engine=AURORA_MYSQL,
        readers=1,
        min_capacity=number,
        max_capacity=number,
    )


def test_unresolved_tokens_of_an_api_pass(stack: Stack) -> None:
    number = CfnParameter(stack, "Number", type="Number").value_as_number
    text = Token.as_string({"Ref": "Text"})
    behind = function(stack, "Behind", timeout=Duration.seconds(number))
    live = lambda_.Alias(stack, "LiveOfTokens", alias_name="live", version=behind.current_version)
    ProvisionedApi(
        stack,
        "RestOfTokens",
        routes={"GET /trips": Route(alias=live, throttling_rate_limit=number, throttling_burst_limit=number)},
        authorization=Authorization.iam(),
        throttling_rate_limit=number,
        throttling_burst_limit=number,
        integration_timeout=Duration.millis(number),
        minimum_compression_size=Size.bytes(number),
        api_key_required=True,
        usage_plans={"Plan": UsagePlan(throttling_rate_limit=number, quota_limit=number)},
        web_acl_arn=text,
        domain_name=text,
        certificate=acm.Certificate.from_certificate_arn(stack, "Certificate", text),
        cors_origins=[text],
        latency_threshold=Duration.millis(number),
    )
    ProvisionedApi(
        stack,
        "HttpOfTokens",
        routes={"GET /trips": live},
        authorization=Authorization.jwt(issuer=text, audience=[text]),
        http=True,
        throttling_rate_limit=number,
        throttling_burst_limit=number,
        integration_timeout=Duration.millis(number),
        latency_threshold=Duration.millis(number),
    )


def test_unresolved_tokens_of_an_endpoint_pass(stack: Stack) -> None:
    number = CfnParameter(stack, "Number", type="Number").value_as_number
    text = Token.as_string({"Ref": "Text"})
    behind = function(
        stack, "Behind", timeout=Duration.seconds(number), reserved_concurrent_executions=int(number)
    )
    FunctionEndpoint(
        stack,
        "EndpointOfTokens",
        alias=lambda_.Alias(stack, "LiveOfTokens", alias_name=text, version=behind.current_version),
        authorization=Authorization.public(),
        cors_origins=[text],
        cors_headers=[text],
        cors_exposed_headers=[text],
        cors_max_age=Duration.seconds(number),
        cloudfront=True,
        web_acl_arn=text,
        domain_name=text,
        certificate=acm.Certificate.from_certificate_arn(stack, "Certificate", text),
        latency_threshold=Duration.millis(number),
    )
