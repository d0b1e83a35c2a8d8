"""Step Functions: the execution that is under way, for what MiniStack does not tell which one it works for."""

from contextvars import ContextVar
from typing import Any

from ministack.services import stepfunctions

ARN: ContextVar[str | None] = ContextVar("execution", default=None)


def install() -> None:
    """Note each execution that begins."""
    run = stepfunctions._run_execution

    def run_and_note(execution_arn: str, *arguments: Any, **keywords: Any) -> Any:
        ARN.set(execution_arn)
        return run(execution_arn, *arguments, **keywords)

    stepfunctions._run_execution = run_and_note


def get() -> Any:
    """The record of the execution."""
    return stepfunctions._executions[ARN.get()]
