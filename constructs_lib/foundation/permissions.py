"""Permissions that a construct gives, and whether they arrived.

CDK drops a statement for something imported without a word, since its policy belongs to somebody else. Here it becomes
an info with the exact statement that the owner has to add.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from aws_cdk import Annotations, Names, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct, IDependable

from constructs_lib import _defaults
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import location

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

_POLICY = "RolePolicy"


# --- the role of a function ----------------------------------------------------------------------------


_roles: Final[WeakKeyDictionary[IConstruct, iam.IRole]] = WeakKeyDictionary()
"""The roles of functions of this library, for which nobody has to ask Node."""


def note_role(function: IConstruct, role: iam.IRole) -> None:
    """Remember the role of a function of this library."""
    _roles[function] = role


def role_of(function: FunctionLike, base: IConstruct | None = None) -> iam.IRole:
    """Refuse a function whose role cannot be allowed anything.

    Args:
        function: What was given as `function`.
        base: The function behind it, if that is an alias or a version: it has the same role.

    Returns:
        Its role.

    Raises:
        InvalidPropsError: The function was imported without its role.
    """
    known = _roles.get(base or function)
    if known is not None:
        return known
    role = function.role
    if role is None:
        raise InvalidPropsError(
            f"function {function.node.path} was imported without its role, which needs permissions here. Import it "
            "with Function.from_function_attributes(..., role=Role.from_role_arn(...)); with mutable=False, if the "
            f"role has the permissions already. See {_defaults.LAMBDA_ROLES}"
        )
    return role


def allow_role(
    construct: Construct,
    role: iam.IRole,
    actions: Sequence[str],
    arn: str,
    *,
    resource: Any,
    key: "kms.IKey | None" = None,
    key_actions: Sequence[str] = (),
) -> IConstruct:
    """Allow the role of a function to use a resource, and its key.

    The statements go into the role's own policy where the role is in the construct's stack. From another stack they
    would make the role's stack depend on the resource, while the construct's stack depends on the function: so there
    they go into a policy of the construct, attached to the role, and references go one way only.

    Args:
        construct: What the role needs the permissions for.
        role: The role.
        actions: What is allowed.
        arn: On what: the ARN of the resource, or of a part of it.
        resource: The resource itself, whose own policy has to allow the same where it is of another account.
        key: What the resource is encrypted with.
        key_actions: What is allowed with the key.

    Returns:
        What has the statements: the role, or the construct's own policy. Lambda looks at them at once, so what needs
        the latter has to `wait` for it.
    """
    grantee: iam.IRole | iam.Policy = role
    if location.stack_of(role) is not location.stack_of(construct):
        grantee = _own_policy(construct, role)
    iam.Grant.add_to_principal(grantee=grantee, actions=list(actions), resource_arns=[arn])
    if key is not None:
        key.grant(grantee, *key_actions)

    if not isinstance(role, iam.Role) and not is_taken(role, grantee):
        tell_owner(construct, role, iam.PolicyStatement(actions=list(actions), resources=[arn]))
        if key is not None:
            of_key = iam.PolicyStatement(actions=list(key_actions), resources=[key.key_arn])
            tell_owner(construct, role, of_key)
    tell_owners(construct, role, actions, arn, resource=resource, key=key, key_actions=key_actions)
    return grantee


def allow_statement(construct: Construct, role: iam.IRole, statement: iam.PolicyStatement) -> None:
    """Put a statement where `allow_role` puts those of a resource.

    Args:
        construct: What the role needs it for.
        role: The role.
        statement: The statement.
    """
    grantee: iam.IRole | iam.Policy = role
    if location.stack_of(role) is location.stack_of(construct):
        role.add_to_principal_policy(statement)
    else:
        grantee = _own_policy(construct, role)
        grantee.add_statements(statement)
    if not isinstance(role, iam.Role) and not is_taken(role, grantee):
        tell_owner(construct, role, statement)


def tell_owners(
    construct: Construct,
    role: iam.IRole,
    actions: Sequence[str],
    arn: str,
    *,
    resource: Any,
    key: "kms.IKey | None",
    key_actions: Sequence[str],
) -> None:
    """Tell the owners of a resource and its key what a role needs from their policies, beside its own permissions.

    Args:
        construct: What the role needs the permissions for.
        role: The role.
        actions: What it does.
        arn: To what: the ARN of the resource, or of a part of it.
        resource: The resource itself.
        key: What the resource is encrypted with.
        key_actions: What the role does with the key.
    """
    is_theirs = location.is_of_another_account(construct, resource)
    if not is_theirs and (key is None or _is_of_this_app(key)):
        return
    principals: list[iam.IPrincipal] = [iam.ArnPrincipal(role.role_arn)]
    if is_theirs:
        of_resource = iam.PolicyStatement(actions=list(actions), resources=[arn], principals=principals)
        tell_owner(construct, resource, of_resource)
    if key is not None and not _is_of_this_app(key):
        tell_owner(
            construct,
            key,
            iam.PolicyStatement(actions=list(key_actions), resources=["*"], principals=principals),
            unless=""
            if location.is_of_another_account(construct, key)
            else "it leaves permissions to IAM policies, as the default key policy does",
        )


def wait(part: IConstruct, holder: IConstruct) -> None:
    """Make a part of a construct wait until the role has its permissions.

    Args:
        part: What needs them.
        holder: What `allow_role` has returned.
    """
    if isinstance(holder, iam.Policy):
        part.node.add_dependency(holder)


def _own_policy(construct: Construct, role: iam.IRole) -> iam.Policy:
    found = construct.node.try_find_child(_POLICY)
    if isinstance(found, iam.Policy):
        return found
    # By CDK's own name, one policy would overwrite the other where two stacks have a construct of the same id.
    name = Names.unique_resource_name(construct, max_length=_defaults.POLICY_NAME_CHARACTERS_MAX)
    policy = iam.Policy(construct, _POLICY, policy_name=name)
    role.attach_inline_policy(policy)
    return policy


def is_taken(role: iam.IRole, grantee: iam.IRole | iam.Policy) -> bool:
    """Whether an imported role took a statement: one that may not be changed answers yes, and drops it."""
    if not isinstance(grantee, iam.Policy):
        return role.node.try_find_child("Policy") is not None
    resource = grantee.node.default_child
    return isinstance(resource, iam.CfnPolicy) and bool(Stack.of(grantee).resolve(resource.roles))


def _is_of_this_app(key: "kms.IKey") -> bool:
    from aws_cdk import aws_kms as kms

    return isinstance(key.alias_target_key if isinstance(key, kms.Alias) else key, kms.Key)


# --- policies of resources -----------------------------------------------------------------------------


def allow(construct: IConstruct, resource: Any, statement: iam.PolicyStatement) -> IDependable | None:
    """Put a statement into the policy of a queue, topic or key.

    Args:
        construct: What needs it.
        resource: Whose policy.
        statement: The statement that it has to have.

    Returns:
        What needs the permission must depend on this; None where the resource is not of this app.
    """
    added = resource.add_to_resource_policy(statement)
    if not added.statement_added:
        tell_owner(construct, resource, statement)
    dependable: IDependable | None = added.policy_dependable
    return dependable


def tell_owner(
    construct: IConstruct, of: IConstruct, statement: iam.PolicyStatement, *, unless: str = ""
) -> None:
    """Tell which statement the owner of something imported has to add.

    Args:
        construct: Where synth shows it, once for the same text.
        of: Whose policy.
        statement: What it has to have.
        unless: When it is not needed.
    """
    text = json.dumps(Stack.of(construct).resolve(statement.to_statement_json()))
    needed = f"Unless {unless}, its owner must add" if unless else "Its owner must add"
    Annotations.of(construct).add_info_v2(
        "constructs-lib:permission-of-imported",
        f"The policy of {of.node.path} cannot be changed from here. {needed}: {text}",
    )
