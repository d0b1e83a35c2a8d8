"""Drive the sample app's receipts: finished trips on the bus, some of them impossible until the handler is mended.

Every figure is read back from the bus, the failure queue, the buckets, the inbox and the log; nothing is taken
from what a handler says of itself.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from constructs_lib.local import LocalCloud, LocalCloudError
from sample_app.changed_code import changed_code
from sample_app.drive import Outputs, depth, invoke
from sample_app.finished_trips import NEW_CURRENCIES, FinishedTrips

FAILURES_OF_FLAKY: Final = 2
ATTEMPTS: Final = 3
"""Of an event that fails for good, and of one that fails twice."""

_ALIAS: Final = "live"
_LISTENER: Final = "demo-listens"
_SENT_AT_ONCE: Final = 10  # of PutEvents
_PATIENCE: Final = 20.0
"""Seconds without anything new, of a cloud whose longest wait is one second and which starts functions meanwhile."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Success:
    """A success event, as it was on the bus.

    Attributes:
        trip_id: Whose receipt.
        attempts: How often the function ran.
    """

    trip_id: str
    attempts: int


@dataclass(frozen=True)
class State:
    """What is there at one moment.

    Attributes:
        successes: Every success event that was on the bus so far.
        failures: The records in the failure queue, as they are.
        receipts: Documents in the bucket of receipts, by trip.
        archived: Documents in the archive, by trip.
        notified: How many items there are in the inbox, by trip.
    """

    successes: list[Success]
    failures: list[dict[str, Any]]
    receipts: Mapping[str, dict[str, str]]
    archived: Mapping[str, dict[str, str]]
    notified: Counter[str]


@dataclass(frozen=True)
class ReceiptsOutcome:
    """What came of the finished trips.

    Attributes:
        before: When all was done that could be.
        logged: How often the function's log says that it was called, by impossible trip, before it was mended.
        refused: How often S3 refused to store the receipt, by flaky trip.
        alias: The alias that the bus calls, as an ARN.
        redriven: What the redrive function answered, after the handler was mended.
        after: When the redriven events were done.
        elsewhere: Messages in all other queues of the stack: events that nobody took, failures of other functions.
    """

    before: State
    logged: Mapping[str, int]
    refused: Mapping[str, int]
    alias: str
    redriven: Mapping[str, Any]
    after: State
    elsewhere: int


