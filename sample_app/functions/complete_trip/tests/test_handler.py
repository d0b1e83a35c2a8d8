import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

import handler
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from sample_app.trips import Poison, make_rehearsal

TRIP: dict[str, Any] = {
    "trip_id": "trip-00c0ffee",
    "driver_id": "driver-0007",
    "rider_id": "rider-00beef",
    "currency": "EUR",
    "distance_km": 10,
    "duration_s": 1200,
    "completed_at": "2026-01-05T18:30:00+00:00",
}
BODY = json.dumps(TRIP)


@dataclass
class FakeDynamoDB:
    """The end of the wire: it answers the handler's own client, whose settings and parsers are real."""

    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)
    puts: list[str] = field(default_factory=list)

    def answer(self, request: AWSPreparedRequest, **_: object) -> Any:
        put = json.loads(cast("bytes", request.body))
        assert request.headers["X-Amz-Target"] == b"DynamoDB_20120810.PutItem"
        assert put["TableName"] == "trips"
        assert put["ConditionExpression"] == "attribute_not_exists(trip_id)"
        trip_id = put["Item"]["trip_id"]["S"]
        self.puts.append(trip_id)
        if self.faults.get(trip_id):
            return _response(request, 400, {"__type": self.faults[trip_id].pop(0)})
        if old := self.items.get(trip_id):
            failed: dict[str, Any] = {"__type": "ConditionalCheckFailedException"}
            if put.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD":
                failed["Item"] = old
            return _response(request, 400, failed)
        self.items[trip_id] = put["Item"]
        return _response(request, 200, {})


class _Raw(io.BytesIO):
    def stream(self) -> Iterator[bytes]:
        yield self.read()


def _response(request: AWSPreparedRequest, status: int, body: dict[str, Any]) -> AWSResponse:
    return AWSResponse(request.url, status, HTTPHeaders(), _Raw(json.dumps(body).encode()))


@pytest.fixture(autouse=True)
def dynamodb() -> Iterator[FakeDynamoDB]:
    fake = FakeDynamoDB()
    events = handler.dynamodb.meta.events
    events.register("before-send.dynamodb.*", fake.answer)
    yield fake
    events.unregister("before-send.dynamodb.*", fake.answer)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr(handler.logger.registered_handler, "stream", stream)
    return stream


class FakeContext(LambdaContext):
    def __init__(self) -> None:
        self._function_name = "complete-trip"
        self._memory_limit_in_mb = 256
        self._invoked_function_arn = "arn:aws:lambda:eu-central-1:111122223333:function:complete-trip"
        self._aws_request_id = "request-1"


def deliver(*bodies: str) -> list[int]:
    """Give a batch to the handler; the numbers of the messages that it wants again."""
    records = [
        {"messageId": f"message-{number}", "body": body, "eventSource": "aws:sqs"}
        for number, body in enumerate(bodies)
    ]
    answer = handler.handle({"Records": records}, FakeContext())
    ids = [str(failure["itemIdentifier"]) for failure in answer["batchItemFailures"]]
    return [int(message_id.removeprefix("message-")) for message_id in ids]


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_trip_is_stored_with_its_facts_and_its_fare(dynamodb: FakeDynamoDB) -> None:
    assert deliver(BODY) == []
    item = dynamodb.items["trip-00c0ffee"]
    fingerprint = item.pop("fingerprint")["S"]
    assert item == {
        "trip_id": {"S": "trip-00c0ffee"},
        "driver_id": {"S": "driver-0007"},
        "rider_id": {"S": "rider-00beef"},
        "currency": {"S": "EUR"},
        "distance_km": {"N": "10"},
        "duration_s": {"N": "1200"},
        "completed_at": {"S": "2026-01-05T18:30:00+00:00"},
        "fare": {"N": "22.00"},
    }
    assert len(fingerprint) == 64


def test_a_duplicate_counts_as_handled_and_changes_nothing(dynamodb: FakeDynamoDB, log: io.StringIO) -> None:
    deliver(BODY)
    before = dict(dynamodb.items)

    assert deliver(BODY) == []
    assert dynamodb.items == before
    [line] = lines(log)
    assert line["level"] == "INFO"
    assert "duplicate" in line["message"]
    assert (line["message_id"], line["trip_id"]) == ("message-0", "trip-00c0ffee")


def test_duplicates_in_one_batch_are_stored_once(dynamodb: FakeDynamoDB) -> None:
    assert deliver(BODY, BODY) == []
    assert len(dynamodb.items) == 1


def test_another_trip_under_the_same_id_is_kept_for_a_person_to_see(dynamodb: FakeDynamoDB) -> None:
    other = json.dumps(TRIP | {"distance_km": 11})
    deliver(BODY)
    before = dict(dynamodb.items)

    assert deliver(other) == [0]
    assert dynamodb.items == before


