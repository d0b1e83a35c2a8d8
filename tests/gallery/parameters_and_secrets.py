"""Scenes of ParametersAndSecrets."""

from typing import Final

from aws_cdk import Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm

from constructs_lib import ParametersAndSecrets
from tests.gallery.parts import acknowledge, key, live
from tests.gallery.plain_function import function


def fees(stack: Stack) -> ssm.StringParameter:
    return ssm.StringParameter(stack, "Fees", string_value='{"card": 0.02}')


def secret(
    stack: Stack, construct_id: str = "PaymentKey", *, encryption_key: kms.IKey | None = None
) -> secretsmanager.Secret:
    made = secretsmanager.Secret(stack, construct_id, encryption_key=encryption_key)
    acknowledge(made, "AwsSolutions-SMG4", reason="The other side gives out its key, and does not rotate it.")
    return made


def parameters_and_secrets(stack: Stack) -> None:
    settings = ParametersAndSecrets(
        stack, "Settings", secrets={"PAYMENT_KEY": secret(stack)}, parameters={"FEES": fees(stack)}
    )
    settings.connect(function(stack, "Charge"))


def parameters_and_secrets_of_others(stack: Stack) -> None:
    """With keys, of other accounts, by name; for two functions."""
    theirs = kms.Key.from_key_arn(stack, "Theirs", "arn:aws:kms:us-east-1:210987654321:key/their-key")
    settings = ParametersAndSecrets(
        stack,
        "Settings",
        secrets={
            "OUR_KEY": secret(stack, encryption_key=key(stack)),
            "THEIR_KEY": secretsmanager.Secret.from_secret_attributes(
                stack,
                "TheirSecret",
                secret_complete_arn="arn:aws:secretsmanager:us-east-1:210987654321:secret:prod/key-abcdef",
                encryption_key=theirs,
            ),
            "NAMED_KEY": secretsmanager.Secret.from_secret_name_v2(stack, "Named", "prod/named"),
        },
        parameters={
            "LICENSE": ssm.StringParameter.from_secure_string_parameter_attributes(
                stack, "License", parameter_name="/prod/license"
            ),
            "SHARED": ssm.StringParameter.from_string_parameter_arn(
                stack, "Shared", "arn:aws:ssm:us-east-1:210987654321:parameter/prod/rates"
            ),
        },
        parameter_key=kms.Key.from_key_arn(stack, "Ours", "arn:aws:kms:us-east-1:123456789012:key/our-key"),
    )
    settings.connect(live(function(stack, "Charge")))
    settings.connect(function(stack, "Refund"))


SCENES: Final = (parameters_and_secrets, parameters_and_secrets_of_others)
