"""The promises of dev.py; nothing is installed here."""

import ast
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

PROJECT = Path(__file__).parents[1]
SOURCE = PROJECT / "dev.py"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of its own, in a folder with a space in its name, with nothing set up."""
    folder = tmp_path / "a project"
    folder.mkdir()
    for name in ("dev.py", "pyproject.toml", "uv.lock", "package.json", "package-lock.json"):
        shutil.copy(PROJECT / name, folder)
    return folder


@pytest.fixture
def dev(project: Path) -> ModuleType:
    """dev.py of that project."""
    spec = importlib.util.spec_from_file_location("dev_of_a_project", project / "dev.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def steps(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The steps of a set-up that run, replaced by what they leave behind."""
    ran: list[str] = []

    def step(name: str, action: object) -> None:
        ran.append(name)
        for path in (dev.PYTHON, dev.node(), dev.CDK, dev.PYRIGHT):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    monkeypatch.setattr(dev, "step", step)
    return ran


def run(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run that project's dev.py from another folder."""
    return subprocess.run(
        [sys.executable, project / "dev.py", *arguments],
        cwd=project.parent,
        env=dict(os.environ) | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_second_set_up_does_nothing(dev: ModuleType, steps: list[str]) -> None:
    dev.set_up()
    assert len(steps) == 4
    dev.set_up()
    assert len(steps) == 4


@pytest.mark.parametrize("name", ["uv.lock", "package-lock.json", "pyproject.toml", "package.json", "dev.py"])
def test_a_changed_file_sets_up_again(dev: ModuleType, steps: list[str], project: Path, name: str) -> None:
    dev.set_up()
    with (project / name).open("a") as file:
        file.write("\n")
    dev.set_up()
    assert len(steps) == 8


@pytest.mark.parametrize("deleted", ["CDK", "PYRIGHT"])
def test_what_was_deleted_is_set_up_again(dev: ModuleType, steps: list[str], deleted: str) -> None:
    dev.set_up()
    getattr(dev, deleted).unlink()
    dev.set_up()
    assert len(steps) == 8


def test_a_set_up_that_failed_is_not_taken_for_one(
    dev: ModuleType, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    works = dev.step

    def fails(name: str, action: object) -> None:
        works(name, action)
        if name == "Node packages":
            raise dev.StepError("no")

    monkeypatch.setattr(dev, "step", fails)
    with pytest.raises(dev.StepError):
        dev.set_up()
    monkeypatch.setattr(dev, "step", works)
    dev.set_up()
    assert len(steps) == 8


def test_an_old_python_can_read_the_message() -> None:
    ast.parse(SOURCE.read_text(), feature_version=(3, 7))


def test_an_old_python_gets_one_line() -> None:
    code = (
        "import runpy, sys\n"
        "sys.version_info, sys.version = (3, 10, 14, 'final', 0), '3.10.14 (main)'\n"
        f"sys.argv = ['dev.py', 'test']; runpy.run_path({str(SOURCE)!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "needs Python 3.11 or newer, this is 3.10.14" in done.stderr


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("npm error code ENOSPC", "the disk is full"),
        ("npm error request to x failed, reason: getaddrinfo ENOTFOUND x", "could not be reached"),
        (
            "error: Failed to fetch: tcp connect error: Connection refused (os error 111)",
            "could not be reached",
        ),
        ("ERROR: No matching distribution found for uv==0.13.9", "could not be reached"),
        ("invalid peer certificate: UnknownIssuer", "certificate is not trusted"),
        ("npm error code SELF_SIGNED_CERT_IN_CHAIN", "certificate is not trusted"),
        ("[Errno 13] Permission denied: '/x'", "cannot be written"),
    ],
)
def test_a_known_failure_has_advice(dev: ModuleType, said: str, answer: str) -> None:
    text = dev.cause(f"first line\n{said}\nlast line")
    assert answer in text
    assert said in text
    assert "\n" not in text


def test_an_unknown_failure_shows_its_last_lines(dev: ModuleType) -> None:
    assert "something new" in dev.cause("something new")


def test_without_a_network_there_is_one_clear_line(project: Path) -> None:
    nowhere = "http://127.0.0.1:9/simple"
    done = run(
        project, "lint", PIP_INDEX_URL=nowhere, PIP_RETRIES="0", PIP_CONFIG_FILE=os.devnull, PIP_FIND_LINKS=""
    )
    assert done.returncode == 1
    assert "dev.py could not set up uv: the package index could not be reached" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project / ".venv" / "set-up.sha256").exists()


def test_a_python_without_pip_names_the_package(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    assert dev.main(["lint"]) == 1
    assert "sudo apt install python3-venv" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(dev.CACHE))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert dev.main(["lint"]) == 1
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["--help"], 0), (["deploy"], 2), (["bench"], 2)])
def test_usage(project: Path, arguments: list[str], code: int) -> None:
    done = run(project, *arguments)
    assert done.returncode == code
    assert "usage: python3 dev.py COMMAND" in done.stdout + done.stderr


