"""Completed trips: a queue, and the function that stores them."""

from pathlib import Path
from typing import Final

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from constructs import Construct

from constructs_lib import ProxiedDatabase, PythonFunction, QueueConsumer

_FUNCTIONS = Path(__file__).parent / "functions"


class TripsStack(Stack):
    """Takes completed trips from a queue, computes each fare and stores it once.

    It is a sample: everything in it goes with the stack. In your own app leave the removal policies out, and
    queues and logs stay.
    """

    consumer: Final[QueueConsumer]

    def __init__(self, scope: Construct, construct_id: str, *, database: ProxiedDatabase) -> None:
        super().__init__(scope, construct_id)

        complete_trip = PythonFunction(
            self,
            "CompleteTrip",
            entry=_FUNCTIONS / "complete_trip",
            handler="handler.handle",
            include_runtime=True,
            vpc=database.vpc,
            timeout=Duration.seconds(30),
            reserved_concurrent_executions=10,
            log_removal_policy=RemovalPolicy.DESTROY,
        )
        database.connect(complete_trip)
        self.consumer = QueueConsumer(
            self,
            "CompletedTrips",
            function=complete_trip,
            max_concurrency=5,
            removal_policy=RemovalPolicy.DESTROY,
        )

        dead_letters = self.consumer.dead_letter_queue
        CfnOutput(self, "CompleteTripName", value=complete_trip.function_name)
        CfnOutput(self, "CompleteTripLogs", value=complete_trip.log_group.log_group_name)
        CfnOutput(self, "QueueUrl", value=self.consumer.queue.queue_url)
        if dead_letters is not None:
            CfnOutput(self, "DeadLetterQueueUrl", value=dead_letters.queue_url)
