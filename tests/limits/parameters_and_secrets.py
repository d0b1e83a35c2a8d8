"""The limits of ParametersAndSecrets."""

from typing import Final

from constructs_lib import ParametersAndSecrets
from tests.gallery.parameters_and_secrets import fees, secret
from tests.gallery.parts import key
from tests.limits.table import Arguments, Limits, args, by_name_instead

_ROWS: list[tuple[str, Arguments, str]] = [
    *by_name_instead(parameter_key="a KMS key"),
    (
        "nothing to read",
        args(parameters={}),
        "secrets or parameters must have something to read, got neither",
    ),
    (
        "a list of secrets",
        lambda stack: {"secrets": [secret(stack)]},
        "secrets must be a mapping from environment variables, each to a secret of Secrets Manager, got [",
    ),
    (
        "a secret by its name",
        args(secrets={"PAYMENT_KEY": "prod/key"}),
        "secrets['PAYMENT_KEY'] must be a secret of Secrets Manager, got 'prod/key' (str)",
    ),
    (
        "a parameter as a secret",
        lambda stack: {"secrets": {"RATES": fees(stack)}, "parameters": None},
        "secrets['RATES'] must be a secret of Secrets Manager, got ",
    ),
    (
        "a parameter by its name",
        args(parameters={"FEES": "/prod/fees"}),
        "parameters['FEES'] must be a parameter of Parameter Store, got '/prod/fees' (str)",
    ),
    (
        "no name of a variable",
        lambda stack: {"secrets": {"PAYMENT-KEY": secret(stack)}},
        "each variable of secrets must be two or more letters, digits and underscores that start with a letter",
    ),
    (
        "a variable of Lambda",
        lambda stack: {"secrets": {"AWS_SESSION_TOKEN": secret(stack)}},
        "secrets must have variables that are free, got AWS_SESSION_TOKEN, which Lambda sets itself",
    ),
    (
        "a variable twice",
        lambda stack: {"secrets": {"FEES": secret(stack)}},
        "secrets and parameters must have different variables, got FEES in both",
    ),
    (
        "a key without parameters",
        lambda stack: {
            "secrets": {"PAYMENT_KEY": secret(stack)},
            "parameters": None,
            "parameter_key": key(stack),
        },
        "parameter_key requires parameters",
    ),
]

PARAMETERS_AND_SECRETS_LIMITS: Final = Limits(
    ParametersAndSecrets, otherwise={"parameters": lambda stack: {"FEES": fees(stack)}}, rows=_ROWS
)
