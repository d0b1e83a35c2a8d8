"""RDS Proxy: the pool of connections between functions and a database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, cast
from weakref import WeakKeyDictionary

from aws_cdk import Annotations, Duration, Names, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import location, permissions
from constructs_lib.foundation.acknowledgment import acknowledge
from constructs_lib.foundation.physical_name import physical_name
from constructs_lib.foundation.resource import node_of, path_of, resource_of
from constructs_lib.patterns.database.credentials import Login, decryption
from constructs_lib.patterns.database.network import Network
from constructs_lib.patterns.database.server import Family, Server


@dataclass(frozen=True, kw_only=True)
class Pool:
    """How a proxy shares the connections of its database among its clients.

    Raises:
        InvalidPropsError: RDS Proxy would refuse a setting, or no connection is left.
    """

    max_connections: float | None
    """The `max_connections` of the database; None if it is unknown."""
    max_connections_percent: float
    """The share of these that the proxy may use."""
    max_idle_connections_percent: float | None
    """The share of these that the proxy keeps open while they are idle."""
    borrow_timeout: Duration | None
    """How long a client waits for a connection."""
    idle_client_timeout: Duration | None
    """How long a client may be idle before the proxy disconnects it."""

    def __post_init__(self) -> None:
        source = _defaults.RDS_PROXY_CONNECTIONS
        percent = self.max_connections_percent
        _validation.check_range("max_connections_percent", percent, 1, 100, whole=True, source=source)
        idle = self.max_idle_connections_percent
        idle_max = 100 if _validation.is_unresolved(percent) else percent
        _validation.check_range("max_idle_connections_percent", idle, 0, idle_max, whole=True, source=source)
        for name, duration, low, high in (
            ("borrow_timeout", self.borrow_timeout, 0, _defaults.BORROW_TIMEOUT_SECONDS_MAX),
            ("idle_client_timeout", self.idle_client_timeout, 1, _defaults.IDLE_CLIENT_TIMEOUT_SECONDS_MAX),
        ):
            _validation.read_seconds(name, duration, low=low, high=high, whole="seconds", source=source)
        if self.connections == 0:
            raise InvalidPropsError(
                f"max_connections_percent must leave the proxy a connection, got {percent} % of "
                f"{self.max_connections}. See {source}"
            )

    @property
    def connections(self) -> int | None:
        """How many the proxy may use; None where that is known only at deployment."""
        most, percent = self.max_connections, self.max_connections_percent
        if most is None or _validation.is_unresolved(most) or _validation.is_unresolved(percent):
            return None
        return int(most * percent // 100)


@dataclass(frozen=True)
class Proxy:
    """A proxy and what belongs to it."""

    name: str
    """What the app knows at synth, in lower case as RDS keeps it; `proxy.db_proxy_name` is a token."""
    proxy: rds.DatabaseProxy
    target_group: rds.CfnDBProxyTargetGroup
    """CloudFormation completes it only when the proxy has reached the database."""
    role: iam.Role
    reader_endpoint: rds.IDatabaseProxyEndpoint | None
    security_group: ec2.SecurityGroup

    @cached_property
    def endpoint(self) -> str:
        """Where clients connect to."""
        return self.proxy.endpoint


def make(
    scope: Construct,
    *,
    proxy_stack: Stack,
    server: Server,
    login: Login,
    secrets: Mapping[str, secretsmanager.ISecret | None],
    network: Network,
    pool: Pool,
    reader_endpoint: bool,
) -> Proxy:
    """Put a proxy in front of a database.

    Args:
        scope: Where to put it.
        proxy_stack: The stack of that.
        server: The database.
        login: How its clients log in, and it.
        secrets: What it logs in with, except under end-to-end IAM, by `Application` and `Master`; None for a
            user without a secret.
        network: Where it is.
        pool: How its connections are shared.
        reader_endpoint: Whether there are readers to reach.

    Returns:
        The proxy, in a security group of its own that nothing may enter yet, and that leads to the database.
    """
    security_group = ec2.SecurityGroup(
        scope, "ProxySecurityGroup", vpc=network.vpc, description="RDS Proxy", allow_all_outbound=False
    )
    # AWS documents this trust without a condition: nobody says whether the service would send aws:SourceAccount.
    role = iam.Role(scope, "ProxyRole", assumed_by=_RDS)
    end_to_end = login.authentication == "end-to-end-iam"
    if end_to_end:
        # CDK leaves the role of such a proxy without it.
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["rds-db:connect"], resources=[server.user_arn(scope, login.application_user)]
            )
        )
    name = _name(scope, proxy_stack, server.family, network.subnets.subnet_ids)
    proxy = rds.DatabaseProxy(
        scope,
        "Proxy",
        db_proxy_name=name,
        proxy_target=server.target,
        secrets=[_readable(scope, whose, secret, role) for whose, secret in secrets.items() if secret],
        vpc=network.vpc,
        vpc_subnets=network.vpc_subnets,
        security_groups=[security_group],
        role=role,
        iam_auth=login.authentication != "secret",
        default_auth_scheme=rds.DefaultAuthScheme.IAM_AUTH if end_to_end else None,
        require_tls=True,
        max_connections_percent=pool.max_connections_percent,
        max_idle_connections_percent=pool.max_idle_connections_percent,
        borrow_timeout=pool.borrow_timeout or _BORROW_TIMEOUT,
        idle_client_timeout=pool.idle_client_timeout or _IDLE_CLIENT_TIMEOUT,
    )
    target_group = proxy.node.find_child("ProxyTargetGroup")
    assert isinstance(target_group, rds.CfnDBProxyTargetGroup)  # noqa: S101 - what a proxy has
    acknowledge(
        target_group,
        {
            "CloudFormation-Validate::F3002": "A target group takes tags (the resource's schema of October 2026), "
            "which the schema that CDK 2.275 brings does not know yet."
        },
    )
    readers = (
        proxy.add_endpoint(
            "Reader",
            db_proxy_endpoint_name=f"{name}{_READER}",
            vpc=network.vpc,
            vpc_subnets=network.vpc_subnets,
            security_groups=[security_group],
            target_role=rds.ProxyEndpointTargetRole.READ_ONLY,
        )
        if reader_endpoint
        else None
    )
    return Proxy(name, proxy, target_group, role, readers, security_group)


_RDS: Final = iam.ServicePrincipal("rds.amazonaws.com")
_BORROW_TIMEOUT: Final = Duration.seconds(_defaults.BORROW_TIMEOUT_SECONDS)
_IDLE_CLIENT_TIMEOUT: Final = Duration.seconds(_defaults.IDLE_CLIENT_TIMEOUT_SECONDS)
_READER: Final = "-reader"


def _name(scope: Construct, proxy_stack: Stack, family: Family, subnet_ids: Sequence[str]) -> str:
    """A name that RDS keeps as it is, and that changes with whatever replaces the proxy.

    RDS keeps names of proxies in lower case, and CloudWatch tells `ProxyName`s apart by case.
    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbproxy.html
    """
    return physical_name(
        proxy_stack,
        path_of(scope),
        [family, list(subnet_ids)],
        longest=_defaults.PROXY_NAME_LENGTH_MAX - len(_READER),
        otherwise="proxy",
    )


def let_connect(proxy: Proxy, function: lambda_.Function, role: iam.IRole, user: str) -> None:
    """Allow a function to log in as one user of one proxy.

    The permission is a policy of its own that is named after the proxy. When the proxy is replaced, the policy is
    too, and CloudFormation deletes the old ones last: until then, versions of a function that still have the old
    proxy's address may log in there.

    Args:
        proxy: The proxy.
        function: The function; it is not allowed yet.
        role: Its role.
        user: The user.
    """
    # Below the role, so that a function, which depends on its role, has the right from its start. A role that is
    # imported, or of another stack, would have its stack depend on the proxy's: there it is the function's.
    is_ours = isinstance(role, iam.Role) and location.stack_of(role) is location.stack_of(function)
    if is_ours:
        policy = iam.Policy(cast("Construct", role), f"ConnectTo-{proxy.name}", roles=[role])
        proxy.proxy.grant_connect(policy, user)
        return
    # By CDK's own name, one policy would overwrite the other where two stacks use the role with equal ids.
    most = _defaults.POLICY_NAME_CHARACTERS_MAX - len(proxy.name)
    name = f"{Names.unique_resource_name(function, max_length=most)}{proxy.name}"
    policy = iam.Policy(function, f"ConnectTo-{proxy.name}", policy_name=name)
    role.attach_inline_policy(policy)  # a role that may not be changed stays without it
    grant = proxy.proxy.grant_connect(policy, user)
    node_of(resource_of(function, lambda_.CfnFunction)).add_dependency(policy)
    statement = grant.principal_statement
    if statement is not None and not permissions.is_taken(role, policy):
        permissions.tell_owner(function, role, statement)


def _readable(
    scope: Construct, name: str, secret: secretsmanager.ISecret, role: iam.IRole
) -> secretsmanager.ISecret:
    """A secret that a proxy of the CDK lets its role read, without a word in the policy of the secret's key."""
    key = secret.encryption_key
    if key is None:
        return secret
    role.add_to_principal_policy(decryption(scope, key))
    return secretsmanager.Secret.from_secret_complete_arn(scope, f"Proxy{name}Secret", secret.secret_arn)


