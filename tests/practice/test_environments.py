"""Secrets in the environment of a function are found, and their values are not printed."""

from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm

from constructs_lib.practice.assembly import Assembly
from constructs_lib.practice.rules import findings
from tests.gallery.plain_function import function
from tests.practice.report import errors


def found(**variables: Any) -> list[tuple[str, str]]:
    """What is found in one function with these variables: the rule, and the text."""
    document = {
        "Parameters": {"Hidden": {"Type": "String", "NoEcho": True}, "Shown": {"Type": "String"}},
        "Resources": {
            "Worker": {
                "Type": "AWS::Lambda::Function",
                "Properties": {"Environment": {"Variables": variables}},
            }
        },
    }
    return [(rule.id, finding.text) for rule, finding in findings(Assembly.of({"Stack": document}))]


SECRETS = {
    "an access key": "AKIA" + "IOSFODNN7EXAMPLE",
    "a private key": "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEow",
    "a GitHub token": "ghp_" + "a1B2" * 9,
    "a Stripe key": "sk_" + "live_" + "4eC39HqLyjWDarjt",
    "a Slack token": "xoxb-" + "1234567890-abcdef",
    "a URL with a password": "postgres://app:hunter2@db.example.com/app",
    "a reference": "{{resolve:secretsmanager:login:SecretString:password}}",
    "a joined reference": {
        "Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": "Login"}, ":SecretString}}"]]
    },
    "a secure parameter": "{{resolve:ssm-secure:/app/login}}",
    "a hidden parameter": {"Ref": "Hidden"},
}


@pytest.mark.parametrize("value", SECRETS.values(), ids=SECRETS)
def test_a_secret_is_found_whatever_its_name(value: Any) -> None:
    ((rule, text),) = found(ANYTHING=value)
    assert rule == "secret-in-environment"
    assert "Stack/Worker has" in text
    assert "as ANYTHING." in text
    assert str(value) not in text


@pytest.mark.parametrize(
    "name", ["PASSWORD", "DB_PASSWORD", "db_password", "API_KEY", "APIKEY", "STRIPE_SECRET", "TOKEN"]
)
def test_the_name_of_a_secret_is_a_warning(name: str) -> None:
    ((rule, text),) = found(**{name: "4f9a1c77"})
    assert rule == "secret-by-name"
    assert name in text
    assert "4f9a1c77" not in text


NO_SECRETS: dict[str, dict[str, Any]] = {
    "an ARN": {"DB_SECRET": "arn:aws:secretsmanager:us-east-1:123456789012:secret:login"},
    "a path": {"API_KEY": "/prod/payments/key"},
    "a name with folders": {"API_KEY": "prod/payments/key"},
    "a URL": {"TOKEN": "https://issuer.example.com/token"},
    "a reference to a resource": {"DB_SECRET": {"Ref": "Login"}},
    "a shown parameter": {"DB_PASSWORD": {"Ref": "Shown"}},
    "another name": {"TOKEN_LIFETIME": "3600", "PASSWORDLESS": "yes", "SECRET_ARN": "any"},
    "an empty value": {"API_KEY": ""},
    "a plain parameter": {"LEVEL": "{{resolve:ssm:/app/level}}"},
    "a URL without a password": {"DB": "postgres://db.example.com:5432/app"},
}


@pytest.mark.parametrize("variables", NO_SECRETS.values(), ids=NO_SECRETS)
def test_what_only_leads_to_a_secret_is_accepted(variables: dict[str, Any]) -> None:
    assert found(**variables) == []


def test_a_secret_that_cdk_unwraps_fails_synth() -> None:
    app = App(analytics_reporting=False)
    stack = Stack(app, "Stack")
    secret = secretsmanager.Secret(stack, "Login")
    function(stack, "Mine", environment={"LOGIN": secret.secret_value.unsafe_unwrap()})
    lambda_.Function(
        stack,
        "Plain",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handle",
        code=lambda_.Code.from_inline("def handle(event, context): ..."),
        environment={"LOGIN": secret.secret_value_from_json("password").unsafe_unwrap()},
    )
    assert [path for rule, path in errors(app) if rule == "secret-in-environment"] == [
        "Stack/Mine/Resource",
        "Stack/Plain/Resource",
    ]


def test_a_secret_by_its_arn_or_name_is_accepted() -> None:
    app = App(analytics_reporting=False)
    stack = Stack(app, "Stack")
    secret = secretsmanager.Secret(stack, "Login")
    parameter = ssm.StringParameter(stack, "Level", string_value="high")
    plain = CfnParameter(stack, "Plain")
    environment = {
        "LOGIN_SECRET": secret.secret_name,
        "LEVEL": parameter.parameter_name,
        "TOKEN": plain.value_as_string,
    }
    function(stack, "Mine", environment=environment)
    assert list(findings(Assembly.read(Path(app.synth().directory)))) == []


def test_every_function_of_an_app_is_looked_at() -> None:
    documents = {
        name: {
            "Resources": {
                "Worker": {
                    "Type": "AWS::Lambda::Function",
                    "Properties": {"Environment": {"Variables": {"API_KEY": "4f9a1c77"}}},
                }
            }
        }
        for name in ("First", "Second")
    }
    assembly = Assembly.of(documents)
    assert [finding.resource.path for _, finding in findings(assembly)] == ["First/Worker", "Second/Worker"]
