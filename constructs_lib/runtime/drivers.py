"""What psycopg 3, pg8000 and PyMySQL do differently: how they open, and how they say what went wrong.

None of them is imported here. What each sends while it opens was read on the wire:

- psycopg and pg8000: the startup message with user and database, the login, nothing else.
- PyMySQL: `SET NAMES` and `SET AUTOCOMMIT = 0`. RDS Proxy tracks both variables, so they pin no session.

Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html
"""

from types import ModuleType
from typing import Any, Literal

POSTGRESQL = ("psycopg", "pg8000.dbapi")
MYSQL = ("pymysql",)

_SILENT_SECONDS = 10
"""How long the other side may leave what was sent without an answer of its network: a connection that died while
the environment was frozen would otherwise hang for a quarter of an hour."""

# PostgreSQL says five letters, MySQL a number.
_REFUSED = {"28P01", "28000", 1045, 1698}
_CONFLICT = {"40001", "40P01", 1213, 1205}
_ENDED = {
    "57P01",
    "57P02",
    "57P03",
    "57P05",
    "25P03",
    "25P04",
    0,
    1053,
    1158,
    1159,
    1160,
    1161,
    1927,
    2006,
    2013,
}
_FULL = {1040, 1203, 1226, 2002, 2003}

# psycopg has no code when opening fails: the message is all there is, PostgreSQL's or RDS Proxy's, here in lower case.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.troubleshooting.html
_REFUSED_WORDS = ("authentication failed", "no pg_hba.conf entry", "is wrong", "has no credentials")
_FULL_WORDS = (
    "too many",
    "connection slots",
    "the database system is",
    "limit exceeded",
    "timed-out waiting",
)
_NEVER_WORDS = ("certificate", "support ssl", "refuses ssl", "ssl is required", "does not exist")


def check(driver: ModuleType) -> None:
    """Refuse a driver that is not known here.

    Args:
        driver: The module.

    Raises:
        ValueError: It is none of the three, or a PyMySQL that goes on without TLS when the server offers none.
    """
    if driver.__name__ not in POSTGRESQL + MYSQL:
        raise ValueError(f"driver must be psycopg, pg8000.dbapi or pymysql, got {driver.__name__}.")
    if driver.__name__ in MYSQL and driver.VERSION < (1, 2):
        raise ValueError(
            f"driver must be PyMySQL 1.2 or newer, got {driver.__version__}: older ones go on in clear text, "
            f"password included, when something between them and the server takes TLS out of its offer."
        )


def connect(
    driver: ModuleType,
    *,
    host: str,
    port: int,
    name: str,
    user: str,
    password: str,
    authorities: str | None,
    timeout: int,
) -> Any:
    """Open a connection that sends nothing that pins a session of RDS Proxy.

    Args:
        driver: One of the three.
        host: Name or address; or, if it starts with a slash, PostgreSQL's socket folder or MySQL's socket.
        port: TCP port, and part of the name of PostgreSQL's socket.
        name: The database.
        user: Who logs in.
        password: With what.
        authorities: File of the certificate authorities to trust; the host's name is verified too. None: no TLS.
        timeout: Seconds for the whole of opening.

    Returns:
        The driver's own connection, autocommit off.
    """
    if driver.__name__ == "psycopg":
        security = (
            {"sslmode": "verify-full", "sslrootcert": authorities} if authorities else {"sslmode": "disable"}
        )
        return driver.connect(
            host=host,
            port=port,
            dbname=name,
            user=user,
            password=password,
            connect_timeout=timeout,
            tcp_user_timeout=_SILENT_SECONDS * 1000,
            keepalives_idle=_SILENT_SECONDS,
            keepalives_interval=_SILENT_SECONDS,
            prepare_threshold=None,  # a named prepared statement would pin
            **security,
        )
    import socket  # both drivers have loaded it

    context = None
    if authorities:
        import ssl

        context = ssl.create_default_context(cafile=authorities)  # verifies certificate and host name
    if driver.__name__ == "pg8000.dbapi":
        connection = driver.connect(
            user,
            host=host,
            port=port,
            database=name,
            password=password,
            ssl_context=context or False,
            timeout=timeout,
            unix_sock=f"{host}/.s.PGSQL.{port}" if host.startswith("/") else None,
        )
        opened = connection._usock
    else:
        connection = driver.connect(
            user=user,
            password=password,
            host="localhost" if host.startswith("/") else host,
            port=port,
            database=name,
            ssl=context,
            ssl_disabled=context is None,
            connect_timeout=timeout,
            read_timeout=timeout,
            write_timeout=timeout,
            unix_socket=host if host.startswith("/") else None,
        )
        connection._read_timeout = connection._write_timeout = None
        opened = connection._sock
    # The timeout was for opening: a query may take longer. A dead peer is found out by the kernel.
    opened.settimeout(None)
    if not host.startswith("/"):
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (
            ("TCP_KEEPIDLE", _SILENT_SECONDS),
            ("TCP_KEEPINTVL", _SILENT_SECONDS),
            ("TCP_USER_TIMEOUT", _SILENT_SECONDS * 1000),
        ):
            if hasattr(socket, option):  # Linux has all of them
                opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return connection


