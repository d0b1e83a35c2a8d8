"""Tells what a driver has earned, by currency."""

import json
from http import HTTPStatus
from typing import Any

import psycopg
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext
from problem import answer_errors, version_header

from constructs_lib.runtime.database import Database

logger = Logger(service="driver-earnings")
app = APIGatewayRestResolver()
answer_errors(app, logger)
database = Database.from_environment(psycopg, give_up_after_seconds=5)


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle one request.

    Args:
        event: What API Gateway passes on.
        context: Of this invocation.

    Returns:
        What API Gateway answers.
    """
    database.register_lambda_context(context)
    return app.resolve(event, context)


@app.get("/drivers/<driver_id>/earnings")
def earnings(driver_id: str) -> Response[str]:
    """Read what a driver has earned.

    Args:
        driver_id: Who.

    Returns:
        For each currency the number of trips and the amount, as text: no digit of it is lost.
    """
    # It reads and changes nothing: in doubt it may run again.
    rows = database.run(lambda connection: _earnings(connection, driver_id), repeatable=True)
    answer = {
        "driver_id": driver_id,
        "earnings": [
            {"currency": currency, "trips": trips, "amount": str(amount)} for currency, trips, amount in rows
        ],
    }
    return Response(HTTPStatus.OK.value, "application/json", json.dumps(answer), version_header(app))


def _earnings(connection: psycopg.Connection, driver_id: str) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT currency, trips, amount FROM driver_earnings WHERE driver_id = %s ORDER BY currency",
        (driver_id,),
    ).fetchall()
