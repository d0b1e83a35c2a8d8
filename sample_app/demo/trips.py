"""Trips to rehearse with: the messages, and what must be true once they are handled.

Nothing here is taken from the handler, which is what is tried. It knows no tariff either: the facts of a trip
must be in the table as they were sent, and what they cost is for the tests of the fare to say. A second copy
of the tariff would have to follow each change of price, and prove only that somebody copied it.
"""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType
from typing import Final

CURRENCIES: Final = ("CHF", "EUR", "GBP", "JPY", "USD")
_FIRST_DAY = datetime(2026, 1, 5, tzinfo=UTC)
_NOBODYS_CURRENCY = "XTS"  # ISO 4217 keeps it for tests, so it will never have a tariff


class Poison(StrEnum):
    """Why a message can never be handled."""

    NOT_JSON = "not JSON"
    MISSING_FIELD = "missing field"
    NEGATIVE_DISTANCE = "negative distance"
    UNKNOWN_CURRENCY = "unknown currency"
    HANDLER_EXCEPTION = "handler exception"


@dataclass(frozen=True)
class Trip:
    """The facts of a trip, as they must be read back.

    Args:
        trip_id: The trip.
        driver_id: Who drove.
        rider_id: Who went along.
        currency: One of `CURRENCIES`, unless the trip is poison.
        distance_km: How far.
        duration_s: How long.
        completed_at: When it ended: ISO 8601, in UTC.
    """

    trip_id: str
    driver_id: str
    rider_id: str
    currency: str
    distance_km: Decimal
    duration_s: int
    completed_at: str


@dataclass(frozen=True)
class Message:
    """What is sent.

    Args:
        trip_id: Goes along as a message attribute: the body of poison may not be readable.
        body: The text of the message.
    """

    trip_id: str
    body: str


@dataclass(frozen=True)
class Rehearsal:
    """Messages to send, and what must come of them.

    Args:
        seed: Gives the same rehearsal again.
        messages: All of them, in the order to send them.
        stored: The trips that must be in the table, each once and no others, by id.
        duplicated: Ids of the trips that are sent twice.
        flaky: Ids of the trips that must fail to be stored twice before they succeed. None of them is sent
            twice, so that each must be tried exactly three times.
        poison: What must be in the dead-letter queue and not in the table: why, by id.
    """

    seed: int
    messages: tuple[Message, ...]
    stored: Mapping[str, Trip]
    duplicated: frozenset[str]
    flaky: frozenset[str]
    poison: Mapping[str, Poison]


def make_rehearsal(seed: int, *, completed: int = 180, duplicated: int = 15, flaky: int = 10) -> Rehearsal:
    """Make trips that look real, and one poison message of each kind.

    Unless told otherwise that is 200 messages: 180 trips, 15 second copies and 5 poison.

    Args:
        seed: The same seed makes the same messages.
        completed: How many trips to store.
        duplicated: How many of them to send twice, never one copy right after the other.
        flaky: How many others of them to fail twice.

    Returns:
        The messages and what must come of them.

    Raises:
        ValueError: There are not enough trips to duplicate and to fail.
    """
    if min(completed, duplicated, flaky) < 0 or duplicated + flaky > completed:
        raise ValueError(
            f"duplicated + flaky must be at most completed, and not negative"
            f" (given {duplicated} + {flaky}, {completed})"
        )
    rng = random.Random(seed)  # noqa: S311 - to be repeatable is the point
    trips = _make_trips(rng, completed + len(Poison))
    good, bad = trips[:completed], trips[completed:]
    poison = dict(zip((trip.trip_id for trip in bad), Poison, strict=True))
    twice, thrice = good[:duplicated], good[duplicated : duplicated + flaky]

    messages = [Message(trip.trip_id, _body(trip)) for trip in [*good, *twice]]
    messages += [Message(trip.trip_id, _poisoned(rng, trip, poison[trip.trip_id])) for trip in bad]
    _shuffle_apart(rng, messages)
    return Rehearsal(
        seed=seed,
        messages=tuple(messages),
        stored=MappingProxyType({trip.trip_id: trip for trip in good}),
        duplicated=frozenset(trip.trip_id for trip in twice),
        flaky=frozenset(trip.trip_id for trip in thrice),
        poison=MappingProxyType(poison),
    )


def _make_trips(rng: random.Random, count: int) -> list[Trip]:
    trips: dict[str, Trip] = {}
    while len(trips) < count:
        trip = _make_trip(rng)
        trips[trip.trip_id] = trip
    return list(trips.values())


def _make_trip(rng: random.Random) -> Trip:
    distance_km = Decimal(round(rng.lognormvariate(1.8, 0.8) * 100) + 30).scaleb(-2)  # most between 2 and 20
    km_per_hour = rng.uniform(14, 55)
    return Trip(
        trip_id=f"trip-{rng.getrandbits(32):08x}",
        driver_id=f"driver-{rng.randrange(40):04d}",
        rider_id=f"rider-{rng.getrandbits(24):06x}",
        currency=rng.choice(CURRENCIES),
        distance_km=distance_km,
        duration_s=60 + round(float(distance_km) / km_per_hour * 3600),
        completed_at=(_FIRST_DAY + timedelta(seconds=rng.randrange(7 * 24 * 3600))).isoformat(),
    )


def _fields(trip: Trip) -> dict[str, str | int | float]:
    # Two decimals survive a float unchanged.
    return vars(trip) | {"distance_km": float(trip.distance_km)}


def _body(trip: Trip) -> str:
    return json.dumps(_fields(trip))


def _poisoned(rng: random.Random, trip: Trip, kind: Poison) -> str:
    match kind:
        case Poison.NOT_JSON:
            body = _body(trip)
            return body[: rng.randrange(1, len(body))]  # cut off on its way
        case Poison.MISSING_FIELD:
            fields = _fields(trip)
            del fields[rng.choice(sorted(fields))]
            return json.dumps(fields)
        case Poison.NEGATIVE_DISTANCE:
            return _body(replace(trip, distance_km=-trip.distance_km))
        case Poison.UNKNOWN_CURRENCY:
            return _body(replace(trip, currency=_NOBODYS_CURRENCY))
        case Poison.HANDLER_EXCEPTION:
            # A text like any other, but for a character that PostgreSQL keeps in none.
            return _body(replace(trip, rider_id=f"{trip.rider_id}\0"))


def _shuffle_apart(rng: random.Random, messages: list[Message]) -> None:
    """Shuffle until no two copies are neighbours: seen twice in one breath is too easy a duplicate."""
    rng.shuffle(messages)
    while any(one == next_one for one, next_one in pairwise(messages)):
        rng.shuffle(messages)
