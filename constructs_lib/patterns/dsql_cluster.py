"""An Aurora DSQL cluster, for functions that log in with IAM."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal
from weakref import WeakKeyDictionary

from aws_cdk import RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dsql as dsql
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct, IConstruct

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import alarms, clients, encryption, location, permissions
from constructs_lib.foundation.alarms import Alarms, Watch
from constructs_lib.foundation.door import Door
from constructs_lib.foundation.invoked import Invoked, changeable, check_place
from constructs_lib.foundation.resource import path_of, properties_of, resource_of
from constructs_lib.practice.plugin import check_app_of

if TYPE_CHECKING:  # a service module costs time at import
    from aws_cdk import aws_kms as kms


class DsqlCluster(Construct):
    """An Aurora DSQL cluster in one Region: serverless PostgreSQL, without a proxy or passwords.

    What is deployed: the cluster, encrypted, with deletion protection; and alarms on transactions that time
    out after five minutes, and on those that conflict. `connect` allows a function to log in as a database role, with
    IAM; `connect_administrator` allows a migration to create these roles and the tables.

    When transactions change the same rows, Aurora DSQL commits one of them and refuses the others. In the handler,
    `constructs_lib.runtime.database.Database` repeats the whole transaction.

    No argument replaces the cluster. Another path of the construct in the app replaces it with an empty one.

    The guide is docs/dsql.md.

    Args:
        scope: The construct to put it in.
        construct_id: The construct's id, unique in its scope.
        encryption_key: Your own key, symmetric, of the same Region; default a key that Aurora DSQL owns, without cost.
            It can change at any time, without downtime.
        alarm_topic: The topic that the alarms notify, of the same Region. None: that of `AlarmSettings`, or else one is
            created, for you to subscribe to.
        removal_policy: What happens to the cluster when the stack is deleted, or the cluster is replaced; default
            RETAIN. With DESTROY it has no deletion protection. Aurora DSQL creates no final snapshot.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        cluster: The cluster.
        endpoint: The host name of the cluster, for clients outside a VPC or with a NAT gateway.
        vpc_endpoint_service_name: The service name for an interface VPC endpoint.
        alarm_topic: The topic that the alarms notify: the one that you passed, that of `AlarmSettings`, or one that was
            created.
        timeouts_alarm: On transactions that time out after five minutes.
        conflicts_alarm: On the share of transactions that conflict.

    Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/what-is-aurora-dsql.html
    """

    cluster: Final[dsql.CfnCluster]
    endpoint: Final[str]
    vpc_endpoint_service_name: Final[str]
    alarm_topic: Final[sns.ITopic]
    timeouts_alarm: Final[cloudwatch.Alarm]
    conflicts_alarm: Final[cloudwatch.Alarm]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        encryption_key: "kms.IKey | kms.Key | None" = None,
        alarm_topic: sns.ITopic | sns.Topic | None = None,
        removal_policy: RemovalPolicy | None = None,
    ) -> None:
        """Create the cluster and its alarms; the arguments are described at the class."""
        encryption.check_key(scope, encryption_key, of="Aurora DSQL", source=_defaults.DSQL_KEYS)
        Alarms.check_topic(scope, alarm_topic)
        _validation.check_member("removal_policy", removal_policy, RemovalPolicy, without="SNAPSHOT")

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        location.note(scope, self)
        self._stack = location.stack_of(self)
        self._uses: dict[str, IConstruct] = {
            name: part
            for name, part in (("encryption_key", encryption_key), ("alarm_topic", alarm_topic))
            if part is not None
        }
        if encryption_key is not None:
            _allow_service(self, encryption_key)
        self.cluster = dsql.CfnCluster(
            self,
            "Cluster",
            deletion_protection_enabled=removal_policy != RemovalPolicy.DESTROY,
            kms_encryption_key=_defaults.DSQL_OWN_KEY if encryption_key is None else encryption_key.key_arn,
        )
        self.cluster.apply_removal_policy(removal_policy or RemovalPolicy.RETAIN)
        self.endpoint = self.cluster.attr_endpoint
        self.vpc_endpoint_service_name = self.cluster.attr_vpc_endpoint_service_name
        self._arn = self.cluster.attr_resource_arn
        self._roles: dict[str, dict[str, iam.IRole]] = {}
        self._migrations: list[tuple[lambda_.Function, str]] = []
        alarms_here = Alarms(self, alarm_topic)
        self.alarm_topic = alarms_here.topic
        identifier = self.cluster.attr_identifier
        self.timeouts_alarm = alarms_here.add("TimeoutsAlarm", _timeouts(identifier))
        self.conflicts_alarm = alarms_here.add("ConflictsAlarm", _conflicts(identifier))

    def connect(
        self,
        function: FunctionLike,
        *,
        database_role: str = _defaults.APPLICATION_USER,
        environment_prefix: str = "DATABASE",
        vpc_endpoint: ec2.IInterfaceVpcEndpoint | ec2.InterfaceVpcEndpoint | None = None,
    ) -> None:
        """Allow a function to log in as a database role.

        The function's role may connect to this cluster, and not as its administrator. Its environment gets what
        `constructs_lib.runtime.database` reads: `DATABASE_HOST`, `_PORT`, `_NAME`, `_USER` and `_SERVICE`. The
        migration, connected with `connect_administrator`, creates the database role and links it to the function's
        role.

        Args:
            function: A function of this app, of the same Region and account, or its alias.
            database_role: The database role: 1 to 63 lowercase letters, digits and underscores; default `app`.
            environment_prefix: Prefix of the environment variables; a second database of a function requires another.
            vpc_endpoint: The interface endpoint of the cluster's service, with private DNS names, for a function in a
                VPC; this method adds the rule of its security group. Default None: the function reaches the
                cluster over the internet, from a VPC through a NAT gateway.

        Raises:
            InvalidPropsError: The function is imported, a version, or of another Region or account; it is connected
                already; the prefix is taken; or an argument cannot work.
        """
        _validation.check_pattern(
            "database_role",
            database_role,
            "(?!pg_)[a-z_][a-z0-9_]{0,62}",
            "1 to 63 small letters, digits and underscores that do not start with a digit or pg_",
            source=_defaults.DSQL_ROLES,
        )
        if database_role == _defaults.DSQL_ADMINISTRATOR:
            raise InvalidPropsError(
                f"database_role must not be {database_role!r}, which may do everything. Name another role, or use "
                f"connect_administrator for a migration. See {_defaults.DSQL_ROLES}"
            )
        role = self._open(function, environment_prefix, "connect", database_role, vpc_endpoint)
        self._roles.setdefault(database_role, {})[role.role_arn] = role
        self._tell_migrations()

    def connect_administrator(
        self,
        function: FunctionLike,
        *,
        environment_prefix: str = "DATABASE",
        vpc_endpoint: ec2.IInterfaceVpcEndpoint | ec2.InterfaceVpcEndpoint | None = None,
    ) -> None:
        """Allow a migration to log in as `admin`, to create tables and database roles.

        In addition to what `connect` sets, its environment has `DATABASE_ROLES` for
        `constructs_lib.runtime.dsql.ensure_database_roles`: each database role, with the IAM roles of its functions,
        also of those that are connected later. A function cannot be connected with both methods.

        Args:
            function: A function of this app, of the same Region and account, or its alias.
            environment_prefix: Prefix of the environment variables.
            vpc_endpoint: As for `connect`.

        Raises:
            InvalidPropsError: As with `connect`; or it is in the cluster's stack, and the role of a connected function
                is not.
        """
        self._open(
            function,
            environment_prefix,
            "connect_administrator",
            _defaults.DSQL_ADMINISTRATOR,
            vpc_endpoint,
        )
        self._migrations.append((changeable(function), environment_prefix))
        self._tell_migrations()

    def _open(
        self,
        function: FunctionLike,
        prefix: str,
        kind: Literal["connect", "connect_administrator"],
        user: str,
        vpc_endpoint: ec2.IInterfaceVpcEndpoint | None,
    ) -> iam.IRole:
        invoked = Invoked.of(function)
        behind = changeable(function)
        check_place(self, invoked)
        _check_endpoint(vpc_endpoint, invoked)
        function_stack = location.stack_of(behind)
        clients.check_stack(behind, function_stack, self, self._stack, self._uses)
        role = permissions.role_of(behind)
        if kind == "connect":
            for migration, _ in self._migrations:
                self._check_migration(migration, role)
        else:
            for known in self._roles.values():
                for of_application in known.values():
                    self._check_migration(behind, of_application)
        clients.claim(behind, prefix, clients.Connection(path_of(self), kind))
        host = self.endpoint
        if vpc_endpoint is not None:
            _door_of(vpc_endpoint).let_in(behind, function_stack)
            host = self.cluster.attr_vpc_endpoint
        action = "dsql:DbConnect" if kind == "connect" else "dsql:DbConnectAdmin"
        permissions.allow_role(behind, role, [action], self._arn, resource=self.cluster)
        variables: Mapping[str, str] = {
            "HOST": host,
            "PORT": str(_defaults.DSQL_PORT),
            "NAME": _defaults.DSQL_DATABASE,
            "USER": user,
            "SERVICE": "dsql",
        }
        clients.tell(behind, prefix, variables)
        return role

    def _check_migration(self, migration: lambda_.Function, role: iam.IRole) -> None:
        """Refuse a migration in the cluster's stack that would need a role of a stack that needs the cluster."""
        deployed = clients.apart(self._stack, location.stack_of(role))
        if deployed is None:
            return
        ours, theirs = deployed
        if ours in clients.lineage(location.stack_of(migration)):
            raise InvalidPropsError(
                f"the migration {path_of(migration)} cannot be in the stack of {path_of(self)}: it needs the role "
                f"{path_of(role)} of the stack {path_of(theirs)}, so each of the two stacks would depend on the other. "
                f"Put the migration into the stack of the role, or into another one."
            )

    def _tell_migrations(self) -> None:
        for migration, prefix in self._migrations:
            stack = location.stack_of(migration)
            known = {name: list(roles) for name, roles in self._roles.items()}
            clients.tell(migration, prefix, {"ROLES": stack.to_json_string(known)})


