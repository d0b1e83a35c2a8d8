"""How feature flags reach a function, and what takes a change of them back."""

import json
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack, Stage
from aws_cdk import aws_lambda as lambda_

from constructs_lib import AlarmSettings, FeatureFlags, InvalidPropsError, LiveAlias
from tests.gallery.feature_flags import alarm
from tests.gallery.parts import live
from tests.gallery.plain_function import function
from tests.template import logical_id, properties, statements, template, the

HOME = Environment(account="1" * 12, region="us-east-1")


@pytest.fixture
def stack() -> Stack:
    return Stack(App(analytics_reporting=False), "Stack", env=HOME)


def flags_of(stack: Stack, construct_id: str = "Flags", **more: Any) -> FeatureFlags:
    given = {"flags": {"express": False}, "rollback_alarms": [alarm(stack, f"{construct_id}Alarm")]} | more
    return FeatureFlags(stack, construct_id, **given)


def test_the_flags_are_a_version_that_is_deployed(stack: Stack) -> None:
    flags = flags_of(stack, flags={"express": False, "newCheckout": True})
    version = the(stack, "AWS::AppConfig::HostedConfigurationVersion")
    assert json.loads(version["Content"]) == {
        "version": "1",
        "flags": {"express": {"name": "express"}, "newCheckout": {"name": "newCheckout"}},
        "values": {"express": {"enabled": False}, "newCheckout": {"enabled": True}},
    }
    assert stack.resolve(flags.profile.type) == "AWS.AppConfig.FeatureFlags"
    deployment = the(stack, "AWS::AppConfig::Deployment")
    assert deployment["DeploymentStrategyId"] == "AppConfig.Canary10Percent20Minutes"
    assert set(deployment) == {
        "ApplicationId", "EnvironmentId", "ConfigurationProfileId", "ConfigurationVersion", "DeploymentStrategyId",
    }  # fmt: skip


def test_a_version_goes_with_its_profile(stack: Stack) -> None:
    """AppConfig deletes no profile that has versions, so that the stack could not be deleted."""
    flags_of(stack)
    (version,) = (
        each
        for each in template(stack)["Resources"].values()
        if each["Type"] == "AWS::AppConfig::HostedConfigurationVersion"
    )
    assert not {"DeletionPolicy", "UpdateReplacePolicy"} & set(version)


def test_an_alarm_takes_a_change_back(stack: Stack) -> None:
    errors = LiveAlias(stack, "Live", function=function(stack)).errors_alarm
    flags = flags_of(stack, rollback_alarms=[errors])
    (monitor,) = the(stack, "AWS::AppConfig::Environment")["Monitors"]
    assert monitor == {
        "AlarmArn": {"Fn::GetAtt": [logical_id(errors), "Arn"]},
        "AlarmRoleArn": {"Fn::GetAtt": [logical_id(flags.alarm_role), "Arn"]},
    }
    (statement,) = statements(flags.alarm_role)
    assert statement["Action"] == "cloudwatch:DescribeAlarms"
    trust = properties(flags.alarm_role)["AssumeRolePolicyDocument"]["Statement"]
    assert [each["Principal"] for each in trust] == [{"Service": "appconfig.amazonaws.com"}]


@pytest.mark.parametrize("by_alias", [True, False])
def test_a_function_may_read_these_flags_alone(stack: Stack, by_alias: bool) -> None:
    flags, charge = flags_of(stack), function(stack, "Charge")
    flags.connect(live(charge) if by_alias else charge)
    place = [stack.resolve(each.ref) for each in (flags.application, flags.profile)]
    ((_, parts),) = properties(charge)["Environment"]["Variables"]["FEATURE_FLAGS"].items()
    assert parts == ["", [place[0], "/live/", place[1]]]
    (found,) = (
        each for each in statements(charge.role) if "appconfig:GetLatestConfiguration" in each["Action"]
    )
    assert set(found["Action"]) == {"appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"}
    assert found["Resource"]["Fn::Join"][1][2:] == [
        f":appconfig:us-east-1:{HOME.account}:application/",
        place[0],
        "/environment/*/configuration/",
        place[1],
    ]


