"""Install what a lock file says, for the machine that Lambda runs: uv does it, its hashes hold it.

uv's configuration (of the project, of the user, of the environment) says where packages come from. What is
installed is in the lock alone: docs/decisions/0017.
"""

import importlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation.function import interpreter, requirement_files
from constructs_lib.foundation.function.requirement_files import Requirements

_WHERE_FROM = re.compile(
    r"UV_(CACHE_DIR|NO_CACHE|CONFIG_FILE|NO_CONFIG|CREDENTIALS_DIR|KEYRING_PROVIDER|FIND_LINKS|OFFLINE|"
    r"TORCH_BACKEND|CONCURRENT_\w+|\w*(INDEX|TLS|CERT|HTTP|TIMEOUT|RETRIES|PROXY|INSECURE|ENDPOINT)\w*)"
)
"""The variables of uv that set where packages come from, and how to get there; the others do not count."""

_NO_WHEEL = (
    "If a package has no wheel for that machine, choose another version or package, or another architecture; or "
    "build its wheel once, for that machine, and publish it to an index, or depend on the file of it."
)


@dataclass(frozen=True)
class Target:
    """The machine that a package is made for.

    Attributes:
        python: Minor version of the runtime, such as `3.13`.
        platform: What uv calls the machine, such as `aarch64-manylinux_2_34`; None for this one.
    """

    python: str
    platform: str | None

    def __str__(self) -> str:
        return f"Python {self.python} on {self.platform or 'this machine'}"


def install(package: Path, requirements: Requirements, target: Target) -> dict[str, str]:
    """Install the target's wheels into a folder.

    Args:
        package: The folder, which exists. A file may be written next to it.
        requirements: What to install.
        target: The machine to install for.

    Returns:
        Which file belongs to which distribution.

    Raises:
        InvalidPropsError: The lock does not fit its project, or has something other than wheels with hashes; or
            a package has no wheel for the target; or uv is not there, or fails.
    """
    file = requirements.file
    # A requirements.txt is installed from where it is: it may include other files.
    listed = _exported(file, target, package.parent / "pylock.toml") if file.name == "uv.lock" else file
    machine = ["--python-platform", target.platform] if target.platform else []
    _uv(
        ["pip", "install", "--requirements", str(listed), "--target", str(package),
         "--python", sys.executable, "--python-version", target.python, *machine,
         "--only-binary", ":all:", "--require-hashes", "--link-mode", "copy",
         "--no-compile-bytecode", "--no-installer-metadata", "--quiet"],
        cwd=file.parent,
        failure=f"{file.name} in {file.parent} cannot be packaged for {target}",
        way_out=_NO_WHEEL,
    )  # fmt: skip
    return _tidied(package)


def _exported(lock: Path, target: Target, exported: Path) -> Path:
    """Write what a function needs of its lock as a pylock.toml, which keeps the index of each package."""
    judge = _python_that_the_project_allows(lock, target)
    if judge is None and (changed := requirement_files.changed_since(lock)):
        raise InvalidPropsError(
            f"uv.lock in {lock.parent} does not fit its pyproject.toml, which has other requirements for "
            f"{' and '.join(changed)}: run 'uv lock' there."
        )
    text = _uv(
        ["export", "--locked" if judge else "--frozen", "--python", str(judge or sys.executable),
         "--no-default-groups", "--no-emit-project", "--no-header", "--format", "pylock.toml", "--quiet"],
        cwd=lock.parent,
        failure=f"uv.lock in {lock.parent} cannot be used",
    )  # fmt: skip
    packages = tomllib.loads(text).get("packages", ())
    for package in packages:
        _check(lock, package)
    _check_hashes(lock, {str(package["name"]) for package in packages})
    # uv would compare this with the Python that installs, and not with the target's.
    text = re.sub(r"^requires-python = .*\n", "", text, count=1, flags=re.MULTILINE)
    # A relative path starts at the file that it is in.
    exported.write_text(
        re.sub(
            r'^archive = \{ path = "(?=[^/])',
            lambda start: f"{start[0]}{lock.parent.as_posix()}/",
            text,
            flags=re.MULTILINE,
        )
    )
    return exported


