"""Scenes of ProxiedDatabase, and of functions in a VPC."""

from typing import Any, Final

from aws_cdk import Duration, RemovalPolicy, Stack, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import ProxiedDatabase
from tests.gallery.plain_function import function

POSTGRES: Final = rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_17_6)
MYSQL: Final = rds.DatabaseInstanceEngine.mysql(version=rds.MysqlEngineVersion.VER_8_4_6)
AURORA_POSTGRES: Final = rds.DatabaseClusterEngine.aurora_postgres(
    version=rds.AuroraPostgresEngineVersion.VER_17_5
)
AURORA_MYSQL: Final = rds.DatabaseClusterEngine.aurora_mysql(version=rds.AuroraMysqlEngineVersion.VER_3_10_0)


def database(scope: Construct, construct_id: str = "Database", **arguments: Any) -> ProxiedDatabase:
    """A PostgreSQL instance with all defaults, for scenes and tests that are about something else."""
    return ProxiedDatabase(scope, construct_id, **({"engine": POSTGRES} | arguments))


def proxied_database(scope: Construct) -> None:
    trips = database(scope)
    trips.connect(function(scope, vpc=trips.vpc, reserved_concurrent_executions=50))
    trips.connect_administrator(function(scope, "Migrate", vpc=trips.vpc, reserved_concurrent_executions=1))


def proxied_database_for_a_demo(stack: Stack) -> None:
    database(stack, multi_az=False, removal_policy=RemovalPolicy.DESTROY, max_connections=200)


def proxied_mysql(stack: Stack) -> None:
    trips = database(stack, engine=MYSQL, authentication="secret")
    trips.connect(function(stack, vpc=trips.vpc, reserved_concurrent_executions=50))


def proxied_aurora_postgres(stack: Stack) -> None:
    trips = database(stack, engine=AURORA_POSTGRES, readers=2, min_capacity=1, max_capacity=16, max_azs=3)
    trips.connect(function(stack, vpc=trips.vpc, reserved_concurrent_executions=50), reader=True)


def proxied_aurora_mysql(stack: Stack) -> None:
    database(stack, engine=AURORA_MYSQL)


def proxied_database_with_alternating_users(stack: Stack) -> None:
    key = kms.Key(stack, "Key", enable_key_rotation=True)
    trips = database(
        stack,
        authentication="secret",
        alternating_users=True,
        rotation_interval=Duration.days(7),
        encryption_key=key,
    )
    trips.connect(function(stack, vpc=trips.vpc, reserved_concurrent_executions=50))
    trips.connect_administrator(function(stack, "Migrate", vpc=trips.vpc, reserved_concurrent_executions=1))


def proxied_database_end_to_end_iam(stack: Stack) -> None:
    trips = database(stack, authentication="end-to-end-iam")
    live = lambda_.Alias(
        stack,
        "Live",
        alias_name="live",
        version=function(stack, vpc=trips.vpc, reserved_concurrent_executions=50).current_version,
    )
    trips.connect(live)
    trips.connect_administrator(function(stack, "Migrate", vpc=trips.vpc, reserved_concurrent_executions=1))


def proxied_database_with_everything_said(stack: Stack) -> None:
    trips = database(
        stack,
        nat_gateways=1,
        interface_endpoints=["sqs", "states"],
        database_name="trips",
        application_user="trip_writer",
        master_user="owner",
        rotation_interval=Duration.days(90),
        port=6543,
        instance_type=ec2.InstanceType("r8g.large"),
        allocated_storage=400,
        max_allocated_storage=1000,
        allow_major_version_upgrade=True,
        max_connections=500,
        max_connections_percent=60,
        max_idle_connections_percent=10,
        borrow_timeout=Duration.seconds(5),
        idle_client_timeout=Duration.minutes(10),
        backup_retention=Duration.days(35),
        engine_lifecycle_support=rds.EngineLifecycleSupport.OPEN_SOURCE_RDS_EXTENDED_SUPPORT_DISABLED,
        deletion_protection=False,
        removal_policy=RemovalPolicy.RETAIN,
        encryption_key=kms.Key(stack, "Key", enable_key_rotation=True),
        alarm_topic=sns.Topic.from_topic_arn(stack, "Alarms", "arn:aws:sns:us-east-1:123456789012:alarms"),
    )
    trips.connect(function(stack, vpc=trips.vpc, reserved_concurrent_executions=250))


