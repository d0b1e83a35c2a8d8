"""A poison record never blocks a shard: retries, halves, partial responses, ages, and each shard by itself.

Held to https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html.
Holds `lambda_/stream_poller.py`, `lambda_/streams.py`.
"""

import re
import time
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.local import LocalCloud, LocalCloudError
from tests.local import stacks, stream_stacks
from tests.local.async_stacks import get, to
from tests.local.stream_stacks import batches, consume, discarded

pytestmark = pytest.mark.cloud

PARTIAL = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
BISECT = {"BisectBatchOnFunctionError": True}
TO_QUEUE: dict[str, Any] = {"DestinationConfig": to(failure=get("Bad"))}


def named(names: str, **bad: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name} | bad.get(name, {}) for name in names]


RAISES, REPORTS = {"raises": True}, {"reports": True}


@pytest.mark.parametrize(
    ("records", "settings", "seen", "lost"),
    [
        # All of a batch is retried and discarded, and the next one goes on.
        ("abcd", {"MaximumRetryAttempts": 2, "BatchSize": 3}, ["abc", "abc", "abc", "d"], ["abc 3"]),
        ("abcd", {"MaximumRetryAttempts": 0, "BatchSize": 3}, ["abc", "d"], ["abc 1"]),
        # Halves use up no retry.
        (
            "abcd",
            {"MaximumRetryAttempts": 1, **BISECT},
            ["abcd", "ab", "a", "b", "b", "cd"],
            ["b 2"],
        ),
        ("abcd", {"MaximumRetryAttempts": 0, **BISECT}, ["abcd", "ab", "a", "b", "cd"], ["b 1"]),
        # An answer is not read without the setting.
        ("axyd", {"MaximumRetryAttempts": 1}, ["axyd"], []),
        # The lowest number is the checkpoint; what is left has the retries that are left.
        ("axyd", {"MaximumRetryAttempts": 2, **PARTIAL}, ["axyd", "xyd", "xyd"], ["xyd 3"]),
        # With both, what is left is a new batch, and is halved where nothing of it has succeeded.
        (
            "axyd",
            {"MaximumRetryAttempts": 1, **PARTIAL, **BISECT},
            ["axyd", "xyd", "x", "x", "yd", "y", "y", "d"],
            ["x 2", "y 2"],
        ),
    ],
    ids=["retries", "no retry", "halves", "halves, no retry", "unread", "partial", "partial halves"],
)
def test_what_a_function_receives_and_what_is_discarded(
    cloud: LocalCloud,
    tmp_path: Path,
    records: str,
    settings: dict[str, Any],
    seen: list[str],
    lost: list[str],
) -> None:
    log = tmp_path / "log"
    bad = {"b": RAISES, "x": REPORTS, "y": REPORTS}
    ids = consume(cloud, "poison", log, named(records, **bad), **settings, **TO_QUEUE)
    assert batches(log) == seen
    numbers = stream_stacks.sequence_numbers(cloud, ids["Stream"])
    told = []
    for info in discarded(cloud, ids):
        assert info["requestContext"]["condition"] == "RetryAttemptsExhausted"
        batch = info["KinesisBatchInfo"]
        first, last = (numbers.index(batch[f"{end}SequenceNumber"]) for end in ("start", "end"))
        assert batch["batchSize"] == last - first + 1
        told.append(f"{records[first : last + 1]} {info['requestContext']['approximateInvokeCount']}")
    assert told == lost
    stacks.remove(cloud, "poison")


def test_a_shard_waits_for_its_own_failing_batch_alone(cloud: LocalCloud, tmp_path: Path) -> None:
    log = tmp_path / "log"
    resources = stream_stacks.function(log) | {
        "Stream": stream_stacks.stream(2),
        "Mapping": stream_stacks.mapping(get("Stream"), BatchSize=1),
    }
    ids = stacks.put(cloud, "shards", resources)
    stream_stacks.put(cloud, ids["Stream"], named("bc", b=RAISES), shard=0, of=2)
    stream_stacks.put(cloud, ids["Stream"], named("123"), shard=1, of=2)

    def end_it(_: dict[str, int]) -> None:
        seen = batches(log)
        if seen.count("b") > 3 and "3" in seen:
            # Nothing else ends it.
            cloud.client("lambda").update_event_source_mapping(UUID=ids["Mapping"], MaximumRetryAttempts=1)

    cloud.wait_until_idle(meanwhile=end_it)
    seen = batches(log)
    assert [name for name in seen if name in "123"] == ["1", "2", "3"]
    assert seen[-1] == "c"


def test_a_shard_that_is_blocked_is_told_until_its_mapping_is_off(cloud: LocalCloud, tmp_path: Path) -> None:
    resources = stream_stacks.function(tmp_path / "log") | {
        "Stream": stream_stacks.stream(),
        "Mapping": stream_stacks.mapping(get("Stream"), **PARTIAL),
    }
    ids = stacks.put(cloud, "blocked", resources)
    # A partial failure does not count as an error of the function; it finishes nothing either.
    stream_stacks.put(cloud, ids["Stream"], named("x", x=REPORTS))
    told = (
        r"(?s)finished nothing.*- a record in shardId-000000000000 of arn:aws:kinesis:\S+ for \S+:live, "
        r"where a batch has failed \d+ times and was throttled 0 times, with no limit of retries or age: 1"
    )
    began = time.monotonic()

    def fail_if_it_goes_on(_: dict[str, int]) -> None:
        assert time.monotonic() - began < stacks.STUCK_SECONDS

    try:
        with pytest.raises(LocalCloudError, match=told):
            cloud.wait_until_idle(patience=3, meanwhile=fail_if_it_goes_on)
    finally:  # other tests wait in the same cloud
        stream_stacks.turn(cloud, ids["Mapping"], on=False)
    cloud.wait_until_idle()


