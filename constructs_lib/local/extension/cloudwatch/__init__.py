"""CloudWatch: alarms."""

from . import alarm_events, alarm_states, metric_math


def install() -> None:
    """Install all changes."""
    metric_math.install()
    alarm_events.install()
    alarm_states.install()
