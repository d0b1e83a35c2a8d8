"""A CDK app whose functions differ in what they may do: log in at the proxy by token, or read the secret."""

import sys

from aws_cdk import App, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.triggers import TriggerFunction

DATABASE_PORT = 5442
PROXY_PORT = 5432


def main(package: str) -> None:
    app = App()
    stack = Stack(app, "Permissions")
    isolated = ec2.SubnetConfiguration(name="isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    vpc = ec2.Vpc(
        stack,
        "Vpc",
        nat_gateways=0,
        max_azs=2,
        subnet_configuration=[isolated],
        restrict_default_security_group=True,
        flow_logs={"Flows": ec2.FlowLogOptions()},
    )
    vpc.add_interface_endpoint("Secrets", service=ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER)
    vpc.add_gateway_endpoint("Tables", service=ec2.GatewayVpcEndpointAwsService.DYNAMODB)
    subnets = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    database = rds.DatabaseInstance(
        stack,
        "Database",
        vpc=vpc,
        vpc_subnets=subnets,
        engine=rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_16),
        port=DATABASE_PORT,
        database_name="trips",
        credentials=rds.Credentials.from_generated_secret("master"),
        iam_authentication=True,
        storage_encrypted=True,
        removal_policy=RemovalPolicy.DESTROY,
    )
    master = database.secret
    assert master is not None
    application = rds.DatabaseSecret(stack, "Application", username="app")
    application.attach(database).add_rotation_schedule(
        "Rotation",
        hosted_rotation=secretsmanager.HostedRotation.postgre_sql_single_user(vpc=vpc, vpc_subnets=subnets),
        rotate_immediately_on_update=False,
    )

    def proxy(name: str, *, iam_auth: bool) -> rds.DatabaseProxy:
        return rds.DatabaseProxy(
            stack,
            name,
            proxy_target=rds.ProxyTarget.from_instance(database),
            secrets=[application, master],
            iam_auth=iam_auth,
            vpc=vpc,
            vpc_subnets=subnets,
            db_proxy_name=name.lower(),
        )

    by_token = proxy("Token", iam_auth=True)
    by_secret = proxy("Secret", iam_auth=False)

    def function(name: str, handler: str, host: rds.DatabaseProxy) -> lambda_.Function:
        made = lambda_.Function if handler != "index.migrate" else TriggerFunction
        return made(
            stack,
            name,
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler=handler,
            code=lambda_.Code.from_asset(package),
            timeout=Duration.seconds(20),
            vpc=vpc,
            vpc_subnets=subnets,
            environment={
                "HOST": host.endpoint,
                "PORT": str(PROXY_PORT),
                "APPLICATION": application.secret_arn,
            },
        )

    migrate = function("Migrate", "index.migrate", by_token)
    by_token.grant_connect(migrate, "master")
    application.grant_read(migrate)
    assert isinstance(migrate, TriggerFunction)
    migrate.execute_after(by_token, by_secret)
    granted = function("TokenGranted", "index.by_token", by_token)
    by_token.grant_connect(granted, "app")
    as_another = function("TokenForAnother", "index.by_token", by_token)
    by_token.grant_connect(as_another, "somebody_else")
    reads = function("SecretGranted", "index.by_secret", by_secret)
    application.grant_read(reads)
    functions = [
        granted,
        as_another,
        function("TokenForNobody", "index.by_token", by_token),
        reads,
        function("SecretForNobody", "index.by_secret", by_secret),
    ]
    for each in functions:
        CfnOutput(stack, f"Name{each.node.id}", value=each.function_name)
    app.synth()


if __name__ == "__main__":
    main(sys.argv[1])
