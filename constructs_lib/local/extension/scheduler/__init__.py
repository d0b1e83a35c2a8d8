"""EventBridge Scheduler; what schedules invoke is in `events/targets.py`."""

from . import schedules


def install() -> None:
    """Install all changes."""
    schedules.install()
