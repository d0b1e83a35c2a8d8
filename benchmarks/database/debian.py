"""Programs that this machine lacks, out of Debian's packages: nothing is installed, and nobody has to be root.

The packages stay in the cache. They are unpacked anew for each run, into the run's own folder: the programs do not
run as root, and a user without rights may not reach the cache.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.database.figures import NotMeasuredError

CACHE: Final = Path(__file__).resolve().parents[2] / ".cache" / "benchmarks"
"""The default folder for downloaded packages."""

_ALSO_LOOK_IN: Final = ("/usr/local/sbin", "/usr/sbin", "/sbin")
_DOWNLOAD_SECONDS: Final = 120


class MissingProgramError(NotMeasuredError):
    """The program is not on this machine and could not be fetched; the message says why."""


@dataclass(frozen=True)
class Program:
    """A program that can be run.

    Attributes:
        path: The program.
        root: The top of what was unpacked; `/` for a program of the machine's own.
        environment: What it needs in its environment.
    """

    path: Path
    root: Path
    environment: dict[str, str]


def find_program(name: str, *, package: str, cache: Path, folder: Path) -> Program:
    """Find a program on this machine, or fetch it.

    Args:
        name: Of the program.
        package: The Debian package that has it.
        cache: Where downloaded packages are kept.
        folder: Where they are unpacked; deleted by the caller.

    Raises:
        MissingProgramError: Neither worked.
    """
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *_ALSO_LOOK_IN]))
    if found:
        return Program(Path(found), Path("/"), {})
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise MissingProgramError(f"there is no {name} on PATH, and no {tool} to fetch it with")
    root = folder / package
    for archive in _packages([package], cache):
        _run(["dpkg-deb", "-x", str(archive), str(root)])
        needed = _field(archive, "Depends")
    path = next((path for path in sorted(root.glob(f"usr/*bin/{name}")) if os.access(path, os.X_OK)), None)
    if path is None:
        raise MissingProgramError(f"Debian's package {package} has no program {name}")
    program = Program(path, root, {"LD_LIBRARY_PATH": _library_path(root)})
    if "not found" in _libraries(program):
        for archive in _packages([one for one in _libraries_among(needed) if not _is_installed(one)], cache):
            _run(["dpkg-deb", "-x", str(archive), str(root)])
        program = Program(path, root, {"LD_LIBRARY_PATH": _library_path(root)})
    missing = [line.split()[0] for line in _libraries(program).splitlines() if "not found" in line]
    if missing:
        raise MissingProgramError(f"{name} needs libraries that were not found: {', '.join(missing)}")
    return program


def _packages(names: list[str], cache: Path) -> list[Path]:
    """The packages' archives, downloaded where the cache does not have them."""
    cache.mkdir(parents=True, exist_ok=True)
    wanted = [name for name in names if not list(cache.glob(f"{name}_*.deb"))]
    if wanted:
        drafts = cache / f"download-{os.getpid()}"
        drafts.mkdir()
        try:
            _download(wanted, drafts, cache)
            for archive in drafts.glob("*.deb"):
                archive.replace(cache / archive.name)
        finally:
            shutil.rmtree(drafts)
    return [sorted(cache.glob(f"{name}_*.deb"))[-1] for name in names]


def _download(names: list[str], into: Path, cache: Path) -> None:
    """Download with the machine's package lists, or with lists of our own where it has none."""
    # As root, apt becomes a user that may not write here.
    download = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "-o", "Acquire::http::Timeout=10"]
    try:
        _run([*download, "download", *names], folder=into)
    except MissingProgramError:
        state = cache / "apt"
        for name in ("lists/partial", "archives/partial"):
            (state / name).mkdir(parents=True, exist_ok=True)
        ours = [
            *("-o", f"Dir::State={state}", "-o", f"Dir::Cache={state}"),
            *("-o", "Dir::State::status=/var/lib/dpkg/status"),
        ]
        _run([*download, *ours, "update"])
        _run([*download, *ours, "download", *names], folder=into)


def _run(command: list[str], *, folder: Path | None = None) -> str:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=_DOWNLOAD_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise MissingProgramError(f"{command[0]} took more than {_DOWNLOAD_SECONDS} s") from None
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise MissingProgramError(f"{command[0]} failed: {' '.join(last)}")
    return done.stdout


def _field(archive: Path, name: str) -> str:
    return _run(["dpkg-deb", "-f", str(archive), name])


def _libraries_among(depends: str) -> list[str]:
    """The libraries that a package depends on: of alternatives the first, without their versions."""
    names = [entry.split("|")[0].split("(")[0].strip() for entry in depends.split(",")]
    return [name for name in names if name.startswith("lib")]


def _is_installed(package: str) -> bool:
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Status}", package], capture_output=True, text=True, check=False
    )
    return "install ok installed" in done.stdout


def _libraries(program: Program) -> str:
    """What the dynamic linker says of each library that the program needs."""
    return subprocess.run(
        ["ldd", str(program.path)],
        env=dict(os.environ) | program.environment,
        capture_output=True,
        text=True,
        check=False,
    ).stdout


def _library_path(root: Path) -> str:
    return os.pathsep.join(sorted({str(path.parent) for path in root.rglob("lib*.so.*")}))
