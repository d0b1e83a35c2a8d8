"""One execution for each message or event, however often it comes, and none is lost: against a Lambda of our own."""

import json
import re
from typing import Any

import pytest

from constructs_lib.runtime import start
from constructs_lib.runtime.start import handle, name_of

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:dispute:live"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:Disputes"
IDENTITY = "059f36b4-87a3-44ab-83d2-661975830a7d"


class AlreadyStartedError(Exception):
    """The name is taken by an execution with another input."""


class FakeLambda:
    """Knows executions by their names, as AWS documents it."""

    def __init__(self) -> None:
        self.inputs: dict[str, str] = {}
        self.called: set[tuple[str, str]] = set()
        self.refuse: str | None = None

    def invoke(
        self,
        *,
        FunctionName: str,  # noqa: N803
        InvocationType: str,  # noqa: N803
        DurableExecutionName: str,  # noqa: N803
        Payload: bytes,  # noqa: N803
    ) -> dict[str, Any]:
        text = Payload.decode()
        json.loads(text)
        if self.refuse is not None and self.refuse in text:
            raise ConnectionError("throttled")
        if self.inputs.setdefault(DurableExecutionName, text) != text:
            raise AlreadyStartedError(DurableExecutionName)
        self.called.add((FunctionName, InvocationType))
        return {"StatusCode": 202, "DurableExecutionArn": f"arn/{DurableExecutionName}/1"}


@pytest.fixture
def lambda_client(monkeypatch: pytest.MonkeyPatch) -> FakeLambda:
    client = FakeLambda()
    monkeypatch.setitem(start.clients, "lambda", client)
    monkeypatch.setenv("DURABLE_FUNCTION", FUNCTION)
    return client


@pytest.fixture
def by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXECUTION_KEY", "trip_id")


def message(body: str, identity: str = IDENTITY, *, received: int = 1, queue: str = QUEUE) -> dict[str, Any]:
    return {
        "messageId": identity,
        "receiptHandle": f"receipt {received}",
        "body": body,
        "attributes": {"ApproximateReceiveCount": str(received)},
        "eventSourceARN": queue,
    }


def batch(*messages: dict[str, Any]) -> list[str]:
    answer = handle({"Records": list(messages)}, None)
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


def on_a_bus(identity: str = IDENTITY, **detail: Any) -> dict[str, Any]:
    return {"id": identity, "detail-type": "Disputed", "time": f"2026-11-28 {identity}", "detail": detail}


def test_a_message_that_comes_twice_starts_one_execution(lambda_client: FakeLambda) -> None:
    """What differs between two receives is not a part of the input."""
    assert batch(message('{"trip_id": "7"}')) == []
    assert batch(message('{"trip_id": "7"}', received=2)) == []
    assert list(lambda_client.inputs.values()) == ['{"trip_id": "7"}']
    assert lambda_client.called == {(FUNCTION, "Event")}


def test_each_message_starts_one(lambda_client: FakeLambda) -> None:
    assert batch(message("{}", "a"), message("{}", "b")) == []
    assert len(lambda_client.inputs) == 2


@pytest.mark.usefixtures("by_key")
def test_a_message_that_was_sent_twice_starts_one_by_its_key(lambda_client: FakeLambda) -> None:
    assert batch(message('{"trip_id": "7"}', "a"), message('{"trip_id": "7"}', "b")) == []
    (name,) = lambda_client.inputs
    assert name.startswith("7-")


@pytest.mark.usefixtures("by_key")
def test_the_same_key_with_another_input_stays_in_the_queue(lambda_client: FakeLambda) -> None:
    assert batch(message('{"trip_id": "7"}', "a"), message('{"trip_id": "7", "fare": 1}', "b")) == ["b"]


