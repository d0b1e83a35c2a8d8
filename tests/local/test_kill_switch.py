"""The switch turns a function off, by the very parts that the construct deploys, and no event is lost over it.

With IAM enforced: what the roles of the switch may is what it takes.
Holds `cloudwatch/alarm_events.py`, `stepfunctions/function_concurrency.py`, `events/targets.py`.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aws_cdk import App, DefaultStackSynthesizer, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from constructs_lib import AsyncDestinations, KillSwitch
from constructs_lib.local import LocalCloud
from constructs_lib.runtime.redrive import redrive

from . import async_stacks, stacks

pytestmark = pytest.mark.cloud

INVOCATIONS_PER_MINUTE = 100


class Deployed(NamedTuple):
    """A function with a switch.

    Attributes:
        function: Its name.
        alarm: The runaway alarm's name.
        state_machine: The switch's ARN.
        failures: The URL of the failure queue.
    """

    function: str
    alarm: str
    state_machine: str
    failures: str


def deploy(
    cloud: LocalCloud, outdir: Path, name: str, *, armed: bool = True, code: str = "", without: str = ""
) -> Deployed:
    """Deploy what the constructs make.

    Args:
        cloud: Where.
        outdir: For the template.
        name: The stack's.
        armed: As for the switch.
        code: Put behind the handler.
        without: The role to take all permissions from.
    """
    app = App(outdir=str(outdir), analytics_reporting=False)
    stack = Stack(app, name, synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False))
    function = lambda_.Function(
        stack,
        "Function",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline(async_stacks.COUNTING.strip() + code),
    )
    results = AsyncDestinations(stack, "Results", function=function)
    switch = KillSwitch(
        stack, "Switch", function=function, invocations_per_minute=INVOCATIONS_PER_MINUTE, armed=armed
    )
    if without:
        role = switch.node.find_child(without).node.default_child
        assert isinstance(role, iam.CfnRole)
        role.policies = None
    app.synth()
    template = json.loads((outdir / f"{name}.template.json").read_text())
    ids = stacks.put(cloud, name, template["Resources"])

    def physical(part: Any) -> str:
        return ids[stack.get_logical_id(part.node.default_child)]

    return Deployed(
        function=physical(function),
        alarm=physical(switch.runaway_alarm),
        state_machine=physical(switch.state_machine),
        failures=physical(results.failure_queue),
    )


def reserved(cloud: LocalCloud, function: str) -> int | None:
    found = cloud.client("lambda").get_function_concurrency(FunctionName=function)
    return found.get("ReservedConcurrentExecutions")  # type: ignore[no-any-return]


def is_off(cloud: LocalCloud, function: str) -> bool:
    return reserved(cloud, function) == 0


def go_off(cloud: LocalCloud, alarm: str) -> None:
    """Set off an alarm, and wait for what comes of it."""
    cloud.client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="runaway")
    cloud.wait_until_idle()


def run_away(cloud: LocalCloud, function: str) -> None:
    """Leave the trace of more calls than were declared, in the last minutes, and wait for what comes of it."""
    now = datetime.now(UTC)
    cloud.client("cloudwatch").put_metric_data(
        Namespace="AWS/Lambda",
        MetricData=[
            {
                "MetricName": "Invocations",
                "Dimensions": [{"Name": "FunctionName", "Value": function}],
                "Timestamp": now - timedelta(minutes=back),
                "Value": INVOCATIONS_PER_MINUTE + 1,
            }
            for back in (0, 1, 2)  # a minute may end before the alarm is looked at
        ],
    )
    cloud.wait_until_idle()


def executions(cloud: LocalCloud, state_machine: str) -> list[str]:
    found = cloud.client("stepfunctions").list_executions(stateMachineArn=state_machine)["executions"]
    return [each["executionArn"] for each in found]


def test_armed_a_runaway_is_turned_off_and_its_events_are_kept_until_it_is_on_again(
    strict: LocalCloud, tmp_path: Path
) -> None:
    name, log = "armed", tmp_path / "log"
    made = deploy(strict, tmp_path / "first", name)
    assert reserved(strict, made.function) is None
    run_away(strict, "another")
    assert not is_off(strict, made.function)
    run_away(strict, made.function)
    assert is_off(strict, made.function)

    event = {"log": str(log), "failures": 0}
    async_stacks.invoke(strict, made.function, event)
    sqs = strict.client("sqs")

    def kept() -> int:
        attributes = sqs.get_queue_attributes(
            QueueUrl=made.failures, AttributeNames=["ApproximateNumberOfMessages"]
        )["Attributes"]
        return int(attributes["ApproximateNumberOfMessages"])

    strict.wait_until_idle()
    assert kept() == 1

    deploy(strict, tmp_path / "second", name, code="# fixed\n")
    assert is_off(strict, made.function), "a deployment does not turn it on again"
    assert not log.exists()

    functions = strict.client("lambda")
    functions.delete_function_concurrency(FunctionName=made.function)
    arn = functions.get_function(FunctionName=made.function)["Configuration"]["FunctionArn"]
    assert redrive(sqs, functions, queue_url=made.failures, function=arn) == {"redriven": 1, "kept": {}}
    strict.wait_until_idle()
    assert log.exists()
    assert kept() == 0


def test_disarmed_the_alarm_only_notifies_and_a_person_turns_it_off(
    strict: LocalCloud, tmp_path: Path
) -> None:
    made = deploy(strict, tmp_path, "disarmed", armed=False)
    go_off(strict, made.alarm)
    assert not executions(strict, made.state_machine)
    strict.client("stepfunctions").start_execution(stateMachineArn=made.state_machine)
    strict.wait_until_idle()
    assert is_off(strict, made.function)


def test_a_rule_starts_no_state_machine_that_its_role_may_not(strict: LocalCloud, tmp_path: Path) -> None:
    made = deploy(strict, tmp_path, "rule-may-not", without="RuleRole")
    go_off(strict, made.alarm)
    assert not executions(strict, made.state_machine)


def test_a_state_machine_reserves_nothing_that_its_role_may_not(strict: LocalCloud, tmp_path: Path) -> None:
    made = deploy(strict, tmp_path, "switch-may-not", without="Role")
    # As it is deployed the state is tried again for a minute.
    definition = json.loads(
        strict.client("stepfunctions").describe_state_machine(stateMachineArn=made.state_machine)[
            "definition"
        ]
    )
    del definition["States"]["TurnOff"]["Retry"]
    machines = strict.client("stepfunctions")
    machines.update_state_machine(stateMachineArn=made.state_machine, definition=json.dumps(definition))
    execution = machines.start_execution(stateMachineArn=made.state_machine)["executionArn"]
    strict.wait_until_idle()
    ended = machines.describe_execution(executionArn=execution)
    assert (ended["status"], ended["error"]) == ("FAILED", "Lambda.AccessDeniedException")
    assert reserved(strict, made.function) is None


def test_a_change_of_an_alarms_state_is_an_event_on_the_default_bus(cloud: LocalCloud) -> None:
    alarm = {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": "told",
            "AlarmDescription": "Too much",
            "MetricName": "Invocations",
            "Namespace": "AWS/Lambda",
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "ignore",  # there are none, so nobody but the test changes its state
        },
    }
    rule = {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventPattern": {
                "source": ["aws.cloudwatch"],
                "detail-type": ["CloudWatch Alarm State Change"],
                "resources": [async_stacks.get("Alarm")],
            },
            "Targets": [{"Id": "seen", "Arn": async_stacks.get("Seen")}],
        },
    }
    resources = {"Alarm": alarm, "Seen": {"Type": "AWS::SQS::Queue"}, "Rule": rule}
    ids = stacks.put(cloud, "alarm-events", resources)
    go_off(cloud, "told")
    [message] = async_stacks.messages(cloud, ids["Seen"])
    event = json.loads(message["Body"])
    assert event["resources"] == ["arn:aws:cloudwatch:us-east-1:000000000000:alarm:told"]
    detail = event["detail"]
    assert detail["alarmName"] == "told"
    assert detail["configuration"]["description"] == "Too much"
    assert detail["previousState"]["value"] in ("OK", "INSUFFICIENT_DATA")
    assert (detail["state"]["value"], detail["state"]["reason"]) == ("ALARM", "runaway")
    go_off(cloud, "told")
    assert async_stacks.messages(cloud, ids["Seen"]) == [], "its state did not change"
