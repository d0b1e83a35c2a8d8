"""However a run ends, nothing of it is left: no process, no folder, no file elsewhere.

Holds `process/lifeline.py`, `process/sweep.py`.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from constructs_lib.local import LocalCloud, LocalCloudError, private_environment

from .conftest import PROJECT
from .stacks import STUCK_SECONDS

pytestmark = pytest.mark.cloud

PROC = Path("/proc")
needs_proc = pytest.mark.skipif(not PROC.is_dir(), reason="looks at /proc")


def _processes_naming(text: str) -> list[str]:
    """Processes with a text in their command line or environment."""
    found = []
    for folder in PROC.glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            told = command + (folder / "environ").read_bytes()
        except OSError:  # gone
            continue
        if text.encode() in told:
            found.append(f"{folder.name}: {command.decode(errors='replace')}")
    return found


def _becomes_true(condition: Callable[[], bool]) -> bool:
    give_up = time.monotonic() + STUCK_SECONDS
    while not condition():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.05)
    return True


@needs_proc
@pytest.mark.parametrize(
    ("ending", "sent", "code"),
    [
        ("exit", None, 0),
        ("raise", None, 1),
        ("wait", signal.SIGINT, -signal.SIGINT),
        ("wait", signal.SIGTERM, -signal.SIGTERM),
        ("wait", signal.SIGKILL, -signal.SIGKILL),
        ("deploy", signal.SIGINT, -signal.SIGINT),
        ("deploy", signal.SIGKILL, -signal.SIGKILL),
    ],
    ids=["exit", "exception", "SIGINT", "SIGTERM", "SIGKILL", "SIGINT-in-deploy", "SIGKILL-in-deploy"],
)
def test_nothing_is_left(
    state: Path, tmp_path: Path, ending: str, sent: signal.Signals | None, code: int
) -> None:
    for name in ("tmp", "home"):
        (tmp_path / name).mkdir()
    private_environment.interpreter(state)
    environment = os.environ | {"TMPDIR": str(tmp_path / "tmp"), "HOME": str(tmp_path / "home")}
    with subprocess.Popen(
        [sys.executable, Path(__file__).with_name("run_a_cloud.py"), state, ending],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(PROJECT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        run_folder = child.stdout.readline().strip()
        assert run_folder, child.communicate()[1]
        try:
            # The emulator, the function's worker, and what the function has started.
            assert len(_processes_naming(run_folder)) >= 3
            assert Path(run_folder).is_dir()
            child.stdin.write("\n")
            child.stdin.flush()
            if ending == "deploy":
                assert _becomes_true(lambda: any("599" in each for each in _processes_naming(run_folder)))
            if sent is not None:
                child.send_signal(sent)
            _, said = child.communicate(timeout=STUCK_SECONDS)
        finally:
            child.kill()

    assert child.returncode == code, said
    if sent in (signal.SIGTERM, signal.SIGKILL):
        # A signal that the program does not handle leaves the work to the lifeline.
        _becomes_true(lambda: not _processes_naming(run_folder) and not Path(run_folder).exists())
    assert not _processes_naming(run_folder)
    assert not Path(run_folder).exists(), list(Path(run_folder).rglob("*"))
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "home", tmp_path / "tmp"]


def test_two_clouds_at_once_know_nothing_of_each_other(cloud: LocalCloud, state: Path) -> None:
    with LocalCloud(state=state) as other:
        assert other.endpoint != cloud.endpoint
        assert other.run_folder != cloud.run_folder
        other.client("sqs").create_queue(QueueName="only-here")
        for each, count in ((other, 1), (cloud, 0)):
            found = each.client("sqs").list_queues(QueueNamePrefix="only-here")
            assert len(found.get("QueueUrls", [])) == count
    assert not other.run_folder.exists()
    assert cloud.run_folder.is_dir()
    cloud.client("sqs").list_queues()


def test_a_cloud_can_be_entered_again(state: Path) -> None:
    again = LocalCloud(state=state)
    for _ in range(2):
        with again:
            again.client("sqs").create_queue(QueueName="new")
            assert len(again.client("sqs").list_queues()["QueueUrls"]) == 1
    again.stop()
    with pytest.raises(LocalCloudError, match="with block"):
        again.client("sqs")


def test_a_port_that_is_taken_is_named(state: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # not even listening
        port = taken.getsockname()[1]
        with (
            pytest.raises(LocalCloudError, match=f"port {port} is taken"),
            LocalCloud(state=state, port=port),
        ):
            pass


def test_a_port_that_another_program_takes_first_is_given_up(
    cloud: LocalCloud, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = int(cloud.endpoint.rpartition(":")[2])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = int(probe.getsockname()[1])
    ports = iter([busy, free])
    monkeypatch.setattr("constructs_lib.local.cloud._free_port", lambda: next(ports))
    with LocalCloud(state=state) as second:
        assert second.endpoint == f"http://127.0.0.1:{free}"


@needs_proc
def test_it_listens_on_loopback_only(cloud: LocalCloud) -> None:
    port = f"{int(cloud.endpoint.rpartition(':')[2]):04X}"
    listening = []
    for table in ("tcp", "tcp6"):
        path = PROC / "net" / table
        rows = [row.split() for row in path.read_text().splitlines()[1:]] if path.exists() else []
        listening += [row[1] for row in rows if row[3] == "0A" and row[1].endswith(f":{port}")]
    assert listening == [f"0100007F:{port}"]


def test_the_folder_of_a_dead_process_is_deleted_and_that_of_a_live_one_is_not(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An installation of our own would take seconds: the runs alone are apart.
    python = private_environment.interpreter(state)
    monkeypatch.setattr(private_environment, "interpreter", lambda _: python)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    folders = {
        name: tmp_path / "runs" / f"{pid}-{name}"
        for name, pid in {"dead": dead.pid, "live": os.getpid(), "reused": os.getpid()}.items()
    }
    for folder in folders.values():
        (folder / "tmp").mkdir(parents=True)
    (tmp_path / "runs" / "not-ours").mkdir()
    # The pid is alive, and nobody holds the lock: another process has got the pid of a dead one.
    (folders["reused"] / "owner").touch()
    with LocalCloud(state=tmp_path) as first:
        assert {name for name, folder in folders.items() if folder.exists()} == {"live"}
        with LocalCloud(state=tmp_path):
            assert first.run_folder.is_dir()
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == sorted(
        [folders["live"].name, "not-ours"]
    )


def test_an_emulator_that_dies_at_its_start_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'no such module: anything'\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(private_environment, "interpreter", lambda _: broken)
    cloud = LocalCloud(state=tmp_path)
    with pytest.raises(LocalCloudError, match=r"did not start(.|\n)*no such module: anything"), cloud:
        pass
    assert list((tmp_path / "runs").iterdir()) == []
