"""Send the records of an on-failure destination to their function again, after the fault was fixed.

`KinesisConsumer(..., redrive=True)` and `TableStreamConsumer(..., redrive=True)` deploy `handle`. Invoke it,
with `{}` or with `{"max_records": 100}`; it answers how many records it sent again, and what it kept and why.

The records of a shard are sent in their order, and the function is invoked as the event source mapping does it: with
`Records`, and it may answer `batchItemFailures`. A record that fails again is kept, and those behind it are sent. A
batch whose invocation fails is split in two, so that one bad record does not keep the others. If Lambda does not accept
an invocation, as when it throttles, the run stops: what is behind must not overtake.

Each record is sent once, as far as that is possible: what the function has processed is removed from the destination at
once, and of two runs at the same time one fails (a bucket), or finds nothing (a queue). A record is sent twice in three
cases: it is in a batch whose invocation fails; a run is killed after an invocation and before the removal; the removal
fails until the end of the run, which `kept` counts. So an effect that must not happen twice needs a key of its own, as
every effect of a stream's record does.
"""

import base64
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from itertools import groupby
from typing import Any, Protocol

_MARGIN_SECONDS = 30
"""What is left of the run's time after the last invocation."""
_RUN_SECONDS = 900
"""The longest that a run can take: the timeout of the redrive function."""
_LOCK = "redrive.lock"
_UNREMOVED = "sent, but not removed: the next run would send them again"
_OUT_OF_TIME = "out of time: invoke again"
_FAILED_AGAIN = "failed again"
_NO_ANSWER = "no answer in time, perhaps processed"

Record = dict[str, Any]

clients: dict[str, Any] = {}
"""Created at the first invocation, and kept: importing boto3 takes longer than a request does."""


def handle(event: Mapping[str, Any] | None, context: Any) -> dict[str, Any]:
    """Redrive the destination that the environment names.

    Args:
        event: `max_records`: how many records to send at most, also if they fail again; without it, all.
        context: Of Lambda.

    Returns:
        As `redrive`.

    Raises:
        ValueError: The event asks for something else.
        RuntimeError: Another run has not ended yet.
    """
    asked = dict(event or {})
    max_records = asked.pop("max_records", None)
    if asked:
        raise ValueError(f"the event may have max_records, and nothing else: {sorted(asked)}")
    seconds = float(os.environ["REDRIVE_FUNCTION_SECONDS"])
    function = Function(_client("lambda", seconds), os.environ["REDRIVE_FUNCTION"])

    def has_time() -> bool:
        return bool(
            context.get_remaining_time_in_millis() / 1000 > min(seconds, _RUN_SECONDS / 2) + _MARGIN_SECONDS
        )

    if "REDRIVE_BUCKET" in os.environ:
        bucket = BucketOfFailures(_client("s3"), os.environ["REDRIVE_BUCKET"], os.environ["REDRIVE_PREFIX"])
        with bucket.locked():
            return redrive(bucket, function, max_records=max_records, has_time=has_time)
    stream = os.environ["REDRIVE_STREAM"]
    queue = QueueOfFailures(
        _client("sqs"),
        os.environ["REDRIVE_QUEUE_URL"],
        function=function.arn,
        stream=stream,
        read=TableStream(_client("dynamodbstreams"), stream).read
        if ":dynamodb:" in stream
        else KinesisStream(_client("kinesis"), stream).read,
    )
    return redrive(queue, function, max_records=max_records, has_time=has_time)


def _client(service: str, seconds: float = 0) -> Any:
    if service not in clients:
        # An invocation without an answer must not be repeated: boto3 would, after a minute.
        config = import_module("botocore.config").Config(
            read_timeout=seconds + _MARGIN_SECONDS, retries={"total_max_attempts": 1}
        )
        clients[service] = import_module("boto3").client(service, config=config if seconds else None)
    return clients[service]


# --- a run ---------------------------------------------------------------------------------------------


@dataclass
class Batch:
    """Records that failed together, as a destination has them."""

    place: Any
    """What the destination knows it by."""
    records: list[Record]
    reason: str = ""
    """Why it cannot be sent, or empty."""
    count: int = 0
    """How many records it stands for, where they are not there."""
    expired: str = ""
    """Which records the stream does not have any more, if some are missing."""


