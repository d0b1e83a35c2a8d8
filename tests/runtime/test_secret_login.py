"""The secret is read when it is needed, and again when it is refused."""

import sys
from types import ModuleType
from typing import Any

import pytest

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
    "value", ["hidden-thing", '{"username": "hidden-thing"}', '["hidden-thing"]', "null"]
)
def test_secret_without_a_login_is_refused_and_not_shown(value: str) -> None:
    with pytest.raises(ValueError, match="arn:x must be JSON with username and password") as caught:
        SecretLogin("arn:x", fetch=lambda secret_id: value).credentials(5)
    assert "hidden-thing" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_secrets_manager_is_asked_with_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    class Client:
        def get_secret_value(self, **arguments: str) -> dict[str, str]:
            asked.append(arguments)
            return {"SecretString": Secret().fetch("app")}

    def client(service: str) -> Client:
        asked.append(service)
        return Client()

    boto3 = ModuleType("boto3")
    boto3.client = client  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "boto3", boto3)
    login = SecretLogin("arn:x")
    assert asked == []
    for _ in range(2):
        login.credentials(5)
        login.renew()
    assert asked == ["secretsmanager", {"SecretId": "arn:x"}, {"SecretId": "arn:x"}]
