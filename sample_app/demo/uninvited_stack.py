"""A function that was never connected to the database, for the demo to show that it stays out."""

from pathlib import Path

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from constructs import Construct

from constructs_lib import ProxiedDatabase, PythonFunction

_FUNCTIONS = Path(__file__).parents[1] / "functions"


class UninvitedStack(Stack):
    """Knows where the proxy is, whom to log in as and which secret there is. What it lacks is `connect`."""

    def __init__(self, scope: Construct, construct_id: str, *, database: ProxiedDatabase) -> None:
        super().__init__(scope, construct_id)

        secret = database.application_secret
        assert secret is not None  # noqa: S101 - the sample's database has one
        function = PythonFunction(
            self,
            "Uninvited",
            entry=_FUNCTIONS / "uninvited",
            handler="handler.handle",
            include_runtime=True,
            vpc=database.vpc,
            timeout=Duration.seconds(15),
            environment={
                "DATABASE_HOST": database.proxy.endpoint,
                "DATABASE_PORT": "5432",
                "DATABASE_NAME": "rides",
                "DATABASE_USER": database.application_user,
                "SECRET_ARN": secret.secret_arn,
            },
            log_removal_policy=RemovalPolicy.DESTROY,
        )
        CfnOutput(self, "UninvitedName", value=function.function_name)
