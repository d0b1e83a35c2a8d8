"""Projects on this machine: members of a uv workspace, path and git dependencies, and what may be built from source."""

import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import textwrap
from pathlib import Path

import pytest

from constructs_lib import InvalidPropsError
from constructs_lib.foundation.function import function_code, handler_code, packaging, uv
from constructs_lib.foundation.function.packaging import Package
from constructs_lib.foundation.function.requirements import Selection
from tests.foundation.wheels import ARM, X86, content, lock, names, wheel

pytestmark = pytest.mark.usefixtures("cache")

BACKEND = '[build-system]\nrequires = ["uv_build>=0.9"]\nbuild-backend = "uv_build"\n'
"""uv builds these itself, without the network."""

HANDLER = "def handle(event, context):\n    return 1\n"


def project(folder: Path, *dependencies: str, more: str = "", members: tuple[str, ...] = ()) -> Path:
    """Write a project of a workspace, named after its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = "".join(f"{name} = {{ workspace = true }}\n" for name in members)
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "{folder.name}"\nversion = "1"\nrequires-python = ">=3.11"\n'
        f"dependencies = {json.dumps([*dependencies, *members])}\n{more}[tool.uv.sources]\n{sources}"
    )
    return folder


def shared(folder: Path, *dependencies: str, more: str = "", members: tuple[str, ...] = ()) -> Path:
    """Write a package that others depend on, in the src layout."""
    project(folder, *dependencies, more=more + BACKEND, members=members)
    module = folder / "src" / folder.name / "__init__.py"
    module.parent.mkdir(parents=True)
    module.write_text("NAME = __name__\n")
    return folder


@pytest.fixture
def shop(tmp_path: Path, index: Path, url: str) -> Path:
    """A workspace with three functions and two packages that they share."""
    for name in ("alpha", "beta"):
        wheel(index, name, "1.0")
    root = tmp_path / "shop"
    root.mkdir()
    (root / "pyproject.toml").write_text(
        '[tool.uv.workspace]\nmembers = ["packages/*", "functions/*"]\n'
        f'[[tool.uv.index]]\nname = "main"\nurl = "{url}"\ndefault = true\n'
    )
    shared(root / "packages" / "money", "alpha")
    shared(root / "packages" / "pricing", members=("money",))
    project(root / "functions" / "quote", members=("pricing",))
    project(root / "functions" / "bill", members=("money",))
    project(root / "functions" / "ping", "beta")
    for name in ("quote", "bill", "ping"):
        (root / "functions" / name / "app.py").write_text(HANDLER)
    lock(root)
    return root


def build(entry: Path, selection: Selection | None = None) -> Package:
    return packaging.build(entry, ARM, module="app", selection=selection or Selection())


def builds(root: Path) -> dict[str, str]:
    return {entry.name: build(entry).asset_hash for entry in sorted((root / "functions").iterdir())}


def test_a_function_gets_the_members_that_it_reaches_and_no_other(shop: Path) -> None:
    modules = {
        entry.name: {name.split("/")[0] for name in names(build(entry).path)}
        for entry in (shop / "functions").iterdir()
    }
    assert modules == {
        "quote": {"app.py", "pricing", "money", "alpha"},
        "bill": {"app.py", "money", "alpha"},
        "ping": {"app.py", "beta"},
    }


@pytest.mark.parametrize(
    ("changed", "rebuilt"),
    [
        ("packages/pricing/src/pricing/__init__.py", {"quote"}),
        ("packages/money/src/money/__init__.py", {"quote", "bill"}),
        ("functions/ping/app.py", {"ping"}),
        ("packages/money/tests/test_money.py", set()),
        ("packages/money/.env", set()),
    ],
)
def test_a_change_rebuilds_the_functions_that_reach_it(shop: Path, changed: str, rebuilt: set[str]) -> None:
    before = builds(shop)
    (shop / changed).parent.mkdir(exist_ok=True)
    with (shop / changed).open("a") as file:
        file.write("MORE = 1\n")
    after = builds(shop)
    assert {name for name in before if before[name] != after[name]} == rebuilt
    if "src" in changed:
        (module,) = build(shop / "functions" / "quote").path.glob(f"{Path(changed).parent.name}/__init__.py")
        assert "MORE = 1" in module.read_text()


def test_another_function_s_requirement_rebuilds_that_function_alone(shop: Path, index: Path) -> None:
    before = builds(shop)
    wheel(index, "gamma", "1.0")
    project(shop / "functions" / "ping", "beta", "gamma")
    lock(shop)
    after = builds(shop)
    assert {name for name in before if before[name] != after[name]} == {"ping"}


def test_a_changed_version_in_the_lock_rebuilds_who_reaches_it(shop: Path, index: Path) -> None:
    before = builds(shop)
    wheel(index, "alpha", "2.0")
    subprocess.run(
        [uv.binary(), "lock", "--quiet", "--upgrade", "--python", sys.executable], cwd=shop, check=True
    )
    after = builds(shop)
    assert {name for name in before if before[name] != after[name]} == {"quote", "bill"}


def test_two_checkouts_give_the_same_bytes(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build(shop / "functions" / "quote")
    elsewhere = tmp_path / "another place"
    shop.rename(elsewhere)
    monkeypatch.setenv("CONSTRUCTS_LIB_CACHE_DIR", str(tmp_path / "another-cache"))
    second = build(elsewhere / "functions" / "quote")
    assert second.path != first.path
    assert second.asset_hash == first.asset_hash
    assert content(second.path) == content(first.path)


def test_the_backend_s_release_is_not_in_the_package(shop: Path) -> None:
    info = build(shop / "functions" / "bill").path / "money-1.dist-info"
    assert {path.name for path in info.iterdir()} == {"METADATA", "WHEEL"}
    assert "Generator" not in (info / "WHEEL").read_text()
    assert (info / "METADATA").read_text().splitlines() == [
        "Metadata-Version: 2.1",
        "Name: money",
        "Requires-Dist: alpha",
        "Requires-Python: >=3.11",
        "Version: 1",
    ]


def test_a_member_is_built_once_for_all_functions(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[str] = []
    plain = uv.run

    def counted(arguments: list[str], **more: object) -> str:
        commands.append(arguments[0])
        return plain(arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(uv, "run", counted)
    builds(shop)
    assert commands.count("build") == 2
    commands.clear()
    builds(shop)
    assert commands == []


@pytest.mark.parametrize(
    "deleted", ["wheels/*/*.whl", "packages/*/package.json", "packages/*/package", "*/*"]
)
def test_what_something_else_has_deleted_from_the_cache_is_made_again(
    shop: Path, cache: Path, deleted: str
) -> None:
    bill = shop / "functions" / "bill"
    before = content(build(bill).path)
    for place in [*cache.glob(deleted), *(cache.glob("packages/*/package.json") if "whl" in deleted else ())]:
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    assert content(build(bill).path) == before


def test_the_folders_of_members_are_left_as_they_were(shop: Path) -> None:
    """Build backends write next to the sources, and read what an earlier build has left there."""
    (shop / "packages" / "money" / "pyproject.toml").write_text(
        (shop / "packages" / "money" / "pyproject.toml").read_text().replace(BACKEND, IN_TREE_BACKEND)
    )
    (shop / "packages" / "money" / "backend.py").write_text(WRITES_BESIDE_THE_SOURCES)
    lock(shop)
    before = content(shop)
    assert "money/__init__.py" in names(build(shop / "functions" / "bill").path)
    assert content(shop) == before


IN_TREE_BACKEND = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
WRITES_BESIDE_THE_SOURCES = textwrap.dedent(
    """
    import pathlib, zipfile

    TAG = "py3-none-any"

    def build_wheel(folder, config_settings=None, metadata_directory=None):
        pathlib.Path("left_over.py").write_text("")
        name = f"money-1-{TAG}.whl"
        with zipfile.ZipFile(pathlib.Path(folder) / name, "w") as wheel:
            wheel.writestr("money/__init__.py", "")
            wheel.writestr("money-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: money\\nVersion: 1\\n")
            wheel.writestr("money-1.dist-info/WHEEL", f"Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: {TAG}\\n")
            wheel.writestr("money-1.dist-info/RECORD", "money/__init__.py,,\\n")
        return name
    """
)


def test_two_releases_of_a_backend_make_the_same_package(shop: Path) -> None:
    """What setuptools 68 and 80 write, and flit 3.4 and 3.12, and poetry-core 1 and 2."""
    (shop / "packages" / "money").rename(shop / "packages" / "My.Money")
    bill = project(shop / "functions" / "bill", members=("My.Money",))
    (bill / "pyproject.toml").write_text(
        (bill / "pyproject.toml").read_text().replace("My.Money", "my-money")
    )
    toml = shop / "packages" / "My.Money" / "pyproject.toml"
    toml.write_text(toml.read_text().replace('"money"', '"My.Money"').replace(BACKEND, IN_TREE_BACKEND))
    project(shop / "functions" / "quote")
    shutil.rmtree(shop / "packages" / "pricing")
    packages: list[Package] = []
    for folder, name, requires, licenses, end in (
        ("My.Money", "My.Money", ["beta", "alpha"], "", "\n"),
        ("my_money", "my-money", ["alpha", "beta"], "licenses/", ""),
    ):
        required = "".join(f"Requires-Dist: {one}\n" for one in requires)
        files = {
            "my_money.py": "",
            "METADATA": f"Metadata-Version: 2.{len(packages)}\nName: {name}\nVersion: 1\n{required}",
            f"{licenses}LICENSE": "",
            "WHEEL": f"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n{end}",
        }
        (toml.parent / "backend.py").write_text(
            "import pathlib, zipfile\n"
            "def build_wheel(folder, config_settings=None, metadata_directory=None):\n"
            f"    with zipfile.ZipFile(pathlib.Path(folder) / '{folder}-1-py3-none-any.whl', 'w') as wheel:\n"
            f"        for name, text in {files}.items():\n"
            f"            wheel.writestr(name if name == 'my_money.py' else f'{folder}-1.dist-info/{{name}}', text)\n"
            f"        record = ''.join(f'{{name}},,\\n' for name in wheel.namelist())\n"
            f"        wheel.writestr('{folder}-1.dist-info/RECORD', record)\n"
            f"    return '{folder}-1-py3-none-any.whl'\n"
        )
        lock(shop)
        packages.append(build(bill))
    assert packages[0].asset_hash != packages[1].asset_hash
    assert content(packages[0].path) == content(packages[1].path)
    assert "my_money-1.dist-info/METADATA" in {path.as_posix() for path in packages[0].own_files}


def test_a_repository_around_the_cache_has_no_say_in_a_wheel(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hatchling reads the nearest .gitignore, Poetry asks git."""
    subprocess.run(["git", "init", "--quiet", str(shop)], check=True)
    (shop / ".gitignore").write_text("*.json\n")
    monkeypatch.setenv("CONSTRUCTS_LIB_CACHE_DIR", str(shop / "cache"))
    money = shop / "packages" / "money"
    (money / "pyproject.toml").write_text(
        (money / "pyproject.toml").read_text().replace(BACKEND, IN_TREE_BACKEND)
    )
    (money / "backend.py").write_text(
        WRITES_BESIDE_THE_SOURCES.replace(
            'pathlib.Path("left_over.py").write_text("")',
            "import subprocess\n"
            "    near = next(place for place in pathlib.Path.cwd().parents if (place / '.gitignore').exists())\n"
            "    assert (near / '.gitignore').read_text() == ''\n"
            "    assert subprocess.run(['git', 'status'], capture_output=True).returncode == 128",
        )
    )
    lock(shop)
    assert "money/__init__.py" in names(build(shop / "functions" / "bill").path)


