"""What a function gets to read its secrets and parameters: their ARNs, and permissions for these alone."""

import json
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack, Stage
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm

from constructs_lib import InvalidPropsError, ParametersAndSecrets
from tests.gallery.parameters_and_secrets import fees, secret
from tests.gallery.parts import live
from tests.gallery.plain_function import function
from tests.template import logical_id, properties, statements

HOME = Environment(account="1" * 12, region="us-east-1")


@pytest.fixture
def stack() -> Stack:
    return Stack(App(analytics_reporting=False), "Stack", env=HOME)


def about(role: Any, action: str) -> list[Any]:
    """The resources on which a role may do something."""
    found = [each for each in statements(role) if action in each["Action"]]
    return [each["Resource"] for each in found]


@pytest.mark.parametrize("by_alias", [True, False])
def test_a_function_knows_the_arns_and_may_read_these_alone(stack: Stack, by_alias: bool) -> None:
    key, rates, charge = secret(stack), fees(stack), function(stack, "Charge")
    settings = ParametersAndSecrets(stack, "Settings", secrets={"KEY": key}, parameters={"FEES": rates})
    settings.connect(live(charge) if by_alias else charge)
    arn = stack.resolve(rates.parameter_arn)
    assert properties(charge)["Environment"]["Variables"] == {
        "KEY": {"Ref": logical_id(key)},
        "FEES": {"Ref": logical_id(rates)},
    }
    assert about(charge.role, "secretsmanager:GetSecretValue") == [{"Ref": logical_id(key)}]
    assert about(charge.role, "ssm:GetParameter") == [arn]
    granted = {action for each in statements(charge.role) for action in _listed(each["Action"])}
    assert {action for action in granted if action.startswith(("secretsmanager", "ssm", "kms"))} == {
        "secretsmanager:GetSecretValue",
        "ssm:GetParameter",
        "ssm:GetParameters",
    }


def _listed(actions: str | list[str]) -> list[str]:
    return [actions] if isinstance(actions, str) else actions


def test_a_function_may_decrypt_with_their_keys(stack: Stack) -> None:
    of_secret, of_parameter = kms.Key(stack, "One"), kms.Key(stack, "Two")
    license_ = ssm.StringParameter.from_secure_string_parameter_attributes(
        stack, "License", parameter_name="/prod/license"
    )
    charge = function(stack, "Charge")
    ParametersAndSecrets(
        stack,
        "Settings",
        secrets={"KEY": secret(stack, encryption_key=of_secret)},
        parameters={"LICENSE": license_},
        parameter_key=of_parameter,
    ).connect(charge)
    may = [each["Resource"] for each in statements(charge.role) if each["Action"] == "kms:Decrypt"]
    assert may == [{"Fn::GetAtt": [logical_id(key), "Arn"]} for key in (of_secret, of_parameter)]


def test_a_secret_by_name_is_read_by_name(stack: Stack) -> None:
    """A partial ARN finds nothing if the name itself ends with a hyphen and six characters."""
    named = secretsmanager.Secret.from_secret_name_v2(stack, "Named", "prod/named")
    charge = function(stack, "Charge")
    ParametersAndSecrets(stack, "Settings", secrets={"KEY": named}).connect(charge)
    assert properties(charge)["Environment"]["Variables"] == {"KEY": "prod/named"}
    (resource,) = about(charge.role, "secretsmanager:GetSecretValue")
    assert json.dumps(resource).endswith(
        f':secretsmanager:us-east-1:{HOME.account}:secret:prod/named-??????"]]}}'
    )


def test_the_owners_of_another_account_are_told(stack: Stack) -> None:
    there = "2" * 12
    key = kms.Key.from_key_arn(stack, "TheirKey", f"arn:aws:kms:us-east-1:{there}:key/k")
    arn = f"arn:aws:secretsmanager:us-east-1:{there}:secret:prod/key-abcdef"
    theirs = secretsmanager.Secret.from_secret_attributes(
        stack, "Theirs", secret_complete_arn=arn, encryption_key=key
    )
    charge = function(stack, "Charge")
    settings = ParametersAndSecrets(stack, "Settings", secrets={"KEY": theirs})
    settings.connect(charge)
    assert properties(charge)["Environment"]["Variables"] == {"KEY": arn}
    of_secret, of_key = (str(entry.data) for entry in charge.node.metadata if entry.type == "aws:cdk:info")
    assert "secretsmanager:GetSecretValue" in of_secret
    assert "kms:Decrypt" in of_key


