"""Drive the sample app's receipts: finished trips on the bus, some of them impossible until the handler is fixed.

Every figure is read back from the bus, the failure queue, the buckets, the inbox and the log; nothing is taken
from what a handler says of itself.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from constructs_lib.local import LocalCloud, LocalCloudError
from sample_app.demo.alarm_notices import AlarmNotices
from sample_app.demo.changed_code import changed_code, release
from sample_app.demo.drive import Outputs, depth, invoke
from sample_app.demo.finished_trips import NEW_CURRENCIES, Detail, FinishedTrips
from sample_app.demo.listening_queue import make_queue, take
from sample_app.demo.receipts_outcome import FAILURES_OF_FLAKY, ReceiptsOutcome, State, Success

_ALIAS: Final = "live"
_LISTENER: Final = "demo-listens"
_SENT_AT_ONCE: Final = 10  # of PutEvents

Tell = Callable[[str], None]


def rehearse(cloud: LocalCloud, outputs: Outputs, trips: FinishedTrips, tell: Tell) -> ReceiptsOutcome:
    """Send the trips, fix the handler, send what failed again.

    Args:
        cloud: With the sample app deployed.
        outputs: Of the sample app.
        trips: What to send.
        tell: Is told how far it is.

    Returns:
        Everything that is judged.
    """
    site = _Site(cloud, outputs)
    for trip_id in sorted(trips.flaky):
        # As S3 answers when two writers of one key meet; the SDK leaves it to its caller to try again.
        cloud.inject_fault(
            service="s3",
            operation="PutObject",
            containing=f"/receipts/{trip_id}.json",
            error_code="ConditionalRequestConflict",
            status=409,
            times=FAILURES_OF_FLAKY,
        )
    send_trips(cloud, outputs, trips.details.values())
    tell("making receipts")
    cloud.wait_until_idle()
    before = site.read()
    logged = site.attempts(trips.impossible)
    faults = {fault["containing"]: fault["hits"] for fault in cloud.faults()}

    tell("fixing the handler, sending again what failed")
    site.fix()
    redriven = invoke(cloud, outputs["RedriveName"], {})
    cloud.wait_until_idle()
    return ReceiptsOutcome(
        before=before,
        logged=logged,
        refused={trip_id: faults[f"/receipts/{trip_id}.json"] for trip_id in trips.flaky},
        alias=site.alias,
        redriven=redriven,
        after=site.read(),
        elsewhere=site.elsewhere(),
        alarms=site.notices.heard(),
        failure_queue=outputs["FailureQueueUrl"].rpartition("/")[2],
    )


def send_trips(cloud: LocalCloud, outputs: Outputs, details: Iterable[Detail]) -> None:
    """Put finished trips on the bus.

    Args:
        cloud: With the sample app deployed.
        outputs: Of the sample app.
        details: Of the trips.

    Raises:
        LocalCloudError: One was refused.
    """
    entries = [
        {
            "EventBusName": outputs["TripsBus"],
            "Source": "rides.dispatch",
            "DetailType": "Trip finished",
            "Detail": json.dumps(dict(detail)),
        }
        for detail in details
    ]
    for start in range(0, len(entries), _SENT_AT_ONCE):
        answer = cloud.client("events").put_events(Entries=entries[start : start + _SENT_AT_ONCE])
        if answer["FailedEntryCount"]:
            raise LocalCloudError(f"EventBridge refused events: {answer['Entries']}")


class _Site:
    """The deployed stack, and listeners of the demo's own: on the bus of results, on the topic of alarms."""

    def __init__(self, cloud: LocalCloud, outputs: Outputs) -> None:
        self._cloud = cloud
        self._outputs = outputs
        self._s3, self._sqs, self._lambda = (cloud.client(name) for name in ("s3", "sqs", "lambda"))
        self._successes: list[Success] = []
        self._queues = set(self._sqs.list_queues(QueueNamePrefix="Receipts").get("QueueUrls", []))
        self._heard = self._listen()
        self.notices: Final = AlarmNotices(cloud, outputs["AlarmTopic"], stack="Receipts")
        self.alias: Final[str] = self._lambda.get_alias(FunctionName=outputs["MakeReceiptName"], Name=_ALIAS)[
            "AliasArn"
        ]

    def _listen(self) -> str:
        """A queue that gets whatever is on the bus of results."""
        url, arn = make_queue(self._sqs, _LISTENER, "events.amazonaws.com")
        events, bus = self._cloud.client("events"), self._outputs["MadeBus"]
        everything = json.dumps({"account": [{"exists": True}]})
        events.put_rule(Name=_LISTENER, EventBusName=bus, EventPattern=everything)
        events.put_targets(Rule=_LISTENER, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
        return url

    def read(self) -> State:
        """Read what is there now."""
        self._hear()
        return State(
            successes=list(self._successes),
            failures=[json.loads(body) for body in self._peek(self._outputs["FailureQueueUrl"])],
            receipts=self._documents("ReceiptsBucket"),
            archived=self._documents("ArchiveBucket"),
            notified=self._notified(),
        )

    def attempts(self, trip_ids: frozenset[str]) -> dict[str, int]:
        """Count the calls that the function has logged."""
        pages = (
            self._cloud.client("logs")
            .get_paginator("filter_log_events")
            .paginate(logGroupName=self._outputs["MakeReceiptLogs"])
        )
        lines = [
            event["message"]
            for page in pages
            for event in page["events"]
            if '"a trip has finished"' in event["message"]
        ]
        return {trip_id: sum(f'"{trip_id}"' in line for line in lines) for trip_id in trip_ids}

    def fix(self) -> None:
        """Release a handler that knows the new currencies."""
        name = self._outputs["MakeReceiptName"]
        package = changed_code(self._lambda, name, "minor_units.json", _with_new_currencies)
        release(self._lambda, name, _ALIAS, package)

    def elsewhere(self) -> int:
        """Messages in the stack's queues, but for the one that failures must be in."""
        return sum(depth(self._sqs, url) for url in self._queues - {self._outputs["FailureQueueUrl"]})

    def _hear(self) -> None:
        for body in take(self._sqs, self._heard):
            detail = json.loads(body)["detail"]
            self._successes.append(
                Success(
                    trip_id=detail["responsePayload"]["trip_id"],
                    attempts=detail["requestContext"]["approximateInvokeCount"],
                )
            )

    def _peek(self, url: str) -> list[str]:
        """The bodies of all messages, which are in the queue again afterwards."""
        seen: dict[str, tuple[str, str]] = {}
        while messages := self._sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=30
        ).get("Messages", []):
            for message in messages:
                seen[message["MessageId"]] = message["Body"], message["ReceiptHandle"]
        for _, receipt in seen.values():
            self._sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)
        return [body for body, _ in seen.values()]

    def _keys(self, bucket: str) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._outputs[bucket])
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def _documents(self, bucket: str) -> dict[str, dict[str, str]]:
        return {
            key.removeprefix("receipts/").removesuffix(".json"): json.load(
                self._s3.get_object(Bucket=self._outputs[bucket], Key=key)["Body"]
            )
            for key in self._keys(bucket)
        }

    def _notified(self) -> Counter[str]:
        pages = (
            self._cloud.client("dynamodb")
            .get_paginator("scan")
            .paginate(TableName=self._outputs["InboxTable"])
        )
        return Counter(item["trip_id"]["S"] for page in pages for item in page["Items"])


def _with_new_currencies(minor_units: bytes) -> bytes:
    return json.dumps(json.loads(minor_units) | dict.fromkeys(NEW_CURRENCIES, 2)).encode()