def _allow_service(cluster: DsqlCluster, key: "kms.IKey") -> None:
    """Let Aurora DSQL use a key for clusters of this account: it reads the key by itself, long after the deployment.

    The identifier of this very cluster is not known before the key is.
    """
    service = iam.ServicePrincipal("dsql.amazonaws.com")
    clusters = location.stack_of(cluster).format_arn(service="dsql", resource="cluster", resource_name="*")
    of_service = {"aws:SourceArn": clusters}
    in_context = {"kms:EncryptionContext:aws:dsql:ClusterId": "*"}
    for actions, condition in (
        (_defaults.DSQL_KEY_ACTIONS, of_service | in_context),
        (("kms:DescribeKey",), of_service),
    ):
        permissions.allow(
            cluster,
            key,
            iam.PolicyStatement(
                principals=[service],
                actions=list(actions),
                resources=["*"],
                conditions={"StringLike": condition},
            ),
        )


# --- the network ---------------------------------------------------------------------------------------

_doors: Final[WeakKeyDictionary[IConstruct, Door]] = WeakKeyDictionary()
"""The door of each endpoint, which several clusters may share."""


def _door_of(vpc_endpoint: ec2.IInterfaceVpcEndpoint) -> Door:
    if vpc_endpoint not in _doors:
        _doors[vpc_endpoint] = Door(
            location.stack_of(vpc_endpoint),
            vpc_endpoint.connections.security_groups[0],
            _defaults.DSQL_PORT,
            "Aurora DSQL",
        )
    return _doors[vpc_endpoint]


