"""An app as a company has it: two stages in accounts and Regions of their own, bootstrapped with its own qualifier.

Beside them is a stack that leaves its environment open. Both stages have a stack of the same name.
"""

from typing import Any

from aws_cdk import App, CfnOutput, DefaultStackSynthesizer, Environment, Stack, Stage
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

HANDLER = """
import boto3, json, os

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])

def handler(event, context):
    for record in event.get("Records", []):
        table.put_item(Item={"id": record["body"]})
    caller = boto3.client("sts").get_caller_identity()
    return {"statusCode": 200, "body": json.dumps({"account": caller["Account"], "region": os.environ["AWS_REGION"]})}
"""


class Orders(Stack):
    """A queue, the function that takes from it, its table, and an API in front."""

    def __init__(self, scope: Construct, construct_id: str, **more: Any) -> None:
        super().__init__(scope, construct_id, **more)

        queue = sqs.Queue(self, "Queue")
        table = dynamodb.Table(
            self, "Table", partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
        )
        function = lambda_.Function(
            self,
            "Function",
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="index.handler",
            code=lambda_.Code.from_inline(HANDLER),
            environment={"TABLE": table.table_name},
        )
        table.grant_write_data(function)
        function.add_event_source(event_sources.SqsEventSource(queue))
        integration = integrations.HttpLambdaIntegration("Integration", function)
        api = apigateway.HttpApi(self, "Api", default_integration=integration)
        api.add_routes(path="/signed", integration=integration, authorizer=authorizers.HttpIamAuthorizer())
        CfnOutput(self, "QueueUrl", value=queue.queue_url)
        CfnOutput(self, "TableName", value=table.table_name)
        CfnOutput(self, "FunctionName", value=function.function_name)
        CfnOutput(self, "ApiUrl", value=str(api.url))


PLACES = {"Dev": ("111111111111", "eu-central-1"), "Prod": ("222222222222", "us-west-2")}
"""Stages, and where they go."""


def main() -> None:
    """Make the app."""
    app = App()
    Orders(app, "Tools")
    for name, (account, region) in PLACES.items():
        stage = Stage(app, name, env=Environment(account=account, region=region))
        Orders(stage, "Orders", stack_name="orders", synthesizer=DefaultStackSynthesizer(qualifier="acme"))
        Orders(stage, "More", synthesizer=DefaultStackSynthesizer(qualifier="acme"))
    app.synth()


if __name__ == "__main__":
    main()
