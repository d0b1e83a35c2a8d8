"""What psycopg 3, pg8000 and PyMySQL do differently: how they open, and how they report what went wrong.

For the other modules of this package only; handlers do not import it. None of the drivers is imported here. What each
sends while it opens was read on the wire:

- psycopg and pg8000: the startup message with user and database, the login, nothing else.
- PyMySQL: `SET NAMES` and `SET AUTOCOMMIT = 0`. RDS Proxy tracks both variables, so they pin no session.

Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html
"""

import contextlib
import sys
import time
from collections.abc import Generator, Iterator
from types import ModuleType
from typing import Any, Literal

POSTGRESQL = ("psycopg", "pg8000.dbapi")
MYSQL = ("pymysql",)

_SILENT_SECONDS = 10
"""How long the other side's network may leave what was sent unacknowledged: a connection that died while the
environment was frozen would otherwise hang for a quarter of an hour."""

# PostgreSQL has codes of five letters, MySQL has numbers.
_REFUSED = {"28P01", "28000", 1045, 1698}
_CONFLICT = {"40001", "40P01", 1213, 1205}
_ENDED = {
    *("57P01", "57P02", "57P03", "57P05", "25P03", "25P04"),
    *(0, 1053, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 2055, 3169, 4031),
}
_FULL = {1040, 1203, 1226, 2002, 2003}
# After a failover the name may lead to the old writer for some seconds, which is read-only from then on.
_READ_ONLY = {"25006", 1290, 1836}
_OF_THE_CLIENT = range(2000, 3000)
"""MySQL's numbers of errors that the driver found by itself; also 0."""

# psycopg has no code when opening fails. The message, in lower case here, is PostgreSQL's, libpq's or RDS Proxy's.
# Several words each, since a message also contains the names of users, databases and hosts.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.troubleshooting.html
_REFUSED_WORDS = ("authentication failed", "no pg_hba.conf entry", "is wrong", "has no credentials")
# Aurora DSQL refuses a token as a connection that failed (08006).
# https://docs.aws.amazon.com/aurora-dsql/latest/userguide/troubleshooting.html
_DENIED_BY_DSQL = "unable to accept connection, access denied"
_FULL_WORDS = (
    "too many",
    "rate exceeded",
    "waking up cluster",
    "connection slots",
    "the database system is",
    "limit exceeded",
    "timed-out waiting",
)
_NEVER_WORDS = (
    "certificate verify failed",
    "server certificate for",
    "root certificate file",
    "does not support ssl",
    "requires tls connections",
    "does not exist",
)


def check(driver: ModuleType) -> None:
    """Refuse a driver that is not supported, with a `ValueError`."""
    if driver.__name__ not in POSTGRESQL + MYSQL:
        raise ValueError(f"driver must be psycopg, pg8000.dbapi or pymysql, got {driver.__name__}.")
    if driver.__name__ in MYSQL and driver.VERSION < (1, 2):
        version = ".".join(map(str, driver.VERSION[:3]))  # its __version__ is the one of mysqlclient
        raise ValueError(
            f"driver must be PyMySQL 1.2 or newer, got {version}: older ones go on in clear text, "
            f"password included, when something between them and the server takes TLS out of its offer."
        )
    if driver.__name__ == "psycopg" and driver.__version__.split(".")[1] in ("0", "1"):
        raise ValueError(
            f"driver must be psycopg 3.2 or newer, got {driver.__version__}: older ones wait without a limit "
            f"for a server that does not answer."
        )


