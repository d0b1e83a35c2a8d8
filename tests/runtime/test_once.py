"""Once against real servers: nothing lost, nothing doubled."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

import pytest

from constructs_lib.runtime import once as once_module
from constructs_lib.runtime.once import Once
from tests.runtime.interruption import DeadlineError, interrupted_at
from tests.runtime.server import Server, add


@pytest.fixture
def never_purged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once_module, "_PURGE_ONE_IN", 10**12)


def markers(server: Server) -> list[tuple[str, str]]:
    rows = server.run(
        f"SELECT consumer, {'`key`' if server.is_mysql else 'key'} FROM once_marker ORDER BY 1, 2"
    )
    return [tuple(v.decode() if isinstance(v, bytes) else v for v in row) for row in rows]  # type: ignore[misc]


def test_done_once(server: Server) -> None:
    once = Once(server.database(), "trips")
    assert once("m1", lambda connection: add(connection, "m1")) is True
    assert once("m1", lambda connection: add(connection, "m1")) is False
    assert once("m2", lambda connection: add(connection, "m2")) is True
    assert server.effects() == ["m1", "m2"]
    assert markers(server) == [("trips", "m1"), ("trips", "m2")]


def test_consumers_do_not_share_keys(server: Server) -> None:
    database = server.database()
    for consumer in ("trips", "receipts"):
        assert Once(database, consumer)("m1", lambda connection: add(connection, "m1"))
    assert server.effects() == ["m1", "m1"]


@pytest.mark.parametrize(
    "keys", [("m", "M"), ("m", "m "), ("e", "é"), ("ss", "ß"), ("\u00e9", "e\u0301"), ("%s", "{}")]
)
def test_keys_are_compared_exactly(server: Server, keys: tuple[str, str]) -> None:
    once = Once(server.database(), "trips")
    assert [once(key, lambda connection: None) for key in keys] == [True, True]
    assert [once(key, lambda connection: None) for key in keys] == [False, False]


def test_longest_names(server: Server) -> None:
    once = Once(server.database(), "\N{ROCKET}" * 64)
    key = "\N{ROCKET}" * 255
    assert once(key, lambda connection: None)
    assert not once(key, lambda connection: None)


def test_failed_work_leaves_no_marker(server: Server) -> None:
    once = Once(server.database(), "trips")

    def work(connection: Any) -> None:
        add(connection, "half")
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        once("m1", work)
    assert (server.effects(), markers(server)) == ([], [])
    assert once("m1", lambda connection: add(connection, "whole"))
    assert server.effects() == ["whole"]


def test_work_that_has_not_run_yet_is_refused(server: Server) -> None:
    def generator(connection: Any) -> Any:
        add(connection, "late")
        yield 1

    with pytest.raises(TypeError, match="ordinary function"):
        Once(server.database(), "trips")("m1", generator)
    assert markers(server) == []


def test_session_ended_inside(server: Server) -> None:
    once = Once(server.database(), "trips")
    tries = 0

    def work(connection: Any) -> None:
        nonlocal tries
        tries += 1
        add(connection, "m1")
        if tries == 1:
            server.end(server.session(connection))
            add(connection, "m1")

    assert once("m1", work) is True
    assert tries == 2
    assert server.effects() == ["m1"]


@pytest.mark.parametrize("cut", ["before", "after"])
def test_commit_in_doubt_is_resolved(server: Server, cut: Literal["before", "after"]) -> None:
    """Whether it was committed or not, it is done once, and the one call that did it says so."""
    with server.relay() as relay:
        database = server.database(relay=relay)
        database.run(server.session)
        once = Once(database, "trips")
        relay.cut = cut
        assert once("m1", lambda connection: add(connection, "m1")) is True
        assert relay.cut is None
        assert len(relay.sent) == 2
        assert once("m1", lambda connection: add(connection, "m1")) is False
    assert server.effects() == ["m1"]


def test_commit_in_doubt_while_another_delivery_did_it(server: Server) -> None:
    with server.relay() as relay:
        database = server.database(relay=relay)
        database.run(server.session)
        tries = 0

        def work(connection: Any) -> None:
            nonlocal tries
            tries += 1
            add(connection, "lost")
            relay.cut = "before"
            # The moment our transaction is gone, the other delivery gets through.
            threading.Thread(target=other).start()

        outcome: list[bool] = []
        done = threading.Event()

        def other() -> None:
            outcome.append(
                Once(server.database(), "trips")("m1", lambda connection: add(connection, "theirs"))
            )
            done.set()

        result = Once(_Waiting(database, done), "trips")("m1", work)  # type: ignore[arg-type]
    assert (result, outcome, tries) == (False, [True], 1)
    assert server.effects() == ["theirs"]


class _Waiting:
    """A database that lets the other delivery finish before it tries again."""

    def __init__(self, database: Any, done: threading.Event) -> None:
        self._database, self._done = database, done
        self.driver, self.is_dsql = database.driver, database.is_dsql

    def run(self, work: Any, *, repeatable: bool) -> Any:
        tries = 0

        def waiting(connection: Any) -> Any:
            nonlocal tries
            tries += 1
            if tries > 1:
                assert self._done.wait(900)
            return work(connection)

        return self._database.run(waiting, repeatable=repeatable)


@pytest.mark.parametrize("first_fails", [False, True])
def test_two_deliveries_at_once(server: Server, first_fails: bool) -> None:
    """The second waits for the first; then it finds the marker, or does the work itself."""
    first_is_inside, second_has_begun = threading.Event(), threading.Event()
    outcome: dict[str, object] = {}

    def first(connection: Any) -> None:
        add(connection, "first")
        first_is_inside.set()
        assert second_has_begun.wait(900)
        time.sleep(0.2)
        if first_fails:
            raise ValueError("mine")

    def deliver(name: str, work: Any) -> None:
        try:
            outcome[name] = Once(server.database(), "trips")("m1", work)
        except ValueError as error:
            outcome[name] = str(error)

    threads = [threading.Thread(target=deliver, args=("first", first))]
    threads[0].start()
    assert first_is_inside.wait(900)
    threads.append(
        threading.Thread(target=deliver, args=("second", lambda connection: add(connection, "second")))
    )
    threads[1].start()
    second_has_begun.set()
    for thread in threads:
        thread.join()
    if first_fails:
        assert outcome == {"first": "mine", "second": True}
        assert server.effects() == ["second"]
    else:
        assert outcome == {"first": True, "second": False}
        assert server.effects() == ["first"]


@pytest.mark.usefixtures("never_purged")
def test_many_deliveries_at_once(server: Server) -> None:
    """Eight environments get the same forty messages, while sessions are ended."""
    new: list[str] = []

    def consume() -> None:
        once = Once(server.database(), "trips")
        for number in range(40):
            name = f"m{number:02}"
            if once(name, lambda connection, name=name: add(connection, name)):  # type: ignore[misc]
                new.append(name)

    threads = [threading.Thread(target=consume) for _ in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        server.end_all()
        time.sleep(0.1)
    everything = [f"m{number:02}" for number in range(40)]
    assert server.effects() == everything
    assert sorted(new) == everything


KILLED = """
import importlib, os, signal, sys
from constructs_lib.runtime.database import Database
from constructs_lib.runtime.once import Once
from constructs_lib.runtime.secret_login import SecretLogin

