"""The database itself: an instance, an Aurora Serverless v2 cluster, or one that exists."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, cast

from aws_cdk import (
    Annotations,
    ArnFormat,
    CfnDeletionPolicy,
    CfnResource,
    Duration,
    RemovalPolicy,
    Stack,
    Tokenization,
)
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation.resource import resource_of

Family = Literal["postgres", "mysql"]
"""The value of `engine` in a user's secret."""

KEEPING: Final = (RemovalPolicy.RETAIN, RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
"""The policies under which a database outlives its stack."""

DatabaseLike = rds.IDatabaseInstance | rds.DatabaseInstance | rds.IDatabaseCluster | rds.DatabaseCluster
"""An instance or a cluster, of this app or imported."""


@dataclass(frozen=True)
class Server:
    """A database, as its proxy and its users need to know it."""

    family: Family
    instance: rds.IDatabaseInstance | None
    cluster: rds.IDatabaseCluster | None
    host: str
    port: float
    master_secret: secretsmanager.ISecret | None
    findings: Mapping[str, str] = field(default_factory=dict)
    """What cdk-nag finds on a database that was made, with the reasons why it is meant to be so."""

    @property
    def target(self) -> rds.ProxyTarget:
        """The target of a proxy."""
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

    @property
    def resource_id(self) -> str | None:
        """The id that `rds-db:connect` needs; None for a database that was imported without it."""
        try:
            if self.cluster is not None:
                return self.cluster.cluster_resource_identifier
            return None if self.instance is None else self.instance.instance_resource_id
        except RuntimeError:  # what CDK throws becomes this in Python
            return None

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
    """How to make one."""

    vpc: ec2.IVpc
    vpc_subnets: ec2.SubnetSelection | None
    database_name: str
    port: int
    master_user: str
    max_connections: float | None
    backup_retention: Duration
    deletion_protection: bool
    removal_policy: RemovalPolicy
    encryption_key: kms.IKey | None
    snapshot_identifier: str | None
    engine_lifecycle_support: rds.EngineLifecycleSupport | None
    instance_type: ec2.InstanceType | None
    multi_az: bool
    allocated_storage: float | None
    """None for a new instance is the default; for a restored one it is what the snapshot has."""
    max_allocated_storage: float | None
    allow_major_version_upgrade: bool
    min_capacity: float
    max_capacity: float
    readers: int


def make(
    scope: Construct,
    *,
    engine: rds.IInstanceEngine | rds.IClusterEngine | None,
    family: Family,
    settings: Settings,
) -> Server:
    """Make a database.

    Args:
        scope: Where to put it.
        engine: As `check_engine` has accepted it.
        family: Its family.
        settings: How to make it.

    Returns:
        The database, in a security group of its own that nothing may enter yet.
    """
    security_group = ec2.SecurityGroup(
        scope,
        "DatabaseSecurityGroup",
        vpc=settings.vpc,
        description="The database",
        allow_all_outbound=False,
    )
    is_cluster = hasattr(engine, "bind_to_cluster")
    parameters = dict(_defaults.DATABASE_PARAMETERS["aurora" if is_cluster else "instance"][family])
    if settings.max_connections is not None:
        parameters["max_connections"] = Tokenization.stringify_number(settings.max_connections)
    if is_cluster:
        cluster, master_secret = (
            _new_cluster if settings.snapshot_identifier is None else _restored_cluster
        )(scope, cast("rds.IClusterEngine", engine), family, settings, security_group, parameters)
        server = Server(
            family=family,
            instance=None,
            cluster=cluster,
            host=cluster.cluster_endpoint.hostname,
            port=settings.port,
            master_secret=master_secret,
        )
    else:
        instance, master_secret = (
            _new_instance if settings.snapshot_identifier is None else _restored_instance
        )(scope, cast("rds.IInstanceEngine", engine), family, settings, security_group, parameters)
        server = Server(
            family=family,
            instance=instance,
            cluster=None,
            host=instance.db_instance_endpoint_address,
            port=settings.port,
            master_secret=master_secret,
        )
    _keep(server, settings, security_group)
    return replace(server, findings=_findings(server, settings))


# --- an instance ---------------------------------------------------------------------------------------


def _new_instance(
    scope: Construct,
    engine: rds.IInstanceEngine,
    family: Family,
    settings: Settings,
    security_group: ec2.SecurityGroup,
    parameters: Mapping[str, str],
) -> tuple[rds.DatabaseInstance, secretsmanager.ISecret | None]:
    key = settings.encryption_key
    allocated_storage = (
        _defaults.STORAGE_GIB if settings.allocated_storage is None else settings.allocated_storage
    )
    instance = rds.DatabaseInstance(
        scope,
        "Instance",
        engine=engine,
        vpc=settings.vpc,
        vpc_subnets=settings.vpc_subnets,
        security_groups=[security_group],
        port=settings.port,
        parameters=parameters,
        iam_authentication=True,
        cloudwatch_logs_exports=list(_defaults.DATABASE_LOGS[family]),
        deletion_protection=settings.deletion_protection,
        removal_policy=settings.removal_policy,
        engine_lifecycle_support=settings.engine_lifecycle_support,
        publicly_accessible=False,
        instance_type=settings.instance_type or _INSTANCE_TYPE,
        multi_az=settings.multi_az,
        storage_type=rds.StorageType.GP3,
        allocated_storage=allocated_storage,
        max_allocated_storage=_max_allocated_storage(settings, allocated_storage),
        backup_retention=settings.backup_retention,
        auto_minor_version_upgrade=True,
        allow_major_version_upgrade=settings.allow_major_version_upgrade or None,
        database_name=settings.database_name,
        storage_encrypted=True,
        storage_encryption_key=key,
        credentials=rds.Credentials.from_username(settings.master_user, encryption_key=key),
        manage_master_user_password=True,
    )
    return instance, instance.secret


def _restored_instance(
    scope: Construct,
    engine: rds.IInstanceEngine,
    family: Family,
    settings: Settings,
    security_group: ec2.SecurityGroup,
    parameters: Mapping[str, str],
) -> tuple[rds.DatabaseInstanceFromSnapshot, secretsmanager.ISecret | None]:
    assert settings.snapshot_identifier is not None  # noqa: S101 - what it is restored from
    allocated_storage = settings.allocated_storage
    instance = rds.DatabaseInstanceFromSnapshot(
        scope,
        "Instance",
        snapshot_identifier=settings.snapshot_identifier,
        engine=engine,
        vpc=settings.vpc,
        vpc_subnets=settings.vpc_subnets,
        security_groups=[security_group],
        port=settings.port,
        parameters=parameters,
        iam_authentication=True,
        cloudwatch_logs_exports=list(_defaults.DATABASE_LOGS[family]),
        deletion_protection=settings.deletion_protection,
        removal_policy=settings.removal_policy,
        engine_lifecycle_support=settings.engine_lifecycle_support,
        publicly_accessible=False,
        instance_type=settings.instance_type or _INSTANCE_TYPE,
        multi_az=settings.multi_az,
        storage_type=rds.StorageType.GP3,
        allocated_storage=allocated_storage,
        max_allocated_storage=_max_allocated_storage(settings, allocated_storage),
        backup_retention=settings.backup_retention,
        auto_minor_version_upgrade=True,
        allow_major_version_upgrade=settings.allow_major_version_upgrade or None,
    )
    # The L2 of a restored instance knows no password that RDS manages; the resource does.
    resource = resource_of(instance, rds.CfnDBInstance)
    if allocated_storage is None:
        # CDK would ask for 100 GiB, which are too few for a larger snapshot and too many for a smaller one.
        resource.add_property_deletion_override("AllocatedStorage")
    resource.manage_master_user_password = True
    key = settings.encryption_key
    if key is not None:
        resource.master_user_secret = rds.CfnDBInstance.MasterUserSecretProperty(kms_key_id=key.key_arn)
    return instance, _managed_secret(scope, resource.attr_master_user_secret_secret_arn, key)


_INSTANCE_TYPE: Final = ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.MEDIUM)


