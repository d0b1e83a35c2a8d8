"""Scenes of LongJob."""

from typing import Final

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib import LongJob
from tests.gallery.parts import acknowledge, key, queue, topic

IMAGE: Final = "public.ecr.aws/docker/library/python:3.13-slim"


def image(stack: Stack | None = None) -> ecs.ContainerImage:
    return ecs.ContainerImage.from_registry(IMAGE)


def vpc(scope: Construct) -> ec2.Vpc:
    made = ec2.Vpc(scope, "Vpc", max_azs=2, nat_gateways=1)
    acknowledge(made, "AwsSolutions-VPC7", reason="The scene is about something else.")
    return made


def task_definition(scope: Construct) -> ecs.FargateTaskDefinition:
    """For x86, with a container that helps the job."""
    made = ecs.FargateTaskDefinition(scope, "Task", cpu=512, memory_limit_mib=1024)
    for name in ("Job", "Helper"):
        made.add_container(
            name,
            image=image(),
            essential=name == "Job",
            logging=ecs.LogDrivers.aws_logs(
                stream_prefix=name.lower(), log_retention=logs.RetentionDays.ONE_MONTH
            ),
        )
    return made


def long_job(stack: Stack) -> None:
    LongJob(stack, "Job", vpc=vpc(stack), image=image(), timeout=Duration.hours(2))


def long_job_with_everything_said(stack: Stack) -> None:
    network = vpc(stack)
    cluster = ecs.Cluster(stack, "Jobs", vpc=network, container_insights_v2=ecs.ContainerInsights.ENABLED)
    LongJob(
        stack,
        "Job",
        vpc=network,
        image=image(),
        cpu=1024,
        memory=4096,
        timeout=Duration.days(2),
        command=["python", "settle.py"],
        cluster=cluster,
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
        heartbeat=Duration.minutes(10),
        retry_attempts=3,
        retry_on=["States.TaskFailed", "States.HeartbeatTimeout"],
        encryption_key=key(stack),
        alarm_topic=topic(stack, "Alarms"),
        removal_policy=RemovalPolicy.DESTROY,
    )


def long_job_with_your_own_task(stack: Stack) -> None:
    LongJob(
        stack,
        "Job",
        vpc=vpc(stack),
        task_definition=task_definition(stack),
        timeout=Duration.minutes(30),
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
        assign_public_ip=True,
        retry_attempts=0,
        dead_letter_queue=queue(stack, "Failures"),
    )


SCENES: Final = (long_job, long_job_with_everything_said, long_job_with_your_own_task)
