"""Types that arguments share."""

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds

FunctionLike = lambda_.IFunction | lambda_.FunctionBase
"""A function, version, alias or import. The union says to every type checker what jsii knows anyway: pyright
does not see that a `Function` is an `IFunction`."""

AliasLike = lambda_.IAlias | lambda_.Alias
"""An alias of this app or an imported one; never a function or a version."""

DatabaseLike = rds.IDatabaseInstance | rds.DatabaseInstance | rds.IDatabaseCluster | rds.DatabaseCluster
"""An instance or a cluster, of this app or imported."""
