"""The token of a serverless cache is botocore's, and a real server takes it as a password."""

import datetime
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials

from benchmarks.database.debian import CACHE, MissingProgramError, find_program
from constructs_lib.patterns.serverless_cache import _access_string
from constructs_lib.runtime.cache_login import CacheLogin

MOMENT = datetime.datetime(2026, 11, 23, 9, 8, 7)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ACCESS_KEY_ID", "ASIAX"), ("SECRET_ACCESS_KEY", "a/+=")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: MOMENT)
    monkeypatch.setattr(time, "gmtime", MOMENT.timetuple)


@pytest.mark.parametrize("token", [None, "FwoGZXIvYXdzEBYaD+/=", "a" * 1200 + "+/=="])
@pytest.mark.parametrize(("name", "signed"), [("prices-1a2b", "prices-1a2b"), ("Prices", "prices")])
def test_token_is_the_one_of_botocore(
    name: str, signed: str, token: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ElastiCache keeps names in lower case, and it is the name that is signed, not the endpoint."""
    if token is not None:
        monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    url = f"https://{signed}/?Action=connect&User=quote-1&ResourceType=ServerlessCache"
    request = AWSRequest(method="GET", url=url)
    credentials = BotocoreCredentials("ASIAX", "a/+=", token)
    botocore.auth.SigV4QueryAuth(credentials, "elasticache", "eu-west-1", expires=900).add_auth(request)
    login = CacheLogin(name, "quote-1", "eu-west-1", host="any")
    assert login.get_credentials() == ("quote-1", str(request.url).removeprefix("https://"))


def test_it_is_made_of_what_connect_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("HOST", "h"), ("PORT", "6379"), ("NAME", "prices"), ("USER", "quote")):
        monkeypatch.setenv(f"PRICES_{name}", value)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    login = CacheLogin.from_environment("PRICES")
    assert (login.host, login.port) == ("h", 6379)
    assert login.get_credentials()[1].startswith("prices/?Action=connect&User=quote&")
    monkeypatch.delenv("PRICES_NAME")
    with pytest.raises(ValueError, match=r"PRICES_NAME is not set: ServerlessCache\.connect"):
        CacheLogin.from_environment("PRICES")


def test_signing_imports_no_sdk() -> None:
    import sys

    code = (
        "import os, sys; os.environ.update(AWS_ACCESS_KEY_ID='a', AWS_SECRET_ACCESS_KEY='b')\n"
        "from constructs_lib.runtime.cache_login import CacheLogin\n"
        "CacheLogin('c', 'u', 'r', host='h').get_credentials()\n"
        "print([name for name in ('boto3', 'botocore', 'urllib.request', 'ssl', 'json') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- a real server ---------------------------------------------------------------------------------------


class Client:
    """A client of one connection: enough of the protocol to send a command and read a short answer."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._file = self._socket.makefile("rb")

    def __call__(self, *words: str) -> str:
        parts = [f"*{len(words)}\r\n", *(f"${len(word.encode())}\r\n{word}\r\n" for word in words)]
        self._socket.sendall("".join(parts).encode())
        answer = self._file.readline().decode().strip()
        if answer.startswith("$") and answer != "$-1":
            return self._file.readline().decode().strip()
        return answer

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """Redis 7.0 of Debian, from which Valkey was forked: its port. It has no TLS and no IAM."""
    with tempfile.TemporaryDirectory(prefix="redis-", dir="/tmp") as folder:
        try:
            program = find_program("redis-check-rdb", package="redis-tools", cache=CACHE, folder=Path(folder))
        except MissingProgramError as error:
            pytest.skip(str(error))
        named = Path(folder) / "redis-server"  # one program, which asks for its name
        named.symlink_to(program.path)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = [str(named), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        with subprocess.Popen(
            command, cwd=folder, env=os.environ | program.environment, stdout=subprocess.DEVNULL
        ) as running:
            try:
                wait(port, running)
                yield port
            finally:
                running.terminate()


def wait(port: int, running: subprocess.Popen[bytes]) -> None:
    while running.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=60).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the server has ended")


@pytest.fixture
def admin(server: int) -> Iterator[Client]:
    client = Client(server)
    yield client
    client.close()


def test_a_server_takes_the_token_and_lets_the_user_do_its_work(server: int, admin: Client) -> None:
    user, token = CacheLogin("prices", "quote", "eu-west-1", host="127.0.0.1", port=server).get_credentials()
    admin("ACL", "SETUSER", user, f">{token}", *_access_string("price:", []).split())
    client = Client(server)
    assert client("AUTH", user, "another") == "-WRONGPASS invalid username-password pair or user is disabled."
    assert client("AUTH", user, token) == "+OK"
    assert client("SET", "price:pen", "3") == "+OK"
    assert client("GET", "price:pen") == "3"
    assert client("SET", "stock:pen", "3").startswith("-NOPERM")
    assert client("FLUSHALL").startswith("-NOPERM")
    assert client("AUTH", user, token) == "+OK"  # again, within the 12 hours
    client.close()


ALLOWED = (
    "GET price:1", "SET price:1 2 EX 60", "DEL price:1", "INCR price:1", "HSET price:1 a b", "XADD price:1 * a b",
    "EXPIRE price:1 60", "MULTI", "EXEC", "WATCH price:1", "PING", "HELLO 3", "COMMAND", "CLIENT SETNAME any",
    "CLUSTER SLOTS", "CLUSTER SHARDS", "READONLY", "SCAN 0",
)  # fmt: skip
"""What an application and a client of a cluster send."""
FORBIDDEN = (
    "GET stock:1", "FLUSHALL", "FLUSHDB", "KEYS *", "CONFIG GET any", "ACL LIST", "CLIENT LIST", "CLIENT KILL any:1",
    "CLUSTER RESET", "CLUSTER FAILOVER", "INFO", "MONITOR", "DEBUG SLEEP 0", "SWAPDB 0 1", "EVAL 1 0", "PUBLISH a b",
)  # fmt: skip


@pytest.mark.parametrize("command", [*ALLOWED, *FORBIDDEN])
def test_what_the_user_may_run(admin: Client, command: str) -> None:
    admin("ACL", "SETUSER", "any", "reset", *_access_string("price:", []).split())
    answer = admin("ACL", "DRYRUN", "any", *command.split())
    assert (answer == "+OK") is (command in ALLOWED), answer


def test_more_commands_do_not_allow_what_is_dangerous(admin: Client) -> None:
    access = _access_string("", ["+@scripting", "+publish", "+@keyspace", "+config"])
    admin("ACL", "SETUSER", "any", "reset", *access.split())
    answers = {
        command: admin("ACL", "DRYRUN", "any", *command.split())
        for command in ("EVAL 1 0", "GET stock:1", "FLUSHALL", "CONFIG GET any")
    }
    assert [command for command, answer in answers.items() if answer == "+OK"] == ["EVAL 1 0", "GET stock:1"]


def test_the_client_is_read_to_the_end(admin: Client) -> None:
    """The small client above does not mix answers up."""
    answers: list[Any] = [admin("PING"), admin("ECHO", "a"), admin("GET", "nothing")]
    assert answers == ["+PONG", "a", "$-1"]
