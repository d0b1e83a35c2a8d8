import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from schema import ChangedMigrationError, migrate

from constructs_lib.local.extension.postgres.server import PostgresServer
from constructs_lib.runtime.database import Database
from constructs_lib.runtime.secret_login import SecretLogin

OWNER = json.dumps({"username": "owner", "password": "of-owner"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_one.sql").write_text("CREATE TABLE one (id int); INSERT INTO one VALUES (1);")
    (tmp_path / "0002_two.sql").write_text("CREATE TABLE two (id int);")
    return tmp_path


def connect(postgres: PostgresServer, name: str) -> psycopg.Connection:
    return psycopg.connect(
        host=str(postgres.socket_folder),
        port=postgres.port,
        user=postgres.superuser,
        dbname=name,
        autocommit=True,
    )


@pytest.fixture
def admin(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    with connect(postgres, "postgres") as server:
        server.execute("CREATE ROLE owner LOGIN PASSWORD 'of-owner'")
        server.execute("CREATE DATABASE migrated OWNER owner")
        with connect(postgres, "migrated") as there:
            yield there
        server.execute("DROP DATABASE migrated WITH (FORCE)")
        server.execute("DROP ROLE owner")


def open_database(postgres: PostgresServer) -> Database:
    return Database(
        psycopg,
        host=postgres.address,
        port=postgres.port,
        name="migrated",
        login=SecretLogin("owner", fetch=lambda _: OWNER),
        tls=False,
        give_up_after_seconds=60,
    )


@pytest.fixture
def database(postgres: PostgresServer, admin: psycopg.Connection) -> Iterator[Database]:
    del admin  # the database is there
    opened = open_database(postgres)
    yield opened
    opened.close()


def tables(admin: psycopg.Connection) -> set[str]:
    return {row[0] for row in admin.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}


def test_migrations_are_applied_in_the_order_of_their_names(
    database: Database, folder: Path, admin: psycopg.Connection
) -> None:
    assert migrate(database, folder) == ["0001_one.sql", "0002_two.sql"]
    assert tables(admin) == {"schema_migration", "one", "two"}


def test_a_second_run_does_nothing_and_a_third_what_is_new(
    database: Database, folder: Path, admin: psycopg.Connection
) -> None:
    migrate(database, folder)
    assert migrate(database, folder) == []
    (folder / "0003_three.sql").write_text("CREATE TABLE three (id int);")
    assert migrate(database, folder) == ["0003_three.sql"]
    assert admin.execute("SELECT count(*) FROM one").fetchone() == (1,)


def test_a_migration_that_fails_leaves_nothing_of_itself_and_all_before_it(
    database: Database, folder: Path, admin: psycopg.Connection
) -> None:
    (folder / "0002_two.sql").write_text("CREATE TABLE two (id int); SELECT 1 / 0;")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(database, folder)
    assert tables(admin) == {"schema_migration", "one"}
    (folder / "0002_two.sql").write_text("CREATE TABLE two (id int);")
    assert migrate(database, folder) == ["0002_two.sql"]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE two (id int); ROLLBACK;",
        "BEGIN; CREATE TABLE two (id int); ROLLBACK;",
        "CREATE TABLE two (id int); ROLLBACK; BEGIN;",
    ],
)
def test_a_migration_that_ends_its_own_transaction_is_not_taken_for_applied(
    database: Database, folder: Path, admin: psycopg.Connection, sql: str
) -> None:
    (folder / "0002_two.sql").write_text(sql)
    with pytest.raises(psycopg.Error, match="savepoint"):
        migrate(database, folder)
    assert admin.execute("SELECT name FROM schema_migration").fetchall() == [("0001_one.sql",)]


def test_a_migration_that_was_applied_must_not_change(database: Database, folder: Path) -> None:
    migrate(database, folder)
    (folder / "0001_one.sql").write_text("CREATE TABLE one (id bigint);")
    with pytest.raises(ChangedMigrationError, match=r"0001_one\.sql was applied before"):
        migrate(database, folder)


def test_two_deployments_at_a_time_apply_each_migration_once(
    postgres: PostgresServer, database: Database, folder: Path, admin: psycopg.Connection
) -> None:
    (folder / "0001_one.sql").write_text(
        "CREATE TABLE one (id int); INSERT INTO one VALUES (1); SELECT pg_sleep(0.3);"
    )
    others = [open_database(postgres) for _ in range(2)]
    with ThreadPoolExecutor() as threads:
        applied = list(threads.map(lambda each: migrate(each, folder), [database, *others]))
    for other in others:
        other.close()
    assert sorted(name for names in applied for name in names) == ["0001_one.sql", "0002_two.sql"]
    assert admin.execute("SELECT count(*) FROM one").fetchone() == (1,)
