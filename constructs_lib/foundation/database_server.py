"""The database itself: an instance, or an Aurora Serverless v2 cluster."""

from dataclasses import dataclass
from typing import Any, Literal

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from constructs_lib import _defaults

Family = Literal["postgres", "mysql"]
"""What both a secret's `engine` and the drivers call it."""


@dataclass(frozen=True)
class Server:
    """A database, made here or before, as a proxy and its users need to know it."""

    family: Family
    instance: rds.IDatabaseInstance | None
    cluster: rds.IDatabaseCluster | None
    host: str
    port: int
    resource_id: str | None
    """As `rds-db:connect` names it; None where an imported database does not say."""
    master_secret: secretsmanager.ISecret | None

    @property
    def target(self) -> rds.ProxyTarget:
        """What a proxy stands in front of."""
        if self.cluster is not None:
            return rds.ProxyTarget.from_cluster(self.cluster)
        assert self.instance is not None  # noqa: S101 - it is one or the other
        return rds.ProxyTarget.from_instance(self.instance)

    @property
    def connections(self) -> ec2.Connections:
        """Its security groups."""
        part = self.cluster or self.instance
        assert part is not None  # noqa: S101 - it is one or the other
        return part.connections

    def user_arn(self, scope: Construct, user: str) -> str:
        """One user of this database, as `rds-db:connect` wants it.

        Args:
            scope: Where the ARN is needed.
            user: The name of the user.

        Returns:
            The ARN.
        """
        return Stack.of(scope).format_arn(
            service="rds-db",
            resource="dbuser",
            resource_name=f"{self.resource_id}/{user}",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )


@dataclass(frozen=True)
class Settings:
    """What an instance and a cluster have in common."""

    vpc: ec2.IVpc
    vpc_subnets: ec2.SubnetSelection | None
    security_group: ec2.ISecurityGroup
    database_name: str
    port: int
    master_user: str
    max_connections: int | None
    backup_retention: Duration
    deletion_protection: bool
    removal_policy: RemovalPolicy
    encryption_key: kms.IKey | None
    snapshot_identifier: str | None


def make_instance(
    scope: Construct,
    construct_id: str,
    *,
    engine: rds.IInstanceEngine,
    family: Family,
    settings: Settings,
    instance_type: ec2.InstanceType,
    multi_az: bool,
    allocated_storage: int,
    max_allocated_storage: int,
) -> Server:
    """Make a DB instance.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        engine: PostgreSQL or MySQL, with a version.
        family: Which of them.
        settings: What is the same for a cluster.
        instance_type: The machine.
        multi_az: With a standby in another zone.
        allocated_storage: GiB to start with.
        max_allocated_storage: GiB to grow to.

    Returns:
        The server.
    """
    common: dict[str, Any] = {
        "engine": engine,
        "vpc": settings.vpc,
        "vpc_subnets": settings.vpc_subnets,
        "security_groups": [settings.security_group],
        "publicly_accessible": False,
        "instance_type": instance_type,
        "multi_az": multi_az,
        "storage_type": rds.StorageType.GP3,
        "allocated_storage": allocated_storage,
        "max_allocated_storage": max_allocated_storage,
        "port": settings.port,
        "iam_authentication": True,
        "parameters": _parameters(family, settings.max_connections),
        "cloudwatch_logs_exports": list(_defaults.DATABASE_LOGS[family]),
        "backup_retention": settings.backup_retention,
        "deletion_protection": settings.deletion_protection,
        "removal_policy": settings.removal_policy,
        "auto_minor_version_upgrade": True,
    }
    instance: rds.DatabaseInstance | rds.DatabaseInstanceFromSnapshot
    if settings.snapshot_identifier is None:
        instance = rds.DatabaseInstance(
            scope,
            construct_id,
            **common,
            database_name=settings.database_name,
            storage_encrypted=True,
            storage_encryption_key=settings.encryption_key,
            credentials=rds.Credentials.from_username(
                settings.master_user, encryption_key=settings.encryption_key
            ),
            manage_master_user_password=True,
        )
        master_secret = instance.secret
    else:
        instance = rds.DatabaseInstanceFromSnapshot(
            scope, construct_id, **common, snapshot_identifier=settings.snapshot_identifier
        )
        # The L2 of a restored instance does not know RDS-managed passwords; the resource does.
        resource = instance.node.default_child
        assert isinstance(resource, rds.CfnDBInstance)  # noqa: S101 - what an instance is made of
        resource.manage_master_user_password = True
        if settings.encryption_key is not None:
            resource.master_user_secret = rds.CfnDBInstance.MasterUserSecretProperty(
                kms_key_id=settings.encryption_key.key_arn
            )
        master_secret = secretsmanager.Secret.from_secret_attributes(
            instance,
            "ManagedSecret",
            secret_complete_arn=resource.attr_master_user_secret_secret_arn,
            encryption_key=settings.encryption_key,
        )
    return Server(
        family=family,
        instance=instance,
        cluster=None,
        host=instance.db_instance_endpoint_address,
        port=settings.port,
        resource_id=instance.instance_resource_id,
        master_secret=master_secret,
    )


