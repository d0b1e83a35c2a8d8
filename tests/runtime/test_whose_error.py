"""An error counts as the database's only if it is: not the caller's old one, nor one of the work's own."""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeVar

import pytest

from constructs_lib.runtime import drivers
from constructs_lib.runtime.database import CommitUnknownError, Database
from constructs_lib.runtime.once import Once
from tests.runtime.interruption import DeadlineError, interrupted_at
from tests.runtime.server import Secret, Server, add

_T = TypeVar("_T")
PLACES = ["outside", "except", "finally", "exit"]


def conflict(server: Server) -> Exception:
    """The error with which the server reports that it has rolled back."""
    if server.is_mysql:
        return server.driver.OperationalError(1213, "Deadlock found", sqlstate="40001")  # type: ignore[no-any-return]
    if server.driver.__name__ == "psycopg":
        return server.driver.errors.DeadlockDetected("deadlock detected")  # type: ignore[no-any-return]
    return server.driver.DatabaseError({"C": "40P01", "M": "deadlock detected"})  # type: ignore[no-any-return]


def call_in(place: str, error: Exception, call: Callable[[], _T]) -> _T:
    """Call it while an error is being handled."""
    results: list[_T] = []
    if place == "outside":
        return call()
    if place == "except":
        try:
            raise error
        except Exception:
            return call()
    if place == "finally":
        try:
            try:
                raise error
            finally:
                results.append(call())
        except Exception as caught:
            if caught is not error:
                raise
        return results[0]

    class Exit:
        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> Literal[True]:
            results.append(call())
            return True

    with Exit():
        raise error
    return results[0]


# --- the caller's old error --------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_a_commit_in_doubt_is_in_doubt_wherever_run_is_called(server: Server, place: str) -> None:
    with server.relay() as relay:
        database = server.database(relay=relay)
        database.run(server.session)
        relay.cut = "after"
        with pytest.raises(CommitUnknownError):
            call_in(place, conflict(server), lambda: database.run(lambda connection: add(connection, "one")))
    assert server.effects() == ["one"]


@pytest.mark.parametrize("place", PLACES)
def test_a_server_that_is_away_is_waited_for_wherever_run_is_called(server: Server, place: str) -> None:
    with server.relay() as relay:
        relay.hang_up = 3
        database = server.database(relay=relay)
        call_in(place, conflict(server), lambda: database.run(lambda connection: add(connection, "one")))
    assert relay.hang_up == 0
    assert server.effects() == ["one"]


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize("place", PLACES)
def test_a_changed_password_is_read_again_wherever_run_is_called(
    server: Server, place: str, once: bool
) -> None:
    secret = Secret()
    database = server.database(secret)
    database.run(server.session)
    secret.password = "second-password"
    server.set_password(secret.password)
    server.end_all()

    def use() -> None:
        if once:
            assert Once(database, "trips")("m1", lambda connection: add(connection, "one"))
        else:
            database.run(lambda connection: add(connection, "one"))

    # No error of the server, so that it is the caller's own that is new here.
    missing = (
        server.driver.ProgrammingError(1146, "no such table", sqlstate="42S02") if server.is_mysql else None
    )
    call_in(place, missing or conflict(server), use)
    assert secret.reads == 2
    assert server.effects() == ["one"]


@pytest.mark.parametrize("place", PLACES)
def test_an_error_of_the_work_is_not_the_conflict_that_its_caller_handles(server: Server, place: str) -> None:
    tries = 0

    def work(connection: Any) -> None:
        nonlocal tries
        tries += 1
        raise server.driver.ProgrammingError("of the work")

    database = server.database(give_up_after_seconds=2)
    with pytest.raises(server.driver.ProgrammingError, match="of the work"):
        call_in(place, conflict(server), lambda: database.run(work))
    assert tries == 1


# --- errors that lead back to themselves -------------------------------------------------------------------


def of_itself() -> Exception:
    error = ValueError("mine")
    error.__cause__ = error
    return error


def of_each_other() -> Exception:
    error, other = ValueError("mine"), KeyError("theirs")
    error.__cause__, other.__cause__ = other, error
    return error


@pytest.mark.parametrize("ring", [of_itself, of_each_other])
def test_a_ring_of_errors_is_followed_once(server: Server, ring: Callable[[], Exception]) -> None:
    def work(connection: Any) -> None:
        add(connection, "one")
        raise ring()

    database = server.database()
    stuck = threading.Event()
    timer = threading.Timer(60, stuck.set)
    timer.start()
    try:
        with interrupted_at(stuck, DeadlineError("stuck")), pytest.raises(ValueError, match="mine"):
            database.run(work)
    finally:
        timer.cancel()
    database.run(lambda connection: add(connection, "two"))
    assert server.effects() == ["two"]


# --- the work's own, though the driver is between ----------------------------------------------------------


def rows(first: object) -> Iterator[object]:
    yield first
    raise ConnectionResetError("of another service")


def test_an_error_of_an_iterable_that_the_driver_reads_is_not_repeated(server: Server) -> None:
    tries = 0

    def work(connection: Any) -> None:
        nonlocal tries
        tries += 1
        connection.cursor().executemany("INSERT INTO effect (name) VALUES (%s)", rows(("one",)))

    database = server.database(give_up_after_seconds=2)
    with pytest.raises(ConnectionResetError, match="of another service"):
        database.run(work)
    assert tries == 1
    database.run(lambda connection: add(connection, "two"))
    assert server.effects() == ["two"]


