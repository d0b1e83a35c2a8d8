"""A completed trip as callers send it."""

from decimal import Decimal
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictInt

_Text = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00]*$")]


class CompletedTrip(BaseModel):
    """The facts of one trip; what else is sent is nobody's concern.

    Attributes:
        trip_id: Who the trip is.
        driver_id: Who drove.
        rider_id: Who pays.
        currency: Three capital letters of ISO 4217; whether it has a tariff is known further on.
        distance_km: How far it went.
        duration_s: How long it took.
        completed_at: When it ended, with its time zone.
    """

    model_config = ConfigDict(extra="ignore")

    trip_id: _Text
    driver_id: _Text
    rider_id: _Text
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    distance_km: Annotated[Decimal, Field(ge=0, lt=100_000)]
    duration_s: Annotated[StrictInt, Field(ge=0, lt=2**31)]
    completed_at: AwareDatetime
