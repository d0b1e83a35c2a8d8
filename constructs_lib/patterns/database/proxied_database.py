"""A database behind RDS Proxy, for functions in a VPC."""

import json
from collections.abc import Mapping, Sequence
from typing import Final, Literal
from weakref import WeakSet

import jsii
from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from constructs import Construct, IConstruct

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import clients, location, permissions
from constructs_lib.foundation.alarms import Alarms
from constructs_lib.foundation.door import Door
from constructs_lib.foundation.invoked import Invoked, changeable
from constructs_lib.foundation.resource import node_of, path_of
from constructs_lib.foundation.subnets import all_subnet_ids
from constructs_lib.patterns.database import alarms as database_alarms
from constructs_lib.patterns.database import credentials as database_credentials
from constructs_lib.patterns.database import proxy as database_proxy
from constructs_lib.patterns.database import server as database_server
from constructs_lib.patterns.database.credentials import Login
from constructs_lib.patterns.database.network import NetworkSettings
from constructs_lib.patterns.database.proxy import Pool
from constructs_lib.practice.plugin import check_app_of


@jsii.implements(ec2.IConnectable)
class ProxiedDatabase(Construct):
    """A database behind RDS Proxy, by default in a VPC without a way to the internet.

    What is deployed: a DB instance with a standby, or an Aurora Serverless v2 cluster, encrypted, backed up,
    reached over TLS alone and by nothing but its proxy and the rotation; the proxy; a VPC with isolated
    subnets in two zones, the free gateway endpoints of S3 and DynamoDB, a Secrets Manager endpoint and a flow
    log; the password of the application's user in a secret that AWS's own function rotates, and the master's,
    which RDS keeps and rotates itself; six alarms (five for Aurora), and the topic that they notify. PostgreSQL
    or MySQL.

    `connect(function)` does the rest for each function. The application's user is created by a migration, a
    function that is given `connect_administrator`. The first rotation happens after `rotation_interval`, not at
    deployment: run the migration before.

    CloudFormation replaces the database by an empty one when `database_name`, `master_user`, `encryption_key`,
    `snapshot_identifier` or the kind of engine changes, or the path of this construct. The former database is
    kept then, beside the stack, unless `removal_policy` is DESTROY. The proxy is replaced when its subnets or the
    family of its engine change; that loses nothing. docs/database.md says what to do in either case.

    Logs of the database go to CloudWatch log groups that RDS makes, `/aws/rds/...`: they keep everything
    until you set a retention there.

    What it costs while idle, about, in US dollars a month in us-east-1:

    - the instance: 95 for the default, db.t4g.medium with a standby; 47 without. Aurora Serverless v2: 44 for
      each instance at its least, 0.5 ACU; a proxy keeps connections open, so it never pauses.
    - the proxy: 22 for an instance of two vCPUs (0.015 an hour each); 88 for Serverless v2, which counts as
      8 ACU at least.
    - the Secrets Manager endpoint, and each other interface endpoint: 7 in each zone.
    - the processor credits of a db.t4g instance that is busier than a fifth of its vCPUs over a day: 0.075 for each
      vCPU and hour above that.
    - each NAT gateway, where you ask for one: 33, and its traffic.
    - two secrets and six alarms: less than 2.
    - RDS Extended Support, once the standard support of the major version has ended: by the hour for each vCPU or
      ACU, for a db.t4g.medium more than the instance itself. See `engine_lifecycle_support`.

    https://aws.amazon.com/rds/postgresql/pricing/, https://aws.amazon.com/rds/proxy/pricing/,
    https://aws.amazon.com/privatelink/pricing/, https://aws.amazon.com/vpc/pricing/

    Args:
        scope: The construct to put it in.
        construct_id: Its name there.
        engine: What to make, with a version: `rds.DatabaseInstanceEngine.postgres(version=...)` or `mysql`
            makes an instance, `rds.DatabaseClusterEngine.aurora_postgres(version=...)` or `aurora_mysql` a
            Serverless v2 cluster. Another kind of engine replaces the database; another version upgrades it. An
            instance's version is best a major version alone, such as `VER_17`: RDS installs minor versions by
            itself, and asking for an older one later is refused.
        database: Instead of `engine`: put the proxy before this database, made in this app or imported with its
            engine, security group, endpoint and port. `free_storage_alarm` counts on 20 GiB then: make one of your own
            for an instance that has more.
        master_secret: Of an imported `database`: where its master's password is. Without it nothing can
            `connect_administrator`, and users cannot alternate.
        application_secret: Of a `database`: the secret of a user that exists there, rotated by you. None: one is
            made, and rotated.
        vpc: Where everything is. None: one of its own is made, 10.0.0.0/16; pass your own VPC if it is to be
            peered with others. The proxy and the database need subnets in two zones of it; the rotation must reach
            Secrets Manager from there: through a NAT gateway, or with `interface_endpoints=["secretsmanager"]`.
            Choose it for good: a database does not move to another VPC.
        vpc_subnets: Which subnets of `vpc`; default those with a NAT gateway, or else the isolated ones. Other
            subnets replace the proxy.
        max_azs: Zones of its own VPC, 2 to 6; default 2, which is all that the CDK knows of in a stack without
            account and Region. Choose it for good if there are NAT gateways: one more zone moves the ranges of
            subnets that exist, which fails. Without any it can grow, and replaces the proxy.
        availability_zones: Instead of `max_azs`: the zones of its own VPC by name. RDS Proxy does not exist in every
            zone (of us-east-1, not in use1-az3), and which name is which zone differs from account to account:
            `aws ec2 describe-availability-zones` tells. Choose them for good: an existing subnet cannot move.
        nat_gateways: Of its own VPC; default 0: functions in it reach AWS's services through endpoints, and
            nothing else. With one or more there are private subnets for functions, and a price (above).
        interface_endpoints: More services to reach from the VPC, as AWS abbreviates them: `["sqs", "states"]`.
            Secrets Manager has one in a VPC of its own.
        database_name: Default `app`. Another name replaces the database by an empty one. Of an existing database or
            a snapshot: its name there.
        application_user: As whom functions log in; default `app`. Another name makes a new password, and another
            user at the next migration. With `application_secret`: the user in it.
        master_user: Default `postgres` or `admin`. Another name replaces the database by an empty one. Of an existing
            database or a snapshot: the name there.
        authentication: How a function proves to the proxy who it is. `iam`: a token that its role lets it
            make; the proxy has the password. `secret`: the password, which its role lets it read.
            `end-to-end-iam`: a token, and the proxy makes one for the database: the application has no
            password at all. After a change the migration must run again, and until it has, new connections of the
            application are refused.
        alternating_users: Rotate between two users, so that the former password stays good. Requires `secret`:
            IAM allows `rds-db:connect` as one exact user, and the second user has another name. The proxy
            knows the current one alone, so a client must read the secret again when it is refused. A change makes a
            new password.
        rotation_interval: From one password to the next, 4 hours to 999 days in whole hours; default 30 days. After a
            change, Secrets Manager may rotate once more on the former schedule.
        port: Of the database, 1,150 to 65,535. The proxy itself always listens on 5432 or 3306. A change restarts
            an instance, and makes a new password.
        instance_type: Of an instance; default db.t4g.medium. A change restarts it.
        multi_az: Of an instance: a standby in another zone, at twice the price; default True.
        allocated_storage: Of an instance: GiB at first, 20 to 65,536; default 20, or what the snapshot has. It can
            grow, and never shrink: a new value must be at least what storage autoscaling has reached.
        max_allocated_storage: Of an instance: GiB to grow to; default 100, or twice the first. An instance from a
            snapshot grows only if this or `allocated_storage` is given.
        allow_major_version_upgrade: Of an instance: let a deployment with another major version in `engine` upgrade
            it, which cannot be undone and takes the database away for some minutes. Default False: such a deployment
            fails. A cluster is always upgraded.
        min_capacity: Of a cluster: the least ACU (2 GiB each) of an instance, 0.5 to 256; default 0.5.
        max_capacity: Of a cluster: the most, up to 256; default 4.
        readers: Of a cluster: instances beside the writer, 0 to 15; one or more gives the proxy a reader
            endpoint. Of an existing cluster: how many it has.
        max_connections: The database's limit. A database that is made here gets it; None leaves it to the memory of
            the machine. After a change MySQL follows at once, PostgreSQL at its next restart: restart it yourself, or
            wait for a deployment that changes the instance. For an existing database, pass the limit that it has. When
            the limit is known, synth warns if the reserved concurrency of all connected functions exceeds it.
        max_connections_percent: How much of that limit the proxy may use, 1 to 100; default 90, which leaves
            some for the rotation and for you.
        max_idle_connections_percent: How much of that limit the proxy keeps open when idle; default half of
            `max_connections_percent`.
        borrow_timeout: How long a client waits for a connection, up to 300 seconds; default 10: AWS's two
            minutes outlast most functions.
        idle_client_timeout: When the proxy hangs up on a silent client, 1 second to 8 hours; default 30 minutes.
        backup_retention: 1 to 35 days; default 7.
        snapshot_identifier: Start from this snapshot, with its users, databases, storage and encryption: an
            unencrypted snapshot is restored unencrypted, except for a cluster with an `encryption_key`. Leave it in
            place for as long as the database exists: without it, or with another one, CloudFormation makes a new
            database in place of the restored one.
        engine_lifecycle_support: What happens when the standard support of the major version ends. None: RDS
            charges for Extended Support from then on, which is its default. With
            `OPEN_SOURCE_RDS_EXTENDED_SUPPORT_DISABLED` it upgrades the database by itself. Choose it for good:
            CloudFormation refuses to change it.
        deletion_protection: Default True, except with `RemovalPolicy.DESTROY`. Deleting a stack fails until it is
            turned off.
        removal_policy: What happens to the database when the stack is deleted: SNAPSHOT (default) takes a snapshot and
            deletes it. RETAIN keeps it, with the VPC, subnets and groups that it stands in; your own VPC you
            retain yourself. DESTROY deletes it. When it is replaced, DESTROY deletes the former database, and
            everything else keeps it.
        encryption_key: Your own KMS key for storage and secrets; default are the ones that AWS manages. Another
            key replaces the database by an empty one, and deleting the key destroys the data. An instance from a
            snapshot keeps the snapshot's key for its storage; its secrets get this one, for good: RDS does not change
            the key of a password that it manages.
        alarm_topic: The topic that the alarms notify, of the same Region. None: that of `AlarmSettings`, or else one
            that is created, for you to subscribe to.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        vpc: The VPC that was made, or yours. Pass it to the functions: `PythonFunction(..., vpc=database.vpc)`.
        proxy: The proxy, which is what functions connect to.
        reader_endpoint: The proxy's endpoint for `connect(reader=True)`. None without readers.
        instance: The DB instance: an `rds.DatabaseInstance` unless restored or passed. None for a cluster.
        cluster: The cluster: an `rds.DatabaseCluster` unless restored or passed. None for an instance.
        application_secret: The password of the application's user. None with `end-to-end-iam`.
        rotation: The rotation of `application_secret`. None if that secret was not made here.
        rotation_security_group: The security group of AWS's function that rotates: let it in if Secrets Manager's
            endpoint is your own. None if `rotation` is.
        master_secret: The password of the master user. None for an imported `database` without `master_secret`.
        application_user: The user as whom functions log in.
        master_user: The user as whom a migration logs in.
        database_name: The database in which functions work.
        port: The port on which the proxy listens, not the database.
        security_group: The security group of the proxy; that of the database is in `instance.connections` or
            `cluster.connections`.
        proxy_role: The role of the proxy.
        flow_log_group: The flow log of the VPC that was made: what its security groups refuse. None for your own VPC.
        interface_endpoints: The interface endpoints that were made, by the name of the service.
        alarm_topic: Notified by the alarms: the one that you passed, that of `AlarmSettings`, or one that was created.
        proxy_connections_alarm: On the share of its connections that the proxy has opened.
        borrow_latency_alarm: On how long clients wait for a connection.
        pinned_sessions_alarm: On sessions that are pinned to one client.
        database_cpu_alarm: On the CPU of the database.
        database_connections_alarm: On connections to the database.
        free_storage_alarm: On the free storage of an instance. None for a cluster, whose storage grows by itself.

    Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.html
    """

    vpc: Final[ec2.IVpc]
    proxy: Final[rds.DatabaseProxy]
    reader_endpoint: Final[rds.IDatabaseProxyEndpoint | None]
    instance: Final[rds.IDatabaseInstance | None]
    cluster: Final[rds.IDatabaseCluster | None]
    application_secret: Final[secretsmanager.ISecret | None]
    rotation: Final[secretsmanager.RotationSchedule | None]
    rotation_security_group: Final[ec2.SecurityGroup | None]
    master_secret: Final[secretsmanager.ISecret | None]
    application_user: Final[str]
    master_user: Final[str]
    database_name: Final[str]
    port: Final[int]
    security_group: Final[ec2.SecurityGroup]
    proxy_role: Final[iam.Role]
    flow_log_group: Final[logs.LogGroup | None]
    interface_endpoints: Final[Mapping[str, ec2.InterfaceVpcEndpoint]]
    alarm_topic: Final[sns.ITopic]
    proxy_connections_alarm: Final[cloudwatch.Alarm]
    borrow_latency_alarm: Final[cloudwatch.Alarm]
    pinned_sessions_alarm: Final[cloudwatch.Alarm]
    database_cpu_alarm: Final[cloudwatch.Alarm]
    database_connections_alarm: Final[cloudwatch.Alarm]
    free_storage_alarm: Final[cloudwatch.Alarm | None]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        engine: rds.IInstanceEngine | rds.IClusterEngine | None = None,
        database: database_server.DatabaseLike | None = None,
        master_secret: secretsmanager.ISecret | secretsmanager.Secret | None = None,
        application_secret: secretsmanager.ISecret | secretsmanager.Secret | None = None,
        vpc: ec2.IVpc | ec2.Vpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        max_azs: int | None = None,
        availability_zones: Sequence[str] | None = None,
        nat_gateways: int | None = None,
        interface_endpoints: Sequence[str] = (),
        database_name: str | None = None,
        application_user: str | None = None,
        master_user: str | None = None,
        authentication: database_credentials.Authentication = "iam",
        alternating_users: bool = False,
        rotation_interval: Duration | None = None,
        port: int | None = None,
        instance_type: ec2.InstanceType | None = None,
        multi_az: bool | None = None,
        allocated_storage: float | None = None,
        max_allocated_storage: float | None = None,
        allow_major_version_upgrade: bool = False,
        min_capacity: float | None = None,
        max_capacity: float | None = None,
        readers: int = 0,
        max_connections: float | None = None,
        max_connections_percent: float = _defaults.MAX_CONNECTIONS_PERCENT,
        max_idle_connections_percent: float | None = None,
        borrow_timeout: Duration | None = None,
        idle_client_timeout: Duration | None = None,
        backup_retention: Duration | None = None,
        snapshot_identifier: str | None = None,
        engine_lifecycle_support: rds.EngineLifecycleSupport | None = None,
        deletion_protection: bool | None = None,
        removal_policy: RemovalPolicy | None = None,
        encryption_key: kms.IKey | kms.Key | None = None,
        alarm_topic: sns.ITopic | sns.Topic | None = None,
    ) -> None:
        """Create the database and its proxy; the arguments are described at the class."""
        _check_kinds(
            master_secret=master_secret,
            application_secret=application_secret,
            alternating_users=alternating_users,
            instance_type=instance_type,
            multi_az=multi_az,
            allow_major_version_upgrade=allow_major_version_upgrade,
            names={
                "snapshot_identifier": snapshot_identifier,
                "database_name": database_name,
                "application_user": application_user,
                "master_user": master_user,
            },
            engine_lifecycle_support=engine_lifecycle_support,
            deletion_protection=deletion_protection,
            removal_policy=removal_policy,
            encryption_key=encryption_key,
        )
        Alarms.check_topic(scope, alarm_topic)
        uses: dict[str, IConstruct | None] = {
            "vpc": vpc,
            "database": database,
            "master_secret": master_secret,
            "application_secret": application_secret,
            "encryption_key": encryption_key,
        }
        _check_places(scope, uses)
        of_instance = {
            "instance_type": instance_type,
            "multi_az": multi_az,
            "allocated_storage": allocated_storage,
            "max_allocated_storage": max_allocated_storage,
            "allow_major_version_upgrade": allow_major_version_upgrade or None,
        }
        of_cluster = {"min_capacity": min_capacity, "max_capacity": max_capacity}
        existing_server: database_server.Server | None = None
        if database is not None:
            _validation.check_not_with(
                "database",
                "it is made already. Set it there.",
                engine=engine,
                port=port,
                snapshot_identifier=snapshot_identifier,
                backup_retention=backup_retention,
                engine_lifecycle_support=engine_lifecycle_support,
                deletion_protection=deletion_protection,
                max_azs=max_azs,
                availability_zones=availability_zones,
                nat_gateways=nat_gateways,
                **of_instance,
                **of_cluster,
            )
            existing_server = database_server.existing(database, master_secret)
            family, is_cluster = existing_server.family, existing_server.cluster is not None
            vpc = database_server.vpc_of(database) if vpc is None else vpc
            _check_names_of_existing(database_name, application_user, application_secret)
        else:
            family, is_cluster = _check_engine(engine, of_instance, of_cluster)
            _validation.check_not_with(
                "engine",
                "they belong to database=, a database that exists.",
                master_secret=master_secret,
                application_secret=application_secret,
            )
        _check_readers(readers, is_cluster=is_cluster)
        network_settings = NetworkSettings(
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            max_azs=max_azs,
            availability_zones=availability_zones,
            nat_gateways=nat_gateways,
            interface_endpoints=interface_endpoints,
        )
        network_settings.check(scope)
        login = Login(
            authentication=authentication,
            alternating_users=alternating_users,
            rotation_interval=rotation_interval,
            application_secret=application_secret,
            application_user=_defaults.APPLICATION_USER if application_user is None else application_user,
            master_user=_defaults.MASTER_USER[family] if master_user is None else master_user,
            database_name=_defaults.DATABASE_NAME if database_name is None else database_name,
        )
        login.check(family, existing_server)
        database_server.check_numbers(
            family,
            port=port,
            allocated_storage=allocated_storage,
            max_allocated_storage=max_allocated_storage,
            min_capacity=min_capacity,
            max_capacity=max_capacity,
            readers=readers,
            max_connections=max_connections,
            backup_retention=backup_retention,
            restored=snapshot_identifier is not None,
        )
        pool = Pool(
            max_connections=max_connections,
            max_connections_percent=max_connections_percent,
            max_idle_connections_percent=max_idle_connections_percent,
            borrow_timeout=borrow_timeout,
            idle_client_timeout=idle_client_timeout,
        )

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        uses |= {"vpc": vpc, "alarm_topic": alarm_topic}
        self._uses = {argument: part for argument, part in uses.items() if part is not None}
        location.note(scope, self)
        self._stack = location.stack_of(self)
        self._login = login
        self._pool = pool
        self._encryption_key = encryption_key
        self.application_user, self.master_user = login.application_user, login.master_user
        self.database_name = login.database_name
        self.port = _defaults.PROXY_PORT[family]

        removal = RemovalPolicy.SNAPSHOT if removal_policy is None else removal_policy
        retained = removal if removal in database_server.KEEPING else None
        network = network_settings.make(self, needed=login.needed_endpoints, keep=retained)
        self.vpc = network.vpc
        self.flow_log_group = network.flow_log_group
        self.interface_endpoints = network.interface_endpoints

        server = existing_server or database_server.make(
            self,
            engine=engine,
            family=family,
            settings=database_server.Settings(
                vpc=network.vpc,
                vpc_subnets=network.vpc_subnets,
                database_name=login.database_name,
                port=self.port if port is None else port,
                master_user=login.master_user,
                max_connections=max_connections,
                backup_retention=backup_retention or _BACKUP_RETENTION,
                deletion_protection=removal != RemovalPolicy.DESTROY
                if deletion_protection is None
                else deletion_protection,
                removal_policy=removal,
                encryption_key=encryption_key,
                snapshot_identifier=snapshot_identifier,
                engine_lifecycle_support=engine_lifecycle_support,
                instance_type=instance_type,
                multi_az=True if multi_az is None else multi_az,
                allocated_storage=allocated_storage,
                max_allocated_storage=max_allocated_storage,
                allow_major_version_upgrade=allow_major_version_upgrade,
                min_capacity=_defaults.MIN_CAPACITY_ACU if min_capacity is None else min_capacity,
                max_capacity=_defaults.MAX_CAPACITY_ACU if max_capacity is None else max_capacity,
                readers=readers,
            ),
        )
        self.instance, self.cluster = server.instance, server.cluster
        self.master_secret = server.master_secret

        new_secret, rotation = None, None
        if login.makes_secret:
            new_secret = database_credentials.application_secret(
                self,
                "ApplicationSecret",
                server=server,
                login=login,
                tls_only=existing_server is not None,
                encryption_key=encryption_key,
                removal_policy=retained or RemovalPolicy.DESTROY,
            )
            rotation = database_credentials.rotate(
                self, secret=new_secret, server=server, login=login, network=network
            )
        self.application_secret = new_secret or application_secret
        self.rotation = rotation.schedule if rotation else None
        self.rotation_security_group = rotation.security_group if rotation else None

        self._proxy = database_proxy.make(
            self,
            proxy_stack=self._stack,
            server=server,
            login=login,
            secrets={"Application": self.application_secret, "Master": self.master_secret},
            network=network,
            pool=pool,
            reader_endpoint=readers != 0,
        )
        if rotation is not None:
            database_credentials.RotationBoundaryWarning(self)
        self.proxy, self.proxy_role = self._proxy.proxy, self._proxy.role
        self.reader_endpoint = self._proxy.reader_endpoint
        self.security_group = self._proxy.security_group

        self._door = Door(self._stack, self.security_group, self.port, "RDS Proxy")
        self._budget = database_proxy.Budget(pool)
        self._may_log_in: WeakSet[lambda_.Function] = WeakSet()
        self._subnet_ids: frozenset[str] | None = None
        if vpc is None and not nat_gateways:  # the VPC that was made has no other subnets
            self._subnet_ids = frozenset(network.subnets.subnet_ids)
        self._facts = [
            server.host,
            server.port,
            login.database_name,
            login.application_user,
            login.master_user,
            snapshot_identifier,
            alternating_users,
        ]

        alarms_here = Alarms(self, alarm_topic, findings=server.findings)
        self.alarm_topic = alarms_here.topic
        metrics = database_alarms.Metrics(
            proxy_name=self.proxy.db_proxy_name,
            instance_identifier=None if self.instance is None else self.instance.instance_identifier,
            cluster_identifier=None if self.cluster is None else self.cluster.cluster_identifier,
        )
        self.proxy_connections_alarm = alarms_here.add(
            "ProxyConnectionsAlarm", database_alarms.proxy_connections(metrics)
        )
        self.borrow_latency_alarm = alarms_here.add(
            "BorrowLatencyAlarm", database_alarms.borrow_latency(metrics)
        )
        self.pinned_sessions_alarm = alarms_here.add(
            "PinnedSessionsAlarm", database_alarms.pinned_sessions(metrics)
        )
        self.database_cpu_alarm = alarms_here.add("DatabaseCpuAlarm", database_alarms.database_cpu(metrics))
        self.database_connections_alarm = alarms_here.add(
            "DatabaseConnectionsAlarm",
            database_alarms.database_connections(metrics, proxy_percent=max_connections_percent),
        )
        self.free_storage_alarm = alarms_here.add(
            "FreeStorageAlarm",
            None
            if is_cluster
            else database_alarms.free_storage(
                metrics,
                allocated_gib=_defaults.STORAGE_GIB
                if allocated_storage is None or _validation.is_unresolved(allocated_storage)
                else allocated_storage,
            ),
        )

    @property
    def connections(self) -> ec2.Connections:
        """The proxy's, at its port: `database.connections.allow_default_port_from(bastion)`."""
        return ec2.Connections(security_groups=[self.security_group], default_port=ec2.Port.tcp(self.port))

    def connect(
        self, function: FunctionLike, *, environment_prefix: str = "DATABASE", reader: bool = False
    ) -> None:
        """Let a function log in through the proxy as the application's user.

        It gets the way there (security groups), the right to log in as exactly this user of exactly this proxy
        or to read exactly this secret, and the variables that `constructs_lib.runtime.database` reads:
        `DATABASE_HOST`, `_PORT`, `_NAME`, and `_USER` or `_SECRET_ARN`. More concurrency than the proxy has
        connections is a warning, not an error: a proxy makes clients wait in turn, and refuses none before
        `borrow_timeout`.

        Args:
            function: A function in `vpc`, or its alias.
            environment_prefix: How the variables begin; a second database of one function needs another.
            reader: Also `DATABASE_READER_HOST`: the readers of a cluster.

        Raises:
            InvalidPropsError: The function is outside of the VPC, or imported, or a version; it is connected
                already, or an administrator of this database; the prefix is taken; there are no readers.
        """
        if reader and self.reader_endpoint is None:
            raise InvalidPropsError(
                f"reader=True requires a reader endpoint, and {self.node.path} has none: make it with readers=1 or "
                f"more, of an Aurora engine. See {_defaults.RDS_PROXY_ENDPOINTS}"
            )
        self._open(
            function,
            environment_prefix,
            "connect",
            user=self.application_user,
            secret=self.application_secret,
            also={"READER_HOST": self.reader_endpoint.endpoint}
            if reader and self.reader_endpoint is not None
            else {},
        )

    def connect_administrator(self, function: FunctionLike, *, environment_prefix: str = "DATABASE") -> None:
        """Let a function log in as the master user: the migration, which makes the application's user.

        Beside what `connect` gives, for the master: `DATABASE_APPLICATION_USER`, and
        `DATABASE_APPLICATION_SECRET_ARN` with the right to read it; no secret under end-to-end IAM. A function
        is either a migration or an application, and never both.

        Args:
            function: A function in `vpc`, or its alias.
            environment_prefix: How the variables begin.

        Raises:
            InvalidPropsError: As with `connect`; or the master's secret is not known.
        """
        if self.master_secret is None:
            raise InvalidPropsError(
                f"master_secret of {self.node.path} must be given to connect an administrator: the proxy logs "
                f"in with it, and an imported database does not have it."
            )
        secret = self.application_secret
        underlying, role = self._open(
            function,
            environment_prefix,
            "connect_administrator",
            user=self.master_user,
            secret=self.master_secret,
            also={"APPLICATION_USER": self.application_user}
            | ({"APPLICATION_SECRET_ARN": secret.secret_arn} if secret is not None else {}),
        )
        if secret is not None:
            database_credentials.let_read(underlying, role, secret)
        # A replaced database is empty, and a changed secret has a new password. A new version makes a
        # `triggers.Trigger` run the migration again.
        key = self._encryption_key
        facts = [*self._facts, None if key is None else key.key_arn]
        underlying.invalidate_version_based_on(json.dumps(self._stack.resolve(facts)))

    def _open(
        self,
        function: FunctionLike,
        prefix: str,
        kind: Literal["connect", "connect_administrator"],
        *,
        user: str,
        secret: secretsmanager.ISecret | None,
        also: Mapping[str, str],
    ) -> tuple[lambda_.Function, iam.IRole]:
        underlying = changeable(function)
        function_stack = location.stack_of(underlying)
        if self._subnet_ids is None:
            self._subnet_ids = all_subnet_ids(self.vpc)
        known = Invoked.of(underlying)
        vpc = known.properties.get("vpcConfig")
        clients.check_vpc(
            underlying,
            vpc,
            self.vpc,
            self._subnet_ids,
            what="database",
            reaches="its proxy",
            source=_defaults.RDS_PROXY_NETWORK,
        )
        clients.check_stack(underlying, function_stack, self, self._stack, self._uses)
        clients.claim(underlying, prefix, clients.Connection(path_of(self), kind))
        self._budget.spend(self, underlying, known.properties.get("reservedConcurrentExecutions"))
        database_proxy.check_patience(self, underlying, known.invocation_seconds, self._pool.borrow_timeout)
        self._door.let_in(underlying, function_stack)
        role = permissions.role_of(underlying)
        variables = {"HOST": self._proxy.endpoint, "PORT": str(self.port), "NAME": self.database_name}
        if self._login.authentication == "secret":
            assert secret is not None  # noqa: S101 - every user has one then
            database_credentials.let_read(underlying, role, secret)
            variables["SECRET_ARN"] = secret.secret_arn
        else:
            if underlying not in self._may_log_in:  # it may be connected under another prefix already
                self._may_log_in.add(underlying)
                database_proxy.let_connect(self._proxy, underlying, role, user)
            variables["USER"] = user
        clients.tell(underlying, prefix, {**variables, **also})
        # When the proxy is replaced, the references to it in the template stay the same text, and CDK publishes a new
        # version for changed text alone: the name is part of the version's hash. Functions wait until the proxy works.
        node_of(underlying).add_dependency(self._proxy.target_group)
        underlying.invalidate_version_based_on(self._proxy.name)
        return underlying, role