class Failures(Protocol):
    """An on-failure destination."""

    def batches(self) -> Iterator[Batch]:
        """What is in it, in the order of each shard."""

    def settle(self, batch: Batch, left: list[Record]) -> bool:
        """Remove a batch, but for the records that are left; whether that was possible."""

    def end(self) -> None:
        """Make what was kept available again."""


@dataclass
class Function:
    """The function that gets the records again."""

    client: Any
    arn: str

    def failed_from(self, records: list[Record]) -> tuple[int | None, str]:
        """Invoke it.

        Returns:
            The index of the first record that failed, and why: None if all succeeded, -1 if it is unknown which of
            them failed.
        """
        payload = json.dumps({"Records": records}, separators=(",", ":"), ensure_ascii=False).encode()
        try:
            answer = self.client.invoke(FunctionName=self.arn, Payload=payload)
            body = answer["Payload"].read()
        except Exception as error:  # whatever it is, the records stay and the next ones get their turn
            name = _name(error)
            if name == "RequestTooLargeException":
                return -1, "too large for one invocation"
            return 0, _NO_ANSWER if "Timeout" in name else f"not accepted ({name})"
        if answer.get("FunctionError"):
            return -1, _FAILED_AGAIN
        return _first_failure(records, body), _FAILED_AGAIN


