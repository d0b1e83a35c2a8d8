"""The promises of packaging: the target's wheels, the same bytes everywhere, nothing done twice, sizes checked."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import constructs_lib
from constructs_lib import InvalidPropsError
from constructs_lib.foundation.function import interpreter, packaging, uv
from constructs_lib.foundation.function.installation import Target
from constructs_lib.foundation.function.requirements import Selection
from tests.foundation.wheels import ARM, X86, content, handler, wheel
from tests.gallery.plain_function import SAMPLE_FUNCTIONS

pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def installs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Every call of uv that is made."""
    calls: list[list[str]] = []
    plain = uv.run

    def counted(arguments: list[str], **more: Any) -> str:
        calls.append(arguments)
        return plain(arguments, **more)

    monkeypatch.setattr(uv, "run", counted)
    return calls


def test_only_what_runs_is_in_the_package(tmp_path: Path, index: Path) -> None:
    entry = handler(tmp_path / "fn", index, wheel(index, "alpha", "1.0"))
    (entry / "tests").mkdir()
    (entry / "tests" / "test_app.py").write_text("")
    (entry / "__pycache__").mkdir()
    (entry / "__pycache__" / "app.cpython-311.pyc").write_text("")
    (entry / "notes").mkdir()
    (entry / "notes" / "idea.md").write_text("")
    names = set(content(packaging.build(entry, ARM, selection=Selection(exclude=["notes/*"])).path))
    assert names == {
        "app.py", "alpha/__init__.py", "alpha/data.bin",
        "alpha-1.0.dist-info/METADATA", "alpha-1.0.dist-info/WHEEL", "alpha-1.0.dist-info/entry_points.txt",
    }  # fmt: skip


def test_wheels_are_the_targets(tmp_path: Path, index: Path) -> None:
    arm = wheel(index, "native", "1.0", tag="cp313-cp313-manylinux_2_28_aarch64")
    x86 = wheel(index, "native", "1.0", tag="cp313-cp313-manylinux_2_28_x86_64")
    entry = handler(tmp_path / "fn", index, f"{arm} {x86.split()[1]}")
    for target, tag in ((ARM, "aarch64"), (X86, "x86_64")):
        built = packaging.build(entry, target).path
        assert tag in (built / "native-1.0.dist-info" / "WHEEL").read_text()


def test_a_package_without_a_wheel_for_the_target_is_named(tmp_path: Path, index: Path) -> None:
    entry = handler(tmp_path / "fn", index, wheel(index, "native", "1.0", tag="cp313-cp313-win_amd64"))
    with pytest.raises(InvalidPropsError, match=r"packaged for Python 3\.13 on aarch64[\s\S]*native"):
        packaging.build(entry, ARM)


def test_requirements_that_contradict_each_other(tmp_path: Path, index: Path) -> None:
    beta = wheel(index, "beta", "3.0")
    alpha = wheel(index, "alpha", "1.0", requires="Requires-Dist: beta<2\n")
    with pytest.raises(InvalidPropsError, match=r"requirements\.txt[\s\S]*beta<2"):
        packaging.build(handler(tmp_path / "fn", index, alpha, beta), ARM)


def test_a_version_twice(tmp_path: Path, index: Path) -> None:
    lines = [wheel(index, "alpha", "1.0"), wheel(index, "alpha", "2.0")]
    with pytest.raises(InvalidPropsError, match="alpha"):
        packaging.build(handler(tmp_path / "fn", index, *lines), ARM)


def test_a_requirement_that_is_missing(tmp_path: Path, index: Path) -> None:
    wheel(index, "beta", "1.0")
    alpha = wheel(index, "alpha", "1.0", requires="Requires-Dist: beta\n")
    with pytest.raises(InvalidPropsError, match="beta"):
        packaging.build(handler(tmp_path / "fn", index, alpha), ARM)


def test_a_wheel_that_was_changed(tmp_path: Path, index: Path) -> None:
    line = wheel(index, "alpha", "1.0").replace("sha256:", "sha256:0")[:-1]
    with pytest.raises(InvalidPropsError, match=r"(?i)hash"):
        packaging.build(handler(tmp_path / "fn", index, line), ARM)


