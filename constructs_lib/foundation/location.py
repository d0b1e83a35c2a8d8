"""Whether a resource is in the environment, the account and the Region, that AWS requires of it.

Every construct asks here, for each argument that takes a resource. What is known only at deployment passes.
"""

from typing import Any, Final
from weakref import WeakKeyDictionary

from aws_cdk import Stack
from constructs import Construct, IConstruct

from constructs_lib import _validation
from constructs_lib.errors import InvalidPropsError

_WORDS = {"account": "account", "region": "Region"}

_stacks: Final[WeakKeyDictionary[IConstruct, Stack]] = WeakKeyDictionary()
"""The stack of each construct that was asked for once: a construct never leaves its stack."""

_envs: Final[WeakKeyDictionary[Construct, Any]] = WeakKeyDictionary()
"""The account and the Region of each resource that was asked for once: they never change."""

_scopes: Final[WeakKeyDictionary[IConstruct, Construct]] = WeakKeyDictionary()
"""The scopes of what was made by this library, and not imported: it is in its stack's account and Region."""


def note(scope: Construct, *created: Construct) -> None:
    """Remember the scopes of new constructs, so that their environment is known without a call to Node.

    Args:
        scope: What they were put into.
        *created: New constructs; not imported ones, which may be of another account.
    """
    for construct in created:
        _scopes[construct] = scope


def stack_of(construct: IConstruct) -> Stack:
    """The stack of a construct, for which Node is asked once.

    Args:
        construct: The construct.

    Returns:
        Its stack, the nearest one where stacks are nested.
    """
    if isinstance(construct, Stack):
        return construct
    if construct not in _stacks:
        scope = _scopes.get(construct)
        _stacks[construct] = Stack.of(construct) if scope is None else stack_of(scope)
    return _stacks[construct]


def _is_next_to(resource: Any, construct: IConstruct) -> bool:
    """Whether a resource was made by this library, in the stack of a construct."""
    return (
        isinstance(resource, Construct) and resource in _scopes and stack_of(resource) is stack_of(construct)
    )


def check(
    beside: IConstruct, name: str, resource: Any, *, way_out: str, source: str, same_account: bool = True
) -> None:
    """Refuse a resource of another Region or account.

    Args:
        beside: The scope of the construct, or another resource that this one must be next to.
        name: The argument, as the user wrote it.
        resource: What was given; what has no `env`, such as None, passes.
        way_out: What to do instead, as a sentence.
        source: The page that gives the rule.
        same_account: False for what may belong to another account.

    Raises:
        InvalidPropsError: Both places are known, and differ.
    """
    if _is_next_to(resource, beside):
        return
    there: Any = _env_of(resource)
    if not hasattr(there, "account"):
        return
    if _validation.is_unresolved(there.account) and _validation.is_unresolved(there.region):
        return
    here = _place(beside)
    for what in ("account", "region") if same_account else ("region",):
        ours, theirs = getattr(here, what), getattr(there, what)
        if _differ(ours, theirs):
            raise _elsewhere(beside, name, what, ours, f"{resource.node.path} in {theirs}", way_out, source)


def check_region(beside: IConstruct, name: str, region: str, *, way_out: str, source: str) -> None:
    """Refuse another Region, where it is known by an ARN alone.

    Args:
        beside: The scope of the construct.
        name: The argument, as the user wrote it.
        region: Where it is.
        way_out: What to do instead, as a sentence.
        source: The page that gives the rule.

    Raises:
        InvalidPropsError: Both Regions are known, and differ.
    """
    ours = _place(beside).region
    if _differ(ours, region):
        raise _elsewhere(beside, name, "region", ours, f"one in {region}", way_out, source)


def check_arn(
    beside: IConstruct, name: str, arn: str, *, way_out: str, source: str, same_account: bool = True
) -> None:
    """Refuse another Region or account, where something is known by its ARN alone.

    Args:
        beside: The scope of the construct.
        name: The argument, as the user wrote it.
        arn: The ARN; what is known only at deployment passes.
        way_out: What to do instead, as a sentence.
        source: The page that gives the rule.
        same_account: False for what may belong to another account.

    Raises:
        InvalidPropsError: Both places are known, and differ.
    """
    if _validation.is_unresolved(arn):
        return
    here = _place(beside)
    _, _, _, region, account, *_ = arn.split(":")
    for what, theirs in (("account", account), ("region", region)) if same_account else (("region", region),):
        ours = getattr(here, what)
        if _differ(ours, theirs):
            raise _elsewhere(beside, name, what, ours, f"one in {theirs}", way_out, source)


def _elsewhere(
    beside: IConstruct, name: str, what: str, ours: str, got: str, way_out: str, source: str
) -> InvalidPropsError:
    return InvalidPropsError(
        f"{name} must be in {_WORDS[what]} {ours}, where {beside.node.path or 'the app'} is, got {got}. {way_out} "
        f"See {source}"
    )


def is_of_another_account(scope: Construct, resource: Any) -> bool:
    """Whether a resource is known to belong to another account than a construct; so do its metrics then.

    Args:
        scope: The construct.
        resource: Anything with an `env`.

    Returns:
        False where either account is known only at deployment.
    """
    if _is_next_to(resource, scope):
        return False
    theirs = _place(resource).account
    return not _validation.is_unresolved(theirs) and _differ(_place(scope).account, theirs)


def _place(part: Any) -> Any:
    """What has the account and the Region of a part: for an imported resource, those of its ARN if it has them."""
    return _env_of(part) or stack_of(part)


def _env_of(part: Any) -> Any:
    """The account and the Region of a resource, for which Node is asked once; None for what has neither."""
    if not isinstance(part, Construct):
        return getattr(part, "env", None)
    if part not in _envs:
        _envs[part] = getattr(part, "env", None)
    return _envs[part]


def _differ(ours: str, theirs: str) -> bool:
    return ours != theirs and not _validation.is_unresolved(ours) and not _validation.is_unresolved(theirs)
