"""The application's user of a database: a secret of its own, rotated by AWS."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from aws_cdk import Annotations, CfnResource, Duration, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import location, permissions
from constructs_lib.foundation.door import tcp
from constructs_lib.patterns.database.network import HTTPS, Network
from constructs_lib.patterns.database.server import Family, Server

Authentication = Literal["iam", "secret", "end-to-end-iam"]
"""How a function proves to the proxy who it is, and the proxy to the database."""


@dataclass(frozen=True, kw_only=True)
class Login:
    """How users log in to the database, and their names."""

    authentication: Authentication
    alternating_users: bool
    """Whether two users take turns when their password rotates."""
    rotation_interval: Duration | None
    application_secret: secretsmanager.ISecret | None
    """The secret of an existing user; None if the secret is created here, or if the user needs no password."""
    application_user: str
    master_user: str
    database_name: str

    @property
    def makes_secret(self) -> bool:
        """Whether the application's user gets a password here, which is rotated."""
        return self.authentication != "end-to-end-iam" and self.application_secret is None

    @property
    def needed_endpoints(self) -> Sequence[str]:
        """What the rotation, the migration and functions with a secret call from inside the VPC."""
        if self.authentication == "end-to-end-iam" or (
            self.authentication == "iam" and not self.makes_secret
        ):
            return []
        # The rotation of two users starts with the master's secret. That of RDS has no host, so it calls the RDS API.
        return ["secretsmanager", "rds"] if self.alternating_users else ["secretsmanager"]

    def check(self, family: Family, existing: Server | None) -> None:
        """Refuse ways to log in that contradict each other, and names that the database or its users cannot have.

        Args:
            family: PostgreSQL or MySQL.
            existing: The database, where it exists.

        Raises:
            InvalidPropsError: One of them cannot be.
        """
        _check_ways(self, existing)
        _check_names(self, family)


@dataclass(frozen=True)
class Rotation:
    """A schedule, and where AWS's function runs."""

    schedule: secretsmanager.RotationSchedule
    security_group: ec2.SecurityGroup


def application_secret(
    scope: Construct,
    construct_id: str,
    *,
    server: Server,
    login: Login,
    tls_only: bool,
    encryption_key: kms.IKey | None,
    removal_policy: RemovalPolicy,
) -> secretsmanager.Secret:
    """Make up a password for a user that a migration is going to create.

    Args:
        scope: Where to put it.
        construct_id: Its id there.
        server: The database.
        login: Whose password it is.
        tls_only: Whether the secret has `"ssl": true`, so that the rotation never falls back to plain text. A database
            made here refuses plain text itself, and a change of the secret's template would make a new password.
        encryption_key: None for the one that Secrets Manager has.
        removal_policy: What happens to it with the stack.

    Returns:
        The secret, in the form that AWS's rotation reads.
    """
    known: dict[str, object] = {
        "engine": server.family,
        "host": server.host,
        "port": server.port,
        "username": login.application_user,
        "dbname": login.database_name,
    }
    if login.alternating_users and server.master_secret is not None:
        known["masterarn"] = server.master_secret.secret_arn
    if tls_only:
        known["ssl"] = True
    return secretsmanager.Secret(
        scope,
        construct_id,
        description=f"Password of the database user {login.application_user}",
        encryption_key=encryption_key,
        generate_secret_string=secretsmanager.SecretStringGenerator(
            secret_string_template=location.stack_of(scope).to_json_string(known),
            generate_string_key="password",
            exclude_characters=_defaults.PASSWORD_WITHOUT,
            password_length=_defaults.PASSWORD_LENGTH,
        ),
        removal_policy=removal_policy,
    )


