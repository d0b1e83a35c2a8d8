"""A database connection for handlers: opened at first use, kept, checked, and opened again when it breaks."""

import contextlib
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from importlib import import_module
from types import CoroutineType, ModuleType
from typing import Any, Protocol, Self, TypeVar

from constructs_lib.runtime import drivers

_T = TypeVar("_T")

IDLE_CHECK_SECONDS = 60
GIVE_UP_AFTER_SECONDS = 20
_ANSWER_SECONDS = 5
"""How long to wait for opening, for the check of an idle connection and for ROLLBACK, and at least for COMMIT."""
_RESERVE_SECONDS = 1
"""The end of an invocation that is left for the handler to return its answer or its error in time."""
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 1.0
_DOUBLINGS = 5
"""How often the first pause can double before it is longer than the longest."""
DSQL_CONNECTION_SECONDS = 55 * 60
"""How old a connection to Aurora DSQL may get, which ends it after 60 minutes.
Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/CHAP_quotas.html"""


class CommitUnknownError(Exception):
    """The connection was lost while COMMIT was on its way: nobody knows whether the work was done.

    Doing it again may do it twice. Either look, or make the work repeatable: `Once` does.
    """


class LoginUnavailableError(Exception):
    """The user and password cannot be had at the moment, and another try may go better."""


class NotBegunError(TimeoutError):
    """There was no time for the unit of work, or another thread had the connection all the time: nothing was done."""


class Login(Protocol):
    """What logs in to a database: `SecretLogin`, `IamLogin` or `DsqlLogin`."""

    def credentials(self, seconds: float) -> tuple[str, str]:
        """Give the user and the password or token.

        Args:
            seconds: How long that may take.

        Returns:
            Both.

        Raises:
            LoginUnavailableError: They cannot be had at the moment.
        """

    def renew(self) -> bool:
        """Note that they were refused, or may be old.

        Returns:
            Whether another try may go better.
        """

    def accepted(self) -> None:
        """Note that they were accepted."""


