"""Zones with few free drivers: positions on a stream update a table, whose own stream tells of each change."""

from pathlib import Path
from typing import Final

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from constructs import Construct

from constructs_lib import KinesisConsumer, LiveAlias, PythonFunction, TableStreamConsumer

_FUNCTIONS = Path(__file__).parent / "functions"
_SHARDS = 4


class ZonesStack(Stack):
    """Positions of drivers update the zones; a zone whose surge changes is noted.

    `update_zones` reads the stream, and notes each position and the number of free drivers in one transaction. The
    stream of that table invokes `notify_surge`, for the summaries of the zones alone. What fails for good is in a
    bucket of each consumer, from where it can be sent again.

    It is a sample: everything in it is deleted with the stack, but for the two buckets.
    """

    positions: Final[kinesis.Stream]

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)

        self.positions = kinesis.Stream(
            self,
            "Positions",
            shard_count=_SHARDS,
            encryption=kinesis.StreamEncryption.MANAGED,
            removal_policy=RemovalPolicy.DESTROY,
        )
        taken = _table(self, "Taken", "event_id", time_to_live_attribute="expires")
        zones = _table(self, "Zones", "zone", "part", stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES)
        notices = _table(self, "Notices", "zone", "change")

        update = self._function(
            "UpdateZones", {"TAKEN_TABLE": taken.table_name, "ZONES_TABLE": zones.table_name}
        )
        _allow(update, "dynamodb:PutItem", on=taken)
        _allow(update, "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", on=zones)
        update_live = LiveAlias(self, "UpdateZonesLive", function=update)
        consumer = KinesisConsumer(
            self,
            "PositionsConsumer",
            function=update_live.alias,
            stream=self.positions,
            redrive=True,
        )

        notify = self._function("NotifySurge", {"NOTICES_TABLE": notices.table_name})
        _allow(notify, "dynamodb:PutItem", on=notices)
        notify_live = LiveAlias(self, "NotifySurgeLive", function=notify)
        changes = TableStreamConsumer(
            self,
            "ZoneChanges",
            function=notify_live.alias,
            table=zones,
            filters=[{"dynamodb": {"Keys": {"part": {"S": ["summary"]}}}}],
            redrive=True,
        )

        for name, value in {
            "PositionsStream": self.positions.stream_name,
            "TakenTable": taken.table_name,
            "ZonesTable": zones.table_name,
            "NoticesTable": notices.table_name,
            "UpdateZonesName": update.function_name,
            "PositionsMapping": consumer.event_source_mapping.event_source_mapping_id,
            "PositionsFailures": _name(consumer),
            "ZoneChangesFailures": _name(changes),
            "PositionsRedrive": _redrive(consumer),
        }.items():
            CfnOutput(self, name, value=value)

    def _function(self, construct_id: str, environment: dict[str, str]) -> PythonFunction:
        entry = {"UpdateZones": "update_zones", "NotifySurge": "notify_surge"}[construct_id]
        return PythonFunction(
            self,
            construct_id,
            entry=_FUNCTIONS / entry,
            handler="handler.handle",
            environment=environment,
            timeout=Duration.seconds(60),
            log_removal_policy=RemovalPolicy.DESTROY,
        )


def _table(
    scope: Construct,
    construct_id: str,
    partition_key: str,
    sort_key: str | None = None,
    *,
    stream: dynamodb.StreamViewType | None = None,
    time_to_live_attribute: str | None = None,
) -> dynamodb.Table:
    text = dynamodb.AttributeType.STRING
    return dynamodb.Table(
        scope,
        construct_id,
        partition_key=dynamodb.Attribute(name=partition_key, type=text),
        sort_key=None if sort_key is None else dynamodb.Attribute(name=sort_key, type=text),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        stream=stream,
        time_to_live_attribute=time_to_live_attribute,
        removal_policy=RemovalPolicy.DESTROY,
    )


def _allow(function: PythonFunction, *actions: str, on: dynamodb.Table) -> None:
    """These actions and no others: the grants of a table allow more than the functions do."""
    function.add_to_role_policy(iam.PolicyStatement(actions=list(actions), resources=[on.table_arn]))


def _name(consumer: KinesisConsumer | TableStreamConsumer) -> str:
    assert consumer.failure_bucket is not None  # noqa: S101 - the default
    return consumer.failure_bucket.bucket_name


def _redrive(consumer: KinesisConsumer) -> str:
    assert consumer.redrive_function is not None  # noqa: S101 - asked for above
    return consumer.redrive_function.function_name
