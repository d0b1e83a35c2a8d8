"""Scenes of DsqlCluster."""

from typing import Final

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from constructs import Construct

from constructs_lib import DsqlCluster
from tests.gallery.parts import live, topic
from tests.gallery.plain_function import function


def dsql_cluster(scope: Construct) -> None:
    DsqlCluster(scope, "Orders")


def dsql_cluster_with_a_migration(stack: Stack) -> None:
    orders = DsqlCluster(
        stack,
        "Orders",
        encryption_key=kms.Key(stack, "Key", enable_key_rotation=True),
        alarm_topic=topic(stack, "Alarms"),
        removal_policy=RemovalPolicy.DESTROY,
    )
    orders.connect(live(function(stack, "Place")))
    orders.connect_administrator(function(stack, "Migrate"))
    orders.connect(function(stack, "Report"), database_role="reports", environment_prefix="ORDERS")


def dsql_cluster_in_a_vpc(stack: Stack) -> None:
    orders = DsqlCluster(stack, "Orders")
    vpc = ec2.Vpc(stack, "Vpc", max_azs=2, nat_gateways=0, restrict_default_security_group=False)
    vpc.add_flow_log("FlowLog")
    endpoint = ec2.InterfaceVpcEndpoint(
        stack,
        "Endpoint",
        vpc=vpc,
        service=ec2.InterfaceVpcEndpointService(orders.vpc_endpoint_service_name, 5432),
        private_dns_enabled=True,
        open=False,
    )
    orders.connect(function(stack, "Place", vpc=vpc), vpc_endpoint=endpoint)


SCENES: Final = (dsql_cluster, dsql_cluster_with_a_migration, dsql_cluster_in_a_vpc)
