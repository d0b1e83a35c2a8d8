"""Mappings read streams: shard by shard in order, with retries, halves of a batch, partial responses and an age limit.

Each shard waits for its own failing batch, and for no other. A batch is delivered until it succeeds, its retries are
used up, or its records are too old; what is discarded goes to the mapping's destination, and the shard goes on.
A throttled batch, and one whose function or alias was deleted, is tried again and uses up no retry.

With `BisectBatchOnFunctionError` a batch that fails as a whole is halved, and one that fails in part is split where it
has failed. Neither uses up a retry: a new batch begins with all of its retries. Without it, what is left of a batch
after a partial response goes on with those that are left of the whole.

How long AWS waits between two tries is in no document: here it is taken for one second, twice as long each time, up to
a minute. All of these waits run faster, by the same factor as for asynchronous events; ages count them at AWS's pace.
`ParallelizationFactor` is stored and taken for 1, which keeps the order of each partition key too.
MiniStack's own poller retries forever, knows neither halves nor partial responses, and lets each shard of a stream wait
for the others.
Sources: https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html,
https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
"""

import logging
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import lambda_svc

from ..process import in_flight, pace
from . import async_invocation, stream_access, stream_failure, stream_metrics, stream_response, streams
from .called_function import CalledFunction
from .stream_failure import Attempt
from .streams import Record

BATCH_SIZE = 100
_HASTE = 120
_MOST_WAIT = 60

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Batch:
    """What is delivered in one invocation.

    Attributes:
        records: In their order.
        attempts: How often the function ran with it.
        throttled: How often it could not be invoked since it ran.
        last: Its last run; None if it never ran.
    """

    records: Sequence[Record]
    attempts: int = 0
    throttled: int = 0
    last: Attempt | None = None


class _Shard:
    """A shard as one mapping reads it.

    Args:
        account: Of the mapping.
        region: Of the mapping.
        mapping: The mapping, as MiniStack has it.
        shard: The id.
        after: The sequence number after which it begins.
    """

    def __init__(self, account: str, region: str, mapping: dict[str, Any], shard: str, after: int) -> None:
        self._scope = account, region
        self._mapping = mapping
        self._id = shard
        self._done = after
        self._batch: _Batch | None = None
        self._hastened: list[tuple[float, float]] = []
        self._is_busy = False
        self._lock = threading.Lock()

    def look(self) -> None:
        """Begin to read, if there is something to read and nobody does yet."""
        with self._lock:
            if not self._is_busy and self._unread():
                self._is_busy = True
                threading.Thread(target=self._read_to_the_end, daemon=True, name="stream").start()

    def left(self) -> tuple[str, int]:
        """What is left to be read: as a message tells of it, and how many records."""
        function = self._mapping["FunctionArn"].partition(":function:")[2]
        what = f"a record in {self._id} of {self._arn} for {function}"
        batch = self._batch
        if batch is not None and batch.attempts + batch.throttled:
            what += (
                f", where a batch has failed {batch.attempts} times and was throttled {batch.throttled} times"
            )
            limits = self._setting("MaximumRecordAgeInSeconds"), self._setting("MaximumRetryAttempts")
            if limits == (-1, -1):
                what += ", with no limit of retries or age"
        return what, len(self._unread()) if self._function() else 0

    # --- reading ----------------------------------------------------------------------------------------

    @property
    def _arn(self) -> str:
        return str(self._mapping["EventSourceArn"])

    def _setting(self, name: str) -> int:
        value = self._mapping.get(name)
        return -1 if value is None else int(value)

    def _is_on(self) -> bool:
        return self._mapping["UUID"] in _shards and is_enabled(self._mapping)

    def _unread(self) -> list[streams.Raw]:
        since = float(self._mapping.get("StartingPositionTimestamp") or 0)
        return streams.unread(streams.shards(self._arn).get(self._id, []), after=self._done, since=since)

    def _function(self) -> dict[str, Any] | None:
        """The version that the mapping's alias names at this moment, as MiniStack has it."""
        func, config = lambda_svc._get_func_record_for_qualifier(
            self._mapping["FunctionName"], self._mapping.get("Qualifier")
        )
        return func if func and config else None

    def _read_to_the_end(self) -> None:
        with request_scope(*self._scope):
            try:
                while records := self._next():
                    self._deliver_all(records)
            except Exception:
                _log.exception("%s of %s", self._id, self._arn)
                with self._lock:
                    self._is_busy = False

    def _next(self) -> list[streams.Raw]:
        """The next records to deliver; without any, nobody reads from now on."""
        func = self._function()
        may_read = func is not None and stream_access.is_allowed(self._arn, CalledFunction.of(func).role)
        with self._lock:
            unread = self._unread()
            if not unread:
                self._hastened.clear()
                stream_metrics.age_of_stream(self._arn, 0)
            if not (unread and may_read and self._is_on()):
                self._is_busy = False
                return []
            return unread[: int(self._mapping.get("BatchSize") or BATCH_SIZE)]

    def _deliver_all(self, raw: Sequence[streams.Raw]) -> None:
        stream_metrics.count(self._mapping, "PolledEventCount", len(raw))
        func = self._function()
        role = CalledFunction.of(func).role if func else ""
        read = [streams.record(each, arn=self._arn, shard=self._id, role=role) for each in raw]
        kept = lambda_svc._apply_filter_criteria([each.event for each in read], self._mapping)
        wanted = {id(event) for event in kept}
        records = [each for each in read if id(each.event) in wanted]
        if self._mapping.get("FilterCriteria"):
            stream_metrics.count(self._mapping, "FilteredOutEventCount", len(read) - len(records))
        batches = [_Batch(records)] if records else []
        while batches and self._is_on():
            self._batch = batches.pop(0)
            batches[:0] = self._deliver(self._batch)
        self._batch = None
        if not batches:
            self._checkpoint(read[-1])

    def _checkpoint(self, record: Record) -> None:
        self._done = int(record.sequence)
        in_flight.finish()

    # --- one batch --------------------------------------------------------------------------------------

    def _deliver(self, batch: _Batch) -> list[_Batch]:
        """Try once.

        Returns:
            The batches that are left of it, in their order.
        """
        batch = self._without_old_records(batch)
        if not batch.records:
            return []
        func = self._function()
        if func is None:
            return [self._wait(replace(batch, throttled=batch.throttled + 1))]
        function, request = CalledFunction.of(func), str(uuid.uuid4())
        age = self._age(batch.records[-1])
        stream_metrics.age_of_batch(function, age)
        stream_metrics.age_of_stream(self._arn, age)
        stream_metrics.count(self._mapping, "InvokedEventCount", len(batch.records))
        with in_flight.attempt():
            event = {"Records": [record.event for record in batch.records]}
            result = async_invocation.try_once(func, event, request)
        if result.get("throttle"):
            stream_metrics.count(self._mapping, "FailedInvokeEventCount", len(batch.records))
            return [self._wait(replace(batch, throttled=batch.throttled + 1))]
        failed = self._first_failed(result, batch)
        if failed is None:
            self._mapping["LastProcessingResult"] = "OK"
            self._checkpoint(batch.records[-1])
            return []
        self._mapping["LastProcessingResult"] = "PROBLEM: Function call failed"
        stream_metrics.count(self._mapping, "FailedInvokeEventCount", len(batch.records) - failed)
        if failed:
            self._checkpoint(batch.records[failed - 1])
        return self._after_failure(batch, failed, Attempt(request, function.version, result))

    def _first_failed(self, result: dict[str, Any], batch: _Batch) -> int | None:
        if result.get("error"):
            return 0
        if "ReportBatchItemFailures" not in (self._mapping.get("FunctionResponseTypes") or []):
            return None
        return stream_response.first_failed(result.get("body"), [each.sequence for each in batch.records])

    def _after_failure(self, batch: _Batch, failed: int, last: Attempt) -> list[_Batch]:
        left = batch.records[failed:]
        if self._mapping.get("BisectBatchOnFunctionError"):
            if failed:
                return [_Batch(left, last=last)]
            if len(left) > 1:
                middle = len(left) // 2
                return [_Batch(left[:middle], last=last), _Batch(left[middle:], last=last)]
        tried = _Batch(left, batch.attempts + 1, 0, last)
        retries = self._setting("MaximumRetryAttempts")
        if 0 <= retries < tried.attempts:
            self._discard(tried, left, stream_failure.OUT_OF_RETRIES)
            return []
        return [self._wait(tried)]

    def _without_old_records(self, batch: _Batch) -> _Batch:
        most = self._setting("MaximumRecordAgeInSeconds")
        if most < 0:
            return batch
        old = 0
        while old < len(batch.records) and self._age(batch.records[old]) > most:
            old += 1
        if old:
            self._discard(batch, batch.records[:old], stream_failure.TOO_OLD)
        return replace(batch, records=batch.records[old:])

    def _discard(self, batch: _Batch, records: Sequence[Record], condition: str) -> None:
        func = self._function()
        function = CalledFunction.of(func) if func else None
        stream_failure.discard(
            self._mapping,
            self._id,
            records,
            condition,
            attempts=batch.attempts,
            last=batch.last,
            function=function,
        )
        self._checkpoint(records[-1])

    def _wait(self, batch: _Batch) -> _Batch:
        self._batch = batch
        seconds = min(2 ** (batch.attempts + batch.throttled - 1), _MOST_WAIT)
        self._hastened.append((time.time(), seconds * (1 - 1 / _HASTE)))
        time.sleep(seconds / _HASTE)
        return batch

    def _age(self, record: Record) -> float:
        hastened = sum(seconds for when, seconds in self._hastened if when >= record.arrived)
        return pace.since(record.arrived) + hastened