def test_an_item_without_a_fingerprint_is_taken_for_another_trip(dynamodb: FakeDynamoDB) -> None:
    dynamodb.items["trip-00c0ffee"] = {"trip_id": {"S": "trip-00c0ffee"}}

    assert deliver(BODY) == [0]


POISON = {
    Poison.NOT_JSON: (BODY[:-9], "InvalidTripError"),
    Poison.MISSING_FIELD: (BODY.replace("rider_id", "rider"), "InvalidTripError"),
    Poison.NEGATIVE_DISTANCE: (json.dumps(TRIP | {"distance_km": -1}), "InvalidTripError"),
    Poison.UNKNOWN_CURRENCY: (json.dumps(TRIP | {"currency": "XTS"}), "InvalidTripError"),
    Poison.HANDLER_EXCEPTION: (BODY.replace("10,", f"10.{'3' * 38},"), "Inexact"),
}


@pytest.mark.parametrize("kind", Poison)
def test_poison_fails_alone(kind: Poison, dynamodb: FakeDynamoDB, log: io.StringIO) -> None:
    body, error = POISON[kind]
    other = json.dumps(TRIP | {"trip_id": "trip-2"})

    assert deliver(body, other) == [0]
    assert list(dynamodb.items) == ["trip-2"]
    [line] = lines(log)
    assert line["level"] == "ERROR"
    assert line["message_id"] == "message-0"
    assert line["exception_name"] == error


def test_a_distance_beyond_all_bounds_fails(dynamodb: FakeDynamoDB) -> None:
    assert deliver(json.dumps(TRIP | {"distance_km": 1e130})) == [0]
    assert not dynamodb.items


def test_a_batch_of_nothing_but_poison_is_no_function_error(dynamodb: FakeDynamoDB) -> None:
    assert deliver(*(body for body, _ in POISON.values())) == [0, 1, 2, 3, 4]
    assert not dynamodb.items


@pytest.mark.parametrize("code", ["TransactionConflictException", "ResourceNotFoundException"])
def test_a_fault_of_dynamodb_fails_the_message_and_is_left_to_the_queue(
    code: str, dynamodb: FakeDynamoDB
) -> None:
    """One call each time: the client tries neither code again by itself."""
    dynamodb.faults["trip-00c0ffee"] = [code, code]

    assert [deliver(BODY), deliver(BODY), deliver(BODY)] == [[0], [0], []]
    assert len(dynamodb.puts) == 3
    assert len(dynamodb.items) == 1


def test_throttling_is_tried_once_more_at_once(dynamodb: FakeDynamoDB) -> None:
    dynamodb.faults["trip-00c0ffee"] = ["ThrottlingException"]

    assert deliver(BODY) == []
    assert len(dynamodb.puts) == 2


def test_the_client_gives_up_before_the_function_does() -> None:
    config: Any = handler.dynamodb.meta.config
    seconds = config.connect_timeout + config.read_timeout
    assert seconds * config.retries["total_max_attempts"] <= 6


def test_log_lines_name_the_service_and_the_request(log: io.StringIO) -> None:
    deliver(BODY[:-9])

    [line] = lines(log)
    assert line["service"] == "complete-trip"
    assert line["function_request_id"] == "request-1"


def test_nobody_is_named_in_the_log(log: io.StringIO) -> None:
    bodies = [BODY, BODY, json.dumps(TRIP | {"distance_km": 11}), *(body for body, _ in POISON.values())]
    deliver(*bodies)

    assert len(lines(log)) == 7
    assert "driver-0007" not in log.getvalue()
    assert "rider-00beef" not in log.getvalue()


@pytest.mark.parametrize("seed", range(5))
def test_a_rehearsal_comes_out_as_it_must(seed: int, dynamodb: FakeDynamoDB) -> None:
    """The demo in small: a queue that delivers five times, then gives up."""
    rehearsal = make_rehearsal(seed)
    dynamodb.faults = {trip_id: ["TransactionConflictException"] * 2 for trip_id in rehearsal.flaky}

    queue, failures = list(rehearsal.messages), Counter[str]()
    for _ in range(5):
        batches = [queue[start : start + 10] for start in range(0, len(queue), 10)]
        queue = [
            batch[number] for batch in batches for number in deliver(*(message.body for message in batch))
        ]
        failures.update(message.trip_id for message in queue)

    assert {message.trip_id for message in queue} == rehearsal.poison.keys()
    assert failures == dict.fromkeys(rehearsal.poison, 5) | dict.fromkeys(rehearsal.flaky, 2)
    assert dynamodb.items.keys() == rehearsal.stored.keys()
    for trip_id, trip in rehearsal.stored.items():
        item = dynamodb.items[trip_id]
        assert Decimal(item["distance_km"]["N"]) == trip.distance_km
        assert int(item["duration_s"]["N"]) == trip.duration_s
        for name in ("driver_id", "rider_id", "currency", "completed_at"):
            assert item[name]["S"] == getattr(trip, name)
