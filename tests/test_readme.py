"""What the README shows is run, and what it says is so."""

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
README = (PROJECT / "README.md").read_text()
HANDLER = "def handle(event, context):\n    return {'batchItemFailures': []}\n"


def example() -> str:
    (block,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    return str(block)


@pytest.fixture
def somebodys_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder outside the repository, with a handler and the README's app."""
    ship = tmp_path / "functions" / "ship"
    ship.mkdir(parents=True)
    (ship / "app.py").write_text(HANDLER)
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
