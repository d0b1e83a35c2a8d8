"""Completed trips: a queue, the function that stores them, and the table they end up in."""

from pathlib import Path
from typing import Final

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from constructs_lib import PythonFunction, QueueConsumer

_FUNCTIONS = Path(__file__).parent / "functions"


class TripsStack(Stack):
    """Takes completed trips from a queue, computes each fare and stores it once.

    It is a sample: everything in it goes with the stack. In an app of yours leave the removal policies out, and
    queues, table and logs stay.
    """

    consumer: Final[QueueConsumer]
    table: Final[dynamodb.Table]

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)

        self.table = dynamodb.Table(
            self,
            "Trips",
            partition_key=dynamodb.Attribute(name="trip_id", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            removal_policy=RemovalPolicy.DESTROY,
        )
        function = PythonFunction(
            self,
            "CompleteTrip",
            entry=_FUNCTIONS / "complete_trip",
            handler="handler.handle",
            timeout=Duration.seconds(30),
            environment={"TRIPS_TABLE": self.table.table_name},
            log_removal_policy=RemovalPolicy.DESTROY,
        )
        self.table.grant(function, "dynamodb:PutItem")
        self.consumer = QueueConsumer(
            self,
            "CompletedTrips",
            function=function,
            max_concurrency=5,
            removal_policy=RemovalPolicy.DESTROY,
        )

        dead_letters = self.consumer.dead_letter_queue
        CfnOutput(self, "QueueUrl", value=self.consumer.queue.queue_url)
        if dead_letters is not None:
            CfnOutput(self, "DeadLetterQueueUrl", value=dead_letters.queue_url)
        CfnOutput(self, "TableName", value=self.table.table_name)
