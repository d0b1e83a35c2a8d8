"""The alarms of a database behind RDS Proxy.

Sources: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.monitoring.html and
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html
"""

from dataclasses import dataclass

from aws_cdk import Duration, Tokenization
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib.foundation import alarms


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
        period=Duration.seconds(_defaults.ALARM_PERIOD_SECONDS),
    )


def _percent(expression: str, label: str, **metrics: cloudwatch.IMetric) -> cloudwatch.MathExpression:
    return cloudwatch.MathExpression(
        expression=expression,
        label=label,
        using_metrics=metrics,
        period=Duration.seconds(_defaults.ALARM_PERIOD_SECONDS),
    )


def proxy_connections(
    scope: Construct, construct_id: str, *, database: Metrics, send_to: sns.ITopic
) -> cloudwatch.Alarm:
    """Alarm on a proxy that has opened most of the connections that it may.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        database: The database and its proxy.
        send_to: The topic to notify.

    Returns:
        The alarm, in per cent of what `max_connections_percent` allows.
    """
    return alarms.alarm(
        scope,
        construct_id,
        metric=_percent(
            "100 * open / allowed",
            "Connections of the proxy (%)",
            open=database.of_proxy("DatabaseConnections"),
            allowed=database.of_proxy("MaxDatabaseConnectionsAllowed"),
        ),
        threshold=_defaults.PROXY_CONNECTIONS_PERCENT,
        description="The proxy has opened most of the connections that it may: clients are going to wait. Make "
        "transactions shorter, or raise max_connections_percent or the size of the database.",
        send_to=send_to,
    )


def borrow_latency(
    scope: Construct, construct_id: str, *, database: Metrics, send_to: sns.ITopic
) -> cloudwatch.Alarm:
    """Alarm on clients that wait for a connection.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        database: The database and its proxy.
        send_to: The topic to notify.

    Returns:
        The alarm, in microseconds.
    """
    return alarms.alarm(
        scope,
        construct_id,
        metric=database.of_proxy("DatabaseConnectionsBorrowLatency", "Average"),
        threshold=_defaults.BORROW_LATENCY_MICROSECONDS,
        description="Clients of the proxy wait for a database connection: all that it has are in use.",
        send_to=send_to,
    )


def pinned_sessions(
    scope: Construct, construct_id: str, *, database: Metrics, send_to: sns.ITopic
) -> cloudwatch.Alarm:
    """Alarm on connections that serve one client alone.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        database: The database and its proxy.
        send_to: The topic to notify.

    Returns:
        The alarm, in per cent of the connections that the proxy may open.
    """
    return alarms.alarm(
        scope,
        construct_id,
        metric=_percent(
            "100 * pinned / allowed",
            "Pinned connections (%)",
            pinned=database.of_proxy("DatabaseConnectionsCurrentlySessionPinned"),
            allowed=database.of_proxy("MaxDatabaseConnectionsAllowed"),
        ),
        threshold=_defaults.PINNED_SESSIONS_PERCENT,
        description="Clients do what pins a connection to them (SET, prepared statements, temporary tables, "
        "advisory locks): the proxy cannot share it. Its log says which.",
        send_to=send_to,
    )


def database_cpu(
    scope: Construct, construct_id: str, *, database: Metrics, send_to: sns.ITopic
) -> cloudwatch.Alarm:
    """Alarm on a database that is too small for its work.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        database: The database and its proxy.
        send_to: The topic to notify.

    Returns:
        The alarm, in per cent.
    """
    return alarms.alarm(
        scope,
        construct_id,
        metric=database.of_database("CPUUtilization", "Average"),
        threshold=_defaults.DATABASE_CPU_PERCENT,
        description="The database is short of CPU: look for slow queries in its log, or make it larger.",
        send_to=send_to,
    )


def database_connections(
    scope: Construct,
    construct_id: str,
    *,
    database: Metrics,
    proxy_percent: float,
    send_to: sns.ITopic,
) -> cloudwatch.Alarm:
    """Alarm on a database that is about to refuse connections, the proxy's or anybody's.

    No metric says `max_connections`, but the proxy knows its share of it.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        database: The database and its proxy.
        proxy_percent: What share the proxy may use.
        send_to: The topic to notify.

    Returns:
        The alarm, in per cent of `max_connections`.
    """
    return alarms.alarm(
        scope,
        construct_id,
        metric=_percent(
            f"{Tokenization.stringify_number(proxy_percent)} * open / allowed",
            "Connections of the database (%)",
            open=database.of_database("DatabaseConnections", "Maximum"),
            allowed=database.of_writer("MaxDatabaseConnectionsAllowed"),
        ),
        threshold=_defaults.DATABASE_CONNECTIONS_PERCENT,
        description="The database has most of its max_connections open, through the proxy and beside it: it is "
        "going to refuse more.",
        send_to=send_to,
    )


def free_storage(
    scope: Construct,
    construct_id: str,
    *,
    database: Metrics,
    allocated_gib: float,
    send_to: sns.ITopic,
) -> cloudwatch.Alarm:
    """Alarm on an instance whose storage is almost full, and does not grow.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        database: The database and its proxy.
        allocated_gib: What it had at first.
        send_to: The topic to notify.

    Returns:
        The alarm, in bytes.
    """
    return alarms.alarm(
        scope,
        construct_id,
        metric=database.of_database("FreeStorageSpace", "Minimum"),
        threshold=allocated_gib * 2**30 * _defaults.FREE_STORAGE_PERCENT / 100,
        comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
        description="The storage of the database is almost full, and has not grown by itself: it stops when "
        "nothing is left. Raise max_allocated_storage.",
        send_to=send_to,
    )
