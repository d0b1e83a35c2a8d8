import json
from typing import Any

import pytest
from receipt import MINOR_UNITS, InvalidTripError, Receipt, UnknownCurrencyError, make_receipt

TRIP: dict[str, Any] = {
    "trip_id": "trip-00c0ffee",
    "driver_id": "driver-0007",
    "rider_id": "rider-00beef",
    "currency": "EUR",
    "fare": "12.8",
    "completed_at": "2026-01-05T18:30:00+00:00",
}


def test_a_receipt_has_what_the_rider_paid_and_not_who_drove() -> None:
    assert make_receipt(TRIP) == Receipt(
        trip_id="trip-00c0ffee",
        rider_id="rider-00beef",
        total="12.80",
        currency="EUR",
        completed_at="2026-01-05T18:30:00+00:00",
    )


def test_it_is_kept_under_the_trips_own_key_and_with_the_same_bytes_each_time() -> None:
    first, second = make_receipt(TRIP), make_receipt(dict(reversed(TRIP.items())) | {"fare": "12.80"})
    assert first.key == "receipts/trip-00c0ffee.json"
    assert first.document == second.document
    assert json.loads(first.document)["total"] == "12.80"


@pytest.mark.parametrize(
    ("currency", "fare", "total"),
    [
        ("EUR", "0", "0.00"),
        ("EUR", "-0", "0.00"),
        ("USD", "3.05", "3.05"),
        ("CHF", "1e2", "100.00"),
        ("GBP", "999999.99", "999999.99"),
        ("JPY", "1280", "1280"),
        ("JPY", "1280.0", "1280"),
    ],
)
def test_a_total_has_the_digits_of_its_currency(currency: str, fare: str, total: str) -> None:
    assert make_receipt(TRIP | {"currency": currency, "fare": fare}).total == total


@pytest.mark.parametrize(
    ("currency", "fare", "said"),
    [
        ("EUR", "12.805", "more than the 2 digits"),
        ("JPY", "12.8", "more than the 0 digits"),
        ("EUR", "1e-999999", "more than the 2 digits"),
        ("EUR", "-0.01", "0 or more"),
        ("EUR", "1000000", "below 1000000"),
        ("EUR", "NaN", "0 or more"),
        ("EUR", "Infinity", "0 or more"),
        ("EUR", "twelve", "must be a number"),
        ("EUR", 12.8, "must be a text"),
        ("EUR", None, "must be a text"),
    ],
)
def test_an_invalid_fare_is_refused(currency: str, fare: object, said: str) -> None:
    with pytest.raises(InvalidTripError, match=said):
        make_receipt(TRIP | {"currency": currency, "fare": fare})


@pytest.mark.parametrize("name", sorted(TRIP.keys() - {"driver_id"}))
@pytest.mark.parametrize("value", [None, "", 7, "x" * 129])
def test_a_field_that_is_missing_or_wrong_is_named_and_not_quoted(name: str, value: object) -> None:
    with pytest.raises((InvalidTripError, UnknownCurrencyError), match=f"^{name} must be") as refused:
        make_receipt(TRIP | {name: value})
    assert "x" * 9 not in str(refused.value)


@pytest.mark.parametrize("trip_id", ["../secret", "a/b", "trip 1", "träp"])
def test_an_id_that_would_be_another_key_is_refused(trip_id: str) -> None:
    with pytest.raises(InvalidTripError, match="trip_id must be"):
        make_receipt(TRIP | {"trip_id": trip_id})


def test_the_error_of_a_new_currency_names_where_to_add_it() -> None:
    with pytest.raises(UnknownCurrencyError, match=r"'SEK' is not in minor_units\.json"):
        make_receipt(TRIP | {"currency": "SEK"})


def test_each_currency_has_a_number_of_digits() -> None:
    assert MINOR_UNITS
    assert all(len(currency) == 3 and 0 <= digits <= 4 for currency, digits in MINOR_UNITS.items())