def _max_allocated_storage(settings: Settings, allocated_storage: float | None) -> float | None:
    """The storage that autoscaling may reach; None, which turns autoscaling off, if that cannot be known here."""
    if settings.max_allocated_storage is not None or allocated_storage is None:
        return settings.max_allocated_storage
    twice = 2 * allocated_storage
    if _validation.is_unresolved(twice) or twice > _defaults.STORAGE_GIB_MAX:
        return None
    return max(_defaults.MAX_STORAGE_GIB, twice)


# --- a cluster -----------------------------------------------------------------------------------------


def _new_cluster(
    scope: Construct,
    engine: rds.IClusterEngine,
    family: Family,
    settings: Settings,
    security_group: ec2.SecurityGroup,
    parameters: Mapping[str, str],
) -> tuple[rds.DatabaseCluster, secretsmanager.ISecret | None]:
    cluster = rds.DatabaseCluster(
        scope,
        "Cluster",
        engine=engine,
        vpc=settings.vpc,
        vpc_subnets=settings.vpc_subnets,
        security_groups=[security_group],
        port=settings.port,
        parameters=parameters,
        iam_authentication=True,
        cloudwatch_logs_exports=list(_defaults.DATABASE_LOGS[family]),
        deletion_protection=settings.deletion_protection,
        removal_policy=settings.removal_policy,
        engine_lifecycle_support=settings.engine_lifecycle_support,
        writer=rds.ClusterInstance.serverless_v2("Writer", publicly_accessible=False),
        readers=_readers(settings.readers),
        serverless_v2_min_capacity=settings.min_capacity,
        serverless_v2_max_capacity=settings.max_capacity,
        backup=rds.BackupProps(retention=settings.backup_retention),
        storage_encrypted=True,
        storage_encryption_key=settings.encryption_key,
        manage_master_user_password=True,
        default_database_name=settings.database_name,
        credentials=rds.Credentials.from_username(
            settings.master_user, encryption_key=settings.encryption_key
        ),
    )
    return cluster, cluster.secret


