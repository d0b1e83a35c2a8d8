"""Step Functions: what a state machine may call."""

from . import function_concurrency


def install() -> None:
    """Install all changes."""
    function_concurrency.install()
