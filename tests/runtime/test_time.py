"""No wait of the runtime's own is without a limit, and an invocation ends with an error that is seen."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from constructs_lib.runtime import database as database_module
from constructs_lib.runtime import drivers
from constructs_lib.runtime.database import CommitUnknownError, Database, LoginUnavailableError, NotBegunError
from constructs_lib.runtime.once import Once
from constructs_lib.runtime.secret_login import SecretLogin
from tests.runtime.clock import Clock, Invocation
from tests.runtime.server import Secret, Server, add


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock of the pauses between tries; what the server needs takes no time."""
    clock = Clock()
    monkeypatch.setattr(database_module, "time", clock)
    return clock


@pytest.fixture
def short_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "_ANSWER_SECONDS", 1)


@pytest.fixture
def nobody() -> Iterator[int]:
    """A port on which nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield unused.getsockname()[1]


def ended(call: Callable[[], object]) -> BaseException | None:
    """Call it; fail if it hangs, and tell what it has raised."""
    errors: list[BaseException | None] = []

    def run() -> None:
        try:
            call()
            errors.append(None)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(60)  # it takes a second or two
    assert errors, "it hangs"
    return errors[0]


@contextmanager
def in_a_thread_pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


# --- give_up_after_seconds -----------------------------------------------------------------------------------


def test_the_patience_of_a_migration(clock: Clock, nobody: int) -> None:
    """13 minutes are some 1,500 tries."""
    database = Database(
        psycopg, host="127.0.0.1", port=nobody, name="app", login=SecretLogin("app", fetch=Secret().fetch),
        tls=False, give_up_after_seconds=780,
    )  # fmt: skip
    with pytest.raises(psycopg.OperationalError) as caught:
        database.run(lambda connection: None)
    (note,) = caught.value.__notes__
    tries = int(note.split()[3])
    assert 1100 < tries < 3000
    assert 770 < clock.now - 1000 <= 780


def test_patience_without_end(server: Server) -> None:
    with server.relay() as relay:
        relay.hang_up = 2
        database = server.database(relay=relay, give_up_after_seconds=float("inf"))
        database.run(lambda connection: add(connection, "one"))
    assert server.effects() == ["one"]


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_an_invalid_patience_is_refused(server: Server, seconds: float) -> None:
    with pytest.raises(ValueError, match="give_up_after_seconds must be 0 or more, got"):
        server.database(give_up_after_seconds=seconds)


@pytest.mark.parametrize(("left", "each"), [(20, 5), (12, 4), (2, 1)])
def test_all_addresses_of_a_host_together_get_no_longer_than_what_is_left(
    server: Server, monkeypatch: pytest.MonkeyPatch, clock: Clock, left: int, each: int
) -> None:
    """A proxy has one in each zone, and a driver tries one after the other."""
    addresses = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{number}", 1)) for number in (1, 2, 3)
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
    timeouts: list[int] = []

    def connect(*_: object, **given: Any) -> None:
        timeouts.append(given.get("connect_timeout") or given["timeout"])
        raise server.driver.ProgrammingError("of no use")

    monkeypatch.setattr(server.driver, "connect", connect)
    with pytest.raises(server.driver.ProgrammingError):
        server.database(give_up_after_seconds=left + 0.9).run(server.session)
    assert timeouts == [each]


# --- a server that is silent, while its network answers ------------------------------------------------------


@pytest.mark.usefixtures("short_answers")
def test_the_check_of_an_idle_connection_is_limited(server: Server) -> None:
    with server.relay() as relay:
        database = server.database(relay=relay, idle_check_seconds=-1)
        database.run(server.session)
        relay.cut = "silent"
        assert ended(lambda: database.run(lambda connection: add(connection, "one"))) is None
        assert len(relay.sent) == 2
    assert server.effects() == ["one"]


@pytest.mark.usefixtures("short_answers")
def test_rollback_is_limited(server: Server) -> None:
    with server.relay() as relay:
        database = server.database(relay=relay)

        def work(connection: Any) -> None:
            add(connection, "one")
            relay.cut = "silent"
            raise ValueError("mine")

        error = ended(lambda: database.run(work))
        assert isinstance(error, ValueError)
        database.run(lambda connection: add(connection, "two"))
    assert server.effects() == ["two"]


@pytest.mark.usefixtures("short_answers")
def test_commit_is_limited(server: Server) -> None:
    with server.relay() as relay:
        database = server.database(relay=relay, give_up_after_seconds=0)

        def work(connection: Any) -> None:
            add(connection, "one")
            relay.cut = "silent"

        assert isinstance(ended(lambda: database.run(work)), CommitUnknownError)


def test_the_limit_of_the_check_is_not_that_of_the_work(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runtime's own statements are short; those of the work may take as long as they want."""
    limits: list[float | None] = []
    limit = drivers.limit

    def noted(driver: Any, connection: Any, seconds: float | None) -> None:
        limits.append(seconds)
        limit(driver, connection, seconds)

    monkeypatch.setattr(drivers, "limit", noted)
    database = server.database(idle_check_seconds=-1)
    database.run(server.session)
    limits.clear()
    database.run(lambda connection: add(connection, "one"))
    assert limits == [5, None, 20]
    assert server.effects() == ["one"]


# --- Secrets Manager -----------------------------------------------------------------------------------------


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Secrets Manager takes each connection, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://127.0.0.1:{silent.getsockname()[1]}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
            monkeypatch.setenv(name, "eu-central-1")
        yield silent


def test_a_silent_secrets_manager_is_given_up_in_time(server: Server, aws: socket.socket) -> None:
    database = server.database(login=SecretLogin("arn:app"), give_up_after_seconds=1)
    error = ended(lambda: database.run(server.session))
    assert isinstance(error, LoginUnavailableError)
    assert "arn:app could not be read: " in str(error)
    assert "given up after" in error.__notes__[0]


