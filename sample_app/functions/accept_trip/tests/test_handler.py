import importlib.util
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import handler
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.stub import Stubber

TRIP: dict[str, Any] = {
    "trip_id": "trip-00c0ffee",
    "driver_id": "driver-0007",
    "rider_id": "rider-00beef",
    "currency": "EUR",
    "distance_km": 10.25,
    "duration_s": 1200,
    "completed_at": "2026-01-05T18:30:00+00:00",
}


def _consumers_parser() -> Any:
    """How complete_trip reads the same text: its folder is not on the path here."""
    spec = importlib.util.spec_from_file_location(
        "trip_of_the_consumer", Path(__file__).parents[2] / "complete_trip" / "trip.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look it up
    spec.loader.exec_module(module)
    return module.parse_trip


parse_trip = _consumers_parser()


class FakeContext(LambdaContext):
    def __init__(self) -> None:
        self._function_name = "accept-trip"
        self._function_version = "7"
        self._memory_limit_in_mb = 512
        self._invoked_function_arn = "arn:aws:lambda:eu-central-1:111122223333:function:accept-trip:live"
        self._aws_request_id = "request-1"


@pytest.fixture(autouse=True)
def queue() -> Iterator[Stubber]:
    """Refuses every message that is not the one expected."""
    with Stubber(handler.sqs) as stubber:
        yield stubber


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr(handler.logger.registered_handler, "stream", stream)
    return stream


def post(body: str, path: str = "/trips", method: str = "POST") -> dict[str, Any]:
    return handler.handle(
        {
            "resource": path,
            "path": path,
            "httpMethod": method,
            "headers": {"Content-Type": "application/json"},
            "multiValueHeaders": {"Content-Type": ["application/json"]},
            "queryStringParameters": None,
            "multiValueQueryStringParameters": None,
            "pathParameters": None,
            "requestContext": {"requestId": "request-of-the-api", "stage": "prod", "path": path},
            "body": body,
            "isBase64Encoded": False,
        },
        FakeContext(),
    )


def expect(queue: Stubber, body: str, **answer: Any) -> None:
    attributes = {
        "trip_id": {"DataType": "String", "StringValue": TRIP["trip_id"]},
        "correlation_id": {"DataType": "String", "StringValue": "request-of-the-api"},
    }
    sent = {"QueueUrl": handler.queue_url, "MessageBody": body, "MessageAttributes": attributes}
    if answer:
        queue.add_client_error("send_message", expected_params=sent, **answer)
    else:
        queue.add_response("send_message", {"MessageId": "1"}, sent)


def problem(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["multiValueHeaders"]["Content-Type"] == ["application/problem+json"]
    document: dict[str, Any] = json.loads(answer["body"])
    assert document["status"] == answer["statusCode"]
    assert document["correlation_id"] == "request-of-the-api"
    return document


def test_a_trip_goes_onto_the_queue_as_it_came(queue: Stubber) -> None:
    body = json.dumps(TRIP | {"more": "than asked"}, indent=1)
    expect(queue, body)
    answer = post(body)
    assert answer["statusCode"] == 202
    assert json.loads(answer["body"]) == {
        "trip_id": "trip-00c0ffee",
        "correlation_id": "request-of-the-api",
    }
    assert answer["multiValueHeaders"]["X-Function-Version"] == ["7"]
    queue.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"trip_id": ""}, "body.trip_id"),
        ({"trip_id": "x" * 129}, "body.trip_id"),
        ({"rider_id": "rider\0"}, "body.rider_id"),
        ({"rider_id": "\ud800"}, "body.rider_id"),
        ({"driver_id": 7}, "body.driver_id"),
        ({"currency": "Euro"}, "body.currency"),
        ({"currency": "XTS"}, "body.currency"),
        ({"distance_km": -1}, "body.distance_km"),
        ({"distance_km": "10.25"}, "body.distance_km"),
        ({"distance_km": True}, "body.distance_km"),
        ({"distance_km": 1e9}, "body.distance_km"),
        ({"duration_s": "1200"}, "body.duration_s"),
        ({"duration_s": 1.5}, "body.duration_s"),
        ({"completed_at": "2026-01-05T18:30:00"}, "body.completed_at"),
        ({"completed_at": 1_767_637_800}, "body.completed_at"),
        ({"completed_at": "1767637800"}, "body.completed_at"),
        ({"completed_at": "0001-01-01T00:00:00+23:00"}, "body.completed_at"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_sent(change: dict[str, Any], field: str) -> None:
    document = problem(post(json.dumps(TRIP | change)))
    assert document["status"] == 422
    assert [each["field"] for each in document["errors"]] == [field]


@pytest.mark.parametrize(
    "change",
    [
        {"trip_id": TRIP["trip_id"]},
        {"driver_id": "é" * 128},
        {"rider_id": "\U0001f697"},
        {"currency": "JPY"},
        {"distance_km": 0},
        {"distance_km": 1e-300},
        {"distance_km": 99_999.999},
        {"duration_s": 0},
        {"duration_s": 2**31 - 1},
        {"completed_at": "2026-01-05T18:30Z"},
        {"completed_at": "2026-W01-1T10:00:00,5+01:00"},
    ],
)
def test_what_is_accepted_does_not_fail_further_on(change: dict[str, Any], queue: Stubber) -> None:
    body = json.dumps(TRIP | change)
    expect(queue, body)
    assert post(body)["statusCode"] == 202
    assert parse_trip(body)


def test_a_missing_field_is_named() -> None:
    body = json.dumps({name: value for name, value in TRIP.items() if name != "rider_id"})
    assert problem(post(body))["errors"] == [{"field": "body.rider_id", "reason": "Field required"}]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "7",
        f"[{json.dumps(TRIP)}]",
        json.dumps(TRIP | {"more": float("nan")}),
        json.dumps(TRIP).replace("10.25", 'NaN, "distance_km": 10'),
        json.dumps(TRIP).replace("10.25", "1e-99999999999999999999"),
    ],
)
def test_what_is_not_a_trip_is_refused(body: str) -> None:
    assert problem(post(body))["status"] == 422


def test_an_unknown_path_is_a_problem_too() -> None:
    assert problem(post("", path="/trip"))["status"] == 404


def test_a_queue_that_fails_is_not_the_callers_fault(queue: Stubber, log: io.StringIO) -> None:
    body = json.dumps(TRIP)
    expect(queue, body, service_error_code="InternalError", http_status_code=500)
    document = problem(post(body))
    assert (document["status"], document["detail"]) == (500, "Try again later.")
    [line] = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (line["message"], line["correlation_id"]) == ("request failed", "request-of-the-api")


def test_nobody_is_named_in_the_log(queue: Stubber, log: io.StringIO) -> None:
    expect(queue, json.dumps(TRIP))
    post(json.dumps(TRIP))
    post(json.dumps(TRIP | {"driver_id": "driver-0007\0"}))
    assert len(log.getvalue().splitlines()) == 2
    assert "driver-0007" not in log.getvalue()
    assert "rider-00beef" not in log.getvalue()
