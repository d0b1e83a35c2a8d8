"""Failed records of streams are sent again, in order, each once, and none is lost: against services in memory."""

import base64
import json
import random
import sys
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from constructs_lib.runtime import stream_redrive
from constructs_lib.runtime.stream_redrive import (
    BucketOfFailures,
    Function,
    KinesisStream,
    QueueOfFailures,
    TableStream,
    redrive,
)
from tests.runtime.fake_streams import (
    Crash,
    FakeBucket,
    FakeFunction,
    FakeStream,
    FakeStreamQueue,
    event_of_kinesis,
    number_of,
    of_kinesis,
    of_table,
)

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:track:live"
STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/positions"
TABLE_STREAM = "arn:aws:dynamodb:us-east-1:123456789012:table/trips/stream/2026"
PREFIX = "aws/lambda/mapping/"
SHARD = "shardId-000000000000"


def run(failures: Any, function: FakeFunction, **arguments: Any) -> dict[str, Any]:
    return redrive(failures, Function(function, FUNCTION), **arguments)


# --- a bucket --------------------------------------------------------------------------------------------


def put(
    bucket: FakeBucket,
    *numbers: int,
    shard: str = SHARD,
    second: int = 0,
    suffix: str = "0",
    as_object: bool = False,
) -> str:
    """An object as Lambda puts it there."""
    payload: Any = {"Records": [event_of_kinesis(shard, number, "Žofie".encode()) for number in numbers]}
    failure = {
        "requestContext": {"functionArn": FUNCTION, "condition": "RetryAttemptsExhausted"},
        "version": "1.0",
        "KinesisBatchInfo": {"shardId": shard, "batchSize": len(numbers), "streamArn": STREAM},
        "payload": payload if as_object else json.dumps(payload),
    }
    time = f"2026-11-28T09.{second // 60:02}.{second % 60:02}"
    key = f"{PREFIX}{shard}/2026/11/28/{time}-{suffix}"
    bucket.objects[key] = json.dumps(failure).encode()
    return key


def of_bucket(bucket: FakeBucket) -> BucketOfFailures:
    return BucketOfFailures(bucket, "bucket", PREFIX)


def left_in(bucket: FakeBucket) -> list[int]:
    """The sequence numbers that the bucket still has."""
    found = []
    for body in bucket.objects.values():
        payload = json.loads(body)["payload"]
        records = (json.loads(payload) if isinstance(payload, str) else payload)["Records"]
        found += [number_of(record) for record in records]
    return sorted(found)


@pytest.fixture
def bucket() -> FakeBucket:
    return FakeBucket()


@pytest.fixture
def function() -> FakeFunction:
    return FakeFunction()


@pytest.mark.parametrize("as_object", [False, True], ids=["text", "object"])
def test_a_batch_is_sent_as_it_was_and_removed(bucket: FakeBucket, as_object: bool) -> None:
    seen: list[Any] = []

    def answer(records: list[Any]) -> None:
        seen.extend(records)

    put(bucket, 1, 2, 3, as_object=as_object)
    assert run(of_bucket(bucket), FakeFunction(answer=answer)) == {"redriven": 3, "kept": {}}
    assert seen == [event_of_kinesis(SHARD, number, "Žofie".encode()) for number in (1, 2, 3)]
    assert bucket.objects == {}


def test_the_objects_of_a_shard_are_sent_in_order(bucket: FakeBucket, function: FakeFunction) -> None:
    """Later ones first in the listing of S3, several in a second, numbers of different lengths."""
    put(bucket, 101, 102, second=61, suffix="a")
    put(bucket, 9, 10, second=3, suffix="z")
    put(bucket, 99, 100, second=3, suffix="a")
    put(bucket, 7, second=2, suffix="z")
    put(bucket, 4, shard="shardId-000000000001", second=0)
    run(of_bucket(bucket), function)
    assert function.processed == [7, 9, 10, 99, 100, 101, 102, 4]


def test_other_mappings_keep_theirs(bucket: FakeBucket, function: FakeFunction) -> None:
    key = put(bucket, 1).replace("mapping", "another")
    bucket.objects = {key: bucket.objects.popitem()[1]}
    assert run(of_bucket(bucket), function)["redriven"] == 0
    assert list(bucket.objects) == [key]