class Database:
    """One connection for each execution environment, and units of work that are retried where that is safe.

    It opens at first use and stays open between invocations. After `idle_check_seconds` without use it is
    checked with `SELECT 1`, and opened again if it is gone. Opening is repeated with growing, random pauses
    while the server starts, is full or out of reach; a refused password is read again from the secret. All of
    it together takes no longer than `give_up_after_seconds`, and one attempt at the longest; then the driver's last
    error is raised.

    Tell it of each invocation with `register_lambda_context(context)`, and everything also ends before the
    function's timeout does, so that its error is seen.

    Nothing is sent that pins a session of RDS Proxy: no `SET` beyond what the proxy tracks, no named prepared
    statement, no advisory lock, no startup option. The same must hold for the work.

    One thread at a time: others wait for their turn, for `give_up_after_seconds`. A unit of work inside another is
    refused, since it would commit the outer one half done. After a fork the child opens a connection of its own.
    Before a SnapStart snapshot the connection is closed; it opens again at the first use after a restore.

    Args:
        driver: The module `psycopg` (3.2 or newer), `pg8000.dbapi` or `pymysql` (1.2 or newer).
        host: The endpoint; or, if it starts with a slash, PostgreSQL's socket folder or MySQL's socket.
        port: Its port.
        name: The database.
        login: `SecretLogin`, `IamLogin` or `DsqlLogin`.
        tls: Encrypt, and verify the certificate and the host's name. False is for a server on this machine.
        ca_file: Certificate authorities to trust. None: the file that `CONSTRUCTS_LIB_CA_FILE` names, else
            Amazon's own, under which RDS Proxy's certificates are issued.
        idle_check_seconds: Check the connection before use when it has not been used for so long.
        give_up_after_seconds: How long a unit of work may be repeated, opening included; 0: it is tried once. COMMIT
            may take as long again.
        dsql: The server is Aurora DSQL: a connection is replaced after 45 to 55 minutes, and `Once` uses only what
            Aurora DSQL has.

    Raises:
        ValueError: The driver is not one of the three, too old, or not one for PostgreSQL with `dsql`; or `tls=False`
            for a host that is not on this machine; or `give_up_after_seconds` is negative or not a number.

    Attributes:
        driver: The module that was passed.
        is_dsql: Whether the server is Aurora DSQL.

    Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.html
    """

    def __init__(
        self,
        driver: ModuleType,
        *,
        host: str,
        port: int,
        name: str,
        login: Login,
        tls: bool = True,
        ca_file: str | None = None,
        idle_check_seconds: float = IDLE_CHECK_SECONDS,
        give_up_after_seconds: float = GIVE_UP_AFTER_SECONDS,
        dsql: bool = False,
    ) -> None:
        drivers.check(driver)
        if dsql and driver.__name__ in drivers.MYSQL:
            raise ValueError(
                f"driver must be psycopg or pg8000.dbapi for Aurora DSQL, got {driver.__name__}."
            )
        if not tls and not _on_this_machine(host):
            raise ValueError(
                f"tls=False must go with a loopback address or a Unix socket, got host {host!r}: password and "
                f"data would cross the network readable."
            )
        if not give_up_after_seconds >= 0:
            raise ValueError(f"give_up_after_seconds must be 0 or more, got {give_up_after_seconds!r}.")
        self.driver = driver
        self.is_dsql = dsql
        self._host = host
        self._port = port
        self._name = name
        self._login = login
        self._tls = tls
        self._ca_file = ca_file
        self._idle_check_seconds = idle_check_seconds
        self._give_up_after_seconds = give_up_after_seconds
        self._connection: Any = None
        self._used_at = 0.0
        self._expires_at = _FOREVER
        self._context: Any = None
        self._lock = threading.RLock()  # it knows its owner: an interrupted wait cannot release another's
        self._holder: int | None = None
        _databases.add(self)
        if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
            hooks = import_module("snapshot_restore_py")  # part of Lambda's Python runtimes
            hooks.register_before_snapshot(self._leave_nothing_behind)
            hooks.register_after_restore(self._leave_nothing_behind)

    @classmethod
    def from_environment(
        cls,
        driver: ModuleType,
        *,
        prefix: str = "DATABASE",
        reader: bool = False,
        idle_check_seconds: float = IDLE_CHECK_SECONDS,
        give_up_after_seconds: float = GIVE_UP_AFTER_SECONDS,
    ) -> Self:
        """Make it of the variables that `ProxiedDatabase.connect` or `DsqlCluster.connect` gave to the function.

        Args:
            driver: As for the class.
            prefix: The `environment_prefix` given to `connect`.
            reader: Use the endpoint for reading alone. A statement that writes there is repeated until it is given up.
            idle_check_seconds: As for the class.
            give_up_after_seconds: As for the class.

        Returns:
            The database; nothing is opened yet.

        Raises:
            ValueError: A variable is missing.
        """
        host = _variable(f"{prefix}_READER_HOST" if reader else f"{prefix}_HOST")
        port = int(_variable(f"{prefix}_PORT"))
        dsql = os.environ.get(f"{prefix}_SERVICE") == "dsql"
        login: Login
        if dsql:
            from constructs_lib.runtime.dsql import DsqlLogin

            login = DsqlLogin(host, _variable(f"{prefix}_USER"), _variable("AWS_REGION"))
        elif secret := os.environ.get(f"{prefix}_SECRET_ARN"):
            from constructs_lib.runtime.secret_login import SecretLogin

            login = SecretLogin(secret)
        else:
            from constructs_lib.runtime.iam_login import IamLogin

            login = IamLogin(host, port, _variable(f"{prefix}_USER"), _variable("AWS_REGION"))
        return cls(
            driver,
            host=host,
            port=port,
            name=_variable(f"{prefix}_NAME"),
            login=login,
            idle_check_seconds=idle_check_seconds,
            give_up_after_seconds=give_up_after_seconds,
            dsql=dsql,
        )

    def register_lambda_context(self, context: Any) -> None:
        """Bound everything by the time that is left of this invocation: call it first in the handler.

        From then on no unit of work begins, is repeated, or waits for the server later than a second before the
        function's timeout: the handler gets an error while it can still return it, instead of being killed. In a
        batch that meets a database which is away, the first messages wait for `give_up_after_seconds` each, and the
        last ones fail at once. With pg8000 and PyMySQL the limit of a statement is what was left when its unit of
        work began. A context whose time is over counts no more.

        Args:
            context: What Lambda passes to the handler, or anything with `get_remaining_time_in_millis()`. None:
                without a limit, such as in a unit test.
        """
        self._context = context

    def run(self, work: Callable[[Any], _T], *, repeatable: bool = False) -> _T:
        """Do a unit of work in one transaction.

        It is committed when `work` returns and rolled back when it raises. When the connection is lost, or the
        server ends the transaction for the sake of another (deadlock, serialization failure), or turns out to be
        read-only since a failover, before COMMIT was sent, nothing has happened yet: the whole work is done again,
        on a new connection if need be. So what else `work` does, beside the database, has to bear repetition. What
        it raises itself is never repeated.

        Args:
            work: Gets the driver's own connection, autocommit off. It must not commit, roll back or close, which
                psycopg's `with connection:` and `connection.transaction()` do too, and not swallow the driver's
                errors.
            repeatable: The work may be done twice, for it only reads, or finds out by itself that it was done:
                then it is also repeated when COMMIT itself was in doubt.

        Returns:
            What `work` returned.

        Raises:
            CommitUnknownError: The connection was lost while COMMIT was on its way; with `repeatable`, and no other
                try came through.
            LoginUnavailableError: The password could not be read in time.
            RuntimeError: It is called inside another unit of work; or `work` has swallowed an error of the driver,
                closed the connection, begun another session, left a COPY open or turned autocommit on, so that the
                transaction could not be committed as a whole.
            NotBegunError: Another thread had the connection all the time, or no time is left of this invocation.
            TypeError: What `work` returned has not run yet, such as a generator, coroutine or `map`: it would run
                after the commit.
        """
        return self._run(work, repeatable, self._give_up_after_seconds)

    def run_briefly(self, work: Callable[[Any], _T]) -> _T:
        """Do a unit of work that may just as well be left: it is tried once.

        Args:
            work: As for `run`.

        Returns:
            What `work` returned.

        Raises:
            CommitUnknownError: As for `run`, and so for all the others.
        """
        return self._run(work, False, 0)

    def close(self) -> None:
        """Close the connection, if there is one. The next unit of work opens another.

        Raises:
            RuntimeError: It is called inside a unit of work.
            NotBegunError: Another thread had the connection for `give_up_after_seconds`.
        """
        with self._alone():
            self._discard()

    # --- a unit of work ----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        me = threading.get_ident()
        if self._holder == me:
            raise RuntimeError("a unit of work must not start or close another on the same Database.")
        seconds = max(1, self._left(self._give_up_after_seconds))
        lock = self._lock
        try:
            if not lock.acquire(timeout=min(seconds, threading.TIMEOUT_MAX)):
                raise NotBegunError(
                    f"another thread has had the connection for {seconds:g} seconds. A unit of work must not wait "
                    f"for another thread's; threads that work at the same time need a Database each."
                )
            self._holder = me
            yield
        finally:
            if self._holder == me:
                self._holder = None
            with contextlib.suppress(RuntimeError):  # it was not acquired
                lock.release()

    def _run(self, work: Callable[[Any], _T], repeatable: bool, seconds: float) -> _T:
        unit = _Unit(seconds, self._left)
        with self._alone():
            try:
                return self._repeat(work, repeatable, unit)
            except BaseException as error:
                if unit.is_open:
                    self._discard()  # interrupted: an answer may be half read, and the next unit would commit the rest
                is_in_doubt = (unit.in_doubt and unit.is_unanswered) or (
                    unit.is_committing and not repeatable
                )
                if is_in_doubt and isinstance(error, Exception) and not isinstance(error, CommitUnknownError):
                    raise CommitUnknownError(_DOUBT) from error
                raise

    def _repeat(self, work: Callable[[Any], _T], repeatable: bool, unit: "_Unit") -> _T:
        driver = self.driver
        while True:
            unit.is_unanswered = unit.is_open = True
            connection = self._ready(unit)
            unit.is_unanswered = False
            try:
                drivers.limit(driver, connection, self._limit(None))
                session = drivers.session(driver, connection)
                result = work(connection)
                if connection is not self._connection:
                    raise RuntimeError(
                        "the process was forked inside the unit of work, which is the parent's to commit."
                    )
                refuse_uncommittable(driver, connection, result)
                if drivers.session(driver, connection) != session:
                    raise RuntimeError(
                        "work has begun another session, as ping(reconnect=True) does: half is lost."
                    )
            except Exception as error:
                if not (self._undo(connection, error, unit) and unit.pause(error)):
                    raise
                continue
            try:
                drivers.limit(
                    driver, connection, self._limit(max(_ANSWER_SECONDS, self._give_up_after_seconds))
                )
                unit.is_committing = True
                connection.commit()
                if not drivers.is_idle(driver, connection):
                    raise driver.InterfaceError("COMMIT was answered with something else.")
            except Exception as error:
                if not (self._may_repeat(connection, error, repeatable, unit) and unit.pause(error)):
                    raise
                continue
            unit.is_committing = unit.is_open = False
            self._used_at = time.time()
            return result

    def _undo(self, connection: Any, error: Exception, unit: "_Unit") -> bool:
        """Roll back, or throw the connection away; say whether the whole work may be done again."""
        if connection is not self._connection:
            return False  # the parent's, in a process that was forked inside the work
        driver = self.driver
        origin = drivers.origin(driver, error, unit.outside)
        if drivers.was_closed(driver, connection):
            self._discard()
            if origin == "driver":
                raise RuntimeError(_CLOSED) from error
            return False
        lost = origin == "driver" and drivers.is_lost(driver, connection, error)
        if lost or origin == "interrupted" or drivers.is_busy(driver, connection):
            self._discard()
            return lost
        try:
            drivers.limit(driver, connection, self._limit(_ANSWER_SECONDS))
            connection.rollback()
        except Exception as second:
            self._discard()
            if drivers.origin(driver, second, error) != "driver":
                raise
            return origin == "driver"
        if not drivers.is_idle(driver, connection) or drivers.in_autocommit(driver, connection):
            self._discard()
        unit.is_open = False
        self._used_at = time.time()
        return origin == "driver" and drivers.is_conflict(driver, error)

    def _may_repeat(self, connection: Any, error: Exception, repeatable: bool, unit: "_Unit") -> bool:
        """Say whether the work may be done again after COMMIT has failed; raise where that is in doubt."""
        driver = self.driver
        origin = drivers.origin(driver, error, unit.outside)
        if (
            origin == "driver"
            and drivers.is_answer(driver, error)
            and not drivers.is_lost(driver, connection, error)
        ):
            unit.is_committing = False
            return self._undo(connection, error, unit)
        self._discard()
        if not repeatable:
            raise CommitUnknownError(_DOUBT) from error
        unit.in_doubt = True
        unit.is_committing = False
        return origin == "driver"

    # --- the connection ----------------------------------------------------------------------------------

    def _ready(self, unit: "_Unit") -> Any:
        """The connection: the one that is there if it still works, or a new one."""
        # Wall clock: a monotonic one may stand still while the environment is frozen.
        if time.time() > self._expires_at:
            self._discard()
        if self._connection is not None and time.time() - self._used_at > self._idle_check_seconds:
            try:
                drivers.limit(self.driver, self._connection, unit.most(_ANSWER_SECONDS))
                cursor = drivers.own_cursor(self.driver, self._connection)
                cursor.execute("SELECT 1")
                cursor.fetchall()
                cursor.close()
                self._connection.rollback()
            except Exception as error:
                self._discard()
                if drivers.origin(self.driver, error, unit.outside) != "driver":
                    raise
        if self._connection is None:
            self._connection = self._open(unit)
        return self._connection

    def _open(self, unit: "_Unit") -> Any:
        refused: tuple[str, str] | None = None
        looks = 0
        last: Exception | None = None
        while True:
            if self._left(_FOREVER) < 1:
                raise NotBegunError("no time is left of this invocation to open a connection.") from last
            try:
                credentials = self._login.credentials(unit.most(_ANSWER_SECONDS))
                looks = looks + 1 if credentials == refused else 0
                # What was refused is tried again more and more seldom, for a server may lock out who guesses.
                if last and looks & (looks - 1):
                    raise last
                connection = self._connect(*credentials, unit.left())
                self._login.accepted()
                self._expires_at = self._expiry()
                return connection
            except LoginUnavailableError as error:
                if not unit.pause(error):
                    raise
            except Exception as error:
                if drivers.origin(self.driver, error, unit.outside) != "driver":
                    raise
                reason = drivers.why_closed(self.driver, error, unit.outside)
                # What is unclear may be a refusal in another language: so the secret is read again, and it is tried.
                # And what is final here shall not be so for the life of the environment.
                renewed = reason != "passing" and self._login.renew()
                refused, last = (credentials, error) if reason == "refused" else (None, None)
                again = renewed if reason == "refused" else reason in ("passing", "unclear")
                if not (again and unit.pause(error)):
                    raise

    def _connect(self, user: str, password: str, seconds: float) -> Any:
        authorities = None
        if self._tls:
            authorities = self._ca_file or os.environ.get("CONSTRUCTS_LIB_CA_FILE") or _AMAZON
        return drivers.connect(
            self.driver,
            host=self._host,
            port=self._port,
            name=self._name,
            user=user,
            password=password,
            authorities=authorities,
            timeout=_ANSWER_SECONDS,
            left=seconds,
        )

    def _expiry(self) -> float:
        """When a connection that opens now is replaced: not in all environments at the same time."""
        if not self.is_dsql:
            return _FOREVER
        from random import SystemRandom

        return time.time() + SystemRandom().uniform(45 / 55, 1) * DSQL_CONNECTION_SECONDS

    def _discard(self) -> None:
        connection, self._connection = self._connection, None
        self._expires_at = _FOREVER
        if connection is not None:
            # What else comes up is not of the driver: a deadline of the caller's, for one.
            with contextlib.suppress(self.driver.Error, OSError, ValueError):
                connection.close()

    def _leave_nothing_behind(self) -> None:
        """What is in a snapshot would be in every environment that is restored from it."""
        self.close()
        self._context = None
        self._login.renew()
        self._login.accepted()  # it was not refused: the next refusal is the first one

    def _begin_anew(self) -> None:
        """Forget the connection and the lock in a process that was forked, since both are the parent's."""
        self._connection = None  # not closed: that would end the parent's session
        self._lock = threading.RLock()
        self._holder = None

    # --- time --------------------------------------------------------------------------------------------

    def _left(self, seconds: float) -> float:
        """So many seconds, or what is left of the invocation where that is less."""
        if self._context is None:
            return seconds
        left = self._context.get_remaining_time_in_millis() / 1000
        # None of it: this is not that invocation any more, for it would have ended.
        return min(seconds, left - _RESERVE_SECONDS) if left > 0 else seconds

    def _limit(self, seconds: float | None) -> float | None:
        left = self._left(_FOREVER if seconds is None else seconds)
        return None if left == _FOREVER else max(0.1, left)


