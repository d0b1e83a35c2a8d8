"""Where a function has an alias, nothing reaches it past the alias: no scene does, and the walk would see it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions

from constructs_lib._types import FunctionLike
from tests.alias_walk import Walk
from tests.gallery import SCENES, built, template_of
from tests.gallery.api import alias
from tests.gallery.plain_function import function


def synthesized(app: App, stack: Stack) -> dict[str, Any]:
    app.synth()
    template: dict[str, Any] = json.loads((Path(app.outdir) / stack.template_file).read_text())
    return template


EXECUTION_ALARMS = ("ExecutionsFailedAlarm", "ExecutionsTimedOutAlarm", "ExecutionsUndeliveredAlarm")
OF_THE_WHOLE_FUNCTION: dict[str, str | tuple[str, ...]] = {
    "app_dashboard": "Dashboard",
    "app_dashboard_of_alarms_that_are_left_out": "Dashboard",
    "kill_switch_armed": "Switch",
    "durable_executions": EXECUTION_ALARMS,
    "durable_executions_with_everything_said": EXECUTION_ALARMS,
    "durable_executions_with_your_queue": EXECUTION_ALARMS,
}
"""Reserved concurrency has no qualifier: a switch watches the whole function and turns all of it off. A durable
execution belongs to a version, and an alias moves on while it runs: its alarms count those of all versions. A dashboard
shows the concurrency of the whole function; test_app_dashboard.py holds that it shows the rest at the alias."""


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Walk]:
    app = App(outdir=str(tmp_path_factory.mktemp("scenes")), analytics_reporting=False)
    stacks = built(app)
    app.synth()
    return {name: Walk(template_of(stack)) for name, stack in stacks.items()}


@pytest.mark.parametrize("scene", SCENES)
def test_nothing_reaches_a_function_past_its_alias(scene: str, walks: dict[str, Walk]) -> None:
    switch = OF_THE_WHOLE_FUNCTION.get(scene)
    found = [
        finding for finding in walks[scene].findings() if not (switch and finding.place.startswith(switch))
    ]
    assert [str(finding) for finding in found] == []


@pytest.mark.parametrize("scene", ["rest_api", "http_api", "live_alias", "queue_consumer_on_an_alias"])
def test_there_is_something_to_check(scene: str, walks: dict[str, Walk]) -> None:
    walks[scene].findings()
    assert walks[scene].aliased
    assert walks[scene].looked_at > 0


# --- planted: each kind, once at the function and once at its alias --------------------------------------


def permission(stack: Stack, target: FunctionLike) -> None:
    target.add_permission("Planted", principal=iam.ServicePrincipal("sns.amazonaws.com"))


def policy(stack: Stack, target: FunctionLike) -> None:
    target.grant_invoke(iam.Role(stack, "Role", assumed_by=iam.AccountRootPrincipal()))


def rest_integration(stack: Stack, target: FunctionLike) -> None:
    apigateway.RestApi(stack, "Rest", cloud_watch_role=False).root.add_method(
        "GET", apigateway.LambdaIntegration(target)
    )


def rest_authorizer(stack: Stack, target: FunctionLike) -> None:
    authorizer = apigateway.TokenAuthorizer(stack, "Authorizer", handler=target)
    apigateway.RestApi(stack, "Rest", cloud_watch_role=False).root.add_method("GET", authorizer=authorizer)


def http_integration(stack: Stack, target: FunctionLike) -> None:
    integration = integrations.HttpLambdaIntegration("Integration", target)
    apigatewayv2.HttpApi(stack, "Http").add_routes(path="/", integration=integration)


def http_authorizer(stack: Stack, target: FunctionLike) -> None:
    apigatewayv2.HttpApi(stack, "Http").add_routes(
        path="/",
        integration=integrations.HttpUrlIntegration("Elsewhere", "https://example.com"),
        authorizer=authorizers.HttpLambdaAuthorizer("Authorizer", target),
    )


def event_source_mapping(stack: Stack, target: FunctionLike) -> None:
    arn = "arn:aws:sqs:us-east-1:123456789012:queue"
    lambda_.EventSourceMapping(stack, "Mapping", target=target, event_source_arn=arn)


def event_invoke_config(stack: Stack, target: FunctionLike) -> None:
    target.configure_async_invoke(retry_attempts=0)


def destination(stack: Stack, target: FunctionLike) -> None:
    alias(stack, "Other").configure_async_invoke(on_failure=destinations.LambdaDestination(target))


def alarm(stack: Stack, target: FunctionLike) -> None:
    target.metric_throttles().create_alarm(stack, "Alarm", threshold=1, evaluation_periods=1)


def alarm_on_an_expression(stack: Stack, target: FunctionLike) -> None:
    cloudwatch.MathExpression(
        expression="errors / invocations",
        using_metrics={"errors": target.metric_errors(), "invocations": target.metric_invocations()},
        period=Duration.minutes(1),
    ).create_alarm(stack, "Alarm", threshold=1, evaluation_periods=1)


def schedule(stack: Stack, target: FunctionLike) -> None:
    scheduler.CfnSchedule(
        stack,
        "Schedule",
        flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
        schedule_expression="rate(1 hour)",
        target=scheduler.CfnSchedule.TargetProperty(
            arn=target.function_arn, role_arn="arn:aws:iam::123456789012:role/scheduler"
        ),
    )


def rule(stack: Stack, target: FunctionLike) -> None:
    events.CfnRule(
        stack,
        "Rule",
        schedule_expression="rate(1 hour)",
        targets=[events.CfnRule.TargetProperty(arn=target.function_arn, id="Target")],
    )


def scaling(stack: Stack, target: FunctionLike) -> None:
    autoscaling.ScalableTarget(
        stack,
        "Scaling",
        min_capacity=1,
        max_capacity=2,
        resource_id=f"function:{target.function_name}",
        scalable_dimension="lambda:function:ProvisionedConcurrency",
        service_namespace=autoscaling.ServiceNamespace.LAMBDA,
    )


def function_url(stack: Stack, target: FunctionLike) -> None:
    target.add_function_url()


def subscription(stack: Stack, target: FunctionLike) -> None:
    sns.Topic(stack, "Topic").add_subscription(subscriptions.LambdaSubscription(target))


KINDS: dict[str, tuple[Callable[[Stack, FunctionLike], None], str]] = {
    "permission": (permission, "AWS::Lambda::Permission"),
    "policy": (policy, "AWS::IAM::Policy"),
    "REST integration": (rest_integration, "AWS::ApiGateway::Method"),
    "REST authorizer": (rest_authorizer, "AWS::ApiGateway::Authorizer"),
    "HTTP integration": (http_integration, "AWS::ApiGatewayV2::Integration"),
    "HTTP authorizer": (http_authorizer, "AWS::ApiGatewayV2::Authorizer"),
    "event source mapping": (event_source_mapping, "AWS::Lambda::EventSourceMapping"),
    "event invoke config": (event_invoke_config, "AWS::Lambda::EventInvokeConfig"),
    "destination": (destination, "AWS::Lambda::EventInvokeConfig"),
    "alarm": (alarm, "AWS::CloudWatch::Alarm"),
    "alarm on an expression": (alarm_on_an_expression, "AWS::CloudWatch::Alarm"),
    "schedule": (schedule, "AWS::Scheduler::Schedule"),
    "rule": (rule, "AWS::Events::Rule"),
    "scaling": (scaling, "AWS::ApplicationAutoScaling::ScalableTarget"),
    "function URL": (function_url, "AWS::Lambda::Url"),
    "subscription": (subscription, "AWS::SNS::Subscription"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_planted_at_the_function_is_seen(kind: str, app: App, stack: Stack) -> None:
    plant, resource = KINDS[kind]
    live = alias(stack)
    plant(stack, live.lambda_)
    found = Walk(synthesized(app, stack)).findings()
    assert resource in {finding.kind for finding in found}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_at_the_alias_is_right(kind: str, app: App, stack: Stack) -> None:
    plant, resource = KINDS[kind]
    plant(stack, alias(stack))
    template = synthesized(app, stack)
    assert resource in {each["Type"] for each in template["Resources"].values()}
    assert [str(finding) for finding in Walk(template).findings()] == []


def test_who_manages_an_alias_calls_nothing(app: App, stack: Stack) -> None:
    """CodeDeploy's role may update the alias, and for that names the function."""
    role = iam.Role(stack, "Role", assumed_by=iam.AccountRootPrincipal())
    live = alias(stack)
    for action in ("lambda:UpdateAlias", "lambda:GetAlias"):
        role.add_to_policy(
            iam.PolicyStatement(actions=[action], resources=[live.lambda_.function_arn, live.function_arn])
        )
    assert Walk(synthesized(app, stack)).findings() == []


