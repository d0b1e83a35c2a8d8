"""Credentials come from where Lambda puts them."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from constructs_lib.runtime import credentials
from constructs_lib.runtime.credentials import Credentials, CredentialSource


@dataclass
class Endpoint:
    """Stands for Lambda's own endpoint after a restore."""

    uri: str = ""
    good_for: float = 3600
    failures: int = 0
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    endpoint = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            endpoint.asked.append(self.headers.get("Authorization"))
            if endpoint.failures:
                endpoint.failures -= 1
                self.send_error(503)
                return
            expires = datetime.fromtimestamp(time.time() + endpoint.good_for, UTC)
            body = {
                "AccessKeyId": f"ASIA{len(endpoint.asked)}",
                "SecretAccessKey": "hidden",
                "Token": "session",
                "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name it overrides
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    endpoint.uri = f"http://127.0.0.1:{server.server_port}/2021-04-23/credentials"
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.uri)
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "from-the-variable")
    yield endpoint
    server.shutdown()
    thread.join()
    server.server_close()


def test_environment_comes_first(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    source = CredentialSource()
    assert source.get() == Credentials("AKID", "hidden", None)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")
    assert source.get() == Credentials("AKID", "hidden", "session")
    assert endpoint.asked == []
    assert source.forget() is False


def test_an_empty_session_token_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be part of what is signed."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "")
    assert CredentialSource().get() == Credentials("AKID", "hidden", None)


def test_endpoint_is_asked_once_while_its_credentials_are_good(endpoint: Endpoint) -> None:
    source = CredentialSource()
    assert [source.get() for _ in range(3)] == [Credentials("ASIA1", "hidden", "session")] * 3
    assert endpoint.asked == ["from-the-variable"]


def test_credentials_are_fetched_again_before_they_expire(endpoint: Endpoint) -> None:
    endpoint.good_for = 299
    source = CredentialSource()
    assert [source.get().access_key for _ in range(2)] == ["ASIA1", "ASIA2"]


def test_forgotten_credentials_are_fetched_again(endpoint: Endpoint) -> None:
    source = CredentialSource()
    source.get()
    assert source.forget() is True
    assert source.forget() is False
    assert source.get().access_key == "ASIA2"


@pytest.mark.parametrize("moment", ["while they are fetched", "while they are good"])
def test_credentials_that_another_thread_forgets_are_given_all_the_same(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    source = CredentialSource()
    if moment == "while they are good":
        source.get()
        now = time.time()

        class Time:
            @staticmethod
            def time() -> float:
                source.forget()
                return now

        monkeypatch.setattr(credentials, "time", Time)
    else:
        parse = credentials._seconds

        def forgetting(timestamp: str) -> float:
            source.forget()
            return parse(timestamp)

        monkeypatch.setattr(credentials, "_seconds", forgetting)
    assert source.get() == Credentials("ASIA1", "hidden", "session")


def test_token_of_a_file_is_read_each_time(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    endpoint.good_for = 0
    file = tmp_path / "token"
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(file))
    source = CredentialSource()
    for token in ("first", "second"):
        file.write_text(f"{token}\n")
        source.get()
    assert endpoint.asked == ["first", "second"]


def test_failing_endpoint_is_asked_again(endpoint: Endpoint) -> None:
    endpoint.failures = 2
    assert CredentialSource().get().access_key == "ASIA3"
    endpoint.failures = 3
    with pytest.raises(OSError, match="503"):
        CredentialSource().get()


def test_a_proxy_has_no_part_in_it(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert CredentialSource().get().access_key == "ASIA1"


def test_elsewhere_botocore_knows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    with pytest.raises(RuntimeError, match="no AWS credentials"):
        CredentialSource().get()
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id = AKID\naws_secret_access_key = hidden\n"
    )
    assert CredentialSource().get() == Credentials("AKID", "hidden", None)
