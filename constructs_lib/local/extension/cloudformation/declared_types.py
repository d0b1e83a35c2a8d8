"""CloudFormation: types of a live alias that MiniStack lacks, taken as they are declared.

They can be created, referred to, updated and deleted; nothing acts on them: CodeDeploy shifts no traffic (an alias
goes to its new version at once), and provisioned concurrency does not scale. The template is what counts.
Sources: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_CodeDeploy.html and
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ApplicationAutoScaling.html
"""

import uuid
from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation.provisioners import _physical_name

from . import handlers
from .handlers import Properties

_NAMES = {
    "AWS::CodeDeploy::Application": "ApplicationName",
    "AWS::CodeDeploy::DeploymentConfig": "DeploymentConfigName",
    "AWS::CodeDeploy::DeploymentGroup": "DeploymentGroupName",
}
"""The property that a `Ref` returns, for types whose `Ref` is their name."""

_TARGET = ("ResourceId", "ScalableDimension", "ServiceNamespace")


def install() -> None:
    """Add the types."""
    for type_, name in _NAMES.items():
        _add(type_, _named(name), replaced_by=(name, "ApplicationName"))
    _add("AWS::ApplicationAutoScaling::ScalableTarget", _target, replaced_by=_TARGET, id_as="Id")
    _add(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        _policy,
        replaced_by=(*_TARGET, "PolicyName"),
        id_as="Arn",
    )


def _add(
    type_: str,
    identify: Callable[[str, Properties, str], str],
    *,
    replaced_by: tuple[str, ...],
    id_as: str | None = None,
) -> None:
    """Add one type.

    Args:
        type_: As a template names it.
        identify: Makes the physical id of the logical id, the properties and the stack's name.
        replaced_by: Properties whose change makes another resource of it.
        id_as: The attribute that is the physical id, if there is one.
    """

    def attributes(physical_id: str) -> dict[str, Any]:
        return {id_as: physical_id} if id_as else {}

    def create(logical_id: str, props: Properties, stack: str) -> handlers.Resource:
        physical_id = identify(logical_id, props, stack)
        return physical_id, attributes(physical_id)

    handlers.add(
        type_,
        create=create,
        update=lambda physical_id, _old, _new, _stack: (physical_id, attributes(physical_id)),
        delete=lambda _physical_id, _props: None,
        replaced_by=replaced_by,
    )


def _named(name: str) -> Callable[[str, Properties, str], str]:
    return lambda logical_id, props, stack: str(props.get(name) or _physical_name(stack, logical_id))


def _target(_logical_id: str, props: Properties, _stack: str) -> str:
    return "|".join(props[name] for name in _TARGET)


def _policy(_logical_id: str, props: Properties, _stack: str) -> str:
    target = props.get("ScalingTargetId") or "|".join(props.get(name, "") for name in _TARGET)
    resource, _, service = target.split("|")
    return (
        f"arn:aws:autoscaling:{get_region()}:{get_account_id()}:scalingPolicy:{uuid.uuid4()}:"
        f"resource/{service}/{resource}:policyName/{props['PolicyName']}"
    )