def _name(error: Exception) -> str:
    """What AWS calls an error, or its class."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code") or type(error).__name__)


def _first_failure(records: list[Record], body: bytes) -> int | None:
    """The index of the first failed record, as Lambda reads the answer of a function; -1 for all of them.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
    """
    try:
        failures = (json.loads(body or b"null") or {}).get("batchItemFailures") or []
        failed = {failure["itemIdentifier"] for failure in failures}
    except Exception:  # Lambda takes what it cannot read for a failure of all
        return -1
    if not failed:
        return None
    known = [index for index, record in enumerate(records) if _sequence(record) in failed]
    return known[0] if len(known) == len(failed) else -1


def redrive(
    failures: Failures,
    function: Function,
    *,
    max_records: int | None = None,
    has_time: Callable[[], bool] = lambda: True,
) -> dict[str, Any]:
    """Send the records of an on-failure destination to their function again.

    Args:
        failures: The destination.
        function: The function.
        max_records: How many records to send at most, also if they fail again; None for all.
        has_time: Whether to begin another invocation.

    Returns:
        `redriven`: how many records were processed. `kept`: how many stay in the destination, by reason. `expired`:
        which batches lost records because the stream had deleted them, if there are any. `stopped`: why others may be
        in the destination too, if they may.

    Raises:
        ValueError: `max_records` is not a whole number of 1 or more.
    """
    if max_records is not None and (
        isinstance(max_records, bool) or not isinstance(max_records, int) or max_records < 1
    ):
        raise ValueError(f"max_records must be a whole number of 1 or more, got {max_records!r}")
    run = _Run(function, has_time, max_records)
    unsettled: list[tuple[Batch, list[Record], int]] = []
    expired: list[str] = []
    for batch in failures.batches():
        if batch.expired:
            expired.append(batch.expired)
        if batch.reason:
            run.kept[batch.reason] += batch.count or len(batch.records)
            continue
        if run.stopped:
            break
        left = run.send(batch.records)
        done = len(batch.records) - len(left)
        if done and not failures.settle(batch, left):
            unsettled.append((batch, left, done))
    for batch, left, done in unsettled:
        if not failures.settle(batch, left):
            run.kept[_UNREMOVED] += done
    failures.end()
    answer: dict[str, Any] = {"redriven": run.redriven, "kept": dict(run.kept)}
    if expired:
        answer["expired"] = expired
    if run.stopped:
        answer["stopped"] = run.stopped
    return answer


@dataclass
class _Run:
    function: Function
    has_time: Callable[[], bool]
    max_records: int | None
    redriven: int = 0
    sent: int = 0
    """As many, and those that failed again."""
    kept: Counter[str] = field(default_factory=Counter)
    stopped: str = ""

    def send(self, records: list[Record]) -> list[Record]:
        """Send the records of a batch, in order; those that are left."""
        left: list[Record] = []
        waiting = [records]
        while waiting:
            batch = waiting.pop(0)
            self._look_whether_to_go_on()
            if self.stopped:
                left += batch
                continue
            if self.max_records is not None and len(batch) > self.max_records - self.sent:
                begin = batch[: self.max_records - self.sent]
                waiting.insert(0, batch[len(begin) :])
                batch = begin
            failed, reason = self.function.failed_from(batch)
            if failed is None:
                self._count(len(batch))
            elif failed == -1 and len(batch) > 1:
                middle = len(batch) // 2
                waiting[:0] = [batch[:middle], batch[middle:]]
            elif reason == _FAILED_AGAIN or failed == -1:
                at = max(failed, 0)
                self._count(at, 1, reason)
                left.append(batch[at])
                waiting[:0] = [batch[at + 1 :]] if batch[at + 1 :] else []
            elif reason == _NO_ANSWER:
                self._count(0, len(batch), reason)
                left += batch
            else:
                self.stopped = f"{reason}: invoke again"
                left += batch
        return left

    def _count(self, redriven: int, kept: int = 0, reason: str = "") -> None:
        self.redriven += redriven
        self.sent += redriven + kept
        if kept:
            self.kept[reason] += kept

    def _look_whether_to_go_on(self) -> None:
        if self.stopped:
            return
        if not self.has_time():
            self.stopped = _OUT_OF_TIME
        elif self.max_records is not None and self.sent >= self.max_records:
            self.stopped = f"{self.max_records} were sent: invoke again for more"


# --- a bucket ------------------------------------------------------------------------------------------


@dataclass
class BucketOfFailures:
    """A bucket: each object has a batch, with its records.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
    """

    client: Any
    bucket: str
    prefix: str
    """`aws/lambda/<id of the mapping>/`."""

    def batches(self) -> Iterator[Batch]:
        """Of all objects, in the order of each shard: its objects have their time in seconds in the key."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
        keys = sorted(
            entry["Key"]
            for page in pages
            for entry in page.get("Contents", ())
            if not entry["Key"].endswith(_LOCK)
        )
        for _, at_once in groupby(keys, key=_shard_and_second):
            yield from sorted(
                (self._batch(key) for key in at_once),
                key=lambda batch: int(_sequence(batch.records[0])) if batch.records else 0,
            )

    def _batch(self, key: str) -> Batch:
        try:
            text = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except Exception as error:  # it stays, and the next one gets its turn
            return Batch(key, [], f"not readable: {_name(error)}", 1)
        try:
            failure = json.loads(text)
            payload = failure["payload"]
            records = (json.loads(payload) if isinstance(payload, str) else payload)["Records"]
            [_sequence(record) for record in records]
        except Exception:  # whatever it is, it stays
            return Batch(key, [], "not a failed batch", 1)
        return Batch((key, failure), records)

    def settle(self, batch: Batch, left: list[Record]) -> bool:
        """Delete the object, or write the records that are left over it."""
        key, failure = batch.place
        try:
            if left:
                payload = json.dumps({"Records": left}, separators=(",", ":"), ensure_ascii=False)
                body = json.dumps({**failure, "payload": payload}).encode()
                self.client.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType="application/json")
            else:
                self.client.delete_object(Bucket=self.bucket, Key=key)
        except Exception:  # it is tried again, and counted at the end
            return False
        return True

    def end(self) -> None:
        """Nothing was hidden."""

    def locked(self, now: Callable[[], float] = time.time) -> "_Lock":
        """Keep other runs away until this one ends, or cannot be running any more."""
        return _Lock(self, now)


def _shard_and_second(key: str) -> tuple[str, str]:
    folder, _, name = key.rpartition("/")
    return folder, name[: len("2026-11-28T09.30.00")]


@dataclass
class _Lock:
    """An object that only one run can create: S3 refuses the second.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """

    failures: BucketOfFailures
    now: Callable[[], float]

    def __enter__(self) -> None:
        client, place = self.failures.client, self._place()
        until = str(self.now() + _RUN_SECONDS).encode()
        try:
            client.put_object(**place, Body=until, IfNoneMatch="*")
        except client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in ("PreconditionFailed", "ConditionalRequestConflict"):
                raise
            held = client.get_object(**place)
            ends = float(held["Body"].read())
            if ends > self.now():
                raise RuntimeError(
                    f"Another run has not ended. If it was killed, invoke again in {ends - self.now():.0f} seconds."
                ) from None
            client.put_object(**place, Body=until, IfMatch=held["ETag"])

    def __exit__(self, *_: object) -> None:
        with suppress(Exception):  # it ends by its own time
            self.failures.client.delete_object(**self._place())

    def _place(self) -> dict[str, str]:
        return {"Bucket": self.failures.bucket, "Key": self.failures.prefix + _LOCK}


