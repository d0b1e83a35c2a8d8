"""A receipt, as a finished trip makes it."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

MINOR_UNITS: Final[Mapping[str, int]] = json.loads(
    Path(__file__).with_name("minor_units.json").read_text(encoding="utf-8")
)
"""Digits behind the point of each currency that receipts are written in, as ISO 4217 has them."""

_ID = re.compile(r"[A-Za-z0-9-]{1,64}")  # it becomes a part of a key
_LONGEST_TEXT = 128
_MOST = Decimal(1_000_000)


class InvalidTripError(ValueError):
    """An event is not a finished trip.

    The text names the field and never the value: it is logged, and values can be personal data.
    """


class UnknownCurrencyError(ValueError):
    """A trip was paid in a currency that no receipt can be written in yet."""


@dataclass(frozen=True)
class Receipt:
    """What the rider gets.

    Args:
        trip_id: For which trip.
        rider_id: Who paid.
        total: What, with exactly the digits that the currency has.
        currency: In which currency.
        completed_at: When the trip ended, as the event tells it.
    """

    trip_id: str
    rider_id: str
    total: str
    currency: str
    completed_at: str

    @property
    def key(self) -> str:
        """The key of the object, which is the same for each receipt of one trip."""
        return f"receipts/{self.trip_id}.json"

    @property
    def document(self) -> bytes:
        """What is kept: the same bytes for the same trip, so that writing it again changes nothing."""
        return json.dumps(asdict(self), sort_keys=True).encode()


def make_receipt(trip: Mapping[str, object]) -> Receipt:
    """Make the receipt of a trip.

    Args:
        trip: The event's detail; fields that a receipt does not need are ignored.

    Returns:
        The receipt.

    Raises:
        InvalidTripError: A field is missing or wrong.
        UnknownCurrencyError: The currency is not in `minor_units.json`.
    """
    trip_id = _text(trip, "trip_id")
    if not _ID.fullmatch(trip_id):
        raise InvalidTripError("trip_id must be 1 to 64 letters, digits and hyphens")
    currency = _text(trip, "currency")
    if currency not in MINOR_UNITS:
        raise UnknownCurrencyError(f"{currency!r} is not in minor_units.json")
    return Receipt(
        trip_id=trip_id,
        rider_id=_text(trip, "rider_id"),
        total=str(_total(trip, "fare", MINOR_UNITS[currency])),
        currency=currency,
        completed_at=_text(trip, "completed_at"),
    )


def _text(trip: Mapping[str, object], name: str) -> str:
    value = trip.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_TEXT:
        raise InvalidTripError(f"{name} must be a text of 1 to {_LONGEST_TEXT} characters")
    return value


def _total(trip: Mapping[str, object], name: str, digits: int) -> Decimal:
    try:
        fare = Decimal(_text(trip, name))  # a text: a number of JSON is a float to many who read it
    except InvalidOperation:
        raise InvalidTripError(f"{name} must be a number, as text") from None
    if not fare.is_finite() or not 0 <= fare < _MOST:
        raise InvalidTripError(f"{name} must be 0 or more, and below {_MOST}")
    total = fare.quantize(Decimal(1).scaleb(-digits))
    if total != fare:
        raise InvalidTripError(f"{name} has more than the {digits} digits behind the point of its currency")
    return abs(total)  # -0 is 0