@pytest.mark.parametrize("raises", [False, True], ids=["partial answer", "exception"])
@pytest.mark.parametrize("bad", [{1}, {4}, {8}, {2, 3}, {1, 8}])
def test_a_record_that_fails_again_is_kept_alone(bucket: FakeBucket, raises: bool, bad: set[int]) -> None:
    function = FakeFunction(bad=bad, raises=raises)
    put(bucket, *range(1, 9))
    answer = run(of_bucket(bucket), function)
    assert answer == {"redriven": 8 - len(bad), "kept": {"failed again": len(bad)}}
    assert left_in(bucket) == sorted(bad)
    assert set(function.processed) == set(range(1, 9)) - bad
    function.bad = set()
    assert run(of_bucket(bucket), function) == {"redriven": len(bad), "kept": {}}
    assert bucket.objects == {}


def test_a_partial_answer_repeats_nothing(bucket: FakeBucket) -> None:
    function = FakeFunction(bad={3, 6})
    put(bucket, *range(1, 9))
    run(of_bucket(bucket), function)
    assert function.processed == [1, 2, 4, 5, 7, 8]
    assert function.batches == [[1, 2, 3, 4, 5, 6, 7, 8], [4, 5, 6, 7, 8], [7, 8]]


def test_a_batch_whose_invocation_fails_is_halved(bucket: FakeBucket) -> None:
    function = FakeFunction(bad={3}, raises=True)
    put(bucket, 1, 2, 3, 4)
    run(of_bucket(bucket), function)
    assert function.batches == [[1, 2, 3, 4], [1, 2], [3, 4], [3], [4]]


ANSWERS: dict[str, tuple[bytes, bool]] = {
    "nothing": (b"", True),
    "null": (b"null", True),
    "an empty object": (b"{}", True),
    "an empty list": (b'{"batchItemFailures": []}', True),
    "no list": (b'{"batchItemFailures": null}', True),
    "an unknown record": (b'{"batchItemFailures": [{"itemIdentifier": "77"}]}', False),
    "a known and an unknown one": (
        b'{"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "77"}]}', False),
    "an empty identifier": (b'{"batchItemFailures": [{"itemIdentifier": ""}]}', False),
    "no identifier": (b'{"batchItemFailures": [{"itemIdentifier": null}]}', False),
    "a wrong key": (b'{"batchItemFailures": [{"id": "1"}]}', False),
    "no JSON": (b"<html>", False),
}  # fmt: skip


@pytest.mark.parametrize("given", ANSWERS)
def test_an_answer_is_read_as_lambda_reads_it(bucket: FakeBucket, given: str) -> None:
    body, succeeded = ANSWERS[given]
    put(bucket, 1)
    answer = run(of_bucket(bucket), FakeFunction(answer=lambda records: body))
    assert answer == (
        {"redriven": 1, "kept": {}} if succeeded else {"redriven": 0, "kept": {"failed again": 1}}
    )


def test_the_first_failed_record_counts_whatever_the_order_of_the_answer(bucket: FakeBucket) -> None:
    once = iter([b'{"batchItemFailures": [{"itemIdentifier": "4"}, {"itemIdentifier": "2"}]}', b"", b""])
    function = FakeFunction(answer=lambda records: next(once))
    put(bucket, 1, 2, 3, 4)
    assert run(of_bucket(bucket), function) == {"redriven": 3, "kept": {"failed again": 1}}
    assert function.batches == [[1, 2, 3, 4], [3, 4]]
    assert left_in(bucket) == [2]


def test_a_batch_that_is_too_large_is_split(bucket: FakeBucket, function: FakeFunction) -> None:
    put(bucket, *range(1, 9))
    function.most_bytes = 400
    assert run(of_bucket(bucket), function) == {"redriven": 8, "kept": {}}
    assert function.processed == list(range(1, 9))
    assert max(map(len, function.batches)) < 8


def test_a_record_that_is_too_large_alone_is_kept(bucket: FakeBucket, function: FakeFunction) -> None:
    put(bucket, 1)
    function.most_bytes = 10
    assert run(of_bucket(bucket), function)["kept"] == {"too large for one invocation": 1}
    assert left_in(bucket) == [1]


