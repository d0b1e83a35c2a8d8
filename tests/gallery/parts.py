"""What stands around a function in scenes and tests: in order for every judge."""

from aws_cdk import Acknowledgment, Duration, Stack, Validations
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import IConstruct

from constructs_lib import PythonFunction
from tests.gallery.plain_function import function


def live(of: PythonFunction | Stack, construct_id: str = "Live") -> lambda_.Alias:
    """The alias that is called; of a new function, unless one is given."""
    behind = of if isinstance(of, PythonFunction) else function(of)
    return lambda_.Alias(Stack.of(behind), construct_id, alias_name="live", version=behind.current_version)


def key(stack: Stack) -> kms.Key:
    return kms.Key(stack, "Key", enable_key_rotation=True)


def queue(stack: Stack, construct_id: str = "Queue", *, encryption_key: kms.IKey | None = None) -> sqs.Queue:
    made = sqs.Queue(
        stack,
        construct_id,
        enforce_ssl=True,
        retention_period=Duration.days(14),
        encryption_master_key=encryption_key,
    )
    acknowledge(
        made, "Serverless-SQSRedrivePolicy", "AwsSolutions-SQS3", reason="Nobody fails at reading it."
    )
    return made


def topic(stack: Stack, construct_id: str = "Topic", *, master_key: kms.IKey | None = None) -> sns.Topic:
    made = sns.Topic(stack, construct_id, enforce_ssl=True, master_key=master_key)
    if master_key is None:
        acknowledge(made, "AwsSolutions-SNS2", reason="The scene is about something else.")
    return made


def bucket(
    stack: Stack, construct_id: str = "Bucket", *, encryption_key: kms.IKey | None = None
) -> s3.Bucket:
    made = s3.Bucket(
        stack,
        construct_id,
        enforce_ssl=True,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption_key=encryption_key,
    )
    acknowledge(made, "AwsSolutions-S1", reason="The scene is about something else.")
    return made


def acknowledge(part: IConstruct, *findings: str, reason: str) -> None:
    Validations.of(part).acknowledge(*(Acknowledgment(id=finding, reason=reason) for finding in findings))
