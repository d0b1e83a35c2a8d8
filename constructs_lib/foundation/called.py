"""What exactly is called: the function behind an alias or version, and the qualifier in front of it."""

from dataclasses import dataclass

from aws_cdk import Token
from aws_cdk import aws_lambda as lambda_

from constructs_lib import _validation
from constructs_lib._types import FunctionLike

LATEST = "$LATEST"


@dataclass(frozen=True)
class Called:
    """A function as callers name it."""

    arn: str
    """Where a call goes, with its qualifier; a token for what this app makes."""
    qualifier: str
    """An alias, a version, or `$LATEST`."""
    base: lambda_.IFunction
    """The function without its qualifier."""
    base_arn: str
    function: lambda_.Function | None
    """The same, where it belongs to this app."""

    @property
    def key(self) -> tuple[str, str]:
        """Equal for two ways to the same code: `base_arn` and `qualifier`."""
        return self.base_arn, self.qualifier


def called(function: FunctionLike) -> Called:
    """Look behind an alias or version.

    Args:
        function: A function, version, alias or import.

    Returns:
        What a call of it reaches.

    Raises:
        InvalidPropsError: It is none of these.
    """
    _validation.kind("function", function, "function_arn", "a function, version or alias", required=True)
    base: lambda_.IFunction = function
    qualifier = LATEST
    alias_name, version = getattr(function, "alias_name", None), getattr(function, "version", None)
    if alias_name is not None and version is not None:
        qualifier, base = alias_name, version.lambda_
    elif version is not None:
        qualifier, base = version, function.lambda_  # type: ignore[union-attr]
    arn, base_arn = function.function_arn, base.function_arn
    if base is function and not Token.is_unresolved(arn) and arn.count(":") == _COLONS_WITH_QUALIFIER:
        base_arn, _, qualifier = arn.rpartition(":")  # imported by an ARN that says it
    return Called(
        arn=arn,
        qualifier=qualifier,
        base=base,
        base_arn=base_arn,
        function=base if isinstance(base, lambda_.Function) else None,
    )


_COLONS_WITH_QUALIFIER = 7
"""arn:aws:lambda:region:account:function:name:qualifier"""
