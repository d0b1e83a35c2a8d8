"""What a template says of a part of a construct, found by the part and not by a hashed id."""

from typing import Any
from weakref import WeakKeyDictionary

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

_templates: WeakKeyDictionary[Stack, dict[str, Any]] = WeakKeyDictionary()


def template(stack: Stack) -> dict[str, Any]:
    """The template of a stack, made once: building after it is an error anyway."""
    if stack not in _templates:
        _templates[stack] = dict(Template.from_stack(stack).to_json())
    return _templates[stack]


def properties(stack: Stack, part: Any) -> dict[str, Any]:
    """What the template says of one part."""
    logical_id = stack.resolve(part.node.default_child.logical_id)
    resource: dict[str, Any] = template(stack)["Resources"][logical_id]
    return resource | {"id": logical_id}


def of_type(stack: Stack, kind: str) -> dict[str, dict[str, Any]]:
    """The properties of all resources of one type."""
    return {
        logical_id: resource.get("Properties", {})
        for logical_id, resource in template(stack)["Resources"].items()
        if resource["Type"] == kind
    }


def statements(stack: Stack, role: iam.IRole | None) -> list[dict[str, Any]]:
    """Every statement of the policies of a role."""
    assert isinstance(role, iam.Role)
    reference = {"Ref": stack.resolve(role.node.default_child.logical_id)}  # type: ignore[union-attr]
    return [
        statement
        for policy in of_type(stack, "AWS::IAM::Policy").values()
        if reference in policy["Roles"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def warnings(scope: Stack) -> list[str]:
    """Every warning in a stack."""
    return [
        str(entry.data)
        for construct in scope.node.find_all()
        for entry in construct.node.metadata
        if entry.type == "aws:cdk:warning"
    ]
