"""A database connection for handlers: opened at first use, kept, checked, and mended when it breaks."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from types import AsyncGeneratorType, CoroutineType, GeneratorType, ModuleType
from typing import Any, Protocol, Self, TypeVar

from constructs_lib.runtime import drivers

_T = TypeVar("_T")

IDLE_CHECK_SECONDS = 60
GIVE_UP_AFTER_SECONDS = 20
_OPEN_SECONDS = 5
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 1.0


class CommitUnknownError(Exception):
    """The connection was lost while COMMIT was on its way: nobody knows whether the work was done.

    Doing it again may do it twice. Either look, or make the work repeatable: `Once` does.
    """


class Login(Protocol):
    """Who logs in, and with what: `SecretLogin` or `IamLogin`."""

    def credentials(self) -> tuple[str, str]:
        """Give the user and the password or token.

        Returns:
            Both.
        """

    def renew(self) -> bool:
        """Take in that they were refused.

        Returns:
            Whether another try may go better.
        """


class Database:
    """One connection for each execution environment, and units of work that are retried where that is safe.

    It opens at first use and stays open between invocations. After `idle_check_seconds` without use it is
    checked with `SELECT 1`, and opened again if it is gone. Opening is repeated with growing, random pauses
    while the server starts, is full or out of reach; a refused password is read again from the secret. All of
    it together takes no longer than `give_up_after_seconds`; then the driver's last error is raised.

    Nothing is sent that pins a session of RDS Proxy: no `SET` beyond what the proxy tracks, no named prepared
    statement, no advisory lock, no startup option. So it must be with the work.

    One thread at a time: others wait for their turn. A unit of work inside another is refused, since it would
    commit the outer one half done. After a fork the child opens a connection of its own. Before a SnapStart
    snapshot the connection is closed; it opens again at the first use after a restore.

    Args:
        driver: The module `psycopg` (3), `pg8000.dbapi` or `pymysql`.
        host: The endpoint; or, if it starts with a slash, PostgreSQL's socket folder or MySQL's socket.
        port: Its port.
        name: The database.
        login: `SecretLogin` or `IamLogin`.
        tls: Encrypt, and verify the certificate and the host's name. False is for a server on this machine.
        ca_file: Certificate authorities to trust. None: the file that `CONSTRUCTS_LIB_CA_FILE` names, else
            Amazon's own, under which RDS Proxy's certificates are issued.
        idle_check_seconds: Check the connection before use when it has not been used for so long.
        give_up_after_seconds: How long a unit of work may be repeated, opening included. Keep it below the
            function's timeout, so that the error is seen.

    Raises:
        ValueError: The driver is not one of the three; or `tls=False` for a host that is not on this machine.

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
    ) -> None:
        drivers.check(driver)
        if not tls and not _on_this_machine(host):
            raise ValueError(
                f"tls=False must go with a loopback address or a Unix socket, got host {host!r}: password and "
                f"data would cross the network readable."
            )
        self.driver = driver
        self._host = host
        self._port = port
        self._name = name
        self._login = login
        self._tls = tls
        self._ca_file = ca_file
        self._idle_check_seconds = idle_check_seconds
        self._give_up_after_seconds = give_up_after_seconds
        self._connection: Any = None
        self._process = 0
        self._used_at = 0.0
        self._lock = threading.Lock()
        self._holder: int | None = None
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
        """Make it of the variables that `ProxiedDatabase.connect` gave to the function.

        Args:
            driver: The module `psycopg` (3), `pg8000.dbapi` or `pymysql`.
            prefix: The `environment_prefix` given to `connect`.
            reader: Use the endpoint for reading alone.
            idle_check_seconds: As for the class.
            give_up_after_seconds: As for the class.

        Returns:
            The database; nothing is opened yet.

        Raises:
            ValueError: A variable is missing.
        """
        host = _variable(f"{prefix}_READER_HOST" if reader else f"{prefix}_HOST")
        port = int(_variable(f"{prefix}_PORT"))
        login: Login
        if secret := os.environ.get(f"{prefix}_SECRET_ARN"):
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
        )

    def run(self, work: Callable[[Any], _T], *, repeatable: bool = False) -> _T:
        """Do a unit of work in one transaction.

        It is committed when `work` returns and rolled back when it raises. When the connection is lost, or the
        server ends the transaction for the sake of another (deadlock, serialization failure), before COMMIT
        was sent, nothing has happened yet: the whole work is done again, on a new connection if need be. So
        what else `work` does, beside the database, has to bear repetition. What it raises itself is never
        repeated.

        Args:
            work: Gets the driver's own connection, autocommit off. It must not commit or roll back, which
                psycopg's `connection.transaction()` does too, and not swallow the driver's errors.
            repeatable: The work may be done twice, for it only reads, or finds out by itself that it was done:
                then it is also repeated when COMMIT itself was in doubt.

        Returns:
            What `work` returned.

        Raises:
            CommitUnknownError: The connection was lost while COMMIT was on its way.
            RuntimeError: It is called inside another unit of work; or `work` has swallowed an error of the
                driver, and the transaction could not be committed any more; or it has turned autocommit on.
            TypeError: `work` is a generator or coroutine, which would run after the commit.
        """
        return self._run(work, repeatable, self._give_up_after_seconds)

    def run_briefly(self, work: Callable[[Any], _T]) -> _T:
        """Do a unit of work that may just as well be left: it is tried once.

        Args:
            work: As for `run`.

        Returns:
            What `work` returned.

        Raises:
            CommitUnknownError: As for `run`.
        """
        return self._run(work, False, 0)

    def close(self) -> None:
        """Close the connection, if there is one. The next unit of work opens another."""
        with self._alone():
            self._discard()

    # --- a unit of work ----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        if self._holder == threading.get_ident():
            raise RuntimeError("a unit of work must not start or close another on the same Database.")
        with self._lock:
            self._holder = threading.get_ident()
            try:
                yield
            finally:
                self._holder = None

    def _run(self, work: Callable[[Any], _T], repeatable: bool, seconds: float) -> _T:
        with self._alone():
            patience = _Patience(seconds)
            while True:
                connection = self._ready(patience)
                try:
                    result = work(connection)
                    refuse_unfinished(result)
                    if drivers.is_failed(self.driver, connection):
                        raise RuntimeError(
                            "work has swallowed an error of the driver; nothing was committed."
                        )
                    if drivers.in_autocommit(self.driver, connection):
                        self._discard()  # or it would stay so for all that come after
                        raise RuntimeError("work has turned autocommit on: it is no transaction any more.")
                except Exception as error:
                    if not (self._undo(connection, error) and patience.pause(error)):
                        raise
                    continue
                except BaseException:
                    self._discard()  # interrupted: an answer may be half read
                    raise
                try:
                    connection.commit()
                    if not drivers.is_idle(self.driver, connection):
                        raise ConnectionError("COMMIT was answered with something else.")
                except Exception as error:
                    if not self._may_repeat(connection, error, repeatable) or not patience.pause(error):
                        raise
                    continue
                except BaseException:
                    self._discard()
                    raise
                self._used_at = time.time()
                return result

    def _undo(self, connection: Any, error: Exception) -> bool:
        """Roll back, or throw the connection away; say whether the whole work may be done again."""
        of_driver = isinstance(error, self.driver.Error)
        if of_driver and drivers.is_broken(self.driver, connection, error):
            self._discard()
            return True
        if not of_driver and drivers.raised_inside(self.driver, error):
            # The socket's own error, or something foreign such as a timeout by signal: then the answer that is
            # read next would be another question's.
            self._discard()
            return isinstance(error, OSError)
        if connection is not self._connection:
            return False  # thrown away already
        try:
            connection.rollback()
        except Exception:
            self._discard()
            return of_driver
        except BaseException:
            self._discard()  # interrupted: an answer may be half read
            raise
        if not drivers.is_idle(self.driver, connection):
            self._discard()
        self._used_at = time.time()
        return of_driver and drivers.is_conflict(self.driver, error)

    def _may_repeat(self, connection: Any, error: Exception, repeatable: bool) -> bool:
        """Say whether COMMIT failed for certain, so that the work may be done again; raise where it is in doubt."""
        driver = self.driver
        if (
            isinstance(error, driver.Error)
            and drivers.is_answer(driver, error)
            and not drivers.is_broken(driver, connection, error)
        ):
            return self._undo(connection, error)
        self._discard()
        if not repeatable:
            raise CommitUnknownError("the connection was lost while COMMIT was on its way.") from error
        return True

    # --- the connection ----------------------------------------------------------------------------------

    def _ready(self, patience: "_Patience") -> Any:
        """The connection: the one that is there if it still works, or a new one."""
        if self._connection is not None and self._process != os.getpid():
            self._connection = None  # the parent's: to close it would end the parent's session
        # Wall clock: a monotonic one may stand still while the environment is frozen.
        if self._connection is not None and time.time() - self._used_at > self._idle_check_seconds:
            try:
                cursor = self._connection.cursor()
                cursor.execute("SELECT 1")
                cursor.fetchall()
                cursor.close()
                self._connection.rollback()
            except (self.driver.Error, OSError):
                self._discard()
            except BaseException:
                self._discard()
                raise
        if self._connection is None:
            self._connection = self._open(patience)
            self._process = os.getpid()
        return self._connection

    def _open(self, patience: "_Patience") -> Any:
        authorities = None
        if self._tls:
            authorities = self._ca_file or os.environ.get("CONSTRUCTS_LIB_CA_FILE") or _AMAZON
        while True:
            user, password = self._login.credentials()
            try:
                return drivers.connect(
                    self.driver,
                    host=self._host,
                    port=self._port,
                    name=self._name,
                    user=user,
                    password=password,
                    authorities=authorities,
                    timeout=patience.most(_OPEN_SECONDS),
                )
            except (self.driver.Error, OSError) as error:
                reason = drivers.why_closed(self.driver, error)
                # What is unclear may be a refusal in another language: so the secret is read again, and it is tried.
                renewed = reason in ("refused", "unclear") and self._login.renew()
                again = renewed or reason in ("passing", "unclear")
                if not (again and patience.pause(error)):
                    raise

    def _discard(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and self._process == os.getpid():
            with contextlib.suppress(Exception):
                connection.close()

    def _leave_nothing_behind(self) -> None:
        """What is in a snapshot would be in every environment that is restored from it."""
        self.close()
        self._login.renew()


def refuse_unfinished(result: object) -> None:
    """Refuse what has not run yet, for it would run after the commit.

    Args:
        result: What a unit of work returned.

    Raises:
        TypeError: It is a generator or a coroutine.
    """
    if isinstance(result, GeneratorType | CoroutineType | AsyncGeneratorType):
        if isinstance(result, CoroutineType):
            result.close()
        raise TypeError(
            "work must be an ordinary function: a generator or coroutine would run after the commit."
        )


class _Patience:
    """How long and how often to try again: with full jitter, or all environments would come back at once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._started = time.monotonic()
        self._tries = 0

    def most(self, seconds: int) -> int:
        """So many seconds, or what is left where that is less; one at least."""
        return max(1, min(seconds, int(self._seconds - (time.monotonic() - self._started))))

    def pause(self, error: Exception) -> bool:
        """Wait a little before the next try; or say False, and note on the error that this was the last."""
        from random import SystemRandom  # a seed would be the same in all environments of one snapshot

        seconds = SystemRandom().uniform(
            0, min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**self._tries)
        )
        self._tries += 1
        if time.monotonic() - self._started + seconds > self._seconds:
            error.add_note(f"given up after {self._tries} tries in {self._seconds:g} seconds")
            return False
        time.sleep(seconds)
        return True


_AMAZON = os.path.join(os.path.dirname(__file__), "amazon_trust_services.pem")  # noqa: PTH118, PTH120 - no pathlib


def _on_this_machine(host: str) -> bool:
    if host.startswith("127."):
        return host.replace(".", "").isdigit()
    return host in ("localhost", "::1") or host.startswith("/")


def _variable(name: str) -> str:
    if value := os.environ.get(name):
        return value
    raise ValueError(f"{name} is not set: ProxiedDatabase.connect(function) sets it.")
