"""Database against real servers: what is lost is done again as a whole, and nothing else is."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, Literal

import pytest

from constructs_lib.local.extension.postgres.server import PostgresServer
from constructs_lib.runtime.database import (
    GIVE_UP_AFTER_SECONDS,
    CommitUnknownError,
    Database,
)
from constructs_lib.runtime.once import Once
from tests.runtime.server import PASSWORD, Secret, Server, add


def later(seconds: float, action: Any, *arguments: Any) -> threading.Timer:
    timer = threading.Timer(seconds, action, arguments)
    timer.daemon = True
    timer.start()
    return timer


# --- opened once, reused, checked ------------------------------------------------------------------------


def test_opened_at_first_use_and_reused(server: Server) -> None:
    secret = Secret()
    database = server.database(secret)
    assert secret.reads == 0

    sessions = {database.run(server.session) for _ in range(3)}

    assert len(sessions) == 1
    assert secret.reads == 1


def test_closed_and_opened_again(server: Server) -> None:
    database = server.database()
    first = database.run(server.session)
    database.close()
    database.close()
    assert database.run(server.session) != first


def test_work_is_committed_and_its_result_returned(server: Server) -> None:
    def work(connection: Any) -> str:
        add(connection, "one")
        return "done"

    assert server.database().run(work) == "done"
    assert server.effects() == ["one"]


def test_idle_connection_is_checked(server: Server) -> None:
    """Without the check the work itself would find out, and be done twice."""
    database = server.database(idle_check_seconds=-1)
    first = database.run(server.session)
    server.end(first)
    tries = 0

    def work(connection: Any) -> int:
        nonlocal tries
        tries += 1
        return server.session(connection)

    assert database.run(work) != first
    assert tries == 1


def test_busy_connection_is_not_checked(server: Server) -> None:
    with server.relay() as relay:
        database = server.database(relay=relay, idle_check_seconds=60)
        database.run(server.session)
        database.run(server.session)
        assert b"SELECT 1" not in relay.sent[0]


def test_dead_network_is_found_out_by_the_kernel(server: Server) -> None:
    """And a slow answer is none: the time limit is for opening alone."""

    def look(connection: Any) -> tuple[int, int]:
        opened = {"pymysql": "_sock", "pg8000.dbapi": "_usock"}.get(server.driver.__name__)
        file = getattr(connection, opened).fileno() if opened else connection.fileno()
        assert os.get_blocking(file) or not opened
        with socket.socket(fileno=os.dup(file)) as same:
            return (
                same.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                same.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
            )

    assert server.database().run(look) == (1, 10_000)


# --- lost ------------------------------------------------------------------------------------------------


def test_session_ended_between_units_of_work(server: Server) -> None:
    database = server.database()
    for _ in range(3):
        server.end(database.run(server.session))
        database.run(lambda connection: add(connection, "one more"))
    assert server.effects() == ["one more"] * 3


def test_session_ended_inside_a_unit_of_work(server: Server) -> None:
    """The first half is gone with its session; the whole is done again, the half is not."""
    tries = 0

    def work(connection: Any) -> int:
        nonlocal tries
        tries += 1
        add(connection, "first half")
        if tries < 3:
            server.end(server.session(connection))
        add(connection, "second half")
        return tries

    assert server.database().run(work) == 3
    assert server.effects() == ["first half", "second half"]


def test_line_reset_inside_a_unit_of_work(server: Server) -> None:
    """pg8000 lets the error of the socket through as it is."""
    with server.relay() as relay:
        tries = 0

        def work(connection: Any) -> int:
            nonlocal tries
            tries += 1
            add(connection, "first half")
            if tries == 1:
                relay.cut = "reset"
            add(connection, "second half")
            return tries

        assert server.database(relay=relay).run(work) == 2
    assert server.effects() == ["first half", "second half"]


def test_own_network_error_is_not_taken_for_the_drivers(server: Server) -> None:
    tries = 0

    def work(connection: Any) -> None:
        nonlocal tries
        tries += 1
        add(connection, "one")
        raise ConnectionResetError("of another service")

    database = server.database()
    session = database.run(server.session)
    with pytest.raises(ConnectionResetError):
        database.run(work)
    assert tries == 1
    assert server.effects() == []
    assert database.run(server.session) == session


def test_own_error_after_the_session_ended_passes_through(server: Server) -> None:
    """What the work raises itself is never repeated, and the next unit of work has a connection."""
    database = server.database()
    tries = 0

    def work(connection: Any) -> None:
        nonlocal tries
        tries += 1
        add(connection, "one")
        server.end(server.session(connection))
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        database.run(work)
    assert tries == 1
    database.run(lambda connection: add(connection, "two"))
    assert server.effects() == ["two"]


def test_given_up_in_time(server: Server) -> None:
    database = server.database(give_up_after_seconds=0.6)

    def work(connection: Any) -> None:
        server.end(server.session(connection))
        add(connection, "never")

    started = time.monotonic()
    with pytest.raises(server.driver.Error) as caught:
        database.run(work)
    assert time.monotonic() - started < GIVE_UP_AFTER_SECONDS  # which counts where nothing is said
    assert "given up after" in caught.value.__notes__[0]
    assert server.effects() == []


def test_server_restarted(postgres_programs: Path) -> None:
    import psycopg

    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        with PostgresServer(Path(folder) / "server", binaries=postgres_programs) as real:
            database = Database(
                psycopg, host=str(real.socket_folder), port=real.port, name="postgres", tls=False,
                login=_Fixed("postgres"), give_up_after_seconds=600,
            )  # fmt: skip
            database.run(lambda connection: connection.execute("CREATE TABLE effect (name text)"))
            real.stop()
            timer = later(0.7, real.start)
            database.run(lambda connection: add(connection, "after"))
            timer.join()
            real.kill()
            timer = later(0.2, real.start)
            database.run(lambda connection: add(connection, "after a crash"))
            timer.join()
            rows = database.run(lambda connection: connection.execute("SELECT name FROM effect").fetchall())
            database.close()
    assert rows == [("after",), ("after a crash",)]


class _Fixed:
    def __init__(self, user: str, password: str = "") -> None:
        self._known = user, password
        self.renewed = 0

    def credentials(self, seconds: float) -> tuple[str, str]:
        return self._known

    def renew(self) -> bool:
        self.renewed += 1
        return False

    def accepted(self) -> None:
        pass


# --- COMMIT in doubt -------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", ["before", "after"])
def test_lost_while_commit_was_on_its_way(server: Server, cut: Literal["before", "after"]) -> None:
    with server.relay() as relay:
        database = server.database(relay=relay)
        database.run(lambda connection: add(connection, "first"))
        relay.cut = cut

        with pytest.raises(CommitUnknownError):
            database.run(lambda connection: add(connection, "second"))

        assert server.effects() == (["first"] if cut == "before" else ["first", "second"])
        database.run(lambda connection: add(connection, "third"))


@pytest.mark.parametrize("cut", ["before", "after"])
def test_repeatable_work_is_done_again(server: Server, cut: Literal["before", "after"]) -> None:
    with server.relay() as relay:
        database = server.database(relay=relay)
        relay.cut = cut
        database.run(lambda connection: add(connection, "one"), repeatable=True)
    assert server.effects() == (["one"] if cut == "before" else ["one", "one"])


@pytest.mark.parametrize(("number", "state"), [(1927, b"70100"), (1053, b"08S01"), (2013, b"HY000")], ids=str)
def test_an_answer_that_the_session_has_ended_leaves_commit_in_doubt(
    mysql_server: Server, number: int, state: bytes
) -> None:
    """The line stays open: a proxy may do so."""
    body = b"\xff" + number.to_bytes(2, "little") + b"#" + state + b"the session has ended"
    with mysql_server.relay() as relay:
        relay.answer = len(body).to_bytes(3, "little") + b"\1" + body
        database = mysql_server.database(relay=relay)
        database.run(mysql_server.session)
        relay.cut = "forged"
        with pytest.raises(CommitUnknownError):
            database.run(lambda connection: add(connection, "one"))
        relay.cut = "forged"
        assert Once(database, "trips")("m1", lambda connection: add(connection, "two"))
    assert mysql_server.effects() == ["one", "two"]


def test_repeatable_work_that_stays_in_doubt_is_reported(server: Server) -> None:
    """The effect is there, and no other try came through."""
    with server.relay() as relay:
        database = server.database(relay=relay, give_up_after_seconds=0.5)
        database.run(server.session)

        def work(connection: Any) -> None:
            add(connection, "one")
            relay.cut = "after"
            relay.hang_up = 10**6

        with pytest.raises(CommitUnknownError) as caught:
            database.run(work, repeatable=True)
        assert "given up after" in caught.value.__cause__.__notes__[0]  # type: ignore[union-attr]
    assert server.effects() == ["one"]


def test_repeatable_work_may_find_out_by_its_own_errors(server: Server) -> None:
    server.run("CREATE UNIQUE INDEX by_name ON effect (name)")
    with server.relay() as relay:
        database = server.database(relay=relay)
        database.run(server.session)
        relay.cut = "after"
        with pytest.raises(server.driver.Error, match="by_name"):
            database.run(lambda connection: add(connection, "one"), repeatable=True)
    assert server.effects() == ["one"]


def test_session_ended_during_commit(postgresql: Server) -> None:
    server = postgresql
    server.run(
        "CREATE OR REPLACE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN PERFORM pg_sleep(600); RETURN NULL; END'",
        "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON effect DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION dawdle()",
    )
    database = server.database()
    session = database.run(server.session)

    def end_when_it_commits() -> None:
        asleep = f"SELECT count(*) FROM pg_stat_activity WHERE pid = {session} AND wait_event = 'PgSleep'"
        while server.run(asleep) != [(1,)]:
            time.sleep(0.02)
        server.end(session)

    later(0, end_when_it_commits)
    with pytest.raises(CommitUnknownError):
        database.run(lambda connection: add(connection, "one"))
    assert server.effects() == []


def test_commit_refused_by_the_server_is_not_in_doubt(postgresql: Server) -> None:
    server = postgresql
    server.run("ALTER TABLE effect ADD UNIQUE (name) DEFERRABLE INITIALLY DEFERRED")
    database = server.database()
    database.run(lambda connection: add(connection, "one"))
    session = database.run(server.session)
    with pytest.raises(server.driver.DatabaseError) as caught:
        database.run(lambda connection: add(connection, "one"))
    assert "effect_name_key" in str(caught.value)
    assert database.run(server.session) == session


# --- in each other's way ---------------------------------------------------------------------------------


def test_deadlock_is_resolved(server: Server) -> None:
    server.run("INSERT INTO effect VALUES ('a'), ('b')", "CREATE UNIQUE INDEX by_name ON effect (name)")
    both_hold_one = threading.Barrier(2)
    tries: list[str] = []

    def transfer(first: str, second: str) -> None:
        mine = 0

        def work(connection: Any) -> None:
            nonlocal mine
            mine += 1
            tries.append(first)
            cursor = connection.cursor()
            cursor.execute("SELECT name FROM effect WHERE name = %s FOR UPDATE", (first,))
            if mine == 1:
                both_hold_one.wait()
            cursor.execute("SELECT name FROM effect WHERE name = %s FOR UPDATE", (second,))

        server.database().run(work)

    threads = [threading.Thread(target=transfer, args=names) for names in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tries) == 3


def test_a_lock_that_is_not_had_in_time_is_waited_for_again(mysql_server: Server) -> None:
    server = mysql_server
    server.run("INSERT INTO effect VALUES ('one')")
    holds, release = threading.Event(), threading.Event()

    def hold(connection: Any) -> None:
        connection.cursor().execute("UPDATE effect SET name = 'theirs'")
        holds.set()
        release.wait()

    holder = threading.Thread(target=server.database().run, args=(hold,))
    holder.start()
    holds.wait()
    tries = 0

    def work(connection: Any) -> None:
        nonlocal tries
        tries += 1
        cursor = connection.cursor()
        cursor.execute("SET SESSION innodb_lock_wait_timeout = 1")
        try:
            cursor.execute("UPDATE effect SET name = 'mine'")
        except server.driver.Error:
            release.set()
            raise

    server.database().run(work)
    holder.join()
    assert tries >= 2
    assert server.effects() == ["mine"]


def test_serialization_failure_is_repeated(postgresql: Server) -> None:
    server = postgresql
    database, other = server.database(), server.database()
    tries = 0

    def work(connection: Any) -> None:
        nonlocal tries
        tries += 1
        cursor = connection.cursor()
        cursor.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        cursor.execute("SELECT count(*) FROM effect")
        if tries == 1:
            other.run(lambda connection: connection.cursor().execute("UPDATE effect SET name = 'theirs'"))
        cursor.execute("UPDATE effect SET name = 'mine'")

    server.run("INSERT INTO effect VALUES ('nobody''s')")
    database.run(work)
    assert tries == 2
    assert server.effects() == ["mine"]


# --- what the work raises --------------------------------------------------------------------------------


def test_own_errors_pass_through_and_the_connection_stays(server: Server) -> None:
    server.run("CREATE UNIQUE INDEX by_name ON effect (name)")
    database = server.database()
    database.run(lambda connection: add(connection, "one"))
    session = database.run(server.session)
    tries = 0

    def unlucky(connection: Any) -> None:
        nonlocal tries
        tries += 1
        add(connection, "two")
        add(connection, "one")

    def wrong(connection: Any) -> None:
        add(connection, "three")
        raise ValueError("mine")

    with pytest.raises(server.driver.Error):
        database.run(unlucky)
    with pytest.raises(ValueError, match="mine"):
        database.run(wrong)
    assert tries == 1
    assert database.run(server.session) == session
    assert server.effects() == ["one"]


def test_swallowed_error_is_not_taken_for_success(postgresql: Server) -> None:
    """PostgreSQL answers COMMIT of a failed transaction with a rollback, and no driver says so."""
    server = postgresql
    database = server.database()

    def work(connection: Any) -> None:
        add(connection, "one")
        with contextlib.suppress(server.driver.Error):
            connection.cursor().execute("SELECT 1/0")

    with pytest.raises(RuntimeError, match="swallowed"):
        database.run(work)
    assert server.effects() == []
    database.run(lambda connection: add(connection, "two"))


def test_work_that_has_not_run_yet_is_refused(server: Server) -> None:
    database = server.database()

    def generator(connection: Any) -> Any:
        add(connection, "late")
        yield 1

    async def coroutine(connection: Any) -> None:
        add(connection, "late")

    for work in (generator, coroutine):
        with pytest.raises(TypeError, match="ordinary function"):
            database.run(work)
    assert server.effects() == []


def test_work_inside_work_is_refused(server: Server) -> None:
    database = server.database()

    def outer(connection: Any) -> None:
        add(connection, "outer")
        database.run(lambda connection: add(connection, "inner"))

    with pytest.raises(RuntimeError, match="must not start"):
        database.run(outer)
    with pytest.raises(RuntimeError, match="must not start"):
        database.run(lambda connection: database.close())
    assert server.effects() == []
    database.run(lambda connection: add(connection, "after"))


def test_interrupted_answer_is_not_taken_for_the_next_one(server: Server) -> None:
    class EnoughError(Exception):
        pass

    def stop(number: int, frame: FrameType | None) -> None:
        raise EnoughError

    database = server.database()
    sleep = "SELECT SLEEP(2), 'old'" if server.is_mysql else "SELECT pg_sleep(2), 'old'"

    def slow(connection: Any) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        connection.cursor().execute(sleep)

    before = signal.signal(signal.SIGALRM, stop)
    try:
        with pytest.raises(EnoughError):
            database.run(slow)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    def ask(connection: Any) -> object:
        cursor = connection.cursor()
        cursor.execute("SELECT 'new'")
        return cursor.fetchone()[0]

    assert database.run(ask) == "new"


# --- threads and processes -------------------------------------------------------------------------------


def test_threads_take_turns(server: Server) -> None:
    database = server.database()
    inside: list[int] = []
    most = 0

    def work(connection: Any) -> None:
        nonlocal most
        inside.append(1)
        most = max(most, len(inside))
        add(connection, "turn")
        time.sleep(0.01)
        inside.pop()

    threads = [threading.Thread(target=database.run, args=(work,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert server.effects() == ["turn"] * 5


FORK = """
import importlib, os, sys
from constructs_lib.runtime.database import Database
from constructs_lib.runtime.secret_login import SecretLogin

