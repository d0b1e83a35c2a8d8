import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import botocore.exceptions
import handler
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.stub import Stubber
from receipt import UnknownCurrencyError, make_receipt

TRIP: dict[str, Any] = {
    "trip_id": "trip-00c0ffee",
    "driver_id": "driver-0007",
    "rider_id": "rider-00beef",
    "currency": "EUR",
    "fare": "12.8",
    "completed_at": "2026-01-05T18:30:00+00:00",
}
Handle = Callable[[dict[str, Any]], dict[str, str]]
WRITTEN = {
    "Bucket": "receipts-bucket",
    "Key": "receipts/trip-00c0ffee.json",
    "Body": make_receipt(TRIP).document,
    "ContentType": "application/json",
    "IfNoneMatch": "*",
}
ANSWER = {
    "trip_id": "trip-00c0ffee",
    "rider_id": "rider-00beef",
    "bucket": "receipts-bucket",
    "key": "receipts/trip-00c0ffee.json",
}


@pytest.fixture(autouse=True)
def bucket() -> Iterator[Stubber]:
    """Refuses every object that is not the one expected."""
    with Stubber(handler.s3) as stubber:
        yield stubber


@pytest.fixture
def handle(lambda_context: LambdaContext) -> Handle:
    return lambda trip: handler.handle({"detail-type": "Trip finished", "detail": trip}, lambda_context)


def test_a_receipt_is_written_only_once(bucket: Stubber, handle: Handle) -> None:
    bucket.add_response("put_object", {}, WRITTEN)
    assert handle(TRIP) == ANSWER
    bucket.assert_no_pending_responses()


def test_an_event_that_comes_twice_succeeds_twice_and_writes_once(bucket: Stubber, handle: Handle) -> None:
    bucket.add_client_error("put_object", "PreconditionFailed", http_status_code=412, expected_params=WRITTEN)
    assert handle(TRIP) == ANSWER


@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "AccessDenied", "NoSuchBucket"])
def test_what_s3_refuses_is_an_error_so_that_lambda_tries_again(
    bucket: Stubber, handle: Handle, code: str
) -> None:
    bucket.add_client_error("put_object", code, http_status_code=409)
    with pytest.raises(botocore.exceptions.ClientError, match=code):
        handle(TRIP)


def test_a_trip_that_gets_no_receipt_is_an_error_and_writes_nothing(handle: Handle) -> None:
    with pytest.raises(UnknownCurrencyError):
        handle(TRIP | {"currency": "SEK"})


def test_each_call_is_logged_with_its_trip_also_one_that_fails(
    monkeypatch: pytest.MonkeyPatch, handle: Handle
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(handler.logger.registered_handler, "stream", stream)
    with pytest.raises(UnknownCurrencyError):
        handle(TRIP | {"currency": "SEK"})
    said = json.loads(stream.getvalue().splitlines()[0])
    assert (said["message"], said["trip_id"]) == ("a trip has finished", "trip-00c0ffee")
    assert "rider-00beef" not in stream.getvalue()
