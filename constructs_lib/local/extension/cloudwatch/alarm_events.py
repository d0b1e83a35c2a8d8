"""An alarm that changes its state says so on the default bus; MiniStack tells its topics alone.

Those are told of its dimensions as AWS does: by `name` and `value`.
Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
"""

import json
from datetime import UTC, datetime
from typing import Any

from ministack.services import cloudwatch, eventbridge


def install() -> None:
    """Send an event at each change of state, whatever actions the alarm has."""
    dispatch = cloudwatch._dispatch_alarm_actions

    def dispatch_and_send(alarm: dict[str, Any], old: str, new: str, reason: str) -> None:
        dimensions = [
            {"name": each["Name"], "value": each["Value"]} for each in alarm.get("Dimensions") or []
        ]
        dispatch(alarm | {"Dimensions": dimensions}, old, new, reason)
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")
        detail = {
            "alarmName": alarm["AlarmName"],
            "configuration": {"description": alarm.get("AlarmDescription") or ""},
            "previousState": {"value": old},
            "state": {"value": new, "reason": reason, "timestamp": now},
        }
        entry = {
            "Source": "aws.cloudwatch",
            "DetailType": "CloudWatch Alarm State Change",
            "Resources": [alarm["AlarmArn"]],
            "Detail": json.dumps(detail),
        }
        eventbridge._ensure_default_bus()
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)

    cloudwatch._dispatch_alarm_actions = dispatch_and_send