def test_requirements_without_a_hash(tmp_path: Path, index: Path) -> None:
    wheel(index, "alpha", "1.0")
    with pytest.raises(InvalidPropsError, match=r"no hash for 'alpha==1\.0'"):
        packaging.build(handler(tmp_path / "fn", index, "alpha==1.0"), ARM)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    entry = handler(tmp_path / "fn")
    (entry / "uv.lock").write_text("not = = toml")
    (entry / "pyproject.toml").write_text("")
    with pytest.raises(InvalidPropsError, match=r"uv\.lock cannot be read"):
        packaging.build(entry, ARM)
    (entry / "uv.lock").unlink()
    (entry / "settings.json").symlink_to("nowhere.json")
    with pytest.raises(InvalidPropsError, match=r"settings\.json, which cannot be read"):
        packaging.build(entry, ARM)
    assert packaging.build(entry, ARM, selection=Selection(exclude=["settings.json"])).path.is_dir()


def test_a_lock_that_its_project_has_outgrown(tmp_path: Path) -> None:
    entry = tmp_path / "fn"
    shutil.copytree(SAMPLE_FUNCTIONS / "complete_trip", entry, ignore=shutil.ignore_patterns("tests"))
    project = entry / "pyproject.toml"
    project.write_text(project.read_text().replace("dependencies = [", 'dependencies = ["six",', 1))
    with pytest.raises(InvalidPropsError, match=r"uv\.lock in .* cannot be used"):
        packaging.build(entry, ARM)


def test_unchanged_input_packages_nothing(tmp_path: Path, index: Path, installs: list[list[str]]) -> None:
    entry = handler(tmp_path / "fn", index, wheel(index, "alpha", "1.0"))
    first = packaging.build(entry, ARM)
    assert len(installs) == 1
    (entry / "tests").mkdir()
    (entry / "tests" / "test_app.py").write_text("a test is no input")
    assert packaging.build(entry, ARM) == first
    assert len(installs) == 1
    (entry / "app.py").write_text("def handle(event, context):\n    return 2\n")
    assert packaging.build(entry, ARM).asset_hash != first.asset_hash
    assert len(installs) == 2


def test_every_input_is_in_the_hash(tmp_path: Path, index: Path) -> None:
    entry = handler(tmp_path / "fn", index, wheel(index, "alpha", "1.0"))
    found = interpreter.HOST
    host = Target(found.version.rpartition(".")[0], ARM.platform)
    hashes = [
        packaging.build(entry, ARM).asset_hash,
        packaging.build(entry, X86).asset_hash,
        packaging.build(entry, Target("3.12", ARM.platform)).asset_hash,
        packaging.build(entry, host).asset_hash,
        packaging.build(entry, host, interpreter=found).asset_hash,
    ]
    (entry / "app.py").chmod(0o755)
    hashes.append(packaging.build(entry, ARM).asset_hash)
    (entry / "app.py").rename(entry / "main.py")
    hashes.append(packaging.build(entry, ARM).asset_hash)
    assert len(set(hashes)) == len(hashes)


def test_only_the_runtime_is_packaged(tmp_path: Path, index: Path) -> None:
    entry = handler(tmp_path / "fn", index, wheel(index, "alpha", "1.0"))
    without = packaging.build(entry, ARM)
    package = packaging.build(entry, ARM, include_runtime=True)
    added = set(content(package.path)) - set(content(without.path))
    here = {path.name for path in packaging._RUNTIME.iterdir()} - {"__pycache__"}
    assert added == {f"constructs_lib/runtime/{name}" for name in here}
    assert {"constructs_lib/runtime/database.py", "constructs_lib/runtime/amazon_trust_services.pem"} < added
    assert "constructs_lib.runtime" in package.sizes
    assert "constructs_lib" not in " ".join(content(without.path))


def test_the_runtime_is_in_the_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = handler(tmp_path / "fn")
    runtime = tmp_path / "runtime"
    shutil.copytree(packaging._RUNTIME, runtime)
    monkeypatch.setattr(packaging, "_RUNTIME", runtime)
    hashes = [
        packaging.build(entry, ARM).asset_hash,
        packaging.build(entry, ARM, include_runtime=True).asset_hash,
    ]
    (runtime / "__pycache__").mkdir(exist_ok=True)
    (runtime / "__pycache__" / "database.cpython-39.pyc").write_text("not an input")
    assert packaging.build(entry, ARM, include_runtime=True).asset_hash == hashes[1]
    with (runtime / "database.py").open("a") as file:
        file.write("# a newer release\n")
    hashes.append(packaging.build(entry, ARM, include_runtime=True).asset_hash)
    assert len(set(hashes)) == 3


