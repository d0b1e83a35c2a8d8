"""What is in a snapshot would be in every environment that is restored from it: so nothing is."""

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import snapshot_restore_py

from constructs_lib.runtime import iam_login
from constructs_lib.runtime.database import Database
from tests.runtime.server import Secret, Server


@pytest.fixture(autouse=True)
def _no_hooks_of_others() -> None:
    for registry in (
        snapshot_restore_py._before_snapshot_registry,
        snapshot_restore_py._after_restore_registry,
    ):
        registry.clear()


def run(hooks: list[Any]) -> None:
    for function, arguments, keywords in hooks:
        function(*arguments, **keywords)


def test_closed_before_the_snapshot_and_remade_after_the_restore(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    secret = Secret()
    database = server.database(secret)
    first = database.run(server.session)

    run(snapshot_restore_py.get_before_snapshot())
    assert database._connection is None

    second = database.run(server.session)
    assert second != first
    assert secret.reads == 2  # a secret in a snapshot is old, and in too many places

    run(snapshot_restore_py.get_after_restore())
    assert database.run(server.session) not in (first, second)


def test_a_snapshot_is_not_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The half minute in which IAM may refuse begins with the first refusal, not with the snapshot."""
    import psycopg

    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "any")
    now = [1000.0]
    monkeypatch.setattr(iam_login, "time", SimpleNamespace(monotonic=lambda: now[0]))
    login = iam_login.IamLogin("h", 1, "app", "eu-west-1")
    Database(psycopg, host="h", port=1, name="app", login=login)
    run(snapshot_restore_py.get_before_snapshot())
    now[0] += 3600
    assert login.renew() is True


def test_no_hooks_elsewhere(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
    server.database()
    assert snapshot_restore_py._before_snapshot_registry == []


def test_pauses_differ_in_environments_of_one_snapshot() -> None:
    """A seeded generator would make all of them come back at the same moments."""
    code = (
        "import random, time; random.seed(1)\n"
        "from constructs_lib.runtime.database import _Unit\n"
        "slept = []; time.sleep = slept.append\n"
        "unit = _Unit(9, lambda seconds: seconds); [unit.pause(Exception()) for _ in range(5)]; print(slept)"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
        ).stdout
        for _ in range(2)
    }
    assert len(outputs) == 2
