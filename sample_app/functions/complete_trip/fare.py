"""What a trip costs."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final


@dataclass(frozen=True)
class Tariff:
    """The prices of one currency.

    Args:
        base: Paid for every trip.
        per_km: Paid for each kilometre, parts of one included.
        per_minute: Paid for each minute, parts of one included.
        minimum: No trip costs less.
        unit: The smallest amount that can be paid.
    """

    base: Decimal
    per_km: Decimal
    per_minute: Decimal
    minimum: Decimal
    unit: Decimal = Decimal("0.01")


TARIFFS: Final = {
    "CHF": Tariff(Decimal("3.50"), Decimal("2.10"), Decimal("0.45"), Decimal("9.00")),
    "EUR": Tariff(Decimal("2.50"), Decimal("1.35"), Decimal("0.30"), Decimal("6.00")),
    "GBP": Tariff(Decimal("2.60"), Decimal("1.25"), Decimal("0.28"), Decimal("5.50")),
    "JPY": Tariff(Decimal("400"), Decimal("180"), Decimal("40"), Decimal("800"), unit=Decimal("1")),
    "USD": Tariff(Decimal("2.75"), Decimal("1.20"), Decimal("0.32"), Decimal("6.50")),
}


def fare(distance_km: Decimal, duration_s: int, currency: str) -> Decimal:
    """Compute base + distance + time, rounded once, at the end, half up to the currency's unit.

    Args:
        distance_km: How far the trip went.
        duration_s: How long it took.
        currency: A key of `TARIFFS`.

    Returns:
        The amount to pay, never below the tariff's minimum.
    """
    tariff = TARIFFS[currency]
    amount = tariff.base + tariff.per_km * distance_km + tariff.per_minute * duration_s / 60
    return max(tariff.minimum, amount.quantize(tariff.unit, rounding=ROUND_HALF_UP))
