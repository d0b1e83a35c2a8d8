"""SQS: queues."""

from . import visibility_timeout


def install(*, time_scale: float) -> None:
    """Install all changes."""
    visibility_timeout.install(time_scale=time_scale)
