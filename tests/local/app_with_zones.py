"""A CDK app with a ProxiedDatabase in the zones that the environment names, and a function behind an alias."""

import os
import sys

from aws_cdk import App, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds
from aws_cdk.triggers import TriggerFunction

from constructs_lib import ProxiedDatabase


def main(package: str) -> None:
    # As in every new project: what a version is made for is the function's properties alone.
    app = App(context={"@aws-cdk/aws-lambda:recognizeVersionProps": True})
    stack = Stack(app, "Zones")
    database = ProxiedDatabase(
        stack,
        "Database",
        engine=rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_16),
        database_name="trips",
        master_user="master",
        availability_zones=os.environ["ZONES"].split(","),
        multi_az=False,
        removal_policy=RemovalPolicy.DESTROY,
    )

    two = ec2.SubnetSelection(subnets=database.vpc.isolated_subnets[:2])

    def function(made: type[lambda_.Function], name: str, handler: str) -> lambda_.Function:
        return made(
            stack,
            name,
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler=handler,
            code=lambda_.Code.from_asset(package),
            timeout=Duration.seconds(20),
            vpc=database.vpc,
            vpc_subnets=two,  # nothing of the function itself changes
            reserved_concurrent_executions=2,
        )

    migrate = function(TriggerFunction, "Migrate", "index.migrate")
    assert isinstance(migrate, TriggerFunction)
    migrate.execute_after(database)
    database.connect_administrator(migrate)
    client = function(lambda_.Function, "Client", "index.who")
    database.connect(client)
    live = lambda_.Alias(stack, "Live", alias_name="live", version=client.current_version)
    CfnOutput(stack, "Function", value=live.function_arn)
    CfnOutput(stack, "Proxy", value=database.proxy.endpoint)
    app.synth()


if __name__ == "__main__":
    main(sys.argv[1])
