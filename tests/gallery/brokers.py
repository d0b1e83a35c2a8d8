"""Scenes of KafkaConsumer and BrokerConsumer."""

from datetime import UTC, datetime
from typing import Any, Final

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_msk as msk
from aws_cdk import aws_secretsmanager as secretsmanager

from constructs_lib import BrokerConsumer, KafkaAuthentication, KafkaConsumer
from tests.gallery.parts import key, live, queue, topic
from tests.gallery.plain_function import function

CLUSTER: Final = "arn:aws:kafka:us-east-1:123456789012:cluster/trips/1a2b3c4d-0000-4000-8000-000000000000-5"
THEIR_CLUSTER: Final = CLUSTER.replace("123456789012", "210987654321")
VPC_CONNECTION: Final = (
    "arn:aws:kafka:us-east-1:210987654321:vpc-connection/123456789012/trips/"
    "5e6f7a8b-0000-4000-8000-000000000000-7"
)
BROKER: Final = "arn:aws:mq:us-east-1:123456789012:broker:trips:b-1a2b3c4d-0000-4000-8000-000000000000"
RABBIT: Final = BROKER.replace("broker:trips:b-1a2b3c4d", "broker:rabbit:b-9c8d7e6f")
SERVERS: Final = ("kafka1.example.com:9093", "kafka2.example.com:9093")


def secret(
    stack: Stack, construct_id: str = "Credentials", *, encryption_key: kms.IKey | None = None
) -> secretsmanager.ISecret:
    return secretsmanager.Secret.from_secret_attributes(
        stack,
        construct_id,
        secret_complete_arn=(
            f"arn:aws:secretsmanager:us-east-1:123456789012:secret:AmazonMSK_{construct_id}-AbCdEf"
        ),
        encryption_key=encryption_key,
    )


def network(stack: Stack, subnet_count: int = 2, group_count: int = 1) -> dict[str, Any]:
    """The arguments for brokers in a VPC."""
    zones = [f"us-east-1{'abc'[number % 3]}" for number in range(subnet_count)]
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-12345678",
        availability_zones=zones,
        private_subnet_ids=[f"subnet-{number:08}" for number in range(subnet_count)],
        private_subnet_route_table_ids=[f"rtb-{number:08}" for number in range(subnet_count)],
    )
    groups = [
        ec2.SecurityGroup.from_security_group_id(stack, f"Brokers{number}", f"sg-{number:08}")
        for number in range(group_count)
    ]
    return {"vpc": vpc, "security_groups": groups}


def consumer(stack: Stack, **arguments: Any) -> KafkaConsumer:
    """A consumer of the MSK cluster, unless the arguments name another one."""
    given: dict[str, Any] = {"topic": "trips"} | arguments
    if "function" not in given:
        given["function"] = function(stack)
    if "bootstrap_servers" not in given:
        given = {"cluster_arn": CLUSTER, "authentication": KafkaAuthentication.iam()} | given
    return KafkaConsumer(stack, "Trips", **given)


def kafka_consumer(stack: Stack) -> None:
    consumer(stack)


def kafka_consumer_of_a_serverless_cluster(stack: Stack) -> None:
    cluster = msk.CfnServerlessCluster(
        stack,
        "Cluster",
        cluster_name="trips",
        client_authentication=msk.CfnServerlessCluster.ClientAuthenticationProperty(
            sasl=msk.CfnServerlessCluster.SaslProperty(iam=msk.CfnServerlessCluster.IamProperty(enabled=True))
        ),
        vpc_configs=[
            msk.CfnServerlessCluster.VpcConfigProperty(
                subnet_ids=["subnet-12345678", "subnet-87654321"], security_groups=["sg-12345678"]
            )
        ],
    )
    consumer(stack, function=live(stack), cluster_arn=cluster.attr_arn)


