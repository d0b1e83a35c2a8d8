"""What `pip install constructs-lib` brings: complete, and good with the oldest dependencies that it allows."""

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile

import pytest

PROJECT = Path(__file__).parents[1]

APP = """
import json
import sys
from pathlib import Path
from aws_cdk import App, Duration, Environment, Stack, Stage
from aws_cdk import aws_events as events
from constructs_lib import AsyncDestinations, EventRule, LiveAlias, ProvisionedApi, PythonFunction, QueueConsumer
from constructs_lib import Authorization

entry = Path(sys.argv[1])
app = App(outdir=sys.argv[2], analytics_reporting=False)
for name, region in (("Alpha", "eu-central-1"), ("Beta", "us-east-1"), ("Gamma", None)):
    environment = None if region is None else Environment(account="111122223333", region=region)
    stage = Stage(app, name, env=environment)
    for number in range(6):
        stack = Stack(stage, f"Orders{number}")
        function = PythonFunction(
            stack, "Handle", entry=entry, handler="app.handle", timeout=Duration.seconds(20), bytecode=False
        )
        live = LiveAlias(stack, "Live", function=function)
        QueueConsumer(stack, "Queue", function=live.alias)
        EventRule(stack, "Rule", function=live.alias, event_pattern=events.EventPattern(source=["orders"]))
        AsyncDestinations(stack, "Results", function=live.alias)
        ProvisionedApi(stack, "Api", routes={"GET /orders": live.alias}, authorization=Authorization.iam())
app.synth()
"""


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    clean = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT")}
    done = subprocess.run(
        command, cwd=cwd, env=clean | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run("uv", "build", "--wheel", "--quiet", "--out-dir", folder, PROJECT, cwd=folder)
    (built,) = folder.glob("constructs_lib-*.whl")
    return built


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    run("uv", "build", "--sdist", "--quiet", "--out-dir", folder, PROJECT, cwd=folder)
    (built,) = folder.glob("constructs_lib-*.tar.gz")
    return built


@pytest.fixture(scope="module")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path | str], dict[str, dict[str, str]]]:
    """Run the app with a Python, outside of the repository: the types of its resources, by template and logical id."""

    def synthesized(python: Path | str) -> dict[str, dict[str, str]]:
        folder = tmp_path_factory.mktemp("app")
        (folder / "function").mkdir()
        (folder / "function" / "app.py").write_text("def handle(event, context):\n    return {}\n")
        (folder / "app.py").write_text(APP)
        out = folder / "cdk.out"
        run(python, "app.py", "function", out, cwd=folder)
        return {
            template.name: {
                logical_id: resource["Type"]
                for logical_id, resource in json.loads(template.read_text())["Resources"].items()
                if resource["Type"] != "AWS::CDK::Metadata"
            }
            for template in sorted(out.glob("assembly-*/*.template.json"))
        }

    return synthesized


@pytest.fixture(scope="module")
def here(synthesize: Callable[[Path | str], dict[str, dict[str, str]]]) -> dict[str, dict[str, str]]:
    """What the locked dependencies make of the app."""
    # Eighteen stacks: with jsii 1.141 the checks at synth end in a RangeError of Node at about a thousand constructs.
    synthesized = synthesize(sys.executable)
    assert len(synthesized) == 18
    return synthesized


@pytest.mark.parametrize("resolution", ["lowest-direct", "highest"])
def test_an_app_of_several_stages_with_the_oldest_and_the_newest_dependencies(
    resolution: str,
    wheel: Path,
    tmp_path: Path,
    synthesize: Callable[[Path | str], dict[str, dict[str, str]]],
    here: dict[str, dict[str, str]],
) -> None:
    run("uv", "venv", "--quiet", "--python", sys.executable, "env", cwd=tmp_path)
    python = tmp_path / "env" / "bin" / "python"
    options = ("--quiet", "--resolution", resolution)
    run("uv", "pip", "install", *options, "--python", python, wheel, cwd=tmp_path)
    assert synthesize(python) == here


def test_the_wheel_holds_the_library_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
    tracked = run("git", "ls-files", "constructs_lib", cwd=PROJECT).splitlines()
    assert sorted(names) == sorted(tracked)


def test_the_sdist_holds_what_the_readme_links_to_and_nothing_stray(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    wanted = [
        *(
            "pyproject.toml",
            "README.md",
            "CHANGELOG.md",
            "CONTRIBUTING.md",
            "LICENSE",
            ".gitignore",
            "PKG-INFO",
        ),
        *run("git", "ls-files", "constructs_lib", "docs", "sample_app", cwd=PROJECT).splitlines(),
    ]
    assert sorted(names) == sorted(wanted)


def test_the_metadata_leads_to_the_documentation(wheel: Path) -> None:
    """The index has no files next to the README, so each of its links must be complete."""
    with ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = HeaderParser().parsestr(archive.read(name).decode())
    urls = dict(entry.split(", ", 1) for entry in metadata.get_all("Project-URL", []))
    assert {"Documentation", "Changelog", "Source", "Issues"} <= urls.keys()
    description = metadata.get_payload()
    assert isinstance(description, str)
    links = [part.split(")")[0] for part in description.split("](")[1:]]
    assert links
    assert [link for link in links if not link.startswith(("https://", "#"))] == []
