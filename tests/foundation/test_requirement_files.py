"""What a function's folder says about its dependencies is read whole, or refused with a way out."""

from pathlib import Path

import pytest

from constructs_lib import InvalidPropsError
from constructs_lib.foundation.function import packaging, uv_lock
from constructs_lib.foundation.function.requirements import Selection
from tests.foundation.wheels import ARM, handler, names, wheel

pytestmark = pytest.mark.usefixtures("cache")

PROJECT = '[project]\nname = "fn"\nversion = "0"\nrequires-python = ">=3.11"\n'
DEPENDS = PROJECT + 'dependencies = ["requests"]\n'


# --- one file counts -----------------------------------------------------------------------------------


def test_two_sources_of_requirements(tmp_path: Path, index: Path) -> None:
    entry = handler(tmp_path / "fn", index, wheel(index, "alpha", "1.0"))
    (entry / "uv.lock").write_text("")
    with pytest.raises(InvalidPropsError, match=r"both uv\.lock and requirements\.txt"):
        packaging.build(entry, ARM)


OTHER_FORMS = {
    "project without a lock": ({"pyproject.toml": DEPENDS}, "run 'uv lock' there"),
    "dynamic": ({"pyproject.toml": PROJECT + 'dynamic = ["dependencies"]\n'}, "run 'uv lock' there"),
    "Poetry 1": (
        {
            "pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.13"\nrequests = "*"\n',
            "poetry.lock": "",
        },
        "run 'poetry export --format requirements.txt --output requirements.txt' there",
    ),
    "Poetry 1 without its lock": (
        {"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.13"\nrequests = "*"\n'},
        "run 'poetry lock && poetry export",
    ),
    "Poetry 2": ({"pyproject.toml": DEPENDS, "poetry.lock": ""}, "poetry export"),
    "PDM": ({"pyproject.toml": DEPENDS, "pdm.lock": ""}, "pdm export --prod"),
    "Pipenv": ({"Pipfile": "", "Pipfile.lock": "{}"}, "pipenv requirements --hash > requirements.txt"),
    "Pipenv without its lock": ({"Pipfile": ""}, "pipenv lock && pipenv requirements"),
    "pip-tools": (
        {"requirements.in": "requests\n"},
        "uv pip compile --generate-hashes --python-version 3.13",
    ),
    "PEP 751": ({"pylock.toml": ""}, "uv pip compile --generate-hashes --python-version 3.13"),
    "setup.py": ({"setup.py": "setup(install_requires=['requests'])"}, "[project] of pyproject.toml"),
    "setup.cfg": ({"setup.cfg": "[options]\ninstall_requires = requests\n"}, "[project] of pyproject.toml"),
    "a folder of requirements": (
        {"requirements/prod.txt": "requests\n"},
        "the line '-r requirements/prod.txt'",
    ),
}


@pytest.mark.parametrize(("files", "way_out"), OTHER_FORMS.values(), ids=OTHER_FORMS)
def test_dependencies_in_another_form_are_refused(
    tmp_path: Path, files: dict[str, str], way_out: str
) -> None:
    entry = handler(tmp_path / "fn")
    for name, text in files.items():
        (entry / name).parent.mkdir(exist_ok=True)
        (entry / name).write_text(text)
    with pytest.raises(InvalidPropsError) as error:
        packaging.build(entry, ARM)
    assert way_out in str(error.value)
    # Somebody who knows that the function needs none of them has a way to say so.
    assert names(packaging.build(entry, ARM, selection=Selection(exclude=list(files))).path) == {"app.py"}


WITHOUT_DEPENDENCIES = {
    "only groups": {"pyproject.toml": PROJECT + '[dependency-groups]\ndev = ["pytest"]\n'},
    "only settings": {"pyproject.toml": "[tool.ruff]\nline-length = 100\n"},
    "Poetry with Python alone": {"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.13"\n'},
    "requirements of tests": {"requirements-dev.txt": "pytest\n"},
    "an empty requirements.in": {"requirements.in": "# none\n"},
    "setup.cfg of a tool": {"setup.cfg": "[flake8]\nmax-line-length = 100\n"},
}


@pytest.mark.parametrize("files", WITHOUT_DEPENDENCIES.values(), ids=WITHOUT_DEPENDENCIES)
def test_a_function_without_dependencies_needs_no_lock(tmp_path: Path, files: dict[str, str]) -> None:
    entry = handler(tmp_path / "fn")
    for name, text in files.items():
        (entry / name).write_text(text)
    assert "app.py" in names(packaging.build(entry, ARM).path)


def test_a_project_above_that_is_not_valid_is_of_no_concern(tmp_path: Path) -> None:
    entry = handler(tmp_path / "fn")
    (entry / "pyproject.toml").write_text(DEPENDS)
    (tmp_path / "pyproject.toml").write_text("not = = toml")
    with pytest.raises(InvalidPropsError, match="run 'uv lock' there"):
        packaging.build(entry, ARM)


@pytest.mark.parametrize("name", ["uv.lock", "requirements.txt"])
def test_requirements_next_to_a_handler_below_the_entry(tmp_path: Path, name: str) -> None:
    entry = tmp_path / "functions"
    handler(entry / "orders")
    (entry / "orders" / name).write_text("")
    with pytest.raises(InvalidPropsError, match=rf"orders, which has a {name}[\s\S]*Pass entry="):
        packaging.build(entry, ARM, module="orders.app")
    packaging.build(entry, ARM, module="other")


def test_requirements_in_the_handlers_file(tmp_path: Path) -> None:
    entry = handler(tmp_path / "fn")
    code = (entry / "app.py").read_text()
    (entry / "app.py").write_text("# /// script\n# dependencies = [\n#   'requests',\n# ]\n# ///\n" + code)
    with pytest.raises(InvalidPropsError, match=r"uv export --script app\.py"):
        packaging.build(entry, ARM, module="app")
    (entry / "app.py").write_text("# /// script\n# dependencies = []\n# ///\n" + code)
    packaging.build(entry, ARM, module="app")


# --- uv.lock -------------------------------------------------------------------------------------------

ALLOWED = (
    (">=3.14", "3.14"),
    (">=3.13.2", "3.13"),  # some patch release of it
    (">=3.13.2", "3.13.2"),
    ("==3.13.*", "3.13.7"),
    ("==3.13", "3.13.0"),
    (">=3.11, <3.13", "3.12"),
    ("~=3.12", "3.14"),
    ("~=3.12.1", "3.12.4"),
    ("!=3.13.*, >=3.12", "3.14"),
    (">3.12", "3.12.1"),
    ("<=3.13.5", "3.13.5"),
    ("", "3.11"),
)
NOT_ALLOWED = (
    (">=3.14", "3.13"),
    (">=3.13.2", "3.13.1"),
    ("==3.13.*", "3.12"),
    ("==3.13", "3.13.1"),
    (">=3.11, <3.13", "3.13"),
    ("~=3.12", "3.11"),
    ("~=3.12.1", "3.13"),
    ("!=3.13.*, >=3.12", "3.13"),
    (">3.12", "3.12.0"),
    ("<=3.13.5", "3.13.6"),
)


@pytest.mark.parametrize(("required", "version"), ALLOWED)
def test_a_python_that_a_project_allows(required: str, version: str) -> None:
    assert uv_lock.allows(required, version)


@pytest.mark.parametrize(("required", "version"), NOT_ALLOWED)
def test_a_python_that_a_project_does_not_allow(required: str, version: str) -> None:
    assert not uv_lock.allows(required, version)


def test_a_lock_for_a_newer_python(tmp_path: Path) -> None:
    entry = handler(tmp_path / "fn")
    (entry / "pyproject.toml").write_text(PROJECT)
    (entry / "uv.lock").write_text('version = 1\nrequires-python = ">=3.14"\n')
    with pytest.raises(InvalidPropsError, match=r"requires Python >=3\.14, but the function runs on 3\.13"):
        packaging.build(entry, ARM)


# --- requirements.txt ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "-e ./local",
        "./local",
        "local @ file:///local",
        "local @ https://example.com/local-1.0.tar.gz --hash=sha256:00",
        "git+https://example.com/local@v1#egg=local",
        "https://example.com/local-1.0-py3-none-any.whl",
    ],
)
def test_what_is_not_of_an_index_is_refused(tmp_path: Path, index: Path, line: str) -> None:
    with pytest.raises(InvalidPropsError, match="not a wheel of an index") as error:
        packaging.build(handler(tmp_path / "fn", index, line), ARM)
    assert "--generate-hashes" not in str(error.value)


