"""The functions that use a database, a cache or flags: which ones can, and what they are told."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Literal
from weakref import WeakKeyDictionary

from aws_cdk import Stack, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from constructs import Construct, IConstruct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation.invoked import Invoked, variables_of


@dataclass(frozen=True)
class Connection:
    """What one function has of one database or cache.

    Attributes:
        database: The path of its construct.
        kind: The method that connects it: as an application, or as an administrator.
    """

    database: str
    kind: Literal["connect", "connect_administrator"]


_in_use: WeakKeyDictionary[lambda_.Function, dict[str, Connection]] = WeakKeyDictionary()
"""What each function has, by environment prefix, whichever database has set it."""


def check_vpc(
    function: lambda_.Function,
    config: object,
    vpc: ec2.IVpc,
    subnet_ids: Set[str],
    *,
    what: str,
    reaches: str,
    source: str,
) -> None:
    """Refuse a function that is not in the VPC of what it connects to.

    Args:
        function: The function.
        config: Its VPC, as its resource has it.
        vpc: The VPC.
        subnet_ids: All subnets of that VPC that the app knows.
        what: What it connects to, such as `database`.
        reaches: What it has to reach there.
        source: The page that gives the rule.

    Raises:
        InvalidPropsError: It is outside of any VPC, or in another one.
    """
    where = f"Give it vpc= of this {what}. See {source}"
    if config is None:
        raise InvalidPropsError(
            f"function {function.node.path} must be in the VPC of the {what} to reach {reaches}, and is in "
            f"none. {where}"
        )
    theirs = config.get("subnetIds") if isinstance(config, Mapping) else None
    if not theirs or not subnet_ids:
        return  # known at deployment only
    strangers = [subnet for subnet in theirs if subnet not in subnet_ids]
    if strangers:
        named = ", ".join(subnet for subnet in strangers if not Token.is_unresolved(subnet))
        raise InvalidPropsError(
            f"function {function.node.path} must be in the VPC of the {what} ({vpc.node.path}), and is in "
            f"another one{f': {named}' if named else ''}. {where} An imported VPC must be given all the "
            f"subnets that its functions use."
        )


def check_variable(invoked: Invoked, function: lambda_.Function, variable: object) -> None:
    """Refuse the name of a variable that the function cannot get.

    Args:
        invoked: The function, as the user passed it.
        function: The function itself.
        variable: What was given as `variable`.

    Raises:
        InvalidPropsError: It is not a name, or it is taken.
    """
    _validation.check_pattern(
        "variable",
        variable,
        _defaults.VARIABLE_NAME_PATTERN,
        "two or more letters, digits and underscores that start with a letter",
        source=_defaults.LAMBDA_ENVIRONMENT,
    )
    taken = variable in variables_of(function)
    if taken or variable in _defaults.RESERVED_VARIABLES:
        owner = "Lambda sets itself" if not taken else f"function {invoked.path} has already"
        raise InvalidPropsError(f"variable must be a name that is free, got {variable!r}, which {owner}.")


def check_stack(
    function: lambda_.Function,
    function_stack: Stack,
    database: Construct,
    database_stack: Stack,
    uses: Mapping[str, IConstruct],
) -> None:
    """Refuse a function in a stack that the stack of its database, cache or flags depends on: a circular dependency.

    Args:
        function: The function.
        function_stack: Its stack.
        database: The database, the cache or the flags that it connects to.
        database_stack: The stack of that construct.
        uses: What was given to that construct, by argument.

    Raises:
        InvalidPropsError: One of these is in the function's stack, and the database is not.
    """
    if function_stack is database_stack:
        return
    deployed = apart(function_stack, database_stack)
    if deployed is None:
        return
    mine, _ = deployed
    for name, part in uses.items():
        imported = part.node.default_child is None
        if not imported and mine in lineage(Stack.of(part)):
            raise InvalidPropsError(
                f"function {function.node.path} cannot connect to {database.node.path}: it is in the stack of "
                f"{part.node.path}, which {database.node.path} uses as {name}, so each of the two stacks would depend "
                f"on the other. Put the function into the stack of {database.node.path}, or into another one."
            )


def apart(one: Stack, other: Stack) -> tuple[Stack, Stack] | None:
    """The two stacks of which CloudFormation deploys one as a whole before the other: those below a common parent.

    Args:
        one: A stack.
        other: Another one.

    Returns:
        The stack that contains the one, and that which contains the other; None if one of the two contains the other,
        for then CloudFormation orders single resources.
    """
    ours, theirs = lineage(one), lineage(other)
    mine = [stack for stack in ours if stack not in theirs]
    not_mine = [stack for stack in theirs if stack not in ours]
    return (mine[-1], not_mine[-1]) if mine and not_mine else None


def lineage(stack: Stack) -> list[Stack]:
    """A stack, and those that it is nested in, the nearest one first."""
    found = [stack]
    while (parent := found[-1].nested_stack_parent) is not None:
        found.append(parent)
    return found


def claim(function: lambda_.Function, prefix: str, wanted: Connection) -> None:
    """Keep connections from writing the same variables, and an administrator's rights out of applications.

    Args:
        function: The function.
        prefix: How the variables begin.
        wanted: What the function is to have.

    Raises:
        InvalidPropsError: The prefix cannot begin a variable, or something is connected under it already; or
            the function is connected to the same database by the other method.
    """
    _validation.check_pattern(
        "environment_prefix",
        prefix,
        r"[A-Za-z][A-Za-z0-9_]*",
        "a letter and then letters, digits and underscores",
        source=_defaults.LAMBDA_ENVIRONMENT,
    )
    taken = _in_use.setdefault(function, {})
    for connection in taken.values():
        if connection.database == wanted.database and connection.kind != wanted.kind:
            raise InvalidPropsError(
                f"{_connected(function, wanted)} {connection.kind}, and cannot have {wanted.kind} too: a function is "
                f"either a migration or an application, since a handler that can be the administrator has no limits. "
                f"Use two functions."
            )
    if taken.get(prefix) == wanted:
        raise InvalidPropsError(
            f"{_connected(function, wanted)} {wanted.kind} (an alias stands for its function): leave the second call "
            f"out, and pass what else it sets, such as reader=True, to the first one."
        )
    if prefix in taken:
        raise InvalidPropsError(
            f"environment_prefix must differ between the databases and caches of function {function.node.path}, got "
            f"{prefix!r} twice: the second would overwrite the variables of the first. Pass another one."
        )
    taken[prefix] = wanted


def _connected(function: lambda_.Function, wanted: Connection) -> str:
    return f"function {function.node.path} is connected to {wanted.database} already, by"


def tell(function: lambda_.Function, prefix: str, variables: Mapping[str, str]) -> None:
    """Put variables into a function's environment.

    Args:
        function: The function.
        prefix: How their names begin.
        variables: The rest of their names, and their values.
    """
    for name, value in variables.items():
        function.add_environment(f"{prefix}_{name}", value)