@pytest.mark.usefixtures("by_key")
@pytest.mark.parametrize(
    "body", ["{}", '{"trip_id": null}', '{"trip_id": ""}', '{"trip_id": true}', "[7]", "text"]
)
def test_a_message_without_its_key_stays_in_the_queue(lambda_client: FakeLambda, body: str) -> None:
    assert batch(message(body, "bad"), message('{"trip_id": 7}', "good")) == ["bad"]
    assert list(lambda_client.inputs.values()) == ['{"trip_id": 7}']


def test_what_lambda_does_not_take_stays_in_the_queue(lambda_client: FakeLambda) -> None:
    lambda_client.refuse = "2"
    assert batch(message("1", "a"), message("2", "b"), message("3", "c")) == ["b"]
    assert list(lambda_client.inputs.values()) == ["1", "3"]


def test_messages_of_a_fifo_queue_do_not_overtake(lambda_client: FakeLambda) -> None:
    lambda_client.refuse = "2"
    ordered = [message(str(n), f"m{n}", queue=f"{QUEUE}.fifo") for n in (1, 2, 3)]
    assert batch(*ordered) == ["m2", "m3"]
    assert list(lambda_client.inputs.values()) == ["1"]


def test_text_that_is_not_json_becomes_a_string(lambda_client: FakeLambda) -> None:
    batch(message('Žofie said "no"'))
    (text,) = lambda_client.inputs.values()
    assert json.loads(text) == 'Žofie said "no"'


def test_an_event_that_comes_twice_starts_one_execution(lambda_client: FakeLambda) -> None:
    event = on_a_bus(trip_id="7")
    first, second = handle(event, None), handle(event, None)
    assert first == second
    assert first["execution"].startswith(f"arn/{IDENTITY}-")
    assert [json.loads(text) for text in lambda_client.inputs.values()] == [{"trip_id": "7"}]


@pytest.mark.usefixtures("by_key")
def test_an_event_that_was_put_twice_starts_one_by_its_key(lambda_client: FakeLambda) -> None:
    handle(on_a_bus("a", trip_id="7"), None)
    handle(on_a_bus("b", trip_id="7"), None)
    assert len(lambda_client.inputs) == 1


def test_an_event_that_starts_nothing_fails_the_invocation(lambda_client: FakeLambda) -> None:
    """So that Lambda tries it again, and then sends it to the dead-letter queue."""
    lambda_client.refuse = "7"
    with pytest.raises(ConnectionError):
        handle(on_a_bus(trip_id="7"), None)


@pytest.mark.parametrize("event", [{}, {"id": 7}, {"Records": []}, {"Records": [{"s3": {}}]}])
def test_an_event_without_an_id_fails(lambda_client: FakeLambda, event: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must have an id"):
        handle(event, None)


def test_a_topic_s_message_starts_one_execution(lambda_client: FakeLambda) -> None:
    event = {
        "Records": [{"EventSource": "aws:sns", "Sns": {"MessageId": IDENTITY, "Message": '{"trip_id": 7}'}}]
    }
    handle(event, None)
    handle(event, None)
    assert list(lambda_client.inputs.values()) == ['{"trip_id": 7}']


def test_an_event_of_a_schedule_is_the_input_as_it_is(lambda_client: FakeLambda) -> None:
    handle({"id": "2026-11-28", "report": "daily"}, None)
    (text,) = lambda_client.inputs.values()
    assert json.loads(text) == {"id": "2026-11-28", "report": "daily"}


@pytest.mark.parametrize("identity", [IDENTITY, "7", "Žofie/7", "x" * 500, "a b"])
def test_a_name_is_one_that_lambda_accepts(identity: str) -> None:
    name = name_of(identity, FUNCTION)
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name)
    assert name == name_of(identity, FUNCTION)
    assert name != name_of(f"{identity}x", FUNCTION)


def test_two_functions_do_not_share_a_name_and_two_aliases_do() -> None:
    """AWS's documents disagree on whether a name is taken in the function or in the account."""
    assert name_of("7", FUNCTION) != name_of("7", FUNCTION.replace("dispute", "refund"))
    assert name_of("7", FUNCTION) == name_of("7", FUNCTION.replace(":live", ":12"))