def _check_endpoint(vpc_endpoint: ec2.IInterfaceVpcEndpoint | None, invoked: Invoked) -> None:
    _validation.check_part("vpc_endpoint", vpc_endpoint, "vpc_endpoint_id", "an interface VPC endpoint")
    if vpc_endpoint is None:
        return
    page = f"See {_defaults.DSQL_PRIVATE_LINK}"
    if invoked.properties.get("vpcConfig") is None:
        raise InvalidPropsError(
            f"vpc_endpoint requires a function in a VPC, and {invoked.path} is in none. Leave vpc_endpoint out, or "
            f"give the function the vpc= of the endpoint. {page}"
        )
    if not vpc_endpoint.connections.security_groups:
        raise InvalidPropsError(
            f"vpc_endpoint {path_of(vpc_endpoint)} must be imported with its security_groups, which have to let the "
            f"function in. {page}"
        )
    if isinstance(vpc_endpoint, ec2.InterfaceVpcEndpoint):
        known = properties_of(resource_of(vpc_endpoint, ec2.CfnVPCEndpoint))
        if known.get("privateDnsEnabled") is not True:
            raise InvalidPropsError(
                f"vpc_endpoint {path_of(vpc_endpoint)} must have private DNS names, without which the name of the "
                f"cluster does not lead to it. Pass private_dns_enabled=True to the endpoint. {page}"
            )


# --- what is watched -----------------------------------------------------------------------------------


def _metric(identifier: str, name: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/AuroraDSQL",
        metric_name=name,
        dimensions_map={"ClusterId": identifier},
        statistic="Sum",
        period=alarms.PERIOD,
    )


def _timeouts(identifier: str) -> Watch:
    return Watch(
        metric=_metric(identifier, "QueryTimeouts"),
        threshold=0,
        periods=1,
        datapoints=1,
        description="Aurora DSQL ends transactions after five minutes, and their work is not done. Divide it into "
        "smaller transactions.",
    )


def _conflicts(identifier: str) -> Watch:
    return Watch(
        metric=cloudwatch.MathExpression(
            expression=f"IF(conflicts >= {_defaults.DSQL_CONFLICTS_LEAST}, 100 * conflicts / transactions, 0)",
            label="Transactions that conflict (%)",
            using_metrics={
                "conflicts": _metric(identifier, "OccConflicts"),
                "transactions": _metric(identifier, "TotalTransactions"),
            },
            period=alarms.PERIOD,
        ),
        threshold=_defaults.DSQL_CONFLICTS_PERCENT,
        description="Many transactions change the same rows, so they are repeated, and each try is paid for. Spread "
        "what they write over more rows, or make them shorter.",
    )
