"""What `bench cold-start` measures and concludes; its figures are of the machine that it runs on."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from benchmarks.cold_start import __main__ as command
from benchmarks.cold_start import measure, packages
from benchmarks.cold_start.__main__ import Row
from constructs_lib.foundation.function import interpreter

APP = typer.Typer()
APP.command()(command.main)
SHARES = dict.fromkeys(measure.PARTS, 0.2)


def test_a_function_that_does_not_exist_is_refused() -> None:
    done = CliRunner().invoke(APP, ["--function", "nothing"])
    assert done.exit_code == 2
    assert "Unknown function: nothing. Choose from accept_trip" in done.output.replace("\n", " ")


@pytest.mark.parametrize(
    ("row", "exit_code", "said"),
    [
        (Row(50, 0.40, 0.40, SHARES), 0, ""),
        (Row(50, 0.70, 0.20, SHARES), 0, "With what is not packaged, more than 0.4: notify_rider."),
        (Row(50, 0.41, 0.41, SHARES), 1, "What is packaged takes more than 0.4: notify_rider."),
    ],
)
def test_what_is_packaged_must_reach_the_goal(
    row: Row, exit_code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "row", lambda name, rounds, sdk_compiled: row)
    done = CliRunner().invoke(APP, ["--function", "notify_rider"])
    assert done.exit_code == exit_code, done.output
    assert f"1 : {row.ratio:.2f}" in done.output
    assert said in done.output


def test_each_way_to_read_a_secret_is_measured() -> None:
    done = CliRunner().invoke(APP, ["--secrets", "--rounds", "1"])
    assert done.exit_code == 0, done.output
    for way in ("boto3", "CachedValue, imported", "Powertools parameters", "HTTP to an extension"):
        assert f"│ {way} " in done.output


def test_ours_is_the_same_package_with_bytecode() -> None:
    made = packages.package("notify_rider", interpreter.HOST)
    ours, plain = (files(folder) for folder in (made.ours, made.plain))
    assert plain < ours
    assert {Path(name).suffix for name in ours - plain} == {".pyc"}
    assert made.modules > 40


def test_an_import_writes_nothing_and_takes_the_sdk_from_outside() -> None:
    """What is measured is what a read-only folder costs."""
    made = packages.package("notify_rider", interpreter.HOST)
    before = files(made.plain)
    found = measure.parts(interpreter.HOST, made.plain, packages.sdk(interpreter.HOST, compiled=True))
    assert files(made.plain) == before
    assert not any(name.startswith("boto3/") for name in before)
    assert found["SDK"] > 0
    assert found["Powertools"] > 0
    assert (
        found["Powertools"]
        <= found[measure.PACKAGED]
        < sum(found[part] for part in measure.PARTS) - found["SDK"] / 2
    )


def test_bytecode_is_what_makes_the_difference() -> None:
    """Its part of the import, which is far below the goal: a slow machine does not change which one is faster."""
    made = packages.package("complete_trip", interpreter.HOST)
    sdk = packages.sdk(interpreter.HOST, compiled=True)
    ours, plain = (
        min(measure.parts(interpreter.HOST, folder, sdk)[measure.PACKAGED] for _ in range(3))
        for folder in (made.ours, made.plain)
    )
    assert ours < plain


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
