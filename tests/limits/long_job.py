"""The limits of LongJob."""

from typing import Any, Final

from aws_cdk import CfnParameter, Duration, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_sqs as sqs

from constructs_lib import LongJob
from tests.gallery.long_job import image, task_definition, vpc
from tests.gallery.parts import key, queue
from tests.limits.table import Arguments, Limits, args, by_name_instead


def public(stack: Stack) -> ec2.SubnetSelection:
    return ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)


def own_task(stack: Stack, **more: object) -> dict[str, Any]:
    return {"image": None, "task_definition": task_definition(stack), **more}


def token(stack: Stack) -> Duration:
    return Duration.minutes(CfnParameter(stack, "Minutes", type="Number").value_as_number)


def empty_task(stack: Stack) -> dict[str, Any]:
    return {"image": None, "task_definition": ecs.FargateTaskDefinition(stack, "Empty")}


_ROWS: list[tuple[str, Arguments, str]] = [
    ("no timeout", args(timeout=None), "timeout must be a Duration, got None: without one, a job that hangs runs for"),
    ("a timeout in words", args(timeout="2 hours"), "timeout must be a Duration, such as Duration.seconds(30)"),
    ("a timeout that ends with the start", args(timeout=Duration.seconds(59)), "timeout must be 1 minute to 365 days"),
    ("a timeout beyond a year", args(timeout=Duration.days(366)), "timeout must be 1 minute to 365 days"),
    ("a timeout with a fraction", args(timeout=Duration.millis(90_500)), "timeout must be a whole number of seconds"),
    ("a timeout of a later time in minutes", lambda stack: {"timeout": token(stack)},
     "timeout that is known only at deployment must be Duration.seconds(...), got Duration.minutes(...)"),
    ("a heartbeat as long as the job", args(heartbeat=Duration.hours(2)),
     "heartbeat must be less than timeout, got 7,200 and 7,200 seconds"),
    ("a heartbeat of no time", args(heartbeat=Duration.seconds(0)), "heartbeat must be 1 second to 365 days"),
    ("a heartbeat of a later time in minutes", lambda stack: {"heartbeat": token(stack)},
     "heartbeat that is known only at deployment must be Duration.seconds(...)"),
    ("nothing to run", args(image=None), "LongJob requires image or task_definition, and not both"),
    ("two things to run", lambda stack: {"task_definition": task_definition(stack)},
     "LongJob requires image or task_definition, and not both"),
    ("an image by its name", args(image="python:3.13"), "image must be a ContainerImage, such as ecs.ContainerImage."),
    ("a task definition by its name", args(image=None, task_definition="settle"),
     "task_definition must be a FargateTaskDefinition"),
    ("a task definition without a container", empty_task, "must have an essential container, got none"),
    ("CPU for your own task", lambda stack: own_task(stack, cpu=512), "cpu cannot be combined with task_definition"),
    ("memory for your own task", lambda stack: own_task(stack, memory=512),
     "memory cannot be combined with task_definition"),
    ("CPU that Fargate does not have", args(cpu=300), "cpu must be one of 256, 512, 1024, 2048, 4096, 8192, 16384"),
    ("too much CPU", args(cpu=32_768), "cpu must be 256 to 16,384, got 32,768"),
    ("too little memory", args(memory=128), "memory must be 512 to 122,880 MiB, got 128"),
    ("memory that does not go with the CPU", args(memory=4096),
     "memory must be 512 to 2,048 MiB in steps of 512 for 256 CPU units, got 4,096"),
    ("memory between the steps", args(cpu=8192, memory=18_432),
     "memory must be 16,384 to 61,440 MiB in steps of 4,096 for 8192 CPU units, got 18,432"),
    ("a command in one text", args(command="python settle.py"), "command must be a list of texts"),
    ("public subnets", lambda stack: {"vpc_subnets": public(stack)},
     "vpc_subnets must select private or isolated subnets, got public ones of vpc Stack/Vpc"),
    ("a public address in private subnets", args(assign_public_ip=True),
     "assign_public_ip requires vpc_subnets that are public, got private ones of vpc Stack/Vpc"),
    ("a public address in words", args(assign_public_ip="yes"), "assign_public_ip must be True or False"),
    ("subnets that do not exist", args(vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)),
     "vpc_subnets selects nothing in vpc Stack/Vpc"),
    ("subnets by their name", args(vpc_subnets="private"), "vpc_subnets must be an ec2.SubnetSelection"),
    ("a VPC by its name", args(vpc="vpc-1"), "vpc must be a VPC, got 'vpc-1' (str)"),
    ("too many retries", args(retry_attempts=21), "retry_attempts must be 0 to 20, got 21"),
    ("half a retry", args(retry_attempts=1.5), "retry_attempts must be a whole number"),
    ("retries without a number", args(retry_attempts=None), "retry_attempts must be a number, got None"),
    ("one error to retry", args(retry_on="States.TaskFailed"), "retry_on must be a list of texts"),
    ("every error to retry", args(retry_on=["States.ALL"]), "retry_on cannot contain States.ALL"),
    ("an error that is never retried", args(retry_on=["States.Runtime"]), "retry_on cannot contain States.Runtime"),
    ("errors to retry, and no retry", args(retry_on=["States.TaskFailed"], retry_attempts=0),
     "retry_on cannot be combined with retry_attempts=0"),
    *by_name_instead(alarm_topic="a topic", encryption_key="a key", dead_letter_queue="a queue", cluster="a cluster"),
    ("a FIFO queue", lambda stack: {"dead_letter_queue": sqs.Queue(stack, "Fifo", fifo=True)},
     "dead_letter_queue cannot be a FIFO queue"),
    ("a key and your own queue", lambda stack: {"dead_letter_queue": queue(stack), "encryption_key": key(stack)},
     "encryption_key cannot be combined with dead_letter_queue"),
    ("a snapshot of a queue", args(removal_policy=RemovalPolicy.SNAPSHOT), "RemovalPolicy other than SNAPSHOT"),
]  # fmt: skip

LONG_JOB_LIMITS: Final = Limits(
    LongJob, otherwise={"vpc": vpc, "image": image, "timeout": lambda stack: Duration.hours(2)}, rows=_ROWS
)
