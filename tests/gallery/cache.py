"""Scenes of ServerlessCache."""

from typing import Final

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms

from constructs_lib import ServerlessCache
from tests.gallery.parts import live, topic
from tests.gallery.plain_function import function


def vpc(stack: Stack) -> ec2.Vpc:
    made = ec2.Vpc(stack, "Vpc", max_azs=2, nat_gateways=0, restrict_default_security_group=False)
    made.add_flow_log("FlowLog")
    return made


def serverless_cache(stack: Stack) -> None:
    network = vpc(stack)
    ServerlessCache(stack, "Prices", vpc=network).connect(function(stack, "Quote", vpc=network))


def serverless_cache_of_functions(stack: Stack) -> None:
    network = vpc(stack)
    cache = ServerlessCache(
        stack,
        "Prices",
        vpc=network,
        maximum_data_storage=20,
        maximum_ecpu_per_second=50_000,
        snapshot_retention_limit=7,
        encryption_key=kms.Key(stack, "Key", enable_key_rotation=True),
        alarm_topic=topic(stack, "Alarms"),
        removal_policy=RemovalPolicy.RETAIN,
    )
    cache.connect(live(function(stack, "Quote", vpc=network)), key_prefix="price:")
    cache.connect(
        function(stack, "Refresh", vpc=network),
        key_prefix="price:",
        commands=["+@scripting"],
        environment_prefix="PRICES",
    )


SCENES: Final = (serverless_cache, serverless_cache_of_functions)
