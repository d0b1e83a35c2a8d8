"""What a unit of work must not do is found out before COMMIT, as far as that can be seen."""

import contextlib
import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from constructs_lib.runtime.database import Database
from constructs_lib.runtime.once import Once
from tests.runtime.server import Secret, Server, add

# --- the connection is closed by the work --------------------------------------------------------------------


def with_connection(connection: Any) -> None:
    """The form is that of psycopg's manual; it commits at its end, the other two drivers do not."""
    with connection:
        add(connection, "one")


def closing(connection: Any) -> None:
    add(connection, "one")
    connection.close()


def closing_and_going_on(connection: Any) -> None:
    with connection:
        add(connection, "one")
    add(connection, "two")


@pytest.mark.parametrize("repeatable", [False, True])
@pytest.mark.parametrize("close", [with_connection, closing, closing_and_going_on])
def test_a_connection_that_the_work_closes_is_not_a_failure_of_the_network(
    server: Server, close: Callable[[Any], None], repeatable: bool
) -> None:
    database = server.database(give_up_after_seconds=2)
    tries = 0

    def work(connection: Any) -> None:
        nonlocal tries
        tries += 1
        close(connection)

    with pytest.raises(RuntimeError, match="has closed the connection, as `with connection:` does"):
        database.run(work, repeatable=repeatable)
    assert tries == 1
    committed = server.driver.__name__ == "psycopg" and close is not closing
    assert server.effects() == (["one"] if committed else [])
    database.run(lambda connection: add(connection, "after"))


def test_an_error_of_the_work_comes_through_though_it_has_closed_the_connection(server: Server) -> None:
    def work(connection: Any) -> None:
        with connection:
            raise ValueError("mine")

    database = server.database()
    with pytest.raises(ValueError, match="mine"):
        database.run(work)
    database.run(lambda connection: add(connection, "after"))
    assert server.effects() == ["after"]


def test_autocommit_does_not_stay_after_an_error_either(server: Server) -> None:
    database = server.database()

    def work(connection: Any) -> None:
        if server.is_mysql:
            connection.autocommit(True)
        else:
            connection.autocommit = True
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        database.run(work)
    database.run(lambda connection: add(connection, "after"))
    assert server.effects() == ["after"]


# --- the transaction is not the one that it was ---------------------------------------------------------------

pings = pytest.mark.filterwarnings("ignore:.*reconnect:DeprecationWarning")


def lose_the_session(server: Server) -> Callable[[Any], None]:
    """The work finds out by itself that its session was lost, and goes on in another."""

    def work(connection: Any) -> None:
        add(connection, "first half")
        server.end(server.session(connection))
        connection.ping(reconnect=True)
        add(connection, "second half")

    return work


def swallow_a_deadlock(server: Server) -> Callable[[Any], None]:
    """A real one: MySQL ends the whole transaction, and the next statement begins another."""
    server.run(
        "CREATE TABLE account (id int PRIMARY KEY, sum int) ENGINE=InnoDB",
        "INSERT INTO account VALUES (1, 0), (2, 0)",
    )

    def work(connection: Any) -> None:
        add(connection, "first half")
        update = "UPDATE account SET sum = sum + 1 WHERE id = %s"
        connection.cursor().execute(update, (1,))
        other_has_one = threading.Event()

        def cross() -> None:
            other = server.database()

            def locks(connection: Any) -> None:
                cursor = connection.cursor()
                # Who has changed more is spared by the server.
                cursor.executemany("INSERT INTO effect (name) VALUES (%s)", [("heavy",)] * 50)
                cursor.execute(update, (2,))
                other_has_one.set()
                cursor.execute(update, (1,))
                raise ZeroDivisionError

            with pytest.raises(ZeroDivisionError):
                other.run(locks)

        thread = threading.Thread(target=cross)
        thread.start()
        other_has_one.wait()
        with contextlib.suppress(server.driver.Error):
            connection.cursor().execute(update, (2,))
        thread.join()
        add(connection, "second half")

    return work


