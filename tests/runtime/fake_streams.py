"""S3, SQS, Kinesis, DynamoDB streams and Lambda as far as a redrive uses them, in memory."""

import base64
import io
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

_numbers = itertools.count()


class Crash(BaseException):
    """The environment is killed."""


class ClientError(Exception):
    """As boto3 has it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.response = {"Error": {"Code": code}}


@dataclass
class FakeBucket:
    """A bucket that lists the last object first. `refuse`: how often a call fails, by its name."""

    objects: dict[str, bytes] = field(default_factory=dict)
    refuse: dict[str, int] = field(default_factory=dict)
    kill_before: str = ""
    unreadable: set[str] = field(default_factory=set)
    exceptions: Any = field(default_factory=lambda: SimpleNamespace(ClientError=ClientError))
    _etags: dict[str, str] = field(default_factory=dict)

    def _call(self, name: str) -> None:
        if self.kill_before == name:
            raise Crash
        if self.refuse.get(name):
            self.refuse[name] -= 1
            raise ConnectionError("try again")

    def get_paginator(self, name: str) -> Any:
        assert name == "list_objects_v2"
        return SimpleNamespace(paginate=self._pages)

    def _pages(self, *, Bucket: str, Prefix: str) -> Any:  # noqa: N803
        assert Bucket == "bucket"
        found = [{"Key": key} for key in sorted(self.objects, reverse=True) if key.startswith(Prefix)]
        yield from ({"Contents": found[at : at + 2]} for at in range(0, len(found), 2))
        yield {}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        assert Bucket == "bucket"
        if Key in self.unreadable:
            raise ClientError("AccessDenied")
        return {"Body": io.BytesIO(self.objects[Key]), "ETag": self._etags.get(Key, "")}

    def put_object(
        self,
        *,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        Body: bytes,  # noqa: N803
        ContentType: str = "",  # noqa: N803
        IfNoneMatch: str = "",  # noqa: N803
        IfMatch: str = "",  # noqa: N803
    ) -> None:
        assert Bucket == "bucket"
        if ContentType:
            self._call("put_object")
        if (IfNoneMatch and Key in self.objects) or (IfMatch and self._etags.get(Key) != IfMatch):
            raise ClientError("PreconditionFailed")
        self.objects[Key] = Body
        self._etags[Key] = f"etag-{next(_numbers)}"

    def delete_object(self, *, Bucket: str, Key: str) -> None:  # noqa: N803
        assert Bucket == "bucket"
        if not Key.endswith(".lock"):
            self._call("delete_object")
        self.objects.pop(Key, None)


@dataclass
class FakeStreamQueue:
    """A standard queue, in an order of its own: the last message comes first."""

    messages: dict[str, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    refuse: dict[str, int] = field(default_factory=dict)
    kill_before: str = ""

    def _call(self, name: str) -> None:
        if self.kill_before == name:
            raise Crash
        if self.refuse.get(name):
            self.refuse[name] -= 1
            raise ConnectionError("try again")

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> None:  # noqa: N803
        assert QueueUrl == "queue"
        self._call("send_message")
        self.messages[f"id-{next(_numbers)}"] = MessageBody

    def receive_message(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        MaxNumberOfMessages: int,  # noqa: N803
        VisibilityTimeout: int,  # noqa: N803
        WaitTimeSeconds: int,  # noqa: N803
    ) -> dict[str, Any]:
        assert (QueueUrl, VisibilityTimeout) == ("queue", 900)
        assert WaitTimeSeconds > 0, "a short poll may be empty though there are messages"
        found = [each for each in reversed(self.messages) if each not in self.hidden][:MaxNumberOfMessages]
        self.hidden.update(found)
        shown = [
            {"MessageId": each, "ReceiptHandle": f"receipt-{each}", "Body": self.messages[each]}
            for each in found
        ]
        return {"Messages": shown} if shown else {}

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> None:  # noqa: N803
        assert QueueUrl == "queue"
        self._call("delete_message")
        identity = ReceiptHandle.removeprefix("receipt-")
        del self.messages[identity]
        self.hidden.discard(identity)

    def change_message_visibility(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        ReceiptHandle: str,  # noqa: N803
        VisibilityTimeout: int,  # noqa: N803
    ) -> None:
        assert (QueueUrl, VisibilityTimeout) == ("queue", 0)
        self.hidden.discard(ReceiptHandle.removeprefix("receipt-"))


class InvalidArgumentError(Exception):
    """What Kinesis answers for a sequence number that it has deleted."""


class TrimmedDataAccessError(Exception):
    """The same of DynamoDB."""


class ResourceNotFoundError(Exception):
    """The shard has expired."""


@dataclass
class FakeStream:
    """Shards of records, read two at a time, with an empty page between any two."""

    shards: dict[str, list[dict[str, Any]]]
    is_open: bool = True
    trimmed_to: int = 0
    refuses_numbers: bool = False
    pages: int = 0
    exceptions: Any = field(
        default_factory=lambda: SimpleNamespace(
            InvalidArgumentException=InvalidArgumentError,
            TrimmedDataAccessException=TrimmedDataAccessError,
            ResourceNotFoundException=ResourceNotFoundError,
        )
    )

    def get_shard_iterator(self, **given: Any) -> dict[str, str]:
        is_kinesis = "StreamARN" in given
        if given["ShardId"] not in self.shards:
            raise ResourceNotFoundError
        wanted = int(given.get("StartingSequenceNumber") or given.get("SequenceNumber") or 0)
        assert (given["ShardIteratorType"] == "TRIM_HORIZON") == (not wanted)
        if wanted and (wanted < self.trimmed_to or self.refuses_numbers):
            raise InvalidArgumentError if is_kinesis else TrimmedDataAccessError
        return {"ShardIterator": f"{given['ShardId']}|{wanted}|full"}

    def get_records(self, *, ShardIterator: str, StreamARN: str = "") -> dict[str, Any]:  # noqa: N803
        del StreamARN
        self.pages += 1
        shard, first, kind = ShardIterator.split("|")
        left = [each for each in self.shards[shard] if _number(each) >= max(int(first), self.trimmed_to)]
        if kind == "empty" or not left:
            following = f"{shard}|{first}|full"
            return {"Records": []} | ({"NextShardIterator": following} if left or self.is_open else {})
        page, rest = left[:2], left[2:]
        after = _number(page[-1]) + 1
        following = f"{shard}|{after}|empty"
        return {"Records": page} | ({"NextShardIterator": following} if rest or self.is_open else {})


def _number(record: dict[str, Any]) -> int:
    return int(record.get("SequenceNumber") or record["dynamodb"]["SequenceNumber"])


def of_kinesis(number: int, data: bytes = b"{}") -> dict[str, Any]:
    """A record as the stream has it."""
    return {
        "SequenceNumber": str(number),
        "PartitionKey": "driver",
        "Data": data,
        "ApproximateArrivalTimestamp": datetime(2026, 11, 28, 9, 30, tzinfo=UTC),
    }


def event_of_kinesis(shard: str, number: int, data: bytes = b"{}") -> dict[str, Any]:
    """The same as Lambda writes it."""
    return {
        "kinesis": {
            "partitionKey": "driver",
            "sequenceNumber": str(number),
            "data": base64.b64encode(data).decode(),
        },
        "eventID": f"{shard}:{number}",
    }


def of_table(number: int) -> dict[str, Any]:
    """A change as the stream of a table has it."""
    return {
        "eventID": f"event-{number}",
        "eventName": "REMOVE",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "userIdentity": {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"},
        "dynamodb": {
            "ApproximateCreationDateTime": datetime(2026, 11, 28, 9, 30, tzinfo=UTC),
            "Keys": {"id": {"S": "a"}},
            "OldImage": {"id": {"S": "a"}, "photo": {"B": b"\x00\xff"}, "tags": {"BS": [b"\x01"]}},
            "SequenceNumber": str(number),
            "SizeBytes": 59,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }


def number_of(record: dict[str, Any]) -> int:
    """The sequence number of a record of an event."""
    return int(
        record["kinesis"]["sequenceNumber"] if "kinesis" in record else record["dynamodb"]["SequenceNumber"]
    )


@dataclass
class FakeFunction:
    """Handles batches as a handler that stops at the first failure, or one that raises."""

    bad: set[int] = field(default_factory=set)
    """Sequence numbers of records that fail."""
    raises: bool = False
    """Whether a failure fails the whole invocation, and the records before it are processed all the same."""
    answer: Callable[[list[dict[str, Any]]], bytes | Exception | None] = lambda records: None
    processed: list[int] = field(default_factory=list)
    batches: list[list[int]] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)
    most_bytes: int = 6_000_000
    kill_after: int = -1
    """Of how many invocations the environment of the redrive is killed."""

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert FunctionName.startswith("arn:aws:lambda:us-east-1:123456789012:function:track")
        records = json.loads(Payload)["Records"]
        self.payloads.append(Payload)
        if len(Payload) > self.most_bytes:
            raise type("RequestTooLargeException", (Exception,), {})
        other = self.answer(records)
        if isinstance(other, Exception):
            raise other
        numbers = [number_of(record) for record in records]
        self.batches.append(numbers)
        if other is not None:
            return {"Payload": io.BytesIO(other)}
        found = self._handle(numbers)
        if len(self.batches) == self.kill_after:
            raise Crash
        return found

    def _handle(self, numbers: list[int]) -> dict[str, Any]:
        for number in numbers:
            if number in self.bad:
                if self.raises:
                    return {"FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"errorMessage": "no"}')}
                body = json.dumps({"batchItemFailures": [{"itemIdentifier": str(number)}]})
                return {"Payload": io.BytesIO(body.encode())}
            self.processed.append(number)
        return {"Payload": io.BytesIO(b'{"batchItemFailures": []}')}