# --- a queue -------------------------------------------------------------------------------------------


@dataclass
class QueueOfFailures:
    """A queue: each message names a shard and two sequence numbers, and the stream has the records, for a while.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
    """

    client: Any
    url: str
    function: str
    stream: str
    read: Callable[[str, str, str], list[Record]]
    """Reads a shard from one sequence number to another."""
    _received: dict[str, dict[str, Any]] = field(default_factory=dict)

    def batches(self) -> Iterator[Batch]:
        """Of all messages, in the order of each shard: a standard queue has none of its own."""
        self._receive()
        found = [(message, *self._range(message)) for message in self._received.values()]
        found.sort(key=lambda each: (each[1].get("shardId", ""), int(each[1].get("startSequenceNumber", 0))))
        for message, batch, reason in found:
            if reason:
                yield Batch(message, [], reason, 1)
            else:
                yield self._batch(message, batch)

    def _receive(self) -> None:
        while True:
            answer = self.client.receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=10, VisibilityTimeout=_RUN_SECONDS, WaitTimeSeconds=1
            )
            messages = answer.get("Messages", [])
            self._received.update({message["MessageId"]: message for message in messages})
            if not messages:
                return

    def _range(self, message: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
        try:
            failure = json.loads(message["Body"])
            of_function = failure["requestContext"]["functionArn"]
            batch = failure.get("KinesisBatchInfo") or failure["DDBStreamBatchInfo"]
            int(batch["startSequenceNumber"]), int(batch["endSequenceNumber"]), int(batch["batchSize"])
            of_stream = batch["streamArn"]
        except Exception:  # whatever it is, it stays
            return {}, "not a failed batch"
        if ":".join(of_function.split(":")[:7]) != ":".join(self.function.split(":")[:7]):
            return batch, "of another function"
        if of_stream.partition("/consumer/")[0] != self.stream:
            return batch, "of another stream"
        return batch, ""

    def _batch(self, message: dict[str, Any], batch: dict[str, Any]) -> Batch:
        count = int(batch["batchSize"])
        first, last, shard = batch["startSequenceNumber"], batch["endSequenceNumber"], batch["shardId"]
        try:
            records = self.read(shard, first, last)
        except Exception as error:  # it stays, and the next one gets its turn
            return Batch(message, [], f"not readable: {_name(error)}", count)
        if len(records) > count:
            return Batch(message, [], "not to be told from other records between them", count)
        missing = count - len(records)
        expired = f"{missing} of {count} in {shard}, {first} to {last}" if missing else ""
        return Batch(message, records, "" if records else "expired", count, expired)

    def settle(self, batch: Batch, left: list[Record]) -> bool:
        """Delete the message, after each record that is left got a message of its own, and is left no more."""
        message = batch.place
        try:
            failure = json.loads(message["Body"])
            name = "KinesisBatchInfo" if "KinesisBatchInfo" in failure else "DDBStreamBatchInfo"
            while left:
                number = _sequence(left[0])
                one = {
                    **failure[name],
                    "startSequenceNumber": number,
                    "endSequenceNumber": number,
                    "batchSize": 1,
                }
                self.client.send_message(QueueUrl=self.url, MessageBody=json.dumps({**failure, name: one}))
                left.pop(0)
            self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        except Exception:  # it is tried again, and counted at the end
            return False
        self._received.pop(message["MessageId"])
        return True

    def end(self) -> None:
        """Show the messages again that are kept."""
        for message in self._received.values():
            # What fails here shows up again by itself, after 15 minutes.
            with suppress(Exception):
                self.client.change_message_visibility(
                    QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
                )


# --- streams -------------------------------------------------------------------------------------------

_EMPTY_PAGES = 20
"""After as many the end of an open shard is believed: a page may be empty in the middle of it."""


def _read(
    iterator: Callable[[str], str],
    page: Callable[[str], Mapping[str, Any]],
    first: int,
    last: int,
    *,
    trimmed: tuple[type[Exception], ...],
) -> Iterator[Any]:
    """The records of a shard between two sequence numbers, both included, as far as the stream has them."""
    at: str | None
    try:
        at = iterator("AT_SEQUENCE_NUMBER")
    except trimmed:  # the first is gone, and others may be there
        at = iterator("TRIM_HORIZON")
    empty = 0
    while at and empty < _EMPTY_PAGES:
        answer = page(at)
        for record in answer["Records"]:
            number = int(record.get("SequenceNumber") or record["dynamodb"]["SequenceNumber"])
            if first <= number <= last:
                yield record
            if number >= last:
                return
        empty = 0 if answer["Records"] else empty + 1
        at = answer.get("NextShardIterator")


@dataclass
class KinesisStream:
    """A Kinesis data stream, read by sequence numbers."""

    client: Any
    arn: str

    def read(self, shard: str, first: str, last: str) -> list[Record]:
        """Read records as an event has them; fewer than there were, if some have expired."""

        def iterator(kind: str) -> str:
            begin = {"StartingSequenceNumber": first} if kind == "AT_SEQUENCE_NUMBER" else {}
            found = self.client.get_shard_iterator(
                StreamARN=self.arn, ShardId=shard, ShardIteratorType=kind, **begin
            )
            return str(found["ShardIterator"])

        def page(at: str) -> Mapping[str, Any]:
            found: Mapping[str, Any] = self.client.get_records(StreamARN=self.arn, ShardIterator=at)
            return found

        gone = self.client.exceptions
        try:
            found = list(
                _read(iterator, page, int(first), int(last), trimmed=(gone.InvalidArgumentException,))
            )
        except gone.ResourceNotFoundException:
            return []
        return [self._event(shard, record) for record in found]

    def _event(self, shard: str, record: Mapping[str, Any]) -> Record:
        """As Lambda writes it. Source: https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html."""
        number = record["SequenceNumber"]
        return {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": record["PartitionKey"],
                "sequenceNumber": number,
                "data": base64.b64encode(record["Data"]).decode(),
                "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"].timestamp(),
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{shard}:{number}",
            "eventName": "aws:kinesis:record",
            "awsRegion": self.arn.split(":")[3],
            "eventSourceARN": self.arn,
        }


