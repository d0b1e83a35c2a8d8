"""The server is a real one, and it goes with its owner however that one ends."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from constructs_lib.local.extension.postgres.server import PostgresError, PostgresServer


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder outside of pytest's own, which is closed to the user that the server runs as."""
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def connect(server: PostgresServer) -> psycopg.Connection:
    return psycopg.connect(
        host=str(server.socket_folder),
        port=server.port,
        user=server.superuser,
        dbname="postgres",
        autocommit=True,
    )


def log_in(server: PostgresServer, user: str, password: str) -> None:
    psycopg.connect(
        host=server.address, port=server.port, user=user, password=password, dbname="postgres"
    ).close()


def test_a_user_needs_the_password_over_tcp(postgres: PostgresServer) -> None:
    with connect(postgres) as admin:
        admin.execute("CREATE ROLE of_password LOGIN PASSWORD 'right'")
        stored = admin.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'of_password'").fetchone()
    assert stored is not None
    assert stored[0].startswith("SCRAM-SHA-256$")
    log_in(postgres, "of_password", "right")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        log_in(postgres, "of_password", "wrong")


def test_a_user_with_iam_authentication_has_no_password(postgres: PostgresServer) -> None:
    with connect(postgres) as admin:
        admin.execute("CREATE ROLE of_iam LOGIN PASSWORD 'right' IN ROLE rds_iam")
    with pytest.raises(psycopg.OperationalError, match="rejects connection"):
        log_in(postgres, "of_iam", "right")


def test_settings_are_taken(folder: Path, postgres_programs: Path) -> None:
    with (
        PostgresServer(
            folder / "s", binaries=postgres_programs, settings={"max_connections": "23"}
        ) as server,
        connect(server) as connection,
    ):
        assert connection.execute("SHOW max_connections").fetchone() == ("23",)


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_what_was_committed_is_there_after_the_next_start(
    folder: Path, postgres_programs: Path, ending: str
) -> None:
    with PostgresServer(folder / "s", binaries=postgres_programs) as server:
        with connect(server) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
            getattr(server, ending)()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        server.start()
        with connect(server) as connection:
            assert connection.execute("SELECT one FROM kept").fetchone() == (1,)
        crashed = "was not properly shut down" in server.log
    assert crashed == (ending == "kill")


def test_a_server_that_cannot_start_reports_why(folder: Path, postgres_programs: Path) -> None:
    wrong = {"shared_buffers": "nonsense"}
    server = PostgresServer(folder / "s", binaries=postgres_programs, settings=wrong)
    with pytest.raises(PostgresError, match="invalid value for parameter"):
        server.start()
    server.close()
    assert list(folder.iterdir()) == []


def test_a_path_that_is_too_long_for_a_socket_is_refused(folder: Path, postgres_programs: Path) -> None:
    with pytest.raises(PostgresError, match="too long for a socket"):
        PostgresServer(folder / ("x" * 100), binaries=postgres_programs)


OWNER = """
import sys, time
from pathlib import Path
from constructs_lib.local.extension.postgres.server import PostgresServer
server = PostgresServer(Path(sys.argv[1]), binaries=Path(sys.argv[2]))
server.start()
print("ready", flush=True)
time.sleep(600)
"""


SEGMENTS = Path("/proc/sysvipc/shm")


def shared_memory(server: int) -> int:
    """Segments of System V shared memory that a process has made, where the kernel tells."""
    if not SEGMENTS.exists():
        return 0
    heading, *rows = [line.split() for line in SEGMENTS.read_text().splitlines()]
    return sum(int(row[heading.index("cpid")]) == server for row in rows)


def test_nothing_is_left_when_its_owner_is_killed(folder: Path, postgres_programs: Path) -> None:
    home = folder / "s"
    program = [sys.executable, "-c", OWNER, str(home), str(postgres_programs)]
    owner = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    with owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "ready\n"
        server = int((home / "data" / "postmaster.pid").read_text().splitlines()[0])
        assert shared_memory(server) == SEGMENTS.exists()
        os.kill(owner.pid, signal.SIGKILL)
    while home.exists():  # the run's own limit ends a wait that never does
        time.sleep(0.02)
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)
    assert shared_memory(server) == 0
