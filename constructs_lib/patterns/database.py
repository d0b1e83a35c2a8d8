"""A database behind RDS Proxy, for functions in a VPC."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal
from weakref import WeakKeyDictionary

from aws_cdk import Duration, Names, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import _defaults
from constructs_lib._types import FunctionLike
from constructs_lib.foundation import alarms, database_credentials, database_server, network

Authentication = Literal["iam", "secret", "end-to-end-iam"]

_prefixes_in_use: WeakKeyDictionary[lambda_.Function, set[str]] = WeakKeyDictionary()
"""Environment prefixes of each function: two databases under one would overwrite each other."""


class ProxiedDatabase(Construct):
    """A database behind RDS Proxy, in a VPC without a way to the internet."""

    vpc: Final[ec2.IVpc]
    proxy: Final[rds.DatabaseProxy]
    instance: Final[rds.IDatabaseInstance | None]
    cluster: Final[rds.IDatabaseCluster | None]
    application_secret: Final[secretsmanager.ISecret | None]
    master_secret: Final[secretsmanager.ISecret | None]
    application_user: Final[str]
    alarm_topic: Final[sns.ITopic]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        engine: rds.IInstanceEngine | rds.IClusterEngine | None = None,
        database: rds.IDatabaseInstance | rds.IDatabaseCluster | None = None,
        master_secret: secretsmanager.ISecret | None = None,
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        max_azs: int | None = None,
        nat_gateways: int | None = None,
        interface_endpoints: Sequence[str] = (),
        database_name: str | None = None,
        application_user: str = _defaults.APPLICATION_USER,
        master_user: str | None = None,
        authentication: Authentication = "iam",
        alternating_users: bool = False,
        rotation_interval: Duration | None = None,
        port: int | None = None,
        instance_type: ec2.InstanceType | None = None,
        multi_az: bool | None = None,
        allocated_storage: int | None = None,
        max_allocated_storage: int | None = None,
        min_capacity: float | None = None,
        max_capacity: float | None = None,
        readers: int = 0,
        max_connections: int | None = None,
        max_connections_percent: int = _defaults.MAX_CONNECTIONS_PERCENT,
        max_idle_connections_percent: int | None = None,
        borrow_timeout: Duration | None = None,
        idle_client_timeout: Duration | None = None,
        backup_retention: Duration | None = None,
        snapshot_identifier: str | None = None,
        deletion_protection: bool | None = None,
        removal_policy: RemovalPolicy | None = None,
        encryption_key: kms.IKey | None = None,
        alarm_topic: sns.ITopic | None = None,
    ) -> None:
        assert engine is not None
        of_cluster = hasattr(engine, "bind_to_cluster")
        family: database_server.Family = "mysql" if engine.engine_family == "MYSQL" else "postgres"
        name = database_name or _defaults.DATABASE_NAME
        master = master_user or _defaults.MASTER_USER[family]
        super().__init__(scope, construct_id)

        if vpc is None:
            vpc = network.private_vpc(
                self,
                "Vpc",
                max_azs=max_azs or _defaults.AVAILABILITY_ZONES,
                nat_gateways=nat_gateways or 0,
            )
            vpc_subnets = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
            needed = [] if authentication == "end-to-end-iam" else ["secretsmanager"]
            from_cidr = _defaults.VPC_CIDR
        else:
            needed, from_cidr = [], None
        self.vpc = vpc
        self.interface_endpoints: Final = network.interface_endpoints(
            self,
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            names=list(dict.fromkeys([*needed, *interface_endpoints])),
            from_cidr=from_cidr,
        )
        removal = removal_policy or RemovalPolicy.SNAPSHOT
        settings = database_server.Settings(
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            security_group=ec2.SecurityGroup(
                self, "DatabaseSecurityGroup", vpc=vpc, description="The database", allow_all_outbound=False
            ),
            database_name=name,
            port=port or _defaults.PROXY_PORT[family],
            master_user=master,
            max_connections=max_connections,
            backup_retention=backup_retention or Duration.days(_defaults.BACKUP_RETENTION_DAYS),
            deletion_protection=removal != RemovalPolicy.DESTROY
            if deletion_protection is None
            else deletion_protection,
            removal_policy=removal,
            encryption_key=encryption_key,
            snapshot_identifier=snapshot_identifier,
        )
        if of_cluster:
            server = database_server.make_cluster(
                self,
                "Cluster",
                engine=engine,
                family=family,
                settings=settings,
                min_capacity=min_capacity or _defaults.MIN_CAPACITY_ACU,
                max_capacity=max_capacity or _defaults.MAX_CAPACITY_ACU,
                readers=readers,
            )
        else:
            server = database_server.make_instance(
                self,
                "Instance",
                engine=engine,
                family=family,
                settings=settings,
                instance_type=instance_type
                or ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.MEDIUM),
                multi_az=True if multi_az is None else multi_az,
                allocated_storage=allocated_storage or _defaults.STORAGE_GIB,
                max_allocated_storage=max_allocated_storage or _defaults.MAX_STORAGE_GIB,
            )
        self.instance, self.cluster = server.instance, server.cluster
        self.master_secret = server.master_secret
        self.application_user = application_user
        self.master_user: Final = master
        self.database_name: Final = name
        self.authentication: Final = authentication
        self.port: Final = _defaults.PROXY_PORT[family]
        self.application_secret = None
        secrets = []
        if authentication != "end-to-end-iam":
            own = database_credentials.application_secret(
                self,
                "ApplicationSecret",
                server=server,
                user=application_user,
                database_name=name,
                alternating_users=alternating_users,
                encryption_key=encryption_key,
                removal_policy=RemovalPolicy.RETAIN
                if removal == RemovalPolicy.RETAIN
                else RemovalPolicy.DESTROY,
            )
            database_credentials.rotate(
                self,
                secret=own,
                server=server,
                alternating_users=alternating_users,
                interval=rotation_interval or Duration.days(_defaults.ROTATION_DAYS),
                vpc=vpc,
                vpc_subnets=vpc_subnets,
            )
            secrets.append(own)
            self.application_secret = own
        if server.master_secret is not None:
            secrets.append(server.master_secret)
        self.security_group: Final = ec2.SecurityGroup(
            self, "ProxySecurityGroup", vpc=vpc, description="RDS Proxy", allow_all_outbound=False
        )
        role = iam.Role(self, "ProxyRole", assumed_by=iam.ServicePrincipal("rds.amazonaws.com"))
        if authentication == "end-to-end-iam":
            role.add_to_policy(
                iam.PolicyStatement(
                    actions=["rds-db:connect"], resources=[server.user_arn(self, application_user)]
                )
            )
        self.proxy = rds.DatabaseProxy(
            self,
            "Proxy",
            # CDK's own name for it, without a feature flag, is the same in every stack: "Proxy".
            db_proxy_name=Names.unique_resource_name(self, max_length=_defaults.PROXY_NAME_LENGTH_MAX),
            proxy_target=server.target,
            secrets=secrets,
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            security_groups=[self.security_group],
            role=role,
            iam_auth=authentication != "secret",
            default_auth_scheme=rds.DefaultAuthScheme.IAM_AUTH
            if authentication == "end-to-end-iam"
            else None,
            require_tls=True,
            max_connections_percent=max_connections_percent,
            max_idle_connections_percent=max_idle_connections_percent,
            borrow_timeout=borrow_timeout or Duration.seconds(_defaults.BORROW_TIMEOUT_SECONDS),
            idle_client_timeout=idle_client_timeout
            or Duration.seconds(_defaults.IDLE_CLIENT_TIMEOUT_SECONDS),
        )
        self.reader_endpoint: Final = (
            self.proxy.add_endpoint(
                "Reader",
                vpc=vpc,
                vpc_subnets=vpc_subnets,
                security_groups=[self.security_group],
                target_role=rds.ProxyEndpointTargetRole.READ_ONLY,
            )
            if readers
            else None
        )
        self.alarm_topic = alarm_topic if alarm_topic is not None else alarms.topic(self, "AlarmTopic")

    def connect(
        self, function: FunctionLike, *, environment_prefix: str = "DATABASE", reader: bool = False
    ) -> None:
        """Let a function log in as the application's user."""
        underlying = _changeable(function)
        variables = self._open(underlying, environment_prefix, self.application_user, self.application_secret)
        if reader and self.reader_endpoint is not None:
            variables["READER_HOST"] = self.reader_endpoint.endpoint
        _set(underlying, environment_prefix, variables)

    def connect_administrator(self, function: FunctionLike, *, environment_prefix: str = "DATABASE") -> None:
        """Let a function log in as the master user, for migrations."""
        underlying = _changeable(function)
        variables = self._open(underlying, environment_prefix, self.master_user, self.master_secret)
        variables["APPLICATION_USER"] = self.application_user
        if self.application_secret is not None:
            variables["APPLICATION_SECRET_ARN"] = self.application_secret.secret_arn
            self.application_secret.grant_read(underlying)
        _set(underlying, environment_prefix, variables)

    def _open(
        self,
        function: lambda_.Function,
        prefix: str,
        user: str,
        secret: secretsmanager.ISecret | None,
    ) -> dict[str, str]:
        function.connections.allow_to(self.security_group, ec2.Port.tcp(self.port), "RDS Proxy")
        variables = {"HOST": self.proxy.endpoint, "PORT": str(self.port), "NAME": self.database_name}
        if self.authentication == "secret" and secret is not None:
            secret.grant_read(function)
            return variables | {"SECRET_ARN": secret.secret_arn}
        self.proxy.grant_connect(function, user)
        return variables | {"USER": user}


def _changeable(function: FunctionLike) -> lambda_.Function:
    if isinstance(function, lambda_.Alias):
        function = function.version.lambda_
    assert isinstance(function, lambda_.Function)
    return function


def _set(function: lambda_.Function, prefix: str, variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        function.add_environment(f"{prefix}_{name}", value)
