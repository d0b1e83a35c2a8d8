"""Properties of a mapping of a stream, its alias, where it begins, and what a role must be allowed to read.

Held to https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html and
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html.
Holds `lambda_/stream_access.py`, `kinesis/template_types.py`.
"""

import json
import time
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest

from constructs_lib.local import LocalCloud
from tests.local import async_stacks, stacks, stream_stacks
from tests.local.async_stacks import get, to
from tests.local.stream_stacks import batches

pytestmark = pytest.mark.cloud

DECLARED = {
    "BatchSize": 7,
    "MaximumBatchingWindowInSeconds": 1,
    "ParallelizationFactor": 2,
    "MaximumRetryAttempts": 0,
    "MaximumRecordAgeInSeconds": 60,
    "BisectBatchOnFunctionError": True,
    "TumblingWindowInSeconds": 30,
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
    "FilterCriteria": {"Filters": [{"Pattern": '{"data": {"name": ["a"]}}'}]},
    "MetricsConfig": {"Metrics": ["EventCount"]},
}
DEFAULTS = {
    "BatchSize": 100,
    "MaximumBatchingWindowInSeconds": 0,
    "ParallelizationFactor": 1,
    "MaximumRetryAttempts": -1,
    "MaximumRecordAgeInSeconds": -1,
    "BisectBatchOnFunctionError": False,
    "TumblingWindowInSeconds": 0,
    "FunctionResponseTypes": [],
}
READ = ["kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStream", "kinesis:ListShards"]
READ_TABLE = ["dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"]


def test_a_template_sets_each_property_in_place_and_takes_it_back(cloud: LocalCloud, tmp_path: Path) -> None:
    read, found = [], []
    destination = {"DestinationConfig": to(failure=get("Bad"))}
    for more in ({}, DECLARED | destination, {}):
        resources = stream_stacks.function(tmp_path) | {
            "Stream": stream_stacks.stream(),
            "Bad": {"Type": "AWS::SQS::Queue"},
            "Mapping": stream_stacks.mapping(get("Stream"), **more),
        }
        ids = stacks.put(cloud, "properties", resources)
        found.append(ids["Mapping"])
        mapping = cloud.client("lambda").get_event_source_mapping(UUID=ids["Mapping"])
        read.append({name: mapping.get(name) for name in (*DECLARED, "DestinationConfig")})
    absent = {"FilterCriteria": None, "MetricsConfig": None, "DestinationConfig": None}
    queue = f"arn:aws:sqs:us-east-1:000000000000:{ids['Bad'].rpartition('/')[2]}"
    assert read == [DEFAULTS | absent, DECLARED | {"DestinationConfig": to(failure=queue)}, DEFAULTS | absent]
    assert len(set(found)) == 1


