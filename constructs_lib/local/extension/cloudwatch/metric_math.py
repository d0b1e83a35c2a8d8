"""CloudFormation: alarms on a metric-math expression, which MiniStack refuses.

They are stored and described as they were declared, and stay without data: nothing evaluates them.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudwatch-alarm.html
"""

from typing import Any

from ministack.services.cloudformation import provisioners


def install() -> None:
    """Store an alarm's `Metrics` instead of refusing the stack."""
    plain = provisioners._cw_metric_alarm_record

    def record(name: str, props: dict[str, Any]) -> dict[str, Any]:
        metrics = props.get("Metrics")
        if not metrics:
            return dict(plain(name, props))
        rest = {key: value for key, value in props.items() if key != "Metrics"}
        alarm = dict(plain(name, {**rest, "MetricName": "-", "Namespace": "-"}))
        # None of them is there on AWS either; and without them the emulator does not evaluate the alarm.
        alarm |= dict.fromkeys(("MetricName", "Namespace", "Statistic", "Period"))
        alarm["Metrics"] = metrics
        return alarm

    provisioners._cw_metric_alarm_record = record