_BACKUP_RETENTION: Final = Duration.days(_defaults.BACKUP_RETENTION_DAYS)


def _check_kinds(
    *,
    master_secret: object,
    application_secret: object,
    alternating_users: object,
    instance_type: object,
    multi_az: object,
    allow_major_version_upgrade: object,
    names: Mapping[str, object],
    engine_lifecycle_support: object,
    deletion_protection: object,
    removal_policy: object,
    encryption_key: object,
) -> None:
    """Refuse what jsii or the CDK would refuse only after some parts are made."""
    _validation.check_part("master_secret", master_secret, "secret_arn", "a secret")
    _validation.check_part("application_secret", application_secret, "secret_arn", "a secret")
    _validation.check_part("encryption_key", encryption_key, "key_arn", "a KMS key")
    _validation.check_part(
        "instance_type",
        instance_type,
        "is_burstable",
        "an ec2.InstanceType, such as ec2.InstanceType('r8g.large')",
    )
    for name, value in (
        ("alternating_users", alternating_users),
        ("multi_az", multi_az),
        ("allow_major_version_upgrade", allow_major_version_upgrade),
        ("deletion_protection", deletion_protection),
    ):
        if value is not None:
            _validation.check_flag(name, value)
    for name, value in names.items():
        if value is not None:
            _validation.check_text(name, value)
    _validation.check_member("engine_lifecycle_support", engine_lifecycle_support, rds.EngineLifecycleSupport)
    _validation.check_member("removal_policy", removal_policy, RemovalPolicy)