def test_the_runtime_is_compiled_and_imports_from_the_package(tmp_path: Path) -> None:
    host = Target(interpreter.HOST.version.rpartition(".")[0], None)
    package = packaging.build(
        handler(tmp_path / "fn"), host, interpreter=interpreter.HOST, include_runtime=True
    ).path
    assert f"constructs_lib/runtime/__pycache__/once.{sys.implementation.cache_tag}.pyc" in content(package)
    code = (
        f"import sys; sys.path.insert(0, {str(package)!r})\n"
        "from constructs_lib.runtime import once; print(once.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(package / "constructs_lib" / "runtime" / "once.py")


@pytest.mark.parametrize("own", ["constructs_lib/__init__.py", "constructs_lib.py"])
def test_the_runtime_next_to_a_folder_of_the_same_name(tmp_path: Path, own: str) -> None:
    entry = handler(tmp_path / "fn")
    (entry / own).parent.mkdir(exist_ok=True)
    (entry / own).write_text("")
    packaging.build(entry, ARM)
    with pytest.raises(InvalidPropsError, match="include_runtime=True puts a folder constructs_lib"):
        packaging.build(entry, ARM, include_runtime=True)


IMPORTS_OF_THE_RUNTIME = (
    "from constructs_lib.runtime.database import Database\n",
    "import constructs_lib.runtime.once as once\n",
    "from constructs_lib import runtime\n",
    "def work():\n    try:\n        from constructs_lib.runtime import once\n    finally:\n        pass\n",
)


@pytest.mark.parametrize("source", IMPORTS_OF_THE_RUNTIME)
def test_an_import_of_a_runtime_that_is_not_packaged(tmp_path: Path, source: str) -> None:
    """It would be found out at the first invocation."""
    entry = handler(tmp_path / "fn")
    (entry / "parts").mkdir()
    (entry / "parts" / "store.py").write_text(source)
    with pytest.raises(
        InvalidPropsError,
        match=r"^entry imports constructs_lib\.runtime in parts/store\.py: pass include_runtime=True, or "
        r"exclude=\['parts/store\.py'\]",
    ):
        packaging.build(entry, ARM)
    packaging.build(entry, ARM, include_runtime=True)
    packaging.build(entry, ARM, selection=Selection(exclude=["parts/*"]))


def test_an_import_of_what_makes_stacks(tmp_path: Path) -> None:
    """The runtime would not help."""
    entry = handler(tmp_path / "fn")
    (entry / "stack.py").write_text("import os, constructs_lib\n")
    with pytest.raises(
        InvalidPropsError, match=r"^entry imports constructs_lib in stack\.py: pass exclude=\['stack\.py'\]"
    ):
        packaging.build(entry, ARM)


@pytest.mark.parametrize(
    "source",
    [
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from constructs_lib.runtime import once\n",
        "# constructs_lib.runtime\nimport constructs_library, json.constructs_lib\n",
        "from .constructs_lib import runtime\n",
        "import constructs_lib.runtime is not Python\n",
    ],
)
def test_what_is_not_an_import_of_the_runtime(tmp_path: Path, source: str) -> None:
    entry = handler(tmp_path / "fn")
    (entry / "store.py").write_text(source)
    packaging.build(entry, ARM)


def test_tests_may_import_the_runtime(tmp_path: Path) -> None:
    """They are not packaged."""
    tested = handler(tmp_path / "tested")
    (tested / "tests").mkdir()
    (tested / "tests" / "test_app.py").write_text(IMPORTS_OF_THE_RUNTIME[0])
    packaging.build(tested, ARM)


def test_bytecode_is_used_and_the_same_twice(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = handler(tmp_path / "fn", index, wheel(index, "alpha", "1.0"))
    host = Target(interpreter.HOST.version.rpartition(".")[0], None)
    built = []
    for name in ("one", "two"):
        monkeypatch.setenv(
            "CONSTRUCTS_LIB_CACHE_DIR", str(tmp_path / name / "a-longer-folder"[: 3 + len(name)])
        )
        built.append(packaging.build(entry, host, interpreter=interpreter.HOST).path)
    assert content(built[0]) == content(built[1])
    tag = sys.implementation.cache_tag
    assert f"__pycache__/app.{tag}.pyc" in content(built[0])
    # unchecked-hash: Python takes the bytecode without a look at the source.
    (built[0] / "app.py").write_text("raise SystemExit('compiled again')")
    code = f"import sys; sys.path.insert(0, {str(built[0])!r}); import app; print(app.handle(0, 0))"
    done = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"


def second_host() -> Path:
    """Another Python than this one, where the machine has one."""
    found = [interpreter.find(minor) for minor in ("3.11", "3.12", "3.13", "3.14")]
    others = [one.path for one in found if one is not None and one.version != interpreter.HOST.version]
    return others[0] if others else Path(sys.executable)


def test_two_hosts_make_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes, two folders, two umasks: one content, and one hash; with bytecode where it can be made."""
    entry = SAMPLE_FUNCTIONS / "complete_trip"
    compiler = interpreter.find("3.13")
    ours = packaging.build(entry, ARM, interpreter=compiler, include_runtime=True)
    elsewhere = tmp_path / "elsewhere" / "complete_trip"
    shutil.copytree(entry, elsewhere, ignore=shutil.ignore_patterns("__pycache__"))
    code = (
        "import os, sys; os.umask(0o077)\n"
        f"sys.path.insert(0, {str(Path(constructs_lib.__file__).parents[1])!r})\n"
        "from pathlib import Path\n"
        "from pathlib import PosixPath\n"
        "from constructs_lib.foundation.function.interpreter import Interpreter\n"
        "from constructs_lib.foundation.function.installation import Target\n"
        "from constructs_lib.foundation.function.packaging import build\n"
        f"target = Target('3.13', 'aarch64-manylinux_2_34')\n"
        f"package = build(Path({str(elsewhere)!r}), target, interpreter={compiler!r}, include_runtime=True)\n"
        "print(package.asset_hash, package.path)"
    )
    environment = os.environ | {"CONSTRUCTS_LIB_CACHE_DIR": str(tmp_path / "other cache")}
    done = subprocess.run(
        [second_host(), "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    asset_hash, _, path = done.stdout.strip().partition(" ")
    assert asset_hash == ours.asset_hash
    assert content(Path(path)) == content(ours.path)


def test_too_large_unzipped_names_the_largest(tmp_path: Path, index: Path) -> None:
    lines = [wheel(index, f"package{n}", "1.0", size=n * 1024) for n in range(1, 13)]
    entry = handler(tmp_path / "fn", index, *lines)
    package = packaging.build(entry, ARM)
    with pytest.raises(InvalidPropsError) as error:
        packaging.check_size(package, layers_bytes=250 * 1024 * 1024, max_zipped_mb=50)
    named = [line.split()[-2] for line in str(error.value).splitlines() if " MB  package" in line]
    assert named == [f"package{n}" for n in range(12, 2, -1)]
    assert "at most 250 MB, layers included" in str(error.value)


def test_too_large_zipped(tmp_path: Path, index: Path) -> None:
    """Random bytes do not compress: 51 MB of them are too large an archive, 51 MB of zeros are not."""
    entry = handler(tmp_path / "fn")
    (entry / "data.bin").write_bytes(os.urandom(51 * 1024 * 1024))
    package = packaging.build(entry, ARM)
    with pytest.raises(InvalidPropsError, match=r"51\.0 MB zipped; the limit is 50 MB"):
        packaging.check_size(package, layers_bytes=0, max_zipped_mb=50)
    packaging.check_size(package, layers_bytes=0, max_zipped_mb=60)
    (entry / "data.bin").write_bytes(bytes(51 * 1024 * 1024))
    packaging.check_size(packaging.build(entry, ARM), layers_bytes=0, max_zipped_mb=50)


def test_without_uv_a_plain_function_is_packaged_and_others_report_what_is_missing(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert packaging.build(handler(tmp_path / "plain"), ARM).path.is_dir()
    with pytest.raises(InvalidPropsError, match=r"pip install 'constructs-lib\[packaging\]'"):
        packaging.build(handler(tmp_path / "fn", index, wheel(index, "alpha", "1.0")), ARM)


def test_half_a_package_is_never_seen(tmp_path: Path, index: Path, cache: Path) -> None:
    """A build that fails leaves nothing that a later one would take for a package."""
    entry = handler(tmp_path / "fn", index, wheel(index, "native", "1.0", tag="cp313-cp313-win_amd64"))
    with pytest.raises(InvalidPropsError):
        packaging.build(entry, ARM)
    assert [path.name for path in (cache / "packages").iterdir()] == ["CACHEDIR.TAG"]
