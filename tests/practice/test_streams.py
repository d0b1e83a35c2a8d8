"""The rules of streams, beside their examples on the page: what they compare, and what they accept."""

import json
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources

from constructs_lib import KinesisConsumer, TableStreamConsumer
from tests.gallery.parts import live, queue
from tests.gallery.plain_function import function
from tests.gallery.streams import ID, stream, table
from tests.practice.report import findings
from tests.practice.test_rules import found, mapping, resources

POISON, DROPPED, NOTHING = "poison-record-blocks-shard", "failed-records-dropped", "filter-matches-nothing"
STREAMS = {
    "a stream": "arn:aws:kinesis:us-east-1:123456789012:stream/positions",
    "a stream consumer": "arn:aws:kinesis:us-east-1:123456789012:stream/positions/consumer/ours:1",
    "a table": "arn:aws:dynamodb:us-east-1:123456789012:table/trips/stream/2026",
}
TO_A_BUCKET = {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::failed"}}}


@pytest.mark.parametrize("source", STREAMS)
@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({}, [POISON]),
        ({"MaximumRetryAttempts": -1}, [POISON]),
        ({"MaximumRetryAttempts": "-1", "MaximumRecordAgeInSeconds": -1} | TO_A_BUCKET, [POISON]),
        ({"MaximumRetryAttempts": 0}, [DROPPED]),
        ({"MaximumRetryAttempts": 5}, [DROPPED]),
        ({"MaximumRecordAgeInSeconds": 3600}, [DROPPED]),
        ({"MaximumRetryAttempts": {"Ref": "Retries"}}, [DROPPED]),
        ({"MaximumRetryAttempts": 5, "DestinationConfig": {"OnSuccess": {"Destination": "x"}}}, [DROPPED]),
        ({"MaximumRetryAttempts": 5} | TO_A_BUCKET, []),
        ({"MaximumRecordAgeInSeconds": 3600} | TO_A_BUCKET, []),
        ({"MaximumRetryAttempts": 5, "DestinationConfig": {"Fn::If": ["A", {"x": 1}, {"y": 2}]}}, []),
    ],
)
def test_limits_and_destinations_of_a_stream_are_looked_at(
    source: str, properties: dict[str, Any], expected: list[str]
) -> None:
    template = resources(M=mapping(EventSourceArn=STREAMS[source], **properties))
    assert found(POISON, DROPPED, Stack=template) == [f"{rule} Stack/M" for rule in expected]


def test_a_queue_blocks_nothing() -> None:
    assert found(POISON, DROPPED, Stack=resources(M=mapping())) == []


def by_hand_of_kinesis(stack: Stack, **arguments: Any) -> None:
    source = sources.KinesisEventSource(
        kinesis.Stream(stack, "Stream"), starting_position=lambda_.StartingPosition.LATEST, **arguments
    )
    function(stack).add_event_source(source)


def by_hand_of_a_table(stack: Stack, **arguments: Any) -> None:
    home = dynamodb.Table(stack, "T", partition_key=ID, stream=dynamodb.StreamViewType.KEYS_ONLY)
    source = sources.DynamoEventSource(home, starting_position=lambda_.StartingPosition.LATEST, **arguments)
    function(stack).add_event_source(source)


@pytest.mark.parametrize("make", [by_hand_of_kinesis, by_hand_of_a_table])
def test_the_sources_of_cdk_are_warned_of(app: App, stack: Stack, make: Any) -> None:
    make(stack)
    KinesisConsumer(stack, "Ours", function=live(function(stack, "Other")), stream=stream(stack, "Other1"))
    (warned,) = findings(app)
    assert (warned.rule, warned.severity) == (POISON, "warning")
    assert "Set MaximumRetryAttempts" in warned.fix


@pytest.mark.parametrize("make", [by_hand_of_kinesis, by_hand_of_a_table])
def test_the_sources_of_cdk_with_limits_and_a_destination_are_accepted(
    app: App, stack: Stack, make: Any
) -> None:
    make(stack, retry_attempts=5, on_failure=sources.SqsDlq(queue(stack)))
    KinesisConsumer(stack, "Ours", function=live(function(stack, "Other")), stream=stream(stack, "Other1"))
    assert findings(app) == []


