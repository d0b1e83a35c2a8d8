"""Schedules of templates keep the time zone, the key and the dates that MiniStack drops.

MiniStack fires schedules by UTC and at once: the time zone and the flexible window are stored and returned, and have no
effect. It looks for due schedules every ten seconds; here it does so every second.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-scheduler-schedule.html
"""

from typing import Final

from ministack.services import scheduler

from ..cloudformation import handlers
from ..cloudformation.handlers import Properties

_DROPPED: Final = {"ScheduleExpressionTimezone": "UTC", "StartDate": None, "EndDate": None, "KmsKeyArn": None}
"""The properties that MiniStack does not copy from a template into the schedule, and the default of each."""


def install() -> None:
    """Add the dropped properties whenever CloudFormation creates or updates a schedule."""
    scheduler._SCHEDULE_TICK_INTERVAL = 1
    handlers.after("AWS::Scheduler::Schedule", _apply)


def _apply(name: str, props: Properties, _old: Properties | None) -> None:
    schedule = scheduler._schedules.get(f"{props.get('GroupName', 'default')}/{name}")
    if schedule is None:
        raise ValueError(f"Schedule group {props.get('GroupName')} does not exist.")
    schedule |= {name: props.get(name, default) for name, default in _DROPPED.items()}
