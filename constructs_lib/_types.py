"""Types that arguments share."""

from aws_cdk import aws_lambda as lambda_

FunctionLike = lambda_.IFunction | lambda_.FunctionBase
"""A function, version, alias or import. The union says to every type checker what jsii knows anyway: pyright
does not see that a `Function` is an `IFunction`."""

AliasLike = lambda_.IAlias | lambda_.Alias
"""An alias of this app or an imported one; never a function or a version."""
