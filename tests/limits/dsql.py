"""The limits of DsqlCluster."""

from typing import Final

from aws_cdk import RemovalPolicy

from constructs_lib import DsqlCluster
from tests.limits.table import Arguments, Limits, args, by_name_instead

_ROWS: list[tuple[str, Arguments, str]] = [
    *by_name_instead(encryption_key="a KMS key", alarm_topic="a topic"),
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

DSQL_LIMITS: Final = Limits(DsqlCluster, otherwise={}, rows=_ROWS)
