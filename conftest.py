"""What the tests of the library and those of the sample app's functions share."""

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from constructs_lib.local.extension.postgres_server import PostgresServer, find_binaries

# A shell starts what it puts into the background with SIGINT ignored, and what tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL for the whole session; who restarts it or fills it up takes one of their own."""
    if find_binaries() is None:
        pytest.skip("there is no PostgreSQL on this machine")
    # Not below pytest's own folder, which is closed to the user that the server runs as.
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        with PostgresServer(Path(folder) / "server") as server:
            yield server
