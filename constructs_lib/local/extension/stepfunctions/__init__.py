"""Step Functions: what a state machine may call, and how it is redriven."""

from . import current_execution, fargate_tasks, function_concurrency, redrive


def install() -> None:
    """Install all changes."""
    current_execution.install()
    fargate_tasks.install()
    function_concurrency.install()
    redrive.install()
