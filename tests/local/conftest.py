"""One local cloud for the whole folder, and one with IAM enforced: a start costs two seconds."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from constructs_lib.local import LocalCloud

PROJECT = Path(__file__).resolve().parents[2]
TIME_SCALE = 120


@pytest.fixture(scope="session")
def state(postgres_programs: Path) -> Path:
    """The folder in which the emulator and PostgreSQL are installed once for all tests."""
    del postgres_programs  # installed there; tests make databases without LocalCloud.deploy too
    return PROJECT / ".cache" / "local"


@pytest.fixture(scope="session")
def cloud(state: Path) -> Iterator[LocalCloud]:
    for chatty in ("botocore", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    with LocalCloud(state=state, time_scale=TIME_SCALE) as running:
        yield running


@pytest.fixture(scope="session")
def strict(state: Path) -> Iterator[LocalCloud]:
    with LocalCloud(state=state, time_scale=TIME_SCALE, enforce_iam=True) as running:
        yield running
