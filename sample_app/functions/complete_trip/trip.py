"""A completed trip, as the message tells it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import NoReturn

from fare import TARIFFS

_LONGEST_TEXT = 128
_MORE_DIGITS_THAN_ANY_DISTANCE_HAS = Context(prec=100)


class InvalidTripError(ValueError):
    """A message is not a completed trip.

    The text names the field and never the value: it is logged, and values can be personal data.
    """


@dataclass(frozen=True)
class Trip:
    """The facts of one completed trip.

    Args:
        trip_id: Who the trip is; the table's key.
        driver_id: Who drove.
        rider_id: Who pays.
        currency: What the fare is paid in, one that has a tariff.
        distance_km: How far it went, exactly as the message says.
        duration_s: How long it took.
        completed_at: When it ended, in UTC.
    """

    trip_id: str
    driver_id: str
    rider_id: str
    currency: str
    distance_km: Decimal
    duration_s: int
    completed_at: datetime

    @property
    def fingerprint(self) -> str:
        """A text that is the same for two messages exactly when they have the same facts.

        The order of fields, white space, trailing zeros, time zones and fields that are not part of a
        trip make no difference: a producer may write a message anew when it sends it again.
        """
        facts = asdict(self) | {
            "distance_km": str(self.distance_km.normalize(_MORE_DIGITS_THAN_ANY_DISTANCE_HAS)),
            "completed_at": self.completed_at.isoformat(),
        }
        canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def parse_trip(body: str) -> Trip:
    """Read a trip from the JSON text of a message.

    Args:
        body: A JSON object with a field for each attribute of `Trip`; others are ignored.

    Returns:
        The trip, each field checked.

    Raises:
        InvalidTripError: The text is not a JSON object, or a field is missing or wrong.
    """
    try:
        # A float would change the distance; NaN and Infinity are not JSON, though Python reads them.
        message = json.loads(body, parse_float=Decimal, parse_constant=_refuse_constant)
    except ValueError as error:
        raise InvalidTripError("the message is not JSON") from error
    if not isinstance(message, dict):
        raise InvalidTripError("the message is not a JSON object")
    return Trip(
        trip_id=_text(message, "trip_id"),
        driver_id=_text(message, "driver_id"),
        rider_id=_text(message, "rider_id"),
        currency=_currency(message, "currency"),
        distance_km=_not_negative(message, "distance_km"),
        duration_s=_whole(message, "duration_s"),
        completed_at=_time(message, "completed_at"),
    )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _field(message: Mapping[str, object], name: str) -> object:
    if name not in message:
        raise InvalidTripError(f"{name} is missing")
    return message[name]


def _text(message: Mapping[str, object], name: str) -> str:
    value = _field(message, name)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_TEXT:
        raise InvalidTripError(f"{name} must be a text of 1 to {_LONGEST_TEXT} characters")
    return value


def _currency(message: Mapping[str, object], name: str) -> str:
    value = _text(message, name)
    if value not in TARIFFS:
        raise InvalidTripError(f"{name} must be one of {', '.join(TARIFFS)}")
    return value


def _not_negative(message: Mapping[str, object], name: str) -> Decimal:
    value = _field(message, name)
    # In Python True is a number; in a message it is a mistake.
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or value < 0:
        raise InvalidTripError(f"{name} must be a number that is not negative")
    return Decimal(value)


def _whole(message: Mapping[str, object], name: str) -> int:
    value = _field(message, name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidTripError(f"{name} must be a whole number that is not negative")
    return value


def _time(message: Mapping[str, object], name: str) -> datetime:
    value = _text(message, name)
    try:
        time = datetime.fromisoformat(value)
        if time.tzinfo is None:
            raise ValueError("no time zone")
        return time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidTripError(f"{name} must be a time in ISO 8601 with its zone") from error