def test_a_member_with_compiled_code_is_refused(shop: Path) -> None:
    money = shop / "packages" / "money"
    (money / "pyproject.toml").write_text(
        (money / "pyproject.toml").read_text().replace(BACKEND, IN_TREE_BACKEND)
    )
    (money / "backend.py").write_text(WRITES_BESIDE_THE_SOURCES.replace("none-any", "none-linux_x86_64"))
    lock(shop)
    with pytest.raises(InvalidPropsError, match=r"money \(.*\) has compiled code: [\s\S]*container image"):
        build(shop / "functions" / "bill")


def test_a_member_that_cannot_be_built_is_named(shop: Path) -> None:
    money = shop / "packages" / "money"
    (money / "src" / "money" / "__init__.py").unlink()
    with pytest.raises(InvalidPropsError, match=r"money \(.*\) cannot be built into a wheel\. uv says:\n"):
        build(shop / "functions" / "bill")


def test_what_the_backend_of_a_member_says_is_in_the_message(shop: Path) -> None:
    money = shop / "packages" / "money"
    (money / "pyproject.toml").write_text(
        (money / "pyproject.toml").read_text().replace(BACKEND, IN_TREE_BACKEND)
    )
    (money / "backend.py").write_text(
        "import sys\n"
        "def build_wheel(*arguments):\n"
        "    sys.stderr.buffer.write(b'caf\\xe9')\n"
        "    raise LookupError('no version without .git')\n"
    )
    lock(shop)
    with pytest.raises(InvalidPropsError, match="LookupError: no version without"):
        build(shop / "functions" / "bill")


