import io
import json
from collections import Counter
from decimal import Decimal
from typing import Any, cast

import handler
import psycopg
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from store import TripStore

from sample_app.demo.trips import Poison, make_rehearsal

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


Admin = psycopg.Connection[dict[str, Any]]


@pytest.fixture(autouse=True)
def admin(rides: Any, monkeypatch: pytest.MonkeyPatch) -> Admin:
    """The superuser of the handler's database."""
    monkeypatch.setattr(handler, "store", TripStore(rides.application))
    return cast("Admin", rides.admin)


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


def deliver(*bodies: str, attributes: dict[str, Any] | None = None) -> list[int]:
    """Give a batch to the handler; the numbers of the messages that it wants again."""
    records = [
        {
            "messageId": f"message-{number}",
            "body": body,
            "eventSource": "aws:sqs",
            "messageAttributes": attributes or {},
        }
        for number, body in enumerate(bodies)
    ]
    answer = handler.handle({"Records": records}, FakeContext())
    ids = [str(failure["itemIdentifier"]) for failure in answer["batchItemFailures"]]
    return [int(message_id.removeprefix("message-")) for message_id in ids]


def trips(admin: Admin) -> list[dict[str, Any]]:
    return admin.execute("SELECT * FROM trip ORDER BY trip_id").fetchall()


def earnings(admin: Admin) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in admin.execute("SELECT * FROM driver_earnings")]


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_trip_is_stored_with_its_facts_and_its_fare(admin: Admin) -> None:
    assert deliver(BODY) == []
    [trip] = trips(admin)
    assert trip.pop("completed_at").isoformat().startswith("2026-01-05T18:30:00")
    assert trip == {
        "trip_id": "trip-00c0ffee",
        "driver_id": "driver-0007",
        "rider_id": "rider-00beef",
        "currency": "EUR",
        "distance_km": 10,
        "duration_s": 1200,
        "fare": Decimal("22.00"),
    }


def test_the_driver_has_earned_the_sum_of_the_fares(admin: Admin) -> None:
    deliver(BODY, json.dumps(TRIP | {"trip_id": "trip-2"}))
    assert earnings(admin) == [("driver-0007", "EUR", 2, Decimal("44.00"))]


def test_a_duplicate_counts_as_handled_and_changes_nothing(admin: Admin, log: io.StringIO) -> None:
    deliver(BODY)
    before = trips(admin), earnings(admin)

    assert deliver(BODY) == []
    assert (trips(admin), earnings(admin)) == before
    line = lines(log)[-1]
    assert line["level"] == "INFO"
    assert "duplicate" in line["message"]
    assert (line["message_id"], line["trip_id"]) == ("message-0", "trip-00c0ffee")


def test_duplicates_in_one_batch_are_stored_and_paid_for_once(admin: Admin) -> None:
    assert deliver(BODY, BODY) == []
    assert len(trips(admin)) == 1
    assert earnings(admin) == [("driver-0007", "EUR", 1, Decimal("22.00"))]


def test_another_trip_under_the_same_id_is_kept_for_a_person_to_see(admin: Admin, log: io.StringIO) -> None:
    deliver(BODY)
    before = trips(admin), earnings(admin)

    assert deliver(json.dumps(TRIP | {"distance_km": 11})) == [0]
    assert (trips(admin), earnings(admin)) == before
    assert lines(log)[-1]["exception_name"] == "TripConflictError"


POISON = {
    Poison.NOT_JSON: (BODY[:-9], "InvalidTripError"),
    Poison.MISSING_FIELD: (BODY.replace("rider_id", "rider"), "InvalidTripError"),
    Poison.NEGATIVE_DISTANCE: (json.dumps(TRIP | {"distance_km": -1}), "InvalidTripError"),
    Poison.UNKNOWN_CURRENCY: (json.dumps(TRIP | {"currency": "XTS"}), "InvalidTripError"),
    Poison.HANDLER_EXCEPTION: (json.dumps(TRIP | {"rider_id": "rider-00beef\0"}), "DataError"),
}