class Budget:
    """How many of the functions can have a database connection at the same time.

    RDS Proxy takes more clients than it has connections: each transaction borrows one, and waits up to the
    borrow timeout while none is free. So a sum of concurrency above the connections is no error, short
    transactions may share them well; it is a warning, since it is where waiting begins. A function without
    reserved concurrency can grow to the account's limit, a thousand and more: a warning as well.
    """

    def __init__(self, pool: Pool) -> None:
        self._connections = pool.connections
        self._reserved: WeakKeyDictionary[lambda_.Function, float] = WeakKeyDictionary()

    def spend(self, scope: Construct, function: lambda_.Function, reserved: float | None) -> None:
        """Count one more function.

        Args:
            scope: What the warning is about.
            function: The function.
            reserved: Its reserved concurrency.
        """
        if reserved is None:
            Annotations.of(scope).add_warning_v2(
                "constructs-lib:unbounded-concurrency",
                f"Function {function.node.path} has no reserved concurrency: it can grow to the account's "
                f"limit, and all of it waits for the connections of one proxy. Set "
                f"reserved_concurrent_executions. See {_defaults.LAMBDA_CONCURRENCY}",
            )
            return
        if _validation.is_unresolved(reserved) or self._connections is None:
            return
        before = sum(self._reserved.values())
        self._reserved[function] = reserved
        total = sum(self._reserved.values())
        if total > self._connections and total > before:
            Annotations.of(scope).add_warning_v2(
                "constructs-lib:connection-budget",
                f"The connected functions can run {total:g} at a time ({function.node.path}: {reserved:g}), "
                f"and the proxy has {self._connections} connections for them: the rest waits, up to "
                f"borrow_timeout. Keep transactions short, or lower reserved_concurrent_executions, or raise "
                f"max_connections or max_connections_percent. See {_defaults.RDS_PROXY_CONNECTIONS}",
            )


def check_patience(
    scope: Construct, function: lambda_.Function, runs: float | None, borrow_timeout: Duration | None
) -> None:
    """Warn of a function that Lambda stops while the proxy still lets it wait.

    Args:
        scope: What the warning is about.
        function: The function.
        runs: Its timeout in seconds; None where that is known only at deployment.
        borrow_timeout: How long the proxy lets a client wait; None: the default.
    """
    waits = _validation.read_seconds("borrow_timeout", borrow_timeout, _defaults.BORROW_TIMEOUT_SECONDS)
    if waits is None or runs is None or runs > waits:
        return
    Annotations.of(scope).add_warning_v2(
        "constructs-lib:borrow-timeout",
        f"Function {function.node.path} is stopped after {runs:g} seconds, and waits for a connection up to "
        f"{waits:g}: when all are busy it times out before the proxy can tell it why. Lower borrow_timeout, or raise "
        f"the function's timeout; Database.register_lambda_context in its handler ends every wait in time. "
        f"See {_defaults.RDS_PROXY_CONNECTIONS}",
    )
