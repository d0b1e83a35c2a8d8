"""Aurora DSQL: log in with a token, and link the database roles of functions to their IAM roles."""

import os
import time
from typing import TYPE_CHECKING, Any

from constructs_lib.runtime import drivers
from constructs_lib.runtime.credentials import CredentialSource
from constructs_lib.runtime.iam_login import IamLogin
from constructs_lib.runtime.presigned import presign

if TYPE_CHECKING:  # Database imports this module for a cluster
    from constructs_lib.runtime.database import Database

ADMINISTRATOR = "admin"
"""The user that Aurora DSQL creates; it may do everything, and has an action of its own."""

_PORT = 5432


class DsqlLogin(IamLogin):
    """A user of an Aurora DSQL cluster, whose password is a token signed with the credentials of the function's role.

    The token is signed anew at each opening, in a fraction of a millisecond. A connection outlives it.

    Args:
        host: The endpoint that is connected to: it is part of what is signed.
        user: The database role, which must be linked to the function's IAM role; or `admin`.
        region: The Region of the cluster.
        credentials: Where the credentials come from.

    Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/SECTION_authentication-token.html
    """

    def __init__(
        self, host: str, user: str, region: str, *, credentials: CredentialSource | None = None
    ) -> None:
        super().__init__(host, _PORT, user, region, credentials=credentials)

    def credentials(self, seconds: float) -> tuple[str, str]:  # noqa: ARG002 - signing takes no time
        """Sign a token.

        Args:
            seconds: As for `Login`.

        Returns:
            User and token.

        Raises:
            RuntimeError: There are no AWS credentials.
        """
        action = {"Action": "DbConnectAdmin" if self._user == ADMINISTRATOR else "DbConnect"}
        signed = presign(
            self._host.lower(), action, "dsql", self._region, self._source.get(), at=time.gmtime()
        )
        return self._user, f"{self._host}/?{signed}"


def ensure_database_roles(database: "Database", *, prefix: str = "DATABASE") -> None:
    """Create the database roles as which functions log in, and link them to the IAM roles of these functions.

    What is there already is left alone, so it may run at each deployment. Links of other IAM roles stay. The migration
    itself grants what a role may do with tables.

    Args:
        database: Of the administrator, as `DsqlCluster.connect_administrator` allows it. Each statement is a
            transaction of its own, as Aurora DSQL requires.
        prefix: The `environment_prefix` given to `connect_administrator`.

    Raises:
        ValueError: A variable is missing.

    Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/using-database-and-iam-roles.html
    """
    import json

    roles = os.environ.get(f"{prefix}_ROLES")
    if not roles:
        raise ValueError(f"{prefix}_ROLES is not set: DsqlCluster.connect_administrator(function) sets it.")
    for role, iam_roles in json.loads(roles).items():
        _ensure(database, _ROLE, (role,), f"CREATE ROLE {role} WITH LOGIN")
        for arn in iam_roles:
            _ensure(database, _LINK, (role, arn), f"AWS IAM GRANT {role} TO '{arn}'")


_ROLE = "SELECT 1 FROM pg_roles WHERE rolname = %s"
_LINK = "SELECT 1 FROM sys.iam_pg_role_mappings WHERE pg_role_name = %s AND arn = %s"


def _ensure(database: "Database", look: str, values: tuple[str, ...], statement: str) -> None:
    """Run a statement unless the query finds a row: in two transactions, since Aurora DSQL mixes no DDL with others."""

    def is_there(connection: Any) -> bool:
        cursor = drivers.own_cursor(database.driver, connection)
        cursor.execute(look, values)
        found = cursor.fetchall()
        cursor.close()
        return bool(found)

    def run(connection: Any) -> None:
        cursor = drivers.own_cursor(database.driver, connection)
        cursor.execute(statement)
        cursor.close()

    if not database.run(is_there, repeatable=True):
        try:
            database.run(run)
        except Exception:
            # Another run of the migration may have been first, or a COMMIT whose answer was lost.
            if not database.run(is_there, repeatable=True):
                raise
