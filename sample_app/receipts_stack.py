"""Receipts of finished trips: made asynchronously, so that nothing gets lost on the way, and downloaded by partners."""

from pathlib import Path
from typing import Final

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from constructs_lib import (
    AsyncDestinations,
    BucketEvents,
    EventRule,
    FunctionEndpoint,
    KillSwitch,
    LiveAlias,
    PythonFunction,
)

_FUNCTIONS = Path(__file__).parent / "functions"
_RECEIPTS = "receipts/"


class ReceiptsStack(Stack):
    """A finished trip on a bus makes a receipt; the receipt is archived, and its rider is told.

    The bus calls `make_receipt`, which writes an object. Its success goes to a second bus, from where
    `notify_rider` puts an item into the rider's inbox; its failure goes to a queue, from where it can be sent again.
    The object in the bucket calls `archive_receipt`. Partners call `download_receipt` at a function URL, and sign their
    requests. All calls are to aliases, and so are all destinations.

    It is a sample: everything in it goes with the stack, but for the two buckets, which hold receipts.
    """

    trips: Final[events.EventBus]
    results: Final[AsyncDestinations]
    downloads: Final[FunctionEndpoint]

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)

        self.trips = events.EventBus(self, "Trips")
        receipts, archive = _bucket(self, "Receipts"), _bucket(self, "Archive")
        inbox = dynamodb.Table(
            self,
            "Inbox",
            partition_key=dynamodb.Attribute(name="rider_id", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="trip_id", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            removal_policy=RemovalPolicy.DESTROY,
        )

        make_receipt = self._function(
            "MakeReceipt", entry="make_receipt", environment={"RECEIPTS_BUCKET": receipts.bucket_name}
        )
        _allow(make_receipt, "s3:PutObject", on=receipts.arn_for_objects(f"{_RECEIPTS}*"))
        make_live = LiveAlias(self, "MakeReceiptLive", function=make_receipt)
        made = events.EventBus(self, "Made")
        EventRule(
            self,
            "FinishedTrips",
            function=make_live.alias,
            event_bus=self.trips,
            event_pattern=events.EventPattern(detail_type=["Trip finished"]),
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.results = AsyncDestinations(
            self,
            "ReceiptResults",
            function=make_live.alias,
            on_success=made,
            redrive=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        # What writes to a bucket that others listen to is worth a switch; a person decides whether to pull it.
        KillSwitch(
            self,
            "MakeReceiptSwitch",
            function=make_receipt,
            invocations_per_minute=6000,
        )

        notify_rider = self._function(
            "NotifyRider", entry="notify_rider", environment={"INBOX_TABLE": inbox.table_name}
        )
        _allow(notify_rider, "dynamodb:PutItem", on=inbox.table_arn)
        notify_live = self._live(notify_rider)
        EventRule(
            self,
            "MadeReceipts",
            function=notify_live.alias,
            event_bus=made,
            event_pattern=events.EventPattern(detail_type=["Lambda Function Invocation Result - Success"]),
            event=events.RuleTargetInput.from_event_path("$.detail.responsePayload"),
            removal_policy=RemovalPolicy.DESTROY,
        )

        archive_receipt = self._function(
            "ArchiveReceipt", entry="archive_receipt", environment={"ARCHIVE_BUCKET": archive.bucket_name}
        )
        _allow(archive_receipt, "s3:GetObject", on=receipts.arn_for_objects(f"{_RECEIPTS}*"))
        _allow(archive_receipt, "s3:PutObject", on=archive.arn_for_objects(f"{_RECEIPTS}*"))
        archive_live = self._live(archive_receipt)
        BucketEvents(
            self,
            "NewReceipts",
            function=archive_live.alias,
            bucket=receipts,
            prefix=_RECEIPTS,
            removal_policy=RemovalPolicy.DESTROY,
        )

        download_receipt = self._function(
            "DownloadReceipt", entry="download_receipt", environment={"ARCHIVE_BUCKET": archive.bucket_name}
        )
        _allow(download_receipt, "s3:GetObject", on=archive.arn_for_objects(f"{_RECEIPTS}*"))
        # Without it, S3 does not say of a receipt that it is not there.
        _allow(download_receipt, "s3:ListBucket", on=archive.bucket_arn)
        download_live = LiveAlias(self, "DownloadReceiptLive", function=download_receipt)
        self.downloads = FunctionEndpoint(self, "Downloads", alias=download_live.alias)
        download_live.add_rollback_alarm(self.downloads.server_errors_alarm)

        redrive = self.results.redrive_function
        assert redrive is not None  # noqa: S101 - asked for above
        assert self.results.failure_queue is not None  # noqa: S101
        for name, value in {
            "TripsBus": self.trips.event_bus_name,
            "MadeBus": made.event_bus_name,
            "ReceiptsBucket": receipts.bucket_name,
            "ArchiveBucket": archive.bucket_name,
            "InboxTable": inbox.table_name,
            "MakeReceiptName": make_receipt.function_name,
            "MakeReceiptLogs": make_receipt.log_group.log_group_name,
            "FailureQueueUrl": self.results.failure_queue.queue_url,
            "RedriveName": redrive.function_name,
            "DownloadsUrl": self.downloads.url,
            "DownloadsAlias": download_live.alias.function_arn,
            "DownloadReceiptName": download_receipt.function_name,
        }.items():
            CfnOutput(self, name, value=value)

    # No reserved concurrency: there is nothing behind these functions that more calls at once could hurt.
    def _function(self, construct_id: str, *, entry: str, environment: dict[str, str]) -> PythonFunction:
        return PythonFunction(
            self,
            construct_id,
            entry=_FUNCTIONS / entry,
            handler="handler.handle",
            environment=environment,
            timeout=Duration.seconds(15),
            log_removal_policy=RemovalPolicy.DESTROY,
        )

    def _live(self, function: PythonFunction) -> LiveAlias:
        """An alias whose failed events are kept."""
        name = function.node.id
        live = LiveAlias(self, f"{name}Live", function=function)
        AsyncDestinations(
            self,
            f"{name}Results",
            function=live.alias,
            removal_policy=RemovalPolicy.DESTROY,
        )
        return live


def _bucket(scope: Construct, construct_id: str) -> s3.Bucket:
    return s3.Bucket(
        scope,
        construct_id,
        enforce_ssl=True,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption=s3.BucketEncryption.S3_MANAGED,
        versioned=True,
    )


def _allow(function: PythonFunction, action: str, *, on: str) -> None:
    """One action: the grants of a bucket and a table allow some more than these functions do."""
    function.add_to_role_policy(iam.PolicyStatement(actions=[action], resources=[on]))
