"""The secret is read when it is needed, and again when it is refused."""

import sys
from types import ModuleType
from typing import Any

import pytest
from botocore import exceptions
from botocore.exceptions import ClientError

from constructs_lib.runtime.database import LoginUnavailableError
from constructs_lib.runtime.secret_login import SecretLogin
from tests.runtime.server import Secret


def test_read_once_and_again_after_a_refusal() -> None:
    secret = Secret()
    login = SecretLogin("app", fetch=secret.fetch)
    assert secret.reads == 0
    assert [login.credentials(5) for _ in range(3)] == [("app", secret.password)] * 3
    assert secret.reads == 1
    secret.user, secret.password = "app_clone", "other"
    assert login.renew() is True
    assert login.credentials(5) == ("app_clone", "other")
    assert secret.reads == 2


@pytest.mark.parametrize(
    "value",
    [
        "hidden-thing",
        '{"username": "hidden-thing"}',
        '["hidden-thing"]',
        "null",
        '{"username": "app", "password": null, "more": "hidden-thing"}',
        '{"username": null, "password": "hidden-thing"}',
        '{"username": "app", "password": 12345, "more": "hidden-thing"}',
    ],
)
def test_secret_without_a_login_is_refused_and_not_shown(value: str) -> None:
    with pytest.raises(ValueError, match="arn:x must be JSON with username and password") as caught:
        SecretLogin("arn:x", fetch=lambda secret_id: value).credentials(5)
    assert "hidden-thing" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def aws_error(code: str, status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "GetSecretValue")


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (aws_error("ThrottlingException"), True),
        (aws_error("TooManyRequestsException", 429), True),
        (aws_error("InternalServiceError", 500), True),
        (aws_error("ServiceUnavailable", 503), True),
        (aws_error("AccessDeniedException"), False),
        (aws_error("ResourceNotFoundException"), False),
        (aws_error("DecryptionFailure"), False),
        (exceptions.EndpointConnectionError(endpoint_url="https://..."), True),
        (exceptions.ConnectTimeoutError(endpoint_url="https://..."), True),
        (exceptions.ReadTimeoutError(endpoint_url="https://..."), True),
        (exceptions.ConnectionClosedError(endpoint_url="https://..."), True),
        (exceptions.NoCredentialsError(), False),
        (exceptions.NoRegionError(), False),
        (ValueError("of the fetch"), False),
        (TimeoutError("a deadline of the caller"), False),
    ],
    ids=repr,
)
def test_errors_that_may_pass_are_distinguished(error: Exception, passes: bool) -> None:
    def fetch(secret_id: str) -> str:
        raise error

    with pytest.raises(LoginUnavailableError if passes else type(error)) as caught:
        SecretLogin("arn:x", fetch=fetch).credentials(5)
    assert (caught.value.__cause__ if passes else caught.value) is error


def test_secrets_manager_is_asked_once_and_for_a_limited_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another try is up to the caller, who knows how much time there is."""
    asked: list[Any] = []

    class Client:
        def get_secret_value(self, **arguments: str) -> dict[str, str]:
            asked.append(arguments)
            return {"SecretString": Secret().fetch("app")}

    def client(service: str, config: Any) -> Client:
        asked.append((service, config.connect_timeout + config.read_timeout, config.retries))
        return Client()

    boto3 = ModuleType("boto3")
    boto3.client = client  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "boto3", boto3)
    login = SecretLogin("arn:x")
    assert asked == []
    for seconds in (5, 1):
        login.credentials(seconds)
        login.credentials(seconds)
        login.renew()
    once = {"total_max_attempts": 1}
    arguments = {"SecretId": "arn:x"}
    assert asked == [("secretsmanager", 5, once), arguments, ("secretsmanager", 1, once), arguments]
