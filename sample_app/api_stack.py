"""The API: trips come in, and drivers ask what they have earned."""

from pathlib import Path
from typing import Final

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from constructs import Construct

from constructs_lib import (
    Authorization,
    LiveAlias,
    ProvisionedApi,
    ProxiedDatabase,
    PythonFunction,
    QueueConsumer,
)

_FUNCTIONS = Path(__file__).parent / "functions"


class ApiStack(Stack):
    """A REST API in front of two live aliases, each released by a canary that rolls itself back.

    `POST /trips` accepts a trip and puts it on the queue; `GET /drivers/{driver_id}/earnings` reads the database.
    Callers sign their requests. It is a sample: everything in it goes with the stack.
    """

    api: Final[ProvisionedApi]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        database: ProxiedDatabase,
        consumer: QueueConsumer,
    ) -> None:
        super().__init__(scope, construct_id)

        accept_trip = PythonFunction(
            self,
            "AcceptTrip",
            entry=_FUNCTIONS / "accept_trip",
            handler="handler.handle",
            timeout=Duration.seconds(10),
            environment={"QUEUE_URL": consumer.queue.queue_url},
            reserved_concurrent_executions=60,
            log_removal_policy=RemovalPolicy.DESTROY,
        )
        consumer.grant_send_messages(accept_trip)
        driver_earnings = PythonFunction(
            self,
            "DriverEarnings",
            entry=_FUNCTIONS / "driver_earnings",
            handler="handler.handle",
            include_runtime=True,
            vpc=database.vpc,
            timeout=Duration.seconds(10),
            reserved_concurrent_executions=60,
            log_removal_policy=RemovalPolicy.DESTROY,
        )
        database.connect(driver_earnings)

        # Somebody waits for the answer: the first environments are warm before the first request.
        accept_live = LiveAlias(self, "AcceptTripLive", function=accept_trip, provisioned_concurrency=2)
        earnings_live = LiveAlias(
            self, "DriverEarningsLive", function=driver_earnings, provisioned_concurrency=2
        )
        self.api = ProvisionedApi(
            self,
            "Api",
            routes={
                "POST /trips": accept_live.alias,
                "GET /drivers/{driver_id}/earnings": earnings_live.alias,
            },
            authorization=Authorization.iam(),
            account_log_role=True,  # it stays when the stack goes: other APIs of the account may use it
            log_removal_policy=RemovalPolicy.DESTROY,
        )

        CfnOutput(self, "ApiUrl", value=self.api.url)
        CfnOutput(self, "DriverEarningsName", value=driver_earnings.function_name)
