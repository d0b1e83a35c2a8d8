"""CloudFormation: a schedule with all that its template says; MiniStack drops its time zone, its key and its dates.

Schedules fire, by UTC, and are looked at each second in place of each ten: the time zone and the flexible window are
kept and described.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-scheduler-schedule.html
"""

from ministack.services import scheduler

from ..cloudformation import handlers
from ..cloudformation.handlers import Properties

_DROPPED = {"ScheduleExpressionTimezone": "UTC", "StartDate": None, "EndDate": None, "KmsKeyArn": None}


def install() -> None:
    """Hand on what is dropped, at creation and at update."""
    scheduler._SCHEDULE_TICK_INTERVAL = 1
    handlers.after("AWS::Scheduler::Schedule", _apply)


def _apply(name: str, props: Properties, _old: Properties | None) -> None:
    schedule = scheduler._schedules.get(f"{props.get('GroupName', 'default')}/{name}")
    if schedule is None:
        raise ValueError(f"Schedule group {props.get('GroupName')} does not exist.")
    schedule |= {name: props.get(name, default) for name, default in _DROPPED.items()}