def test_what_cannot_be_read_stays_and_the_others_are_sent(
    bucket: FakeBucket, function: FakeFunction
) -> None:
    bucket.unreadable.add(put(bucket, 1, second=1))
    bucket.objects[f"{PREFIX}{SHARD}/2026/11/28/2026-11-28T09.00.02-x"] = b"not JSON"
    bucket.objects[f"{PREFIX}{SHARD}/2026/11/28/2026-11-28T09.00.03-x"] = b'{"payload": "{}"}'
    put(bucket, 4, second=4)
    answer = run(of_bucket(bucket), function)
    assert answer == {"redriven": 1, "kept": {"not readable: AccessDenied": 1, "not a failed batch": 2}}
    assert len(bucket.objects) == 3


@pytest.mark.parametrize("call", ["delete_object", "put_object"])
def test_a_removal_that_fails_is_tried_again(bucket: FakeBucket, function: FakeFunction, call: str) -> None:
    function.bad = {2} if call == "put_object" else set()
    put(bucket, 1, 2)
    bucket.refuse[call] = 1
    answer = run(of_bucket(bucket), function)
    assert answer["redriven"] == 2 - len(function.bad)
    assert left_in(bucket) == sorted(function.bad)


@pytest.mark.parametrize("call", ["delete_object", "put_object"])
def test_a_removal_that_fails_to_the_end_is_counted(
    bucket: FakeBucket, function: FakeFunction, call: str
) -> None:
    function.bad = {3} if call == "put_object" else set()
    put(bucket, 1, 2, 3)
    bucket.refuse[call] = 2
    kept = run(of_bucket(bucket), function)["kept"]
    assert kept["sent, but not removed: the next run would send them again"] == 3 - len(function.bad)
    assert left_in(bucket) == [1, 2, 3]


def test_what_lambda_does_not_accept_stops_the_run(bucket: FakeBucket) -> None:
    """What is behind would overtake."""
    throttled = type("TooManyRequestsException", (Exception,), {})()
    function = FakeFunction(answer=lambda records: throttled if number_of(records[0]) == 3 else None)
    for number in (1, 3, 5):
        put(bucket, number, number + 1, second=number)
    answer = run(of_bucket(bucket), function)
    assert answer == {
        "redriven": 2,
        "kept": {},
        "stopped": "not accepted (TooManyRequestsException): invoke again",
    }
    assert left_in(bucket) == [3, 4, 5, 6]


def test_a_batch_without_an_answer_is_kept_whole(bucket: FakeBucket) -> None:
    late = type("ReadTimeoutError", (Exception,), {})()
    function = FakeFunction(answer=lambda records: late if number_of(records[0]) == 1 else None)
    put(bucket, 1, 2, second=1)
    put(bucket, 3, second=2)
    answer = run(of_bucket(bucket), function)
    assert answer == {"redriven": 1, "kept": {"no answer in time, perhaps processed": 2}}
    assert left_in(bucket) == [1, 2]


@pytest.mark.parametrize(
    ("max_records", "expected"), [(1, [1]), (3, [1, 2, 3]), (4, [1, 2, 3, 4]), (6, [1, 2, 3, 4, 5, 6])]
)
def test_most_limits_what_is_sent(
    bucket: FakeBucket, function: FakeFunction, max_records: int, expected: list[int]
) -> None:
    put(bucket, 1, 2, 3, 4, second=1)
    put(bucket, 5, 6, second=2)
    answer = run(of_bucket(bucket), function, max_records=max_records)
    assert function.processed == expected
    assert left_in(bucket) == list(range(max_records + 1, 7))
    assert answer.get("stopped") == (
        None if max_records == 6 else f"{max_records} were sent: invoke again for more"
    )


def test_most_counts_what_fails_again(bucket: FakeBucket) -> None:
    function = FakeFunction(bad={1, 2, 3}, raises=True)
    put(bucket, 1, 2, 3, 4)
    answer = run(of_bucket(bucket), function, max_records=2)
    assert answer == {
        "redriven": 0,
        "kept": {"failed again": 2},
        "stopped": "2 were sent: invoke again for more",
    }
    assert left_in(bucket) == [1, 2, 3, 4]


