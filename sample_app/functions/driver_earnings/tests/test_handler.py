import json
from typing import Any

import handler
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext


class FakeContext(LambdaContext):
    def __init__(self) -> None:
        self._function_name = "driver-earnings"
        self._function_version = "7"
        self._memory_limit_in_mb = 512
        self._invoked_function_arn = "arn:aws:lambda:eu-central-1:111122223333:function:driver-earnings:live"
        self._aws_request_id = "request-1"


@pytest.fixture(autouse=True)
def admin(rides: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(handler, "database", rides.application)
    return rides.admin


def ask(path: str) -> tuple[int, dict[str, Any]]:
    answer = handler.handle(
        {
            "resource": path,
            "path": path,
            "httpMethod": "GET",
            "headers": {},
            "multiValueHeaders": {},
            "queryStringParameters": None,
            "multiValueQueryStringParameters": None,
            "requestContext": {"requestId": "request-of-the-api", "stage": "prod", "path": path},
            "body": None,
            "isBase64Encoded": False,
        },
        FakeContext(),
    )
    assert answer["multiValueHeaders"]["X-Function-Version"] == ["7"]
    return answer["statusCode"], json.loads(answer["body"])


def test_a_driver_has_earned_so_much_in_each_currency(admin: Any) -> None:
    admin.execute(
        "INSERT INTO driver_earnings VALUES ('driver-7', 'USD', 1, 12.50), ('driver-7', 'EUR', 3, 40.10),"
        " ('driver-8', 'EUR', 1, 6)"
    )
    assert ask("/drivers/driver-7/earnings") == (
        200,
        {
            "driver_id": "driver-7",
            "earnings": [
                {"currency": "EUR", "trips": 3, "amount": "40.10"},
                {"currency": "USD", "trips": 1, "amount": "12.50"},
            ],
        },
    )


def test_a_driver_without_trips_has_earned_nothing() -> None:
    assert ask("/drivers/nobody/earnings") == (200, {"driver_id": "nobody", "earnings": []})


def test_another_path_is_a_problem() -> None:
    status, document = ask("/drivers/driver-7")
    assert (status, document["status"], document["correlation_id"]) == (404, 404, "request-of-the-api")


def test_a_question_survives_the_death_of_its_connection(admin: Any) -> None:
    ask("/drivers/driver-7/earnings")
    admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'trips'")
    assert ask("/drivers/driver-7/earnings") == (200, {"driver_id": "driver-7", "earnings": []})


def test_a_database_that_fails_is_not_the_callers_fault(admin: Any) -> None:
    admin.execute("ALTER TABLE driver_earnings RENAME TO elsewhere")
    status, document = ask("/drivers/driver-7/earnings")
    assert (status, document["detail"]) == (500, "Try again later.")
    assert "driver_earnings" not in json.dumps(document)
