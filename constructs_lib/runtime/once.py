"""Idempotent processing: an effect that is stored once, however many times it is asked for."""

import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from constructs_lib.runtime import drivers
from constructs_lib.runtime.database import (
    CommitUnknownError,
    Database,
    LoginUnavailableError,
    NotBegunError,
    refuse_uncommittable,
)

_CONSUMER_LENGTH = 64
_KEY_LENGTH = 255
_PURGE_ROWS = 200
_PURGE_ONE_IN = 100
"""Every 100th new marker, on the average, is followed by a purge of up to 200: old markers go twice as fast as new
ones come, at any rate, and however short environments live. Once an hour would be too seldom for some consumers,
and never come for others."""

# PostgreSQL looks whether it exists, and then makes it: of two sessions at a time, one is told of a violation when the
# other one has committed, and so has made it.
_CREATE_POSTGRESQL = tuple(
    f"DO $do$ BEGIN {statement}; EXCEPTION WHEN unique_violation OR duplicate_table THEN NULL; END $do$"
    for statement in (
        f"""\
CREATE TABLE IF NOT EXISTS once_marker (
    consumer varchar({_CONSUMER_LENGTH}) NOT NULL,
    key varchar({_KEY_LENGTH}) NOT NULL,
    done_at timestamptz NOT NULL,
    done_by bigint NOT NULL,
    PRIMARY KEY (consumer, key)
)""",
        "CREATE INDEX IF NOT EXISTS once_marker_done_at ON once_marker (consumer, done_at)",
    )
)
# Bytes, since MySQL's collations take some different texts for the same.
_CREATE_MYSQL = (
    f"""\
CREATE TABLE IF NOT EXISTS once_marker (
    consumer varbinary({_CONSUMER_LENGTH * 4}) NOT NULL,
    `key` varbinary({_KEY_LENGTH * 4}) NOT NULL,
    done_at datetime NOT NULL,
    done_by bigint NOT NULL,
    PRIMARY KEY (consumer, `key`),
    INDEX once_marker_done_at (consumer, done_at)
) ENGINE=InnoDB""",
)
# Both wait while another transaction has the same marker and is not finished.
_MARK_POSTGRESQL = (
    "INSERT INTO once_marker (consumer, key, done_at, done_by) VALUES ({consumer}, {key}, now(), {done_by}) "
    "ON CONFLICT DO NOTHING RETURNING CAST(ctid AS text)"
)
_MARK_MYSQL = (
    "INSERT IGNORE INTO once_marker (consumer, `key`, done_at, done_by) "
    "VALUES ({consumer}, {key}, UTC_TIMESTAMP(), {done_by})"
)
# Aurora DSQL has no documented ctid, and no locks to skip: what conflicts at COMMIT is repeated.
_MARK_DSQL = (
    "INSERT INTO once_marker (consumer, key, done_at, done_by) VALUES ({consumer}, {key}, now(), {done_by}) "
    "ON CONFLICT DO NOTHING"
)
_PURGE_DSQL = (
    "DELETE FROM once_marker WHERE (consumer, key) IN (SELECT consumer, key FROM once_marker "
    "WHERE consumer = {consumer} AND done_at < now() - {days} * interval '1 day' ORDER BY done_at LIMIT {rows})"
)
_WHO_POSTGRESQL = "SELECT done_by FROM once_marker WHERE consumer = {consumer} AND key = {key}"
_WHO_MYSQL = "SELECT done_by FROM once_marker WHERE consumer = {consumer} AND `key` = {key}"
# By its place: a PostgreSQL that has no statistics of the table may read all markers of a consumer to find a key.
_THERE_POSTGRESQL = "SELECT done_by FROM once_marker WHERE ctid = CAST({place} AS tid)"
# Short statements: RDS Proxy pins a session for one of more than 16 KB. They wait for nobody: SKIP LOCKED.
_PURGE_POSTGRESQL = (
    "DELETE FROM once_marker WHERE (consumer, key) IN (SELECT consumer, key FROM once_marker "
    "WHERE consumer = {consumer} AND done_at < now() - {days} * interval '1 day' "
    "ORDER BY done_at LIMIT {rows} FOR UPDATE SKIP LOCKED)"
)
# MySQL locks whatever it reads: the whole of a small table, unless it is told the index and each key; and the first
# marker that is too young, unless it is told how many are not.
_COUNT_MYSQL = (
    "SELECT count(*) FROM (SELECT 1 FROM once_marker WHERE consumer = {consumer} "
    "AND done_at < UTC_TIMESTAMP() - INTERVAL {days} DAY LIMIT {rows}) AS old"
)
_OLD_MYSQL = (
    "SELECT `key` FROM once_marker FORCE INDEX (once_marker_done_at) "
    "WHERE consumer = {consumer} AND done_at < UTC_TIMESTAMP() - INTERVAL {days} DAY "
    "ORDER BY done_at LIMIT {rows} FOR UPDATE SKIP LOCKED"
)
_DELETE_MYSQL = "DELETE FROM once_marker WHERE consumer = {consumer} AND `key` = {key}"


