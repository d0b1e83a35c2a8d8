"""The promises of KillSwitch, one test each; none rests on a snapshot."""

import json

import pytest
from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns

from constructs_lib import InvalidPropsError, KillSwitch
from tests.gallery.parts import live
from tests.gallery.plain_function import function
from tests.template import granted, logical_id, of_type, properties


def test_the_alarm_does_not_pull_it_unless_armed(stack: Stack) -> None:
    worker = function(stack)
    off = KillSwitch(stack, "Off", function=worker, invocations_per_minute=100)
    on = KillSwitch(stack, "On", function=worker, invocations_per_minute=100, armed=True)
    assert properties(off.rule)["State"] == "DISABLED"
    assert properties(on.rule)["State"] == "ENABLED"


def test_too_many_invocations_of_the_whole_function_alarm(stack: Stack) -> None:
    worker = function(stack)
    switch = KillSwitch(stack, "Switch", function=live(worker), invocations_per_minute=600)
    alarm = properties(switch.runaway_alarm)
    assert (alarm["MetricName"], alarm["Statistic"], alarm["Period"]) == ("Invocations", "Sum", 60)
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": logical_id(worker)}}]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (600, "GreaterThanThreshold")


def test_the_alarm_starts_the_state_machine(stack: Stack) -> None:
    switch = KillSwitch(stack, "Switch", function=function(stack), invocations_per_minute=600)
    rule = properties(switch.rule)
    assert rule["EventPattern"] == {
        "source": ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change"],
        "resources": [{"Fn::GetAtt": [logical_id(switch.runaway_alarm), "Arn"]}],
        "detail": {"state": {"value": ["ALARM"]}},
    }
    (target,) = rule["Targets"]
    machine = {"Ref": logical_id(switch.state_machine)}
    assert target["Arn"] == machine
    (role,) = [
        role
        for role in of_type(stack, "AWS::IAM::Role").items()
        if target["RoleArn"] == {"Fn::GetAtt": [role[0], "Arn"]}
    ]
    (policy,) = role[1]["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("states:StartExecution", machine)


def test_the_state_machine_sets_reserved_concurrency_to_0(stack: Stack) -> None:
    worker = function(stack)
    switch = KillSwitch(stack, "Switch", function=live(worker), invocations_per_minute=600)
    joined = properties(switch.state_machine)["DefinitionString"]["Fn::Join"][1]
    definition = json.loads("".join(part if isinstance(part, str) else str(part["Ref"]) for part in joined))
    (step,) = definition["States"].values()
    assert step["Resource"].endswith(":states:::aws-sdk:lambda:putFunctionConcurrency")
    assert step["Parameters"] == {"FunctionName": logical_id(worker), "ReservedConcurrentExecutions": 0}


def test_the_state_machine_may_turn_this_function_off_and_nothing_else(stack: Stack) -> None:
    worker = function(stack)
    switch = KillSwitch(stack, "Switch", function=worker, invocations_per_minute=600)
    arn = {"Fn::GetAtt": [logical_id(worker), "Arn"]}
    assert granted(switch.role, arn) == {"lambda:PutFunctionConcurrency"}
    assert len(properties(switch.role)["Policies"]) == 1


@pytest.mark.parametrize("alarm", ["runaway_alarm", "failed_alarm"])
def test_every_alarm_notifies_its_topic(stack: Stack, alarm: str) -> None:
    mine = sns.Topic(stack, "Mine")
    switch = KillSwitch(
        stack, "Switch", function=function(stack), invocations_per_minute=600, alarm_topic=mine
    )
    assert properties(getattr(switch, alarm))["AlarmActions"] == [{"Ref": logical_id(mine)}]


def test_a_switch_that_was_not_pulled_or_failed_alarms(stack: Stack) -> None:
    switch = KillSwitch(stack, "Switch", function=function(stack), invocations_per_minute=600)
    alarm = properties(switch.failed_alarm)
    watched = {
        metric["MetricStat"]["Metric"]["MetricName"] for metric in alarm["Metrics"] if "MetricStat" in metric
    }
    assert watched == {"ExecutionsFailed", "FailedInvocations"}
    (expression,) = [metric for metric in alarm["Metrics"] if "Expression" in metric]
    assert expression["Expression"] == "FILL(failed, 0) + FILL(not_started, 0)"
    assert (alarm["Threshold"], alarm["DatapointsToAlarm"]) == (0, 1)
    assert alarm["EvaluationPeriods"] == 5, "FILL makes a late minute 0"


def test_a_switch_of_an_imported_alias_may_turn_its_function_off(stack: Stack) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:theirs"
    theirs = lambda_.Function.from_function_arn(stack, "Theirs", f"{arn}:live")
    switch = KillSwitch(stack, "Switch", function=theirs, invocations_per_minute=600)
    assert granted(switch.role, arn) == {"lambda:PutFunctionConcurrency"}


def test_an_alias_that_is_scaled_has_provisioned_concurrency(stack: Stack) -> None:
    called = live(stack)
    called.add_auto_scaling(min_capacity=2, max_capacity=10)
    with pytest.raises(InvalidPropsError, match="function Stack/Live has provisioned concurrency"):
        KillSwitch(stack, "Switch", function=called, invocations_per_minute=600)


def test_the_alarm_pulls_it_at_once_or_never(stack: Stack) -> None:
    switch = KillSwitch(stack, "Switch", function=function(stack), invocations_per_minute=600)
    (target,) = properties(switch.rule)["Targets"]
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 300, "MaximumRetryAttempts": 185}


def test_provisioned_concurrency_is_refused(stack: Stack) -> None:
    called = lambda_.Alias(
        stack,
        "Live",
        alias_name="live",
        version=function(stack).current_version,
        provisioned_concurrent_executions=5,
    )
    with pytest.raises(InvalidPropsError, match="has provisioned concurrency"):
        KillSwitch(stack, "Switch", function=called, invocations_per_minute=600)
    assert stack.node.try_find_child("Switch") is None