def test_what_git_ignores_is_in_no_wheel_of_a_member(shop: Path) -> None:
    money = shop / "packages" / "money"
    (shop / ".git").mkdir()
    (shop / ".gitignore").write_text("*_pb2.py\n")
    (money / "src" / "money" / "wire_pb2.py").write_text("")
    assert "money/wire_pb2.py" not in names(build(shop / "functions" / "bill").path)
    included = build(shop / "functions" / "bill", Selection(include=["packages/money/src/money/*_pb2.py"]))
    assert "money/wire_pb2.py" in names(included.path)
    (money / "src" / "money" / "notes.txt").write_text("")
    excluded = build(shop / "functions" / "bill", Selection(exclude=["packages/money/src/money/notes.txt"]))
    assert "money/notes.txt" not in names(excluded.path)


def test_a_pattern_for_the_files_of_every_member(shop: Path) -> None:
    (shop / "packages" / "money" / "src" / "money" / "notes.txt").write_text("")
    excluded = build(shop / "functions" / "bill", Selection(exclude=["packages/*/src/*/notes.txt"]))
    assert names(excluded.path) == {"app.py", "money/__init__.py", "alpha/__init__.py", "alpha/data.bin"}


def test_a_private_key_in_a_member_names_a_pattern_that_works(shop: Path) -> None:
    (shop / "packages" / "money" / "src" / "money" / "key.pem").write_text("-----BEGIN PRIVATE KEY-----\n")
    with pytest.raises(InvalidPropsError, match=r"^money has src/money/key\.pem, .*a private key") as refused:
        build(shop / "functions" / "bill")
    (pattern,) = re.findall(r"exclude=\['(.*?)'\]", str(refused.value))
    excluded = build(shop / "functions" / "bill", Selection(exclude=[pattern]))
    assert "money/key.pem" not in names(excluded.path)
    (pattern,) = re.findall(r"include=\['(.*?)'\]", str(refused.value))
    included = build(shop / "functions" / "bill", Selection(include=[pattern]))
    assert "money/key.pem" in names(included.path)


