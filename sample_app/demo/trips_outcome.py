"""What came of a rehearsal, and how it differs from what must."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from sample_app.demo.trips import Rehearsal

TRIES: Final = 5
"""Receives of a message before it is a dead letter."""

FAILURES_OF_FLAKY: Final = 2

Earnings = Mapping[tuple[str, str], tuple[int, Decimal]]
"""Number of trips and amount, by driver and currency."""


@dataclass(frozen=True)
class Outcome:
    """What was read back.

    Attributes:
        stored: Rows of the table of trips by trip id, with the fields that were sent.
        receives: How often each dead letter was received before, by trip id; one entry a message.
        left: Messages that are still in the source queue.
        attempts: How often each flaky trip was tried, by trip id.
        cut: Connections that were ended by the database while trips were stored.
        fares: What the rows of the table of trips add up to.
        earnings: What the earnings function answered.
    """

    stored: dict[str, dict[str, str]]
    receives: list[tuple[str, int]]
    left: int
    attempts: dict[str, int]
    cut: int
    fares: Earnings
    earnings: Earnings


def differences(rehearsal: Rehearsal, outcome: Outcome) -> list[str]:
    """Everything that is not as it must be.

    Args:
        rehearsal: What was sent.
        outcome: What was read back.

    Returns:
        One line for each difference; none if all is well.
    """
    wrong = []
    missing = sorted(set(rehearsal.stored) - set(outcome.stored))
    foreign = sorted(set(outcome.stored) - set(rehearsal.stored))
    if missing:
        wrong.append(f"{len(missing)} trips are not in the table: {', '.join(missing[:5])}")
    if foreign:
        wrong.append(f"{len(foreign)} trips are in the table and should not be: {', '.join(foreign[:5])}")
    for trip_id, trip in rehearsal.stored.items():
        read = outcome.stored.get(trip_id)
        if read is None:
            continue
        for name, sent in vars(trip).items():
            if not _same(sent, read.get(name)):
                wrong.append(f"{trip_id} was sent with {name} {sent} and is stored with {read.get(name)}")
    dead = Counter(trip_id for trip_id, _ in outcome.receives)
    if dead != Counter(list(rehearsal.poison)):
        wrong.append(f"dead letters must be {sorted(rehearsal.poison)}, are {sorted(dead.elements())}")
    wrong += [
        f"{trip_id} is a dead letter after {receives} receives, must be after {TRIES}"
        for trip_id, receives in outcome.receives
        if receives != TRIES
    ]
    if outcome.left:
        wrong.append(f"{outcome.left} messages are still in the queue")
    wrong += [
        f"{trip_id} must be refused {FAILURES_OF_FLAKY} times before it is stored, was tried {tries} times"
        for trip_id in sorted(rehearsal.flaky)
        if (tries := outcome.attempts.get(trip_id, 0)) <= FAILURES_OF_FLAKY
    ]
    if not outcome.cut:
        wrong.append("no connection was cut while trips were stored")
    wrong += [
        f"{driver} has earned {_said(outcome.fares.get((driver, currency)))} in {currency}, "
        f"the answer was {_said(outcome.earnings.get((driver, currency)))}"
        for driver, currency in sorted(outcome.fares.keys() | outcome.earnings.keys())
        if outcome.fares.get((driver, currency)) != outcome.earnings.get((driver, currency))
    ]
    return wrong


def _same(sent: object, read: str | None) -> bool:
    """Compare a fact with what was read; 2.80 km is 2.8 km."""
    if read is None or not isinstance(sent, Decimal):
        return str(sent) == read
    return sent == Decimal(read)


def _said(earned: tuple[int, Decimal] | None) -> str:
    return "nothing" if earned is None else f"{earned[1]} with {earned[0]} trips"
