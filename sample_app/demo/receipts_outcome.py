"""What came of the finished trips on the bus, and how it differs from what must."""

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sample_app.demo.alarm_notices import Alarm
from sample_app.demo.finished_trips import FinishedTrips

FAILURES_OF_FLAKY: Final = 2
ATTEMPTS: Final = 3
"""How often an event is tried that fails for good, or that fails twice."""
WENT_OFF: Final = ("AsyncEventsDropped", "ApproximateNumberOfMessagesVisible")
"""What the alarms look at that failures for good set off."""


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
        logged: How often the function's log says that it was called, by impossible trip, before it was fixed.
        refused: How often S3 refused to store the receipt, by flaky trip.
        alias: The alias that the bus calls, as an ARN.
        redriven: What the redrive function answered, after the handler was fixed.
        after: When the redriven events were done.
        elsewhere: Messages in all other queues of the stack: events that nobody took, failures of other functions.
        alarms: What the topic was notified of by the alarms of the stack.
        failure_queue: The name of the queue that failures must be in.
    """

    before: State
    logged: Mapping[str, int]
    refused: Mapping[str, int]
    alias: str
    redriven: Mapping[str, Any]
    after: State
    elsewhere: int
    alarms: Set[Alarm]
    failure_queue: str

    @property
    def alarms_due(self) -> Set[Alarm]:
        """The alarms of events that were given up: on the alias that was called, and on the queue that they are in."""
        function = self.alias.partition(":function:")[2]
        dropped, waiting = WENT_OFF
        return {
            Alarm(dropped, frozenset((function.partition(":")[0], function))),
            Alarm(waiting, frozenset((self.failure_queue,))),
        }


def differences(trips: FinishedTrips, outcome: ReceiptsOutcome) -> list[str]:
    """Everything that is not as it must be.

    Args:
        trips: What was sent.
        outcome: What was read back.

    Returns:
        One line for each difference; none if all is well.
    """
    possible = trips.details.keys() - trips.impossible
    wrong = [f"before the handler is fixed: {line}" for line in _of_state(trips, outcome.before, possible)]
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
        wrong.append(
            f"{len(trips.impossible)} events must be redriven and no record kept: {outcome.redriven}"
        )
    if outcome.after.failures:
        wrong.append(f"{len(outcome.after.failures)} records are still in the failure queue")
    if outcome.elsewhere:
        wrong.append(f"{outcome.elsewhere} events were not taken, or failed in another function")
    wrong += [
        f"the alarm on {alarm.metric} of {' and '.join(sorted(alarm.of))} must {expected}"
        for expected, alarms in (
            ("go off, and did not", outcome.alarms_due - outcome.alarms),
            ("not go off, and did", outcome.alarms - outcome.alarms_due),
        )
        for alarm in alarms
    ]
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
        f"the receipt of {trip_id} has {name} {receipt.get(name)}, must be {detail[of]}"
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
        f"{len(trip_ids)} {what} {fault}: {', '.join(trip_ids[:5])}"
        for fault, trip_ids in (
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
    """Return the trip that a failure record is of.

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
