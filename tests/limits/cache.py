"""The limits of ServerlessCache."""

from typing import Final

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2

from constructs_lib import ServerlessCache
from tests.limits.table import Arguments, Limits, args, by_name_instead


def _twice_in_a_zone(stack: Stack) -> dict[str, object]:
    vpc = ec2.Vpc(
        stack,
        "Twice",
        max_azs=2,
        nat_gateways=0,
        subnet_configuration=[
            ec2.SubnetConfiguration(name=name, subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
            for name in ("One", "Other")
        ],
    )
    return {"vpc": vpc}


def _nothing_selected(stack: Stack) -> dict[str, object]:
    vpc = ec2.Vpc(stack, "Isolated", max_azs=2, nat_gateways=0)
    return {"vpc": vpc, "vpc_subnets": ec2.SubnetSelection(subnet_group_name="Private")}


_ROWS: list[tuple[str, Arguments, str]] = [
    *by_name_instead(encryption_key="a KMS key", alarm_topic="a topic", vpc="a VPC"),
    ("no VPC", args(vpc=None), "vpc must be a VPC, got None"),
    ("subnets by their name", args(vpc_subnets="Private"), "vpc_subnets must be an ec2.SubnetSelection"),
    ("no such subnets", _nothing_selected, "vpc_subnets selects nothing in vpc"),
    ("two subnets of a zone", _twice_in_a_zone, "vpc_subnets must be one in each zone, got 4 in 2 zones"),
    ("no storage", args(maximum_data_storage=0), "maximum_data_storage must be 1 to 5,000 GB, got 0"),
    (
        "too much storage",
        args(maximum_data_storage=5001),
        "maximum_data_storage must be 1 to 5,000 GB, got 5,001",
    ),
    (
        "half a GB",
        args(maximum_data_storage=1.5),
        "maximum_data_storage must be a whole number of GB, got 1.5",
    ),
    ("any storage", args(maximum_data_storage=None), "maximum_data_storage must be a number, got None"),
    (
        "few ECPU",
        args(maximum_ecpu_per_second=999),
        "maximum_ecpu_per_second must be 1,000 to 15,000,000 ECPU, got 999",
    ),
    (
        "many ECPU",
        args(maximum_ecpu_per_second=15_000_001),
        "maximum_ecpu_per_second must be 1,000 to 15,000,000 ECPU, got 15,000,001",
    ),
    (
        "fewer than no snapshots",
        args(snapshot_retention_limit=-1),
        "snapshot_retention_limit must be 0 to 35 snapshots, got -1",
    ),
    (
        "many snapshots",
        args(snapshot_retention_limit=36),
        "snapshot_retention_limit must be 0 to 35 snapshots, got 36",
    ),
    (
        "an old version",
        args(major_engine_version="6"),
        "major_engine_version must be the number of a major version",
    ),
    (
        "a minor version",
        args(major_engine_version="7.2"),
        "major_engine_version must be the number of a major",
    ),
    ("a version as a number", args(major_engine_version=8), "major_engine_version must be text"),
    (
        "a removal policy by its name",
        args(removal_policy="destroy"),
        "removal_policy must be a RemovalPolicy other than SNAPSHOT",
    ),
    (
        "a final snapshot",
        args(removal_policy=RemovalPolicy.SNAPSHOT),
        "removal_policy must be a RemovalPolicy other than SNAPSHOT",
    ),
]

CACHE_LIMITS: Final = Limits(
    ServerlessCache,
    otherwise={"vpc": lambda stack: ec2.Vpc(stack, "Network", max_azs=2, nat_gateways=0)},
    rows=_ROWS,
)
