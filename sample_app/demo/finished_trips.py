"""Finished trips to rehearse receipts with: what is put on the bus, and what must come of it.

Nothing here is taken from the handlers. What makes a trip impossible is not in the trip: it is paid in a currency
that the deployed handler does not know yet.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sample_app.demo.trips import make_rehearsal

NEW_CURRENCIES: Final = ("SEK", "NOK", "DKK")
"""The currencies that the handler does not know as it is deployed first; each has two digits behind the point."""
_WITHOUT_MINOR_UNIT: Final = "JPY"

Detail = Mapping[str, str]
"""The detail of an event, with what the dispatcher reports of a trip."""


@dataclass(frozen=True)
class FinishedTrips:
    """Events to send, and what must come of them.

    Args:
        details: What is sent, by trip.
        impossible: Trips that get no receipt before the handler is fixed.
        flaky: Trips whose receipt must fail to be written twice before it is.
    """

    details: Mapping[str, Detail]
    impossible: frozenset[str]
    flaky: frozenset[str]


def make_finished_trips(seed: int, *, trips: int = 50, impossible: int = 3, flaky: int = 2) -> FinishedTrips:
    """Make trips that look real.

    Args:
        seed: The same seed makes the same trips.
        trips: How many.
        impossible: How many of them are paid in a currency that is new.
        flaky: How many others of them fail twice.

    Returns:
        The events and what must come of them.

    Raises:
        ValueError: There are not enough trips, or not enough new currencies.
    """
    if min(impossible, flaky) < 0 or impossible + flaky > trips or impossible > len(NEW_CURRENCIES):
        raise ValueError(
            f"impossible must be at most {len(NEW_CURRENCIES)}, impossible + flaky at most trips, and not negative"
            f" (given {impossible} + {flaky}, {trips})"
        )
    rng = random.Random(seed)  # noqa: S311 - to be repeatable is the point
    facts = list(make_rehearsal(seed, completed=trips, duplicated=0, flaky=0).stored.values())
    rng.shuffle(facts)
    new = dict(zip((trip.trip_id for trip in facts), NEW_CURRENCIES[:impossible], strict=False))
    details: dict[str, Detail] = {}
    for trip in facts:
        currency = new.get(trip.trip_id, trip.currency)
        units = rng.randrange(300, 20_000)
        fare = str(units) if currency == _WITHOUT_MINOR_UNIT else f"{units // 100}.{units % 100:02}"
        details[trip.trip_id] = MappingProxyType(
            {
                "trip_id": trip.trip_id,
                "driver_id": trip.driver_id,
                "rider_id": trip.rider_id,
                "currency": currency,
                "fare": fare,
                "completed_at": trip.completed_at,
            }
        )
    ids = [trip.trip_id for trip in facts]
    return FinishedTrips(
        details=MappingProxyType(details),
        impossible=frozenset(new),
        flaky=frozenset(ids[impossible : impossible + flaky]),
    )
