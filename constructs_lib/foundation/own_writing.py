"""Whether a function may write, by the policies of its role, what would call it again."""

import json
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from constructs_lib.foundation import wildcards
from constructs_lib.foundation.called import Called


def may(function: Called, action: str, resource: str, *, below: wildcards.Pattern | None = None) -> bool:
    """Whether the function's role may do something to what calls it.

    Args:
        function: The function; of an imported one nothing is known, and one with `RecursiveLoop: Allow` means it.
        action: Such as `s3:PutObject`.
        resource: An ARN.
        below: What follows the ARN and a slash, where the question is of objects.

    Returns:
        True if a statement of its policies says so.
    """
    if function.function is None:
        return False
    role = function.function.role
    if not isinstance(role, iam.Role) or is_meant(function):
        return False
    stack = Stack.of(role)
    asked = parts(stack.resolve(resource))
    if below is not None:
        asked = [*asked, "/", *below]
    return any(
        statement.get("Effect") == "Allow"
        and any(
            wildcards.overlap(wildcards.pattern(allowed.lower()), wildcards.pattern(action.lower()))
            for allowed in several(statement.get("Action", []))
        )
        and any(
            wildcards.overlap(parts(allowed), asked) or _is_all_of(action, allowed)
            for allowed in several(statement.get("Resource", []))
        )
        for statement in _statements(role)
    )


def is_meant(function: Called) -> bool:
    """Whether a function says that it may call itself: with `RecursiveLoop: Allow`.

    Args:
        function: The function.

    Returns:
        False also for an imported one.
    """
    own = function.function.node.default_child if function.function is not None else None
    return isinstance(own, lambda_.CfnFunction) and own.recursive_loop == "Allow"


def _statements(role: iam.Role) -> list[Any]:
    """Of the role's own policy, of its inline ones, and of those of its stack that are attached to it."""
    stack = Stack.of(role)
    name, own = stack.resolve(role.role_name), role.node.default_child
    documents = [policy["policyDocument"] for policy in stack.resolve(getattr(own, "policies", None)) or []]
    for part in stack.node.find_all():
        if isinstance(part, iam.CfnPolicy | iam.CfnManagedPolicy) and name in (
            stack.resolve(part.roles) or []
        ):
            documents.append(stack.resolve(part.policy_document))
    attached = {json.dumps(arn) for arn in stack.resolve(getattr(own, "managed_policy_arns", None)) or []}
    for part in stack.node.find_all() if attached else ():
        if (
            isinstance(part, iam.ManagedPolicy)
            and json.dumps(stack.resolve(part.managed_policy_arn)) in attached
        ):
            documents.append(stack.resolve(part.document))
    return [statement for document in documents for statement in several(document.get("Statement", []))]


def _is_all_of(action: str, allowed: Any) -> bool:
    """Whether an ARN means all of the action's service, as `arn:aws:s3:::*` does: what is asked may be opaque."""
    text = "".join(part if isinstance(part, str) else "*" for part in parts(allowed))
    _, _, service, *_, resource = text.split(":", 5) if text.count(":") >= _COLONS else [""] * 6
    return service == action.partition(":")[0] and resource.startswith("*")


_COLONS = 5
"""arn:partition:service:region:account:resource"""


def parts(resolved: Any) -> wildcards.Pattern:
    """A resolved text as a pattern: what is known only at deployment is one part, equal to itself alone.

    Args:
        resolved: As in the template.

    Returns:
        The pattern.
    """
    if resolved == {"Ref": "AWS::Partition"}:
        return [wildcards.ANYTHING]
    if isinstance(resolved, str):
        return wildcards.pattern(resolved)
    if isinstance(resolved, dict) and set(resolved) == {"Fn::Join"} and resolved["Fn::Join"][0] == "":
        return [part for piece in resolved["Fn::Join"][1] for part in parts(piece)]
    return [json.dumps(resolved, sort_keys=True)]


def several(value: Any) -> list[Any]:
    """One or many, as IAM and EventBridge write them.

    Args:
        value: A value, or a list.

    Returns:
        A list.
    """
    return value if isinstance(value, list) else [value]