@pytest.mark.parametrize("max_records", [0, -1, 1.5, True, "3"])
def test_most_must_be_a_whole_number(bucket: FakeBucket, function: FakeFunction, max_records: Any) -> None:
    with pytest.raises(ValueError, match="max_records must be a whole number of 1 or more"):
        run(of_bucket(bucket), function, max_records=max_records)


def test_a_run_out_of_time_begins_nothing(bucket: FakeBucket) -> None:
    function = FakeFunction(bad={2})
    put(bucket, 1, 2, 3, second=1)
    put(bucket, 4, second=2)
    time = iter([True, False, False])
    answer = run(of_bucket(bucket), function, has_time=lambda: next(time))
    assert answer == {"redriven": 1, "kept": {"failed again": 1}, "stopped": "out of time: invoke again"}
    assert left_in(bucket) == [2, 3, 4]


@pytest.mark.parametrize("seed", range(60))
def test_nothing_is_lost_and_order_is_kept_however_runs_end(seed: int) -> None:
    """Random batches, bad records, failing calls and kills: every record is processed in the end."""
    chance = random.Random(seed)  # noqa: S311 - a run that can be repeated
    bucket = FakeBucket()
    numbers = list(range(8, 8 + chance.randrange(1, 40)))
    at = 0
    while at < len(numbers):
        size = chance.randrange(1, 9)
        put(bucket, *numbers[at : at + size], second=at // 10, suffix=f"{chance.random()}")
        at += size
    bad = {number for number in numbers if chance.random() < 0.2}
    processed: list[int] = []
    killed = 0
    for attempt in range(30):
        fixed = attempt > 3
        function = FakeFunction(bad=set() if fixed else bad, raises=chance.random() < 0.5)
        function.kill_after = -1 if fixed else chance.randrange(-3, 6)
        bucket.refuse = (
            {} if fixed else {"delete_object": chance.randrange(2), "put_object": chance.randrange(2)}
        )
        bucket.kill_before = "" if fixed else chance.choice(["", "", "delete_object", "put_object"])
        try:
            run(
                of_bucket(bucket),
                function,
                max_records=chance.choice([None, None, 1, 5]) if not fixed else None,
            )
        except Crash:
            killed += 1
        processed += function.processed
        gone = set(numbers) - set(left_in(bucket))
        assert gone <= set(processed), "removed and never processed"
        in_a_run = function.processed
        if not function.raises:
            assert in_a_run == sorted(in_a_run)
    assert set(processed) == set(numbers)
    assert bucket.objects == {}


def test_without_faults_each_is_processed_once() -> None:
    for seed in range(20):
        chance = random.Random(seed)  # noqa: S311 - a run that can be repeated
        bucket, function = FakeBucket(), FakeFunction()
        for at in range(0, 60, 3):
            put(bucket, at, at + 1, at + 2, second=at // 9, suffix=f"{chance.random()}")
        while bucket.objects:
            run(of_bucket(bucket), function, max_records=chance.randrange(1, 20))
        assert function.processed == list(range(60))


# --- two runs at the same time ---------------------------------------------------------------------------


def test_a_second_run_is_refused_until_the_first_ends(bucket: FakeBucket) -> None:
    failures = of_bucket(bucket)
    with failures.locked(lambda: 1000.0):
        with pytest.raises(RuntimeError, match=r"Another run has not ended.*again in 890 seconds"):
            failures.locked(lambda: 1010.0).__enter__()
        assert [each.place for each in failures.batches()] == [], "the lock is not a batch"
    assert bucket.objects == {}
    with failures.locked(lambda: 1010.0):
        pass


def test_the_lock_of_a_killed_run_ends_by_itself(bucket: FakeBucket) -> None:
    failures = of_bucket(bucket)
    failures.locked(lambda: 1000.0).__enter__()  # and killed
    with failures.locked(lambda: 1900.0), pytest.raises(RuntimeError, match="Another run"):
        failures.locked(lambda: 1901.0).__enter__()
    assert bucket.objects == {}


def test_of_two_that_find_an_old_lock_one_goes_on(bucket: FakeBucket) -> None:
    failures = of_bucket(bucket)
    failures.locked(lambda: 1000.0).__enter__()
    real = bucket.get_object

    def and_another_takes_it(**place: str) -> dict[str, Any]:
        held = real(**place)
        bucket.get_object = real  # type: ignore[method-assign]
        failures.locked(lambda: 2000.0).__enter__()
        return held

    bucket.get_object = and_another_takes_it  # type: ignore[method-assign]
    with pytest.raises(Exception, match="PreconditionFailed"):
        failures.locked(lambda: 2000.0).__enter__()


def test_another_error_of_the_lock_is_shown(bucket: FakeBucket) -> None:
    def refused(**_: Any) -> None:
        raise bucket.exceptions.ClientError("AccessDenied")

    bucket.put_object = refused  # type: ignore[method-assign]
    with pytest.raises(Exception, match="AccessDenied"):
        of_bucket(bucket).locked().__enter__()


# --- a queue ---------------------------------------------------------------------------------------------


def message(*numbers: int, shard: str = SHARD, table: bool = False, **changed: Any) -> str:
    """What Lambda sends to a queue."""
    info = {
        "shardId": shard,
        "startSequenceNumber": str(numbers[0]),
        "endSequenceNumber": str(numbers[-1]),
        "batchSize": len(numbers),
        "streamArn": TABLE_STREAM if table else STREAM,
    } | changed
    function = info.pop("function", FUNCTION)
    return json.dumps(
        {
            "requestContext": {"functionArn": function, "condition": "RetryAttemptsExhausted"},
            "responseContext": {"functionError": "Unhandled"},
            "version": "1.0",
            "DDBStreamBatchInfo" if table else "KinesisBatchInfo": info,
        }
    )


def of_queue(queue: FakeStreamQueue, stream: FakeStream, arn: str = STREAM) -> QueueOfFailures:
    source = TableStream(stream, arn) if arn == TABLE_STREAM else KinesisStream(stream, arn)
    return QueueOfFailures(queue, "queue", function=FUNCTION, stream=arn, read=source.read)


def filled(*bodies: str) -> FakeStreamQueue:
    queue = FakeStreamQueue()
    for body in bodies:
        queue.send_message(QueueUrl="queue", MessageBody=body)
    return queue


def numbers_in(queue: FakeStreamQueue) -> list[tuple[str, str, int]]:
    found = []
    for body in queue.messages.values():
        failure = json.loads(body)
        info = failure.get("KinesisBatchInfo") or failure["DDBStreamBatchInfo"]
        found.append((info["startSequenceNumber"], info["endSequenceNumber"], info["batchSize"]))
    return sorted(found)


SECOND = "shardId-000000000001"


def kinesis(**arguments: Any) -> FakeStream:
    shards = {SHARD: [of_kinesis(n) for n in range(1, 31)], SECOND: [of_kinesis(n) for n in range(1, 6)]}
    return FakeStream(shards, **arguments)


def test_the_records_of_messages_are_read_from_the_stream_and_sent_in_order(function: FakeFunction) -> None:
    queue = filled(message(5, 6, 7), message(9, 10, 11), message(1, 2, shard=SECOND), message(2, 3))
    answer = run(of_queue(queue, kinesis()), function)
    assert answer == {"redriven": 10, "kept": {}}
    assert function.processed == [2, 3, 5, 6, 7, 9, 10, 11, 1, 2]
    assert queue.messages == {}


def test_a_record_is_as_lambda_writes_it() -> None:
    stream = FakeStream({SHARD: [of_kinesis(5, b"\x00\xff")]})
    assert KinesisStream(stream, STREAM).read(SHARD, "5", "5") == [
        {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": "driver",
                "sequenceNumber": "5",
                "data": base64.b64encode(b"\x00\xff").decode(),
                "approximateArrivalTimestamp": 1_795_858_200.0,
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{SHARD}:5",
            "eventName": "aws:kinesis:record",
            "awsRegion": "us-east-1",
            "eventSourceARN": STREAM,
        }
    ]


def test_a_change_of_a_table_is_as_lambda_writes_it() -> None:
    stream = FakeStream({SHARD: [of_table(5)]})
    (found,) = TableStream(stream, TABLE_STREAM).read(SHARD, "5", "5")
    assert found == {
        "eventID": "event-5",
        "eventName": "REMOVE",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
        "dynamodb": {
            "ApproximateCreationDateTime": 1_795_858_200.0,
            "Keys": {"id": {"S": "a"}},
            "OldImage": {"id": {"S": "a"}, "photo": {"B": "AP8="}, "tags": {"BS": ["AQ=="]}},
            "SequenceNumber": "5",
            "SizeBytes": 59,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": TABLE_STREAM,
    }
    json.dumps(found)


def test_a_table_is_redriven_too(function: FakeFunction) -> None:
    queue = filled(message(2, 3, table=True))
    changes = [of_table(n) for n in range(1, 5)]
    changes[1]["dynamodb"]["Keys"]["id"]["S"] = "Žofie"
    stream = FakeStream({SHARD: changes}, is_open=False)
    assert run(of_queue(queue, stream, TABLE_STREAM), function) == {"redriven": 2, "kept": {}}
    assert function.processed == [2, 3]
    assert "Žofie".encode() in function.payloads[0], "not larger than Lambda's own"


@pytest.mark.parametrize("raises", [False, True])
def test_a_record_of_a_message_that_fails_again_gets_a_message_of_its_own(raises: bool) -> None:
    function = FakeFunction(bad={6, 8}, raises=raises)
    queue = filled(message(5, 6, 7, 8))
    assert run(of_queue(queue, kinesis()), function) == {"redriven": 2, "kept": {"failed again": 2}}
    assert numbers_in(queue) == [("6", "6", 1), ("8", "8", 1)]
    queue.hidden.clear()
    function.bad = set()
    assert run(of_queue(queue, kinesis()), function) == {"redriven": 2, "kept": {}}
    assert queue.messages == {}


def test_a_batch_that_fails_whole_keeps_its_message_and_shows_it_again() -> None:
    queue = filled(message(5))
    before = dict(queue.messages)
    run(of_queue(queue, kinesis()), FakeFunction(bad={5}))
    assert (queue.messages, queue.hidden) == (before, set())


OTHERS = {
    "another function": (message(1, function=FUNCTION.replace("track", "other")), "of another function"),
    "another stream": (message(1, streamArn=STREAM.replace("positions", "others")), "of another stream"),
    "an asynchronous failure": (
        json.dumps({"requestContext": {"functionArn": FUNCTION}}),
        "not a failed batch",
    ),
    "no JSON": ("hello", "not a failed batch"),
    "a list": ("[]", "not a failed batch"),
    "no number": (message(1, startSequenceNumber="x"), "not a failed batch"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_messages_of_others_stay(function: FakeFunction, other: str) -> None:
    body, reason = OTHERS[other]
    queue = filled(body, message(2))
    answer = run(of_queue(queue, kinesis()), function)
    assert answer["redriven"] == 1
    assert list(answer["kept"]) == [reason]
    assert list(queue.messages.values()) == [body]
    assert queue.hidden == set()


@pytest.mark.parametrize(
    "function_arn", [FUNCTION, FUNCTION.removesuffix(":live"), FUNCTION.replace(":live", ":7")]
)
def test_any_qualifier_of_the_function_counts(function: FakeFunction, function_arn: str) -> None:
    queue = filled(message(2, function=function_arn))
    assert run(of_queue(queue, kinesis()), function)["redriven"] == 1


def test_a_message_of_enhanced_fan_out_names_the_stream_consumer(function: FakeFunction) -> None:
    queue = filled(message(2, streamArn=f"{STREAM}/consumer/ours:1"))
    assert run(of_queue(queue, kinesis()), function)["redriven"] == 1


def test_expired_records_are_named(function: FakeFunction) -> None:
    queue = filled(message(1, 2, 3), message(4, 5, 6), message(7, 8))
    answer = run(of_queue(queue, kinesis(trimmed_to=5)), function)
    assert answer == {
        "redriven": 4,
        "kept": {"expired": 3},
        "expired": [f"3 of 3 in {SHARD}, 1 to 3", f"1 of 3 in {SHARD}, 4 to 6"],
    }
    assert function.processed == [5, 6, 7, 8]
    assert numbers_in(queue) == [("1", "3", 3)]


def test_a_shard_that_has_expired_is_named(function: FakeFunction) -> None:
    queue = filled(message(1, 2, shard="shardId-000000000009"))
    answer = run(of_queue(queue, kinesis()), function)
    assert answer["kept"] == {"expired": 2}
    assert answer["expired"] == ["2 of 2 in shardId-000000000009, 1 to 2"]


def test_records_before_the_first_are_not_sent(function: FakeFunction) -> None:
    """Kinesis may refuse a sequence number for another reason; the shard is read from its beginning then."""
    queue = filled(message(5, 6))
    assert run(of_queue(queue, kinesis(refuses_numbers=True)), function)["redriven"] == 2
    assert function.processed == [5, 6]


def test_no_more_is_read_than_the_message_names(function: FakeFunction) -> None:
    stream = kinesis()
    run(of_queue(filled(message(5, 6)), stream), function)
    assert stream.pages == 1


def test_a_closed_shard_ends(function: FakeFunction) -> None:
    queue = filled(message(30, 31))
    answer = run(of_queue(queue, kinesis(is_open=False)), function)
    assert (answer["redriven"], answer["expired"]) == (1, [f"1 of 2 in {SHARD}, 30 to 31"])


def test_the_end_of_an_open_shard_is_found(function: FakeFunction) -> None:
    queue = filled(message(30, 31))
    assert run(of_queue(queue, kinesis()), function)["redriven"] == 1


def test_more_records_than_the_message_counts_are_not_sent(function: FakeFunction) -> None:
    """Those between belong to somebody else: nobody can tell which."""
    queue = filled(message(2, 6))
    answer = run(of_queue(queue, kinesis()), function)
    assert answer == {"redriven": 0, "kept": {"not to be told from other records between them": 2}}
    assert function.batches == []


def test_a_stream_that_cannot_be_read_stays_and_others_are_sent(function: FakeFunction) -> None:
    stream = kinesis()
    real = stream.get_shard_iterator

    def refused(**given: Any) -> dict[str, str]:
        if given["ShardId"] == SECOND:
            raise ConnectionError
        return real(**given)

    stream.get_shard_iterator = refused  # type: ignore[method-assign]
    queue = filled(message(1, 2, shard=SECOND), message(3))
    answer = run(of_queue(queue, stream), function)
    assert answer == {"redriven": 1, "kept": {"not readable: ConnectionError": 2}}
    assert len(queue.messages) == 1


@pytest.mark.parametrize("call", ["delete_message", "send_message"])
def test_a_message_that_is_not_removed_at_once_is_removed_at_the_end(call: str) -> None:
    function = FakeFunction(bad={6, 8})
    queue = filled(message(5, 6, 7, 8))
    queue.refuse[call] = 1
    assert run(of_queue(queue, kinesis()), function) == {"redriven": 2, "kept": {"failed again": 2}}
    assert numbers_in(queue) == [("6", "6", 1), ("8", "8", 1)], "each once"


def test_a_message_that_is_never_removed_is_counted(function: FakeFunction) -> None:
    queue = filled(message(5, 6))
    queue.refuse["delete_message"] = 2
    answer = run(of_queue(queue, kinesis()), function)
    assert answer["kept"] == {"sent, but not removed: the next run would send them again": 2}
    assert numbers_in(queue) == [("5", "6", 2)]


@pytest.mark.parametrize("seed", range(40))
def test_no_message_is_lost_however_runs_end(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a run that can be repeated
    queue, at = FakeStreamQueue(), 1
    numbers: list[int] = []
    while at < 25:
        size = chance.randrange(1, 6)
        queue.send_message(QueueUrl="queue", MessageBody=message(*range(at, at + size)))
        numbers += range(at, at + size)
        at += size + chance.randrange(3)
    processed: set[int] = set()
    for attempt in range(8):
        fixed = attempt > 4
        function = FakeFunction(raises=chance.random() < 0.5)
        function.bad = set() if fixed else {n for n in numbers if chance.random() < 0.3}
        function.kill_after = -1 if fixed else chance.randrange(-3, 5)
        queue.kill_before = "" if fixed else chance.choice(["", "", "delete_message", "send_message"])
        queue.refuse = (
            {} if fixed else {"delete_message": chance.randrange(2), "send_message": chance.randrange(2)}
        )
        queue.hidden.clear()  # 15 minutes later
        with suppress(Crash):
            run(of_queue(queue, kinesis()), function)
        processed |= set(function.processed)
        kept = {n for first, last, _ in numbers_in(queue) for n in range(int(first), int(last) + 1)}
        assert set(numbers) - kept <= processed, "removed and never processed"
    assert processed == set(numbers)
    assert queue.messages == {}


# --- the function that is deployed -----------------------------------------------------------------------


@pytest.fixture
def boto3(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Clients by service, and how they were asked for."""
    made: dict[str, Any] = {}
    asked: dict[str, Any] = {"clients": made}

    def client(service: str, config: Any = None) -> Any:
        asked[service] = config
        return made[service]

    config = SimpleNamespace(Config=lambda **options: options)
    monkeypatch.setattr(stream_redrive, "clients", {})
    monkeypatch.setitem(sys.modules, "boto3", SimpleNamespace(client=client))
    monkeypatch.setitem(sys.modules, "botocore.config", config)
    monkeypatch.setenv("REDRIVE_FUNCTION", FUNCTION)
    monkeypatch.setenv("REDRIVE_FUNCTION_SECONDS", "29")
    return asked


def context(seconds: float = 900) -> Any:
    return SimpleNamespace(get_remaining_time_in_millis=lambda: seconds * 1000)


def test_the_function_redrives_the_bucket(
    boto3: dict[str, Any], monkeypatch: pytest.MonkeyPatch, bucket: FakeBucket, function: FakeFunction
) -> None:
    monkeypatch.setenv("REDRIVE_BUCKET", "bucket")
    monkeypatch.setenv("REDRIVE_PREFIX", PREFIX)
    boto3["clients"] |= {"lambda": function, "s3": bucket}
    put(bucket, 1, 2, 3)
    assert stream_redrive.handle({"max_records": 2}, context())["redriven"] == 2
    assert left_in(bucket) == [3], "and no lock"
    assert stream_redrive.handle(None, context())["redriven"] == 1
    of_bucket(bucket).locked().__enter__()
    with pytest.raises(RuntimeError, match="Another run"):
        stream_redrive.handle({}, context())
    assert boto3["lambda"] == {"read_timeout": 59, "retries": {"total_max_attempts": 1}}
    assert boto3["s3"] is None


@pytest.mark.parametrize("arn", [STREAM, TABLE_STREAM])
def test_the_function_redrives_the_queue(
    boto3: dict[str, Any], monkeypatch: pytest.MonkeyPatch, function: FakeFunction, arn: str
) -> None:
    is_table = arn == TABLE_STREAM
    monkeypatch.setenv("REDRIVE_QUEUE_URL", "queue")
    monkeypatch.setenv("REDRIVE_STREAM", arn)
    queue = filled(message(2, 3, table=is_table))
    record = of_table if is_table else of_kinesis
    service = "dynamodbstreams" if is_table else "kinesis"
    boto3["clients"] |= {
        "lambda": function,
        "sqs": queue,
        service: FakeStream({SHARD: [record(n) for n in range(1, 5)]}),
    }
    assert stream_redrive.handle({}, context()) == {"redriven": 2, "kept": {}}
    assert function.processed == [2, 3]


@pytest.mark.parametrize(
    ("timeout", "left", "begins"), [(29, 60, True), (29, 58, False), (900, 481, True), (900, 479, False)]
)
def test_an_invocation_begins_only_if_it_can_end(
    boto3: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    bucket: FakeBucket,
    function: FakeFunction,
    timeout: int,
    left: int,
    begins: bool,
) -> None:
    monkeypatch.setenv("REDRIVE_BUCKET", "bucket")
    monkeypatch.setenv("REDRIVE_PREFIX", PREFIX)
    monkeypatch.setenv("REDRIVE_FUNCTION_SECONDS", str(timeout))
    boto3["clients"] |= {"lambda": function, "s3": bucket}
    put(bucket, 1)
    answer = stream_redrive.handle({}, context(left))
    assert (answer["redriven"], answer.get("stopped")) == (
        (1, None) if begins else (0, "out of time: invoke again")
    )


def test_another_event_is_refused(boto3: dict[str, Any]) -> None:
    del boto3
    with pytest.raises(ValueError, match=r"may have max_records, and nothing else: \['mots'\]"):
        stream_redrive.handle({"mots": 3}, context())
