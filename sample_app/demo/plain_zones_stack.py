"""Positions read as CDK does it by default, for the demo to show what one bad record does there."""

from aws_cdk import CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from constructs import Construct

from sample_app.demo.positions import ZONES

_HANDLER = """\
import base64, json, os, time, boto3

zones = os.environ["ZONES"].split(",")
dynamodb = boto3.client("dynamodb")


def handle(event, context):
    for record in event["Records"]:
        position = json.loads(base64.b64decode(record["kinesis"]["data"]))
        if position["zone"] not in zones:
            raise ValueError("unknown zone " + position["zone"])
        item = {"event_id": {"S": record["eventID"]}, "taken_at": {"N": str(time.time_ns())}}
        dynamodb.put_item(TableName=os.environ["TAKEN_TABLE"], Item=item)
"""


class PlainZonesStack(Stack):
    """The function and the event source that CDK's own documentation shows, with their defaults."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)

        taken = dynamodb.Table(
            self,
            "Taken",
            partition_key=dynamodb.Attribute(name="event_id", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            removal_policy=RemovalPolicy.DESTROY,
        )
        function = lambda_.Function(
            self,
            "UpdateZones",
            code=lambda_.Code.from_inline(_HANDLER),
            handler="index.handle",
            runtime=lambda_.Runtime.PYTHON_3_13,
            environment={"TAKEN_TABLE": taken.table_name, "ZONES": ",".join(ZONES)},
        )
        taken.grant_write_data(function)
        positions = kinesis.Stream(self, "Positions", shard_count=4, removal_policy=RemovalPolicy.DESTROY)
        function.add_event_source(
            sources.KinesisEventSource(positions, starting_position=lambda_.StartingPosition.TRIM_HORIZON)
        )
        CfnOutput(self, "PlainPositionsStream", value=positions.stream_name)
        CfnOutput(self, "PlainTakenTable", value=taken.table_name)
