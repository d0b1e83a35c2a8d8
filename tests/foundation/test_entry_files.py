"""A package has code and data: no secrets, no environments, nothing that a tool made."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from aws_cdk import App, Stack, Stage

from constructs_lib import InvalidPropsError
from constructs_lib.foundation.function import entry_files, packaging
from tests.foundation.wheels import ARM, handler, names
from tests.gallery.plain_function import function

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----\n"


def write(entry: Path, *files: str, text: str = "") -> None:
    for name in files:
        (entry / name).parent.mkdir(parents=True, exist_ok=True)
        (entry / name).write_text(text)


def found(entry: Path, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> set[str]:
    return {path.as_posix() for path in entry_files.find(entry, include=include, exclude=exclude)}


NOT_PACKAGED = (
    ".env", ".env.local", ".aws/credentials", ".ssh/id_rsa", ".netrc", ".npmrc", ".git/config", ".gitignore",
    ".python-version", ".coverage", ".hypothesis/examples/x", ".tox/py313/x", ".idea/x.xml", ".DS_Store",
    "inner/.env", "__pycache__/app.cpython-313.pyc", "inner/__pycache__/x.pyc", "inner/x.pyc",
    "node_modules/x/i.js", "fn.egg-info/PKG-INFO", "cdk.out/manifest.json",
    "env/pyvenv.cfg", "env/lib/site-packages/x.py", "conda/conda-meta/x.json", "conda/lib/x.py",
    "state/CACHEDIR.TAG", "state/x.py", "other-app/cdk.out", "other-app/asset.json",
    f"out/asset.{'0' * 64}/app.py", f"out2/asset.{'0' * 64}.zip",
    "tests/test_app.py", "pyproject.toml", "uv.lock", "uv.toml", "requirements.txt", "poetry.lock", "Pipfile",
)  # fmt: skip

PACKAGED = (
    "app.py", "inner/app.py", "inner/tests/test_x.py", "inner/pyproject.toml", "data/cities.json", "ca.pem",
    "asset.json", "env.py", "keys.txt", "image.png", "dist-info.txt", "requirements-more.txt",
)  # fmt: skip


def test_what_is_packaged_and_what_is_not(tmp_path: Path) -> None:
    write(tmp_path, *NOT_PACKAGED, *PACKAGED)
    assert found(tmp_path) == set(PACKAGED)


@pytest.mark.parametrize("name", [name for name in NOT_PACKAGED if "/" not in name and name != ".gitignore"])
def test_what_is_left_out_can_be_asked_for(tmp_path: Path, name: str) -> None:
    write(tmp_path, "app.py", name)
    assert found(tmp_path, include=[name]) == {"app.py", name}


def test_an_environment_is_known_by_its_content(tmp_path: Path) -> None:
    write(tmp_path, "app.py")
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", "my environment"], cwd=tmp_path, check=True
    )
    assert found(tmp_path) == {"app.py"}


# --- outputs of the CDK --------------------------------------------------------------------------------


@pytest.mark.parametrize("outdir", ["cdk.out", "build/out"])
def test_the_output_of_a_synth_is_not_an_input_of_the_next(
    tmp_path: Path, cache: Path, outdir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The handler is next to the app, the app has a stage, and the CLI synthesizes it again and again."""
    entry = handler(tmp_path / "app")
    write(entry, "lib/more.py")
    place = entry / outdir
    place.mkdir(parents=True)
    (place / "synth.lock").write_text("")  # the CLI's own lock is there before the app runs
    monkeypatch.setenv("CDK_OUTDIR", str(place))
    packages = []
    for _ in range(3):
        app = App(outdir=str(place), analytics_reporting=False)
        for stack in (Stack(app, "One"), Stack(Stage(app, "Stage"), "Two")):
            packages += [function(stack, name, entry=entry).package for name in ("F", "G")]
        app.synth()
    assert len({package.asset_hash for package in packages}) == 1
    assert names(packages[0].path) == {"app.py", "lib/more.py"}
    (place / "synth.lock").unlink()
    monkeypatch.delenv("CDK_OUTDIR")
    assert found(entry) == {"app.py", "lib/more.py"}


def test_a_cache_in_the_entry_is_not_an_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = handler(tmp_path / "fn")
    monkeypatch.setenv("CONSTRUCTS_LIB_CACHE_DIR", str(entry / "cache"))
    first = packaging.build(entry, ARM)
    assert packaging.build(entry, ARM) == first
    assert names(first.path) == {"app.py"}


# --- what git ignores ----------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose .gitignore files are in three places."""
    write(tmp_path, ".git/HEAD")
    (tmp_path / ".gitignore").write_text("*.log\n/functions/ship/local.json\ngenerated/\n")
    entry = tmp_path / "functions" / "ship"
    write(
        entry,
        "app.py",
        "debug.log",
        "local.json",
        "generated/orders_pb2.py",
        "generated/notes.txt",
        "in/a.dat",
    )
    (entry / ".gitignore").write_text("!keep.log\n")
    (entry / "in" / ".gitignore").write_text("*.dat\n")
    write(entry, "keep.log")
    return entry