def _restored_cluster(
    scope: Construct,
    engine: rds.IClusterEngine,
    family: Family,
    settings: Settings,
    security_group: ec2.SecurityGroup,
    parameters: Mapping[str, str],
) -> tuple[rds.DatabaseClusterFromSnapshot, secretsmanager.ISecret | None]:
    assert settings.snapshot_identifier is not None  # noqa: S101 - what it is restored from
    cluster = rds.DatabaseClusterFromSnapshot(
        scope,
        "Cluster",
        snapshot_identifier=settings.snapshot_identifier,
        engine=engine,
        vpc=settings.vpc,
        vpc_subnets=settings.vpc_subnets,
        security_groups=[security_group],
        port=settings.port,
        parameters=parameters,
        iam_authentication=True,
        cloudwatch_logs_exports=list(_defaults.DATABASE_LOGS[family]),
        deletion_protection=settings.deletion_protection,
        removal_policy=settings.removal_policy,
        engine_lifecycle_support=settings.engine_lifecycle_support,
        writer=rds.ClusterInstance.serverless_v2("Writer", publicly_accessible=False),
        readers=_readers(settings.readers),
        serverless_v2_min_capacity=settings.min_capacity,
        serverless_v2_max_capacity=settings.max_capacity,
        backup=rds.BackupProps(retention=settings.backup_retention),
        storage_encrypted=True,
        storage_encryption_key=settings.encryption_key,
        manage_master_user_password=True,
    )
    Annotations.of(cluster).acknowledge_warning(
        "@aws-cdk/aws-rds:generatedCredsNotApplied",
        "RDS makes the password, of the cluster as it is restored.",
    )
    # The L2 of a restored cluster takes no key for a password that RDS manages; the resource does.
    resource = resource_of(cluster, rds.CfnDBCluster)
    key = settings.encryption_key
    if key is not None:
        resource.master_user_secret = rds.CfnDBCluster.MasterUserSecretProperty(kms_key_id=key.key_arn)
    return cluster, _managed_secret(scope, resource.attr_master_user_secret_secret_arn, key)


def _readers(number_of_readers: int) -> list[rds.IClusterInstance]:
    """Describe the readers; the first takes over when the writer fails, so it is as large as the writer."""
    return [
        rds.ClusterInstance.serverless_v2(
            f"Reader{number}", publicly_accessible=False, scale_with_writer=number == 1
        )
        for number in range(1, number_of_readers + 1)
    ]


# --- both ----------------------------------------------------------------------------------------------


def _managed_secret(scope: Construct, arn: str, key: kms.IKey | None) -> secretsmanager.ISecret:
    """The secret in which RDS keeps the password of a restored database."""
    return secretsmanager.Secret.from_secret_attributes(
        scope, "MasterSecret", secret_complete_arn=arn, encryption_key=key
    )


def _keep(server: Server, settings: Settings, security_group: ec2.SecurityGroup) -> None:
    """Keep the data when CloudFormation replaces the database, and what a retained database stands in.

    A new database is an empty one: the old one is kept, whatever was changed. AWS deletes neither a VPC nor a subnet,
    group or parameter group that is in use, so a stack that retained the database alone could not be deleted.
    """
    part = server.cluster or server.instance
    assert part is not None  # noqa: S101 - it is one or the other
    if settings.removal_policy == RemovalPolicy.SNAPSHOT:
        resource_of(part, CfnResource).cfn_options.update_replace_policy = CfnDeletionPolicy.RETAIN
    elif settings.removal_policy in KEEPING:
        subnet_group = part.node.find_child("SubnetGroup" if server.cluster is None else "Subnets")
        for around in (security_group, part.node.find_child("ParameterGroup"), subnet_group):
            resource_of(around, CfnResource).apply_removal_policy(settings.removal_policy)


