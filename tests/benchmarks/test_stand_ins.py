"""The stand-ins behave as what they stand for."""

import json

import pytest

from benchmarks.database import message_queue
from benchmarks.database.message_queue import MessageQueue
from benchmarks.database.secret_store import PREVIOUS, SecretStore


def test_a_message_that_is_not_deleted_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(message_queue.time, "monotonic", lambda: now)
    queue = MessageQueue(visibility_seconds=30)
    queue.send(["a", "b"])
    first = queue.receive(10, "one")
    assert [key for _, key in first] == ["a", "b"]
    assert queue.receive(10, "two") == []
    queue.delete([first[0][0]])
    assert queue.in_flight("one") == 1
    now = 31
    assert [key for _, key in queue.receive(10, "two")] == ["b"]
    assert (queue.in_flight("one"), queue.in_flight("two"), queue.left()) == (0, 1, 1)
    assert (queue.receives(), queue.receives("one")) == (3, 2)


def test_a_duplicate_is_a_message_of_its_own() -> None:
    queue = MessageQueue(visibility_seconds=60)
    queue.send(["a", "a"])
    ((receipt, _),) = queue.receive(1, "one")
    queue.delete([receipt])
    assert [key for _, key in queue.receive(10, "one")] == ["a"]


def test_in_the_gap_the_database_knows_the_new_password_and_the_secret_the_old_one() -> None:
    secret = SecretStore("app", "old")
    happened = []
    secret.rotate(
        "app",
        "new",
        set_password=lambda user, password: happened.append(f"{user} has {password}"),
        gap=lambda: happened.append(json.loads(secret.get_secret_value())["password"]),
    )
    assert happened == ["app has new", "old"]
    assert json.loads(secret.get_secret_value()) == {"username": "app", "password": "new"}
    assert json.loads(secret.get_secret_value(PREVIOUS)) == {"username": "app", "password": "old"}
