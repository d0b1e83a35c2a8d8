"""The application's user of a database: a secret of its own, rotated by AWS."""

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from constructs_lib import _defaults
from constructs_lib.foundation.database_server import Server


def application_secret(
    scope: Construct,
    construct_id: str,
    *,
    server: Server,
    user: str,
    database_name: str,
    alternating_users: bool,
    encryption_key: kms.IKey | None,
    removal_policy: RemovalPolicy,
) -> secretsmanager.Secret:
    """Make up a password for a user that a migration is going to create.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        server: The database.
        user: The user's name.
        database_name: Where it logs in.
        alternating_users: Whether its rotation needs to know the master's secret.
        encryption_key: None for the one that Secrets Manager has.
        removal_policy: What becomes of it with the stack.

    Returns:
        The secret, in the form that AWS's rotation reads.
    """
    known: dict[str, object] = {
        "engine": server.family,
        "host": server.host,
        "port": server.port,
        "username": user,
        "dbname": database_name,
    }
    if alternating_users and server.master_secret is not None:
        known["masterarn"] = server.master_secret.secret_arn
    return secretsmanager.Secret(
        scope,
        construct_id,
        description=f"Password of the database user {user}",
        encryption_key=encryption_key,
        generate_secret_string=secretsmanager.SecretStringGenerator(
            secret_string_template=Stack.of(scope).to_json_string(known),
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
    alternating_users: bool,
    interval: Duration,
    vpc: ec2.IVpc,
    vpc_subnets: ec2.SubnetSelection | None,
    secrets_manager: ec2.InterfaceVpcEndpoint | None,
) -> secretsmanager.RotationSchedule:
    """Let AWS's own function change the password now and then.

    Args:
        scope: Where to put the function's security group.
        secret: The secret.
        server: The database.
        alternating_users: Two users in turn, made with the master's secret, instead of one.
        interval: From one change to the next.
        vpc: Where the function runs.
        vpc_subnets: Which of its subnets.
        secrets_manager: The endpoint that it reaches Secrets Manager through; None: however the VPC does it.

    Returns:
        The schedule; the first change comes after `interval`, not at deployment: the user does not exist
        before the migration has run, and a rotation without it fails.
    """
    security_group = ec2.SecurityGroup(
        scope,
        "RotationSecurityGroup",
        vpc=vpc,
        description="Rotation of the application's password",
        allow_all_outbound=False,
    )
    services = (
        ec2.Peer.any_ipv4() if secrets_manager is None else secrets_manager.connections.security_groups[0]
    )
    security_group.add_egress_rule(services, ec2.Port.HTTPS, "Secrets Manager")
    server.connections.allow_from(security_group, ec2.Port.tcp(server.port), "Rotation")
    hosted = secretsmanager.HostedRotation
    if alternating_users:
        assert server.master_secret is not None  # noqa: S101 - checked with the arguments
        rotation = (
            hosted.postgre_sql_multi_user if server.family == "postgres" else hosted.mysql_multi_user
        )(
            master_secret=server.master_secret,
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            security_groups=[security_group],
            exclude_characters=_defaults.PASSWORD_WITHOUT,
        )
    else:
        rotation = (
            hosted.postgre_sql_single_user if server.family == "postgres" else hosted.mysql_single_user
        )(
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            security_groups=[security_group],
            exclude_characters=_defaults.PASSWORD_WITHOUT,
        )
    return secret.add_rotation_schedule(
        "Rotation",
        hosted_rotation=rotation,
        automatically_after=interval,
        rotate_immediately_on_update=False,
    )
