"""The alarms of a database behind RDS Proxy.

Sources: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.monitoring.html and
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html
"""

from dataclasses import dataclass

from aws_cdk import Tokenization
from aws_cdk import aws_cloudwatch as cloudwatch

from constructs_lib import _defaults, _validation
from constructs_lib.foundation import alarms
from constructs_lib.foundation.alarms import Watch


@dataclass(frozen=True)
class Metrics:
    """Where CloudWatch has the figures of a database and of the proxy before it.

    RDS keeps identifiers in lower case, and CloudWatch tells dimensions apart by case.
    """

    proxy_name: str
    instance_identifier: str | None
    cluster_identifier: str | None

    def of_proxy(self, name: str, statistic: str = "Sum") -> cloudwatch.Metric:
        """A metric of the proxy. Its machines publish one value each, so counts are sums.

        Args:
            name: As AWS calls it.
            statistic: How to put the values of a minute together.

        Returns:
            The metric.
        """
        return _rds(name, statistic, {"ProxyName": self.proxy_name})

    def of_writer(self, name: str, statistic: str = "Sum") -> cloudwatch.Metric:
        """A metric of the proxy, for the database that is written to alone.

        Args:
            name: As AWS calls it.
            statistic: How to put the values of a minute together.

        Returns:
            The metric.
        """
        return _rds(
            name,
            statistic,
            {"ProxyName": self.proxy_name, "TargetGroup": "default", "TargetRole": "READ_WRITE"},
        )

    def of_database(self, name: str, statistic: str) -> cloudwatch.Metric:
        """A metric of the database that is written to.

        Args:
            name: As AWS calls it.
            statistic: How to put the values of a minute together.

        Returns:
            The metric.
        """
        if self.cluster_identifier is not None:
            return _rds(name, statistic, {"DBClusterIdentifier": self.cluster_identifier, "Role": "WRITER"})
        assert self.instance_identifier is not None  # noqa: S101 - it is one or the other
        return _rds(name, statistic, {"DBInstanceIdentifier": self.instance_identifier})


def _rds(name: str, statistic: str, dimensions: dict[str, str]) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/RDS",
        metric_name=name,
        dimensions_map={
            key: value.lower()
            if key.endswith("Identifier") and not _validation.is_unresolved(value)
            else value
            for key, value in dimensions.items()
        },
        statistic=statistic,
        period=alarms.PERIOD,
    )


def _percent(expression: str, label: str, **metrics: cloudwatch.IMetric) -> cloudwatch.MathExpression:
    return cloudwatch.MathExpression(
        expression=expression, label=label, using_metrics=metrics, period=alarms.PERIOD
    )


def proxy_connections(database: Metrics) -> Watch:
    """A proxy that has opened most of the connections that `max_connections_percent` allows, in per cent."""
    return Watch(
        metric=_percent(
            "100 * open / allowed",
            "Connections of the proxy (%)",
            open=database.of_proxy("DatabaseConnections"),
            allowed=database.of_proxy("MaxDatabaseConnectionsAllowed"),
        ),
        threshold=_defaults.PROXY_CONNECTIONS_PERCENT,
        description="The proxy is near its connection limit, and clients will have to wait. Make transactions shorter, "
        "or raise max_connections_percent or the size of the database.",
    )


def borrow_latency(database: Metrics) -> Watch:
    """Clients that wait for a connection, in microseconds."""
    return Watch(
        metric=database.of_proxy("DatabaseConnectionsBorrowLatency", "Average"),
        threshold=_defaults.BORROW_LATENCY_MICROSECONDS,
        description="Clients of the proxy wait for a database connection: all of its connections are in use.",
    )


def pinned_sessions(database: Metrics) -> Watch:
    """Connections that serve one client alone, in per cent of those that the proxy may open."""
    return Watch(
        metric=_percent(
            "100 * pinned / allowed",
            "Pinned connections (%)",
            pinned=database.of_proxy("DatabaseConnectionsCurrentlySessionPinned"),
            allowed=database.of_proxy("MaxDatabaseConnectionsAllowed"),
        ),
        threshold=_defaults.PINNED_SESSIONS_PERCENT,
        description="Clients pin connections to themselves (SET, prepared statements, temporary tables, advisory "
        "locks), and the proxy cannot share them. The log of the proxy shows the statements.",
    )


def database_cpu(database: Metrics) -> Watch:
    """A database that is too small for its work, in per cent."""
    return Watch(
        metric=database.of_database("CPUUtilization", "Average"),
        threshold=_defaults.DATABASE_CPU_PERCENT,
        description="The database is short of CPU: look for slow queries in its log, or make it larger.",
    )


def database_connections(database: Metrics, *, proxy_percent: float) -> Watch:
    """A database that is about to refuse connections, the proxy's or anybody's, in per cent of `max_connections`.

    No metric has `max_connections`, but the proxy knows its share of it.

    Args:
        database: The database and its proxy.
        proxy_percent: What share the proxy may use.
    """
    return Watch(
        metric=_percent(
            f"{Tokenization.stringify_number(proxy_percent)} * open / allowed",
            "Connections of the database (%)",
            open=database.of_database("DatabaseConnections", "Maximum"),
            allowed=database.of_writer("MaxDatabaseConnectionsAllowed"),
        ),
        threshold=_defaults.DATABASE_CONNECTIONS_PERCENT,
        description="The database is near its max_connections, counting connections that do not use the proxy, and "
        "will refuse more.",
    )


def free_storage(database: Metrics, *, allocated_gib: float) -> Watch:
    """An instance whose storage is almost full, and does not grow, in bytes.

    Args:
        database: The database and its proxy.
        allocated_gib: What it had at first.
    """
    return Watch(
        metric=database.of_database("FreeStorageSpace", "Minimum"),
        threshold=allocated_gib * 2**30 * _defaults.FREE_STORAGE_PERCENT / 100,
        comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
        description="The storage of the database is almost full, and has not grown by itself. The database stops when "
        "it is full: raise max_allocated_storage.",
    )
