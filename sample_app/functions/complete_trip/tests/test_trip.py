import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from trip import InvalidTripError, Trip, parse_trip

MESSAGE: dict[str, Any] = {
    "trip_id": "trip-00c0ffee",
    "driver_id": "driver-0007",
    "rider_id": "rider-00beef",
    "currency": "EUR",
    "distance_km": 12.34,
    "duration_s": 1500,
    "completed_at": "2026-01-05T18:30:00+00:00",
}
TRIP = Trip(
    trip_id="trip-00c0ffee",
    driver_id="driver-0007",
    rider_id="rider-00beef",
    currency="EUR",
    distance_km=Decimal("12.34"),
    duration_s=1500,
    completed_at=datetime(2026, 1, 5, 18, 30, tzinfo=UTC),
)


def parse(**changes: object) -> Trip:
    return parse_trip(json.dumps(MESSAGE | changes))


def test_a_message_becomes_a_trip() -> None:
    assert parse() == TRIP


def test_a_distance_keeps_every_digit() -> None:
    body = json.dumps(MESSAGE).replace("12.34", "12.3400000000000000000000000000000000001")

    assert parse_trip(body).distance_km == Decimal("12.3400000000000000000000000000000000001")


@pytest.mark.parametrize(
    ("changes", "name", "value"),
    [
        ({"distance_km": 0}, "distance_km", Decimal(0)),
        ({"distance_km": 7}, "distance_km", Decimal(7)),
        ({"duration_s": 0}, "duration_s", 0),
        ({"trip_id": "x" * 128}, "trip_id", "x" * 128),
        ({"completed_at": "2026-01-05T19:30:00+01:00"}, "completed_at", TRIP.completed_at),
        ({"completed_at": "2026-01-05T18:30:00Z"}, "completed_at", TRIP.completed_at),
        ({"rating": 5}, "trip_id", TRIP.trip_id),
    ],
)
def test_what_is_accepted(changes: dict[str, object], name: str, value: object) -> None:
    assert getattr(parse(**changes), name) == value


@pytest.mark.parametrize("name", MESSAGE)
def test_a_missing_field_is_named(name: str) -> None:
    body = json.dumps({key: value for key, value in MESSAGE.items() if key != name})

    with pytest.raises(InvalidTripError, match=f"^{name} is missing$"):
        parse_trip(body)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[
            (name, value)
            for name in ("trip_id", "driver_id", "rider_id")
            for value in ("", "x" * 129, 7, None)
        ],
        *[("currency", value) for value in ("XTS", "eur", "", 978, None, ["EUR"])],
        *[("distance_km", value) for value in (-0.01, -1, "12.34", True, None)],
        *[("duration_s", value) for value in (-1, 1.5, "1500", True, None)],
        *[("completed_at", value) for value in ("yesterday", "", 1767637800, None)],
        ("completed_at", "2026-01-05T18:30:00"),  # of which zone?
        ("completed_at", "0001-01-01T00:00:00+14:00"),  # before the first year, in UTC
    ],
)
def test_a_wrong_field_is_named_and_its_value_is_not(name: str, value: object) -> None:
    with pytest.raises(InvalidTripError, match=f"^{name} must be ") as error:
        parse(**{name: value})

    if isinstance(value, str) and value:
        assert value not in str(error.value)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("", "not JSON"),
        ('{"trip_id": "trip-', "not JSON"),
        (json.dumps(MESSAGE).replace("12.34", "NaN"), "not JSON"),
        (json.dumps(MESSAGE).replace("12.34", "Infinity"), "not JSON"),
        (json.dumps(MESSAGE).replace("1500", "9" * 5000), "not JSON"),  # longer than Python reads an integer
        ("[]", "not a JSON object"),
        ("null", "not a JSON object"),
        ('"trip"', "not a JSON object"),
    ],
)
def test_what_is_not_an_object_is_refused(body: str, problem: str) -> None:
    with pytest.raises(InvalidTripError, match=f"^the message is {problem}$"):
        parse_trip(body)


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(MESSAGE, indent=4),
        json.dumps(dict(reversed(MESSAGE.items()))),
        json.dumps(MESSAGE | {"sent": "again"}),
        json.dumps(MESSAGE).replace("12.34", "12.3400"),
        json.dumps(MESSAGE).replace("12.34", "1234e-2"),
        json.dumps(MESSAGE | {"completed_at": "2026-01-05T13:30:00-05:00"}),
    ],
)
def test_the_same_facts_have_one_fingerprint(body: str) -> None:
    assert parse_trip(body).fingerprint == TRIP.fingerprint


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trip_id", "trip-00c0ffef"),
        ("driver_id", "driver-0008"),
        ("rider_id", "rider-00bee0"),
        ("currency", "USD"),
        ("distance_km", 12.35),
        ("duration_s", 1501),
        ("completed_at", "2026-01-05T18:30:01+00:00"),
    ],
)
def test_another_fact_has_another_fingerprint(name: str, value: object) -> None:
    assert parse(**{name: value}).fingerprint != TRIP.fingerprint


def test_every_digit_dynamodb_keeps_counts() -> None:
    one, other = (json.dumps(MESSAGE).replace("12.34", "12." + "0" * 35 + last) for last in ("1", "2"))

    assert parse_trip(one).fingerprint != parse_trip(other).fingerprint


def test_the_fingerprint_does_not_change_between_releases() -> None:
    """Stored trips have it: a release that computes another would dead-letter late duplicates."""
    canonical = (
        '{"completed_at":"2026-01-05T18:30:00+00:00","currency":"EUR","distance_km":"12.34",'
        '"driver_id":"driver-0007","duration_s":1500,"rider_id":"rider-00beef","trip_id":"trip-00c0ffee"}'
    )
    assert TRIP.fingerprint == hashlib.sha256(canonical.encode()).hexdigest()
