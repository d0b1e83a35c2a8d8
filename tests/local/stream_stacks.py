"""Functions that fail as their records say, the streams that they read, and what they saw: for the tests of streams."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from constructs_lib.local import LocalCloud

from . import async_stacks, stacks
from .async_stacks import get

NOTING = """
import base64, json

def handler(event, context):
    records = [json.loads(base64.b64decode(each["kinesis"]["data"])) for each in event["Records"]]
    with open("{log}", "a") as log:
        log.write(json.dumps([each["name"] for each in records]) + "\\n")
    for record in records:
        if record.get("raises"):
            raise ValueError(record["name"])
    if any("reports" in each for each in records):
        failed = [
            each["kinesis"]["sequenceNumber"] for each, record in zip(event["Records"], records) if "reports" in record
        ]
        return {{"batchItemFailures": [{{"itemIdentifier": each}} for each in failed]}}
"""
"""Notes the names of the records of each batch, raises where one has `raises`, reports those that have `reports`."""
OFF = {"Enabled": False}


def mapping(source: Any, **more: Any) -> dict[str, Any]:
    """A mapping of the alias `live`, from the beginning of the stream."""
    properties = {
        "EventSourceArn": source,
        "FunctionName": {"Ref": "Alias"},
        "StartingPosition": "TRIM_HORIZON",
    }
    return {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties | more}


def function(log: Path, code: str = NOTING, **properties: Any) -> dict[str, Any]:
    """A function, its version and its alias `live`."""
    ref = {"Ref": "Function"}
    return {
        "Function": stacks.function(code.format(log=log), **properties),
        "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": ref}},
        "Alias": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {"FunctionName": ref, "FunctionVersion": get("Version", "Version"), "Name": "live"},
        },
    }


def stream(shards: int = 1) -> dict[str, Any]:
    return {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": shards}}


def table() -> dict[str, Any]:
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
        },
    }


def put(cloud: LocalCloud, name: str, records: Iterable[dict[str, Any]], shard: int = 0, of: int = 1) -> None:
    """Put records into one shard of a stream, in their order."""
    key = (2**128 // of) * shard
    for record in records:
        cloud.client("kinesis").put_record(
            StreamName=name, Data=json.dumps(record).encode(), PartitionKey="any", ExplicitHashKey=str(key)
        )


def turn(cloud: LocalCloud, mapping_id: str, *, on: bool) -> None:
    """Turn a mapping on or off."""
    cloud.client("lambda").update_event_source_mapping(UUID=mapping_id, Enabled=on)


def consume(
    cloud: LocalCloud,
    stack: str,
    log: Path,
    records: list[dict[str, Any]],
    *,
    code: str = NOTING,
    **more: Any,
) -> dict[str, str]:
    """Let a mapping read records that are all there when it begins, up to its end.

    Args:
        cloud: Where.
        stack: The stack's name.
        log: Where the function notes the batches.
        records: In their order, in one shard.
        code: The function's.
        more: Properties of the mapping; a destination that is a queue is the resource `Bad`.

    Returns:
        The physical ids of the stack.
    """
    resources = function(log, code) | {
        "Stream": stream(),
        "Bad": {"Type": "AWS::SQS::Queue"},
        "Mapping": mapping(get("Stream"), **OFF, **more),
    }
    ids = stacks.put(cloud, stack, resources)
    put(cloud, ids["Stream"], records)
    turn(cloud, ids["Mapping"], on=True)
    cloud.wait_until_idle()
    return ids


def batches(log: Path) -> list[str]:
    """The names of each batch, in one word."""
    return ["".join(json.loads(line)) for line in log.read_text().splitlines()] if log.exists() else []


def discarded(cloud: LocalCloud, ids: dict[str, str]) -> list[dict[str, Any]]:
    """The records that the queue `Bad` has received."""
    return [json.loads(message["Body"]) for message in async_stacks.messages(cloud, ids["Bad"])]


def sequence_numbers(cloud: LocalCloud, name: str) -> list[str]:
    """The sequence numbers of all records of a stream with one shard."""
    kinesis = cloud.client("kinesis")
    [shard] = kinesis.list_shards(StreamName=name)["Shards"]
    iterator = kinesis.get_shard_iterator(
        StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    return [record["SequenceNumber"] for record in kinesis.get_records(ShardIterator=iterator)["Records"]]
