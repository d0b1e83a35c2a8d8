"""EventBridge: rules, and what they have in common with schedules."""

from . import targets


def install() -> None:
    """Install all changes."""
    targets.install()