def _findings(server: Server, settings: Settings) -> dict[str, str]:
    """Say why, for what cdk-nag asks for and this database has not, or was told not to have."""
    reasons: dict[str, str] = {}
    if settings.port == _defaults.PROXY_PORT[server.family]:
        reasons["AwsSolutions-RDS11"] = (
            "Another port hides nothing: the security group lets in the proxy and the rotation alone, and the "
            "proxy itself cannot listen elsewhere. Pass port= to have one."
        )
    if not settings.deletion_protection:
        reasons["AwsSolutions-RDS10"] = (
            "Said by whoever made it: deletion_protection=False, or RemovalPolicy.DESTROY, for a database that "
            "is to be deleted with its stack."
        )
    if server.instance is not None and not settings.multi_az:
        reasons["AwsSolutions-RDS3"] = "Said by whoever made it, multi_az=False: half the price, no standby."
    if server.instance is not None and settings.snapshot_identifier is not None:
        reasons["AwsSolutions-RDS2"] = (
            "A restored instance is encrypted as its snapshot is; RDS takes no other."
        )
    if server.cluster is not None and server.family == "mysql":
        reasons["AwsSolutions-RDS14"] = (
            "Backtracking turns the whole cluster back for all of its clients, and is paid for by the hour. "
            "Backups are on, and restore to any second."
        )
    return reasons


# --- one that exists -----------------------------------------------------------------------------------


def existing(database: DatabaseLike, master_secret: secretsmanager.ISecret | None) -> Server:
    """Read what a given database says of itself.

    Args:
        database: An instance or a cluster, imported or of this app.
        master_secret: Where its master's password is, if it does not say.

    Returns:
        The server.

    Raises:
        InvalidPropsError: It was imported without its engine, endpoint or security group.
    """
    path = database.node.path
    engine = database.engine
    if engine is None:
        raise InvalidPropsError(
            f"database {path} must be imported with engine=: the proxy speaks its protocol."
        )
    family, _ = check_engine(engine, name=f"database {path}", versioned=False)
    instance, cluster = None, None
    try:
        if hasattr(database, "cluster_identifier"):
            cluster = cast("rds.IDatabaseCluster", database)
            endpoint = cluster.cluster_endpoint
        else:
            instance = database
            endpoint = instance.instance_endpoint
        host, port = endpoint.hostname, endpoint.port
    except RuntimeError as error:  # what CDK throws becomes this in Python
        raise InvalidPropsError(
            f"database {path} must be imported with its endpoint and port: {error}"
        ) from None
    if not database.connections.security_groups:
        raise InvalidPropsError(
            f"database {path} must be imported with its security group: the proxy is to be let in. "
            f"See {_defaults.RDS_PROXY_NETWORK}"
        )
    return Server(
        family=family,
        instance=instance,
        cluster=cluster,
        host=host,
        port=port,
        master_secret=master_secret or getattr(database, "secret", None),
    )


def vpc_of(database: DatabaseLike) -> ec2.IVpc:
    """The VPC of a database of this app.

    Args:
        database: An instance or a cluster.

    Returns:
        Its VPC.

    Raises:
        InvalidPropsError: An imported one does not say.
    """
    vpc: ec2.IVpc | None = getattr(database, "vpc", None)
    if vpc is None:
        raise InvalidPropsError(
            f"vpc is required for the imported database {database.node.path}: the proxy goes into the same "
            f"one. See {_defaults.RDS_PROXY_NETWORK}"
        )
    return vpc


# --- arguments -----------------------------------------------------------------------------------------


def check_engine(
    engine: rds.IInstanceEngine | rds.IClusterEngine | rds.IEngine,
    *,
    name: str = "engine",
    versioned: bool = True,
) -> tuple[Family, bool]:
    """Refuse an engine that RDS Proxy, the rotation or the runtime does not know.

    Args:
        engine: What was given.
        name: The argument it was given as.
        versioned: Whether it must have a version.

    Returns:
        Its family, and whether it makes a cluster.

    Raises:
        InvalidPropsError: It is not an engine, is neither PostgreSQL nor MySQL, or has no version.
    """
    kind = getattr(engine, "engine_type", None)
    if not isinstance(kind, str):
        raise InvalidPropsError(
            f"{name} must be an engine of the CDK, such as rds.DatabaseInstanceEngine.postgres(version="
            f"rds.PostgresEngineVersion.VER_17), got {_validation.shown(engine)}."
        )
    _validation.check_choice(f"type of {name}", kind, _defaults.DATABASE_ENGINES, source=_defaults.RDS_PROXY)
    if versioned and engine.engine_version is None:
        raise InvalidPropsError(
            f"engine must have a version, got {kind!r} alone: write "
            f"rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_17)."
        )
    return _defaults.DATABASE_ENGINES[kind], kind.startswith("aurora")