@pings
@pytest.mark.parametrize("lose", [lose_the_session, swallow_a_deadlock])
def test_an_effect_without_its_marker_is_not_done(
    mysql_server: Server, lose: Callable[[Server], Callable[[Any], None]]
) -> None:
    server = mysql_server
    try:
        once = Once(server.database(), "trips")
        with pytest.raises(RuntimeError, match="the marker is gone"):
            once("m1", lose(server))
        assert server.effects() == []
        assert once("m1", lambda connection: add(connection, "whole"))
        assert server.effects() == ["whole"]
    finally:
        server.run("DROP TABLE IF EXISTS account")


@pytest.mark.parametrize("end", ["ROLLBACK", "COMMIT"])
@pytest.mark.parametrize("goes_on", [False, True])
def test_an_effect_that_ends_its_transaction_is_not_done(server: Server, end: str, goes_on: bool) -> None:
    once = Once(server.database(), "trips")

    def work(connection: Any) -> None:
        add(connection, "one")
        connection.cursor().execute(end)
        if goes_on:
            add(connection, "two")

    if end == "COMMIT":  # the marker is there, and what it stands for: the rest is not
        assert once("m1", work)
        return
    with pytest.raises(RuntimeError, match="the marker is gone"):
        once("m1", work)
    assert server.effects() == []


@pings
def test_half_of_a_unit_in_another_session_is_not_committed(mysql_server: Server) -> None:
    database = mysql_server.database()
    with pytest.raises(RuntimeError, match="has begun another session"):
        database.run(lose_the_session(mysql_server))
    assert mysql_server.effects() == []
    database.run(lambda connection: add(connection, "after"))
    assert mysql_server.effects() == ["after"]


# --- what has not run yet --------------------------------------------------------------------------------------


async def later(connection: Any) -> None:
    add(connection, "late")


class Awaitable:
    def __await__(self) -> Any: ...


def insert(server: Server, connection: Any) -> Callable[[str], None]:
    return lambda name: add(connection, name)


LAZY: dict[str, Callable[[Any, Any], object]] = {
    "generator": lambda connection, add_one: (add_one(name) for name in "ab"),
    "map": lambda connection, add_one: map(add_one, "ab"),
    "filter": lambda connection, add_one: filter(add_one, "ab"),
    "starmap": lambda connection, add_one: itertools.starmap(add_one, ["a", "b"]),
    "zip": lambda connection, add_one: zip(map(add_one, "ab"), "cd", strict=True),
    "coroutine": lambda connection, add_one: later(connection),
    "awaitable": lambda connection, add_one: Awaitable(),
    "coroutines": lambda connection, add_one: [later(connection)],
    "generators": lambda connection, add_one: ((add_one(name) for name in "ab"),),
}


@pytest.mark.parametrize("kind", LAZY)
def test_work_that_returns_what_has_not_run_yet_is_refused(server: Server, kind: str) -> None:
    database = server.database()
    once = Once(database, "trips")

    def work(connection: Any) -> object:
        return LAZY[kind](connection, insert(server, connection))

    with pytest.raises(TypeError, match="must have run when it returns"):
        database.run(work)
    with pytest.raises(TypeError, match="must have run when it returns"):
        once("m1", work)
    assert once("m1", lambda connection: add(connection, "one"))  # no marker was left
    assert server.effects() == ["one"]


def test_what_has_run_is_not_refused(server: Server) -> None:
    """A cursor can be iterated, and yet it has run."""
    database = server.database()
    results: list[object] = [[], [1], (), {}, "text", range(3), None, {"a"}]
    for result in results:
        assert database.run(lambda connection, result=result: result) == result  # type: ignore[misc]

    def select(connection: Any) -> object:
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        return cursor

    assert list(database.run(select)) in ([(1,)], [[1]])  # type: ignore[call-overload]
    assert Once(database, "trips")("m1", select)


# --- a process that is forked ------------------------------------------------------------------------------------

