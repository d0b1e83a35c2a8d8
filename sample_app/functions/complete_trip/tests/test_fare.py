import random
from decimal import Decimal
from fractions import Fraction

import pytest
from fare import TARIFFS, fare


@pytest.mark.parametrize(
    ("distance_km", "duration_s", "currency", "expected"),
    [
        ("10", 1200, "EUR", "22.00"),  # 2.50 + 13.50 + 6.00
        ("10", 1200, "USD", "21.15"),  # 2.75 + 12.00 + 6.40
        ("10", 1200, "GBP", "20.70"),  # 2.60 + 12.50 + 5.60
        ("10", 1200, "CHF", "33.50"),  # 3.50 + 21.00 + 9.00
        ("10", 1200, "JPY", "3000"),  # 400 + 1800 + 800
        ("0", 0, "EUR", "6.00"),  # the minimum
    ],
)
def test_base_distance_and_time_are_paid(
    distance_km: str, duration_s: int, currency: str, expected: str
) -> None:
    amount = fare(Decimal(distance_km), duration_s, currency)

    assert str(amount) == expected  # the text: 22 and 22.00 are equal


@pytest.mark.parametrize(
    ("duration_s", "expected"),
    [
        (1200, "22.00"),
        (1201, "22.01"),  # 22.005: half a cent goes up
        (1203, "22.02"),  # 22.015: to even, or down, it would be the same as
        (1202, "22.01"),  # 22.010
    ],
)
def test_half_a_cent_is_rounded_up(duration_s: int, expected: str) -> None:
    assert str(fare(Decimal(10), duration_s, "EUR")) == expected


def test_currencies_without_cents_are_paid_in_whole_units() -> None:
    assert str(fare(Decimal("10.003"), 1200, "JPY")) == "3001"  # 3000.54


@pytest.mark.parametrize("currency", TARIFFS)
def test_any_trip_costs_the_exact_amount_rounded_and_never_less_than_the_minimum(currency: str) -> None:
    """The same sum in exact fractions, for trips short and long."""
    tariff = TARIFFS[currency]
    rng = random.Random(currency)  # noqa: S311
    for _ in range(500):
        distance_km = Decimal(int(rng.lognormvariate(7, 2))).scaleb(-3)
        duration_s = int(rng.lognormvariate(6, 2))

        exact = (
            Fraction(tariff.base)
            + Fraction(tariff.per_km) * Fraction(distance_km)
            + Fraction(tariff.per_minute) * Fraction(duration_s, 60)
        )
        units = int(exact / Fraction(tariff.unit) + Fraction(1, 2))
        assert fare(distance_km, duration_s, currency) == max(tariff.minimum, units * tariff.unit)


@pytest.mark.parametrize("currency", TARIFFS)
def test_a_minimum_can_be_paid(currency: str) -> None:
    tariff = TARIFFS[currency]

    assert tariff.minimum > 0
    assert tariff.minimum % tariff.unit == 0
