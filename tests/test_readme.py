"""What the README shows is run, and what it says is so."""

import doctest
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from aws_cdk.assertions import Match, Template

import constructs_lib
from constructs_lib.local.extension.postgres_server import PostgresServer
from constructs_lib.runtime.database import Database
from constructs_lib.runtime.once import Once
from constructs_lib.runtime.secret_login import SecretLogin

PROJECT = Path(__file__).parents[1]
README = (PROJECT / "README.md").read_text()
HANDLER = "def handle(event, context):\n    return {'batchItemFailures': []}\n"


DATABASE = (PROJECT / "docs" / "database.md").read_text()
API = (PROJECT / "docs" / "api.md").read_text()


def blocks(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


def example() -> str:
    return blocks(README)[0]


def handler_of(text: str) -> str:
    (found,) = [block for block in blocks(text) if "def handle(" in block]
    return found


@pytest.fixture
def somebodys_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder outside the repository, with a handler and the README's app."""
    ship = tmp_path / "functions" / "ship"
    ship.mkdir(parents=True)
    (ship / "app.py").write_text(HANDLER)
    for name, module, text in (("store", "app", README), ("complete_trip", "handler", DATABASE)):
        folder = tmp_path / "functions" / name
        folder.mkdir()
        (folder / f"{module}.py").write_text(handler_of(text))
    (tmp_path / "app.py").write_text(example())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_example_has_ten_lines() -> None:
    assert len([line for line in example().splitlines() if line.strip()]) <= 10


def test_the_example_and_its_error_are_what_happens(somebodys_project: Path) -> None:
    names: dict[str, object] = {}
    exec(example().replace("app.synth()", ""), names)  # noqa: S102 - running it is the test
    (session,) = re.findall(r"```pycon\n(.*?)```", README, flags=re.DOTALL)
    parsed = doctest.DocTestParser().get_doctest(session, names, "README", "README.md", 0)
    result = doctest.DocTestRunner(verbose=False).run(parsed)
    assert (result.attempted, result.failed) == (1, 0)


def test_the_examples_of_a_database_are_what_happens(somebodys_project: Path) -> None:
    del somebodys_project  # it is the current folder
    names: dict[str, Any] = {}
    exec(example().replace("app.synth()", ""), names)  # noqa: S102 - running it is the test
    (stack_of_readme,) = [block for block in blocks(README)[1:] if "database.connect(" in block]
    exec(stack_of_readme, names)  # noqa: S102
    template = Template.from_stack(names["stack"])
    template.resource_count_is("AWS::RDS::DBProxy", 1)
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {"Environment": {"Variables": Match.object_like({"DATABASE_HOST": Match.any_value()})}},
    )

    (stack_of_docs,) = [block for block in blocks(DATABASE) if "database.connect(" in block]
    exec(stack_of_docs, names)  # noqa: S102
    Template.from_stack(names["stack"]).resource_count_is("AWS::RDS::DBProxy", 1)


def test_the_examples_of_an_api_are_what_happens(somebodys_project: Path) -> None:
    (somebodys_project / "functions" / "accept_trip").mkdir()
    (somebodys_project / "functions" / "accept_trip" / "handler.py").write_text(HANDLER)
    names: dict[str, Any] = {"Route": constructs_lib.Route}
    for block in blocks(API):
        exec(block, names)  # noqa: S102
    template = Template.from_stack(names["stack"])
    template.resource_count_is("AWS::ApiGateway::RestApi", 2)
    template.resource_count_is("AWS::Lambda::Alias", 1)
    template.has_resource_properties("AWS::ApiGateway::Method", {"AuthorizationType": "NONE"})


@pytest.mark.parametrize("text", [README, DATABASE], ids=["README", "docs"])
def test_the_handler_stores_a_message_once(
    text: str, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("HOST", "proxy.example"), ("PORT", "5432"), ("NAME", "rides"), ("USER", "trips")):
        monkeypatch.setenv(f"DATABASE_{name}", value)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    names: dict[str, Any] = {}
    exec(handler_of(text), names)  # noqa: S102

    where = {"host": str(postgres.socket_folder), "port": postgres.port}
    with psycopg.connect(**where, user=postgres.superuser, dbname="postgres", autocommit=True) as admin:  # type: ignore[arg-type]
        admin.execute("CREATE DATABASE of_readme")
    login = SecretLogin("any", fetch=lambda _: json.dumps({"username": "postgres", "password": "any"}))
    database = Database(psycopg, **where, name="of_readme", login=login, tls=False)  # type: ignore[arg-type]
    database.run(Once.create_table)
    database.run(lambda connection: connection.execute("CREATE TABLE trip (body text)"))
    names["once"] = Once(database, consumer="readme")
    records = [{"messageId": id_, "body": body} for id_, body in (("1", "a"), ("2", "b"), ("1", "a"))]
    names["handle"]({"Records": records}, None)
    stored = database.run(
        lambda connection: connection.execute("SELECT body FROM trip ORDER BY body").fetchall()
    )
    database.close()
    with psycopg.connect(**where, user=postgres.superuser, dbname="postgres", autocommit=True) as admin:  # type: ignore[arg-type]
        admin.execute("DROP DATABASE of_readme")
    assert stored == [("a",), ("b",)]


def test_the_built_wheel_works_in_somebody_elses_app(somebodys_project: Path) -> None:
    """Built, installed into a fresh environment, and used outside the repository."""

    def run(*command: str | Path, **environment: str) -> str:
        clean = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT")}
        done = subprocess.run(
            command,
            cwd=somebodys_project,
            env=clean | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("uv", "build", "--wheel", "--quiet", "--out-dir", somebodys_project / "dist", PROJECT)
    (wheel,) = (somebodys_project / "dist").glob("constructs_lib-*.whl")
    run("uv", "venv", "--quiet", "--python", sys.executable, "env")
    python = somebodys_project / "env" / "bin" / "python"
    run("uv", "pip", "install", "--quiet", "--python", python, wheel)
    run(python, "app.py", CDK_OUTDIR=str(somebodys_project / "cdk.out"))
    template = (somebodys_project / "cdk.out" / "Orders.template.json").read_text()
    assert '"ReportBatchItemFailures"' in template
    assert '"VisibilityTimeout": 120' in template


def test_no_lock_file_names_a_mirror() -> None:
    """A lock that was written behind a mirror must install elsewhere."""
    locks = [
        PROJECT / "uv.lock",
        PROJECT / "package-lock.json",
        PROJECT / "constructs_lib" / "local" / "emulator-requirements.txt",
        *(PROJECT / "sample_app" / "functions").glob("*/uv.lock"),
    ]
    for lock in locks:
        hosts = set(re.findall(r"https?://([^/\"\s]+)", lock.read_text()))
        assert hosts <= {"pypi.org", "files.pythonhosted.org", "registry.npmjs.org"}, lock
