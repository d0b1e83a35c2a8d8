"""Tells what a driver has earned, by currency."""

from typing import Any

import psycopg
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from constructs_lib.runtime.database import Database

logger = Logger(service="driver-earnings")
database = Database.from_environment(psycopg, give_up_after_seconds=5)


@logger.inject_lambda_context
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - as Lambda calls it
    """Answer one question.

    Args:
        event: With the `driver_id`.
        context: Of this invocation.

    Returns:
        The driver, and for each currency the number of trips and the amount, as text: no digit of it is lost.

    Raises:
        ValueError: The event names no driver.
    """
    driver_id = event.get("driver_id")
    if not isinstance(driver_id, str) or not driver_id:
        raise ValueError("driver_id must be a text that is not empty")
    # It reads and changes nothing: in doubt it may run again.
    rows = database.run(lambda connection: _earnings(connection, driver_id), repeatable=True)
    return {
        "driver_id": driver_id,
        "earnings": [
            {"currency": currency, "trips": trips, "amount": str(amount)} for currency, trips, amount in rows
        ],
    }


def _earnings(connection: psycopg.Connection, driver_id: str) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT currency, trips, amount FROM driver_earnings WHERE driver_id = %s ORDER BY currency",
        (driver_id,),
    ).fetchall()