@dataclass
class TableStream:
    """The stream of a table, read by sequence numbers."""

    client: Any
    arn: str

    def read(self, shard: str, first: str, last: str) -> list[Record]:
        """Read records as an event has them; fewer than there were, if some have expired."""

        def iterator(kind: str) -> str:
            begin = {"SequenceNumber": first} if kind == "AT_SEQUENCE_NUMBER" else {}
            found = self.client.get_shard_iterator(
                StreamArn=self.arn, ShardId=shard, ShardIteratorType=kind, **begin
            )
            return str(found["ShardIterator"])

        def page(at: str) -> Mapping[str, Any]:
            found: Mapping[str, Any] = self.client.get_records(ShardIterator=at)
            return found

        gone = self.client.exceptions
        try:
            found = list(
                _read(iterator, page, int(first), int(last), trimmed=(gone.TrimmedDataAccessException,))
            )
        except gone.ResourceNotFoundException:
            return []
        return [self._event(record) for record in found]

    def _event(self, record: Mapping[str, Any]) -> Record:
        """As Lambda writes it. Source: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html."""
        change = {name: _plain(value) for name, value in record["dynamodb"].items()}
        change["ApproximateCreationDateTime"] = record["dynamodb"]["ApproximateCreationDateTime"].timestamp()
        kept = {
            name: record[name]
            for name in ("eventID", "eventName", "eventVersion", "eventSource", "awsRegion")
        }
        identity = record.get("userIdentity")
        if identity:  # of deletions by time to live
            kept["userIdentity"] = {"type": identity["Type"], "principalId": identity["PrincipalId"]}
        return {**kept, "dynamodb": change, "eventSourceARN": self.arn}


def _plain(value: Any) -> Any:
    """Bytes as base64, as an event has them."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _sequence(record: Mapping[str, Any]) -> str:
    """The sequence number of a record as an event has it."""
    if "kinesis" in record:
        return str(record["kinesis"]["sequenceNumber"])
    return str(record["dynamodb"]["SequenceNumber"])
