"""The application's database user, made by a migration: it is not the master user, and may log in and nothing else."""

import json
import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

from constructs_lib.runtime import drivers


def create_application_user(
    connection: Any, *, prefix: str = "DATABASE", fetch: Callable[[str], str] | None = None
) -> bool:
    """Create the user as whom functions connect, unless it is there.

    Its password is the one that the secret has now. Under end-to-end IAM authentication it has none, and may log
    in with a token. What it may do with tables is for the migrations to say, with GRANT.

    A user that is there stays as it is: its password is the rotation's from then on, and setting it here, in the
    middle of one, would lock everybody out.

    Args:
        connection: Of the administrator, as `ProxiedDatabase.connect_administrator` lets a function have it; of
            any of the three drivers. It is not committed.
        prefix: The `environment_prefix` given to `connect_administrator`.
        fetch: Reads the value of a secret, given its ARN. None: Secrets Manager through boto3.

    Returns:
        True if it was created now.

    Raises:
        ValueError: A variable is missing, or the secret is not the user's.

    Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html
    """
    user = os.environ.get(f"{prefix}_APPLICATION_USER")
    if not user:
        raise ValueError(
            f"{prefix}_APPLICATION_USER is not set: ProxiedDatabase.connect_administrator(function) sets it."
        )
    mysql = type(connection).__module__.partition(".")[0] in drivers.MYSQL
    cursor = connection.cursor()
    try:
        if _is_there(cursor, user, mysql=mysql):
            return False
        secret = os.environ.get(f"{prefix}_APPLICATION_SECRET_ARN")
        password = _password(secret, user, fetch) if secret else None
        # The statement takes no parameters: so the server itself writes it, with its own quoting.
        write = (_MYSQL if mysql else _POSTGRESQL)[password is None]
        cursor.execute(write, (user,) if password is None else (user, password))
        (statement,) = cursor.fetchone()
        cursor.execute(statement)
        return True
    finally:
        cursor.close()


# With a password; without.
_POSTGRESQL = (
    "SELECT 'CREATE ROLE ' || quote_ident(%s) || ' LOGIN PASSWORD ' || quote_literal(%s)",
    "SELECT 'CREATE ROLE ' || quote_ident(%s) || ' LOGIN IN ROLE rds_iam'",
)
_MYSQL = (
    "SELECT CONCAT('CREATE USER ', QUOTE(%s), ' IDENTIFIED BY ', QUOTE(%s))",
    "SELECT CONCAT('CREATE USER ', QUOTE(%s), ' IDENTIFIED WITH AWSAuthenticationPlugin AS ''RDS''')",
)


def _is_there(cursor: Any, user: str, *, mysql: bool) -> bool:
    cursor.execute(
        "SELECT 1 FROM mysql.user WHERE user = %s" if mysql else "SELECT 1 FROM pg_roles WHERE rolname = %s",
        (user,),
    )
    return bool(cursor.fetchall())


def _password(secret: str, user: str, fetch: Callable[[str], str] | None) -> str:
    if fetch is None:
        client = import_module("boto3").client("secretsmanager")
        value = client.get_secret_value(SecretId=secret)["SecretString"]
    else:
        value = fetch(secret)
    known = json.loads(value)
    if known["username"] != user:
        raise ValueError(f"{secret} is the secret of another user than {user}.")
    return str(known["password"])