def test_what_git_ignores_is_not_packaged(repository: Path) -> None:
    assert found(repository) == {"app.py", "keep.log"}


@pytest.mark.parametrize(
    ("include", "more"),
    [
        (["generated"], {"generated/orders_pb2.py", "generated/notes.txt"}),
        (["generated/*_pb2.py"], {"generated/orders_pb2.py"}),
        (["*.log"], {"debug.log"}),
        (["in/a.dat", "local.json"], {"in/a.dat", "local.json"}),
        (["generated/*", "nothing"], {"generated/orders_pb2.py", "generated/notes.txt"}),
    ],
)
def test_what_git_ignores_can_be_asked_for(repository: Path, include: list[str], more: set[str]) -> None:
    assert found(repository, include=include) == {"app.py", "keep.log"} | more


def test_exclude_is_stronger_than_include(repository: Path) -> None:
    assert "debug.log" not in found(repository, include=["*.log"], exclude=["debug.log"])


def test_an_included_folder_has_its_caches_left_out(repository: Path) -> None:
    write(repository, "generated/__pycache__/x.pyc", "generated/.env")
    assert found(repository, include=["generated"]) == found(
        repository, include=["generated/*.py", "generated/*.txt"]
    )


def test_a_pattern_for_the_top_does_not_search_what_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, "app.py", "a.dat", ".venv/x/b.dat", "node_modules/c.dat")
    assert found(tmp_path, include=["*.dat"]) == {"app.py", "a.dat"}


def test_git_need_not_be_there(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    with_git = packaging.build(repository, ARM)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setenv("CONSTRUCTS_LIB_CACHE_DIR", str(tmp_path / "another cache"))
    assert packaging.build(repository, ARM).asset_hash == with_git.asset_hash


def test_an_entry_that_git_ignores_as_a_whole_is_packaged(repository: Path) -> None:
    """It was made by a build, or is in an installed distribution."""
    entry = repository.parents[1] / "generated" / "ship"
    write(entry, "app.py", "debug.log")
    assert found(entry) == {"app.py", "debug.log"}


# --- secrets -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["id_rsa", "certs/server.pem", "account.json"])
def test_a_private_key_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, "app.py")
    write(tmp_path, name, text=f'{{"private_key": "{KEY}"}}' if name.endswith("json") else f"# mine\n{KEY}")
    with pytest.raises(InvalidPropsError, match=rf"entry has {name}, which holds a private key"):
        entry_files.find(tmp_path)
    assert found(tmp_path, exclude=[name]) == {"app.py"}
    assert found(tmp_path, include=[name]) == {"app.py", name}


def test_certificates_and_code_about_keys_are_packaged(tmp_path: Path) -> None:
    write(tmp_path, "ca.pem", text="-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----\n")
    write(tmp_path, "public.pem", text="-----BEGIN PUBLIC KEY-----\nMIID\n-----END PUBLIC KEY-----\n")
    write(tmp_path, "app.py", text=f"START = {KEY!r}\n")
    assert found(tmp_path) == {"ca.pem", "public.pem", "app.py"}


# --- links ---------------------------------------------------------------------------------------------


def test_linked_code_is_packaged(tmp_path: Path) -> None:
    write(tmp_path, "common/prices.py", "common/deep/more.py", "fn/app.py")
    (tmp_path / "fn" / "shared").symlink_to("../common")
    (tmp_path / "fn" / "again").symlink_to("shared")
    assert found(tmp_path / "fn") == {
        "app.py", "shared/prices.py", "shared/deep/more.py", "again/prices.py", "again/deep/more.py",
    }  # fmt: skip


@pytest.mark.parametrize(
    "links", [{"loop": "."}, {"one": ".", "two": "."}, {"inner/up": ".."}, {"inner/far": "../.."}]
)
def test_a_link_that_leads_back_is_named(tmp_path: Path, links: dict[str, str]) -> None:
    entry = tmp_path / "fn"
    write(entry, "app.py", "inner/more.py")
    for name, target in links.items():
        (entry / name).symlink_to(target)
    with pytest.raises(
        InvalidPropsError, match=r"entry has the link .*(loop|one|two|up|far).*, which leads back"
    ):
        entry_files.find(entry)
    assert found(entry, exclude=list(links)) == {"app.py", "inner/more.py"}


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "settings.json").symlink_to("nowhere.json")
    (tmp_path / "itself").symlink_to("itself")
    with pytest.raises(InvalidPropsError, match=r"(settings\.json|itself), which cannot be read"):
        entry_files.find(tmp_path)
    assert found(tmp_path, exclude=["settings.json", "itself"]) == set()


def test_a_name_that_the_cdk_cannot_upload(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")).write_text("")
    with pytest.raises(InvalidPropsError, match=r"caf.*which is not UTF-8: .* Rename it"):
        entry_files.find(tmp_path)
