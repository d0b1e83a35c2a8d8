"""What `bench synth` concludes from its figures; the figures themselves are held in test_cost_at_synth.py."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from benchmarks.synth import __main__ as command
from benchmarks.synth import by_hand, measure, ours, solutions
from benchmarks.synth.__main__ import Cost

APP = typer.Typer()
APP.command()(command.main)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solutions, "install", lambda: None)


def test_each_scene_is_written_twice() -> None:
    assert set(by_hand.SCENES) == set(ours.SCENES)
    assert set(solutions.SCENES) <= set(ours.SCENES)


def test_a_scene_that_does_not_exist_is_refused() -> None:
    done = CliRunner().invoke(APP, ["--scene", "nothing"])
    assert done.exit_code == 2
    assert "There is no scene nothing; there are python_function" in done.output


@pytest.mark.parametrize(
    ("trips", "exit_code"), [({1: 30, 20: 500, 80: 2000}, 0), ({1: 30, 20: 500, 80: 2001}, 1)]
)
def test_what_grows_with_the_app_fails(
    trips: dict[int, int], exit_code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def costs_of(name: str, size: int, rounds: int) -> dict[str, Cost]:
        return {"ours": Cost(2.0, trips[size], 4 * size), "by hand": Cost(1.0, 10 * size, 4 * size)}

    monkeypatch.setattr(command, "costs_of", costs_of)
    done = CliRunner().invoke(APP, ["--scene", "live_alias"])
    assert done.exit_code == exit_code, done.output
    assert "2.00 : 1.00" in done.output
    assert ("An instance costs more round trips in a larger app: live_alias." in done.output) is (
        exit_code == 1
    )


def test_one_app_is_measured(tmp_path: Path) -> None:
    counted = measure.counted(tmp_path, "ours", "python_function", 2)
    assert counted["resources"] == 8
    assert counted["trips"] > 8
    assert 0 < command.measured("by hand", "python_function", 1, "time")["cpu"] < 60