_databases: "weakref.WeakSet[Database]" = weakref.WeakSet()


def _begin_anew() -> None:
    for database in _databases:
        database._begin_anew()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_begin_anew)


def refuse_uncommittable(driver: ModuleType, connection: Any, result: object) -> None:
    """Refuse work that could not be committed as one unit. For `Database` and `Once` only; handlers do not call it.

    Args:
        driver: One of the three supported drivers.
        connection: The connection that the work has used.
        result: What the work returned.

    Raises:
        RuntimeError: The transaction has ended or has failed.
        TypeError: The result is a generator, a coroutine or another iterator that has not run yet.
    """
    if drivers.was_closed(driver, connection):
        raise RuntimeError(_CLOSED)
    first = next(iter(result), None) if isinstance(result, list | tuple | set) else None
    for one in (result, first):
        if isinstance(one, CoroutineType):
            one.close()
        # Iterators of Python's own run as they are read. A driver's cursor is one too, but it has run already.
        lazy = hasattr(one, "__next__") and type(one).__module__ in ("builtins", "itertools")
        if lazy or hasattr(one, "__await__") or hasattr(one, "__anext__"):
            raise TypeError(
                f"work must have run when it returns, got {type(one).__name__}: a generator, a coroutine or map() "
                f"would run after the commit. Write an ordinary function, and list() around what is lazy."
            )
    if drivers.is_busy(driver, connection):
        raise RuntimeError("work has left a COPY or streamed rows open; nothing was committed.")
    if drivers.is_failed(driver, connection):
        raise RuntimeError("work has swallowed an error of the driver; nothing was committed.")
    if drivers.in_autocommit(driver, connection):
        raise RuntimeError("work has turned autocommit on: this is not a transaction any more.")


