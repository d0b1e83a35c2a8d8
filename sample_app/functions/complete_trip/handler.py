"""Stores each completed trip of a batch with its fare.

At Lambda this folder is the top of the package, so its modules import each other by their bare names.
"""

from typing import Any

import psycopg
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from fare import fare
from store import TripStore
from trip import parse_trip

from constructs_lib.runtime.database import Database

# No Tracer: its import takes longer than everything else here, and each cold start would pay for it.
logger = Logger(service="complete-trip")

# A batch of nothing but poison is no fault of the function. Reported message by message it goes the same way
# to the dead-letter queue as poison among good trips, and does not count as an error of the function.
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)

# Opened by the first trip. Two seconds for each of ten messages end well before the function does; what is not
# done by then, the queue delivers again.
database = Database.from_environment(psycopg, give_up_after_seconds=2)
store = TripStore(database)


@logger.inject_lambda_context
def handle(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handle a batch of messages.

    Args:
        event: What SQS delivers.
        context: Of this invocation.

    Returns:
        The messages to deliver again.
    """
    database.register_lambda_context(context)
    return process_partial_response(
        event=event, record_handler=complete_trip, processor=processor, context=context
    )


def complete_trip(record: SQSRecord) -> None:
    """Store the trip of one message; raises if that cannot be done.

    Args:
        record: The message. Its body is never logged: it says who went where.
    """
    # Where the trip came in over HTTP, this is the id that its caller was given.
    attributes = record.get("messageAttributes") or {}
    logger.set_correlation_id(attributes.get("correlation_id", {}).get("stringValue", record.message_id))
    try:
        trip = parse_trip(record.body)
        is_new = store.put(trip, fare(trip.distance_km, trip.duration_s, trip.currency))
    except Exception as error:
        # Without the error's own text and traceback: PostgreSQL quotes values there.
        logger.error("trip failed", message_id=record.message_id, exception_name=type(error).__name__)
        raise
    message = "trip stored" if is_new else "trip was stored already: a duplicate"
    logger.info(message, message_id=record.message_id, trip_id=trip.trip_id)
