"""The application's user, made by a migration as the master user."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from constructs_lib.runtime.application_user import create_application_user
from tests.runtime.server import Server

SECRET_ARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:trips"
PASSWORD = 'it\'s \\ "a" %s password'


def secret(password: str = PASSWORD, username: str = "trips") -> Callable[[str], str]:
    def fetch(arn: str) -> str:
        assert arn == SECRET_ARN
        return json.dumps({"username": username, "password": password})

    return fetch


@pytest.fixture
def connection(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """As an administrator who is not the superuser, like the master user of RDS."""
    monkeypatch.setenv("DATABASE_APPLICATION_USER", "trips")
    server.run("DROP USER IF EXISTS trips")
    if server.is_mysql:
        server.run("GRANT CREATE USER ON *.* TO app", "GRANT SELECT ON mysql.* TO app")
    else:
        server.run("ALTER ROLE app CREATEROLE")
    with server.connect("app") as connection:
        yield connection
    server.run("DROP USER IF EXISTS trips")
    if not server.is_mysql:
        server.run("ALTER ROLE app NOCREATEROLE NOSUPERUSER")


@pytest.fixture
def of_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_APPLICATION_SECRET_ARN", SECRET_ARN)


@pytest.mark.usefixtures("of_a_secret")
def test_the_user_can_log_in_with_the_password_of_the_secret(server: Server, connection: Any) -> None:
    assert create_application_user(connection, fetch=secret())
    connection.commit()
    if server.is_mysql:
        server.run("GRANT SELECT ON app.* TO trips")
    with server.connect("trips", PASSWORD):
        pass


@pytest.mark.usefixtures("of_a_secret")
def test_a_user_that_is_there_keeps_its_password(server: Server, connection: Any) -> None:
    """It is the rotation's: set here, in the middle of one, it would lock everybody out."""
    create_application_user(connection, fetch=secret())
    assert not create_application_user(connection, fetch=secret("another"))
    connection.commit()
    if server.is_mysql:
        server.run("GRANT SELECT ON app.* TO trips")
    with server.connect("trips", PASSWORD):
        pass


def test_without_a_secret_the_user_logs_in_by_iam_alone(server: Server, connection: Any) -> None:
    if server.is_mysql:
        pytest.skip("MariaDB has no AWSAuthenticationPlugin")
    # From PostgreSQL 16 on, rds_iam is its owner's to grant; RDS makes an exception for the master user.
    server.run("ALTER ROLE app SUPERUSER")
    assert create_application_user(connection)
    connection.commit()
    assert server.run(
        "SELECT g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid"
        " JOIN pg_roles u ON u.oid = m.member WHERE u.rolname = 'trips'"
    ) == [("rds_iam",)]
    with pytest.raises(server.driver.Error), server.connect("trips", PASSWORD):
        pass


@pytest.mark.usefixtures("of_a_secret")
def test_the_secret_of_somebody_else_is_refused(connection: Any) -> None:
    with pytest.raises(ValueError, match="is the secret of another user than trips"):
        create_application_user(connection, fetch=secret(username="root"))


def test_a_missing_variable_is_named(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_APPLICATION_USER")
    with pytest.raises(ValueError, match=r"DATABASE_APPLICATION_USER is not set: .*connect_administrator"):
        create_application_user(connection)


@pytest.mark.usefixtures("of_a_secret")
def test_other_prefixes_have_their_own_user(
    server: Server, connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILLING_APPLICATION_USER", "trips")
    monkeypatch.setenv("BILLING_APPLICATION_SECRET_ARN", SECRET_ARN)
    monkeypatch.delenv("DATABASE_APPLICATION_USER")
    assert create_application_user(connection, prefix="BILLING", fetch=secret())
    connection.commit()
    assert server.run(
        "SELECT 1 FROM mysql.user WHERE user = 'trips'"
        if server.is_mysql
        else "SELECT 1 FROM pg_roles WHERE rolname = 'trips'"
    )