class Once:
    """Does each effect once, by a marker that is committed together with it.

    A message delivered twice finds the marker and does nothing; a process that is killed in the middle leaves
    neither marker nor effect, so the next delivery does both. Two deliveries at a time: the second waits for the
    first, and then finds its marker, or does the work itself. For effects in this very database; what `work`
    does elsewhere is not undone. Before COMMIT the marker is looked at: if the work has ended its transaction, by an
    error that it swallowed, a ROLLBACK or a new session, that is an error and not an effect that was done.

    Old markers are deleted in passing: now and then, after the effect was committed, some of this consumer's,
    in a transaction of their own whose failure is nobody's concern. (MySQL 8.0 or MariaDB 10.6 and newer.)

    On Aurora DSQL two deliveries at a time conflict: the second one is repeated, and finds the marker of the first.

    Args:
        database: Where marker and effect go.
        consumer: Whose keys these are, 1 to 64 characters: two consumers may handle the same message.
        keep_days: How long a marker counts, at least 1. Longer than anything may deliver a message again: a
            queue keeps one 14 days, and its dead-letter queue another 14.

    Raises:
        ValueError: `consumer` or `keep_days` is out of range.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html
    """

    def __init__(self, database: Database, consumer: str, keep_days: int = 35) -> None:
        _check_text("consumer", consumer, _CONSUMER_LENGTH)
        if keep_days < 1:
            raise ValueError(f"keep_days must be at least 1, got {keep_days}.")
        self._database = database
        self._consumer = consumer
        self._keep_days = int(keep_days)
        self._mysql = database.driver.__name__ in drivers.MYSQL
        self._mark_statement, self._purge_statement = _MARK_POSTGRESQL, _PURGE_POSTGRESQL
        if self._mysql:
            self._mark_statement = _MARK_MYSQL
        elif database.is_dsql:
            self._mark_statement, self._purge_statement = _MARK_DSQL, _PURGE_DSQL

    @staticmethod
    def create_table(connection: Any) -> None:
        """Create the table of markers, unless it is there. For a migration, by a user who may create tables.

        The users of `Once` need SELECT, INSERT and DELETE on `once_marker`; in PostgreSQL also UPDATE, to lock. Not for
        Aurora DSQL, which takes one such statement in a transaction: docs/dsql.md has those for it.

        Args:
            connection: Of any of the three drivers. It is not committed.
        """
        mysql = drivers.of(connection).__name__ in drivers.MYSQL
        cursor = connection.cursor()
        for statement in _CREATE_MYSQL if mysql else _CREATE_POSTGRESQL:
            cursor.execute(statement)
        cursor.close()

    def __call__(self, key: str, work: Callable[[Any], object]) -> bool:
        """Do the work, unless it was done under this key before.

        Args:
            key: What makes the effect the same, such as a message's own id; 1 to 255 characters.
            work: Gets the driver's own connection, as for `Database.run`. What it returns is dropped.

        Returns:
            True if it was done now, False if it was done before.

        Raises:
            CommitUnknownError: It is not known whether it was done, since no try after a COMMIT in doubt came
                through. The next call with this key finds out.
            RuntimeError: The marker is gone when the work returns; and as for `Database.run`, as all the others.
            ValueError: The key is empty, too long, or not text that a database can keep.
        """
        _check_text("key", key, _KEY_LENGTH)
        mine = int.from_bytes(os.urandom(7), "big")
        tries = 0

        def effect(connection: Any) -> bool:
            nonlocal tries
            tries += 1
            place = self._mark(connection, key, mine)
            if place is None:
                # Perhaps by this very call: it was committed, and the answer was lost.
                return tries > 1 and self._who(connection, key) == mine
            refuse_uncommittable(self._database.driver, connection, work(connection))
            if self._who(connection, key, place) != mine:
                raise RuntimeError(
                    "the marker is gone, and with it what work did before: it has ended its transaction, swallowed "
                    "an error by which the server ended it, or begun another session. Nothing was committed."
                )
            return True

        is_new = self._database.run(effect, repeatable=True)
        if is_new and int.from_bytes(os.urandom(4), "big") % _PURGE_ONE_IN == 0:
            self._purge_in_passing()
        return is_new

    def purge(self) -> int:
        """Delete up to 200 of this consumer's markers that are older than `keep_days`.

        Returns:
            How many were deleted.
        """
        return self._database.run_briefly(self._delete_old)

    def _purge_in_passing(self) -> None:
        """The effect is done, whatever becomes of old markers; but what is not of the database goes on."""
        outside = sys.exception()
        try:
            self.purge()
        except Exception as error:
            of_the_database = isinstance(error, CommitUnknownError | LoginUnavailableError | NotBegunError)
            if not of_the_database and drivers.origin(self._database.driver, error, outside) != "driver":
                raise
            print(f"old markers of {self._consumer} were not purged: {error}")  # noqa: T201

    def _delete_old(self, connection: Any) -> int:
        which: dict[str, str | int] = {
            "consumer": self._consumer,
            "days": self._keep_days,
            "rows": _PURGE_ROWS,
        }
        if not self._mysql:
            return self._execute(connection, self._purge_statement, **which)[0]
        _, ((which["rows"],),) = self._execute(connection, _COUNT_MYSQL, **which)
        if not which["rows"]:
            return 0
        _, old = self._execute(connection, _OLD_MYSQL, **which)
        return sum(
            self._execute(connection, _DELETE_MYSQL, consumer=self._consumer, key=key)[0] for (key,) in old
        )

    def _mark(self, connection: Any, key: str, mine: int) -> str | None:
        """Set the marker, and tell its place where there is such a thing; None if there was one already."""
        count, rows = self._execute(
            connection, self._mark_statement, consumer=self._consumer, key=key, done_by=mine
        )
        if count not in (0, 1):
            raise RuntimeError(f"the marker was answered with {count!r} rows: nothing is certain.")
        if count == 0:
            return None
        return str(rows[0][0]) if rows else ""

    def _who(self, connection: Any, key: str, place: str = "") -> object:
        if place:
            _, rows = self._execute(connection, _THERE_POSTGRESQL, place=place)
        else:
            statement = _WHO_MYSQL if self._mysql else _WHO_POSTGRESQL
            _, rows = self._execute(connection, statement, consumer=self._consumer, key=key)
        return rows[0][0] if rows else None

    def _execute(self, connection: Any, statement: str, **values: str | bytes | int) -> tuple[int, list[Any]]:
        text, arguments = _bind(self._database.driver, statement, values)
        cursor = drivers.own_cursor(self._database.driver, connection)
        cursor.execute(text, arguments)
        result = cursor.rowcount, (list(cursor.fetchall()) if cursor.description else [])
        cursor.close()
        return result


def _bind(driver: ModuleType, statement: str, values: dict[str, str | bytes | int]) -> tuple[str, Any]:
    """Write placeholders as the driver wants them; pg8000 lets its user choose."""
    style = driver.paramstyle
    if style in ("pyformat", "named"):
        marks = {name: f"%({name})s" if style == "pyformat" else f":{name}" for name in values}
        return statement.format(**marks), values
    if style == "numeric":
        marks = {name: f":{position}" for position, name in enumerate(values, start=1)}
    else:
        marks = dict.fromkeys(values, "?" if style == "qmark" else "%s")
    return statement.format(**marks), tuple(values.values())


def _check_text(name: str, value: str, longest: int) -> None:
    if not (isinstance(value, str) and 1 <= len(value) <= longest):
        raise ValueError(f"{name} must be a string of 1 to {longest} characters, got {value!r:.80}.")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"{name} must be text that a database can keep, got {value!r:.80}.")