def _python_that_the_project_allows(lock: Path, target: Target) -> Path | None:
    """A Python by which uv can judge whether a lock is up to date; that it is here must not be required."""
    required = str(requirement_files.toml(lock).get("requires-python", ""))
    if requirement_files.allows(required, interpreter.HOST.version):
        return interpreter.HOST.path
    found = interpreter.find(target.python)
    return found.path if found and requirement_files.allows(required, found.version) else None


def _check(lock: Path, package: Mapping[str, Any]) -> None:
    name = str(package["name"])
    requirement_files.check_not_this_library(lock, name)
    where = package.get("archive", {})
    if place := package.get("directory") or package.get("vcs"):
        raise InvalidPropsError(
            f"{lock} has {name} from {place.get('path') or place.get('url')}. {requirement_files.ONLY_WHEELS}"
        )
    if where and not str(where.get("path") or where.get("url")).endswith(".whl"):
        raise InvalidPropsError(
            f"{lock} has {name} from {where.get('path') or where.get('url')}. {requirement_files.ONLY_WHEELS}"
        )
    if not where and not package.get("wheels") and "marker" not in package:
        raise InvalidPropsError(
            f"{lock} has {name} {package.get('version', '')}, which is published as source alone: a package is "
            f"made of wheels, the same everywhere. Choose another version or package; or build its wheel once "
            f"(pip wheel --no-deps {name}), and publish it to an index, or depend on the file of it."
        )


def _check_hashes(lock: Path, names: Set[str]) -> None:
    """Look into the lock itself: uv may export the hashes of what is in its cache just now."""
    for package in requirement_files.toml(lock).get("package", ()):
        if package["name"] in names and not all(wheel.get("hash") for wheel in package.get("wheels", ())):
            raise InvalidPropsError(
                f"{lock} has no hash for {package['name']}: its index gives none, so that nobody can tell whether "
                f"a wheel was changed. Serve the wheels from an index with hashes (PEP 503)."
            )


def _tidied(package: Path) -> dict[str, str]:
    """Delete what depends on this machine; keep metadata that code reads at run time."""
    owners: dict[str, str] = {}
    for record in sorted(package.glob("*.dist-info/RECORD")):
        name = record.parent.name.removesuffix(".dist-info").replace("-", " ")
        for line in record.read_text().splitlines():
            owners[line.split(",")[0].strip('"')] = name
        record.unlink()
    for script in list(package.glob("bin/*")):
        head = script.read_bytes()[:512] if script.is_file() else b""
        if head.startswith(b"#!") and b"python" in head:
            script.unlink()  # it names the Python of this machine
    if (package / "bin").is_dir() and not any((package / "bin").iterdir()):
        (package / "bin").rmdir()
    (package / ".lock").unlink(missing_ok=True)
    for cached in list(package.rglob("__pycache__")):
        shutil.rmtree(cached)
    return owners


def _uv(arguments: list[str], *, cwd: Path, failure: str, way_out: str = "") -> str:
    """Run uv: from its cache if that will do, with the network otherwise."""
    uv = _uv_binary()
    # An environment that is active here has nothing to do with the function.
    environment = {
        name: value
        for name, value in os.environ.items()
        if name != "VIRTUAL_ENV" and (not name.startswith("UV_") or _WHERE_FROM.fullmatch(name))
    }
    for mode in (["--offline"], []):
        done = subprocess.run(
            [uv, *arguments, *mode], cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return done.stdout
    raise InvalidPropsError(f"{failure}. uv says:\n{done.stderr.strip()}\n{way_out}".rstrip())


def _uv_binary() -> str:
    try:
        found = str(importlib.import_module("uv").find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv") or ""
    if not found:
        raise InvalidPropsError(
            "entry has dependencies, and uv, which installs them, is not there: "
            "pip install 'constructs-lib[packaging]', or put uv on PATH."
        )
    return found
