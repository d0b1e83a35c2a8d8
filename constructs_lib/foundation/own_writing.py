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
    role, own = function.function.role, function.function.node.default_child
    if not isinstance(role, iam.Role) or not isinstance(own, lambda_.CfnFunction):
        return False
    if own.recursive_loop == "Allow":
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
            wildcards.overlap(parts(allowed), asked) for allowed in several(statement.get("Resource", []))
        )
        for part in role.node.find_all()
        if isinstance(part, iam.Policy)
        for statement in stack.resolve(part.document).get("Statement", [])
    )


def parts(resolved: Any) -> wildcards.Pattern:
    """A resolved text as a pattern: what is known only at deployment is one part, equal to itself alone.

    Args:
        resolved: As in the template.

    Returns:
        The pattern.
    """
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
