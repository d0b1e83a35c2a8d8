"""However a run ends, its databases end with it: no server, no folder, no shared memory is left.

Holds `process/sweep.py`, `process/outside_folders.py`, `postgres/server.py`.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from constructs_lib.local import private_environment

from .conftest import PROJECT
from .stacks import STUCK_SECONDS
from .test_lifecycle import PROC, _becomes_true, _processes_naming, needs_proc

pytestmark = [pytest.mark.cloud, needs_proc]

ELSEWHERE = "elsewhere"


@contextmanager
def _program(state: Path, tmp_path: Path, ending: str) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    private_environment.interpreter(state)
    with subprocess.Popen(
        [sys.executable, Path(__file__).with_name("run_a_database.py"), state, ending],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            assert child.stdout is not None
            run_folder = child.stdout.readline().strip()
            assert run_folder, child.communicate()[1]
            yield child, Path(run_folder)
        finally:
            child.kill()


def _go_on(child: "subprocess.Popen[str]") -> None:
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()


def _segment(folder: Path) -> str:
    """The id of a server's shared memory."""
    return (folder / "data" / "postmaster.pid").read_text().splitlines()[6].split()[1]


def _segments() -> list[str]:
    return [line.split()[1] for line in (PROC / "sysvipc" / "shm").read_text().splitlines()[1:]]


def _nothing_is_left(folder: Path, run_folder: Path, segment: str) -> bool:
    return (
        not folder.exists()
        and not run_folder.exists()
        and not _processes_naming(str(folder))
        and segment not in _segments()
    )


def _kill(of: Path, what: str) -> None:
    """Kill one process of a run, or of a database, by its command."""
    [found] = [each for each in _processes_naming(str(of)) if what in each]
    os.kill(int(found.partition(":")[0]), signal.SIGKILL)


@pytest.mark.parametrize(
    ("ending", "sent"),
    [("exit", None), ("raise", None), ("wait", signal.SIGINT), ("wait", signal.SIGKILL)],
    ids=["exit", "exception", "SIGINT", "SIGKILL"],
)
def test_no_database_is_left(state: Path, tmp_path: Path, ending: str, sent: signal.Signals | None) -> None:
    with _program(state, tmp_path, ending) as (child, run_folder):
        assert child.stdout is not None
        folder = Path(child.stdout.readline().strip())
        segment = _segment(folder)
        assert _processes_naming(str(folder))
        assert segment in _segments()
        _go_on(child)
        if sent is not None:
            child.send_signal(sent)
        child.communicate(timeout=STUCK_SECONDS)
    if sent is signal.SIGKILL:
        _becomes_true(lambda: _nothing_is_left(folder, run_folder, segment))
    assert _nothing_is_left(folder, run_folder, segment)


@pytest.mark.parametrize("and_holder", [False, True], ids=["emulator", "emulator-and-holder"])
def test_no_database_is_left_when_its_keepers_are_killed(
    state: Path, tmp_path: Path, and_holder: bool
) -> None:
    with _program(state, tmp_path, "exit") as (child, run_folder):
        assert child.stdout is not None
        folder = Path(child.stdout.readline().strip())
        segment = _segment(folder)
        if and_holder:
            _kill(folder, "postgres/server.py")
        _kill(run_folder, "extension.start")
        if not and_holder:
            # The server does not wait for the end of the program.
            assert _becomes_true(lambda: not folder.exists())
        _go_on(child)
        child.communicate(timeout=STUCK_SECONDS)
    assert _nothing_is_left(folder, run_folder, segment)


def test_a_database_that_is_just_being_made_is_not_left_either(state: Path, tmp_path: Path) -> None:
    with _program(state, tmp_path, "at once") as (child, run_folder):
        listed = run_folder / ELSEWHERE
        assert _becomes_true(lambda: listed.exists() and Path(listed.read_text().strip()).exists())
        folder = Path(listed.read_text().strip())
        child.kill()
        child.communicate(timeout=STUCK_SECONDS)
    assert _becomes_true(lambda: not run_folder.exists())
    assert not folder.exists()
    assert not _processes_naming(str(folder))
