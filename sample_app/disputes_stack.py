"""Disputes of fares: each waits for days for the driver's answer, and none is settled twice."""

from pathlib import Path
from typing import Final

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from constructs_lib import Durable, DurableExecutions, LiveAlias, PythonFunction, QueueConsumer

_FUNCTIONS = Path(__file__).parent / "functions"


class DisputesStack(Stack):
    """A message on a queue starts an execution of a durable function, which asks the driver and settles.

    The riders' app may send a dispute twice: the starter names the execution after the dispute, so that there is one.

    It is a sample: everything in it is deleted with the stack.
    """

    executions: Final[DurableExecutions]

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)

        disputes = dynamodb.Table(
            self,
            "Disputes",
            partition_key=dynamodb.Attribute(name="dispute_id", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            removal_policy=RemovalPolicy.DESTROY,
        )
        settle_dispute = PythonFunction(
            self,
            "SettleDispute",
            entry=_FUNCTIONS / "settle_dispute",
            handler="handler.handle",
            durable=Durable(execution_timeout=Duration.days(4)),
            environment={"DISPUTES_TABLE": disputes.table_name},
            log_removal_policy=RemovalPolicy.DESTROY,
        )
        settle_dispute.add_to_role_policy(
            iam.PolicyStatement(actions=["dynamodb:UpdateItem"], resources=[disputes.table_arn])
        )
        release = LiveAlias(self, "SettleDisputeLive", function=settle_dispute)
        self.executions = DurableExecutions(
            self,
            "Executions",
            function=release.alias,
            starter=True,
            execution_key="dispute_id",
            removal_policy=RemovalPolicy.DESTROY,
        )
        assert self.executions.starter is not None  # noqa: S101 - asked for above
        new = QueueConsumer(
            self,
            "NewDisputes",
            function=self.executions.starter,
            removal_policy=RemovalPolicy.DESTROY,
        )

        for name, value in {
            "NewDisputesUrl": new.queue.queue_url,
            "DisputesTable": disputes.table_name,
            "SettleDisputeName": settle_dispute.function_name,
            "DisputeDeadLettersUrl": self.executions.dead_letter_queue.queue_url,
        }.items():
            CfnOutput(self, name, value=value)