driver, host, port, secret, session = importlib.import_module(sys.argv[1]), *sys.argv[2:]
login = SecretLogin("app", fetch=lambda secret_id: secret)
database = Database(driver, host=host, port=int(port), name="app", login=login, tls=False)

def ask(connection):
    cursor = connection.cursor()
    cursor.execute(session)
    return cursor.fetchone()[0]

parents = database.run(ask)
child = os.fork()
if not child:
    childs = database.run(ask)
    database.close()
    sys.exit(0 if childs != parents else 1)
_, status = os.waitpid(child, 0)
assert status == 0, "the child used the parent's session"
assert database.run(ask) == parents, "the child ended the parent's session"
database.close()
"""


def test_forked_child_has_a_session_of_its_own(server: Server) -> None:
    session = "SELECT CONNECTION_ID()" if server.is_mysql else "SELECT pg_backend_pid()"
    done = subprocess.run(
        [sys.executable, "-c", FORK, server.driver.__name__, server.real.address, str(server.real.port),
         Secret().fetch("app"), session],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


# --- logging in ------------------------------------------------------------------------------------------


def test_changed_password_is_read_again(server: Server) -> None:
    secret = Secret()
    database = server.database(secret)
    database.run(server.session)
    secret.password = "second-password"
    server.set_password(secret.password)
    assert secret.reads == 1

    server.end_all()
    database.run(lambda connection: add(connection, "one"))

    assert secret.reads == 2
    assert server.effects() == ["one"]


def test_a_user_whose_name_is_a_word_of_other_errors_gets_its_new_password(server: Server) -> None:
    name = "certificates"
    grant = f"GRANT ALL ON app.* TO {name}" if server.is_mysql else f"GRANT INSERT ON effect TO {name}"
    server.run(f"DROP USER IF EXISTS {name}")
    server.run(f"CREATE USER {name}" if server.is_mysql else f"CREATE ROLE {name} LOGIN", grant)
    try:
        server.set_password("first", name)
        secret = Secret(name, "first")
        database = server.database(secret)
        database.run(lambda connection: add(connection, "one"))
        secret.password = "second"
        server.set_password(secret.password, name)
        database.close()
        database.run(lambda connection: add(connection, "two"))
        database.close()
        assert secret.reads == 2
        assert server.effects() == ["one", "two"]
    finally:
        server.run(*([] if server.is_mysql else [f"DROP OWNED BY {name}"]), f"DROP USER {name}")


def test_what_cannot_be_put_right_now_is_not_so_for_the_life_of_the_environment(server: Server) -> None:
    """What another secret or database puts right is looked at again by the next unit of work."""
    secret = Secret()
    database = server.database(secret, name="nowhere")
    for reads in (1, 2):
        with pytest.raises(server.driver.Error):
            database.run(server.session)
        assert secret.reads == reads


def test_gap_between_database_and_secret_is_waited_for(server: Server) -> None:
    class Late(Secret):
        def fetch(self, secret_id: str) -> str:
            if self.reads == 2:
                self.password = "second-password"
            return super().fetch(secret_id)

    secret = Late()
    database = server.database(secret)
    server.set_password("second-password")

    database.run(lambda connection: add(connection, "one"))

    assert secret.reads == 3
    assert server.effects() == ["one"]


def test_wrong_password_is_given_up_in_time(server: Server) -> None:
    database = server.database(Secret(password="wrong"), give_up_after_seconds=0.5)
    started = time.monotonic()
    with pytest.raises(server.driver.Error) as caught:
        database.run(server.session)
    assert time.monotonic() - started < GIVE_UP_AFTER_SECONDS
    assert "wrong" not in str(caught.value)
    assert "given up" in caught.value.__notes__[0]


def test_a_login_is_notified_that_it_was_accepted(server: Server) -> None:
    """So that the next refusal is the first one of another incident."""
    calls: list[str] = []

    class Login:
        def credentials(self, seconds: float) -> tuple[str, str]:
            calls.append("credentials")
            return "app", "wrong" if len(calls) < 3 else Secret().password

        def renew(self) -> bool:
            calls.append("renew")
            return True

        def accepted(self) -> None:
            calls.append("accepted")

    server.database(login=Login()).run(server.session)
    assert calls == ["credentials", "renew", "credentials", "accepted"]


def test_refusal_that_nothing_can_change_is_raised_at_once(server: Server) -> None:
    login = _Counted("app", "no-token")
    with pytest.raises(server.driver.Error):
        server.database(login=login).run(server.session)
    assert (login.renewed, login.tries) == (1, 1)


def test_absent_database_is_raised_at_once(server: Server) -> None:
    login = _Counted("app", PASSWORD)
    with pytest.raises(server.driver.Error):
        server.database(name="nowhere", login=login).run(server.session)
    assert login.tries == 1


class _Counted(_Fixed):
    """Says how often opening was tried."""

    tries = 0

    def credentials(self, *arguments: Any) -> tuple[str, str]:
        self.tries += 1
        return super().credentials(*arguments)


def test_full_server_is_waited_for(server: Server) -> None:
    limit = (
        "ALTER USER app WITH MAX_USER_CONNECTIONS {}"
        if server.is_mysql
        else "ALTER ROLE app CONNECTION LIMIT {}"
    )
    off = 0 if server.is_mysql else -1
    holder = server.database()
    holder.run(server.session)
    server.run(limit.format(1))
    try:
        secret = Secret()
        timer = later(0.5, holder.close)
        server.database(secret).run(lambda connection: add(connection, "one"))
        timer.join()
        assert secret.reads == 1
        assert server.effects() == ["one"]
    finally:
        server.run(limit.format(off))


def test_nobody_listens(server: Server) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        database = server.database(port=unused.getsockname()[1], give_up_after_seconds=0.4)
        with pytest.raises(server.driver.Error) as caught:
            database.run(server.session)
    assert "given up" in caught.value.__notes__[0]


def test_unix_socket(server: Server) -> None:
    host = str(server.real.socket) if server.is_mysql else str(server.real.socket_folder)  # type: ignore[union-attr]
    user = "root" if server.is_mysql else "postgres"
    database = server.database(host=host, login=_Fixed(user))
    assert database.run(server.session) > 0


# --- arguments -------------------------------------------------------------------------------------------


def test_other_drivers_are_refused() -> None:
    with pytest.raises(ValueError, match=r"must be psycopg, pg8000\.dbapi or pymysql, got sqlite3"):
        Database(ModuleType("sqlite3"), host="h", port=1, name="n", login=_Fixed("u"))


def test_pymysql_that_may_fall_back_to_clear_text_is_refused() -> None:
    old = ModuleType("pymysql")
    old.VERSION, old.__version__ = (1, 1, 2, "final"), "2.2.8"  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match=r"PyMySQL 1\.2 or newer, got 1\.1\.2"):
        Database(old, host="h", port=1, name="n", login=_Fixed("u"))


@pytest.mark.parametrize("version", ["3.0.18", "3.1.20"])
def test_psycopg_that_waits_without_a_limit_is_refused(version: str) -> None:
    old = ModuleType("psycopg")
    old.__version__ = version  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match=f"psycopg 3.2 or newer, got {version}"):
        Database(old, host="h", port=1, name="n", login=_Fixed("u"))


@pytest.mark.parametrize(
    "host", ["db.example.com", "10.0.0.1", "127.evil.example", "localhost.example", "::2", ""]
)
def test_clear_text_across_a_network_is_refused(host: str) -> None:
    import psycopg

    with pytest.raises(ValueError, match="tls=False must go with a loopback address"):
        Database(psycopg, host=host, port=1, name="n", login=_Fixed("u"), tls=False)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.8.7", "::1", "/tmp"])
def test_clear_text_on_this_machine_is_allowed(host: str) -> None:
    import psycopg

    Database(psycopg, host=host, port=1, name="n", login=_Fixed("u"), tls=False)


# --- the environment -------------------------------------------------------------------------------------


def test_environment_with_a_secret(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    import psycopg

    from constructs_lib.runtime.secret_login import SecretLogin

    _set(monkeypatch, DATABASE_HOST="proxy.example.com", DATABASE_PORT="6543", DATABASE_NAME="rides",
         DATABASE_SECRET_ARN="arn:secret")  # fmt: skip
    database = Database.from_environment(psycopg)
    assert (database._host, database._port, database._name) == ("proxy.example.com", 6543, "rides")
    assert isinstance(database._login, SecretLogin)
    assert database._login._secret_id == "arn:secret"


def test_environment_with_iam(monkeypatch: pytest.MonkeyPatch) -> None:
    import psycopg

    from constructs_lib.runtime.iam_login import IamLogin

    _set(monkeypatch, TRIPS_HOST="proxy.example.com", TRIPS_READER_HOST="reader.example.com", TRIPS_PORT="6543",
         TRIPS_NAME="rides", TRIPS_USER="app", AWS_REGION="eu-west-1",
         AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="hidden")  # fmt: skip
    for reader, host in ((False, "proxy.example.com"), (True, "reader.example.com")):
        database = Database.from_environment(psycopg, prefix="TRIPS", reader=reader, give_up_after_seconds=3)
        assert database._host == host
        assert database._give_up_after_seconds == 3
        assert isinstance(database._login, IamLogin)
        user, token = database._login.credentials(5)
        assert user == "app"
        assert token.startswith(f"{host}:6543/?Action=connect&DBUser=app&")  # signed for where it goes
        assert "%2Feu-west-1%2Frds-db%2F" in token


@pytest.mark.parametrize("missing", ["HOST", "PORT", "NAME", "USER"])
def test_environment_that_is_incomplete(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    import psycopg

    there = {"HOST": "h", "PORT": "1", "NAME": "n", "USER": "u"}
    del there[missing]
    _set(monkeypatch, AWS_REGION="eu-west-1", **{f"DATABASE_{name}": value for name, value in there.items()})
    with pytest.raises(ValueError, match=f"DATABASE_{missing} is not set"):
        Database.from_environment(psycopg)


def _set(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


class AlarmError(Exception):
    """What a guard against slow work raises, out of a signal handler."""


@contextlib.contextmanager
def alarm(seconds: float) -> Iterator[None]:
    def ring(*_: object) -> None:
        raise AlarmError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_an_interrupted_answer_is_not_the_next_questions_though_the_work_wraps_it(server: Server) -> None:
    database = server.database()
    once = Once(database, consumer="alarm")

    def slow(connection: Any) -> None:
        try:
            with alarm(0.2):
                connection.cursor().execute(
                    "SELECT SLEEP(0.5)" if server.is_mysql else "SELECT pg_sleep(0.5)"
                )
        except AlarmError as error:
            raise RuntimeError("slow") from error

    with pytest.raises(RuntimeError, match="slow"):
        database.run(slow)
    assert [once("pay", lambda connection: add(connection, "pay")) for _ in range(2)] == [True, False]
    assert server.effects() == ["pay"]


def test_an_error_that_wraps_an_answer_of_the_driver_keeps_the_connection(server: Server) -> None:
    database = server.database()

    def conflict(connection: Any) -> None:
        try:
            connection.cursor().execute("SELECT nothing FROM nowhere")
        except server.driver.Error as error:
            raise RuntimeError("conflict") from error

    before = database.run(server.session)
    with pytest.raises(RuntimeError, match="conflict"):
        database.run(conflict)
    assert database.run(server.session) == before


def test_autocommit_that_work_turns_on_is_an_error_and_does_not_stay(server: Server) -> None:
    database = server.database()

    def turn_on(connection: Any) -> None:
        if server.is_mysql:
            connection.autocommit(True)
        else:
            connection.autocommit = True

    def add_and_fail(connection: Any) -> None:
        add(connection, "lost")
        raise ValueError("on purpose")

    with pytest.raises(RuntimeError, match="has turned autocommit on"):
        database.run(turn_on)
    with pytest.raises(ValueError, match="on purpose"):
        database.run(add_and_fail)
    assert server.effects() == []


def test_opening_takes_no_longer_than_what_is_left(server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        database = server.database(host="127.0.0.1", port=silent.getsockname()[1], give_up_after_seconds=1)
        started = time.monotonic()
        with pytest.raises((server.driver.Error, OSError)):
            database.run(lambda connection: None)
        assert time.monotonic() - started < 5  # which is what one try may take where there is more time
