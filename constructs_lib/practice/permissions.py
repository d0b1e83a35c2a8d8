"""What the roles of an app may do, by the policies in its templates.

Resource-based policies, permissions boundaries and the conditions of an `Allow` are not looked at.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from constructs_lib.practice.assembly import Assembly, dicts
from constructs_lib.practice.event_patterns import several
from constructs_lib.practice.wildcards import ANYTHING, covers, of_iam, overlap

_MANAGED: Final = {
    "AdministratorAccess": "*",
    "AmazonDynamoDBFullAccess": "dynamodb:*",
    "AmazonEventBridgeFullAccess": "events:*",
    "AmazonKinesisFullAccess": "kinesis:*",
    "AmazonS3FullAccess": "s3:*",
    "AmazonSNSFullAccess": "sns:*",
    "AmazonSQSFullAccess": "sqs:*",
    "PowerUserAccess": "*",
}
"""AWS's own policies that let a role write to everything in a service, of those that the rules ask about."""


@dataclass(frozen=True)
class _Statement:
    """A statement of a policy, its actions in small letters."""

    denies: bool
    actions: tuple[str, ...]
    other_than_actions: tuple[str, ...]
    resources: tuple[str, ...]
    other_than_resources: tuple[str, ...]

    def is_about(self, action: str, resource: str) -> bool:
        """Whether it may mean an action on a resource; a `Deny` counts where it means all of it."""
        matches = covers if self.denies else overlap
        return (
            any(matches(pattern, action) for pattern in self.actions)
            or bool(self.other_than_actions and not any(overlap(p, action) for p in self.other_than_actions))
        ) and (
            any(matches(pattern, resource) for pattern in self.resources)
            or bool(
                self.other_than_resources and not any(covers(p, resource) for p in self.other_than_resources)
            )
        )


class Permissions:
    """The statements of each role."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._known: dict[str, list[_Statement]] = {}

    def allows(self, role: str, action: str, resource: str) -> bool:
        """Whether a role may do something.

        Args:
            role: Its ARN.
            action: Such as `sqs:SendMessage`.
            resource: An ARN, which may have wildcards.
        """
        about = [each for each in self._statements(role) if each.is_about(action.lower(), resource)]
        return bool(about) and not any(each.denies for each in about)

    def names(self, role: str, action: str) -> bool:
        """Whether a statement allows a role an action by its name: a role that may do everything does not use it all.

        Args:
            role: Its ARN.
            action: Such as `ssm:GetParameter`.
        """
        return any(not each.denies and action.lower() in each.actions for each in self._statements(role))

    def keys(self, role: str, action: str, bucket: str) -> Iterator[str]:
        """The patterns of the objects' keys to which a role may do something in a bucket.

        Args:
            role: Its ARN.
            action: Such as `s3:PutObject`.
            bucket: The bucket's ARN.
        """
        objects = f"{bucket}/"
        for statement in self._statements(role):
            if statement.denies or not statement.is_about(action.lower(), objects + ANYTHING):
                continue
            for resource in statement.resources or (ANYTHING,):
                key = resource.removeprefix(objects) if resource.startswith(objects) else ANYTHING
                if overlap(resource, objects + key) and self.allows(role, action, objects + key):
                    yield key

    def _statements(self, role: str) -> list[_Statement]:
        if role not in self._known:
            self._known[role] = list(self._read(role))
        return self._known[role]

    def _read(self, role: str) -> Iterator[_Statement]:
        own = self._assembly.find(role)
        documents = [*self._attached.get(_identity(role), ())]
        managed: list[str] = []
        if own is not None:
            documents += [policy.get("PolicyDocument") for policy in own.dicts("Policies")]
            managed = own.texts("ManagedPolicyArns")
        for arn in managed:
            policy = self._assembly.find(arn)
            if policy is not None:
                documents.append(policy.get("PolicyDocument"))
            elif arn.startswith("arn:aws:iam::aws:policy/"):
                action = _MANAGED.get(arn.rpartition("/")[2])
                if action is not None:
                    yield _Statement(False, (of_iam(action),), (), (ANYTHING,), ())
        for document in documents:
            for statement in dicts(several(document.get("Statement"))) if isinstance(document, dict) else ():
                is_denied_sometimes = statement.get("Effect") == "Deny" and statement.get("Condition")
                if not is_denied_sometimes:
                    yield _statement(statement)

    @cached_property
    def _attached(self) -> dict[tuple[str, str], list[Any]]:
        """The documents of the policies that name the roles they are for."""
        found: dict[tuple[str, str], list[Any]] = {}
        for policy in self._assembly.of_type(
            "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"
        ):
            for name in policy.texts("Roles") or [policy.text("RoleName")]:
                role = (policy.template.account, name)
                found.setdefault(role, []).append(policy.get("PolicyDocument"))
        return found


def _identity(role: str) -> tuple[str, str]:
    """The account of a role, and its name, which follows its path in the ARN."""
    account, _, name = role.rpartition(":")
    return account.rpartition(":")[2], name.rpartition("/")[2]


def _statement(raw: Mapping[str, Any]) -> _Statement:
    def patterns(name: str) -> tuple[str, ...]:
        texts = several(raw[name]) if name in raw else []
        return tuple(of_iam(text) for text in texts if isinstance(text, str))

    return _Statement(
        denies=raw.get("Effect") == "Deny",
        actions=tuple(action.lower() for action in patterns("Action")),
        other_than_actions=tuple(action.lower() for action in patterns("NotAction")),
        resources=patterns("Resource"),
        other_than_resources=patterns("NotResource"),
    )
