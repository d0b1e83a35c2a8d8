"""The master user's password where RDS manages it: a secret that comes and goes with the database.

Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html
"""

import json
import secrets
import string
from typing import Any

from ministack.services import secretsmanager
from ministack.services.cloudformation import provisioners

from ..cloudformation.handlers import Properties


def is_managed(props: Properties) -> bool:
    """Whether a template leaves the password to RDS.

    Args:
        props: Of a DBInstance or a DBCluster.
    """
    return bool(provisioners._cfn_bool(props.get("ManageMasterUserPassword", False)))


def new() -> str:
    """Make a password."""
    return "".join(
        secrets.choice(string.ascii_letters + string.digits + "!#$%*()-_+=[]{}<>:?") for _ in range(28)
    )


def store(record: dict[str, Any], props: Properties, identifier: str, stack: str) -> None:
    """Keep the password in a secret of RDS's own, whose value has two fields and no others.

    Args:
        record: Of the instance or cluster, with user and password.
        props: What the template says.
        identifier: The resource's physical id.
        stack: Its stack.
    """
    value = {"username": record["MasterUsername"], "password": record["_MasterUserPassword"]}
    kind = "cluster" if "DBClusterArn" in record else "db"
    key = (props.get("MasterUserSecret") or {}).get("KmsKeyId", "alias/aws/secretsmanager")
    _, attributes = provisioners._sm_secret_create(
        identifier,
        {
            "Name": f"rds!{kind}-{secrets.token_hex(16)}",
            "Description": f"The secret associated with the primary RDS {kind}: {identifier}",
            "SecretString": json.dumps(value),
            "KmsKeyId": key,
        },
        stack,
    )
    record["MasterUserSecret"] = {
        "SecretArn": attributes["Arn"],
        "SecretStatus": "active",
        "KmsKeyId": key,
    }


def delete(record: dict[str, Any]) -> None:
    """Delete the secret.

    Args:
        record: Of the instance or cluster.
    """
    managed = record.pop("MasterUserSecret", None)
    if managed is not None:
        key, secret = secretsmanager._resolve(managed["SecretArn"])
        if secret is not None:
            secretsmanager._purge_secret(key, secret)
