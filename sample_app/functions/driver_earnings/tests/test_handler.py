from typing import Any

import handler
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext


class FakeContext(LambdaContext):
    def __init__(self) -> None:
        self._function_name = "driver-earnings"
        self._memory_limit_in_mb = 256
        self._invoked_function_arn = "arn:aws:lambda:eu-central-1:111122223333:function:driver-earnings"
        self._aws_request_id = "request-1"


@pytest.fixture(autouse=True)
def admin(rides: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(handler, "database", rides.application)
    return rides.admin


def test_a_driver_has_earned_so_much_in_each_currency(admin: Any) -> None:
    admin.execute(
        "INSERT INTO driver_earnings VALUES ('driver-7', 'USD', 1, 12.50), ('driver-7', 'EUR', 3, 40.10),"
        " ('driver-8', 'EUR', 1, 6)"
    )
    assert handler.handle({"driver_id": "driver-7"}, FakeContext()) == {
        "driver_id": "driver-7",
        "earnings": [
            {"currency": "EUR", "trips": 3, "amount": "40.10"},
            {"currency": "USD", "trips": 1, "amount": "12.50"},
        ],
    }


def test_a_driver_without_trips_has_earned_nothing() -> None:
    answer = handler.handle({"driver_id": "nobody"}, FakeContext())
    assert answer == {"driver_id": "nobody", "earnings": []}


@pytest.mark.parametrize("event", [{}, {"driver_id": ""}, {"driver_id": 7}])
def test_an_event_without_a_driver_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="driver_id must be a text"):
        handler.handle(event, FakeContext())


def test_a_question_survives_the_death_of_its_connection(admin: Any) -> None:
    handler.handle({"driver_id": "driver-7"}, FakeContext())
    admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'trips'")
    assert handler.handle({"driver_id": "driver-7"}, FakeContext())["earnings"] == []
