"""Aurora DSQL: the token is botocore's, and a transaction that conflicts is repeated as a whole.

A real PostgreSQL in REPEATABLE READ stands in: it has the same isolation, and the same code for a conflict. What it
finds at the second write of a row, Aurora DSQL finds at COMMIT; a trigger does that here.
"""

import datetime
import json
import random
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.auth
import botocore.session
import psycopg
import pytest
from botocore.credentials import Credentials as BotocoreCredentials

from constructs_lib.runtime import database as database_module
from constructs_lib.runtime import drivers
from constructs_lib.runtime import once as once_module
from constructs_lib.runtime.credentials import CredentialSource
from constructs_lib.runtime.database import CommitUnknownError, Database
from constructs_lib.runtime.dsql import DsqlLogin, ensure_database_roles
from constructs_lib.runtime.once import Once
from constructs_lib.runtime.secret_login import SecretLogin
from tests.runtime.server import PASSWORD, Secret, Server, add

GUIDE = (Path(__file__).parents[2] / "docs" / "dsql.md").read_text()
HOST = "abcdefghij0123456789abcdef.dsql.eu-west-1.on.aws"


@pytest.fixture
def server(postgresql: Server) -> Iterator[Server]:
    """A server whose user `app` has the isolation of Aurora DSQL."""
    isolation = "default_transaction_isolation"
    postgresql.run(f"ALTER ROLE app SET {isolation} = 'repeatable read'")
    yield postgresql
    for database in postgresql.databases:
        database.close()
    postgresql.run(f"ALTER ROLE app RESET {isolation}")


# --- the token -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("user", ["app", "admin"])
@pytest.mark.parametrize("token", [None, "FwoGZXIvYXdzEBYaD+/=", "a" * 1200 + "+/=="])
def test_token_is_the_one_of_botocore(user: str, token: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime.datetime(2026, 11, 23, 9, 8, 7)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: moment)
    monkeypatch.setattr(time, "gmtime", moment.timetuple)
    for name, value in (("ACCESS_KEY_ID", "ASIAX"), ("SECRET_ACCESS_KEY", "a/+="), ("SESSION_TOKEN", token)):
        if value is not None:
            monkeypatch.setenv(f"AWS_{name}", value)
    client: Any = botocore.session.Session().create_client("dsql", region_name="eu-west-1")
    client._request_signer._credentials = BotocoreCredentials("ASIAX", "a/+=", token)
    theirs = (
        client.generate_db_connect_admin_auth_token
        if user == "admin"
        else client.generate_db_connect_auth_token
    )(HOST, "eu-west-1")
    assert DsqlLogin(HOST, user, "eu-west-1").credentials(5) == (user, theirs)


