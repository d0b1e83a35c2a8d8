"""The database of the back end: what outlives every deployment of the functions."""

from pathlib import Path
from typing import Final

from aws_cdk import Duration, RemovalPolicy, Stack, triggers
from aws_cdk import aws_rds as rds
from constructs import Construct

from constructs_lib import ProxiedDatabase, PythonFunction

_FUNCTIONS = Path(__file__).parent / "functions"


class DatabaseStack(Stack):
    """PostgreSQL behind a proxy, with the application's user and its tables in place.

    It is a sample: everything in it goes with the stack. In your own app leave out the removal policies and
    `deletion_protection`, and the data stays.
    """

    database: Final[ProxiedDatabase]

    def __init__(
        self, scope: Construct, construct_id: str, *, migrate_entry: Path = _FUNCTIONS / "migrate"
    ) -> None:
        super().__init__(scope, construct_id)

        self.database = ProxiedDatabase(
            self,
            "Database",
            engine=rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_17),
            database_name="rides",
            application_user="trips",
            deletion_protection=False,
            removal_policy=RemovalPolicy.DESTROY,
        )
        migrate = PythonFunction(
            self,
            "Migrate",
            entry=migrate_entry,
            handler="handler.handle",
            include_runtime=True,
            vpc=self.database.vpc,
            timeout=Duration.minutes(14),
            reserved_concurrent_executions=1,
            log_removal_policy=RemovalPolicy.DESTROY,
        )
        self.database.connect_administrator(migrate)
        # Runs at each deployment that changes the function, a new migration included. Stacks that use the
        # database depend on this one, so that nothing of theirs is there before the tables are.
        migration = triggers.Trigger(self, "Migration", handler=migrate, timeout=Duration.seconds(870))
        migration.execute_after(self.database, migrate)
