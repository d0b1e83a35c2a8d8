"""CloudFormation: secrets as AWS has them. `Ref` is the ARN, a generated password obeys its rules, rotation is noted.

Nothing rotates: a schedule is kept and described, and hosted rotation makes no function.
Sources: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html
and aws-resource-secretsmanager-rotationschedule.html beside it.
"""

import json
from collections.abc import Callable
from typing import Any

from ministack.services import secretsmanager
from ministack.services.cloudformation import provisioners

from ..cloudformation import handlers
from ..cloudformation.handlers import Properties, Resource


def install() -> None:
    """Change the type Secret, and add those that hang on it."""
    _identify_by_arn()
    provisioners._sm_secret_string = _value
    handlers.add(
        "AWS::SecretsManager::RotationSchedule",
        create=lambda _logical_id, props, _stack: _schedule(props),
        update=lambda _id, _old, props, _stack: _schedule(props),
        delete=lambda _id, props: _unschedule(props),
    )
    handlers.add(
        "AWS::SecretsManager::ResourcePolicy",
        create=lambda _logical_id, props, _stack: _allow(props),
        update=lambda _id, _old, props, _stack: _allow(props),
        delete=lambda _id, props: secretsmanager._resource_policies.pop(_arn(props), None),
    )


def _identify_by_arn() -> None:
    def with_arn(make: Callable[..., Resource]) -> Callable[..., Resource]:
        def make_with_arn(*arguments: Any) -> Resource:
            _, attributes = make(*arguments)
            return attributes["Arn"], attributes

        return make_with_arn

    handlers.wrap(
        "AWS::SecretsManager::Secret",
        create=with_arn,
        update=lambda update: with_arn(lambda arn, *rest: update(_name(arn), *rest)),
        delete=lambda delete: lambda arn, props: delete(_name(arn), props),
    )


def _name(arn: str) -> str:
    name, _ = secretsmanager._resolve(arn)
    return str(name or arn)


def _arn(props: Properties) -> str:
    _, secret = secretsmanager._resolve(props["SecretId"])
    return str(secret["ARN"]) if secret else ""


def _value(props: Properties) -> str:
    if props.get("SecretString") or "GenerateSecretString" not in props:
        return str(props.get("SecretString", ""))
    asked = props["GenerateSecretString"]
    flags = {
        name: provisioners._cfn_bool(value) if name.startswith(("ExcludeL", "ExcludeN", "ExcludeU", "ExcludePu",
                                                                "Include", "Require")) else value
        for name, value in asked.items()
    }  # fmt: skip
    status, _, body = secretsmanager._get_random_password(
        flags | {"PasswordLength": int(asked.get("PasswordLength", 32))}
    )
    answer = json.loads(body)
    if status >= 400:
        raise ValueError(answer["message"])
    if "SecretStringTemplate" not in asked:
        return str(answer["RandomPassword"])
    return json.dumps(
        json.loads(asked["SecretStringTemplate"]) | {asked["GenerateStringKey"]: answer["RandomPassword"]}
    )


def _schedule(props: Properties) -> Resource:
    _, secret = secretsmanager._resolve(props["SecretId"])
    if secret is None:
        raise ValueError("Secrets Manager can't find the specified secret.")
    secret["RotationEnabled"] = True
    secret["RotationLambdaARN"] = props.get("RotationLambdaARN")
    secret["RotationRules"] = dict(props.get("RotationRules") or {})
    return secret["ARN"], {"Id": secret["ARN"]}


def _unschedule(props: Properties) -> None:
    _, secret = secretsmanager._resolve(props["SecretId"])
    if secret is not None:
        secret.update(RotationEnabled=False, RotationLambdaARN=None, RotationRules=None)


def _allow(props: Properties) -> Resource:
    policy = props["ResourcePolicy"]
    text = policy if isinstance(policy, str) else json.dumps(policy)
    provisioners._rds_call(
        secretsmanager._put_resource_policy, {"SecretId": props["SecretId"], "ResourcePolicy": text},
        "AWS::SecretsManager::ResourcePolicy", "create",
    )  # fmt: skip
    arn = _arn(props)
    return arn, {"Id": arn}
