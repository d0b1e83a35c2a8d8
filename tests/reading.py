"""Reading one part out of a template."""

from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template


def logical_id(part: Any) -> str:
    """What the template calls a part."""
    stack = Stack.of(part)
    return str(stack.resolve(part.node.default_child.logical_id))


def resource(part: Any) -> dict[str, Any]:
    """What the template says of a part, found by the part and not by a hashed id."""
    found: dict[str, Any] = Template.from_stack(Stack.of(part)).to_json()["Resources"][logical_id(part)]
    return found


def properties(part: Any) -> dict[str, Any]:
    """Its properties alone."""
    found: dict[str, Any] = resource(part)["Properties"]
    return found


def resources(stack: Stack, kind: str) -> list[dict[str, Any]]:
    """The properties of every resource of a type."""
    return [found["Properties"] for found in Template.from_stack(stack).find_resources(kind).values()]


def statements(role: iam.IRole | None) -> list[dict[str, Any]]:
    """Every statement of the policies of a role."""
    assert isinstance(role, iam.Role)
    stack = Stack.of(role)
    reference = {"Ref": logical_id(role)}
    inline = properties(role).get("Policies", [])
    attached = [policy for policy in resources(stack, "AWS::IAM::Policy") if reference in policy["Roles"]]
    return [
        statement for policy in [*inline, *attached] for statement in policy["PolicyDocument"]["Statement"]
    ]


def granted(role: iam.IRole | None, arn: Any) -> set[str]:
    """The actions that a role may do to a resource; its ARN as in the template."""
    return {
        action
        for statement in statements(role)
        if statement["Effect"] == "Allow" and statement["Resource"] == arn
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
