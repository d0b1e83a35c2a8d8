"""What an error means: the ones that no server here can be made to say."""

from types import ModuleType
from typing import Any

import pg8000.dbapi
import psycopg
import pymysql
import pytest

from constructs_lib.runtime import drivers


def without_code(text: str, *, used_password: bool = False) -> psycopg.OperationalError:
    """psycopg's, when opening fails."""

    class Connection:
        pass

    Connection.used_password = used_password  # type: ignore[attr-defined]
    return psycopg.OperationalError(text, pgconn=Connection())  # type: ignore[arg-type]


def mysql(number: int, text: str = "", state: str = "HY000") -> pymysql.Error:
    """Return an error as PyMySQL reads it from the wire, with a state next to the number."""
    return pymysql.OperationalError(number, text, sqlstate=state)


MULTIPLE = """\
connection timeout expired
Multiple connection attempts failed. All failures were:
- host: 'certificatesdatabasefa766140.proxy-x.rds.amazonaws.com', port: '5432', hostaddr: '10.0.0.1': expired
- host: 'certificatesdatabasefa766140.proxy-x.rds.amazonaws.com', port: '5432', hostaddr: '10.0.0.2': expired"""


def behind_another() -> Exception:
    """pg8000's, when the server has closed before pg8000 could say goodbye."""
    try:
        try:
            raise pg8000.dbapi.DatabaseError(
                {"S": "FATAL", "C": "28P01", "M": "password authentication failed"}
            )
        except pg8000.dbapi.DatabaseError:
            raise pg8000.dbapi.InterfaceError("network error") from OSError("Broken pipe")
    except Exception as error:
        return error