def make_cluster(
    scope: Construct,
    construct_id: str,
    *,
    engine: rds.IClusterEngine,
    family: Family,
    settings: Settings,
    min_capacity: float,
    max_capacity: float,
    readers: int,
) -> Server:
    """Make an Aurora Serverless v2 cluster.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        engine: Aurora PostgreSQL or Aurora MySQL, with a version.
        family: Which of them.
        settings: What is the same for an instance.
        min_capacity: The least that each of its instances has, in ACU.
        max_capacity: The most.
        readers: How many instances beside the writer.

    Returns:
        The server.
    """
    common: dict[str, Any] = {
        "engine": engine,
        "vpc": settings.vpc,
        "vpc_subnets": settings.vpc_subnets,
        "security_groups": [settings.security_group],
        "writer": rds.ClusterInstance.serverless_v2("Writer", publicly_accessible=False),
        "readers": [
            # The first takes over when the writer fails, so it is as large as the writer.
            rds.ClusterInstance.serverless_v2(
                f"Reader{number}", publicly_accessible=False, scale_with_writer=number == 1
            )
            for number in range(1, readers + 1)
        ],
        "serverless_v2_min_capacity": min_capacity,
        "serverless_v2_max_capacity": max_capacity,
        "port": settings.port,
        "iam_authentication": True,
        "parameters": _parameters(family, settings.max_connections),
        "cloudwatch_logs_exports": list(_defaults.DATABASE_LOGS[family]),
        "backup": rds.BackupProps(retention=settings.backup_retention),
        "deletion_protection": settings.deletion_protection,
        "removal_policy": settings.removal_policy,
        "storage_encrypted": True,
        "storage_encryption_key": settings.encryption_key,
        "manage_master_user_password": True,
        "default_database_name": settings.database_name,
    }
    cluster: rds.DatabaseCluster | rds.DatabaseClusterFromSnapshot
    if settings.snapshot_identifier is None:
        cluster = rds.DatabaseCluster(
            scope,
            construct_id,
            **common,
            credentials=rds.Credentials.from_username(
                settings.master_user, encryption_key=settings.encryption_key
            ),
        )
    else:
        cluster = rds.DatabaseClusterFromSnapshot(
            scope,
            construct_id,
            **common,
            snapshot_identifier=settings.snapshot_identifier,
            snapshot_credentials=None
            if settings.encryption_key is None
            else rds.SnapshotCredentials.from_generated_secret(
                settings.master_user, encryption_key=settings.encryption_key
            ),
        )
    return Server(
        family=family,
        instance=None,
        cluster=cluster,
        host=cluster.cluster_endpoint.hostname,
        port=settings.port,
        resource_id=cluster.cluster_resource_identifier,
        master_secret=cluster.secret,
    )


def _parameters(family: Family, max_connections: int | None) -> dict[str, str]:
    parameters = dict(_defaults.DATABASE_PARAMETERS[family])
    if max_connections is not None:
        parameters["max_connections"] = str(max_connections)
    return parameters