def of(connection: Any) -> ModuleType:
    """Find the driver of a connection."""
    names = POSTGRESQL + MYSQL
    return next(sys.modules[name] for name in names if type(connection).__module__.startswith(name))


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
    left: float,
) -> Any:
    """Open a connection, autocommit off, that sends nothing that pins a session of RDS Proxy.

    Args:
        driver: One of the three.
        host: Name or address; or, if it starts with a slash, PostgreSQL's socket folder or MySQL's socket.
        port: TCP port, and part of the name of PostgreSQL's socket.
        name: The database.
        user: Who logs in.
        password: With what.
        authorities: File of the certificate authorities to trust; the host's name is verified too. None: no TLS.
        timeout: Seconds for each of the host's addresses: a proxy has several, and the drivers try one after the
            other.
        left: Seconds for all of them; each gets one at least, of psycopg two.
    """
    import socket  # the drivers have loaded it

    with contextlib.suppress(OSError):  # the driver meets it again, and reports it
        if not host.startswith("/"):
            addresses = {found[4] for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
            left /= len(addresses)
    timeout = max(1, int(min(timeout, left)))
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


def limit(driver: ModuleType, connection: Any, seconds: float | None) -> None:
    """Set for how many seconds, from now on, the server may be waited for; None: without a limit.

    For psycopg it is the time until when all answers must be there. pg8000 and PyMySQL have no more than their
    socket's timeout, which begins anew with each read. What takes longer fails as if the connection were lost.
    """
    if driver.__name__ == "pg8000.dbapi":
        connection._usock.settimeout(seconds)
    elif driver.__name__ in MYSQL:
        connection._read_timeout = connection._write_timeout = seconds
    elif seconds is None:
        vars(connection).pop("wait", None)
    else:
        ends = time.monotonic() + seconds

        def wait(answers: Any, *arguments: Any, **keywords: Any) -> Any:
            within = _within(driver, connection, answers, ends)
            return type(connection).wait(connection, within, *arguments, **keywords)

        connection.wait = wait  # everything that psycopg does goes through it


def _within(driver: ModuleType, connection: Any, answers: Any, ends: float) -> Generator[Any, Any, Any]:
    """Run psycopg's own steps, each of which resumes ten times a second, until `ends`."""
    ready = None
    while True:
        try:
            waits_for = answers.send(ready)
        except StopIteration as done:
            return done.value
        if time.monotonic() > ends:
            connection.pgconn.finish()
            raise driver.OperationalError("the server did not answer in time")
        ready = yield waits_for


def own_cursor(driver: ModuleType, connection: Any) -> Any:
    """Open a cursor that gives tuples: the work may have set another kind, or rows of another shape."""
    if driver.__name__ == "psycopg":
        return driver.Cursor(connection, row_factory=driver.rows.tuple_row)
    if driver.__name__ in MYSQL:
        return connection.cursor(driver.cursors.Cursor)
    return connection.cursor()


# --- what an error means -----------------------------------------------------------------------------------


def origin(
    driver: ModuleType, error: BaseException, outside: BaseException | None
) -> Literal["driver", "interrupted", "elsewhere"]:
    """Tell where an error came up.

    Args:
        driver: One of the three.
        error: Any error.
        outside: What was being handled when the call of ours began: what is behind that is not its concern.

    Returns:
        `driver`: the driver reports it, or its line. `interrupted`: something foreign came up while the driver was
        at work, such as a signal handler's error or one of an iterable that the driver reads: an answer may be half
        read. `elsewhere`: the driver had no part in it.
    """
    found: Literal["driver", "elsewhere"] = "driver" if isinstance(error, driver.Error) else "elsewhere"
    package = driver.__name__.partition(".")[0]
    for behind in _chain(error, outside):
        if isinstance(behind, driver.Error):
            continue  # an answer that was read to its end
        frames = list(_modules(behind))
        if not any(name.startswith(package) for name in frames):
            continue
        if not next(name for name in reversed(frames) if name not in sys.stdlib_module_names).startswith(
            package
        ):
            return "interrupted"
        if behind is error and isinstance(error, OSError):
            found = "driver"  # pg8000 lets some errors of its socket through as they are
        elif found == "elsewhere":
            return "interrupted"  # the driver itself has stumbled, or the work has wrapped its socket's error
    return found


def _chain(error: BaseException, outside: BaseException | None) -> Iterator[BaseException]:
    """An error and all that is behind it, each once: it may go round in a ring."""
    seen = {id(outside)}
    left: list[BaseException | None] = [error]
    while left:
        one = left.pop()
        if one is not None and (id(one) not in seen or one is error is outside):
            seen.add(id(one))
            yield one
            left += [one.__context__, one.__cause__]


def _modules(error: BaseException) -> Iterator[str]:
    """The top-level package of each frame that an error passed, the innermost last."""
    trace = error.__traceback__
    while trace is not None:
        yield str(trace.tb_frame.f_globals.get("__name__")).partition(".")[0]
        trace = trace.tb_next


def why_closed(
    driver: ModuleType, error: Exception, outside: BaseException | None
) -> Literal["refused", "passing", "unclear", "final"]:
    """Tell what kept a connection from opening.

    Args:
        driver: One of the three.
        error: What it raised.
        outside: As for `origin`.

    Returns:
        `refused`: not with this user and password. `passing`: the server starts, is full or out of reach.
        `unclear`: it broke off after the password, and does not say why in words that are known here.
        `final`: another try would end the same way.
    """
    # pg8000 may hide the answer behind what went wrong while it cleaned up.
    codes = [code for one in _chain(error, outside) if (code := _code(driver, one)) is not None]
    code = codes[0] if codes else None
    text = str(error).lower()
    if code in _REFUSED or _DENIED_BY_DSQL in text:
        return "refused"
    if code is not None and code not in _OF_THE_CLIENT:
        return "passing" if code in _ENDED | _FULL or str(code).startswith(("08", "53")) else "final"
    if any(words in text for words in _REFUSED_WORDS):
        return "refused"
    if any(words in text for words in _NEVER_WORDS):
        return "final"
    if code is not None:
        return "passing" if code in _ENDED | _FULL else "final"
    if any(words in text for words in _FULL_WORDS):
        return "passing"
    if getattr(getattr(error, "pgconn", None), "used_password", False):
        return "unclear"
    return (
        "passing" if isinstance(error, OSError | driver.OperationalError | driver.InterfaceError) else "final"
    )


def is_lost(driver: ModuleType, connection: Any, error: Exception) -> bool:
    """Tell whether an error of the driver or its line means that the connection is of no use any more.

    It is gone, or leads to a server that is read-only now. False may also mean that the driver does not know it yet.
    """
    code = _code(driver, error)
    if not isinstance(error, driver.Error) or code in _ENDED or str(code).startswith("08"):
        return True
    if code in _READ_ONLY and (
        code != 1290 or "read" in str(error)
    ):  # 1290 names the option that is in the way
        return True
    if driver.__name__ == "pg8000.dbapi":
        return code is None and str(error) == "network error"
    return bool(connection.closed) if driver.__name__ == "psycopg" else not connection.open


def was_closed(driver: ModuleType, connection: Any) -> bool:
    """Tell whether somebody has closed the connection, which is not the same as that it was lost."""
    if driver.__name__ == "psycopg":
        return bool(connection.closed and not connection.broken)
    if driver.__name__ == "pg8000.dbapi":
        return connection._usock is None
    return bool(connection._closed)


def is_conflict(driver: ModuleType, error: Exception) -> bool:
    """Tell whether transactions got in each other's way: deadlock, serialization failure, lock wait timeout."""
    return _code(driver, error) in _CONFLICT


def is_answer(driver: ModuleType, error: Exception) -> bool:
    """Tell whether the server itself reports this error, and not the driver what it noticed."""
    code = _code(driver, error)
    return code is not None and code != 0 and code not in _OF_THE_CLIENT


def _code(driver: ModuleType, error: BaseException) -> str | int | None:
    if not isinstance(error, driver.Error):
        return None
    first = error.args[0] if error.args else None
    if driver.__name__ in MYSQL:
        return first if isinstance(first, int) else None
    if isinstance(first, dict):
        return str(first["C"])
    return getattr(error, "sqlstate", None)


# --- what state a transaction is in ------------------------------------------------------------------------


def is_failed(driver: ModuleType, connection: Any) -> bool:
    """Tell whether the open transaction has failed, so that PostgreSQL would answer COMMIT with a rollback.

    Always False for MySQL, where a failed statement leaves the transaction usable.
    """
    if driver.__name__ == "psycopg":
        return bool(connection.info.transaction_status == 3)  # INERROR
    if driver.__name__ == "pg8000.dbapi":
        return bool(connection._transaction_status == b"E")
    return False


def in_autocommit(driver: ModuleType, connection: Any) -> bool:
    """Tell whether each statement would be a transaction of its own, since somebody has turned that on."""
    return bool(connection.get_autocommit() if driver.__name__ in MYSQL else connection.autocommit)


def is_idle(driver: ModuleType, connection: Any) -> bool:
    """Tell whether COMMIT or ROLLBACK has ended the transaction. If not, the answer was to something else."""
    if driver.__name__ == "pg8000.dbapi":
        return bool(connection._transaction_status == b"I")
    return True


def is_busy(driver: ModuleType, connection: Any) -> bool:
    """Tell whether the connection waits for the rest of a COPY or of streamed rows, and everybody else for it."""
    return driver.__name__ == "psycopg" and bool(connection.lock.locked())


def session(driver: ModuleType, connection: Any) -> int | None:
    """Name MySQL's session: PyMySQL's `ping(reconnect=True)` may begin another one without a word."""
    return int(connection.thread_id()) if driver.__name__ in MYSQL else None
