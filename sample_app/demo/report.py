"""What the demo prints: a table for each part of it, each figure beside what it must be."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

from constructs_lib.local.evidence import EVIDENCE
from sample_app.demo import (
    drive_api,
    drive_disputes,
    drive_downloads,
    drive_settlement,
    drive_throttling,
    receipts_outcome,
    zones_outcome,
)
from sample_app.demo.finished_trips import FinishedTrips
from sample_app.demo.positions import Positions
from sample_app.demo.receipts_outcome import ReceiptsOutcome
from sample_app.demo.trips import Rehearsal
from sample_app.demo.trips_outcome import FAILURES_OF_FLAKY, Outcome, differences
from sample_app.demo.zones_outcome import PlainOutcome, ZonesOutcome

DOORS: Final = {
    "with execute-api:Invoke on the route": 200,
    "with it on another route": 403,
    "without a signature": 403,
}
"""The status that each caller of the API must get under enforced IAM."""


@dataclass(frozen=True)
class Enforced:
    """What came of the run under enforced IAM.

    Attributes:
        rehearsal: The trips that were put on the queue.
        trips: What came of them.
        refusals: How the uninvited function was kept out, by way in.
        doors: The status that each caller of the API got.
        finished: The trips that were put on the bus.
        receipts: What came of them.
        downloads: The status that each caller of the function URL got.
        positions: The positions that were put on the stream.
        zones: What came of them.
    """

    rehearsal: Rehearsal
    trips: Outcome
    refusals: dict[str, str]
    doors: dict[str, int]
    finished: FinishedTrips
    receipts: ReceiptsOutcome
    downloads: dict[str, int]
    positions: Positions
    zones: ZonesOutcome

    @property
    def differences(self) -> list[str]:
        """Everything that is not as it must be."""
        wrong = differences(self.rehearsal, self.trips)
        wrong += receipts_outcome.differences(self.finished, self.receipts)
        wrong += zones_outcome.differences(len(self.positions.sent), self.zones)
        wrong += [
            f"the uninvited function could {way}: {came_of_it}"
            for way, came_of_it in self.refusals.items()
            if not is_refused(came_of_it)
        ]
        wrong += [
            f"a caller {who} must get {doors[who]}, got {status}"
            for doors, seen in ((DOORS, self.doors), (drive_downloads.DOORS, self.downloads))
            for who, status in seen.items()
            if status != doors[who]
        ]
        return [f"under enforced IAM: {line}" for line in wrong]


def is_refused(came_of_it: str) -> bool:
    """Whether the uninvited function was kept out for what it lacks, and not for another reason.

    Args:
        came_of_it: What it says of one way in.

    Returns:
        True for a login that IAM refused, and a secret that IAM refused.
    """
    return came_of_it.startswith("refused") and any(
        reason in came_of_it for reason in ("IAM authentication failed", "AccessDenied")
    )


def show_trips(console: Console, rehearsal: Rehearsal, outcome: Outcome) -> None:
    """Print what came of the trips on the queue.

    Args:
        console: Where to.
        rehearsal: What was sent.
        outcome: What was read back.
    """
    sent, stored, dead = len(rehearsal.messages), len(outcome.stored), len(outcome.receives)
    retried = sum(1 for attempts in outcome.attempts.values() if attempts > FAILURES_OF_FLAKY)
    right = sum(1 for key, earned in outcome.earnings.items() if outcome.fares.get(key) == earned)
    figures = _figures("Completed trips, in PostgreSQL behind the proxy")
    for what, is_, must in (
        ("messages sent", sent, sent),
        ("trips stored, each once", stored, len(rehearsal.stored)),
        ("duplicates dropped", sent - stored - dead - outcome.left, len(rehearsal.duplicated)),
        ("trips that failed twice and were retried", retried, len(rehearsal.flaky)),
        ("messages in the dead-letter queue", dead, len(rehearsal.poison)),
        ("messages left in the queue", outcome.left, 0),
        ("drivers' earnings that are the sum of their trips", right, len(outcome.fares)),
    ):
        _add(figures, what, is_, must)
    figures.add_row("connections cut in the middle of it", str(outcome.cut), "1 or more")
    console.print(figures)

    poison = _table("In the dead-letter queue", "trip", "poison", "received")
    for trip_id, count in sorted(outcome.receives):
        kind = rehearsal.poison.get(trip_id)
        poison.add_row(trip_id, kind.value if kind else "(should not be here)", f"{count} times")
    console.print(poison)


def show_api(console: Console, outcome: drive_api.ApiOutcome) -> None:
    """Print what the API answered.

    Args:
        console: Where to.
        outcome: What it answered.
    """
    figures = _figures(f"The API, {drive_api.REQUESTS} requests, {drive_api.AT_ONCE} at a time")
    for status in sorted(outcome.statuses | outcome.wanted):
        _add(figures, f"answers with {status}", outcome.statuses[status], outcome.wanted[status])
    _add(figures, "errors that are not problem documents", outcome.problems, 0)
    _add(figures, "accepted trips that are stored", outcome.stored, outcome.wanted[202])
    correlated = "yes" if outcome.correlated else "no"
    _add(figures, "the caller's id is in the log of who stored its trip", correlated, "yes")
    total = sum(outcome.before.values())
    _add(
        figures,
        "changed handler, alias stays: calls to the stable version",
        outcome.before["stable"],
        total,
    )
    low, high = drive_api.EXPECTED.start, drive_api.EXPECTED.stop - 1
    figures.add_row(
        f"weight of {drive_api.WEIGHT:.0%}: of {drive_api.CALLS_IN_RELEASE} requests to the changed version",
        str(outcome.during["changed"]),
        f"{low} to {high}",
    )
    console.print(figures)


def show_receipts(console: Console, trips: FinishedTrips, outcome: ReceiptsOutcome) -> None:
    """Print what came of the finished trips on the bus.

    Args:
        console: Where to.
        trips: What was sent.
        outcome: What was read back.
    """
    sent, impossible, flaky = len(trips.details), len(trips.impossible), len(trips.flaky)
    before, after, due = outcome.before, outcome.after, outcome.alarms_due
    thrice = sum(
        1
        for success in before.successes
        if success.trip_id in trips.flaky and success.attempts == receipts_outcome.ATTEMPTS
    )
    figures = _figures("Receipts of finished trips, all of it asynchronous")
    for what, is_, must in (
        ("finished trips sent to the bus", sent, sent),
        ("success events on the bus of results", len(before.successes), sent - impossible),
        ("of them after failing twice", thrice, flaky),
        ("receipts archived", len(before.archived), sent - impossible),
        ("riders' notifications", before.notified.total(), sent - impossible),
        ("records in the failure queue", len(before.failures), impossible),
        ("alarms that notified their topic", len(outcome.alarms & due), len(due)),
        ("alarms that went off for nothing", len(outcome.alarms - due), 0),
        ("handler fixed: events sent again", outcome.redriven.get("redriven"), impossible),
        ("success events then", len(after.successes), sent),
        ("receipts archived then", len(after.archived), sent),
        ("riders' notifications then", after.notified.total(), sent),
        ("records left in the failure queue", len(after.failures), 0),
        ("events that nobody took, or that failed elsewhere", outcome.elsewhere, 0),
    ):
        _add(figures, what, is_, must)
    console.print(figures)

    failures = _table("In the failure queue, before", "trip", "error", "condition", "attempts", "in the log")
    for record in sorted(before.failures, key=lambda record: str(receipts_outcome.trip_of(record))):
        trip_id = receipts_outcome.trip_of(record)
        failures.add_row(
            str(trip_id),
            str((record.get("responsePayload") or {}).get("errorType")),
            str(record["requestContext"]["condition"]),
            str(record["requestContext"]["approximateInvokeCount"]),
            str(outcome.logged.get(str(trip_id))),
        )
    console.print(failures)


def show_downloads(console: Console, outcome: drive_downloads.DownloadsOutcome) -> None:
    """Print what the function URL answered.

    Args:
        console: Where to.
        outcome: What it answered.
    """
    figures = _figures("Receipts downloaded at a function URL")
    _add(
        figures,
        "receipts downloaded, each as it is in the archive",
        outcome.downloaded,
        drive_downloads.RECEIPTS,
    )
    for what, status in outcome.statuses.items():
        _add(figures, what, status, drive_downloads.STATUSES[what])
    console.print(figures)


def show_zones(
    console: Console, positions: Positions, outcome: ZonesOutcome, plain: PlainOutcome | None
) -> None:
    """Print what came of the positions on the stream.

    Args:
        console: Where to.
        positions: What was sent.
        outcome: What was read back.
        plain: What CDK's defaults made of the same positions; None if they were not asked.
    """
    sent, poison, shards = len(positions.sent), positions.poison, len(outcome.shards)
    before, after, due = outcome.before, outcome.after, outcome.alarms_due
    figures = _figures("Positions of drivers, on a stream")
    if plain is not None:
        figures.add_column("CDK's defaults", justify="right")
    for what, is_, must, plain_is in (
        ("positions sent", len(outcome.sent), sent, None if plain is None else _sent(plain)),
        ("of them in a zone that the handler does not know", len(outcome.poison), poison, poison),
        ("shards, each with its own of these", shards, shards, shards),
        (
            "positions taken, each once",
            len(before.at),
            sent - poison,
            None if plain is None else len(plain.taken),
        ),
        (
            "shards whose positions were taken in order",
            zones_outcome.in_order(outcome.shards, before.at),
            shards,
            None if plain is None else zones_outcome.in_order(plain.shards, plain.taken),
        ),
        ("shards that are blocked", _blocked(outcome), 0, None if plain is None else _blocked(plain)),
        (
            "positions that wait in the stream",
            sum(outcome.waiting),
            0,
            None if plain is None else sum(plain.waiting),
        ),
        ("records in the failure bucket, whole", _whole(outcome), poison, "none"),
        ("alarms that went off because of it", len(outcome.alarms & due), len(due), "none"),
        ("alarms that went off for nothing", len(outcome.alarms - due), 0, ""),
        ("iterator age in the end, in milliseconds", f"{outcome.age:g}", "0", ""),
        ("handler fixed: positions sent again", outcome.redriven.get("redriven"), poison, ""),
        ("positions taken then, each once", len(after.at), sent, ""),
        ("records left in the failure bucket", len(after.failed), 0, ""),
        (
            "zones whose last notice has the surge of the table",
            zones_outcome.noted(after),
            len(after.free),
            "",
        ),
    ):
        row = [what, str(is_), str(must)] + ([] if plain is None else [str(plain_is)])
        figures.add_row(*row, style=None if is_ == must else "red")
    console.print(figures)


def show_disputes(console: Console, outcome: drive_disputes.DisputesOutcome) -> None:
    """Print what came of the disputes.

    Args:
        console: Where to.
        outcome: What was read back.
    """
    disputes = drive_disputes.DISPUTES
    figures = _figures("Disputes, a durable function")
    for what, is_, must in (
        ("messages sent, one of them twice", outcome.sent, disputes + 1),
        ("executions that wait for the driver's answer", outcome.waiting, disputes),
        ("executions that succeeded", outcome.statuses["SUCCEEDED"], disputes - 1),
        ("executions that failed", outcome.statuses["FAILED"], 1),
        ("disputes stored once, though the function was killed", _once(outcome.opened), disputes),
        (
            "disputes settled once, with the refund",
            sum(settled == (1, drive_disputes.REFUND) for settled in outcome.settled.values()),
            disputes - 1,
        ),
        ("events in the dead-letter queue", len(outcome.dead), 1),
        ("messages left in the queue", outcome.left, 0),
        ("alarms that notified their topic", len(outcome.alarms), 2),
    ):
        _add(figures, what, is_, must)
    figures.add_row("processes killed in the middle of a refund", str(outcome.killed), "1 or more")
    console.print(figures)


def show_settlement(console: Console, outcome: drive_settlement.SettlementOutcome) -> None:
    """Print what came of the nightly settlement.

    Args:
        console: Where to.
        outcome: What was read back.
    """
    figures = _figures("Nightly settlement, a long job; no container runs here")
    ends = Counter(outcome.first.values())
    sums = len(drive_settlement.DAYS) * len(drive_settlement.SUMS)
    for what, is_, must in (
        ("executions of the state machine", len(outcome.first), len(drive_settlement.NIGHTS)),
        ("retries because ECS could not start it", outcome.errors["ECS.ServerException"], 1),
        ("attempts that failed", outcome.errors["States.TaskFailed"], drive_settlement.ATTEMPTS),
        ("executions that succeeded", ends["SUCCEEDED"], 1),
        ("executions that failed", ends["FAILED"], 1),
        ("messages in the dead-letter queue", len(outcome.dead), 1),
        ("alarms that notified their topic", len(outcome.alarms), 1),
        ("executions that succeeded after a redrive", int(outcome.redriven == "SUCCEEDED"), 1),
        ("containers that ECS was asked for", outcome.tasks.total(), len(drive_settlement.NIGHTS)),
        ("sums that the job's own code stored", sum(map(len, outcome.settled.values())), sums),
        ("sums that changed when it ran again", outcome.again, 0),
    ):
        _add(figures, what, is_, must)
    console.print(figures)


def _once(times: dict[str, int]) -> int:
    return sum(number == 1 for number in times.values())


def _sent(plain: PlainOutcome) -> int:
    return sum(map(len, plain.shards.values()))


def _blocked(outcome: ZonesOutcome | PlainOutcome) -> int:
    return sum(number > 0 for number in outcome.waiting)


def _whole(outcome: ZonesOutcome) -> int:
    return sum(outcome.poison.get(event_id) == data for event_id, data in outcome.before.failed)


def show_throttling(console: Console, outcome: drive_throttling.ThrottlingOutcome) -> None:
    """Print what came of what was sent to functions that were throttled.

    Args:
        console: Where to.
        outcome: What was read back.
    """
    figures = _figures("Throttled: a reserved concurrency of 1, and senders that go on")
    bus, url, queue = (outcome.throttles[name] for name in drive_throttling.FUNCTIONS)
    for what, times in (
        ("invocations for the bus that Lambda throttled", bus),
        ("invocations for the function URL that Lambda throttled", url),
        ("invocations for the queue that Lambda throttled", queue),
        ("requests to the function URL answered with 429, sent again", outcome.refused),
    ):
        figures.add_row(what, str(times), "1 or more", style=None if times else "red")
    for what, is_, must in (
        ("events that have their receipt", outcome.receipts, outcome.events),
        ("records in the failure queue", outcome.failures, 0),
        ("requests that have their answer", outcome.downloads, outcome.requests),
        ("messages whose trip is stored", outcome.stored, outcome.messages),
        ("messages left in the queues", outcome.left, 0),
    ):
        _add(figures, what, is_, must)
    figures.add_row("messages that were in the dead-letter queue meanwhile", str(outcome.dead), "any")
    console.print(figures)


def show_enforced(console: Console, enforced: Enforced) -> None:
    """Print what came of the run under enforced IAM.

    Args:
        console: Where to.
        enforced: What came of it.
    """
    figures = _figures("With IAM enforced")
    _add(
        figures,
        "trips stored by the connected function",
        len(enforced.trips.stored),
        len(enforced.rehearsal.stored),
    )
    for way, came_of_it in enforced.refusals.items():
        result = "refused" if is_refused(came_of_it) else came_of_it
        _add(figures, f"a function that was never connected: {way}", result, "refused")
    for who, status in enforced.doors.items():
        _add(figures, f"a caller of the API {who}", status, DOORS[who])
    for who, status in enforced.downloads.items():
        _add(figures, f"a caller of the function URL {who}", status, drive_downloads.DOORS[who])
    _add(
        figures,
        "receipts archived, and riders notified, in the end",
        min(len(enforced.receipts.after.archived), enforced.receipts.after.notified.total()),
        len(enforced.finished.details),
    )
    _add(
        figures,
        "positions taken in the end",
        len(enforced.zones.after.at),
        len(enforced.positions.sent),
    )
    console.print(figures)


def show_evidence(console: Console) -> None:
    """Print who vouches for what was seen.

    Args:
        console: Where to.
    """
    evidence = _table("Who vouches for it", "what happened here", "is the doing of")
    for entry in EVIDENCE:
        evidence.add_row(entry.behaviour, entry.voucher.value)
    console.print(evidence)


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, justify="right" if heading in _NUMBERS else "left")
    return table


_NUMBERS = ("is", "must be", "received", "attempts", "in the log")


def _figures(title: str) -> Table:
    return _table(title, "what", "is", "must be")


def _add(figures: Table, what: str, is_: object, must: object) -> None:
    figures.add_row(what, str(is_), str(must), style=None if is_ == must else "red")