@pytest.mark.parametrize(
    ("how", "name", "message"),
    [
        (
            "partial",
            "prod/key",
            "secrets must have the complete ARN of Stack/Theirs, which is of another account",
        ),
        (
            "complete",
            "prod/key-abcdef",
            "secrets must have the encryption key of Stack/Theirs, which is of another",
        ),
    ],
)
def test_a_secret_of_another_account_needs_its_arn_and_its_key(
    stack: Stack, how: str, name: str, message: str
) -> None:
    arn = f"arn:aws:secretsmanager:us-east-1:{'2' * 12}:secret:{name}"
    theirs = getattr(secretsmanager.Secret, f"from_secret_{how}_arn")(stack, "Theirs", arn)
    with pytest.raises(InvalidPropsError, match=message):
        ParametersAndSecrets(stack, "Settings", secrets={"KEY": theirs})
    assert stack.node.try_find_child("Settings") is None


def test_a_parameter_of_another_account_in_this_app_is_read_by_its_arn(stack: Stack) -> None:
    """By its name, the function would look for one of its own account."""
    there = Stack(Stage.of(stack), "There", env=Environment(account="2" * 12, region="us-east-1"))
    rates = ssm.StringParameter(there, "Rates", parameter_name="/prod/rates", string_value="1")
    charge = function(stack, "Charge")
    ParametersAndSecrets(stack, "Settings", parameters={"RATES": rates}).connect(charge)
    (resource,) = about(charge.role, "ssm:GetParameter")
    assert properties(charge)["Environment"]["Variables"] == {"RATES": resource}
    assert resource["Fn::Join"][1][-1] == f":ssm:us-east-1:{'2' * 12}:parameter/prod/rates"


def test_a_parameter_of_another_account_is_read_by_its_arn(stack: Stack) -> None:
    arn = f"arn:aws:ssm:us-east-1:{'2' * 12}:parameter/prod/rates"
    shared = ssm.StringParameter.from_string_parameter_arn(stack, "Shared", arn)
    charge = function(stack, "Charge")
    ParametersAndSecrets(stack, "Settings", parameters={"RATES": shared}).connect(charge)
    assert properties(charge)["Environment"]["Variables"] == {"RATES": arn}
    assert about(charge.role, "ssm:GetParameter") == [arn]


def test_a_function_of_another_stack_is_connected_without_a_cycle(stack: Stack) -> None:
    there = Stack(Stage.of(stack), "There", env=HOME)
    charge = function(there, "Charge")
    ParametersAndSecrets(stack, "Settings", secrets={"KEY": secret(stack)}).connect(charge)
    Stage.of(stack).synth()  # type: ignore[union-attr]


def imported(stack: Stack) -> Any:
    return lambda_.Function.from_function_name(stack, "Theirs", "theirs")


def of_another_region(stack: Stack) -> Any:
    there = Stack(Stage.of(stack), "There", env=Environment(account="1" * 12, region="eu-west-1"))
    return function(there, "Charge")


REFUSED: dict[str, tuple[Any, str]] = {
    "imported": (imported, "function Stack/Theirs is imported"),
    "a version": (lambda stack: function(stack).current_version, "is a version, and the environment"),
    "elsewhere": (of_another_region, "function must be in Region us-east-1"),
    "not a function": (lambda stack: "charge", "function must be a function, version or alias"),
    "a variable that is taken": (
        lambda stack: function(stack, environment={"FEES": "mine"}),
        "function Stack/Function has the environment variable FEES already",
    ),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_connected(stack: Stack, make: Any, message: str) -> None:
    settings = ParametersAndSecrets(stack, "Settings", parameters={"FEES": fees(stack)})
    with pytest.raises(InvalidPropsError, match=message):
        settings.connect(make(stack))


def test_a_function_is_connected_once(stack: Stack) -> None:
    settings = ParametersAndSecrets(stack, "Settings", parameters={"FEES": fees(stack)})
    charge = function(stack, "Charge")
    settings.connect(charge)
    with pytest.raises(InvalidPropsError, match="is connected to Stack/Settings already"):
        settings.connect(live(charge))


def test_two_constructs_cannot_write_one_variable(stack: Stack) -> None:
    charge, rates = function(stack, "Charge"), fees(stack)
    ParametersAndSecrets(stack, "Settings", parameters={"FEES": rates}).connect(charge)
    with pytest.raises(InvalidPropsError, match="has the environment variable FEES already"):
        ParametersAndSecrets(stack, "More", parameters={"FEES": rates}).connect(charge)
