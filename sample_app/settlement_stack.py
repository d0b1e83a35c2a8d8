"""The nightly settlement: a job that may take hours, and that settles each day once."""

from pathlib import Path
from typing import Final

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from constructs import Construct

from constructs_lib import LongJob

_JOBS = Path(__file__).parent / "jobs"


class SettlementStack(Stack):
    """A schedule starts a container each night, which adds up the fares of the day for each driver.

    It is a sample: everything in it is deleted with the stack. In your own app the fares come from where trips are
    completed, and the VPC is that of your database.
    """

    job: Final[LongJob]

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)

        fares = self._table("Fares", "trip_id")
        settlements = self._table("Settlements", "driver_id")
        self.job = LongJob(
            self,
            "SettleDay",
            vpc=ec2.Vpc(self, "Vpc", max_azs=2, nat_gateways=1),
            image=ecs.ContainerImage.from_asset(
                str(_JOBS / "settle_day"), platform=ecr_assets.Platform.LINUX_ARM64
            ),
            timeout=Duration.hours(3),
            # It may run again, whatever it has done: each sum is stored once.
            retry_on=["States.TaskFailed"],
            retry_attempts=2,
            removal_policy=RemovalPolicy.DESTROY,
        )
        for name, table, actions in (
            ("FARES_TABLE", fares, ["dynamodb:Query"]),
            ("SETTLEMENTS_TABLE", settlements, ["dynamodb:PutItem"]),
        ):
            self.job.container.add_environment(name, table.table_name)
            self.job.task_role.add_to_principal_policy(
                iam.PolicyStatement(actions=actions, resources=[table.table_arn])
            )
        scheduler.Schedule(
            self,
            "EachNight",
            schedule=scheduler.ScheduleExpression.cron(hour="2", minute="0"),
            target=targets.StepFunctionsStartExecution(
                self.job.state_machine,
                input=scheduler.ScheduleTargetInput.from_object(
                    {"time": scheduler.ContextAttribute.scheduled_time}
                ),
                dead_letter_queue=self.job.dead_letter_queue,
            ),
        )

        for name, value in {
            "SettlementArn": self.job.state_machine.state_machine_arn,
            "SettlementFailuresUrl": self.job.dead_letter_queue.queue_url,
            "SettlementCluster": self.job.cluster.cluster_name,
            "FaresTable": fares.table_name,
            "SettlementsTable": settlements.table_name,
        }.items():
            CfnOutput(self, name, value=value)

    def _table(self, construct_id: str, of_each_day: str) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            construct_id,
            partition_key=dynamodb.Attribute(name="day", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name=of_each_day, type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            removal_policy=RemovalPolicy.DESTROY,
        )