def test_a_mapping_that_is_deleted_tries_no_longer(cloud: LocalCloud, tmp_path: Path) -> None:
    log = tmp_path / "log"
    resources = stream_stacks.function(log) | {
        "Stream": stream_stacks.stream(),
        "Mapping": stream_stacks.mapping(get("Stream")),
    }
    ids = stacks.put(cloud, "deleted", resources)
    stream_stacks.put(cloud, ids["Stream"], named("b", b=RAISES))

    def delete_it(_: dict[str, int]) -> None:
        if len(batches(log)) > 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        cloud.wait_until_idle(meanwhile=delete_it)
    cloud.client("lambda").delete_event_source_mapping(UUID=ids["Mapping"])
    tried = []
    for retries in (3, 9):  # another one that tries for as long
        another = tmp_path / str(retries)
        consume(cloud, f"tries-{retries}", another, named("b", b=RAISES), MaximumRetryAttempts=retries)
        assert len(batches(another)) == retries + 1
        tried.append(len(batches(log)))
    assert tried[0] == tried[1]


@pytest.mark.parametrize("after", ["errors", "throttling"])
def test_records_that_are_too_old_are_discarded_before_their_next_try(
    cloud: LocalCloud, tmp_path: Path, after: str
) -> None:
    reserved: dict[str, Any] = {"ReservedConcurrentExecutions": 0} if after == "throttling" else {}
    log = tmp_path / "log"
    resources = stream_stacks.function(log, **reserved) | {
        "Stream": stream_stacks.stream(),
        "Bad": {"Type": "AWS::SQS::Queue"},
        "Mapping": stream_stacks.mapping(
            get("Stream"), MaximumRecordAgeInSeconds=60, **TO_QUEUE, **stream_stacks.OFF
        ),
    }
    ids = stacks.put(cloud, f"old-{after}", resources)
    stream_stacks.put(cloud, ids["Stream"], named("ab", b=RAISES))
    stream_stacks.turn(cloud, ids["Mapping"], on=True)
    [record] = discarded(cloud, ids)
    # 1 + 2 + ... + 32 seconds of waiting are more than 60.
    attempts = 6 if after == "errors" else 0
    assert record["requestContext"]["condition"] == "RecordAgeExceeded"
    assert record["requestContext"]["approximateInvokeCount"] == attempts
    assert record["KinesisBatchInfo"]["batchSize"] == 2
    assert ("responseContext" in record) == (after == "errors")
    assert batches(log) == ["ab"] * attempts


def test_a_throttled_batch_uses_up_no_retry(cloud: LocalCloud, tmp_path: Path) -> None:
    log = tmp_path / "log"
    resources = stream_stacks.function(log, ReservedConcurrentExecutions=0) | {
        "Stream": stream_stacks.stream(),
        "Mapping": stream_stacks.mapping(get("Stream"), MaximumRetryAttempts=0),
    }
    ids = stacks.put(cloud, "throttled-stream", resources)
    stream_stacks.put(cloud, ids["Stream"], named("a"))

    def let_it_run(work: dict[str, int]) -> None:
        if any(re.search(r"was throttled ([3-9]|\d\d+) times", what) for what in work):
            cloud.client("lambda").delete_function_concurrency(FunctionName=ids["Function"])

    cloud.wait_until_idle(meanwhile=let_it_run)
    assert batches(log) == ["a"]


TABLE = """
import json

def handler(event, context):
    names = [each["dynamodb"]["Keys"]["id"]["S"] for each in event["Records"]]
    with open("{log}", "a") as log:
        log.write(json.dumps(names) + "\\n")
    if "b" in names:
        raise ValueError(names)
"""


def test_the_stream_of_a_table_is_read_in_the_same_way(cloud: LocalCloud, tmp_path: Path) -> None:
    log = tmp_path / "log"
    for kind in ("Table", "GlobalTable"):
        table = stream_stacks.table() | {"Type": f"AWS::DynamoDB::{kind}"}
        if kind == "GlobalTable":
            table["Properties"]["Replicas"] = [{"Region": "us-east-1"}]
        settings = {"MaximumRetryAttempts": 1, **BISECT, **TO_QUEUE, **stream_stacks.OFF}
        resources = stream_stacks.function(log, TABLE) | {
            "Table": table,
            "Bad": {"Type": "AWS::SQS::Queue"},
            "Mapping": stream_stacks.mapping(get("Table", "StreamArn"), **settings),
        }
        ids = stacks.put(cloud, f"table-{kind.lower()}", resources)
        for name in "abcd":
            cloud.client("dynamodb").put_item(TableName=ids["Table"], Item={"id": {"S": name}})
        stream_stacks.turn(cloud, ids["Mapping"], on=True)
        [record] = discarded(cloud, ids)
        assert record["DDBStreamBatchInfo"]["batchSize"] == 1
        assert batches(log) == ["abcd", "ab", "a", "b", "b", "cd"]
        log.unlink()
