"""A CDK app with consumers of a stream and of a table's stream, whose failures go to queues and to a bucket."""

from typing import Any

from aws_cdk import App, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from constructs_lib import KinesisConsumer, TableStreamConsumer

HANDLER = """\
import base64, json, os, boto3

dynamodb = boto3.client("dynamodb")


def handle(event, context):
    for record in event["Records"]:
        if "kinesis" in record:
            number = record["kinesis"]["sequenceNumber"]
            name = base64.b64decode(record["kinesis"]["data"]).decode()
        else:
            number = record["dynamodb"]["SequenceNumber"]
            name = record["dynamodb"]["NewImage"]["id"]["S"]
        if name.startswith("bad") and os.environ["FIXED"] == "no":
            return {"batchItemFailures": [{"itemIdentifier": number}]}
        dynamodb.update_item(
            TableName=os.environ["SEEN"],
            Key={"name": {"S": name}},
            UpdateExpression="ADD times :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )
    return {"batchItemFailures": []}
"""
TEXT = dynamodb.AttributeType.STRING


def main() -> None:
    app = App()
    stack = Stack(app, "Streams")
    stream = kinesis.Stream(
        stack,
        "Stream",
        shard_count=2,
        encryption_key=kms.Key(stack, "StreamKey", removal_policy=RemovalPolicy.DESTROY),
        removal_policy=RemovalPolicy.DESTROY,
    )
    table = dynamodb.Table(
        stack,
        "Table",
        partition_key=dynamodb.Attribute(name="id", type=TEXT),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        stream=dynamodb.StreamViewType.NEW_IMAGE,
        removal_policy=RemovalPolicy.DESTROY,
    )
    CfnOutput(stack, "StreamName", value=stream.stream_name)
    CfnOutput(stack, "TableName", value=table.table_name)
    for name, source, on_failure in (
        ("StreamToQueue", stream, queue(stack, "StreamFailures")),
        ("StreamToBucket", stream, None),
        ("TableToQueue", table, queue(stack, "TableFailures")),
        ("TableToBucket", table, None),
    ):
        seen = dynamodb.Table(
            stack,
            f"{name}Seen",
            partition_key=dynamodb.Attribute(name="name", type=TEXT),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            removal_policy=RemovalPolicy.DESTROY,
        )
        function = lambda_.Function(
            stack,
            f"{name}Function",
            code=lambda_.Code.from_inline(HANDLER),
            handler="index.handle",
            runtime=lambda_.Runtime.PYTHON_3_13,
            environment={"SEEN": seen.table_name, "FIXED": "no"},
            timeout=Duration.seconds(30),
        )
        seen.grant(function, "dynamodb:UpdateItem")
        settings: dict[str, Any] = {"function": function, "on_failure": on_failure, "retry_attempts": 1}
        consumer = (
            KinesisConsumer(stack, name, stream=source, redrive=True, **settings)
            if isinstance(source, kinesis.Stream)
            else TableStreamConsumer(stack, name, table=source, redrive=True, **settings)
        )
        assert consumer.redrive_function is not None
        place = on_failure.queue_url if on_failure else consumer.failure_bucket
        assert place is not None
        for output, value in {
            "Function": function.function_name,
            "Seen": seen.table_name,
            "Redrive": consumer.redrive_function.function_name,
            "Failures": place if isinstance(place, str) else place.bucket_name,
        }.items():
            CfnOutput(stack, f"{name}{output}Name", value=value)
    app.synth()


def queue(stack: Stack, construct_id: str) -> sqs.Queue:
    return sqs.Queue(
        stack,
        construct_id,
        encryption_master_key=kms.Key(stack, f"{construct_id}Key", removal_policy=RemovalPolicy.DESTROY),
        removal_policy=RemovalPolicy.DESTROY,
    )


if __name__ == "__main__":
    main()
