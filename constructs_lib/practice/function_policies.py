"""The policies that let sources invoke a function: their size, and what overwrites them."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from constructs_lib import _defaults
from constructs_lib.practice.assembly import LATEST, Resource
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


def _permissions(flows: Flows) -> dict[str, list[Resource]]:
    """The permissions of each function, version and alias, by its ARN with its qualifier."""
    statements: dict[str, list[Resource]] = defaultdict(list)
    for permission in flows.assembly.of_type("AWS::Lambda::Permission"):
        named = permission.text("FunctionName")
        if named:
            statements[":".join(permission.template.function(named))].append(permission)
    return statements


def _invoked(flows: Flows, arn: str) -> Resource | None:
    """What has this ARN, in an app that defines it."""
    return flows.assembly.find(arn) or flows.assembly.find(arn.removesuffix(f":{LATEST}"))


def _sizes(flows: Flows) -> Iterator[tuple[Resource, int, int]]:
    """What is invoked, the least size of its policy in bytes, and its number of statements."""
    for arn, permissions in _permissions(flows).items():
        invoked = _invoked(flows, arn) or permissions[-1]
        policy = {
            "Version": "2012-10-17",
            "Id": "default",
            "Statement": [
                _statement(permission, arn.removesuffix(f":{LATEST}")) for permission in permissions
            ],
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


def _overwritten(flows: Flows) -> Iterator[Finding]:
    permissions = _permissions(flows)
    policies: dict[str, list[Resource]] = defaultdict(list)
    for policy in flows.assembly.of_type("AWS::Lambda::ResourcePolicy"):
        named = policy.text("ResourceArn")
        if named:
            policies[":".join(policy.template.function(named))].append(policy)
    for arn, found in policies.items():
        for number, policy in enumerate(found):
            others = [
                other
                for other in (*permissions.get(arn, ()), *found[number + 1 :])
                if policy.may_coexist_with(other)
            ]
            if others:
                invoked = _invoked(flows, arn)
                yield Finding(
                    policy,
                    f"{policy.path} sets the whole resource-based policy of "
                    f"{'its function' if invoked is None else invoked.path}, and so do {_listed(others)}.",
                )


def _listed(resources: list[Resource]) -> str:
    """Paths of resources, and how many more there are."""
    shown = " and ".join(resource.path for resource in resources[:_SHOWN])
    more = len(resources) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


_SHOWN: Final = 3

POLICY_OVERWRITTEN: Final = Rule(
    id="function-policy-overwritten",
    severity="error",
    reason="AWS::Lambda::ResourcePolicy replaces the policy of a function, a version or an alias, and with it what "
    "each AWS::Lambda::Permission has added: a source that a permission lets in loses its access without an error.",
    fix="Use one of the two for each function, version or alias. The constructs of CDK and of this library create an "
    "AWS::Lambda::Permission each: leave the resource policy out, or set it on another alias which none of them "
    "invokes.",
    source=_defaults.LAMBDA_RESOURCE_POLICY,
    find=_overwritten,
)

RULES: Final = (POLICY_TOO_LARGE, POLICY_NEARLY_FULL, POLICY_OVERWRITTEN)
