"""What a template says, found by the parts of a construct and not by hashed ids."""

from typing import Any
from weakref import WeakKeyDictionary

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

_templates: WeakKeyDictionary[Stack, dict[str, Any]] = WeakKeyDictionary()


def template(stack: Stack) -> dict[str, Any]:
    """Synthesize the template of a stack, once: building after it is an error anyway."""
    if stack not in _templates:
        _templates[stack] = dict(Template.from_stack(stack).to_json())
    return _templates[stack]


def logical_id(part: Any) -> str:
    """Return what the template calls a part."""
    return str(Stack.of(part).resolve(part.node.default_child.logical_id))


def resource(part: Any) -> dict[str, Any]:
    """Return what the template says of a part."""
    found: dict[str, Any] = template(Stack.of(part))["Resources"][logical_id(part)]
    return found


def properties(part: Any) -> dict[str, Any]:
    """Return the properties of a part."""
    found: dict[str, Any] = resource(part)["Properties"]
    return found


def of_type(stack: Stack, kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of all resources of a type, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template(stack)["Resources"].items()
        if resource["Type"] == kind
    }


def the(stack: Stack, kind: str) -> dict[str, Any]:
    """Return the properties of the one resource of a type."""
    (found,) = of_type(stack, kind).values()
    return found


def statements(role: iam.IRole | None) -> list[dict[str, Any]]:
    """Return every statement of the policies of a role."""
    assert isinstance(role, iam.Role)
    reference = {"Ref": logical_id(role)}
    inline = properties(role).get("Policies", [])
    policies = of_type(Stack.of(role), "AWS::IAM::Policy").values()
    attached = [policy for policy in policies if reference in policy["Roles"]]
    return [
        statement for policy in [*inline, *attached] for statement in policy["PolicyDocument"]["Statement"]
    ]


def granted(role: iam.IRole | None, arn: Any) -> set[str]:
    """Return the actions that a role may do to a resource; its ARN as in the template."""
    return {
        action
        for statement in statements(role)
        if statement["Effect"] == "Allow" and statement["Resource"] == arn
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }


def warnings(scope: Stack) -> list[str]:
    """Return every warning in a stack."""
    return [
        str(entry.data)
        for construct in scope.node.find_all()
        for entry in construct.node.metadata
        if entry.type == "aws:cdk:warning"
    ]