def test_a_database_of_the_environment_logs_in_with_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[dict[str, Any]] = []

    def connect(driver: Any, **arguments: Any) -> Any:
        opened.append(arguments)
        raise driver.OperationalError("not now")

    monkeypatch.setattr("constructs_lib.runtime.drivers.connect", connect)
    variables = {"HOST": HOST, "PORT": "5432", "NAME": "postgres", "USER": "app", "SERVICE": "dsql"}
    for name, value in variables.items():
        monkeypatch.setenv(f"ORDERS_{name}", value)
    for name in ("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "eu-west-1")
    database = Database.from_environment(psycopg, prefix="ORDERS", give_up_after_seconds=0)
    with pytest.raises(psycopg.OperationalError, match="not now"):
        database.run(lambda connection: None)
    assert database.is_dsql
    assert opened[0]["user"] == "app"
    assert opened[0]["password"].startswith(f"{HOST}/?Action=DbConnect&")
    assert opened[0]["authorities"].endswith("amazon_trust_services.pem")


def test_mysql_is_refused(mysql_server: Server) -> None:
    with pytest.raises(ValueError, match="driver must be psycopg or pg8000"):
        mysql_server.database(dsql=True)


# --- conflicts -------------------------------------------------------------------------------------------


def test_writers_that_conflict_are_all_counted(server: Server) -> None:
    """Each adds one to what it has read: the sum is right only if no transaction is lost, or done in half."""
    server.run(
        "DROP TABLE IF EXISTS counter",
        "CREATE TABLE counter (pieces int NOT NULL)",
        "INSERT INTO counter VALUES (0)",
        "ALTER TABLE counter OWNER TO app",
    )
    tries = [0] * 8
    all_have_read = threading.Barrier(len(tries))

    def write(writer: int) -> None:
        def increment(connection: Any) -> None:
            tries[writer] += 1
            cursor = connection.cursor()
            cursor.execute("SELECT pieces FROM counter")
            (pieces,) = cursor.fetchone()
            if tries[writer] == 1:
                all_have_read.wait(900)  # so that all but one of them conflict
            cursor.execute("UPDATE counter SET pieces = %s", (pieces + 1,))
            add(connection, str(pieces + 1))

        database = server.database(dsql=True, give_up_after_seconds=600)
        for _ in range(25):
            database.run(increment)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(len(tries))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.run("SELECT pieces FROM counter") == [(200,)]
    assert sorted(map(int, server.effects())) == list(range(1, 201))
    assert sum(tries) >= 200 + len(tries) - 1


@pytest.mark.parametrize(
    "answer",
    [
        "change conflicts with another transaction, please retry: (OC000)",
        "schema has been updated by another transaction, please retry: (OC001)",
    ],
)
def test_a_conflict_that_is_found_at_commit_repeats_the_whole_work(server: Server, answer: str) -> None:
    refuse_commits(server, times=2, answer=answer)
    tries = 0

    def work(connection: Any) -> str:
        nonlocal tries
        tries += 1
        add(connection, f"try {tries}")
        return f"try {tries}"

    database = server.database(dsql=True)
    session = database.run(server.session)
    assert database.run(work) == "try 3"
    assert server.effects() == ["try 3"]
    assert (
        database.run(server.session) == session
    )  # a conflict costs no connection, of which 100 a second open


def test_a_conflict_that_stays_is_raised_in_time(server: Server) -> None:
    refuse_commits(server, times=10_000, answer="change conflicts with another transaction (OC000)")
    database = server.database(dsql=True, give_up_after_seconds=1)
    with pytest.raises(server.driver.Error, match="OC000") as caught:
        database.run(lambda connection: add(connection, "never"))
    assert "given up after" in caught.value.__notes__[-1]
    assert server.effects() == []


def refuse_commits(server: Server, *, times: int, answer: str) -> None:
    """Let the next commits that changed something fail as Aurora DSQL's do."""
    server.run(
        "DROP SEQUENCE IF EXISTS commits CASCADE",
        "CREATE SEQUENCE commits",
        "GRANT USAGE ON SEQUENCE commits TO app",
        f"""
        CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('commits') <= {times} THEN
                RAISE EXCEPTION '{answer}' USING ERRCODE = '40001';
            END IF;
            RETURN NULL;
        END $$""",
        "CREATE CONSTRAINT TRIGGER refused AFTER INSERT ON effect DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION refuse()",
    )


# --- a COMMIT in doubt -----------------------------------------------------------------------------------


def test_a_commit_in_doubt_is_an_error_of_its_own(server: Server) -> None:
    with server.relay() as relay:
        database = server.database(relay=relay, dsql=True)

        def work(connection: Any) -> None:
            add(connection, "once or not at all")
            relay.cut = "after"

        with pytest.raises(CommitUnknownError):
            database.run(work)
    assert server.effects() == ["once or not at all"]


def test_the_handler_of_the_guide_places_an_order_once(server: Server) -> None:
    if server.driver is not psycopg:
        pytest.skip("connection.execute is psycopg's own")
    server.run(
        "DROP SCHEMA IF EXISTS shop CASCADE",
        *(plain(statement) for statement in migration()["STATEMENTS"]),
        "INSERT INTO shop.stock VALUES ('pen', 10)",
    )
    (handler,) = (block for block in blocks() if "def place(" in block)
    order = {"id": "6f1c9a5e-0000-4000-8000-000000000001", "customer": "me", "total": 3, "article": "pen"}
    with server.relay() as relay:
        names: dict[str, Any] = {"database": server.database(relay=relay, dsql=True)}
        exec(handler.replace("database = Database.from_environment(psycopg)", ""), names)  # noqa: S102 - running it is the test
        names["database"].run(server.session)
        relay.cut = "after"
        names["handle"](order, None)
        assert relay.was_cut.is_set()
        names["handle"](order, None)
    assert server.run("SELECT pieces FROM shop.stock") == [(9,)]


# --- markers ---------------------------------------------------------------------------------------------


def test_once_with_what_aurora_dsql_has(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight environments get the same messages; the statements have neither ctid nor locks."""
    monkeypatch.setattr(once_module, "_MARK_POSTGRESQL", "never")
    monkeypatch.setattr(once_module, "_PURGE_POSTGRESQL", "never")
    server.run("DROP TABLE once_marker", *map(plain, markers()))
    new: list[str] = []

    def consume() -> None:
        once = Once(server.database(dsql=True, give_up_after_seconds=600), "trips")
        for number in range(20):
            name = f"m{number:02}"
            if once(name, lambda connection, name=name: add(connection, name)):  # type: ignore[misc]
                new.append(name)

    threads = [threading.Thread(target=consume) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.effects() == sorted(new) == [f"m{number:02}" for number in range(20)]
    server.run(
        "INSERT INTO once_marker SELECT consumer, 'old' || n, now() - interval '40 days', 1 "
        "FROM generate_series(1, 250) AS n, (VALUES ('trips'), ('receipts')) AS c (consumer)"
    )
    once = Once(server.database(dsql=True), "trips")
    assert [once.purge() for _ in range(3)] == [200, 50, 0]
    assert server.run("SELECT count(*) FROM once_marker") == [(270,)]


# --- the age of a connection -----------------------------------------------------------------------------


def test_a_connection_is_replaced_before_aurora_dsql_ends_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [time.time()]
    monkeypatch.setattr(time, "time", lambda: now[0])
    database, other = (server.database(dsql=dsql, idle_check_seconds=10**9) for dsql in (True, False))
    first, kept = database.run(server.session), other.run(server.session)
    now[0] += 44 * 60
    assert database.run(server.session) == first
    now[0] += 11 * 60 + 1
    second = database.run(server.session)
    assert second != first
    now[0] += 44 * 60
    assert database.run(server.session) == second
    assert other.run(server.session) == kept


def test_environments_do_not_reconnect_at_the_same_time(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random.SystemRandom, "uniform", lambda self, low, high: low)
    database = server.database(dsql=True)
    database.run(server.session)
    assert database._expires_at < time.time() + database_module.DSQL_CONNECTION_SECONDS - 9 * 60


# --- database roles --------------------------------------------------------------------------------------


class _Cursor:
    """A cursor that knows what Aurora DSQL adds to PostgreSQL, and notes what each transaction does."""

    def __init__(self, cursor: Any, done: dict[int, list[str]]) -> None:
        self._cursor, self._done = cursor, done
        self.fetchall, self.close = cursor.fetchall, cursor.close

    def execute(self, statement: str, values: tuple[str, ...] = ()) -> None:
        self._cursor.execute("SELECT txid_current()")
        self._done.setdefault(self._cursor.fetchone()[0], []).append(statement)
        if linked := re.fullmatch(r"AWS IAM GRANT (\w+) TO '(.*)'", statement):
            statement, values = "INSERT INTO sys.iam_pg_role_mappings VALUES (%s, %s)", linked.groups()
        self._cursor.execute(statement, values)


def test_roles_are_created_and_linked_once(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    done: dict[int, list[str]] = {}
    monkeypatch.setattr(drivers, "own_cursor", lambda driver, connection: _Cursor(connection.cursor(), done))
    arns = [f"arn:aws:iam::123456789012:role/{name}" for name in ("Place", "Report", "Refund")]
    monkeypatch.setenv("DATABASE_ROLES", json.dumps({"shop_app": [arns[0], arns[2]], "reports": [arns[1]]}))
    server.run(
        *(f"DROP ROLE IF EXISTS {role}" for role in ("shop_app", "reports", "migration")),
        "DROP SCHEMA IF EXISTS sys CASCADE",
        f"CREATE ROLE migration SUPERUSER LOGIN PASSWORD '{PASSWORD}'",
        "CREATE SCHEMA sys",
        "CREATE TABLE sys.iam_pg_role_mappings (pg_role_name text, arn text)",
    )
    database = server.database(dsql=True, login=SecretLogin("any", fetch=Secret(user="migration").fetch))
    ensure_database_roles(database)
    links = "SELECT pg_role_name, arn FROM sys.iam_pg_role_mappings ORDER BY arn"
    assert server.run(links) == [("shop_app", arns[0]), ("shop_app", arns[2]), ("reports", arns[1])]
    roles = "SELECT rolcanlogin FROM pg_roles WHERE rolname IN ('shop_app', 'reports')"
    assert server.run(roles) == [(True,), (True,)]
    assert {len(statements) for statements in done.values()} == {1}, "Aurora DSQL takes one in a transaction"
    done.clear()
    ensure_database_roles(database)
    assert all(statement.startswith("SELECT") for (statement,) in done.values())


def test_without_roles_it_names_what_is_missing(server: Server) -> None:
    with pytest.raises(ValueError, match=r"DATABASE_ROLES is not set: DsqlCluster\.connect_administrator"):
        ensure_database_roles(server.database(dsql=True))


# --- the guide -------------------------------------------------------------------------------------------


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)


def migration() -> dict[str, Any]:
    """The names of the guide's migration."""
    names: dict[str, Any] = {"Database": _NoDatabase}
    (block,) = (block for block in blocks() if "STATEMENTS =" in block)
    exec(block.replace("from constructs_lib.runtime.database import Database", ""), names)  # noqa: S102
    return names


class _NoDatabase:
    @staticmethod
    def from_environment(driver: Any) -> None:
        del driver


def markers() -> list[str]:
    names: dict[str, Any] = {}
    (block,) = (block for block in blocks() if "MARKERS =" in block)
    exec(block, names)  # noqa: S102
    return list(names["MARKERS"])


def plain(statement: str) -> str:
    """What PostgreSQL takes: only Aurora DSQL has indexes that are built later."""
    return statement.replace("INDEX ASYNC", "INDEX")


def test_credentials_are_found_as_for_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused token is tried again for half a minute, as one of RDS."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    login = DsqlLogin(HOST, "app", "eu-west-1", credentials=CredentialSource())
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    assert login.renew() is True
    now[0] += 31
    assert login.renew() is False