@pytest.mark.parametrize("action", ["lambda:InvokeFunction", "lambda:Invoke*", "lambda:*", "*"])
def test_who_may_do_all_may_call(action: str, app: App, stack: Stack) -> None:
    role = iam.Role(stack, "Role", assumed_by=iam.AccountRootPrincipal())
    arn = alias(stack).lambda_.function_arn
    role.add_to_policy(iam.PolicyStatement(actions=["lambda:GetAlias", action], resources=[arn]))
    (found,) = Walk(synthesized(app, stack)).findings()
    assert found.kind == "AWS::IAM::Policy"


def test_latest_by_name_is_past_the_alias_too(app: App, stack: Stack) -> None:
    live = alias(stack)
    lambda_.CfnPermission(
        stack,
        "Latest",
        action="lambda:InvokeFunction",
        principal="sns.amazonaws.com",
        function_name=f"{live.lambda_.function_arn}:$LATEST",
    )
    (found,) = Walk(synthesized(app, stack)).findings()
    assert found.place == "Latest.FunctionName"


def test_a_function_without_an_alias_is_called_as_it_is(app: App, stack: Stack) -> None:
    alias(stack)
    permission(stack, function(stack, "Alone"))
    assert Walk(synthesized(app, stack)).findings() == []


def test_references_are_followed_and_texts_are_not() -> None:
    template = {
        "Resources": {
            "F": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "trips"}},
            "V": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "F"}}},
            "A": {
                "Type": "AWS::Lambda::Alias",
                "Properties": {"FunctionName": {"Fn::GetAtt": ["F", "Arn"]}, "Name": "live"},
            },
            "Wrong": {"Type": "X", "Properties": {"Uri": {"Fn::Sub": "path/${F.Arn}/invocations"}}},
            "Right": {
                "Type": "X",
                "Properties": {"Uri": {"Fn::Sub": ["${It}/invocations", {"It": {"Ref": "A"}}]}},
            },
            "Text": {"Type": "X", "Properties": {"Name": "trips"}},
        }
    }
    assert [finding.place for finding in Walk(template).findings()] == ["Wrong.Uri"]
