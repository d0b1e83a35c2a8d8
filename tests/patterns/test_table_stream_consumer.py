"""The promises that TableStreamConsumer makes alone, one test each; none rests on a snapshot."""

from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Environment, Stack
from aws_cdk import aws_dynamodb as dynamodb

from constructs_lib import TableStreamConsumer
from tests.gallery.parts import key, live
from tests.gallery.plain_function import function
from tests.gallery.streams import ID, table
from tests.patterns.test_stream_consumer import mapping
from tests.template import granted, logical_id, warnings

READING = {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"}


def table_v2(stack: Stack, secret: Any = None) -> dynamodb.TableV2:
    return dynamodb.TableV2(
        stack,
        "Table",
        partition_key=ID,
        dynamo_stream=dynamodb.StreamViewType.NEW_IMAGE,
        encryption=dynamodb.TableEncryptionV2.customer_managed_key(secret) if secret else None,
    )


@pytest.mark.parametrize("version", [1, 2])
def test_the_function_reads_the_stream_of_the_table_and_nothing_else(stack: Stack, version: int) -> None:
    source = table(stack) if version == 1 else table_v2(stack)
    made = TableStreamConsumer(stack, "Made", function=live(stack), table=source)
    name = logical_id(source)
    arn = {"Fn::GetAtt": [name, "StreamArn"]}
    assert made.table is source
    assert mapping(made)["EventSourceArn"] == arn
    role = made.function.role
    assert granted(role, arn) == READING
    streams = {"Fn::Join": ["", [{"Fn::GetAtt": [name, "Arn"]}, "/stream/*"]]}
    assert granted(role, streams) == {"dynamodb:ListStreams"}
    assert granted(role, {"Fn::GetAtt": [name, "Arn"]}) == set(), "it may not read the table"


@pytest.mark.parametrize("version", [1, 2])
def test_the_function_may_decrypt_under_the_key_of_the_table(app: App, version: int) -> None:
    stack = Stack(app, "Ours", env=Environment(account="123456789012", region="us-east-1"))
    secret = key(stack)
    managed = dynamodb.TableEncryption.CUSTOMER_MANAGED
    source = (
        table(stack, encryption=managed, encryption_key=secret) if version == 1 else table_v2(stack, secret)
    )
    made = TableStreamConsumer(stack, "Made", function=live(stack), table=source)
    assert granted(made.function.role, {"Fn::GetAtt": [logical_id(secret), "Arn"]}) == {"kms:Decrypt"}


def test_an_imported_table_is_read_by_the_arn_of_its_stream(stack: Stack) -> None:
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/trips"
    theirs = dynamodb.Table.from_table_attributes(
        stack, "Theirs", table_arn=arn, table_stream_arn=f"{arn}/stream/2026"
    )
    made = TableStreamConsumer(stack, "Made", function=live(stack), table=theirs)
    assert mapping(made)["EventSourceArn"] == f"{arn}/stream/2026"
    assert granted(made.function.role, f"{arn}/stream/2026") == READING
    assert granted(made.function.role, f"{arn}/stream/*") == {"dynamodb:ListStreams"}


def test_numbers_as_text_are_filtered(stack: Stack) -> None:
    made = TableStreamConsumer(
        stack,
        "Made",
        function=live(stack),
        table=table(stack),
        filters=[{"dynamodb": {"NewImage": {"numeric": {"N": ["5"]}}}}],
    )
    assert mapping(made)["FilterCriteria"]["Filters"] == [
        {"Pattern": '{"dynamodb": {"NewImage": {"numeric": {"N": ["5"]}}}}'}
    ], "numeric is the name of an attribute here"


def test_the_number_of_shards_is_not_known(stack: Stack) -> None:
    worker = function(stack, reserved_concurrent_executions=1)
    TableStreamConsumer(stack, "Made", function=worker, table=table(stack), parallelization_factor=10)
    assert warnings(stack) == []


def test_unresolved_tokens_pass(stack: Stack) -> None:
    """CloudFormation will judge what is known only at deployment."""
    number = CfnParameter(stack, "Number", type="Number").value_as_number
    arn = CfnParameter(stack, "StreamArn").value_as_string
    theirs = dynamodb.Table.from_table_attributes(stack, "Theirs", table_name="trips", table_stream_arn=arn)
    made = TableStreamConsumer(
        stack,
        "Made",
        function=live(stack),
        table=theirs,
        batch_size=number,
        max_batching_window=Duration.seconds(number),
        parallelization_factor=number,
        retry_attempts=number,
    )
    assert mapping(made)["EventSourceArn"] == {"Ref": "StreamArn"}
    assert mapping(made)["MaximumRetryAttempts"] == {"Ref": "Number"}
