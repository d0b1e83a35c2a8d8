"""An alarm is described as its template declares it, one on an expression too."""

from typing import Any

import pytest

from constructs_lib.local import LocalCloud
from tests.local import stacks

pytestmark = pytest.mark.cloud

TOPIC = "arn:aws:sns:us-east-1:000000000000:on-call"
FUNCTION = [{"Name": "FunctionName", "Value": "trips"}]
METRICS = [
    {"Id": "rate", "Expression": "100 * errors / calls", "Label": "error rate", "ReturnData": True},
    *(
        {
            "Id": id_,
            "MetricStat": {
                "Metric": {"Namespace": "AWS/Lambda", "MetricName": name, "Dimensions": FUNCTION},
                "Period": 300,
                "Stat": "Sum",
            },
            "ReturnData": False,
        }
        for id_, name in (("errors", "Errors"), ("calls", "Invocations"))
    ),
]
LIMIT = {
    "ComparisonOperator": "GreaterThanThreshold",
    "EvaluationPeriods": 3,
    "Threshold": 5,
    "TreatMissingData": "notBreaching",
    "AlarmActions": [TOPIC],
}
PLAIN = {
    "Namespace": "AWS/Lambda",
    "MetricName": "Errors",
    "Dimensions": FUNCTION,
    "Period": 300,
    "Statistic": "Sum",
}


@pytest.mark.parametrize(
    ("stack", "metric"), [("math-alarm", {"Metrics": METRICS}), ("plain-alarm", PLAIN)], ids=["math", "plain"]
)
def test_an_alarm_is_described_as_the_template_declares_it(
    cloud: LocalCloud, stack: str, metric: dict[str, Any]
) -> None:
    declared = {**LIMIT, **metric}
    for threshold in (5, 6):
        alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": {**declared, "Threshold": threshold}}
        name = stacks.put(cloud, stack, {"Alarm": alarm})["Alarm"]
        [read] = cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
        assert {key: read.get(key) for key in declared} == {**declared, "Threshold": threshold}
    if metric is not PLAIN:
        assert read["StateValue"] == "INSUFFICIENT_DATA"
        # On AWS, an alarm on an expression has no metric of its own.
        assert not read.keys() & {"MetricName", "Namespace", "Statistic", "Period"}
