"""Streams as event source mappings read them: a Kinesis stream, one of its consumers, or the stream of a table.

A table's stream has one shard, as MiniStack keeps it. A shard that is split or merged loses its records there.
Sources: https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html,
https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

from ministack.services import dynamodb, dynamodb_streams, kinesis

Raw = dict[str, Any]
"""A record as MiniStack keeps it."""


@dataclass(frozen=True)
class Record:
    """A record of a shard.

    Attributes:
        sequence: Its sequence number.
        arrived: When the stream received it.
        event: As a function receives it.
    """

    sequence: str
    arrived: float
    event: dict[str, Any]


def is_stream(arn: str) -> bool:
    """Whether an event source is a stream."""
    return arn.split(":")[2:3] in (["kinesis"], ["dynamodb"])


def is_consumer(arn: str) -> bool:
    """Whether an event source is a consumer of a Kinesis stream, which reads by enhanced fan-out."""
    return "/consumer/" in arn


def stream_of(arn: str) -> str:
    """The ARN of the stream that an event source reads."""
    return arn.partition("/consumer/")[0]


def end() -> int:
    """A sequence number after those of all records that any stream has."""
    return int(kinesis._next_sequence_number())


def shards(arn: str) -> dict[str, list[Raw]]:
    """The records of each shard, in their order.

    Args:
        arn: The event source's.

    Returns:
        The records by the shard's id; empty if the stream does not exist.
    """
    _, _, service, region, account, resource = arn.split(":", 5)
    name = resource.split("/")[1]
    if service == "dynamodb":
        table = dynamodb._tables.get_scoped(account, region, name)
        if table is None or table.get("LatestStreamArn") != arn:
            return {}
        records = dynamodb.stream_live_records(name, account_id=account, region=region)
        return {dynamodb_streams._DEFAULT_SHARD_ID: records}
    stream = kinesis._streams.get_scoped(account, region, name)
    if stream is None or stream["StreamStatus"] != "ACTIVE":
        return {}
    if is_consumer(arn) and kinesis._consumers.get_scoped(account, region, arn) is None:
        return {}
    return {shard: has["records"] for shard, has in list(stream["shards"].items())}


def unread(records: list[Raw], *, after: int, since: float) -> list[Raw]:
    """The records of a shard that a mapping has not read.

    Args:
        records: Of the shard.
        after: The sequence number of the last one that it has read.
        since: The time of the first one that it reads.
    """
    rest = records[bisect_right(records, after, key=number) :]
    return [raw for raw in rest if arrived(raw) >= since]


def number(raw: Raw) -> int:
    """A record's sequence number."""
    return int(_sequence(raw))


def arrived(raw: Raw) -> float:
    """When the stream received a record."""
    if "dynamodb" in raw:
        return float(raw["dynamodb"]["ApproximateCreationDateTime"])
    return float(raw["ApproximateArrivalTimestamp"])


def record(raw: Raw, *, arn: str, shard: str, role: str) -> Record:
    """Write a record as a function receives it.

    Args:
        raw: The record.
        arn: The event source's.
        shard: The id of its shard.
        role: The function's, in whose name it is read.
    """
    if "dynamodb" in raw:
        return Record(_sequence(raw), arrived(raw), raw)
    event = {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": raw["PartitionKey"],
            "sequenceNumber": raw["SequenceNumber"],
            "data": kinesis._ensure_base64(raw["Data"]),
            "approximateArrivalTimestamp": raw["ApproximateArrivalTimestamp"],
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard}:{raw['SequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": role,
        "awsRegion": arn.split(":")[3],
        "eventSourceARN": arn,
    }
    return Record(_sequence(raw), arrived(raw), event)


def _sequence(raw: Raw) -> str:
    return str(raw["dynamodb"]["SequenceNumber"] if "dynamodb" in raw else raw["SequenceNumber"])