FORKED = """
import importlib, os, sys, threading, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of a fork while there are threads
from constructs_lib.runtime.database import Database
from constructs_lib.runtime.secret_login import SecretLogin

driver, host, port, secret, what = importlib.import_module(sys.argv[1]), *sys.argv[2:]
login = SecretLogin("app", fetch=lambda secret_id: secret)
database = Database(driver, host=host, port=int(port), name="app", login=login, tls=False)

def add(connection, name):
    connection.cursor().execute("INSERT INTO effect (name) VALUES (%s)", (name,))

def ended(child):
    # A child that hangs is killed.
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return "hung"

if what == "beside":
    inside, over = threading.Event(), threading.Event()
    def work(connection):
        add(connection, "parent")
        inside.set()
        over.wait()
    thread = threading.Thread(target=database.run, args=(work,))
    thread.start()
    inside.wait()
    child = os.fork()
    if not child:
        database.run(lambda connection: add(connection, "child"))
        database.close()
        os._exit(7)
    code = ended(child)
    over.set()
    thread.join()
else:
    codes = []
    def work(connection):
        add(connection, "first half")
        child = os.fork()
        if not child:
            if what == "raises":
                raise ValueError
            if what == "exits":
                sys.exit(7)
            return
        codes.append(ended(child))
        add(connection, "second half")
    parent = os.getpid()
    try:
        database.run(work)
    except ValueError:
        assert os.getpid() != parent
        os._exit(7)
    except RuntimeError as error:
        assert os.getpid() != parent and "was forked" in str(error), error
        os._exit(7)
    (code,) = codes
database.close()
assert code == 7, code
"""


@pytest.mark.parametrize("what", ["beside", "raises", "exits", "returns"])
def test_a_fork_leaves_the_parents_unit_alone(server: Server, what: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKED, server.driver.__name__, server.real.address, str(server.real.port),
         Secret().fetch("app"), what],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    halves = ["child", "parent"] if what == "beside" else ["first half", "second half"]
    assert server.effects() == halves


def test_no_database_is_kept_for_the_sake_of_forks(server: Server) -> None:
    import gc
    import weakref

    database = Database(
        server.driver, host="127.0.0.1", port=1, name="app", tls=False, login=server.database()._login
    )
    reference = weakref.ref(database)
    del database
    gc.collect()
    assert reference() is None
    assert os.name == "nt" or hasattr(os, "register_at_fork")


# --- a server that has become read-only ----------------------------------------------------------------------------


def read_only(server: Server, on: bool) -> None:
    """The old writer is like this after a failover: new sessions cannot write."""
    if server.is_mysql:
        server.run(f"SET GLOBAL read_only = {int(on)}")
    else:
        server.run(f"ALTER ROLE app SET default_transaction_read_only = {'on' if on else 'off'}")


def test_a_server_that_is_read_only_now_is_left(server: Server) -> None:
    database = server.database()
    sessions: list[int] = []

    def work(connection: Any) -> None:
        sessions.append(server.session(connection))
        try:
            add(connection, "one")
        except server.driver.Error:
            read_only(server, False)  # the name leads to the new writer
            raise

    read_only(server, True)
    try:
        database.run(work)
    finally:
        read_only(server, False)
    assert len(set(sessions)) == 2
    assert server.effects() == ["one"]


def test_a_server_that_stays_read_only_is_reported(server: Server) -> None:
    database = server.database(give_up_after_seconds=0.3)
    read_only(server, True)
    try:
        with pytest.raises(server.driver.Error, match=r"read.only") as caught:
            database.run(lambda connection: add(connection, "one"))
        assert "given up after" in caught.value.__notes__[0]
    finally:
        read_only(server, False)
    database.run(lambda connection: add(connection, "one"))
    assert server.effects() == ["one"]


# --- what the work leaves open --------------------------------------------------------------------------------------


@pytest.mark.parametrize("fails", [False, True])
def test_rows_that_are_still_being_streamed_do_not_hold_up_commit_or_rollback(
    postgresql: Server, fails: bool
) -> None:
    """Psycopg locks its connection until all of them were read."""
    if postgresql.driver.__name__ != "psycopg":
        pytest.skip("psycopg alone streams rows")
    database = postgresql.database()
    kept: list[Any] = []

    def work(connection: Any) -> None:
        add(connection, "one")
        rows = connection.cursor().stream("SELECT generate_series(1, 3)")
        kept.append(rows)
        next(rows)
        if fails:
            raise ValueError("mine")

    ended = threading.Event()
    errors: list[Exception] = []

    def run() -> None:
        try:
            database.run(work)
        except Exception as error:
            errors.append(error)
        ended.set()

    threading.Thread(target=run, daemon=True).start()
    assert ended.wait(60)
    assert isinstance(errors[0], ValueError if fails else RuntimeError)
    database.run(lambda connection: add(connection, "after"))
    assert postgresql.effects() == ["after"]
