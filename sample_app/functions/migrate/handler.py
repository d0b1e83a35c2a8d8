"""Makes the application's database user and its tables, at deployment and before anything consumes.

It may run again at any time: what is there already stays as it is. When it fails, the deployment fails.
"""

from pathlib import Path
from typing import Any

import psycopg
from schema import migrate

from constructs_lib.runtime.application_user import ensure_application_user
from constructs_lib.runtime.database import Database
from constructs_lib.runtime.once import Once

# A new proxy takes minutes until it reaches its database, some of them after CloudFormation calls it made.
database = Database.from_environment(psycopg, give_up_after_seconds=780)


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - as Lambda calls it
    """Bring the database to where the functions expect it.

    Args:
        event: Of the deployment; nothing in it matters.
        context: Of this invocation.

    Returns:
        What was done.
    """
    database.register_lambda_context(context)
    created = database.run(ensure_application_user, repeatable=True)
    database.run(Once.create_table, repeatable=True)
    applied = migrate(database, Path(__file__).with_name("migrations"))
    return {"user_created": created, "applied": applied}