@pytest.mark.parametrize("kind", Poison)
def test_poison_fails_alone(kind: Poison, admin: Admin, log: io.StringIO) -> None:
    body, error = POISON[kind]
    other = json.dumps(TRIP | {"trip_id": "trip-2"})

    assert deliver(body, other) == [0]
    assert [trip["trip_id"] for trip in trips(admin)] == ["trip-2"]
    line = lines(log)[0]
    assert line["level"] == "ERROR"
    assert line["message_id"] == "message-0"
    assert line["exception_name"] == error


@pytest.mark.parametrize("beyond", [{"distance_km": 1e130}, {"duration_s": 2**63}])
def test_a_number_beyond_all_bounds_fails(beyond: dict[str, Any], admin: Admin) -> None:
    assert deliver(json.dumps(TRIP | beyond)) == [0]
    assert not trips(admin)


def test_a_batch_of_only_poison_is_not_a_function_error(admin: Admin) -> None:
    assert deliver(*(body for body, _ in POISON.values())) == [0, 1, 2, 3, 4]
    assert not trips(admin)


def test_a_trip_that_the_database_refuses_is_left_to_the_queue_whole(admin: Admin) -> None:
    """The second statement of its transaction fails: the first one has left nothing."""
    admin.execute("ALTER TABLE driver_earnings ADD CONSTRAINT poor CHECK (amount < 10)")
    assert deliver(BODY) == [0]
    assert not trips(admin)
    admin.execute("ALTER TABLE driver_earnings DROP CONSTRAINT poor")
    assert deliver(BODY) == []
    assert earnings(admin) == [("driver-0007", "EUR", 1, Decimal("22.00"))]


def test_a_connection_that_died_is_nobodys_failure(admin: Admin) -> None:
    deliver(BODY)
    cut = admin.execute(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'trips'"
    ).fetchone()
    assert cut == {"count": 1}
    assert deliver(json.dumps(TRIP | {"trip_id": "trip-2"})) == []
    assert len(trips(admin)) == 2


def test_log_lines_name_the_service_and_the_request(log: io.StringIO) -> None:
    deliver(BODY[:-9])

    [line] = lines(log)
    assert line["service"] == "complete-trip"
    assert line["function_request_id"] == "request-1"


def test_the_id_of_the_request_that_brought_a_trip_is_in_the_log(log: io.StringIO) -> None:
    asked = {"correlation_id": {"stringValue": "request-of-the-api", "dataType": "String"}}
    assert deliver(BODY, attributes=asked) == []
    assert deliver(BODY) == []
    assert [line["correlation_id"] for line in lines(log)] == ["request-of-the-api", "message-0"]


def test_nobody_is_named_in_the_log(log: io.StringIO) -> None:
    bodies = [BODY, BODY, json.dumps(TRIP | {"distance_km": 11}), *(body for body, _ in POISON.values())]
    deliver(*bodies, json.dumps(TRIP | {"trip_id": "trip-3", "duration_s": 2**63}))

    assert len(lines(log)) == 9
    assert "driver-0007" not in log.getvalue()
    assert "rider-00beef" not in log.getvalue()


@pytest.mark.parametrize("seed", range(3))
def test_a_rehearsal_comes_out_as_it_must(seed: int, admin: Admin) -> None:
    """The demo in small: a queue that delivers five times, then gives up."""
    rehearsal = make_rehearsal(seed)

    queue, failures = list(rehearsal.messages), Counter[str]()
    for _ in range(5):
        batches = [queue[start : start + 10] for start in range(0, len(queue), 10)]
        queue = [
            batch[number] for batch in batches for number in deliver(*(message.body for message in batch))
        ]
        failures.update(message.trip_id for message in queue)

    assert {message.trip_id for message in queue} == rehearsal.poison.keys()
    assert failures == dict.fromkeys(rehearsal.poison, 5)
    stored = {trip["trip_id"]: trip for trip in trips(admin)}
    assert stored.keys() == rehearsal.stored.keys()
    for trip_id, trip in rehearsal.stored.items():
        for name in ("driver_id", "rider_id", "currency", "distance_km", "duration_s"):
            assert stored[trip_id][name] == getattr(trip, name)
    assert sum(row[2] for row in earnings(admin)) == len(stored)
    assert sum(row[3] for row in earnings(admin)) == sum(trip["fare"] for trip in stored.values())
