"""The tables that hold each completed trip exactly once, and what its driver has earned."""

from decimal import Decimal
from functools import partial

import psycopg
from trip import Trip

from constructs_lib.runtime.database import Database
from constructs_lib.runtime.once import Once


class TripConflictError(Exception):
    """Another trip is stored under this id."""


class TripStore:
    """Stores a trip once, however often it arrives.

    The driver's earnings are a running total, so that storing a trip twice would pay for it twice. What keeps
    them right is that the trip, the total and the marker that says that this was done are one transaction.

    Args:
        database: PostgreSQL, with the tables that the migrations make.
    """

    def __init__(self, database: Database) -> None:
        self._once = Once(database, consumer="complete-trip")

    def put(self, trip: Trip, fare: Decimal) -> bool:
        """Store a trip with its fare, and add the fare to what the driver has earned.

        Args:
            trip: What the message told.
            fare: What it costs.

        Returns:
            True if it is new, False if this very trip was there already.

        Raises:
            TripConflictError: Another trip has this id. It is not overwritten, and this one not dropped.
        """
        try:
            return self._once(trip.fingerprint, partial(_insert, trip=trip, fare=fare))
        except psycopg.errors.UniqueViolation as error:
            raise TripConflictError(f"another trip is stored as {trip.trip_id}") from error


def _insert(connection: psycopg.Connection, *, trip: Trip, fare: Decimal) -> None:
    connection.execute(
        "INSERT INTO trip (trip_id, driver_id, rider_id, currency, distance_km, duration_s, completed_at, fare)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (
            trip.trip_id,
            trip.driver_id,
            trip.rider_id,
            trip.currency,
            trip.distance_km,
            trip.duration_s,
            trip.completed_at,
            fare,
        ),
    )
    connection.execute(
        "INSERT INTO driver_earnings AS sofar (driver_id, currency, trips, amount) VALUES (%s, %s, 1, %s)"
        " ON CONFLICT (driver_id, currency)"
        " DO UPDATE SET trips = sofar.trips + 1, amount = sofar.amount + excluded.amount",
        (trip.driver_id, trip.currency, fare),
    )