def check_numbers(
    family: Family,
    *,
    port: int | None,
    allocated_storage: float | None,
    max_allocated_storage: float | None,
    min_capacity: float | None,
    max_capacity: float | None,
    readers: int,
    max_connections: float | None,
    backup_retention: Duration | None,
    restored: bool,
) -> None:
    """Refuse what RDS would refuse.

    Args:
        family: PostgreSQL or MySQL.
        port: Of the database.
        allocated_storage: GiB.
        max_allocated_storage: GiB.
        min_capacity: ACU.
        max_capacity: ACU.
        readers: How many.
        max_connections: How many.
        backup_retention: How long.
        restored: Whether the storage is at first what a snapshot has.

    Raises:
        InvalidPropsError: One is outside of its limits.
    """
    d = _defaults
    _validation.read_seconds(
        "backup_retention",
        backup_retention,
        low=d.BACKUP_RETENTION_SECONDS_MIN,
        high=d.BACKUP_RETENTION_SECONDS_MAX,
        whole="days",
        source=d.RDS_BACKUP,
    )
    for name, value, low, high, unit, source in (
        ("port", port, d.DATABASE_PORT_MIN, d.DATABASE_PORT_MAX, "", d.RDS_CREATE),
        ("allocated_storage", allocated_storage, d.STORAGE_GIB_MIN, d.STORAGE_GIB_MAX, "GiB", d.RDS_STORAGE),
        ("max_allocated_storage", max_allocated_storage, d.STORAGE_GIB_MIN, d.STORAGE_GIB_MAX, "GiB", d.RDS_STORAGE),
        ("readers", readers, 0, d.READERS_MAX, "", d.AURORA_READERS),
        ("max_connections", max_connections, d.MAX_CONNECTIONS_MIN, d.MAX_CONNECTIONS_MAX[family], "", d.RDS_LIMITS),
    ):  # fmt: skip
        _validation.check_range(name, value, low, high, unit=unit, whole=True, source=source)
    if not (restored and allocated_storage is None):
        _check_storage(allocated_storage, max_allocated_storage)
    _check_capacity(min_capacity, max_capacity)


def _check_storage(allocated: float | None, max_allocated: float | None) -> None:
    if allocated is None:
        allocated = _defaults.STORAGE_GIB
    if (
        max_allocated is None
        or _validation.is_unresolved(allocated)
        or _validation.is_unresolved(max_allocated)
    ):
        return
    lowest_max = -(-allocated * _defaults.MAX_STORAGE_PERCENT_MIN // 100)
    if max_allocated < lowest_max:
        raise InvalidPropsError(
            f"max_allocated_storage must be at least {lowest_max:,} GiB, a tenth above the {allocated:,} to start "
            f"with, got {max_allocated:,}. See {_defaults.RDS_STORAGE}"
        )


def _check_capacity(min_capacity: float | None, max_capacity: float | None) -> None:
    source = _defaults.AURORA_CAPACITY
    if min_capacity == 0:
        raise InvalidPropsError(
            "min_capacity must be at least 0.5, got 0: a cluster pauses when no connection is open, and its "
            f"proxy keeps some. See {source}"
        )
    _validation.check_range(
        "min_capacity",
        min_capacity,
        _defaults.CAPACITY_ACU_MIN,
        _defaults.CAPACITY_ACU_MAX,
        unit="ACU",
        source=source,
    )
    _validation.check_range(
        "max_capacity", max_capacity, 1, _defaults.CAPACITY_ACU_MAX, unit="ACU", source=source
    )
    for name, value in (("min_capacity", min_capacity), ("max_capacity", max_capacity)):
        if value is not None and not _validation.is_unresolved(value) and value * 2 % 1:
            raise InvalidPropsError(f"{name} must be in steps of 0.5 ACU, got {value}. See {source}")
    low = _defaults.MIN_CAPACITY_ACU if min_capacity is None else min_capacity
    high = _defaults.MAX_CAPACITY_ACU if max_capacity is None else max_capacity
    if not (_validation.is_unresolved(low) or _validation.is_unresolved(high)) and low > high:
        raise InvalidPropsError(f"min_capacity must not be above max_capacity, got {low:g} > {high:g}.")
