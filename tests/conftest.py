import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from aws_cdk import App, Stack

from constructs_lib.local.extension.postgres_server import PostgresServer, find_binaries

# CDK's own validator costs seconds at the first synth of a process; test_gallery.py turns it on where it counts.
os.environ.setdefault("CDK_VALIDATION", "false")


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(outdir=str(tmp_path / "cdk.out"), analytics_reporting=False)


@pytest.fixture
def stack(app: App) -> Stack:
    return Stack(app, "Stack")


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
