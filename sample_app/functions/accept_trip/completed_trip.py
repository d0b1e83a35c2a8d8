"""A completed trip as callers send it.

What is accepted here must not fail further on: nobody would be told. So the types are as strict as those of
complete_trip, which reads the same text again.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from fare import TARIFFS
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StrictInt


def _number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")
    return value


def _time(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be a text")
    try:
        time = datetime.fromisoformat(value)
        return time.astimezone(UTC) if time.tzinfo else time
    except OverflowError:
        raise ValueError("must be a time of this age") from None


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must have printable characters only")
    return value


def _with_a_tariff(value: str) -> str:
    if value not in TARIFFS:
        raise ValueError(f"must be one of {', '.join(TARIFFS)}")
    return value


_Id = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_printable)]


class CompletedTrip(BaseModel):
    """The facts of one trip; what else is sent is nobody's concern.

    Attributes:
        trip_id: Who the trip is.
        driver_id: Who drove.
        rider_id: Who pays.
        currency: What the fare is paid in, one that has a tariff.
        distance_km: How far it went.
        duration_s: How long it took.
        completed_at: When it ended: ISO 8601 with its time zone.
    """

    model_config = ConfigDict(extra="ignore")

    trip_id: _Id
    driver_id: _Id
    rider_id: _Id
    currency: Annotated[str, AfterValidator(_with_a_tariff)]
    distance_km: Annotated[Decimal, BeforeValidator(_number), Field(ge=0, lt=100_000)]
    duration_s: Annotated[StrictInt, Field(ge=0, lt=2**31)]
    completed_at: Annotated[AwareDatetime, BeforeValidator(_time)]
