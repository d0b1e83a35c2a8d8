"""A long job on the local cloud: it runs to its end, its failure is kept, and a redrive runs it again.

Holds `stepfunctions/fargate_tasks.py`, `stepfunctions/redrive.py` and `stepfunctions/current_execution.py`. No
container runs: see the first of them.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aws_cdk import App, DefaultStackSynthesizer, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs

from constructs_lib import LongJob
from constructs_lib.local import LocalCloud

from . import stacks

pytestmark = pytest.mark.cloud

DAY = {"day": "2026-11-27"}


class Deployed(NamedTuple):
    """A job.

    Attributes:
        state_machine: Its ARN.
        failures: The URL of its dead-letter queue.
        cluster: The name of its cluster.
        alarm: The name of the alarm on dead letters.
    """

    state_machine: str
    failures: str
    cluster: str
    alarm: str


@pytest.fixture(scope="module")
def job(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    outdir: Path = tmp_path_factory.mktemp("job")
    app = App(outdir=str(outdir), analytics_reporting=False)
    stack = Stack(app, "LongJob", synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False))
    vpc = ec2.Vpc(
        stack,
        "Vpc",
        max_azs=1,
        nat_gateways=0,
        subnet_configuration=[
            ec2.SubnetConfiguration(name="In", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        ],
        restrict_default_security_group=False,
    )
    made = LongJob(
        stack,
        "Job",
        vpc=vpc,
        image=ecs.ContainerImage.from_registry("any"),
        timeout=Duration.hours(2),
        retry_on=["States.HeartbeatTimeout"],
    )
    app.synth()
    ids = stacks.put(
        cloud, "LongJob", json.loads((outdir / "LongJob.template.json").read_text())["Resources"]
    )

    def physical(part: Any) -> str:
        return ids[stack.get_logical_id(part.node.default_child)]

    assert made.dead_letter_alarm is not None
    return Deployed(
        state_machine=physical(made.state_machine),
        failures=physical(made.dead_letter_queue),
        cluster=physical(made.cluster),
        alarm=physical(made.dead_letter_alarm),
    )


def start(cloud: LocalCloud, job: Deployed, job_input: object) -> str:
    """Run an execution to its end."""
    execution: str = cloud.client("stepfunctions").start_execution(
        stateMachineArn=job.state_machine, input=json.dumps(job_input)
    )["executionArn"]
    cloud.wait_until_idle()
    return execution


def fail(cloud: LocalCloud, error: str, *, times: int, containing: str) -> None:
    cloud.inject_fault(
        service="ecs", operation="RunTask", containing=containing, error_code=error, times=times
    )


def status(cloud: LocalCloud, execution: str) -> tuple[str, str | None]:
    found = cloud.client("stepfunctions").describe_execution(executionArn=execution)
    return found["status"], found.get("error")


def errors(cloud: LocalCloud, execution: str) -> list[str]:
    events = cloud.client("stepfunctions").get_execution_history(executionArn=execution)["events"]
    return [event["taskFailedEventDetails"]["error"] for event in events if event["type"] == "TaskFailed"]


def kept(cloud: LocalCloud, job: Deployed) -> list[dict[str, Any]]:
    """Take the failures out of the queue."""
    sqs = cloud.client("sqs")
    found = []
    for message in sqs.receive_message(QueueUrl=job.failures, MaxNumberOfMessages=10).get("Messages", []):
        found.append(json.loads(message["Body"]))
        sqs.delete_message(QueueUrl=job.failures, ReceiptHandle=message["ReceiptHandle"])
    return found


def test_the_task_gets_the_input_and_the_execution(cloud: LocalCloud, job: Deployed) -> None:
    execution = start(cloud, job, DAY)
    assert status(cloud, execution) == ("SUCCEEDED", None)
    ecs_ = cloud.client("ecs")
    arns = ecs_.list_tasks(cluster=job.cluster, desiredStatus="STOPPED")["taskArns"]
    given = [
        {each["name"]: each["value"] for each in task["overrides"]["containerOverrides"][0]["environment"]}
        for task in ecs_.describe_tasks(cluster=job.cluster, tasks=arns)["tasks"]
    ]
    (environment,) = [each for each in given if each["JOB_EXECUTION_ARN"] == execution]
    assert json.loads(environment["JOB_INPUT"]) == DAY
    assert kept(cloud, job) == []


def test_what_has_not_started_is_tried_again(cloud: LocalCloud, job: Deployed) -> None:
    fail(cloud, "ServerException", times=2, containing="no-capacity")
    execution = start(cloud, job, {"day": "no-capacity"})
    assert status(cloud, execution) == ("SUCCEEDED", None)
    assert errors(cloud, execution) == ["ECS.ServerException"] * 2
    assert kept(cloud, job) == []


def test_a_job_that_fails_is_kept_and_a_redrive_runs_it_again(cloud: LocalCloud, job: Deployed) -> None:
    fail(cloud, "States.TaskFailed", times=2, containing="bad-day")
    execution = start(cloud, job, {"day": "bad-day"})
    assert status(cloud, execution) == ("FAILED", "States.NoChoiceMatched")
    assert errors(cloud, execution) == ["States.TaskFailed"]  # once: it may have done a part of its work
    (alarm,) = cloud.client("cloudwatch").describe_alarms(AlarmNames=[job.alarm])["MetricAlarms"]
    assert alarm["StateValue"] == "ALARM"
    (failure,) = kept(cloud, job)
    assert failure == {
        "execution_arn": execution,
        "input": {"day": "bad-day"},
        "error": {"Error": "States.TaskFailed", "Cause": "Injected by the local cloud."},
    }

    for redrives, expected in ((1, "FAILED"), (2, "SUCCEEDED")):  # the fault was repaired before the second
        cloud.client("stepfunctions").redrive_execution(executionArn=failure["execution_arn"])
        cloud.wait_until_idle()
        assert status(cloud, execution)[0] == expected, redrives
    (again,) = kept(cloud, job)
    assert again == failure


def test_an_execution_that_has_succeeded_is_not_redriven(cloud: LocalCloud, job: Deployed) -> None:
    execution = start(cloud, job, DAY)
    client = cloud.client("stepfunctions")
    with pytest.raises(client.exceptions.ExecutionNotRedrivable):
        client.redrive_execution(executionArn=execution)
    with pytest.raises(client.exceptions.ExecutionDoesNotExist):
        client.redrive_execution(executionArn=f"{execution}-other")


def test_an_input_that_is_too_large_for_ecs_is_kept(cloud: LocalCloud, job: Deployed) -> None:
    large = {"day": "x" * 9000}
    execution = start(cloud, job, large)
    assert status(cloud, execution)[0] == "FAILED"
    (failure,) = kept(cloud, job)
    assert (failure["input"], failure["error"]["Error"]) == (large, "ECS.InvalidParameterException")