# --- extras, groups, markers ---------------------------------------------------------------------------


def test_an_extra_of_a_member_is_installed_where_it_is_asked_for(shop: Path, index: Path) -> None:
    more = '[project.optional-dependencies]\nfast = ["beta"]\n'
    (shop / "packages" / "pricing" / "src").rename(shop / "kept")
    shared(shop / "packages" / "pricing", members=("money",), more=more)
    project(shop / "functions" / "bill", "pricing[fast]", more="", members=("money",))
    bill = shop / "functions" / "bill" / "pyproject.toml"
    bill.write_text(bill.read_text() + "pricing = { workspace = true }\n")
    lock(shop)
    assert "beta/__init__.py" in names(build(shop / "functions" / "bill").path)
    assert "beta/__init__.py" not in names(build(shop / "functions" / "quote").path)


def test_extras_and_groups_of_the_function_s_own_project(shop: Path) -> None:
    """One project, and a group of dependencies for each of its functions."""
    more = (
        '[project.optional-dependencies]\nfast-path = ["alpha"]\n'
        '[dependency-groups]\nnotify = ["beta"]\ndev = ["alpha"]\n'
    )
    ping = project(shop / "functions" / "ping", more=more)
    lock(shop)
    assert names(build(ping).path) == {"app.py"}
    with_extra = build(ping, Selection(extras=["Fast_Path"]))
    with_group = build(ping, Selection(groups=["notify"]))
    assert {name.split("/")[0] for name in names(with_extra.path)} == {"app.py", "alpha"}
    assert {name.split("/")[0] for name in names(with_group.path)} == {"app.py", "beta"}
    assert len({build(ping).asset_hash, with_extra.asset_hash, with_group.asset_hash}) == 3


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (
            Selection(extras=["slow"]),
            r"extras has 'slow', which .*pyproject\.toml does not define: it has none",
        ),
        (Selection(groups=["tests"]), r"dependency_groups has 'tests', which .* it has notify\."),
    ],
)
def test_an_extra_or_group_that_is_not_defined(shop: Path, selection: Selection, message: str) -> None:
    ping = project(shop / "functions" / "ping", more='[dependency-groups]\nnotify = ["beta"]\n')
    lock(shop)
    with pytest.raises(InvalidPropsError, match=message):
        build(ping, selection)


