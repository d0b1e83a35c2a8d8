"""CloudFormation: types of a live alias that MiniStack lacks, taken as they are declared.

They can be created, referred to, updated and deleted; nothing acts on them: CodeDeploy shifts no traffic (an alias
goes to its new version at once), and provisioned concurrency does not scale. The template is what counts.
Sources: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_CodeDeploy.html and
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ApplicationAutoScaling.html
"""

import uuid
from typing import Any

from ministack.services.cloudformation import provisioners

Properties = dict[str, Any]
Made = tuple[str, dict[str, Any]]

_NAMES = {
    "AWS::CodeDeploy::Application": "ApplicationName",
    "AWS::CodeDeploy::DeploymentConfig": "DeploymentConfigName",
    "AWS::CodeDeploy::DeploymentGroup": "DeploymentGroupName",
}
"""Where a `Ref` of the type is its name: the property that gives it."""


def accept() -> None:
    """Add the types."""
    for type_, name in _NAMES.items():
        _add(type_, _named(name), replaced_by=(name, "ApplicationName"))
    _add("AWS::ApplicationAutoScaling::ScalableTarget", _target, replaced_by=_TARGET)
    _add("AWS::ApplicationAutoScaling::ScalingPolicy", _policy, replaced_by=(*_TARGET, "PolicyName"))


_TARGET = ("ResourceId", "ScalableDimension", "ServiceNamespace")


def _add(type_: str, create: Any, *, replaced_by: tuple[str, ...]) -> None:
    """Add one type.

    Args:
        type_: As a template names it.
        create: Makes the physical id and the attributes.
        replaced_by: Properties whose change makes another resource of it.
    """
    made: dict[str, Made] = {}

    def created(logical_id: str, props: Properties, stack_name: str) -> Made:
        result: Made = create(logical_id, props, stack_name)
        made[result[0]] = result
        return result

    def updated(physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str) -> Made:
        if any(old.get(name) != new.get(name) for name in replaced_by):
            return created(logical_id, new, stack_name)
        return made[physical_id]

    provisioners._RESOURCE_HANDLERS[type_] = {
        "create": created,
        "update": updated,
        "update_with_logical_id": True,
        "delete": lambda physical_id, _props: made.pop(physical_id, None),
    }


def _named(name: str) -> Any:
    def create(logical_id: str, props: Properties, stack_name: str) -> Made:
        return props.get(name) or provisioners._physical_name(stack_name, logical_id), {}

    return create


def _target(_logical_id: str, props: Properties, _stack_name: str) -> Made:
    id_ = "|".join(props[name] for name in _TARGET)
    return id_, {"Id": id_}


def _policy(_logical_id: str, props: Properties, _stack_name: str) -> Made:
    target = props.get("ScalingTargetId") or "|".join(props.get(name, "") for name in _TARGET)
    resource, _, service = target.split("|")
    arn = (
        f"arn:aws:autoscaling:{provisioners.get_region()}:{provisioners.get_account_id()}:scalingPolicy:"
        f"{uuid.uuid4()}:resource/{service}/{resource}:policyName/{props['PolicyName']}"
    )
    return arn, {"Arn": arn}
