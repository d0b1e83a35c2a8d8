"""What makes a function durable: how long an execution may take, and how long its history is kept."""

from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation.destination import acknowledge_wildcard
from constructs_lib.foundation.function import runtimes

_RETENTION: Final = Duration.days(_defaults.DURABLE_RETENTION_DAYS)


@dataclass(frozen=True, kw_only=True)
class Durable:
    """The durable configuration of a function, for `PythonFunction(durable=...)`.

    An execution may take days, and consists of many invocations: Lambda stores the result of each step, and continues
    from there after a wait, an error or a crash.

    The guide is docs/durable.md.

    Attributes:
        execution_timeout: The longest time that a whole execution may take, its waits included: 1 second to 366 days.
            The function's own `timeout` is for each of its invocations.
        retention: How long the history of an execution is kept after its end. So long is its name taken, too: 1 to 90
            days; default 14.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/durable-configuration.html
    """

    execution_timeout: Duration
    retention: Duration = _RETENTION


def check(durable: Durable | None) -> None:
    """Refuse a durable configuration that Lambda refuses.

    Args:
        durable: What the user passed.

    Raises:
        InvalidPropsError: It cannot work.
    """
    if durable is None:
        return
    _validation.check_type("durable", durable, Durable, "Durable(execution_timeout=Duration.hours(24))")
    if durable.execution_timeout is None or durable.retention is None:
        raise InvalidPropsError("durable must have an execution_timeout and a retention, got None.")
    _validation.read_seconds(
        "execution_timeout of durable",
        durable.execution_timeout,
        low=_defaults.DURABLE_SECONDS_MIN,
        high=_defaults.DURABLE_SECONDS_MAX,
        whole="seconds",
        source=_defaults.DURABLE_CONFIGURATION,
    )
    _validation.read_seconds(
        "retention of durable",
        durable.retention,
        low=_defaults.DURABLE_RETENTION_DAYS_MIN * _SECONDS_OF_A_DAY,
        high=_defaults.DURABLE_RETENTION_DAYS_MAX * _SECONDS_OF_A_DAY,
        whole="days",
        source=_defaults.DURABLE_CONFIGURATION,
    )


def check_runtime(durable: Durable | None, runtime_name: str) -> None:
    """Refuse a durable function with a runtime that has none.

    Raises:
        InvalidPropsError: The runtime is such a one.
    """
    if durable is not None and not runtimes.is_newer(runtime_name):
        _validation.check_choice(
            "runtime of a durable function",
            runtime_name,
            _defaults.DURABLE_PYTHON_RUNTIMES,
            source=_defaults.DURABLE_RUNTIMES,
        )


_SECONDS_OF_A_DAY: Final = 86_400


REMOVAL_OF_VERSIONS: Final = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
"""An execution continues in the version that started it (DURABLE_PRACTICES), and fails without it. A deployment that is
rolled back deletes its version all the same: otherwise the same code could not be deployed again."""


def config(durable: Durable) -> lambda_.DurableConfig:
    """The configuration, as CDK takes it."""
    return lambda_.DurableConfig(
        execution_timeout=durable.execution_timeout, retention_period=durable.retention
    )


def allow_checkpoints(function: lambda_.Function, role: iam.IRole) -> None:
    """Let the code of a durable function read and write the state of its own executions, whatever their version.

    The policy is not the role's own, which the function waits for: it names the function. The function's version waits
    for it in turn, and with the version each alias, so that no execution starts before it may store anything.
    Source: https://docs.aws.amazon.com/lambda/latest/dg/durable-security.html

    Args:
        function: The function.
        role: Its role.
    """
    policy = iam.Policy(
        function,
        "DurablePolicy",
        statements=[
            iam.PolicyStatement(
                actions=["lambda:CheckpointDurableExecution", "lambda:GetDurableExecutionState"],
                resources=[f"{function.function_arn}:*"],
            )
        ],
        roles=[role],
    )
    function.current_version.node.add_dependency(policy)
    acknowledge_wildcard(
        policy,
        function.function_arn,
        ":*",
        "An execution has the ARN of a version of the function, and an id of its own: the pattern is for the "
        "executions of this function alone.",
    )