@pytest.mark.parametrize("selection", [Selection(extras=["fast"]), Selection(groups=["fast"])])
@pytest.mark.parametrize("requirements", ["", "requirements.txt"])
def test_extras_and_groups_require_a_lock(tmp_path: Path, selection: Selection, requirements: str) -> None:
    (tmp_path / "app.py").write_text(HANDLER)
    if requirements:
        (tmp_path / requirements).write_text("")
    with pytest.raises(InvalidPropsError, match=r"^(extras|dependency_groups) requires a uv\.lock"):
        build(tmp_path, selection)


def test_a_member_of_another_platform_is_not_installed(shop: Path) -> None:
    project(shop / "functions" / "ping", "beta", "money ; sys_platform == 'win32'")
    toml = shop / "functions" / "ping" / "pyproject.toml"
    toml.write_text(toml.read_text() + "money = { workspace = true }\n")
    lock(shop)
    assert {name.split("/")[0] for name in names(build(shop / "functions" / "ping").path)} == {
        "app.py",
        "beta",
    }


def test_of_a_virtual_member_the_dependencies_alone_are_installed(shop: Path) -> None:
    project(shop / "packages" / "stack", "beta", more="[tool.uv]\npackage = false\n")
    (shop / "packages" / "stack" / "stack.py").write_text("")
    project(shop / "functions" / "ping", members=("stack",))
    lock(shop)
    assert {name.split("/")[0] for name in names(build(shop / "functions" / "ping").path)} == {
        "app.py",
        "beta",
    }


# --- layouts -------------------------------------------------------------------------------------------


def test_a_function_in_the_src_layout(shop: Path) -> None:
    quote = shop / "functions" / "quote"
    handlers = quote / "src" / "quote" / "handlers"
    handlers.mkdir(parents=True)
    (handlers / "create.py").write_text("from quote.prices import PRICE\n" + HANDLER)
    (quote / "src" / "quote" / "prices.py").write_text("PRICE = 1\n")
    (quote / "app.py").unlink()
    (quote / "notes.md").write_text("")
    code = function_code.package(
        quote,
        "quote.handlers.create.handle",
        ARM,
        bytecode=False,
        selection=Selection(),
        include_runtime=False,
        has_layers=False,
        has_python_path=False,
    )
    assert code.warnings == {}
    own = {name for name in names(code.package.path) if name.startswith(("quote", "src", "notes"))}
    assert own == {"quote/handlers/create.py", "quote/prices.py"}