class _Unit:
    """One unit of work: how long and how often it may be tried, and what is known of it.

    With full jitter, or all environments would come back at once.
    """

    def __init__(self, seconds: float, left: Callable[[float], float]) -> None:
        self.outside = sys.exception()
        self.in_doubt = False
        self.is_unanswered = False
        """Whether it ends without another answer of the server."""
        self.is_open = False
        """Whether its transaction may be open in the connection."""
        self.is_committing = False
        """Whether COMMIT may be on its way."""
        self._seconds = seconds
        self._left = left
        self._started = time.monotonic()
        self._tries = 0
        if left(_FOREVER) <= 0:
            raise NotBegunError("no time is left of this invocation: the unit of work was not begun.")

    def left(self) -> float:
        """Return for how many seconds the unit may go on."""
        return self._left(self._seconds - (time.monotonic() - self._started))

    def most(self, seconds: int) -> int:
        """Return these seconds, or what is left if that is less, and at least one."""
        return max(1, int(min(seconds, self.left())))

    def pause(self, error: Exception) -> bool:
        """Wait a little before the next try; or say False, and note on the error that this was the last."""
        from random import SystemRandom  # a seed would be the same in all environments of one snapshot

        longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2 ** min(self._tries, _DOUBLINGS))
        seconds = SystemRandom().uniform(0, longest)
        self._tries += 1
        if seconds > self.left():
            took = time.monotonic() - self._started
            error.add_note(f"given up after {self._tries} tries in {took:.1f} seconds")
            self.is_unanswered = True
            return False
        time.sleep(seconds)
        return True


_FOREVER = float("inf")
_DOUBT = "the connection was lost while COMMIT was on its way."
_CLOSED = (
    "work has closed the connection, as `with connection:` does: psycopg commits at its end, the other two roll back. "
    "It must leave the connection open, and neither commit nor roll back: run does."
)
_AMAZON = os.path.join(os.path.dirname(__file__), "amazon_trust_services.pem")  # noqa: PTH118, PTH120 - no pathlib


def _on_this_machine(host: str) -> bool:
    if host.startswith("127."):
        return host.replace(".", "").isdigit()
    return host in ("localhost", "::1") or host.startswith("/")


def _variable(name: str) -> str:
    if value := os.environ.get(name):
        return value
    raise ValueError(f"{name} is not set: connect(function) of ProxiedDatabase or DsqlCluster sets it.")