def test_the_api_sets_each_property_and_keeps_what_an_update_leaves_out(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    resources = stream_stacks.function(tmp_path) | {"Stream": stream_stacks.stream()}
    arns = stacks.attributes(cloud, "api-mapping", resources, "Stream.Arn", "Alias")
    functions = cloud.client("lambda")
    created = functions.create_event_source_mapping(
        EventSourceArn=arns["Stream.Arn"], FunctionName=arns["Alias"], StartingPosition="TRIM_HORIZON"
    )
    assert {name: created.get(name) for name in DEFAULTS} == DEFAULTS
    functions.update_event_source_mapping(UUID=created["UUID"], **DECLARED)
    updated = functions.update_event_source_mapping(UUID=created["UUID"], BatchSize=8)
    assert {name: updated.get(name) for name in DECLARED} == DECLARED | {"BatchSize": 8}


def test_it_begins_where_it_is_declared_to(cloud: LocalCloud, tmp_path: Path) -> None:
    resources = {"Stream": stream_stacks.stream()}
    found = stacks.attributes(cloud, "positions", resources, "Stream", "Stream.Arn")
    stream_stacks.put(cloud, found["Stream"], [{"name": "a"}])
    time.sleep(0.01)  # records have whole milliseconds
    moment = time.time()
    time.sleep(0.01)
    stream_stacks.put(cloud, found["Stream"], [{"name": "b"}])
    positions: dict[str, dict[str, Any]] = {
        "TRIM_HORIZON": {},
        "AT_TIMESTAMP": {"StartingPositionTimestamp": moment},
        "LATEST": {},
    }
    for position, more in positions.items():
        mapping = stream_stacks.mapping(found["Stream.Arn"], StartingPosition=position, **more)
        function = stream_stacks.function(tmp_path / position)
        stacks.put(cloud, f"positions-{position.replace('_', '-')}", function | {"Mapping": mapping})
    stream_stacks.put(cloud, found["Stream"], [{"name": "c"}])
    cloud.wait_until_idle()
    assert {position: "".join(batches(tmp_path / position)) for position in positions} == {
        "TRIM_HORIZON": "abc",
        "AT_TIMESTAMP": "bc",
        "LATEST": "c",
    }


def test_a_table_has_no_position_at_a_timestamp(cloud: LocalCloud, tmp_path: Path) -> None:
    resources = stream_stacks.function(tmp_path) | {"Table": stream_stacks.table()}
    arns = stacks.attributes(cloud, "no-timestamp", resources, "Table.StreamArn", "Alias")
    with pytest.raises(botocore.exceptions.ClientError, match="InvalidParameterValueException"):
        cloud.client("lambda").create_event_source_mapping(
            EventSourceArn=arns["Table.StreamArn"],
            FunctionName=arns["Alias"],
            StartingPosition="AT_TIMESTAMP",
            StartingPositionTimestamp=time.time(),
        )


WHO = """
def handler(event, context):
    with open("{log}", "a") as log:
        log.write(f"{{context.invoked_function_arn.rpartition(':')[2]}} {{context.function_version}}\\n")
"""


def test_it_follows_its_alias_and_another_alias_of_its_template(cloud: LocalCloud, tmp_path: Path) -> None:
    log = tmp_path / "log"
    for alias, code in (("Alias", WHO), ("Alias", "# 2\n" + WHO), ("Other", "# 2\n" + WHO)):
        function = stream_stacks.function(log, code)
        version = f"Version{code.count('#')}"
        function[version] = function.pop("Version")
        for name in ("live", "other"):
            function["Alias" if name == "live" else "Other"] = {
                "Type": "AWS::Lambda::Alias",
                "Properties": {
                    "FunctionName": {"Ref": "Function"},
                    "FunctionVersion": get(version, "Version"),
                    "Name": name,
                },
            }
        mapping = stream_stacks.mapping(get("Stream"), FunctionName={"Ref": alias})
        ids = stacks.put(cloud, "follows", function | {"Stream": stream_stacks.stream(), "Mapping": mapping})
        stream_stacks.put(cloud, ids["Stream"], [{"name": "any"}])
        cloud.wait_until_idle()
    assert log.read_text().splitlines() == ["live 1", "live 2", "other 2"]


def test_one_that_is_off_reads_on_later_and_one_that_is_deleted_never(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    ids = stream_stacks.consume(cloud, "off", log, [{"name": "a"}])
    seen: set[str] = set()
    stream_stacks.turn(cloud, ids["Mapping"], on=False)
    stream_stacks.put(cloud, ids["Stream"], [{"name": "b"}])
    cloud.wait_until_idle(meanwhile=seen.update)
    assert (batches(log), seen) == (["a"], set())
    stream_stacks.turn(cloud, ids["Mapping"], on=True)
    cloud.wait_until_idle()
    assert batches(log) == ["a", "b"]
    cloud.client("lambda").delete_event_source_mapping(UUID=ids["Mapping"])
    stream_stacks.put(cloud, ids["Stream"], [{"name": "c"}])
    cloud.wait_until_idle(meanwhile=seen.update)
    assert (batches(log), seen) == (["a", "b"], set())


def fan_out(log: Path) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Action": "kinesis:SubscribeToShard",
        "Resource": get("Consumer", "ConsumerARN"),
    }
    consumer = {"StreamARN": get("Stream"), "ConsumerName": "quick"}
    return stream_stacks.function(log) | {
        "Stream": stream_stacks.stream(),
        "Consumer": {"Type": "AWS::Kinesis::StreamConsumer", "Properties": consumer},
        "Policy": {
            "Type": "AWS::Kinesis::ResourcePolicy",
            "Properties": {
                "ResourceArn": {"Ref": "Consumer"},
                "ResourcePolicy": {"Version": "2012-10-17", "Statement": [statement]},
            },
        },
        "Mapping": stream_stacks.mapping({"Ref": "Consumer"}),
    }


def test_a_consumer_of_a_template_reads_its_stream_until_it_is_deleted(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    resources = fan_out(log)
    ids = stacks.put(cloud, "fan-out", resources)
    kinesis = cloud.client("kinesis")
    consumer = kinesis.describe_stream_consumer(ConsumerARN=ids["Consumer"])["ConsumerDescription"]
    assert (consumer["ConsumerName"], consumer["StreamARN"]) == (
        "quick",
        ids["Consumer"].partition("/con")[0],
    )
    policy = json.loads(kinesis.get_resource_policy(ResourceARN=ids["Consumer"])["Policy"])
    assert policy["Statement"][0]["Action"] == "kinesis:SubscribeToShard"
    stream_stacks.put(cloud, ids["Stream"], [{"name": "a"}])
    cloud.wait_until_idle()
    assert batches(log) == ["a"]
    stacks.put(cloud, "fan-out", {"Stream": resources["Stream"]})
    assert kinesis.list_stream_consumers(StreamARN=consumer["StreamARN"])["Consumers"] == []


def test_a_mapping_of_a_deleted_consumer_reads_nothing(cloud: LocalCloud, tmp_path: Path) -> None:
    log = tmp_path / "log"
    ids = stacks.put(cloud, "gone-consumer", fan_out(log))
    cloud.client("kinesis").deregister_stream_consumer(ConsumerARN=ids["Consumer"])
    stream_stacks.put(cloud, ids["Stream"], [{"name": "a"}])
    seen: set[str] = set()
    cloud.wait_until_idle(meanwhile=seen.update)
    assert (batches(log), seen) == ([], set())


@pytest.mark.parametrize(
    ("source", "granted", "words"),
    [
        ("Stream.Arn", [(READ, get("Stream"))], "DescribeStream, ListShards, and ListStreams"),
        (
            "Table.StreamArn",
            [(READ_TABLE, get("Table", "StreamArn")), (["dynamodb:ListStreams"], "*")],
            "DescribeStream, and ListStreams",
        ),
        (
            "Consumer.ConsumerARN",
            [(READ, get("Stream")), (["kinesis:SubscribeToShard"], get("Consumer", "ConsumerARN"))],
            "DescribeStream, ListShards, and ListStreams",
        ),
    ],
)
def test_a_role_that_may_not_read_is_refused(
    strict: LocalCloud, tmp_path: Path, source: str, granted: list[tuple[list[str], Any]], words: str
) -> None:
    logical, attribute = source.split(".")
    consumer = {"StreamARN": get("Stream"), "ConsumerName": "quick"}
    base = stream_stacks.function(tmp_path) | {
        "Stream": stream_stacks.stream(),
        "Table": stream_stacks.table(),
        "Consumer": {"Type": "AWS::Kinesis::StreamConsumer", "Properties": consumer},
    }
    base["Function"]["Properties"]["Role"] = get("Role")
    for missing in range(len(granted)):
        partly = [each for number, each in enumerate(granted) if number != missing]
        role = {"Role": async_stacks.role(*partly)}
        arns = stacks.attributes(strict, f"reads-{logical.lower()}", base | role, source, "Alias")
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            strict.client("lambda").create_event_source_mapping(
                EventSourceArn=arns[source], FunctionName=arns["Alias"], StartingPosition="LATEST"
            )
        error = refused.value.response["Error"]
        assert error["Code"] == "InvalidParameterValueException"
        assert error["Message"] == (
            f"Cannot access stream {arns[source]}. Please ensure the role can perform the GetRecords, "
            f"GetShardIterator, {words} Actions on your stream in IAM."
        )
        mapping = {"Mapping": stream_stacks.mapping(get(logical, attribute))}
        with pytest.raises(AssertionError, match="Cannot access stream"):
            stacks.put(strict, f"reads-{logical.lower()}", base | role | mapping)
    role = {"Role": async_stacks.role(*granted)}
    stacks.put(strict, f"reads-{logical.lower()}", base | role | mapping)


def test_a_role_that_may_read_no_longer_reads_no_longer(strict: LocalCloud, tmp_path: Path) -> None:
    closed, open_ = tmp_path / "closed", tmp_path / "open"
    found = stacks.attributes(strict, "shared", {"Stream": stream_stacks.stream()}, "Stream", "Stream.Arn")

    def put(name: str, log: Path, actions: list[str]) -> None:
        resources = stream_stacks.function(log) | {
            "Role": async_stacks.role((actions, found["Stream.Arn"])),
            "Mapping": stream_stacks.mapping(found["Stream.Arn"]),
        }
        resources["Function"]["Properties"]["Role"] = get("Role")
        stacks.put(strict, name, resources)

    for name, log in (("closed", closed), ("open", open_)):
        put(name, log, READ)
    put("closed", closed, READ[1:])
    for name in "abc":  # one after the other: both mappings have been looked at then
        stream_stacks.put(strict, found["Stream"], [{"name": name}])

        def until_it_is_read(_: dict[str, int], name: str = name) -> None:
            if name in batches(open_):
                raise InterruptedError

        with pytest.raises(InterruptedError):
            strict.wait_until_idle(meanwhile=until_it_is_read)
    assert batches(closed) == []
    put("closed", closed, READ)
    strict.wait_until_idle()
    assert "".join(batches(closed)) == "abc"
