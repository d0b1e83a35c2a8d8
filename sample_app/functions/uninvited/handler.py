"""Tries to reach the database without having been connected to it: nothing here may succeed.

The demo deploys it beside the back end, under enforced IAM, to show what the missing `connect` means.
"""

import os
from typing import Any

import boto3
import botocore.exceptions
import psycopg

from constructs_lib.runtime.database import Database

database = Database.from_environment(psycopg, give_up_after_seconds=3)


def handle(event: dict[str, Any], context: object) -> dict[str, str]:  # noqa: ARG001 - as Lambda calls it
    """Try both ways in.

    Args:
        event: Nothing in it matters.
        context: Of this invocation.

    Returns:
        For each way what came of it: how it was refused, or that it was not.
    """
    return {"log in at the proxy": _log_in(), "read the secret": _read_secret()}


def _log_in() -> str:
    try:
        database.run(lambda connection: connection.execute("SELECT count(*) FROM trip"), repeatable=True)
    except psycopg.OperationalError as error:
        return f"refused: {error}"
    return "not refused"


def _read_secret() -> str:
    try:
        boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["SECRET_ARN"])
    except botocore.exceptions.ClientError as error:
        return f"refused: {error.response['Error']['Code']}"
    return "not refused"
