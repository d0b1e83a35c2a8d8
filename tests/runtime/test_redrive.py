"""Failed events are sent again, each once, and none is lost: against a queue and a function of our own."""

import itertools
import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from constructs_lib.runtime import redrive
from tests.runtime.fake_queue import FakeQueue

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:receipt:live"


class Crash(BaseException):
    """The environment is killed."""


class FakeLambda:
    """Takes events, and refuses or dies when told to."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.called: set[tuple[str, str]] = set()
        self.refuse: list[Any] = []
        self.status = 202

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> dict[str, int]:  # noqa: N803
        event = json.loads(Payload)
        if event in self.refuse:
            raise ConnectionError("throttled")
        self.called.add((FunctionName, InvocationType))
        self.events.append(event)
        return {"StatusCode": self.status}


def record(event: Any, **context: Any) -> str:
    return json.dumps(
        {
            "version": "1.0",
            "timestamp": "2026-11-24T07:00:00.000Z",
            "requestContext": {
                "requestId": "e4b46cbf-b738-4880-8a18-61adc8b9ea2e",
                "functionArn": FUNCTION,
                "condition": "RetriesExhausted",
                "approximateInvokeCount": 3,
            }
            | context,
            "requestPayload": event,
            "responseContext": {"statusCode": 200, "executedVersion": "7", "functionError": "Unhandled"},
            "responsePayload": {"errorMessage": "no such currency"},
        }
    )


@pytest.fixture
def queue() -> FakeQueue:
    return FakeQueue()


@pytest.fixture
def function() -> FakeLambda:
    return FakeLambda()


def run(queue: FakeQueue, function: FakeLambda, **arguments: Any) -> dict[str, Any]:
    clients = {"sqs": queue, "lambda_client": function}
    return redrive.redrive(
        **{**clients, "queue_url": "queue", "function": FUNCTION, "now": lambda: queue.now, **arguments}
    )


def test_every_event_is_sent_once_and_its_record_deleted(queue: FakeQueue, function: FakeLambda) -> None:
    events = [{"trip": n, "rider": "Žofie"} for n in range(37)]
    for event in events:
        queue.send(record(event))
    queue.now += 60
    assert run(queue, function) == {"redriven": 37, "kept": {}}
    assert sorted(function.events, key=lambda event: event["trip"]) == events
    assert queue.bodies() == []
    assert function.called == {(FUNCTION, "Event")}


def test_a_record_stays_until_lambda_has_accepted_its_event(queue: FakeQueue, function: FakeLambda) -> None:
    for n in range(3):
        queue.send(record({"trip": n}))
    queue.now += 60
    function.refuse = [{"trip": 1}]
    assert run(queue, function) == {"redriven": 2, "kept": {"not accepted: ConnectionError": 1}}
    assert queue.visible() == [record({"trip": 1})]
    function.refuse = []
    assert run(queue, function) == {"redriven": 1, "kept": {}}
    assert sorted(event["trip"] for event in function.events) == [0, 1, 2]


def test_another_answer_than_accepted_does_not_count(queue: FakeQueue, function: FakeLambda) -> None:
    queue.send(record({"trip": 1}))
    queue.now += 60
    function.status = 200
    assert run(queue, function) == {"redriven": 0, "kept": {"not accepted: status 200": 1}}
    assert len(queue.visible()) == 1


@pytest.mark.parametrize("at", range(1, 25))
def test_a_run_that_is_killed_anywhere_loses_nothing(queue: FakeQueue, function: FakeLambda, at: int) -> None:
    """Twice is possible for one event alone: the one that was accepted and not yet deleted."""
    events = [{"trip": n} for n in range(11)]
    for event in events:
        queue.send(record(event))
    queue.now += 60
    calls = itertools.count(1)

    def killed(call: Any) -> Any:
        def wrapped(**arguments: Any) -> Any:
            if next(calls) == at:
                raise Crash
            return call(**arguments)

        return wrapped

    dying = SimpleNamespace(
        **{
            name: killed(getattr(queue, name))
            for name in ("receive_message", "delete_message", "change_message_visibility")
        }
    )
    with pytest.raises(Crash):
        run(queue, function, sqs=dying, lambda_client=SimpleNamespace(invoke=killed(function.invoke)))
    queue.now += 3600
    run(queue, function)
    sent = sorted(event["trip"] for event in function.events)
    assert sorted(set(sent)) == list(range(11))
    assert len(sent) <= 12
    assert queue.bodies() == []


def test_a_record_that_comes_twice_is_sent_once(queue: FakeQueue, function: FakeLambda) -> None:
    """SQS may deliver a message again although it was deleted."""
    queue.send(record({"trip": 1}))
    queue.now += 60
    queue.forget_deletions = 1
    assert run(queue, function) == {"redriven": 1, "kept": {}}
    assert function.events == [{"trip": 1}]
    assert queue.bodies() == []


def test_events_that_fail_again_do_not_go_round_and_round(queue: FakeQueue, function: FakeLambda) -> None:
    queue.send(record({"trip": 1}))
    queue.now += 60
    plain = function.invoke

    def fails_at_once(**arguments: Any) -> Any:
        queue.send(record({"trip": 1}))
        return plain(**arguments)

    function.invoke = fails_at_once  # type: ignore[method-assign]
    assert run(queue, function) == {"redriven": 1, "kept": {"younger than this run": 1}}
    assert len(queue.visible()) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("no JSON", "no record of an asynchronous call"),
        ('{"trip": 1}', "no record of an asynchronous call"),
        ("[]", "no record of an asynchronous call"),
        ("{}", "no record of an asynchronous call"),
        ('{"requestContext"', "no record of an asynchronous call"),
        ('{"requestContext": {}, "requestPayload": 1} ', "no record of an asynchronous call"),
        (record({}, functionArn=None), "of another function"),
        ('{"requestPayload":' + "[" * 100_000, "no record of an asynchronous call"),
        (record({}, condition="Success"), "of a success"),
        (
            record({}, functionArn="arn:aws:lambda:us-east-1:123456789012:function:other:live"),
            "of another function",
        ),
    ],
)
def test_what_is_not_a_failure_of_this_function_stays(
    queue: FakeQueue, function: FakeLambda, body: str, reason: str
) -> None:
    queue.send(body)
    queue.send(record({"trip": 1}))
    queue.now += 60
    assert run(queue, function) == {"redriven": 1, "kept": {reason: 1}}
    assert queue.visible() == [body]


@pytest.mark.parametrize("qualifier", [":$LATEST", ":7", ""])
def test_failures_of_other_qualifiers_are_this_functions_too(
    queue: FakeQueue, function: FakeLambda, qualifier: str
) -> None:
    queue.send(record({"trip": 1}, functionArn=FUNCTION.removesuffix(":live") + qualifier))
    queue.now += 60
    assert run(queue, function)["redriven"] == 1


def test_no_more_are_sent_than_asked_for(queue: FakeQueue, function: FakeLambda) -> None:
    for n in range(30):
        queue.send(record({"trip": n}))
    queue.now += 60
    assert run(queue, function, max_records=12) == {"redriven": 12, "kept": {}}
    assert len(queue.visible()) == 18


def test_no_batch_is_begun_without_time(queue: FakeQueue, function: FakeLambda) -> None:
    for n in range(30):
        queue.send(record({"trip": n}))
    queue.now += 60
    answers = iter([True, True, False])
    answer = run(queue, function, has_time=lambda: next(answers))
    assert answer == {"redriven": 20, "kept": {}, "stopped": "out of time: call again"}
    assert len(queue.visible()) == 10


def test_the_sdk_is_imported_at_the_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys, constructs_lib.runtime.redrive; print('boto3' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    made: list[str] = []
    fake = SimpleNamespace(client=made.append)
    monkeypatch.setattr(redrive, "import_module", {"boto3": fake}.__getitem__)
    monkeypatch.setattr(redrive, "clients", {})
    monkeypatch.setenv("REDRIVE_QUEUE_URL", "queue")
    monkeypatch.setenv("REDRIVE_FUNCTION", FUNCTION)
    no_time = SimpleNamespace(get_remaining_time_in_millis=lambda: 0)
    for _ in range(2):
        answer = redrive.handle({}, no_time)
        assert answer == {"redriven": 0, "kept": {}, "stopped": "out of time: call again"}
    assert made == ["sqs", "lambda"]


def test_the_handler_takes_queue_and_function_from_its_environment(
    queue: FakeQueue, function: FakeLambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDRIVE_QUEUE_URL", "queue")
    monkeypatch.setenv("REDRIVE_FUNCTION", FUNCTION)
    monkeypatch.setattr(redrive, "clients", {"sqs": queue, "lambda": function})
    for n in range(3):
        queue.send(record({"trip": n}))
    queue.now = 1_000_000.0
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)
    assert redrive.handle({"max_records": 2}, context) == {"redriven": 2, "kept": {}}
    assert redrive.handle(None, context) == {"redriven": 1, "kept": {}}
    late = SimpleNamespace(get_remaining_time_in_millis=lambda: 20_000)
    queue.send(record({"trip": 4}))
    assert redrive.handle({}, late)["stopped"] == "out of time: call again"


@pytest.mark.parametrize(
    "event",
    [
        {"Max_records": 1},
        {"max": 1},
        {"max_records": "1"},
        {"max_records": 0},
        {"max_records": -1},
        {"max_records": True},
    ],
)
def test_another_wish_than_most_is_refused(
    queue: FakeQueue, function: FakeLambda, monkeypatch: pytest.MonkeyPatch, event: dict[str, Any]
) -> None:
    monkeypatch.setenv("REDRIVE_QUEUE_URL", "queue")
    monkeypatch.setenv("REDRIVE_FUNCTION", FUNCTION)
    monkeypatch.setattr(redrive, "clients", {"sqs": queue, "lambda": function})
    queue.send(record({"trip": 1}))
    with pytest.raises(ValueError, match="max_records"):
        redrive.handle(event, SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000))
    assert function.events == []


@pytest.mark.parametrize(
    "event",
    [
        "0.1234567890123456789",
        "12345678901234567890123.45",
        "-0",
        "1e400",
        "9" * 5000,
        '"\\ud83d"',
        '{"a" : [1,  2.50], "a":null, "é":"é\\u00e9"}',
        "null",
        "[]",
        '"}"',
    ],
    ids=range(10),
)
def test_an_event_is_sent_to_the_letter(queue: FakeQueue, event: str) -> None:
    queue.send(record("HERE").replace('"HERE"', event))
    queue.now += 60
    sent: list[bytes] = []

    def invoke(*, Payload: bytes, **_: str) -> dict[str, int]:  # noqa: N803
        sent.append(Payload)
        return {"StatusCode": 202}

    assert run(queue, SimpleNamespace(invoke=invoke)) == {"redriven": 1, "kept": {}}  # type: ignore[arg-type]
    assert sent == [event.encode()]


def test_a_run_longer_than_messages_are_hidden_sends_all_and_reports_what_it_kept(
    queue: FakeQueue, function: FakeLambda
) -> None:
    for _ in range(25):
        queue.send(record({}, functionArn=FUNCTION.replace("receipt", "other")))
    for n in range(500):
        queue.send(record({"trip": n}))
    queue.now += 60
    plain = function.invoke

    def slow(**arguments: Any) -> Any:
        queue.now += 1
        return plain(**arguments)

    began = queue.now
    answer = run(queue, function, lambda_client=SimpleNamespace(invoke=slow), now=lambda: began)
    assert answer == {"redriven": 500, "kept": {"of another function": 25}}
    assert len(function.events) == 500
    assert len(queue.visible()) == 25


def test_a_record_that_could_not_be_deleted_is_deleted_later(queue: FakeQueue, function: FakeLambda) -> None:
    for n in range(30):
        queue.send(record({"trip": n}))
    queue.now += 60
    queue.refuse_deletions = 3
    assert run(queue, function) == {"redriven": 30, "kept": {}}
    assert len(function.events) == 30
    assert queue.bodies() == []


def test_a_queue_that_cannot_be_read_any_more_hides_nothing_of_what_was_done(
    queue: FakeQueue, function: FakeLambda
) -> None:
    """What was sent is told and deleted, and what was kept is there again."""
    queue.send("no JSON")
    for n in range(15):
        queue.send(record({"trip": n}))
    queue.now += 60
    queue.refuse_deletions = 1
    reads = itertools.count(1)

    def receive_message(**arguments: Any) -> Any:
        if next(reads) == 2:
            raise ConnectionError("throttled")
        return queue.receive_message(**arguments)

    parts = {name: getattr(queue, name) for name in ("delete_message", "change_message_visibility")}
    answer = run(queue, function, sqs=SimpleNamespace(**parts, receive_message=receive_message))
    assert answer == {
        "redriven": 9,
        "kept": {"no record of an asynchronous call": 1},
        "stopped": "the queue could not be read: ConnectionError: call again",
    }
    assert queue.visible() == ["no JSON", *(record({"trip": n}) for n in range(9, 15))]
    assert run(queue, function)["redriven"] == 6
    assert sorted(event["trip"] for event in function.events) == list(range(15))


def test_a_queue_that_cannot_be_read_at_all_is_an_error(queue: FakeQueue, function: FakeLambda) -> None:
    def receive_message(**_: Any) -> None:
        raise ConnectionError("no such queue")

    with pytest.raises(ConnectionError, match="no such queue"):
        run(queue, function, sqs=SimpleNamespace(receive_message=receive_message))


def test_a_record_that_cannot_be_shown_again_is_reported_all_the_same(
    queue: FakeQueue, function: FakeLambda
) -> None:
    queue.send("no JSON")
    queue.send(record({"trip": 1}))
    queue.now += 60

    def refused(**_: Any) -> None:
        raise ConnectionError("MessageNotInflight")

    parts = {name: getattr(queue, name) for name in ("receive_message", "delete_message")}
    answer = run(queue, function, sqs=SimpleNamespace(**parts, change_message_visibility=refused))
    assert answer == {"redriven": 1, "kept": {"no record of an asynchronous call": 1}}


def test_a_record_that_cannot_be_deleted_is_reported(queue: FakeQueue, function: FakeLambda) -> None:
    queue.send(record({"trip": 1}))
    queue.now += 60
    queue.refuse_deletions = 99
    left = "sent, but not deleted: the next run would send it again"
    assert run(queue, function) == {"redriven": 1, "kept": {left: 1}}
    assert function.events == [{"trip": 1}]