def rehearse(cloud: LocalCloud, outputs: Outputs, trips: FinishedTrips, tell: Tell) -> ReceiptsOutcome:
    """Send the trips, mend the handler, send what failed again.

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
    site.send(trips)
    possible = len(trips.details) - len(trips.impossible)
    tell("making receipts")
    site.wait(made=possible, failed=len(trips.impossible))
    before = site.read()
    logged = site.attempts(trips.impossible)
    faults = {fault["containing"]: fault["hits"] for fault in cloud.faults()}

    tell("mending the handler, sending again what failed")
    site.mend()
    redriven = invoke(cloud, outputs["RedriveName"], {})
    site.wait(made=len(trips.details), failed=0)
    return ReceiptsOutcome(
        before=before,
        logged=logged,
        refused={trip_id: faults[f"/receipts/{trip_id}.json"] for trip_id in trips.flaky},
        alias=site.alias,
        redriven=redriven,
        after=site.read(),
        elsewhere=site.elsewhere(),
    )


class _Site:
    """The deployed stack, and a listener of the demo's own on the bus of results."""

    def __init__(self, cloud: LocalCloud, outputs: Outputs) -> None:
        self._cloud = cloud
        self._outputs = outputs
        self._s3, self._sqs, self._lambda = (cloud.client(name) for name in ("s3", "sqs", "lambda"))
        self._successes: list[Success] = []
        self._queues = set(self._sqs.list_queues(QueueNamePrefix="Receipts").get("QueueUrls", []))
        self._heard = self._listen()
        self.alias: Final[str] = self._lambda.get_alias(FunctionName=outputs["MakeReceiptName"], Name=_ALIAS)[
            "AliasArn"
        ]

    def _listen(self) -> str:
        """A queue that gets whatever is on the bus of results."""
        url: str = self._sqs.create_queue(QueueName=_LISTENER)["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
        arn = attributes["QueueArn"]
        may_send = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [may_send]})
        self._sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        events, bus = self._cloud.client("events"), self._outputs["MadeBus"]
        everything = json.dumps({"account": [{"exists": True}]})
        events.put_rule(Name=_LISTENER, EventBusName=bus, EventPattern=everything)
        events.put_targets(Rule=_LISTENER, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
        return url

    def send(self, trips: FinishedTrips) -> None:
        """Put all trips on the bus."""
        events = self._cloud.client("events")
        entries = [
            {
                "EventBusName": self._outputs["TripsBus"],
                "Source": "rides.dispatch",
                "DetailType": "Trip finished",
                "Detail": json.dumps(dict(detail)),
            }
            for detail in trips.details.values()
        ]
        for start in range(0, len(entries), _SENT_AT_ONCE):
            answer = events.put_events(Entries=entries[start : start + _SENT_AT_ONCE])
            if answer["FailedEntryCount"]:
                raise LocalCloudError(f"EventBridge refused events: {answer['Entries']}")

    def wait(self, *, made: int, failed: int) -> None:
        """Wait until so many successes went all their ways, and so many failures are in the queue.

        Where nothing moves any more the wait is over too: what is there then is judged like anything else.
        """
        seen, since = (-1, -1, -1, -1), time.monotonic()
        while time.monotonic() < since + _PATIENCE:
            self._hear()
            now = (
                len(self._successes),
                depth(self._sqs, self._outputs["FailureQueueUrl"]),
                len(self._keys("ArchiveBucket")),
                self._notified().total(),
            )
            if now != seen:
                seen, since = now, time.monotonic()
            elif now == (made, failed, made, made):  # and stays so: what is done twice is seen
                return
            time.sleep(0.4)

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
        said = [
            event["message"]
            for page in pages
            for event in page["events"]
            if '"a trip has finished"' in event["message"]
        ]
        return {trip_id: sum(f'"{trip_id}"' in line for line in said) for trip_id in trip_ids}

    def mend(self) -> None:
        """Release a handler that knows the new currencies: the alias moves, and all else stays."""
        name = self._outputs["MakeReceiptName"]
        package = changed_code(self._lambda, name, "minor_units.json", _with_new_currencies)
        self._lambda.update_function_code(FunctionName=name, ZipFile=package)
        version = self._lambda.publish_version(FunctionName=name)["Version"]
        self._lambda.update_alias(FunctionName=name, Name=_ALIAS, FunctionVersion=version)

    def elsewhere(self) -> int:
        """Messages in the stack's queues, but for the one that failures must be in."""
        return sum(depth(self._sqs, url) for url in self._queues - {self._outputs["FailureQueueUrl"]})

    def _hear(self) -> None:
        while messages := self._sqs.receive_message(QueueUrl=self._heard, MaxNumberOfMessages=10).get(
            "Messages", []
        ):
            for message in messages:
                detail = json.loads(message["Body"])["detail"]
                self._successes.append(
                    Success(
                        trip_id=detail["responsePayload"]["trip_id"],
                        attempts=detail["requestContext"]["approximateInvokeCount"],
                    )
                )
                self._sqs.delete_message(QueueUrl=self._heard, ReceiptHandle=message["ReceiptHandle"])

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


# --- what must be --------------------------------------------------------------------------------------


def differences(trips: FinishedTrips, outcome: ReceiptsOutcome) -> list[str]:
    """Everything that is not as it must be.

    Args:
        trips: What was sent.
        outcome: What was read back.

    Returns:
        One line for each difference; none if all is well.
    """
    possible = trips.details.keys() - trips.impossible
    wrong = [f"before the handler is mended: {line}" for line in _of_state(trips, outcome.before, possible)]
    wrong += [f"after the redrive: {line}" for line in _of_state(trips, outcome.after, trips.details.keys())]
    attempts = {success.trip_id: success.attempts for success in outcome.before.successes}
    wrong += [
        f"{trip_id} must succeed at the attempt {must}, has at {is_}"
        for trip_id, is_ in sorted(attempts.items())
        if is_ != (must := ATTEMPTS if trip_id in trips.flaky else 1)
    ]
    wrong += [
        f"S3 must refuse the receipt of {trip_id} {FAILURES_OF_FLAKY} times, has {times} times"
        for trip_id, times in sorted(outcome.refused.items())
        if times != FAILURES_OF_FLAKY
    ]
    wrong += [
        f"{trip_id} must be tried {ATTEMPTS} times by the function's log, was {times} times"
        for trip_id, times in sorted(outcome.logged.items())
        if times != ATTEMPTS
    ]
    failed = Counter(trip_of(record) for record in outcome.before.failures)
    if failed != Counter(trips.impossible):
        wrong.append(
            f"the failure queue must have {sorted(trips.impossible)}, has {sorted(map(str, failed.elements()))}"
        )
    wrong += [
        f"the failure record of {trip_of(record)} {line}"
        for record in outcome.before.failures
        for line in gaps(record, trips.details.get(str(trip_of(record)), {}), outcome.alias)
    ]
    if outcome.redriven != {"redriven": len(trips.impossible), "kept": {}}:
        wrong.append(f"{len(trips.impossible)} events must be redriven and none kept: {outcome.redriven}")
    if outcome.after.failures:
        wrong.append(f"{len(outcome.after.failures)} records are still in the failure queue")
    if outcome.elsewhere:
        wrong.append(f"{outcome.elsewhere} events were not taken, or failed in another function")
    return wrong


def _of_state(trips: FinishedTrips, state: State, must: Set[str]) -> list[str]:
    """What differs where each of these trips must have gone all the way, once, and no other."""
    wrong = [
        line
        for what, found in (
            ("success events on the bus", Counter(success.trip_id for success in state.successes)),
            ("notifications", state.notified),
            ("receipts", Counter(list(state.receipts))),
            ("archived receipts", Counter(list(state.archived))),
        )
        for line in _once_each(what, found, must)
    ]
    wrong += [
        f"the archive's copy of {trip_id} is another document"
        for trip_id in sorted(state.receipts.keys() & state.archived.keys())
        if state.receipts[trip_id] != state.archived[trip_id]
    ]
    wrong += [
        f"the receipt of {trip_id} says {name} {receipt.get(name)}, must be {detail[of]}"
        for trip_id, receipt in sorted(state.receipts.items())
        if (detail := trips.details.get(trip_id)) is not None
        for name, of in (
            ("rider_id", "rider_id"),
            ("currency", "currency"),
            ("completed_at", "completed_at"),
            ("total", "fare"),
        )
        if not _same(receipt.get(name), detail[of], as_number=name == "total")
    ]
    return wrong


def _once_each(what: str, found: Counter[str], must: Set[str]) -> list[str]:
    missing, foreign = sorted(must - found.keys()), sorted(found.keys() - must)
    twice = sorted(trip_id for trip_id, times in found.items() if times > 1)
    return [
        f"{len(trip_ids)} {what} {said}: {', '.join(trip_ids[:5])}"
        for said, trip_ids in (
            ("are missing", missing),
            ("should not be there", foreign),
            ("came more than once", twice),
        )
        if trip_ids
    ]


def _same(is_: str | None, must: str, *, as_number: bool) -> bool:
    if is_ is None or not as_number:
        return is_ == must
    return Decimal(is_) == Decimal(must)


def trip_of(record: Mapping[str, Any]) -> str | None:
    """Which trip a failure record is of.

    Args:
        record: As it was in the queue.

    Returns:
        Its id; None if the record does not have the event.
    """
    trip_id: str | None = (record.get("requestPayload") or {}).get("detail", {}).get("trip_id")
    return trip_id


def gaps(record: Mapping[str, Any], detail: Mapping[str, str], alias: str) -> list[str]:
    """What a failure record lacks of what Lambda's documents say that it has.

    Args:
        record: As it was in the queue.
        detail: Of the event that was sent.
        alias: Who was called.

    Returns:
        One line for each thing; none if it is there in full.
    """
    context, response = record.get("requestContext") or {}, record.get("responseContext") or {}
    event, error = record.get("requestPayload") or {}, record.get("responsePayload") or {}
    read = {
        "version": (record.get("version"), "1.0"),
        "functionArn": (context.get("functionArn"), alias),
        "condition": (context.get("condition"), "RetriesExhausted"),
        "approximateInvokeCount": (context.get("approximateInvokeCount"), ATTEMPTS),
        "detail-type": (event.get("detail-type"), "Trip finished"),
        "detail": (event.get("detail"), dict(detail)),
        "statusCode": (response.get("statusCode"), 200),
        "functionError": (response.get("functionError"), "Unhandled"),
        "errorType": (error.get("errorType"), "UnknownCurrencyError"),
    }
    there = {
        "timestamp": record.get("timestamp"),
        "requestId": context.get("requestId"),
        "executedVersion": response.get("executedVersion"),
        "errorMessage": error.get("errorMessage"),
        "stackTrace": error.get("stackTrace"),
    }
    return [f"says {name} {is_}, must be {must}" for name, (is_, must) in read.items() if is_ != must] + [
        f"has no {name}" for name, value in there.items() if not value
    ]
