"""The application's user, made by a migration as the master user."""

import base64
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from constructs_lib.local.extension.postgres.server import PostgresServer
from constructs_lib.runtime import application_user
from constructs_lib.runtime.application_user import ensure_application_user
from tests.runtime.server import Server

SECRET_ARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:trips"
PASSWORD = 'it\'s \\ "a" %s password'


def secret(
    password: str = PASSWORD,
    username: str = "trips",
    pending: str | None = None,
    *,
    port: int = 5432,
    pending_port: int = 5432,
    pending_username: str | None = None,
) -> Callable[[str, str], str | None]:
    """Secrets Manager; `pending` is the password that a rotation which is halfway has made up."""

    def fetch(arn: str, stage: str) -> str | None:
        assert arn == SECRET_ARN
        if stage == "AWSCURRENT":
            return json.dumps({"username": username, "password": password, "port": port})
        assert stage == "AWSPENDING"
        if pending is None:
            return None
        who = pending_username or username
        return json.dumps({"username": who, "password": pending, "port": pending_port})

    return fetch


@pytest.fixture
def connection(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Connect as an administrator that is not the superuser, like the master user of RDS."""
    monkeypatch.setenv("DATABASE_APPLICATION_USER", "trips")
    server.run("DROP USER IF EXISTS trips, trips_clone")
    if server.is_mysql:
        server.run("GRANT CREATE USER ON *.* TO app", "GRANT SELECT ON mysql.* TO app")
    else:
        server.run("ALTER ROLE app CREATEROLE")
    with server.connect("app") as connection:
        yield connection
    server.run("DROP USER IF EXISTS trips, trips_clone")
    if not server.is_mysql:
        server.run("ALTER ROLE app NOCREATEROLE NOSUPERUSER")


def log_in(server: Server, password: str, user: str = "trips") -> None:
    if server.is_mysql:
        server.run(f"GRANT SELECT ON app.* TO {user}")
    with server.connect(user, password):
        pass


@pytest.fixture
def of_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_APPLICATION_SECRET_ARN", SECRET_ARN)


@pytest.mark.usefixtures("of_a_secret")
def test_the_user_can_log_in_with_the_password_of_the_secret(server: Server, connection: Any) -> None:
    assert ensure_application_user(connection, fetch=secret())
    connection.commit()
    log_in(server, PASSWORD)


@pytest.mark.usefixtures("of_a_secret")
def test_rows_of_another_shape_do_no_harm(server: Server, connection: Any) -> None:
    """An earlier step of a migration may have set them."""
    if server.is_mysql:
        connection.cursorclass = server.driver.cursors.DictCursor
    elif server.driver.__name__ == "psycopg":
        connection.row_factory = server.driver.rows.dict_row
    assert ensure_application_user(connection, fetch=secret())
    assert not ensure_application_user(connection, fetch=secret("another"))
    connection.commit()
    log_in(server, "another")


@pytest.mark.usefixtures("of_a_secret")
def test_the_password_is_not_in_the_servers_log(server: Server, connection: Any) -> None:
    """Neither where statements are logged, nor where this one is refused."""
    if server.is_mysql:
        pytest.skip("MySQL hides passwords in its logs by itself")
    assert isinstance(server.real, PostgresServer)
    before = len(server.real.log)
    server.run("ALTER ROLE app SET log_statement = 'ddl'")
    try:
        with server.connect("app") as logged:
            ensure_application_user(logged, fetch=secret("first-in-the-log"))
            logged.commit()
            ensure_application_user(logged, fetch=secret("second-in-the-log"))
            logged.commit()
            server.run("DROP ROLE trips", "ALTER ROLE app NOCREATEROLE")
            with pytest.raises(server.driver.Error, match="permission denied"):
                ensure_application_user(logged, fetch=secret("third-in-the-log"))
    finally:
        server.run("ALTER ROLE app RESET log_statement")
    log = server.real.log[before:]
    assert log.count("CREATE ROLE trips LOGIN PASSWORD") >= 2
    assert log.count("ALTER ROLE trips LOGIN PASSWORD") == 1
    assert "-in-the-log" not in log


PASSWORDS = {
    "ascii": "a b~!\x7f",
    "composed": "e\u0301le\u0301phant",
    "no-break space": "a\u00a0b",
    "nothing": "a\u00ad\u200bb",
    "ligature": "ﬁve",
    "roman": "\u2168",
    "hebrew": "שלום",
    "hebrew and latin": "שלום abc",
    "arabic and digit": "\u06271\u0627",
    "arabic before digit": "\u06271",
    "emoji": "🚀 pass",
    "soft hyphens alone": "\u00ad\u00ad",
    "private use": "a\ue000",
    "umlaut": "Größe",
}


@pytest.mark.parametrize("password", PASSWORDS.values(), ids=PASSWORDS)
def test_what_is_sent_is_what_the_server_would_store(
    postgresql: Server, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    """The two are equal to the letter, given the same salt."""
    server = postgresql
    quoted = password.replace("'", "''")
    try:
        server.run(f"CREATE ROLE stored LOGIN PASSWORD '{quoted}'")
        ((stored,),) = server.run("SELECT rolpassword FROM pg_authid WHERE rolname = 'stored'")
        salt = base64.b64decode(stored.split("$")[1].split(":")[1])
        monkeypatch.setattr(os, "urandom", lambda size: salt[:size])
        assert application_user._verifier(password, "stored", "scram-sha-256") == stored
        monkeypatch.undo()
        server.run(
            f"ALTER ROLE stored PASSWORD '{application_user._verifier(password, 'stored', 'scram-sha-256')}'"
        )
        with server.connect("stored", password):
            pass
    finally:
        server.run("DROP ROLE IF EXISTS stored")


@pytest.mark.usefixtures("of_a_secret")
def test_a_server_that_keeps_md5_gets_md5(server: Server, connection: Any) -> None:
    """The server's access rules and clients may know nothing else."""
    if server.is_mysql:
        pytest.skip("MySQL has other ways")
    server.run("ALTER ROLE app SET password_encryption = 'md5'")
    try:
        with server.connect("app") as older:
            ensure_application_user(older, fetch=secret())
            older.commit()
    finally:
        server.run("ALTER ROLE app RESET password_encryption")
    ((stored,),) = server.run("SELECT rolpassword FROM pg_authid WHERE rolname = 'trips'")
    assert stored == "md5" + hashlib.md5(f"{PASSWORD}trips".encode(), usedforsecurity=False).hexdigest()
    log_in(server, PASSWORD)


@pytest.mark.usefixtures("of_a_secret")
@pytest.mark.parametrize("mode", ["", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES"])
def test_a_password_is_quoted_as_the_servers_mode_has_it(
    mysql_server: Server, connection: Any, mode: str
) -> None:
    server = mysql_server
    with server.connect("app") as connection:
        connection.cursor().execute("SET SESSION sql_mode = %s", (mode,))
        for password in (PASSWORD, "\\' OR 1 -- \\", "%s"):
            ensure_application_user(connection, fetch=secret(password))
            log_in(server, password)


@pytest.mark.usefixtures("of_a_secret")
@pytest.mark.parametrize("pending", [None, "another"])
def test_a_user_of_a_restored_database_gets_the_password_of_its_secret(
    server: Server, connection: Any, pending: str | None
) -> None:
    """A rotation that has ended leaves its stage at the version that is current now."""
    assert ensure_application_user(connection, fetch=secret("of the snapshot"))
    assert not ensure_application_user(connection, fetch=secret("another", pending=pending))
    connection.commit()
    log_in(server, "another")


@pytest.mark.usefixtures("of_a_secret")
def test_a_rotation_that_is_halfway_is_left_alone(server: Server, connection: Any) -> None:
    """The database knows the coming password already: the present one would lock everybody out."""
    ensure_application_user(connection, fetch=secret("coming"))
    assert not ensure_application_user(connection, fetch=secret("present", pending="coming"))
    connection.commit()
    log_in(server, "coming")


@pytest.mark.usefixtures("of_a_secret")
def test_a_rotation_of_two_users_that_is_halfway_is_left_alone(server: Server, connection: Any) -> None:
    """The pending version is of the other user then."""
    ensure_application_user(connection, fetch=secret("present"))
    halfway = secret("another", pending="coming", pending_username="trips_clone")
    assert not ensure_application_user(connection, fetch=halfway)
    connection.commit()
    log_in(server, "present")


@pytest.mark.usefixtures("of_a_secret")
def test_a_secret_that_was_written_anew_is_not_taken_for_a_rotation(server: Server, connection: Any) -> None:
    """CloudFormation makes a new password when anything in the template of the secret changes.

    The version of the last rotation keeps its stage then, and differs in what was changed.
    """
    ensure_application_user(connection, fetch=secret("of the last rotation"))
    anew = secret("new", port=6543, pending="of the last rotation")
    assert not ensure_application_user(connection, fetch=anew)
    connection.commit()
    log_in(server, "new")


@pytest.mark.usefixtures("of_a_secret")
def test_a_rotation_that_ends_in_the_middle_of_it_undoes_it(server: Server, connection: Any) -> None:
    ensure_application_user(connection, fetch=secret("first"))
    connection.commit()
    before, after = secret("first"), secret("second")
    asked: list[str] = []

    def fetch(arn: str, stage: str) -> str | None:
        asked.append(stage)
        return (before if asked.count("AWSCURRENT") == 1 else after)(arn, stage)

    with pytest.raises(RuntimeError, match="was rotated in the meantime"):
        ensure_application_user(connection, fetch=fetch)


@pytest.mark.usefixtures("of_a_secret")
def test_the_other_of_two_users_that_take_turns_is_made_too(server: Server, connection: Any) -> None:
    assert ensure_application_user(connection, fetch=secret(username="trips_clone"))
    connection.commit()
    log_in(server, PASSWORD, "trips_clone")


def test_without_a_secret_the_user_logs_in_by_iam_alone(server: Server, connection: Any) -> None:
    if server.is_mysql:
        pytest.skip("MariaDB has no AWSAuthenticationPlugin")
    # From PostgreSQL 16 on, rds_iam is its owner's to grant; RDS makes an exception for the master user.
    server.run("ALTER ROLE app SUPERUSER")
    assert ensure_application_user(connection)
    assert not ensure_application_user(connection)
    connection.commit()
    assert server.run(
        "SELECT g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid"
        " JOIN pg_roles u ON u.oid = m.member WHERE u.rolname = 'trips'"
    ) == [("rds_iam",)]
    with pytest.raises(server.driver.Error), server.connect("trips", PASSWORD):
        pass


def members_of_rds_iam(server: Server) -> set[str]:
    rows = server.run(
        "SELECT u.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid"
        " JOIN pg_roles u ON u.oid = m.member WHERE g.rolname = 'rds_iam'"
    )
    return {str(name) for (name,) in rows}


@pytest.mark.parametrize("current", ["trips", "trips_clone"])
@pytest.mark.parametrize("pending", [None, "coming"])
def test_a_user_with_a_password_again_leaves_rds_iam(
    server: Server, connection: Any, monkeypatch: pytest.MonkeyPatch, current: str, pending: str | None
) -> None:
    """RDS lets a member of that role log in with a token alone, and a member of a member too."""
    if server.is_mysql:
        pytest.skip("MySQL sets the plugin with the password")
    server.run("ALTER ROLE app SUPERUSER")
    ensure_application_user(connection)
    connection.commit()
    assert "trips" in members_of_rds_iam(server)
    if current == "trips_clone":
        server.run("CREATE ROLE trips_clone LOGIN PASSWORD 'any'", "GRANT trips TO trips_clone")
    monkeypatch.setenv("DATABASE_APPLICATION_SECRET_ARN", SECRET_ARN)
    fetch = secret("present", username=current, pending=pending)
    for _ in range(2):  # also where it has left already
        assert not ensure_application_user(connection, fetch=fetch)
    connection.commit()
    assert not {"trips", "trips_clone"} & members_of_rds_iam(server)
    if pending is None:
        log_in(server, "present", current)


@pytest.mark.usefixtures("of_a_secret")
def test_the_secret_of_somebody_else_is_refused(connection: Any) -> None:
    with pytest.raises(ValueError, match="is the secret of another user than trips"):
        ensure_application_user(connection, fetch=secret(username="root"))


def test_a_missing_variable_is_named(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_APPLICATION_USER")
    with pytest.raises(ValueError, match=r"DATABASE_APPLICATION_USER is not set: .*connect_administrator"):
        ensure_application_user(connection)


@pytest.mark.usefixtures("of_a_secret")
def test_other_prefixes_have_their_own_user(
    server: Server, connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILLING_APPLICATION_USER", "trips")
    monkeypatch.setenv("BILLING_APPLICATION_SECRET_ARN", SECRET_ARN)
    monkeypatch.delenv("DATABASE_APPLICATION_USER")
    assert ensure_application_user(connection, prefix="BILLING", fetch=secret())
    connection.commit()
    assert server.run(
        "SELECT 1 FROM mysql.user WHERE user = 'trips'"
        if server.is_mysql
        else "SELECT 1 FROM pg_roles WHERE rolname = 'trips'"
    )