def test_an_error_of_an_iterable_for_copy_is_not_repeated(postgresql: Server) -> None:
    server = postgresql
    tries = 0

    def work(connection: Any) -> None:
        nonlocal tries
        tries += 1
        cursor = connection.cursor()
        if server.driver.__name__ == "psycopg":
            with cursor.copy("COPY effect FROM STDIN") as copy:
                for row in rows("one\n"):
                    copy.write(row)
        else:
            cursor.execute("COPY effect FROM STDIN", stream=rows("one\n"))

    database = server.database(give_up_after_seconds=2)
    with pytest.raises(ConnectionResetError, match="of another service"):
        database.run(work)
    assert tries == 1
    database.run(lambda connection: add(connection, "two"))
    assert server.effects() == ["two"]


DEADLINES = [DeadlineError("enough"), TimeoutError("enough")]


@pytest.mark.parametrize("deadline", DEADLINES, ids=["error", "os-error"])
@pytest.mark.parametrize("where", ["opening", "check", "statement", "commit", "rollback"])
def test_a_deadline_of_the_caller_is_never_swallowed(server: Server, where: str, deadline: Exception) -> None:
    """PyMySQL and pg8000 wrap an OSError, whose ever it is: then theirs comes out, and is not repeated either."""
    with server.relay() as relay:
        database = server.database(
            relay=relay, idle_check_seconds=-1 if where == "check" else 60, give_up_after_seconds=20
        )
        tries = 0

        def work(connection: Any) -> None:
            nonlocal tries
            tries += 1
            add(connection, "one")
            if tries == 1 and where not in ("opening", "check"):
                relay.cut = "silent"
            if where == "statement":
                add(connection, "two")
            if where == "rollback":
                raise ValueError("of the work")

        if where != "opening":
            database.run(server.session)
        if where in ("opening", "check"):
            relay.cut = "silent"
        with (
            interrupted_at(relay.was_cut, deadline),
            pytest.raises((type(deadline), server.driver.Error)) as caught,
        ):
            database.run(work, repeatable=True)
        if where not in ("opening", "check"):
            assert tries == 1
        if caught.type is not type(deadline):
            assert isinstance(deadline, OSError)
            assert deadline in (caught.value.__cause__, caught.value.__context__)
        assert not hasattr(caught.value, "__notes__")  # not given up either
        assert relay.cut is None
        database.run(lambda connection: add(connection, "after"))
    assert server.effects() == ["after"]


def test_a_deadline_during_commit_leaves_run_in_doubt(server: Server) -> None:
    with server.relay() as relay:
        database = server.database(relay=relay)

        def work(connection: Any) -> None:
            add(connection, "one")
            relay.cut = "silent"

        with (
            interrupted_at(relay.was_cut, DeadlineError("enough")),
            pytest.raises(CommitUnknownError) as caught,
        ):
            database.run(work)
        assert isinstance(caught.value.__cause__, DeadlineError)


@pytest.fixture
def a_late_deadline(monkeypatch: pytest.MonkeyPatch) -> DeadlineError:
    """It comes up while the failure before it is looked at: Python runs a signal's handler between two steps."""
    deadline = DeadlineError("enough")
    origin = drivers.origin

    def late(*arguments: Any) -> str:
        monkeypatch.setattr(drivers, "origin", origin)
        raise deadline

    monkeypatch.setattr(drivers, "origin", late)
    return deadline


def test_a_deadline_while_a_failed_commit_is_looked_at_leaves_run_in_doubt(
    server: Server, a_late_deadline: DeadlineError
) -> None:
    with server.relay() as relay:
        database = server.database(relay=relay)

        def work(connection: Any) -> None:
            add(connection, "one")
            relay.cut = "after"

        with pytest.raises(CommitUnknownError) as caught:
            database.run(work)
        assert caught.value.__cause__ is a_late_deadline
        database.run(lambda connection: add(connection, "after"))
    assert server.effects() == ["after", "one"]


def test_a_deadline_while_an_error_of_the_work_is_looked_at_leaves_nothing_of_it(
    server: Server, a_late_deadline: DeadlineError
) -> None:
    database = server.database()
    database.run(server.session)  # a connection that was just in use is not looked at before the next unit

    def work(connection: Any) -> None:
        add(connection, "one")
        raise ValueError("of the work")

    with pytest.raises(DeadlineError) as caught:
        database.run(work)
    assert caught.value is a_late_deadline
    database.run(lambda connection: add(connection, "after"))
    assert server.effects() == ["after"]


def test_what_is_not_there_is_not_waited_for(server: Server) -> None:
    """A file of authorities that is missing is no network failure."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        database = Database(
            server.driver, host="127.0.0.1", port=silent.getsockname()[1], name="app", ca_file="/nowhere",
            login=_Fixed(), give_up_after_seconds=20,
        )  # fmt: skip
        if server.driver.__name__ == "psycopg":
            pytest.skip("libpq asks the server first, which is silent here")
        with pytest.raises(FileNotFoundError):
            database.run(server.session)


class _Fixed:
    def credentials(self, seconds: float) -> tuple[str, str]:
        return "app", "any"

    def renew(self) -> bool:
        return False

    def accepted(self) -> None: ...