def why_closed(driver: ModuleType, error: Exception) -> Literal["refused", "passing", "unclear", "final"]:
    """Tell what kept a connection from opening.

    Args:
        driver: One of the three.
        error: What it raised.

    Returns:
        `refused`: not with this user and password. `passing`: the server starts, is full or out of reach.
        `unclear`: it broke off after the password, and does not say why in words that are known here.
        `final`: another try would end the same way.
    """
    code, text = _code(driver, error), str(error).lower()
    if any(word in text for word in _NEVER_WORDS):
        return "final"
    if code in _REFUSED:
        return "refused"
    if code is not None:
        return "passing" if code in _ENDED | _FULL or str(code).startswith(("08", "53")) else "final"
    if any(word in text for word in _REFUSED_WORDS):
        return "refused"
    if any(word in text for word in _FULL_WORDS):
        return "passing"
    if getattr(getattr(error, "pgconn", None), "used_password", False):
        return "unclear"
    return (
        "passing" if isinstance(error, OSError | driver.OperationalError | driver.InterfaceError) else "final"
    )


def is_broken(driver: ModuleType, connection: Any, error: Exception) -> bool:
    """Tell whether an error means that the connection is gone.

    Args:
        driver: One of the three.
        connection: Where it happened.
        error: What the driver raised.

    Returns:
        True if so. False if not, or if the driver does not know it yet.
    """
    code = _code(driver, error)
    if code in _ENDED or str(code).startswith("08"):
        return True
    if driver.__name__ == "psycopg":
        return bool(connection.closed)
    if driver.__name__ == "pg8000.dbapi":
        return connection._usock is None or (
            code is None and str(error) in ("network error", "connection is closed")
        )
    return not connection.open


def is_conflict(driver: ModuleType, error: Exception) -> bool:
    """Tell whether transactions got in each other's way: deadlock, serialization failure, lock wait timeout.

    Args:
        driver: One of the three.
        error: What it raised.

    Returns:
        True if the same transaction may well succeed next time.
    """
    return _code(driver, error) in _CONFLICT


def is_answer(driver: ModuleType, error: Exception) -> bool:
    """Tell whether the server itself has said this error.

    Args:
        driver: One of the three.
        error: What it raised.

    Returns:
        True if it has a code of the server. False for what the driver noticed by itself.
    """
    return _code(driver, error) is not None


def is_failed(driver: ModuleType, connection: Any) -> bool:
    """Tell whether the open transaction has failed, so that PostgreSQL would answer COMMIT with a rollback.

    Args:
        driver: One of the three.
        connection: Where the transaction is.

    Returns:
        True if so. Always False for MySQL, where a failed statement leaves the transaction usable.
    """
    if driver.__name__ == "psycopg":
        return bool(connection.info.transaction_status == 3)  # INERROR
    if driver.__name__ == "pg8000.dbapi":
        return bool(connection._transaction_status == b"E")
    return False


def in_autocommit(driver: ModuleType, connection: Any) -> bool:
    """Tell whether each statement would be a transaction of its own.

    Args:
        driver: One of the three.
        connection: Open.

    Returns:
        True if somebody has turned that on.
    """
    return bool(connection.get_autocommit() if driver.__name__ in MYSQL else connection.autocommit)


def is_idle(driver: ModuleType, connection: Any) -> bool:
    """Tell whether no transaction is open, once it was ended.

    Args:
        driver: One of the three.
        connection: Where COMMIT or ROLLBACK was answered.

    Returns:
        False if the answer was to something else: the connection is of no use any more.
    """
    if driver.__name__ == "pg8000.dbapi":
        return bool(connection._transaction_status == b"I")
    return True


def raised_inside(driver: ModuleType, error: BaseException) -> bool:
    """Tell whether an error came up while the driver was at work.

    Args:
        driver: One of the three.
        error: Any error.

    Returns:
        True if so: an answer of the server may be half read.
    """
    package = driver.__name__.partition(".")[0]
    behind: BaseException | None = error
    while behind is not None:  # it may have been wrapped
        # What the driver raises itself is an answer that was read to its end.
        trace = None if isinstance(behind, driver.Error) else behind.__traceback__
        while trace is not None:
            if str(trace.tb_frame.f_globals.get("__name__")).partition(".")[0] == package:
                return True
            trace = trace.tb_next
        behind = behind.__cause__ or behind.__context__
    return False


def _code(driver: ModuleType, error: BaseException | None) -> str | int | None:
    """The server's code; pg8000 may hide it behind what went wrong while it cleaned up."""
    while error is not None:
        if isinstance(error, driver.Error):
            if state := getattr(error, "sqlstate", None):
                return str(state)
            first = error.args[0] if error.args else None
            if isinstance(first, dict):
                return str(first["C"])
            if isinstance(first, int):
                return first
        error = error.__context__
    return None