# --- one's turn ----------------------------------------------------------------------------------------------


def test_a_unit_of_another_thread_that_the_work_waits_for_is_refused(server: Server) -> None:
    database = server.database(give_up_after_seconds=1)

    def outer(connection: Any) -> None:
        add(connection, "outer")
        with in_a_thread_pool() as pool:
            pool.submit(database.run, lambda connection: add(connection, "inner")).result(60)

    error = ended(lambda: database.run(outer))
    assert isinstance(error, NotBegunError)
    assert "another thread has had the connection for 1 seconds" in str(error)
    assert server.effects() == []
    database.run(lambda connection: add(connection, "after"))
    assert server.effects() == ["after"]


# --- the invocation ------------------------------------------------------------------------------------------


def test_a_batch_ends_before_its_function_while_the_database_is_away(
    server: Server, clock: Clock, nobody: int
) -> None:
    """Each message would wait for 20 seconds by itself: the function's timeout would come first."""
    database = server.database(port=nobody)
    once = Once(database, "trips")
    database.register_lambda_context(Invocation(60, clock))
    errors: list[Exception] = []
    for number in range(10):
        try:
            once(f"m{number}", lambda connection: add(connection, "one"))
        except Exception as error:
            errors.append(error)
    assert clock.now - 1000 <= 59
    kinds = [isinstance(error, NotBegunError) for error in errors]
    assert len(kinds) == 10
    assert not any(kinds[:2])
    assert all(kinds[4:])
    assert "no time is left of this invocation" in str(errors[-1])


def test_a_statement_that_waits_is_cut_off_before_the_function_is(server: Server) -> None:
    with server.relay() as relay:
        database = server.database(relay=relay)
        database.run(server.session)
        tries = 0

        def work(connection: Any) -> None:
            nonlocal tries
            tries += 1
            relay.cut = "silent"
            add(connection, "one")

        database.register_lambda_context(Invocation(1.9, asked_costs=200))
        error = ended(lambda: database.run(work))
    assert isinstance(error, (server.driver.Error, OSError, NotBegunError))
    assert tries == 1


def test_no_unit_begins_in_the_last_second(server: Server) -> None:
    database = server.database()
    database.register_lambda_context(Invocation(1))
    with pytest.raises(NotBegunError, match="was not begun"):
        database.run(lambda connection: add(connection, "one"))
    assert server.effects() == []


def test_no_connection_is_opened_in_the_last_two_seconds(server: Server) -> None:
    database = server.database()
    database.register_lambda_context(Invocation(1.9))
    with pytest.raises(NotBegunError, match="to open a connection"):
        database.run(server.session)
    database.register_lambda_context(Invocation(60))
    session = database.run(server.session)
    database.register_lambda_context(Invocation(1.9))
    assert database.run(server.session) == session


@pytest.mark.parametrize("context", [None, Invocation(0)], ids=["none", "over"])
def test_without_an_invocation_there_is_no_limit(server: Server, context: Invocation | None) -> None:
    """A context whose time is over is an old one: its function would have been ended."""
    database = server.database()
    database.register_lambda_context(Invocation(0.5))
    database.register_lambda_context(context)
    database.run(lambda connection: add(connection, "one"))
    assert server.effects() == ["one"]


def test_ones_turn_is_waited_for_no_longer_than_the_invocation_lasts(server: Server) -> None:
    database = server.database()
    begun, over = threading.Event(), threading.Event()

    def long(connection: Any) -> None:
        begun.set()
        over.wait()

    holder = threading.Thread(target=database.run, args=(long,))
    holder.start()
    begun.wait()
    database.register_lambda_context(Invocation(1.5))
    try:
        assert isinstance(ended(lambda: database.run(server.session)), NotBegunError)
    finally:
        over.set()
        holder.join()


# --- a password that is known to be refused ------------------------------------------------------------------


def test_a_refused_password_is_not_tried_each_time_that_the_secret_is_read(
    server: Server, clock: Clock
) -> None:
    secret = Secret(password="wrong")
    with server.relay() as relay:
        database = server.database(secret, relay=relay)
        with pytest.raises(server.driver.Error) as caught:
            database.run(server.session)
        assert "given up after" in caught.value.__notes__[0]
        assert secret.reads > 20
        assert 2 <= len(relay.sent) <= 8


def test_a_rotation_does_not_lock_the_user_out(mysql_server: Server, clock: Clock) -> None:
    server = mysql_server
    before = server.run("SELECT @@max_password_errors")[0][0]
    server.run("SET GLOBAL max_password_errors = 10")
    try:
        secret = Secret()

        def fetch(secret_id: str) -> str:
            if clock.now > 1004:
                secret.password = "second-password"
            return secret.fetch(secret_id)

        server.set_password("second-password")
        database = server.database(login=SecretLogin("app", fetch=fetch))
        database.run(lambda connection: add(connection, "one"))
        assert secret.reads > 8
    finally:
        server.run(f"SET GLOBAL max_password_errors = {before}", "FLUSH PRIVILEGES")
    assert server.effects() == ["one"]


def test_a_secret_that_is_throttled_is_waited_for(server: Server, clock: Clock) -> None:
    from botocore.exceptions import ClientError

    reads = 0

    def fetch(secret_id: str) -> str:
        nonlocal reads
        reads += 1
        if reads < 3:
            answer = {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}
            raise ClientError(answer, "GetSecretValue")  # type: ignore[arg-type]
        return json.dumps({"username": "app", "password": Secret().password})

    database = server.database(login=SecretLogin("app", fetch=fetch))
    database.run(lambda connection: add(connection, "one"))
    assert reads == 3
    assert server.effects() == ["one"]
