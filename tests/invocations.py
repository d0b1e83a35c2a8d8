"""Every way in which a construct of the library invokes a function, or is about one."""

from collections.abc import Callable
from typing import Any

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler

from constructs_lib import (
    AsyncDestinations,
    Authorization,
    BrokerConsumer,
    BucketEvents,
    DurableExecutions,
    EventRule,
    FunctionEndpoint,
    KafkaAuthentication,
    KafkaConsumer,
    KillSwitch,
    KinesisConsumer,
    LiveAlias,
    LoadBalancedFunction,
    ProvisionedApi,
    QueueConsumer,
    ScheduledInvocation,
    TableStreamConsumer,
    TopicSubscription,
    UserPoolTriggers,
)
from tests.gallery.api import certificate
from tests.gallery.brokers import BROKER, CLUSTER, secret
from tests.gallery.database import imported_vpc
from tests.gallery.event_sources import TRIPS
from tests.gallery.parts import bucket, topic
from tests.gallery.plain_function import HANDLERS, function
from tests.gallery.streams import stream, table

HOURLY = scheduler.ScheduleExpression.rate(Duration.hours(1))
APIS = {
    "ProvisionedApi",
    "an authorizer of ProvisionedApi",
    "FunctionEndpoint",
    "LoadBalancedFunction",
    "UserPoolTriggers",
}


def plain(stack: Stack, construct_id: str = "Worker", **arguments: Any) -> lambda_.Function:
    return lambda_.Function(
        stack,
        construct_id,
        runtime=lambda_.Runtime.PYTHON_3_14,
        handler="app.handle",
        code=lambda_.Code.from_asset(str(HANDLERS / "plain")),
        **arguments,
    )


def alias(worker: lambda_.Function) -> lambda_.Alias:
    construct_id = f"{worker.node.id}Live"
    return lambda_.Alias(Stack.of(worker), construct_id, alias_name="live", version=worker.current_version)


def version(worker: lambda_.Function) -> lambda_.Version:
    return worker.current_version


def unqualified(worker: lambda_.Function) -> lambda_.Function:
    return worker


Make = Callable[[Stack, Any], object]
MAKE: dict[str, Make] = {
    "QueueConsumer": lambda s, f: QueueConsumer(s, "Made", function=f),
    "KinesisConsumer": lambda s, f: KinesisConsumer(s, "Made", function=f, stream=stream(s)),
    "TableStreamConsumer": lambda s, f: TableStreamConsumer(s, "Made", function=f, table=table(s)),
    "KafkaConsumer": lambda s, f: KafkaConsumer(
        s,
        "Made",
        function=f,
        topic="trips",
        cluster_arn=CLUSTER,
        authentication=KafkaAuthentication.iam(),
    ),
    "BrokerConsumer": lambda s, f: BrokerConsumer(
        s, "Made", function=f, broker_arn=BROKER, engine="RabbitMQ 3", queue="trips", secret=secret(s)
    ),
    "EventRule": lambda s, f: EventRule(s, "Made", function=f, event_pattern=TRIPS),
    "BucketEvents": lambda s, f: BucketEvents(s, "Made", function=f, bucket=bucket(s)),
    "TopicSubscription": lambda s, f: TopicSubscription(s, "Made", function=f, topic=topic(s)),
    "ScheduledInvocation": lambda s, f: ScheduledInvocation(s, "Made", function=f, schedule=HOURLY),
    "AsyncDestinations": lambda s, f: AsyncDestinations(s, "Made", function=f),
    "AsyncDestinations with redrive": lambda s, f: AsyncDestinations(s, "Made", function=f, redrive=True),
    "a target of AsyncDestinations": lambda s, f: AsyncDestinations(
        s, "Made", function=function(s), on_success=f
    ),
    "KillSwitch": lambda s, f: KillSwitch(s, "Made", function=f, invocations_per_minute=600),
    "LiveAlias": lambda s, f: LiveAlias(s, "Made", function=f),
    "LiveAlias with provisioned concurrency": lambda s, f: LiveAlias(
        s, "Made", function=f, provisioned_concurrency=2
    ),
    "LiveAlias that deletes versions": lambda s, f: LiveAlias(
        s, "Made", function=f, version_removal_policy=RemovalPolicy.DESTROY
    ),
    "DurableExecutions": lambda s, f: DurableExecutions(s, "Made", function=f, starter=True),
    "a hook of LiveAlias": lambda s, f: LiveAlias(s, "Made", function=function(s), before_traffic=f),
    "ProvisionedApi": lambda s, f: ProvisionedApi(
        s,
        "Made",
        routes={"GET /x": f},
        authorization=Authorization.iam(),
        integration_timeout=Duration.seconds(29),
    ),
    "UserPoolTriggers": lambda s, f: UserPoolTriggers(
        s, "Made", user_pool=cognito.UserPool(s, "Users"), triggers={"pre_sign_up": f}
    ),
    "FunctionEndpoint": lambda s, f: FunctionEndpoint(s, "Made", alias=f),
    "LoadBalancedFunction": lambda s, f: LoadBalancedFunction(
        s, "Made", alias=f, vpc=imported_vpc(s), certificate=certificate(s)
    ),
    "an authorizer of ProvisionedApi": lambda s, f: ProvisionedApi(
        s,
        "Made",
        routes={"GET /x": alias(plain(s, "Behind", timeout=Duration.seconds(9)))},
        authorization=Authorization.lambda_authorizer(f),
    ),
}


def accepts(made: str, what: Any) -> bool:
    """Whether the type fits: an API takes aliases alone, a LiveAlias makes its own."""
    if made.startswith("LiveAlias"):
        return what is unqualified
    return what is alias or made not in APIS
