"""Drive the sample app's disputes: one sent twice, one whose function is killed, one that cannot be settled.

Every figure is read back from the table, the executions' own API, the queues and the alarms' topic; nothing is taken
from what a handler says of itself.
"""

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from constructs_lib.local import LocalCloud
from sample_app.demo.alarm_notices import AlarmNotices
from sample_app.demo.drive import Outputs, depth

DISPUTES: Final = 3
REFUND: Final = "4.00"
TWICE: Final = "dispute-1"
"""The message of this one is sent twice."""
KILLED: Final = "dispute-2"
"""The function's process is killed in the middle of this one's refund."""
IMPOSSIBLE: Final = "dispute-3"
"""The driver agrees to more than the fare."""
_FARE: Final = "10.00"
_WENT_OFF: Final = frozenset({"DurableExecutionFailed", "ApproximateNumberOfMessagesVisible"})
_LOOK_EVERY_SECONDS: Final = 0.05

Tell = Callable[[str], None]


@dataclass(frozen=True)
class DisputesOutcome:
    """What came of the disputes.

    Attributes:
        sent: How many messages were sent.
        waiting: How many executions waited for the driver's answer, none of them running.
        killed: How many processes were killed in the middle of a refund.
        statuses: How many executions there were in the end, by status.
        opened: How often each dispute was stored: once, however often its function was invoked again.
        settled: How often each dispute was settled, with the refund.
        dead: The events in the dead-letter queue, with the error of each.
        left: Messages that are left in the queue of new disputes.
        alarms: The metrics of the alarms that notified their topic.
    """

    sent: int
    waiting: int
    killed: int
    statuses: Counter[str]
    opened: dict[str, int]
    settled: dict[str, tuple[int, str]]
    dead: list[tuple[str, str]]
    left: int
    alarms: frozenset[str]


def names(disputes: int = DISPUTES) -> list[str]:
    """The ids of the disputes."""
    return [f"dispute-{number}" for number in range(1, disputes + 1)]


def rehearse(cloud: LocalCloud, outputs: Outputs, tell: Tell) -> DisputesOutcome:
    """Send the disputes, answer for the drivers, kill the function in between.

    Args:
        cloud: With the sample app deployed.
        outputs: Of the sample app.
        tell: Is told how far it is.

    Returns:
        Everything that is judged.
    """
    site = _Site(cloud, outputs)
    tell("sending disputes, one of them twice")
    sent = [*names(), TWICE]
    site.send(sent)
    cloud.wait_until_idle()
    waiting = site.executions()["RUNNING"]

    tell("answering for the drivers, killing the function")
    site.hold(KILLED)
    for dispute_id in names():
        site.answer(dispute_id, "40.00" if dispute_id == IMPOSSIBLE else REFUND)
    while not cloud.faults()[-1]["hits"]:
        time.sleep(_LOOK_EVERY_SECONDS)
    killed = cloud.kill(outputs["SettleDisputeName"])
    while site.executions()["RUNNING"]:
        time.sleep(_LOOK_EVERY_SECONDS)
    cloud.wait_until_idle()
    rows = site.rows()
    return DisputesOutcome(
        sent=len(sent),
        waiting=waiting,
        killed=killed,
        statuses=site.executions(),
        opened={dispute_id: int(row["opened"]["N"]) for dispute_id, row in rows.items()},
        settled={
            dispute_id: (int(row["settled"]["N"]), row["refund"]["S"])
            for dispute_id, row in rows.items()
            if "settled" in row
        },
        dead=site.dead(),
        left=site.left(),
        alarms=site.notices.metrics(),
    )


def differences(outcome: DisputesOutcome) -> list[str]:
    """Everything that is not as it must be.

    Args:
        outcome: What was read back.

    Returns:
        One line for each difference; none if all is well.
    """
    good = [dispute_id for dispute_id in names() if dispute_id != IMPOSSIBLE]
    return [
        f"{what} must be {must}, is {is_}"
        for what, is_, must in (
            ("messages sent", outcome.sent, DISPUTES + 1),
            ("executions that wait for the driver", outcome.waiting, DISPUTES),
            ("executions", outcome.statuses, Counter(SUCCEEDED=DISPUTES - 1, FAILED=1)),
            ("disputes opened, each once", outcome.opened, dict.fromkeys(names(), 1)),
            ("disputes settled, each once", outcome.settled, dict.fromkeys(good, (1, REFUND))),
            ("dead letters", outcome.dead, [(IMPOSSIBLE, "a refund of 40.00 for a fare of 10.00")]),
            ("messages left in the queue", outcome.left, 0),
            ("alarms", outcome.alarms, _WENT_OFF),
        )
        if is_ != must
    ] + ([] if outcome.killed else ["no process of the function was killed"])


class _Site:
    """The deployed stack, and a listener on the topic of its alarms."""

    def __init__(self, cloud: LocalCloud, outputs: Outputs) -> None:
        self._cloud = cloud
        self._outputs = outputs
        self._sqs, self._lambda = cloud.client("sqs"), cloud.client("lambda")
        self._dynamodb = cloud.client("dynamodb")
        self.notices: Final = AlarmNotices(cloud, outputs["AlarmTopic"], stack="Disputes")

    def send(self, dispute_ids: list[str]) -> None:
        """Put messages on the queue, one for each id."""
        for dispute_id in dispute_ids:
            body = json.dumps({"dispute_id": dispute_id, "fare": _FARE})
            self._sqs.send_message(QueueUrl=self._outputs["NewDisputesUrl"], MessageBody=body)

    def hold(self, dispute_id: str) -> None:
        """Let DynamoDB answer the refund of a dispute so late that the function can be killed while it waits."""
        self._cloud.inject_fault(
            service="dynamodb",
            operation="UpdateItem",
            containing=f'"{dispute_id}"}}}}, "UpdateExpression": "SET refund',
            error_code="InternalServerError",
            times=1,
            delay_seconds=60,
        )

    def answer(self, dispute_id: str, refund: str) -> None:
        """What the app of the driver does with the id that it got."""
        self._lambda.send_durable_execution_callback_success(
            CallbackId=self.rows()[dispute_id]["callback_id"]["S"],
            Result=json.dumps({"refund": refund}).encode(),
        )

    def executions(self) -> Counter[str]:
        """How many there are, by status."""
        found = self._lambda.list_durable_executions_by_function(
            FunctionName=self._outputs["SettleDisputeName"], Qualifier="1"
        )
        return Counter(execution["Status"] for execution in found["DurableExecutions"])

    def rows(self) -> dict[str, Any]:
        """What the table has, by dispute."""
        items = self._dynamodb.scan(TableName=self._outputs["DisputesTable"], ConsistentRead=True)["Items"]
        return {item["dispute_id"]["S"]: item for item in items}

    def dead(self) -> list[tuple[str, str]]:
        """The disputes in the dead-letter queue, with their errors."""
        messages = self._sqs.receive_message(
            QueueUrl=self._outputs["DisputeDeadLettersUrl"],
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            VisibilityTimeout=0,
        ).get("Messages", [])
        return [
            (
                json.loads(message["Body"])["dispute_id"],
                message["MessageAttributes"]["ErrorMessage"]["StringValue"],
            )
            for message in messages
        ]

    def left(self) -> int:
        """Messages in the queue of new disputes."""
        return depth(self._sqs, self._outputs["NewDisputesUrl"])