def test_our_consumers_are_accepted(app: App, stack: Stack) -> None:
    called = live(stack)
    KinesisConsumer(stack, "Positions", function=called, stream=stream(stack), enhanced_fan_out=True)
    wanted = [{"dynamodb": {"NewImage": {"state": {"S": ["completed"]}}}}]
    TableStreamConsumer(stack, "Changes", function=called, table=table(stack), filters=wanted)
    assert findings(app) == []


# --- filters ---------------------------------------------------------------------------------------------

NEW, OLD = ({"dynamodb": {image: {"state": {"S": ["completed"]}}}} for image in ("NewImage", "OldImage"))


@pytest.mark.parametrize("kind", ["Table", "GlobalTable"])
@pytest.mark.parametrize(
    ("view", "pattern", "matches"),
    [
        ("KEYS_ONLY", NEW, False),
        ("OLD_IMAGE", NEW, False),
        ("NEW_IMAGE", NEW, True),
        ("NEW_AND_OLD_IMAGES", NEW, True),
        ("KEYS_ONLY", OLD, False),
        ("NEW_IMAGE", OLD, False),
        ("OLD_IMAGE", OLD, True),
        ("NEW_IMAGE", NEW | {"eventName": ["INSERT"]}, True),
        ("NEW_IMAGE", {"dynamodb": {**NEW["dynamodb"], **OLD["dynamodb"]}}, False),
        ("KEYS_ONLY", {"dynamodb": {"Keys": {"id": {"S": ["a"]}}}}, True),
        ("KEYS_ONLY", {"eventName": ["REMOVE"]}, True),
        ("KEYS_ONLY", {"dynamodb": {"NewImage": {"state": {"S": [{"exists": False}]}}}}, True),
        ("NEW_IMAGE", {"$or": [NEW, OLD]}, True),
        ("KEYS_ONLY", {"$or": [NEW, OLD]}, False),
        ("KEYS_ONLY", {"dynamodb": {"Image": {"state": {"S": ["completed"]}}}}, True),  # not about images
        ("", NEW, True),
    ],
)
def test_filters_are_compared_with_the_view_type(
    kind: str, view: str, pattern: dict[str, Any], matches: bool
) -> None:
    specification = {"StreamSpecification": {"StreamViewType": view}} if view else {}
    source = {"Fn::GetAtt": ["Trips", "StreamArn"]}
    criteria = {"Filters": [{"Pattern": json.dumps(pattern)}]}
    template = resources(
        Trips={"Type": f"AWS::DynamoDB::{kind}", "Properties": specification},
        M=mapping(EventSourceArn=source, FilterCriteria=criteria),
    )
    assert found(NOTHING, Stack=template) == ([] if matches else [f"{NOTHING} Stack/M"])


@pytest.mark.parametrize("pattern", [{"Ref": "Pattern"}, "no JSON", "[]", None])
def test_a_pattern_that_is_not_known_is_accepted(pattern: Any) -> None:
    criteria = {"Filters": [{"Pattern": pattern}]}
    template = resources(
        Trips={
            "Type": "AWS::DynamoDB::Table",
            "Properties": {"StreamSpecification": {"StreamViewType": "KEYS_ONLY"}},
        },
        M=mapping(EventSourceArn={"Fn::GetAtt": ["Trips", "StreamArn"]}, FilterCriteria=criteria),
    )
    assert found(NOTHING, Stack=template) == []


def test_a_filter_of_ours_on_a_table_in_another_stack_fails_synth(app: App, stack: Stack) -> None:
    there = table(Stack(app, "There"), stream=dynamodb.StreamViewType.KEYS_ONLY)
    TableStreamConsumer(stack, "Changes", function=live(stack), table=there, filters=[NEW])
    (wrong,) = findings(app)
    assert (wrong.rule, wrong.severity) == (NOTHING, "error")
    assert "the stream of There/Table does not have: its StreamViewType is KEYS_ONLY." in wrong.text