def _check_places(scope: Construct, uses: Mapping[str, IConstruct | None]) -> None:
    for name, part in uses.items():
        location.check(
            scope,
            name,
            part,
            same_account=name == "database",
            way_out="A proxy uses what is in its own Region: make this ProxiedDatabase there.",
            source=_defaults.RDS_PROXY,
        )


def _check_names_of_existing(
    database_name: str | None, application_user: str | None, application_secret: object
) -> None:
    if database_name is None:
        raise InvalidPropsError(
            "database_name is required with database: the name of the existing database, such as 'postgres'."
        )
    if application_secret is not None and application_user is None:
        raise InvalidPropsError(
            "application_user is required with application_secret: the user that the secret belongs to."
        )


def _check_engine(
    engine: rds.IInstanceEngine | rds.IClusterEngine | None,
    of_instance: Mapping[str, object],
    of_cluster: Mapping[str, object],
) -> tuple[database_server.Family, bool]:
    """The family of an engine, and whether it is that of a cluster."""
    if engine is None:
        raise InvalidPropsError(
            "engine or database must be given: an engine to make one, such as "
            "rds.DatabaseInstanceEngine.postgres(version=...), or a database that exists."
        )
    family, is_cluster = database_server.check_engine(engine)
    _validation.check_not_with(
        "the engine of a cluster" if is_cluster else "the engine of an instance",
        "an instance has them." if is_cluster else "a cluster has them.",
        **(of_instance if is_cluster else of_cluster),
    )
    return family, is_cluster


def _check_readers(readers: int, *, is_cluster: bool) -> None:
    if readers and not is_cluster:
        raise InvalidPropsError(
            f"readers must be 0 for an instance, got {readers}: only the proxy of an Aurora cluster has a "
            f"reader endpoint. See {_defaults.RDS_PROXY_ENDPOINTS}"
        )
