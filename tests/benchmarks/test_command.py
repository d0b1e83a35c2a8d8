"""What `bench database` does where it cannot do everything."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from benchmarks.database import __main__ as command
from benchmarks.database.debian import MissingProgramError, find_program

APP = typer.Typer()
APP.command()(command.main)


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the servers nor apt-get are on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("benchmarks.database.debian._ALSO_LOOK_IN", ())


@pytest.mark.usefixtures("bare_machine")
def test_a_program_that_cannot_be_had_is_named_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(MissingProgramError, match="no pgbouncer on PATH, and no apt-get"):
        find_program("pgbouncer", package="pgbouncer", cache=tmp_path, folder=tmp_path)


@pytest.mark.usefixtures("bare_machine")
def test_a_row_that_cannot_be_measured_is_in_table_and_exit_code(tmp_path: Path) -> None:
    done = CliRunner().invoke(APP, ["--row", "mysql-kills", "--small", "--cache", str(tmp_path)])
    assert done.exit_code == 3, done.output
    assert "not measured" in done.output


def test_a_row_that_does_not_exist_is_refused() -> None:
    done = CliRunner().invoke(APP, ["--row", "nothing"])
    assert done.exit_code == 2
    assert "There is no row nothing" in done.output