driver, host, port, secret, dies_at = importlib.import_module(sys.argv[1]), *sys.argv[2:]
login = SecretLogin("app", fetch=lambda secret_id: secret)
database = Database(driver, host=host, port=int(port), name="app", login=login, tls=False)
once = Once(database, "trips")
for number in range(10):
    def work(connection):
        connection.cursor().execute("INSERT INTO effect (name) VALUES (%s)", (f"m{number}",))
        if number == int(dies_at):
            os.kill(os.getpid(), signal.SIGKILL)
    once(f"m{number}", work)
database.close()
"""


def test_killed_in_the_middle_of_a_batch(server: Server) -> None:
    from tests.runtime.server import Secret

    codes = [
        subprocess.run(
            [sys.executable, "-c", KILLED, server.driver.__name__, server.real.address, str(server.real.port),
             Secret().fetch("app"), dies_at],
            check=False,
        ).returncode
        for dies_at in ("3", "7", "-1")
    ]  # fmt: skip
    assert codes == [-9, -9, 0]
    assert server.effects() == [f"m{number}" for number in range(10)]


PURGE = b"SKIP LOCKED"
"""The words in the statement that a purge sends if there is something to delete."""


# --- old markers -----------------------------------------------------------------------------------------


def make_old(server: Server, days: int, count: int = 1, consumer: str = "trips") -> None:
    moment = "UTC_TIMESTAMP() - INTERVAL {} DAY" if server.is_mysql else "now() - interval '{} days'"
    key = "`key`" if server.is_mysql else "key"
    rows = ", ".join(f"('{consumer}', 'old{number}', {moment.format(days)}, 1)" for number in range(count))
    server.run(f"INSERT INTO once_marker (consumer, {key}, done_at, done_by) VALUES {rows}")


def test_old_markers_are_purged_and_no_others(server: Server) -> None:
    once = Once(server.database(), "trips", keep_days=14)
    make_old(server, 15)
    make_old(server, 15, consumer="receipts")
    once("young", lambda connection: None)
    assert once.purge() == 1
    assert markers(server) == [("receipts", "old0"), ("trips", "young")]


def test_a_purge_is_bounded(server: Server) -> None:
    once = Once(server.database(), "trips")
    make_old(server, 40, count=250)
    assert once.purge() == 200
    assert once.purge() == 50
    assert once.purge() == 0


def test_purged_in_passing(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once_module, "_PURGE_ONE_IN", 1)
    make_old(server, 40, count=3)
    once = Once(server.database(), "trips")
    once("m1", lambda connection: None)
    assert markers(server) == [("trips", "m1")]
    make_old(server, 40)
    once("m1", lambda connection: None)  # nothing new: nothing purged
    assert len(markers(server)) == 2


def test_purge_comes_often_enough() -> None:
    """Every 100th new marker deletes up to 200: the table cannot outgrow its consumer."""
    assert once_module._PURGE_ROWS >= 2 * once_module._PURGE_ONE_IN


def test_failing_purge_does_not_fail_the_effect(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(once_module, "_PURGE_ONE_IN", 1)
    monkeypatch.setattr(once_module, "_COUNT_MYSQL", "DELETE FROM no_such_table")
    monkeypatch.setattr(once_module, "_PURGE_POSTGRESQL", "DELETE FROM no_such_table")
    once = Once(server.database(), "trips")
    assert once("m1", lambda connection: add(connection, "m1"))
    assert once("m2", lambda connection: add(connection, "m2"))
    assert server.effects() == ["m1", "m2"]
    assert "old markers of trips were not purged" in capsys.readouterr().out


def test_purge_and_deliveries_do_not_wait_for_each_other(server: Server) -> None:
    """An effect in progress holds its own marker alone; a purge in progress holds old ones alone."""
    make_old(server, 40, count=50)
    environments = [Once(server.database(), "trips") for _ in range(3)]

    def slow(connection: Any) -> None:
        assert environments[1].purge() == 50

    assert environments[0]("m1", slow)
    make_old(server, 40, count=50)

    def deliver_in_the_middle(connection: Any) -> None:
        assert environments[1]._delete_old(connection) == 50
        assert environments[2]("m2", lambda connection: None)
        assert not environments[2]("m1", lambda connection: None)
        assert environments[2].purge() == 0

    started = time.monotonic()
    environments[1]._database.run(deliver_in_the_middle)
    assert time.monotonic() - started < 40  # MySQL waits 50 seconds for a lock, PostgreSQL forever
    assert [key for _, key in markers(server)] == ["m1", "m2"]


def test_a_purge_in_passing_that_fails_is_logged_and_does_no_harm(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(once_module, "_PURGE_ONE_IN", 1)
    make_old(server, 40)
    with server.relay() as relay:
        once = Once(server.database(relay=relay), "trips")
        relay.cut, relay.at = "reset", PURGE
        assert once("m1", lambda connection: add(connection, "one"))
        assert relay.cut is None
    assert "old markers of trips were not purged: " in capsys.readouterr().out
    assert server.effects() == ["one"]


@pytest.mark.parametrize(
    "deadline", [DeadlineError("enough"), TimeoutError("enough")], ids=["error", "os-error"]
)
def test_a_deadline_of_the_caller_ends_a_purge_in_passing(
    server: Server, monkeypatch: pytest.MonkeyPatch, deadline: Exception
) -> None:
    """PyMySQL and pg8000 wrap an OSError: then theirs comes out."""
    monkeypatch.setattr(once_module, "_PURGE_ONE_IN", 1)
    make_old(server, 40)
    with server.relay() as relay:
        once = Once(server.database(relay=relay), "trips")
        relay.cut, relay.at = "silent", PURGE
        with (
            interrupted_at(relay.was_cut, deadline),
            pytest.raises((type(deadline), server.driver.Error)),
        ):
            once("m1", lambda connection: add(connection, "one"))
        assert not once("m1", lambda connection: add(connection, "one"))
    assert server.effects() == ["one"]


def test_table_is_created_once(server: Server) -> None:
    database = server.database()
    database.run(Once.create_table)
    Once(database, "trips")("m1", lambda connection: None)
    database.run(Once.create_table)
    assert markers(server) == [("trips", "m1")]


@pytest.mark.parametrize("what", ["table", "index"])
def test_table_is_created_by_two_at_once(postgresql: Server, what: str) -> None:
    """The second one does not see yet what the first one has made, and is told of it when it makes the same."""
    server = postgresql
    server.run("DROP TABLE once_marker" if what == "table" else "DROP INDEX once_marker_done_at")
    others: list[threading.Thread] = []

    def first(connection: Any) -> None:
        Once.create_table(connection)
        others.append(threading.Thread(target=server.database().run, args=(second,)))
        others[0].start()
        while not server.run(
            "SELECT 1 FROM pg_stat_activity WHERE usename = 'app' AND wait_event_type = 'Lock'"
        ):
            assert others[0].is_alive()
            time.sleep(0.01)

    done: list[str] = []

    def second(connection: Any) -> None:
        Once.create_table(connection)
        done.append("second")

    server.database().run(first)
    others[0].join()
    assert done == ["second"]
    assert Once(server.database(), "trips")("m1", lambda connection: None)


def rows_as_dicts(server: Server, connection: Any) -> None:
    if server.is_mysql:
        connection.cursorclass = server.driver.cursors.DictCursor
    else:
        connection.row_factory = server.driver.rows.dict_row


def raw_cursors(server: Server, connection: Any) -> None:
    if server.is_mysql:
        connection.cursorclass = server.driver.cursors.SSDictCursor
    else:
        connection.cursor_factory = server.driver.RawCursor


@pytest.mark.parametrize("change", [rows_as_dicts, raw_cursors])
def test_cursors_and_rows_of_the_work_are_its_own(
    server: Server, monkeypatch: pytest.MonkeyPatch, change: Callable[[Server, Any], None]
) -> None:
    if server.driver.__name__ == "pg8000.dbapi":
        pytest.skip("pg8000 knows one kind of each")
    monkeypatch.setattr(once_module, "_PURGE_ONE_IN", 10**12)
    with server.relay() as relay:
        database = server.database(relay=relay, idle_check_seconds=-1)
        once = Once(database, "trips")
        assert once("m1", lambda connection: change(server, connection))
        assert not once("m1", lambda connection: add(connection, "again"))
        relay.cut = "after"  # so that the marker is looked up on the next connection
        tries = 0

        def work(connection: Any) -> None:
            nonlocal tries
            tries += 1
            change(server, connection)
            connection.cursor().execute("DELETE FROM effect WHERE name = 'nothing'")

        assert once("m2", work)
        make_old(server, 40, count=3)
        database.run(lambda connection: change(server, connection))
        assert once.purge() == 3
    assert tries == 1


@pytest.mark.parametrize("style", ["format", "qmark", "numeric", "named", "pyformat"])
def test_every_style_of_placeholders(
    pg8000_server: Server, monkeypatch: pytest.MonkeyPatch, style: str
) -> None:
    """pg8000 takes whichever its user has chosen."""
    monkeypatch.setattr(pg8000_server.driver, "paramstyle", style)
    once = Once(pg8000_server.database(), "trips")
    assert once("m1", lambda connection: None)
    assert not once("m1", lambda connection: None)
    assert once.purge() == 0


# --- arguments -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", "k" * 256, "with\0nothing", "lone \ud800 half", None, 5, b"bytes"])
def test_keys_that_cannot_be_kept_are_refused(server: Server, key: Any) -> None:
    with pytest.raises(ValueError, match="key must be"):
        Once(server.database(), "trips")(key, lambda connection: None)


@pytest.mark.parametrize("consumer", ["", "c" * 65, "a\0b"])
def test_consumers_that_cannot_be_kept_are_refused(server: Server, consumer: str) -> None:
    with pytest.raises(ValueError, match="consumer must be"):
        Once(server.database(), consumer)


def test_markers_must_be_kept_a_day(server: Server) -> None:
    with pytest.raises(ValueError, match="keep_days must be at least 1, got 0"):
        Once(server.database(), "trips", keep_days=0)
