"""Drive the sample app's nightly settlement: one night that Fargate has no capacity, one that the job fails at.

The state machine runs to its end. No container runs on this machine: the step that starts one stands for itself in the
template only. What the container was to get is read back from ECS, and the job's own code is run with it, as a process
of this machine.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from constructs_lib.local import LocalCloud
from sample_app.demo.alarm_notices import AlarmNotices
from sample_app.demo.drive import Outputs, depth

NIGHTS: Final = ("2026-11-27T02:00:00Z", "2026-11-28T02:00:00Z")
"""What the schedule passes: two nights, each of which settles the day before."""
NO_CAPACITY, BAD = NIGHTS
DAYS: Final = ("2026-11-26", "2026-11-27")
ATTEMPTS: Final = 3
"""Of the job in one execution: the first, and two retries."""
SUMS: Final = {"driver-1": 1250, "driver-2": 800}
_FARES: Final = (("driver-1", 1000), ("driver-1", 250), ("driver-2", 800))
_CODE: Final = Path(__file__).parents[1] / "jobs" / "settle_day" / "settle.py"

Tell = Callable[[str], None]


@dataclass(frozen=True)
class SettlementOutcome:
    """What came of the settlement.

    Attributes:
        first: How the executions ended, by their night.
        errors: The errors of all attempts.
        dead: The input and the error of each message in the dead-letter queue.
        alarms: The metrics of the alarms that notified their topic.
        redriven: How the execution that had failed ended after its redrive.
        tasks: How many containers ECS was asked for, by night, without those that it refused.
        settled: The sums of each day.
        again: How many sums changed when everything was settled once more.
    """

    first: dict[str, str]
    errors: Counter[str]
    dead: list[tuple[str, str]]
    alarms: frozenset[str]
    redriven: str
    tasks: Counter[str]
    settled: dict[str, dict[str, int]]
    again: int


def rehearse(cloud: LocalCloud, outputs: Outputs, tell: Tell) -> SettlementOutcome:
    """Start the job for two nights, let both meet a failure, and redrive the one that has failed.

    Args:
        cloud: With the sample app deployed.
        outputs: Of the sample app.
        tell: Is told how far it is.

    Returns:
        Everything that is judged.
    """
    site = _Site(cloud, outputs)
    tell("settling two nights, both with a failure")
    site.put_fares()
    site.fail(NO_CAPACITY, "ServerException", times=1)
    site.fail(BAD, "States.TaskFailed", times=ATTEMPTS)
    executions = {night: site.start(night) for night in NIGHTS}
    cloud.wait_until_idle()
    first = {night: site.status(execution) for night, execution in executions.items()}
    dead, alarms = site.dead(), site.notices.metrics()

    tell("redriving the night that has failed")
    for execution, _, _ in dead:
        site.redrive(execution)
    cloud.wait_until_idle()
    redriven = site.status(executions[BAD])
    tell("running the job's own code")
    environments = site.environments()
    for environment in environments:
        site.run(environment)
    settled = site.settled()
    for environment in environments:
        site.run(environment)
    return SettlementOutcome(
        first=first,
        errors=sum((site.errors(execution) for execution in executions.values()), Counter()),
        dead=[(job_input["time"], error) for _, job_input, error in dead],
        alarms=alarms,
        redriven=redriven,
        tasks=Counter(json.loads(environment["JOB_INPUT"])["time"] for environment in environments),
        settled=settled,
        again=sum(site.settled()[day] != sums for day, sums in settled.items()),
    )


def differences(outcome: SettlementOutcome) -> list[str]:
    """Everything that is not as it must be.

    Args:
        outcome: What was read back.

    Returns:
        One line for each difference; none if all is well.
    """
    return [
        f"{what} must be {must}, is {is_}"
        for what, is_, must in (
            ("executions", outcome.first, {NO_CAPACITY: "SUCCEEDED", BAD: "FAILED"}),
            ("errors", outcome.errors, Counter({"ECS.ServerException": 1, "States.TaskFailed": ATTEMPTS})),
            ("dead letters", outcome.dead, [(BAD, "States.TaskFailed")]),
            ("alarms", outcome.alarms, frozenset({"ApproximateNumberOfMessagesVisible"})),
            ("the redriven execution", outcome.redriven, "SUCCEEDED"),
            ("containers asked for", outcome.tasks, Counter(NIGHTS)),
            ("settlements", outcome.settled, dict.fromkeys(DAYS, SUMS)),
            ("settlements that changed the second time", outcome.again, 0),
        )
        if is_ != must
    ]


class _Site:
    """The deployed stack, and a listener on the topic of its alarms."""

    def __init__(self, cloud: LocalCloud, outputs: Outputs) -> None:
        self._cloud = cloud
        self._outputs = outputs
        self._states, self._sqs = cloud.client("stepfunctions"), cloud.client("sqs")
        self._dynamodb, self._ecs = cloud.client("dynamodb"), cloud.client("ecs")
        self.notices: Final = AlarmNotices(cloud, outputs["AlarmTopic"], stack="Settlement")

    def put_fares(self) -> None:
        """Store the trips of two days."""
        for day in DAYS:
            for number, (driver_id, cents) in enumerate(_FARES):
                item = {"day": {"S": day}, "trip_id": {"S": f"trip-{number}"}, "driver_id": {"S": driver_id}}
                item["cents"] = {"N": str(cents)}
                self._dynamodb.put_item(TableName=self._outputs["FaresTable"], Item=item)

    def fail(self, night: str, error: str, *, times: int) -> None:
        """Let the step fail that runs the container of a night."""
        self._cloud.inject_fault(
            service="ecs", operation="RunTask", containing=night, error_code=error, times=times
        )

    def start(self, night: str) -> str:
        """What the schedule does."""
        execution: str = self._states.start_execution(
            stateMachineArn=self._outputs["SettlementArn"], input=json.dumps({"time": night})
        )["executionArn"]
        return execution

    def status(self, execution: str) -> str:
        """How an execution ended."""
        return str(self._states.describe_execution(executionArn=execution)["status"])

    def errors(self, execution: str) -> Counter[str]:
        """The errors of all attempts of an execution."""
        events = self._states.get_execution_history(executionArn=execution)["events"]
        return Counter(
            event["taskFailedEventDetails"]["error"] for event in events if event["type"] == "TaskFailed"
        )

    def redrive(self, execution: str) -> None:
        """What a person does once the fault is repaired."""
        self._states.redrive_execution(executionArn=execution)

    def dead(self) -> list[tuple[str, Any, str]]:
        """The execution, the input and the error of each message in the dead-letter queue."""
        url = self._outputs["SettlementFailuresUrl"]
        assert depth(self._sqs, url) <= 10  # noqa: S101 - as many as one call takes
        messages = self._sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        found = [json.loads(message["Body"]) for message in messages]
        return [(each["execution_arn"], each["input"], each["error"]["Error"]) for each in found]

    def environments(self) -> list[dict[str, str]]:
        """What each container would have got, from the task definition and from the state machine."""
        cluster = self._outputs["SettlementCluster"]
        arns = self._ecs.list_tasks(cluster=cluster, desiredStatus="STOPPED")["taskArns"]
        environments = []
        for task in self._ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]:
            defined = self._ecs.describe_task_definition(taskDefinition=task["taskDefinitionArn"])
            (container,) = defined["taskDefinition"]["containerDefinitions"]
            (override,) = task["overrides"]["containerOverrides"]
            both = [*container["environment"], *override["environment"]]
            environments.append({each["name"]: each["value"] for each in both})
        return environments

    def run(self, environment: dict[str, str]) -> None:
        """Run the code of the job, which the container would run."""
        subprocess.run(
            [sys.executable, str(_CODE)],
            env=dict(os.environ) | self._cloud.environment | environment,
            check=True,
            capture_output=True,
        )

    def settled(self) -> dict[str, dict[str, int]]:
        """The sums of each day, by driver."""
        items = self._dynamodb.scan(TableName=self._outputs["SettlementsTable"], ConsistentRead=True)["Items"]
        settled: dict[str, dict[str, int]] = {}
        for item in items:
            settled.setdefault(item["day"]["S"], {})[item["driver_id"]["S"]] = int(item["cents"]["N"])
        return settled
