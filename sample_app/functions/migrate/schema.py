"""Migrations: files of SQL, in the order of their names, each applied once and in one transaction."""

import contextlib
import hashlib
from functools import partial
from pathlib import Path

import psycopg

from constructs_lib.runtime.database import Database

_LEDGER = """
CREATE TABLE IF NOT EXISTS public.schema_migration (
    name text PRIMARY KEY,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class ChangedMigrationError(Exception):
    """A migration that was applied reads otherwise now: a change of it would never reach the database."""


def migrate(database: Database, folder: Path) -> list[str]:
    """Apply every migration that was not yet.

    Args:
        database: As its administrator.
        folder: With the files, such as `0001_trips.sql`.

    Returns:
        The names of those that were applied now.

    Raises:
        ChangedMigrationError: One that was applied before has changed since.
    """
    with contextlib.suppress(psycopg.errors.UniqueViolation):  # another deployment was quicker
        database.run(lambda connection: connection.execute(_LEDGER), repeatable=True)
    # A migration and its line in the ledger are one transaction, so that in doubt it may run again.
    return [
        path.name
        for path in sorted(folder.glob("*.sql"))
        if database.run(partial(_apply, path=path), repeatable=True)
    ]


def _apply(connection: psycopg.Connection, *, path: Path) -> bool:
    name, sql = path.name, path.read_bytes()
    # Two deployments at a time: the second one waits here, and finds everything done.
    connection.execute("LOCK TABLE public.schema_migration IN EXCLUSIVE MODE")
    sha256 = hashlib.sha256(sql).hexdigest()
    known = connection.execute(
        "SELECT sha256 FROM public.schema_migration WHERE name = %s", (name,)
    ).fetchone()
    if known is not None:
        if known[0] != sha256:
            raise ChangedMigrationError(
                f"{name} was applied before, and reads otherwise now: add a new file."
            )
        return False
    # A file with a COMMIT or ROLLBACK of its own ends the transaction, and this savepoint with it: an error.
    connection.execute("SAVEPOINT whole")
    connection.execute(sql)
    connection.execute("RELEASE SAVEPOINT whole")
    connection.execute("INSERT INTO public.schema_migration (name, sha256) VALUES (%s, %s)", (name, sha256))
    return True