def test_a_handler_in_a_member(shop: Path) -> None:
    def package(handler: str) -> Package:
        return function_code.package(
            shop / "functions" / "quote",
            handler,
            ARM,
            bytecode=False,
            selection=Selection(),
            include_runtime=False,
            has_layers=False,
            has_python_path=False,
        ).package

    (shop / "packages" / "pricing" / "src" / "pricing" / "create.py").write_text(HANDLER)
    assert "pricing/create.py" in names(package("pricing.create.handle").path)
    with pytest.raises(
        InvalidPropsError, match=r"the function 'handel', but .*pricing/create\.py .*'handle'\?"
    ):
        package("pricing.create.handel")


def test_a_module_at_the_top_of_the_entry_goes_before_src(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    for name in ("app.py", "src/app.py"):
        (tmp_path / name).write_text(HANDLER)
    assert handler_code.code_folder(tmp_path, "app") == tmp_path
    (tmp_path / "app.py").unlink()
    assert handler_code.code_folder(tmp_path, "app") == tmp_path / "src"
    # The handler of a wrapper, which imports the user's code.
    assert handler_code.code_folder(tmp_path, "datadog_lambda.handler") == tmp_path / "src"
    (tmp_path / "other.py").write_text("")
    assert handler_code.code_folder(tmp_path, "datadog_lambda.handler") == tmp_path


def test_the_root_of_a_workspace_may_be_a_function(shop: Path) -> None:
    root = shop / "pyproject.toml"
    root.write_text(
        '[project]\nname = "root"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["money"]\n'
        + root.read_text()
        + "[tool.uv.sources]\nmoney = { workspace = true }\n"
    )
    (shop / "app.py").write_text(HANDLER)
    lock(shop)
    assert {name.split("/")[0] for name in names(build(shop).path)} == {"app.py", "money", "alpha"}


def test_a_member_behind_a_symbolic_link(shop: Path, tmp_path: Path) -> None:
    (shop / "packages" / "money").rename(tmp_path / "money")
    (shop / "packages" / "money").symlink_to(tmp_path / "money")
    lock(shop)
    assert "money/__init__.py" in names(build(shop / "functions" / "bill").path)


def test_folders_with_names_that_toml_has_to_escape(
    shop: Path, tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = shop.rename(tmp_path / 'the "shop" \U0001f600')
    monkeypatch.setenv("CONSTRUCTS_LIB_CACHE_DIR", str(tmp_path / "\U0001f600"))
    wheel(odd / "packages", "gamma", "1.0")
    ping = project(odd / "functions" / "ping", "gamma", members=("money",))
    with (ping / "pyproject.toml").open("a") as file:
        file.write("gamma = { path = '../../packages/gamma-1.0-py3-none-any.whl' }\n")
    lock(odd)
    assert {"gamma/__init__.py", "money/__init__.py"} <= names(build(ping).path)


def test_a_member_below_another_is_no_part_of_it(shop: Path) -> None:
    """Neither of a function's package, nor of the hash of those that depend on the upper one."""
    root = shop / "pyproject.toml"
    nested = ("functions/quote/lib", "packages/money/sub")
    root.write_text(root.read_text().replace('"functions/*"]', f'"functions/*", {json.dumps(nested)[1:]}'))
    for place in nested:
        shared(shop / place)
    lock(shop)
    before = builds(shop)
    assert {name.split("/")[0] for name in names(build(shop / "functions" / "quote").path)} == {
        "app.py", "pricing", "money", "alpha",
    }  # fmt: skip
    for place in nested:
        (shop / place / "more.py").write_text("")
    assert builds(shop) == before


def test_a_change_of_a_member_is_none_of_the_root_that_it_is_below(shop: Path) -> None:
    root = shop / "pyproject.toml"
    root.write_text(
        f'[project]\nname = "root"\nversion = "1"\nrequires-python = ">=3.11"\n{BACKEND}' + root.read_text()
    )
    (shop / "src" / "root").mkdir(parents=True)
    (shop / "src" / "root" / "__init__.py").write_text("")
    project(shop / "functions" / "ping", members=("root",))
    lock(shop)
    before = build(shop / "functions" / "ping")
    assert names(before.path) == {"app.py", "root/__init__.py"}
    (shop / "functions" / "bill" / "app.py").write_text("")
    assert build(shop / "functions" / "ping").asset_hash == before.asset_hash


@pytest.mark.parametrize("members", ['"functions/*"', '[""]', '["/functions/*"]', "[1]"])
def test_members_that_uv_does_not_read(shop: Path, members: str) -> None:
    (shop / "pyproject.toml").write_text(f"[tool.uv.workspace]\nmembers = {members}\n")
    with pytest.raises(InvalidPropsError, match=r"no uv\.lock .*ping.*: run 'uv lock' there"):
        build(shop / "functions" / "ping")


# --- what is refused, and what is only warned of -------------------------------------------------------


def test_a_workspace_without_a_lock(shop: Path) -> None:
    (shop / "uv.lock").unlink()
    with pytest.raises(
        InvalidPropsError, match=r"is a member of the uv workspace in .*shop, which has no uv\.lock"
    ):
        build(shop / "functions" / "ping")


def test_a_member_with_a_lock_of_its_own(shop: Path) -> None:
    (shop / "functions" / "ping" / "uv.lock").write_text("")
    with pytest.raises(
        InvalidPropsError, match=r"a uv\.lock of its own, which uv does not read .*: delete it"
    ):
        build(shop / "functions" / "ping")


def test_a_member_with_a_requirements_txt_of_its_own(shop: Path) -> None:
    (shop / "functions" / "ping" / "requirements.txt").write_text("")
    with pytest.raises(
        InvalidPropsError, match=r"has a requirements\.txt, and is a member .*: delete the file"
    ):
        build(shop / "functions" / "ping")


def test_a_member_that_the_lock_does_not_know(shop: Path) -> None:
    new = project(shop / "functions" / "refund", "beta")
    (new / "app.py").write_text(HANDLER)
    with pytest.raises(
        InvalidPropsError, match=r"uv\.lock has no project in .*refund: run 'uv lock' in .*shop"
    ):
        build(new)


def test_a_requirement_that_was_added_since_the_lock_was_written(shop: Path) -> None:
    project(shop / "functions" / "ping", "alpha", "beta")
    with pytest.raises(InvalidPropsError, match=r"uv\.lock in .*shop cannot be used"):
        build(shop / "functions" / "ping")


def test_a_member_that_is_excluded_from_its_workspace(shop: Path) -> None:
    root = shop / "pyproject.toml"
    root.write_text(
        root.read_text().replace('"functions/*"]', '"functions/*"]\nexclude = ["functions/ping"]')
    )
    with pytest.raises(InvalidPropsError, match="run 'uv lock' there"):
        build(shop / "functions" / "ping")


def test_an_import_of_a_member_that_is_not_a_dependency(shop: Path) -> None:
    ping = shop / "functions" / "ping"
    (ping / "app.py").write_text("import money\n" + HANDLER)
    (shop / "packages" / "pricing" / "src" / "pricing" / "__init__.py").write_text("import nowhere\n")
    (shop / "functions" / "quote" / "app.py").write_text("import pricing\n" + HANDLER)
    warnings = {
        entry: function_code.package(
            shop / "functions" / entry,
            "app.handle",
            ARM,
            bytecode=False,
            selection=Selection(),
            include_runtime=False,
            has_layers=False,
            has_python_path=False,
        ).warnings
        for entry in ("ping", "quote")
    }
    assert list(warnings["ping"]) == ["import-money"]
    assert f"run 'uv add money' in {ping}" in warnings["ping"]["import-money"]
    # Code of a member is the user's own, and read as such.
    assert list(warnings["quote"]) == ["import-nowhere"]
    assert "pricing/__init__.py imports nowhere (line 1)" in warnings["quote"]["import-nowhere"]


def test_a_member_that_imports_the_library_s_runtime(shop: Path) -> None:
    (shop / "packages" / "money" / "src" / "money" / "__init__.py").write_text(
        "from constructs_lib.runtime.once import Once\n"
    )
    with pytest.raises(InvalidPropsError, match=r"in money/__init__\.py: pass include_runtime=True"):
        build(shop / "functions" / "bill")


# --- path and git dependencies, and sources ------------------------------------------------------------


def test_a_path_dependency(tmp_path: Path, index: Path, url: str) -> None:
    for name in ("alpha", "beta"):
        wheel(index, name, "1.0")
    shared(tmp_path / "prices", "alpha")
    entry = project(tmp_path / "fn", "prices", "beta")
    (entry / "app.py").write_text(HANDLER)
    with (entry / "pyproject.toml").open("a") as file:
        file.write(
            "prices = { path = '../prices' }\n"
            f'[[tool.uv.index]]\nname = "main"\nurl = "{url}"\ndefault = true\n'
        )
    lock(entry)
    first = build(entry)
    assert {name.split("/")[0] for name in names(first.path)} == {"app.py", "prices", "alpha", "beta"}
    (tmp_path / "prices" / "src" / "prices" / "__init__.py").write_text("MORE = 1\n")
    second = build(entry)
    assert second.asset_hash != first.asset_hash
    assert (second.path / "prices" / "__init__.py").read_text() == "MORE = 1\n"
    (tmp_path / "prices").rename(tmp_path / "moved")
    with pytest.raises(InvalidPropsError, match=r"uv\.lock has prices in .*prices, and there is no project"):
        build(entry)


def test_a_git_dependency_is_built_only_when_asked_for(tmp_path: Path, index: Path, url: str) -> None:
    wheel(index, "alpha", "1.0")
    repository = shared(tmp_path / "prices")
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.com"]
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "first"]):
        subprocess.run([*git, *arguments], cwd=repository, check=True)
    entry = project(tmp_path / "fn", "prices", "alpha")
    (entry / "app.py").write_text(HANDLER)
    with (entry / "pyproject.toml").open("a") as file:
        file.write(
            f"prices = {{ git = '{repository.as_uri()}' }}\n"
            f'[[tool.uv.index]]\nname = "main"\nurl = "{url}"\ndefault = true\n'
        )
    lock(entry)
    with pytest.raises(
        InvalidPropsError, match=r"has prices from file://[\s\S]*build_from_source=\['prices'\]"
    ):
        build(entry)
    built = build(entry, Selection(from_source=["prices"]))
    assert {name.split("/")[0] for name in names(built.path)} == {"app.py", "prices", "alpha"}