def rotate(
    scope: Construct,
    *,
    secret: secretsmanager.Secret,
    server: Server,
    login: Login,
    network: Network,
) -> Rotation:
    """Let AWS's own function change the password regularly.

    Args:
        scope: Where to put the function's security group.
        secret: The secret.
        server: The database.
        login: How often, and whether two users take turns, the second made with the master's secret.
        network: Where the function runs.

    Returns:
        The schedule; the first change comes after the interval, not at deployment: the user does not exist
        before the migration has run, and a rotation without it fails.
    """
    security_group = ec2.SecurityGroup(
        scope,
        "RotationSecurityGroup",
        vpc=network.vpc,
        description="Rotation of the application user password",
        allow_all_outbound=False,
    )
    has_endpoint = "secretsmanager" in network.interface_endpoints
    services = network.endpoint_security_group if has_endpoint else None
    security_group.add_egress_rule(services or ec2.Peer.any_ipv4(), HTTPS, "Secrets Manager")
    server.connections.allow_from(security_group, tcp(server.port), "Rotation")
    hosted = secretsmanager.HostedRotation
    if login.alternating_users:
        assert server.master_secret is not None  # noqa: S101 - checked with the arguments
        rotation = (
            hosted.postgre_sql_multi_user if server.family == "postgres" else hosted.mysql_multi_user
        )(
            master_secret=server.master_secret,
            vpc=network.vpc,
            vpc_subnets=network.vpc_subnets,
            security_groups=[security_group],
            exclude_characters=_defaults.PASSWORD_WITHOUT,
        )
    else:
        rotation = (
            hosted.postgre_sql_single_user if server.family == "postgres" else hosted.mysql_single_user
        )(
            vpc=network.vpc,
            vpc_subnets=network.vpc_subnets,
            security_groups=[security_group],
            exclude_characters=_defaults.PASSWORD_WITHOUT,
        )
    schedule = secret.add_rotation_schedule(
        "Rotation",
        hosted_rotation=rotation,
        automatically_after=_in_hours_or_days(login.rotation_interval),
        rotate_immediately_on_update=False,
    )
    return Rotation(schedule, security_group)


class RotationBoundaryWarning(CfnResource):
    """Warns when roles get a permissions boundary, since the role of the hosted rotation does not.

    It looks like a role to the aspects that set a boundary, whether they come with `iam.PermissionsBoundary.of` or with
    the context key of the CDK, and is left out of the template. A real role does not tell what an aspect has set.
    """

    def __init__(self, database: Construct) -> None:
        """Put the stand-in for the rotation's role next to the roles of the database.

        Args:
            database: What the warning is about.
        """
        super().__init__(database, "RotationRole", type="AWS::IAM::Role")
        self._database = database

    def add_property_override(self, property_path: str, value: object) -> None:  # noqa: ARG002 - CDK's own
        """Warn, if this is a boundary.

        Args:
            property_path: What an aspect sets.
            value: To what.
        """
        if property_path != "PermissionsBoundary":
            return
        Annotations.of(self._database).add_warning_v2(
            "constructs-lib:rotation-without-boundary",
            f"The roles around {self._database.node.path} have a permissions boundary, and that of AWS's rotation "
            f"function will not: CloudFormation makes it, and has no property for one. Where an organization requires "
            f"the boundary, the deployment fails there. Use authentication='end-to-end-iam', which needs no rotation, "
            f"or a database= with an application_secret= that you rotate. See {_defaults.HOSTED_ROTATION}",
        )

    def _should_synthesize(self) -> bool:
        return False


def _in_hours_or_days(interval: Duration | None) -> Duration:
    """How Secrets Manager counts; CDK passes on whatever unit it is given.

    Args:
        interval: A multiple of an hour; None for the default.

    Returns:
        The same in days, or else in hours.
    """
    if interval is None:
        return _ROTATION
    if interval.is_unresolved():
        return interval
    hours = interval.to_hours()
    return Duration.hours(hours) if hours % 24 else Duration.days(hours / 24)


_ROTATION: Final = Duration.days(_defaults.ROTATION_DAYS)


