"""CloudFormation: a schedule with all that its template says; MiniStack drops its time zone, its key and its dates.

Schedules fire, by UTC, and are looked at each second in place of each ten: the time zone and the flexible window are
kept and described.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-scheduler-schedule.html
"""

from typing import Any

from ministack.services import scheduler
from ministack.services.cloudformation import provisioners

_DROPPED = {"ScheduleExpressionTimezone": "UTC", "StartDate": None, "EndDate": None, "KmsKeyArn": None}


def keep() -> None:
    """Hand on what is dropped, at creation and at update."""
    scheduler._SCHEDULE_TICK_INTERVAL = 1
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Scheduler::Schedule"]
    create, update = handlers["create"], handlers["update"]

    def created(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        result = create(logical_id, props, stack_name)
        _apply(result[0], props)
        return result

    def updated(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack_name: str) -> Any:
        result = update(physical_id, old, new, stack_name)
        _apply(result[0], new)
        return result

    handlers["create"], handlers["update"] = created, updated


def _apply(name: str, props: dict[str, Any]) -> None:
    schedule = scheduler._schedules.get(f"{props.get('GroupName', 'default')}/{name}")
    if schedule is None:
        raise ValueError(f"Schedule group {props.get('GroupName')} does not exist.")
    schedule |= {name: props.get(name, default) for name, default in _DROPPED.items()}