def kafka_consumer_in_provisioned_mode(stack: Stack) -> None:
    consumer(
        stack,
        consumer_group_id="billing",
        starting_position=lambda_.StartingPosition.AT_TIMESTAMP,
        starting_position_timestamp=datetime(2026, 1, 31, tzinfo=UTC),
        batch_size=1000,
        max_batching_window=Duration.seconds(5),
        minimum_pollers=2,
        maximum_pollers=20,
        poller_group="billing-prod",
        retry_attempts=3,
        max_record_age=Duration.days(2),
        schema_registry=event_sources.ConfluentSchemaRegistry(
            schema_registry_uri="https://schemas.example.com",
            authentication_type=lambda_.KafkaSchemaRegistryAccessConfigType.BASIC_AUTH,
            secret=secret(stack, "Schemas"),
            event_record_format=lambda_.EventRecordFormat.JSON,
            schema_validation_configs=[
                lambda_.KafkaSchemaValidationConfig(attribute=lambda_.KafkaSchemaValidationAttribute.VALUE)
            ],
        ),
        filters=[{"value": {"type": ["trip.completed"]}}, {"key": ["billing"]}],
        dead_letter_topic="trips-failed",
        offset_lag=500,
        alarm_topic=topic(stack, "Alarms"),
    )


def kafka_consumer_with_a_secret(stack: Stack) -> None:
    consumer(
        stack,
        authentication=KafkaAuthentication.scram_sha_512(secret(stack, encryption_key=key(stack))),
        on_failure=queue(stack),
    )


def kafka_consumer_of_another_account(stack: Stack) -> None:
    consumer(stack, cluster_arn=THEIR_CLUSTER, vpc_connection_arn=VPC_CONNECTION)


def kafka_consumer_of_brokers_in_a_vpc(stack: Stack) -> None:
    consumer(
        stack,
        bootstrap_servers=SERVERS,
        authentication=KafkaAuthentication.mtls(secret(stack)),
        root_ca_certificate=secret(stack, "Authority"),
        encryption_key=key(stack),
        failed_record_retention=Duration.days(30),
        removal_policy=RemovalPolicy.DESTROY,
        **network(stack),
    )


def kafka_consumer_over_the_internet(stack: Stack) -> None:
    consumer(
        stack,
        function=live(stack),
        bootstrap_servers=SERVERS,
        authentication=KafkaAuthentication.plain(secret(stack)),
        minimum_pollers=1,
        mapping_metrics=False,
        on_failure=topic(stack),
    )


def broker_consumer(stack: Stack) -> None:
    BrokerConsumer(
        stack,
        "Trips",
        function=function(stack),
        broker_arn=BROKER,
        engine="ActiveMQ",
        queue="trips",
        secret=secret(stack),
    )


def broker_consumer_of_rabbitmq(stack: Stack) -> None:
    BrokerConsumer(
        stack,
        "Trips",
        function=live(stack),
        broker_arn=RABBIT,
        engine="RabbitMQ 3",
        queue="trips",
        secret=secret(stack, encryption_key=key(stack)),
        virtual_host="billing",
        batch_size=1000,
        max_batching_window=Duration.seconds(5),
        filters=[{"data": {"type": ["trip.completed"]}}],
        dead_letter_queue="trips-failed",
        queue_size=50,
        alarm_topic=topic(stack, "Alarms"),
    )


def broker_consumer_of_rabbitmq_4(stack: Stack) -> None:
    BrokerConsumer(
        stack,
        "Trips",
        function=function(stack),
        broker_arn=RABBIT.replace("rabbit", "hare"),
        engine="RabbitMQ 4",
        queue="trips",
        secret=secret(stack),
    )


SCENES: Final = (
    kafka_consumer,
    kafka_consumer_of_a_serverless_cluster,
    kafka_consumer_in_provisioned_mode,
    kafka_consumer_with_a_secret,
    kafka_consumer_of_another_account,
    kafka_consumer_of_brokers_in_a_vpc,
    kafka_consumer_over_the_internet,
    broker_consumer,
    broker_consumer_of_rabbitmq,
    broker_consumer_of_rabbitmq_4,
)
