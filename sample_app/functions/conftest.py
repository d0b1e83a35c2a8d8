"""What the tests of all functions share: modules by their bare names, and a database with the migrations applied.

On Lambda a function's folder is the top of its package. Every function has a `handler`, so the names are lent to
one test module at a time: they are there while it is imported, and gone when the next one is.
"""

import json
import sys
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from psycopg.rows import dict_row

from constructs_lib.local.extension.postgres.server import PostgresServer
from constructs_lib.runtime.database import Database
from constructs_lib.runtime.once import Once
from constructs_lib.runtime.secret_login import SecretLogin
from sample_app.functions_environment import SETTINGS

FUNCTIONS = Path(__file__).parent

SECRET = json.dumps({"username": "trips", "password": "of-trips"})


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Surround the import of each test module of a function."""
    if not isinstance(collector, pytest.Module):
        return (yield)
    function = collector.path.parents[1]
    names = [path.stem for path in function.glob("*.py")]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(function)
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        for name in names:
            patch.delitem(sys.modules, name, raising=False)
        try:
            return (yield)
        finally:
            for name in names:
                sys.modules.pop(name, None)


@pytest.fixture
def lambda_context() -> LambdaContext:
    """What Lambda tells a handler of its invocation."""
    context = LambdaContext()
    context._function_name = "function"
    context._memory_limit_in_mb = 512
    context._invoked_function_arn = "arn:aws:lambda:eu-central-1:111122223333:function:function:live"
    context._aws_request_id = "request-1"
    return context


@dataclass(frozen=True)
class Rides:
    """A database of its own for one test.

    Attributes:
        admin: The superuser's connection; rows are dictionaries, each statement is a transaction.
        application: What a function has, as the user `trips`.
    """

    admin: psycopg.Connection[dict[str, Any]]
    application: Database


@pytest.fixture
def rides(postgres: PostgresServer) -> Iterator[Rides]:
    """A database that has what the migrations make."""
    where = {
        "host": str(postgres.socket_folder),
        "port": str(postgres.port),
        "user": postgres.superuser,
    }
    application = Database(
        psycopg,
        host=postgres.address,
        port=postgres.port,
        name="rides",
        login=SecretLogin("trips", fetch=lambda _: SECRET),
        tls=False,
        give_up_after_seconds=60,
    )
    with psycopg.connect("dbname=postgres", autocommit=True, **where) as server:
        server.execute("CREATE DATABASE rides")
        server.execute("CREATE ROLE trips LOGIN PASSWORD 'of-trips'")
        with psycopg.connect("dbname=rides", autocommit=True, row_factory=dict_row, **where) as admin:
            Once.create_table(admin)
            for path in sorted((FUNCTIONS / "migrate" / "migrations").glob("*.sql")):
                admin.execute(path.read_bytes())
            yield Rides(admin, application)
        application.close()
        server.execute("DROP DATABASE rides WITH (FORCE)")
        server.execute("DROP ROLE trips")
