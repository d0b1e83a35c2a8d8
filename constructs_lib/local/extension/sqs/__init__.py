"""SQS: queues."""

from . import polling, visibility_timeout


def install(*, time_scale: float) -> None:
    """Install all changes."""
    polling.install()
    visibility_timeout.install(time_scale=time_scale)