def source_archive(folder: Path, tag: str = "py3-none-any") -> None:
    files = {
        "PKG-INFO": "Metadata-Version: 2.2\nName: money\nVersion: 1\n",
        "pyproject.toml": '[project]\nname = "money"\nversion = "1"\n' + IN_TREE_BACKEND,
        "backend.py": WRITES_BESIDE_THE_SOURCES.replace("py3-none-any", tag),
    }
    with tarfile.open(folder / "money-1.tar.gz", "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"money-1/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))


def source_alone(tmp_path: Path, index: Path, url: str, tag: str = "py3-none-any") -> Path:
    source_archive(index, tag)
    entry = project(tmp_path / "fn", "money")
    (entry / "app.py").write_text(HANDLER)
    with (entry / "pyproject.toml").open("a") as file:
        file.write(f'[[tool.uv.index]]\nname = "main"\nurl = "{url}"\ndefault = true\n')
    lock(entry)
    return entry


def test_a_package_that_is_source_alone_is_built_only_when_asked_for(
    tmp_path: Path, index: Path, url: str
) -> None:
    entry = source_alone(tmp_path, index, url)
    with pytest.raises(
        InvalidPropsError, match=r"published as source alone[\s\S]*build_from_source=\['money'\]"
    ):
        build(entry)
    assert "money/__init__.py" in names(build(entry, Selection(from_source=["Money"])).path)


def test_source_with_compiled_code_is_refused(tmp_path: Path, index: Path, url: str) -> None:
    entry = source_alone(tmp_path, index, url, tag="py3-none-linux_x86_64")
    with pytest.raises(InvalidPropsError, match="build_from_source has money, which has compiled code"):
        packaging.build(entry, X86, module="app", selection=Selection(from_source=["money"]))


def test_a_name_that_nothing_requires(tmp_path: Path, index: Path, url: str) -> None:
    entry = source_alone(tmp_path, index, url)
    with pytest.raises(
        InvalidPropsError, match=r"build_from_source has monney, which nothing in .*fn requires"
    ):
        build(entry, Selection(from_source=["monney", "money"]))
