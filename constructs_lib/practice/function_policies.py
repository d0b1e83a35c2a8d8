"""The size of the policies that let sources invoke a function."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from constructs_lib import _defaults
from constructs_lib.practice.assembly import Resource
from constructs_lib.practice.flows import Flows
from constructs_lib.practice.rule import Finding, Rule

_ACCOUNT: Final = 12
_REGION: Final = len("us-east-1")
_API_ID: Final = 10
_SUFFIX: Final = len("-ABCDEFGHIJKL")
"""What CloudFormation adds to the names that it generates, after the stack's name and the logical id."""
_NAME_MAX: Final = 64
_SID_MAX: Final = 100
_CONDITIONS: Final = {
    "SourceArn": ("ArnLike", "AWS:SourceArn"),
    "SourceAccount": ("StringEquals", "AWS:SourceAccount"),
    "PrincipalOrgID": ("StringEquals", "aws:PrincipalOrgID"),
    "EventSourceToken": ("StringEquals", "lambda:EventSourceToken"),
    "FunctionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
}


def _sizes(flows: Flows) -> Iterator[tuple[Resource, int, int]]:
    """What is invoked, the least size of its policy in bytes, and its number of statements."""
    statements: dict[str, list[Resource]] = defaultdict(list)
    for permission in flows.assembly.of_type("AWS::Lambda::Permission"):
        named = permission.text("FunctionName")
        if named:
            statements[":".join(permission.template.function(named))].append(permission)
    for arn, permissions in statements.items():
        invoked = (
            flows.assembly.find(arn) or flows.assembly.find(arn.removesuffix(":$LATEST")) or permissions[-1]
        )
        policy = {
            "Version": "2012-10-17",
            "Id": "default",
            "Statement": [_statement(permission, arn.removesuffix(":$LATEST")) for permission in permissions],
        }
        text = json.dumps(policy, separators=(",", ":"), ensure_ascii=False)
        unknown = flows.assembly.unknowns(text)
        known = len(text.encode()) - len("".join(unknown).encode())
        least_of_unknown = sum(_length(flows, character) for character in unknown)
        yield invoked, known + least_of_unknown + sum(map(_sid_length, permissions)), len(permissions)


def _statement(permission: Resource, arn: str) -> dict[str, Any]:
    principal = permission.text("Principal")
    conditions: dict[str, dict[str, str]] = {}
    for name, (operator, key) in _CONDITIONS.items():
        if permission.text(name):
            conditions.setdefault(operator, {})[key] = permission.text(name)
    return {
        "Sid": "",
        "Effect": "Allow",
        "Principal": principal if principal == "*" else {"Service" if "." in principal else "AWS": principal},
        "Action": permission.text("Action"),
        "Resource": arn,
    } | ({"Condition": conditions} if conditions else {})


def _sid_length(permission: Resource) -> int:
    return min(_SID_MAX, len(permission.template.name) + 1 + len(permission.logical_id) + _SUFFIX)


def _length(flows: Flows, character: str) -> int:
    """The least length of what is known only at deployment."""
    template, what = flows.assembly.meaning(character)
    if what in ("AWS::AccountId", "AWS::Region"):
        return _ACCOUNT if what == "AWS::AccountId" else _REGION
    logical_id, _, attribute = what.rpartition(".")
    if template is not None and attribute == "name":
        return min(_NAME_MAX, len(template.name) + 1 + len(logical_id) + _SUFFIX)
    return _API_ID if "Api" in what else 1


def _too_large(flows: Flows) -> Iterator[Finding]:
    for invoked, size, count in _sizes(flows):
        if size > _defaults.FUNCTION_POLICY_BYTES_MAX:
            yield Finding(invoked, _text(invoked, size, count))


def _nearly_full(flows: Flows) -> Iterator[Finding]:
    for invoked, size, count in _sizes(flows):
        if _defaults.FUNCTION_POLICY_BYTES < size <= _defaults.FUNCTION_POLICY_BYTES_MAX:
            yield Finding(invoked, _text(invoked, size, count))


def _text(invoked: Resource, size: int, count: int) -> str:
    return (
        f"The resource-based policy of {invoked.path} has {count} statements and at least {size:,} bytes, of "
        f"{_defaults.FUNCTION_POLICY_BYTES_MAX:,} that Lambda stores."
    )


_REASON: Final = (
    "Each source that may invoke a function, an alias or a version is a statement in its policy, and a deployment "
    "fails at the first one that does not fit."
)
_FIX: Final = (
    "Divide the sources among several aliases or functions, or let many of them in with one permission: an "
    "AWS::Lambda::Permission whose SourceArn has a wildcard, such as one for all routes of an API."
)

POLICY_TOO_LARGE: Final = Rule(
    id="function-policy-too-large",
    severity="error",
    reason=_REASON,
    fix=_FIX,
    source=_defaults.LAMBDA_QUOTAS,
    find=_too_large,
)

POLICY_NEARLY_FULL: Final = Rule(
    id="function-policy-nearly-full",
    severity="warning",
    reason=_REASON,
    fix=_FIX,
    source=_defaults.LAMBDA_QUOTAS,
    find=_nearly_full,
)

RULES: Final = (POLICY_TOO_LARGE, POLICY_NEARLY_FULL)