def test_the_environment_is_private_and_the_users_word_stays(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_SYSTEM_CERTS", "0")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.delenv("UV_CACHE_DIR", raising=False)
    environment = dev.environment()
    assert environment["UV_SYSTEM_CERTS"] == "0"
    assert environment["UV_CACHE_DIR"] == str(dev.CACHE / "uv")
    assert "PYTHONDONTWRITEBYTECODE" not in environment
    assert environment["PATH"].split(os.pathsep)[:2] == [str(dev.BIN), str(dev.node().parent)]
    assert environment["JSII_NODE"] == str(dev.node())


def test_node_is_the_binary_and_not_the_wrapper() -> None:
    """Jsii starts it by this path; the script beside Python would start a Python first."""
    binary = Path(os.environ["JSII_NODE"])
    assert binary.read_bytes()[:2] != b"#!"
    assert binary.stat().st_size > 10_000_000


def test_clean_deletes_what_is_ours(dev: ModuleType, project: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    (project / ".venv").mkdir()
    (project / ".cache").symlink_to(precious)
    (project / "mine").mkdir()
    assert dev.main(["clean"]) == 0
    assert (precious / "file").exists()
    left = {path.name for path in project.iterdir()}
    assert {".venv", ".cache"} & left == set()
    assert {"mine", "dev.py", "uv.lock"} <= left


def test_the_childs_exit_code_is_passed_on(dev: ModuleType) -> None:
    assert dev.run([sys.executable, "-c", "raise SystemExit(7)"]) == 7


def test_ctrl_c_ends_the_child_and_exits_with_130(project: Path, tmp_path: Path) -> None:
    """The child gets the time to clean up."""
    child = tmp_path / "child.py"
    child.write_text(
        "import pathlib, sys, time\n"
        f"here = pathlib.Path({str(tmp_path)!r})\n"
        "try:\n    (here / 'started').touch(); time.sleep(1000)\n"
        "except KeyboardInterrupt:\n    (here / 'cleaned').touch(); sys.exit(3)\n"
    )
    code = (
        f"import sys; sys.path.insert(0, {str(project)!r})\n"
        f"import dev; sys.exit(dev.run([sys.executable, {str(child)!r}]))"
    )
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True) as process:
        while not (tmp_path / "started").exists() and process.poll() is None:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
        assert process.wait(timeout=900) == 130
    assert (tmp_path / "cleaned").exists()


def test_every_failing_check_is_named(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev, "set_up", lambda: None)
    monkeypatch.setattr(dev, "BIN", Path(sys.executable).parent)
    name = Path(sys.executable).name
    monkeypatch.setattr(
        dev,
        "checks",
        lambda: [(f"check {n}", [name, "-c", f"raise SystemExit({n})"], f"cure {n}") for n in (1, 0, 2)],
    )
    assert dev.main(["lint"]) == 1
    shown = capsys.readouterr()
    assert "Failed: check 1, check 2" in shown.err
    assert "cure 1" in shown.out
    assert "cure 0" not in shown.out


def test_ctrl_c_in_the_tests_is_not_a_failure(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, answer in (("set_up", None), ("checks", []), ("run", 130)):
        monkeypatch.setattr(dev, name, lambda *_, answer=answer: answer)
    assert dev.main(["test"]) == 130


def test_a_killed_child_is_not_ctrl_c(dev: ModuleType) -> None:
    assert dev.run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]) == 128 + 9


def test_an_environment_that_is_a_link_leaves_its_target_alone(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "file").touch()
    dev.VENV.symlink_to(tmp_path / "theirs")
    monkeypatch.setattr(dev.venv.EnvBuilder, "create", lambda self, folder: None)
    dev.make_environment()
    assert (tmp_path / "theirs" / "file").exists()
    assert not dev.VENV.exists()
