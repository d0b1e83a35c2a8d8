"""A poison record never blocks a shard: retries, halves, partial responses, ages, and each shard by itself.

Held to https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html.
Holds `lambda_/stream_poller.py`, `lambda_/streams.py`.
"""

from pathlib import Path
from typing import Any

import pytest

from constructs_lib.local import LocalCloud
from tests.local import stacks
from tests.local.async_stacks import get, to
from tests.local.stream_stacks import batches, consume, discarded

pytestmark = pytest.mark.cloud

PARTIAL = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
BISECT = {"BisectBatchOnFunctionError": True}
TO_QUEUE = {"DestinationConfig": to(failure=get("Bad"))}


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
    infos = discarded(cloud, ids)
    stream = cloud.client("kinesis")
    shard = stream.list_shards(StreamName=ids["Stream"])["Shards"][0]["ShardId"]
    iterator = stream.get_shard_iterator(
        StreamName=ids["Stream"], ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    numbers = [each["SequenceNumber"] for each in stream.get_records(ShardIterator=iterator)["Records"]]
    told = []
    for info in infos:
        assert info["requestContext"]["condition"] == "RetryAttemptsExhausted"
        batch = info["KinesisBatchInfo"]
        first, last = (numbers.index(batch[f"{end}SequenceNumber"]) for end in ("start", "end"))
        assert batch["batchSize"] == last - first + 1
        told.append(f"{records[first : last + 1]} {info['requestContext']['approximateInvokeCount']}")
    assert told == lost
    stacks.remove(cloud, "poison")