_shards: dict[str, tuple[int, dict[str, _Shard]]] = {}
"""By mapping: the sequence number after which it begins, and the shards that it has seen."""


def install() -> None:
    """Take the place of MiniStack's pollers of streams."""
    lambda_svc._poll_kinesis = _look
    lambda_svc._poll_dynamodb_streams = lambda: False
    in_flight.add(_left)


def begin(mapping: dict[str, Any]) -> None:
    """Read for a mapping from now on.

    Args:
        mapping: A new mapping, as MiniStack has it.
    """
    latest = mapping.get("StartingPosition") == "LATEST"
    _shards[mapping["UUID"]] = streams.end() if latest else 0, {}


def forget(mapping_id: str) -> None:
    """Read no more for a mapping, which is deleted."""
    _shards.pop(mapping_id, None)


def is_enabled(mapping: dict[str, Any]) -> bool:
    """Whether a mapping is on."""
    return bool(mapping.get("Enabled", True))


def _look() -> bool:
    """Whether MiniStack shall look again at once; never: what reads a shard does so until its end."""
    for account, region, shard in _all():
        with request_scope(account, region):
            shard.look()
    return False


def _all() -> Iterator[tuple[str, str, _Shard]]:
    for account, region, mapping in lambda_svc._iter_all_esms():
        after, known = _shards.get(mapping["UUID"], (0, None))
        if known is None or not is_enabled(mapping):
            continue
        for shard in streams.shards(mapping["EventSourceArn"]):
            # At once: two threads may see a shard for the first time.
            yield account, region, known.setdefault(shard, _Shard(account, region, mapping, shard, after))


def _left() -> Iterator[tuple[str, int]]:
    for account, region, shard in list(_all()):
        with request_scope(account, region):
            yield shard.left()