def proxied_database_in_a_tagged_stack(stack: Stack) -> None:
    Tags.of(stack).add("CostCentre", "rides")
    trips = database(
        stack, engine=AURORA_POSTGRES, readers=1, availability_zones=["us-east-1a", "us-east-1c"]
    )
    trips.connect(function(stack, vpc=trips.vpc, reserved_concurrent_executions=50), reader=True)


def proxied_database_from_a_snapshot(stack: Stack) -> None:
    database(stack, snapshot_identifier="arn:aws:rds:us-east-1:123456789012:snapshot:before-the-flood")


def proxied_aurora_from_a_snapshot(stack: Stack) -> None:
    database(
        stack,
        engine=AURORA_MYSQL,
        snapshot_identifier="arn:aws:rds:us-east-1:123456789012:cluster-snapshot:before-the-flood",
        encryption_key=kms.Key(stack, "Key", enable_key_rotation=True),
    )


def proxy_of_an_existing_instance(stack: Stack) -> None:
    vpc = imported_vpc(stack)
    theirs = imported_instance(stack)
    trips = ProxiedDatabase(
        stack,
        "Database",
        database=theirs,
        vpc=vpc,
        database_name="trips",
        master_secret=secretsmanager.Secret.from_secret_complete_arn(stack, "Master", secret_arn("master")),
        interface_endpoints=["secretsmanager"],
    )
    trips.connect(function(stack, vpc=vpc, reserved_concurrent_executions=50))
    trips.connect_administrator(function(stack, "Migrate", vpc=vpc, reserved_concurrent_executions=1))


def proxy_of_an_existing_cluster(stack: Stack) -> None:
    vpc = imported_vpc(stack, vpc_id="vpc-0123456789abcdef1")
    theirs = rds.DatabaseCluster.from_database_cluster_attributes(
        stack,
        "Theirs",
        cluster_identifier="trips",
        cluster_endpoint_address="trips.cluster-abc.us-east-1.rds.amazonaws.com",
        port=3307,
        engine=AURORA_MYSQL,
        security_groups=[ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-0123456789abcdef0")],
    )
    trips = ProxiedDatabase(
        stack,
        "Database",
        database=theirs,
        vpc=vpc,
        database_name="trips",
        authentication="secret",
        application_user="writer",
        application_secret=secretsmanager.Secret.from_secret_complete_arn(
            stack, "Writer", secret_arn("writer")
        ),
        readers=1,
        interface_endpoints=["secretsmanager"],
    )
    trips.connect(function(stack, vpc=vpc, reserved_concurrent_executions=50), reader=True)


def secret_arn(name: str) -> str:
    return f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{name}-AbCdEf"


def imported_vpc(stack: Stack, **attributes: Any) -> ec2.IVpc:
    """A VPC that was made elsewhere."""
    known: dict[str, Any] = {
        "vpc_id": "vpc-0123456789abcdef0",
        "vpc_cidr_block": "10.1.0.0/16",
        "availability_zones": ["us-east-1a", "us-east-1b"],
        "isolated_subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    }
    return ec2.Vpc.from_vpc_attributes(stack, "TheirVpc", **(known | attributes))


def imported_instance(stack: Stack, **attributes: Any) -> rds.IDatabaseInstance:
    """An instance that was made elsewhere."""
    known: dict[str, Any] = {
        "instance_identifier": "trips",
        "instance_endpoint_address": "trips.abc.us-east-1.rds.amazonaws.com",
        "port": 6543,
        "engine": POSTGRES,
        "security_groups": [
            ec2.SecurityGroup.from_security_group_id(stack, "TheirGroup", "sg-0123456789abcdef0")
        ],
    }
    return rds.DatabaseInstance.from_database_instance_attributes(stack, "Theirs", **(known | attributes))


SCENES: Final = (
    proxied_database,
    proxied_database_for_a_demo,
    proxied_mysql,
    proxied_aurora_postgres,
    proxied_aurora_mysql,
    proxied_database_with_alternating_users,
    proxied_database_end_to_end_iam,
    proxied_database_with_everything_said,
    proxied_database_in_a_tagged_stack,
    proxied_database_from_a_snapshot,
    proxied_aurora_from_a_snapshot,
    proxy_of_an_existing_instance,
    proxy_of_an_existing_cluster,
)