def let_read(function: lambda_.Function, role: iam.IRole, secret: secretsmanager.ISecret) -> None:
    """Let a function read a secret, and use the secret's key for that alone.

    Args:
        function: The function.
        role: Its role.
        secret: The secret.
    """
    arn = secret.secret_full_arn or f"{secret.secret_arn}-??????"
    read = iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[arn])
    permissions.allow_statement(function, role, read)
    key = secret.encryption_key
    if key is not None:
        permissions.allow_statement(function, role, decryption(function, key))


def decryption(construct: Construct, key: kms.IKey) -> iam.PolicyStatement:
    """The statement that lets somebody use a key for secrets.

    CDK's own grant writes the role into the policy of the key: a cycle of stacks, if the key is in another one.

    Args:
        construct: What needs it.
        key: The key of a secret.

    Returns:
        The statement.
    """
    service = f"secretsmanager.{Stack.of(construct).region}.amazonaws.com"
    return iam.PolicyStatement(
        actions=["kms:Decrypt"],
        resources=[key.key_arn],
        conditions={"StringEquals": {"kms:ViaService": service}},
    )


# --- arguments -----------------------------------------------------------------------------------------


def _check_ways(login: Login, existing: Server | None) -> None:
    _validation.check_choice(
        "authentication", login.authentication, get_args(Authentication), source=_defaults.RDS_PROXY_IAM
    )
    if login.alternating_users and login.authentication != "secret":
        raise InvalidPropsError(
            f"alternating_users requires authentication='secret', got {login.authentication!r}: a role is allowed "
            f"rds-db:connect as one exact user, and the user that the rotation turns to has another name. "
            f"See {_defaults.ROTATION_STRATEGIES}"
        )
    if login.alternating_users and existing is not None and existing.master_secret is None:
        raise InvalidPropsError(
            f"alternating_users requires master_secret: the rotation makes the second user with it. "
            f"See {_defaults.ROTATION_STRATEGIES}"
        )
    if login.authentication == "end-to-end-iam":
        _validation.check_not_with(
            "authentication='end-to-end-iam'",
            f"the application has no password then. See {_defaults.RDS_PROXY_IAM}",
            application_secret=login.application_secret,
            rotation_interval=login.rotation_interval,
        )
        if existing is not None and existing.resource_id is None:
            raise InvalidPropsError(
                "database must be imported with its instance_resource_id or cluster_resource_identifier for "
                f"authentication='end-to-end-iam': the proxy's role names it. See {_defaults.RDS_PROXY_IAM}"
            )
    if login.application_secret is not None:
        _validation.check_not_with(
            "application_secret",
            "its rotation is yours.",
            rotation_interval=login.rotation_interval,
            alternating_users=login.alternating_users or None,
        )
    _validation.read_seconds(
        "rotation_interval",
        login.rotation_interval,
        low=_defaults.ROTATION_SECONDS_MIN,
        high=_defaults.ROTATION_SECONDS_MAX,
        whole="hours",
        source=_defaults.ROTATION_SCHEDULE,
    )


def _check_names(login: Login, family: Family) -> None:
    longest = _defaults.USER_NAME_LENGTH_MAX[family]
    if login.alternating_users:
        longest -= len(_defaults.ALTERNATE_USER_SUFFIX)
    for argument, value, limit in (
        ("database_name", login.database_name, _defaults.DATABASE_NAME_LENGTH_MAX),
        ("application_user", login.application_user, longest),
        ("master_user", login.master_user, _defaults.MASTER_USER_LENGTH_MAX[family]),
    ):
        _validation.check_pattern(
            argument,
            value,
            rf"[A-Za-z][A-Za-z0-9_]{{0,{limit - 1}}}",
            f"a letter and then letters, digits and underscores, {limit} in all",
            source=_defaults.RDS_LIMITS,
        )
    taken = tuple(dict.fromkeys((login.master_user, *_defaults.USERS_OF_RDS)))
    if login.application_user in taken:
        raise InvalidPropsError(
            f"application_user must not be the master user or one of RDS itself ({', '.join(taken)}), got "
            f"{login.application_user!r}: a function needs less than they may."
        )
