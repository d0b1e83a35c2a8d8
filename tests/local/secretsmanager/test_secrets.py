"""A contract for each thing that the extension changes about secrets: without it, its test fails."""

import json
import string
from typing import Any

import pytest

from constructs_lib.local import LocalCloud
from tests.local import stacks

pytestmark = pytest.mark.cloud

GENERATED = {
    "SecretStringTemplate": '{"username": "app"}',
    "GenerateStringKey": "password",
    "PasswordLength": 40,
    "ExcludePunctuation": True,
}


def _secret(**properties: object) -> dict[str, Any]:
    return {
        "Type": "AWS::SecretsManager::Secret",
        "Properties": {"GenerateSecretString": GENERATED, **properties},
    }


def test_a_secret_is_named_by_its_arn(cloud: LocalCloud) -> None:
    secrets = cloud.client("secretsmanager")
    ids = stacks.put(cloud, "secret", {"Secret": _secret(Description="one")})
    arn = ids["Secret"]
    assert arn.startswith("arn:aws:secretsmanager:us-east-1:000000000000:secret:")
    value = secrets.get_secret_value(SecretId=arn)["SecretString"]
    assert stacks.put(cloud, "secret", {"Secret": _secret(Description="two")})["Secret"] == arn
    assert secrets.describe_secret(SecretId=arn)["Description"] == "two"
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == value
    replaced = stacks.put(cloud, "secret", {"Secret": _secret(Name="of-my-own")})["Secret"]
    assert replaced != arn
    assert [
        each["Name"] for each in secrets.list_secrets()["SecretList"] if each["ARN"] in (arn, replaced)
    ] == ["of-my-own"]
    stacks.remove(cloud, "secret")
    assert replaced not in [each["ARN"] for each in secrets.list_secrets()["SecretList"]]


def test_a_generated_password_obeys_its_rules(cloud: LocalCloud) -> None:
    arn = stacks.put(cloud, "generated", {"Secret": _secret()})["Secret"]
    value = json.loads(cloud.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
    assert value["username"] == "app"
    assert len(value["password"]) == 40
    assert set(value["password"]) <= set(string.ascii_letters + string.digits)


def test_hosted_rotation_is_accepted_and_described(cloud: LocalCloud) -> None:
    resources: dict[str, Any] = {"Secret": _secret()}
    transform = {"Transform": "AWS::SecretsManager-2024-09-16"}
    secrets = cloud.client("secretsmanager")
    for days in (30, 60):
        resources["Rotation"] = {
            "Type": "AWS::SecretsManager::RotationSchedule",
            "Properties": {
                "SecretId": {"Ref": "Secret"},
                "HostedRotationLambda": {"RotationType": "PostgreSQLSingleUser"},
                "RotateImmediatelyOnUpdate": False,
                "RotationRules": {"ScheduleExpression": f"rate({days} days)"},
            },
        }
        arn = stacks.put(cloud, "rotation", resources, **transform)["Secret"]
        read = secrets.describe_secret(SecretId=arn)
        assert read["RotationEnabled"]
        assert read["RotationRules"] == {"ScheduleExpression": f"rate({days} days)"}
        assert len(read["VersionIdsToStages"]) == 1  # nothing was rotated
    del resources["Rotation"]
    stacks.put(cloud, "rotation", resources)
    assert not secrets.describe_secret(SecretId=arn)["RotationEnabled"]


def test_a_secrets_own_policy_is_kept(cloud: LocalCloud) -> None:
    deny = {
        "Effect": "Deny",
        "Action": "secretsmanager:DeleteSecret",
        "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
        "Resource": "*",
    }
    policy = {"Version": "2012-10-17", "Statement": [deny]}
    resources = {
        "Secret": _secret(),
        "Policy": {
            "Type": "AWS::SecretsManager::ResourcePolicy",
            "Properties": {"SecretId": {"Ref": "Secret"}, "ResourcePolicy": policy},
        },
    }
    arn = stacks.put(cloud, "policy", resources)["Secret"]
    read = cloud.client("secretsmanager").get_resource_policy(SecretId=arn)["ResourcePolicy"]
    assert json.loads(read) == policy
    stacks.remove(cloud, "policy")