def test_the_alarms_may_be_those_of_the_function(stack: Stack) -> None:
    """The flags refer to the alarms, these to the function, and the function to the flags: without a cycle."""
    charge = function(stack, "Charge")
    flags = flags_of(stack, rollback_alarms=[LiveAlias(stack, "Live", function=charge).errors_alarm])
    flags.connect(charge)
    assert "FEATURE_FLAGS" in properties(charge)["Environment"]["Variables"]  # Template refuses a cycle


def test_a_function_of_another_stack_is_connected_without_a_cycle(stack: Stack) -> None:
    app = Stage.of(stack)
    flags_of(stack).connect(function(Stack(app, "There", env=HOME), "Charge"))
    assert app is not None
    app.synth()


def test_a_function_with_one_of_the_alarms_is_in_the_stack_of_the_flags(stack: Stack) -> None:
    """The flags refer to the alarm, and the function to the flags: each stack would need the other first."""
    there = Stack(Stage.of(stack), "There", env=HOME)
    charge = function(there, "Charge")
    theirs = LiveAlias(there, "Live", function=charge).errors_alarm
    flags = FeatureFlags(stack, "Flags", flags={"express": False}, rollback_alarms=[theirs])
    with pytest.raises(
        InvalidPropsError, match=r"which Stack/Flags uses as rollback_alarms\[0\], so each of the"
    ):
        flags.connect(charge)
    assert properties(charge).get("Environment") is None


def test_an_alarm_that_is_left_out_takes_nothing_back(stack: Stack) -> None:
    AlarmSettings.of(stack).leave_out()
    errors = LiveAlias(stack, "Live", function=function(stack)).latency_alarm
    assert errors is not None
    with pytest.raises(InvalidPropsError, match="which AlarmSettings leaves out"):
        flags_of(stack, rollback_alarms=[errors])


def imported(stack: Stack) -> Any:
    return lambda_.Function.from_function_name(stack, "Theirs", "theirs")


def of_another_region(stack: Stack) -> Any:
    there = Stack(Stage.of(stack), "There", env=Environment(account="1" * 12, region="eu-west-1"))
    return function(there, "Charge")


REFUSED: dict[str, tuple[Any, dict[str, str], str]] = {
    "imported": (imported, {}, "function Stack/Theirs is imported"),
    "a version": (lambda stack: function(stack).current_version, {}, "is a version, and the environment"),
    "elsewhere": (of_another_region, {}, "function must be in Region us-east-1"),
    "not a function": (lambda stack: "charge", {}, "function must be a function, version or alias"),
    "a variable of Lambda": (function, {"variable": "AWS_REGION"}, "which Lambda sets itself"),
    "no name of a variable": (function, {"variable": "1ST"}, "variable must be two or more letters"),
    "a variable that is taken": (
        lambda stack: function(stack, environment={"FEATURE_FLAGS": "mine"}),
        {},
        "variable must be a name that is free, got 'FEATURE_FLAGS', which function Stack/Function has already",
    ),
}


@pytest.mark.parametrize(("make", "more", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_connected(stack: Stack, make: Any, more: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidPropsError, match=message):
        flags_of(stack).connect(make(stack), **more)


def test_a_function_is_connected_once(stack: Stack) -> None:
    flags, charge = flags_of(stack), function(stack, "Charge")
    flags.connect(charge)
    with pytest.raises(InvalidPropsError, match="is connected to Stack/Flags already"):
        flags.connect(live(charge), variable="OTHER")
    flags_of(stack, "More").connect(charge, variable="MORE_FLAGS")
    assert set(properties(charge)["Environment"]["Variables"]) == {"FEATURE_FLAGS", "MORE_FLAGS"}
