"""Accepts completed trips and puts them on the queue; what they cost is somebody else's to say, later."""

import json
import os
from http import HTTPStatus
from typing import Annotated, Any

import boto3  # the runtime's own: not packaged
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from completed_trip import CompletedTrip
from problem import answer_errors, problem, version_header
from trip import InvalidTripError, parse_trip

logger = Logger(service="accept-trip")
app = APIGatewayRestResolver(enable_validation=True)
answer_errors(app, logger)
queue_url = os.environ["QUEUE_URL"]
sqs = boto3.client(
    "sqs",
    config=Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2}),
)


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle one request.

    Args:
        event: What API Gateway passes on.
        context: Of this invocation.

    Returns:
        What API Gateway answers.
    """
    return app.resolve(event, context)


@app.post("/trips")
def accept(trip: Annotated[CompletedTrip, Body()]) -> Response[str]:
    """Put a trip on the queue, as it came: a number written anew might be another one.

    Args:
        trip: Already checked.

    Returns:
        202: it will be stored. 422 for what only the text itself shows, such as a list with a trip in it.
    """
    body = app.current_event.decoded_body or ""
    try:
        parse_trip(body)  # as the function that stores it will: what fails there, nobody would be told
    except (InvalidTripError, ArithmeticError) as error:
        return problem(app, logger, HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
    correlation_id = logger.get_correlation_id() or ""
    sqs.send_message(
        QueueUrl=queue_url,
        MessageBody=body,
        MessageAttributes={
            "trip_id": {"DataType": "String", "StringValue": trip.trip_id},
            "correlation_id": {"DataType": "String", "StringValue": correlation_id},
        },
    )
    logger.info("trip accepted", trip_id=trip.trip_id)
    accepted = {"trip_id": trip.trip_id, "correlation_id": correlation_id}
    return Response(HTTPStatus.ACCEPTED.value, "application/json", json.dumps(accepted), version_header(app))


def refuse(error: RequestValidationError) -> Response[str]:
    """Say what is wrong with a request, field by field, and not what was sent.

    Args:
        error: Of the validation.

    Returns:
        422.
    """
    errors = [
        {"field": ".".join(str(part) for part in each["loc"]), "reason": each["msg"]}
        for each in error.errors()
    ]
    logger.info("trip refused", errors=errors)
    return problem(
        app, logger, HTTPStatus.UNPROCESSABLE_ENTITY, "Mend the fields and send it again.", errors=errors
    )


app.exception_handler(RequestValidationError)(refuse)