@pytest.mark.parametrize(
    ("driver", "error", "reason"),
    [
        # PostgreSQL's own, as libpq hands them on
        (psycopg, without_code('FATAL:  password authentication failed for user "app"'), "refused"),
        (psycopg, without_code('FATAL:  PAM authentication failed for user "app"'), "refused"),
        (psycopg, without_code('FATAL:  no pg_hba.conf entry for host "::1", user "app", no encryption'), "refused"),
        (psycopg, without_code("FATAL:  Passwort-Authentifizierung fehlgeschlagen", used_password=True), "unclear"),
        (psycopg, without_code("server closed the connection unexpectedly", used_password=True), "unclear"),
        # Aurora DSQL's
        (psycopg, without_code("FATAL:  unable to accept connection, access denied\nHINT:  ..."), "refused"),
        (
            pg8000.dbapi,
            pg8000.dbapi.DatabaseError({"C": "08006", "M": "unable to accept connection, access denied"}),
            "refused",
        ),
        (psycopg, without_code("FATAL: ... connection, waking up cluster, please", used_password=True), "passing"),
        (psycopg, without_code("FATAL: ... connection, rate exceeded.", used_password=True), "passing"),
        (pg8000.dbapi, pg8000.dbapi.DatabaseError({"C": "53400", "M": "rate exceeded"}), "passing"),
        # RDS Proxy's own words
        (psycopg, without_code("FATAL:  The IAM authentication failed for the role app."), "refused"),
        (psycopg, without_code("FATAL:  This RDS proxy has no credentials for the role app."), "refused"),
        (psycopg, without_code("FATAL:  Timed-out waiting to acquire database connection."), "passing"),
        (psycopg, without_code("FATAL:  Too many connections", used_password=True), "passing"),
        (psycopg, without_code("FATAL:  sorry, too many clients already"), "passing"),
        (psycopg, without_code("FATAL:  remaining connection slots are reserved", used_password=True), "passing"),
        (psycopg, without_code("FATAL:  the database system is starting up"), "passing"),
        (psycopg, without_code("connection refused"), "passing"),
        (psycopg, psycopg.errors.ConnectionTimeout("connection timeout expired"), "passing"),
        # names are not words of the server's
        (psycopg, without_code('FATAL:  password authentication failed for user "certificates"'), "refused"),
        (psycopg, without_code("FATAL:  The IAM authentication failed for the role certificate."), "refused"),
        (psycopg, without_code("FATAL:  This RDS proxy has no credentials for the role certificate."), "refused"),
        (psycopg, without_code(MULTIPLE), "passing"),
        (psycopg, without_code('FATAL:  sorry, too many clients already for "certificates"'), "passing"),
        (pg8000.dbapi, pg8000.dbapi.DatabaseError({"C": "28P01", "M": 'refused user "certificates"'}), "refused"),
        (pg8000.dbapi, pg8000.dbapi.InterfaceError("Can't create a connection to host certificates"), "passing"),
        (pymysql, mysql(1045, "Access denied for user 'certificates'@'%'", "28000"), "refused"),
        (pymysql, mysql(2003, "Can't connect to MySQL server on 'certificates' (timed out)"), "passing"),
        (psycopg, without_code('FATAL:  database "x" does not exist', used_password=True), "final"),
        (psycopg, without_code("SSL error: certificate verify failed"), "final"),
        (psycopg, without_code('server certificate for "a" does not match host name "b"'), "final"),
        (psycopg, without_code("server does not support SSL, but SSL was required"), "final"),
        (psycopg, psycopg.ProgrammingError("invalid connection option"), "final"),
        (psycopg, OSError("unreachable"), "passing"),
        # with codes
        (pg8000.dbapi, pg8000.dbapi.DatabaseError({"C": "28P01", "M": "refused"}), "refused"),
        (pg8000.dbapi, pg8000.dbapi.DatabaseError({"C": "28000", "M": "refused"}), "refused"),
        (pg8000.dbapi, pg8000.dbapi.DatabaseError({"C": "53300", "M": "full"}), "passing"),
        (pg8000.dbapi, pg8000.dbapi.DatabaseError({"C": "57P03", "M": "starting"}), "passing"),
        (pg8000.dbapi, pg8000.dbapi.DatabaseError({"C": "08006", "M": "lost"}), "passing"),
        (pg8000.dbapi, pg8000.dbapi.DatabaseError({"C": "3D000", "M": "absent"}), "final"),
        (pg8000.dbapi, OSError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"), "final"),
        # it says the same when the server has hung up
        (pg8000.dbapi, pg8000.dbapi.InterfaceError("Server refuses SSL"), "passing"),
        (pg8000.dbapi, pg8000.dbapi.InterfaceError("network error"), "passing"),
        (pg8000.dbapi, behind_another(), "refused"),
        (pymysql, mysql(1045, "Access denied", "28000"), "refused"),
        (pymysql, mysql(1040, "Too many connections", "08004"), "passing"),
        (pymysql, pymysql.OperationalError(1040, "Too many connections"), "passing"),
        (pymysql, mysql(1203, "User app already has more than 'max_user_connections'", "42000"), "passing"),
        (pymysql, mysql(1226, "User 'app' has exceeded the 'max_user_connections' resource", "42000"), "passing"),
        (pymysql, mysql(1053, "Server shutdown in progress", "08S01"), "passing"),
        (pymysql, pymysql.OperationalError(2003, "Can't connect (Connection refused)"), "passing"),
        (
            pymysql,
            pymysql.OperationalError(2003, "([SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: ...)"),
            "final",
        ),
        (pymysql, pymysql.OperationalError(2026, "SSL is required but the server doesn't support it"), "final"),
        (pymysql, mysql(1049, "Unknown database", "42000"), "final"),
    ],
)  # fmt: skip
def test_why_a_connection_did_not_open(driver: ModuleType, error: Exception, reason: str) -> None:
    assert drivers.why_closed(driver, error, None) == reason


class _Open:
    """A connection that looks well."""

    closed = False
    open = True
    _usock: Any = object()


class _Gone:
    closed = True
    open = False


@pytest.mark.parametrize(
    ("driver", "error", "broken"),
    [
        (psycopg, psycopg.errors.AdminShutdown(), True),
        (psycopg, psycopg.errors.CrashShutdown(), True),
        (psycopg, psycopg.errors.IdleInTransactionSessionTimeout(), True),
        (psycopg, psycopg.errors.ConnectionFailure(), True),
        (psycopg, psycopg.errors.UniqueViolation(), False),
        (psycopg, psycopg.errors.QueryCanceled(), False),
        (psycopg, psycopg.errors.DeadlockDetected(), False),
        (psycopg, psycopg.InterfaceError("the cursor is closed"), False),
        (pg8000.dbapi, pg8000.dbapi.DatabaseError({"C": "57P01"}), True),
        (pg8000.dbapi, pg8000.dbapi.InterfaceError("network error"), True),
        (pg8000.dbapi, pg8000.dbapi.DatabaseError({"C": "23505"}), False),
        (pg8000.dbapi, pg8000.dbapi.InterfaceError("Cursor closed"), False),
        (pymysql, pymysql.OperationalError(2006, "gone away"), True),
        (pymysql, pymysql.OperationalError(2013, "lost"), True),
        (pymysql, mysql(1053, "Server shutdown in progress", "08S01"), True),
        (pymysql, mysql(1927, "Connection was killed", "70100"), True),
        (pymysql, mysql(3169, "The session was killed"), True),
        (pymysql, mysql(4031, "The client was disconnected by the server because of inactivity"), True),
        (pymysql, pymysql.InterfaceError(0, ""), True),
        (pymysql, pymysql.IntegrityError(1062, "Duplicate entry", sqlstate="23000"), False),
        (pymysql, mysql(1205, "Lock wait timeout"), False),
        # read-only since a failover
        (psycopg, psycopg.errors.ReadOnlySqlTransaction(), True),
        (pg8000.dbapi, pg8000.dbapi.DatabaseError({"C": "25006"}), True),
        (pymysql, mysql(1290, "The MariaDB server is running with the --read-only option"), True),
        (pymysql, mysql(1290, "The MySQL server is running with the --super-read-only option"), True),
        (pymysql, mysql(1290, "The MySQL server is running with the --secure-file-priv option"), False),
        (pymysql, mysql(1836, "Running in read-only mode"), True),
        # errors of the socket that pg8000 lets through
        (pg8000.dbapi, ConnectionResetError("reset"), True),
    ],
)
def test_whether_the_connection_is_lost(driver: ModuleType, error: Exception, broken: bool) -> None:
    assert drivers.is_lost(driver, _Open(), error) is broken
    if driver is not pg8000.dbapi:  # which never closes by itself
        assert drivers.is_lost(driver, _Gone(), error) is True


@pytest.mark.parametrize(
    ("driver", "error", "conflict"),
    [
        (psycopg, psycopg.errors.DeadlockDetected(), True),
        (psycopg, psycopg.errors.SerializationFailure(), True),
        (psycopg, psycopg.errors.LockNotAvailable(), False),
        (psycopg, psycopg.errors.UniqueViolation(), False),
        (pg8000.dbapi, pg8000.dbapi.DatabaseError({"C": "40001"}), True),
        (pg8000.dbapi, pg8000.dbapi.DatabaseError({"C": "40P01"}), True),
        (pymysql, mysql(1213, "Deadlock found", "40001"), True),
        (pymysql, mysql(1205, "Lock wait timeout"), True),
        (pymysql, pymysql.IntegrityError(1062, "Duplicate entry", sqlstate="23000"), False),
    ],
)
def test_whether_transactions_were_in_each_others_way(
    driver: ModuleType, error: Exception, conflict: bool
) -> None:
    assert drivers.is_conflict(driver, error) is conflict


@pytest.mark.parametrize(
    ("driver", "error", "answer"),
    [
        (psycopg, psycopg.errors.UniqueViolation(), True),
        (psycopg, psycopg.OperationalError("consuming input failed"), False),
        (pg8000.dbapi, pg8000.dbapi.DatabaseError({"C": "23505"}), True),
        (pg8000.dbapi, pg8000.dbapi.InterfaceError("network error"), False),
        (pymysql, pymysql.IntegrityError(1062, "Duplicate entry", sqlstate="23000"), True),
        (pymysql, pymysql.OperationalError(2013, "Lost connection"), False),
        (pymysql, pymysql.OperationalError(2027, "Malformed packet"), False),
        (pymysql, pymysql.InterfaceError(0, ""), False),
        (pymysql, pymysql.InternalError("Packet sequence number wrong"), False),
    ],
)
def test_whether_the_server_reports_it(driver: ModuleType, error: Exception, answer: bool) -> None:
    assert drivers.is_answer(driver, error) is answer