def test_requirements_may_include_files(tmp_path: Path, index: Path) -> None:
    entry = handler(
        tmp_path / "fn", index, "-r more.txt", "--requirement=../common.txt", "-c limits.txt # not more"
    )
    (entry / "more.txt").write_text(wheel(index, "alpha", "1.0") + "\n-r more.txt\n")
    (entry / "limits.txt").write_text("alpha==1.0\n")
    (tmp_path / "common.txt").write_text("-r deep/deeper.txt\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "deeper.txt").write_text(wheel(index, "beta", "1.0") + "\n")
    assert {"alpha/__init__.py", "beta/__init__.py"} < names(packaging.build(entry, ARM).path)


@pytest.mark.parametrize("file", ["more.txt", "../common.txt", "limits.txt", "../deep/deeper.txt"])
def test_a_file_that_requirements_include_is_in_the_hash(tmp_path: Path, index: Path, file: str) -> None:
    """This includes a file that is excluded from the package, and one that is outside of the entry."""
    test_requirements_may_include_files(tmp_path, index)
    entry = tmp_path / "fn"
    first = packaging.build(entry, ARM, selection=Selection(exclude=["*.txt"]))
    with (entry / file).open("a") as changed:
        changed.write("# one more line\n")
    assert packaging.build(entry, ARM, selection=Selection(exclude=["*.txt"])).asset_hash != first.asset_hash


def test_a_changed_version_in_an_included_file_is_installed(tmp_path: Path, index: Path) -> None:
    entry = handler(tmp_path / "fn", index, "-r ../common.txt")
    built = []
    for version in ("1.0", "2.0"):
        (tmp_path / "common.txt").write_text(wheel(index, "alpha", version) + "\n")
        built.append((packaging.build(entry, ARM).path / "alpha" / "__init__.py").read_text())
    assert built == ["VERSION = '1.0'\n", "VERSION = '2.0'\n"]


def test_an_included_file_without_hashes_is_named(tmp_path: Path, index: Path) -> None:
    entry = handler(tmp_path / "fn", index, "-r base.txt")
    (entry / "base.txt").write_text("alpha==1.0\n")
    with pytest.raises(InvalidPropsError, match=r"base\.txt has no hash for 'alpha==1\.0'"):
        packaging.build(entry, ARM)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-r nowhere.txt", r"requirements\.txt includes 'nowhere\.txt', and there is no "),
        ("-r https://example.com/base.txt", r"may change without notice\. Copy it into entry"),
    ],
)
def test_an_included_file_that_cannot_be_hashed(tmp_path: Path, index: Path, line: str, message: str) -> None:
    with pytest.raises(InvalidPropsError, match=message):
        packaging.build(handler(tmp_path / "fn", index, line), ARM)


@pytest.mark.parametrize("name", ["pyproject.toml", "uv.toml"])
def test_settings_of_uv_are_in_the_hash(tmp_path: Path, index: Path, name: str) -> None:
    entry = handler(tmp_path / "fn", index, wheel(index, "alpha", "1.0"))
    hashes = set()
    for text in ("", "# a comment\n"):
        (entry / name).write_text(text)
        hashes.add(packaging.build(entry, ARM).asset_hash)
    assert len(hashes) == 2


@pytest.mark.parametrize("include_runtime", [True, False])
def test_this_library_is_refused_before_it_is_downloaded(
    tmp_path: Path, index: Path, include_runtime: bool
) -> None:
    entry = handler(tmp_path / "fn", index, "Constructs_Lib==0.1.0 --hash=sha256:00")
    with pytest.raises(InvalidPropsError, match=r"Pass include_runtime=True[\s\S]*group such as dev"):
        packaging.build(entry, ARM, include_runtime=include_runtime)
