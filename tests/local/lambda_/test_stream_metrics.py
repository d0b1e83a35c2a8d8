"""Ages of records and counts of events, an alarm on an age, and records that a filter leaves out.

Held to https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html,
https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html,
https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis-filtering.html.
"""

from pathlib import Path
from typing import Any

import pytest

from constructs_lib.local import LocalCloud
from tests.local import stacks, stream_stacks
from tests.local.async_stacks import get, to
from tests.local.cloudwatch.test_alarm_states import in_one_period, states
from tests.local.lambda_.test_async_invocation import points
from tests.local.stream_stacks import batches

pytestmark = pytest.mark.cloud

COUNTED = (
    "PolledEventCount",
    "FilteredOutEventCount",
    "InvokedEventCount",
    "FailedInvokeEventCount",
    "DroppedEventCount",
    "OnFailureDestinationDeliveredEventCount",
)
EVENT_COUNT = {"MetricsConfig": {"Metrics": ["EventCount"]}}
KEPT = {"FilterCriteria": {"Filters": [{"Pattern": '{"data": {"kept": [true]}}'}]}}


def counts(cloud: LocalCloud, ids: dict[str, str]) -> dict[str, float]:
    dimensions = {"EventSourceMappingUUID": ids["Mapping"]}
    found = {name: points(cloud, name, dimensions, "Sum") for name in COUNTED}
    return {name: sum(values) for name, values in found.items() if values}


@pytest.mark.parametrize("destination", [True, False], ids=["destination", "none"])
def test_a_mapping_counts_its_events_if_it_is_asked_to(
    cloud: LocalCloud, tmp_path: Path, destination: bool
) -> None:
    log = tmp_path / "log"
    bad: dict[str, Any] = {"kept": True, "raises": True}
    records: list[dict[str, Any]] = [{"name": "a", "kept": True}, {"name": "b"}, {"name": "c"} | bad]
    to_queue = {"DestinationConfig": to(failure=get("Bad"))} if destination else {}
    settings: dict[str, Any] = {"BatchSize": 3, "MaximumRetryAttempts": 1} | KEPT | EVENT_COUNT | to_queue
    ids = stream_stacks.consume(cloud, f"counts-{destination}", log, records, **settings)
    lost = "OnFailureDestinationDeliveredEventCount" if destination else "DroppedEventCount"
    assert batches(log) == ["ac", "ac"]
    assert counts(cloud, ids) == {
        "PolledEventCount": 3,
        "FilteredOutEventCount": 1,
        "InvokedEventCount": 4,
        "FailedInvokeEventCount": 4,
        lost: 2,
    }


def test_a_mapping_counts_nothing_otherwise(cloud: LocalCloud, tmp_path: Path) -> None:
    ids = stream_stacks.consume(cloud, "uncounted", tmp_path / "log", [{"name": "a"}])
    assert counts(cloud, ids) == {}


def test_what_a_filter_leaves_out_is_passed_and_so_is_what_is_no_json(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    resources = stream_stacks.function(log) | {
        "Stream": stream_stacks.stream(),
        "Mapping": stream_stacks.mapping(get("Stream"), **KEPT),
    }
    ids = stacks.put(cloud, "filtered", resources)
    kinesis = cloud.client("kinesis")
    kinesis.put_record(StreamName=ids["Stream"], Data=b"no json", PartitionKey="any")
    stream_stacks.put(cloud, ids["Stream"], [{"name": "a"}, {"name": "b", "kept": True}])
    cloud.wait_until_idle()
    assert batches(log) == ["b"]


def alarm(namespace: str, metric: str, dimensions: dict[str, Any]) -> dict[str, Any]:
    """More than 30 seconds."""
    properties = {
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        "Statistic": "Maximum",
        "Period": 3600,
        "EvaluationPeriods": 1,
        "Threshold": 30_000,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}


def test_the_age_of_what_is_read_sets_off_an_alarm(cloud: LocalCloud, tmp_path: Path) -> None:
    by_function = {"FunctionName": {"Ref": "Function"}}
    by_alias = by_function | {"Resource": {"Fn::Sub": "${Function}:live"}}
    age_of_stream = "GetRecords.IteratorAgeMilliseconds"
    alarms = {
        "ByFunction": alarm("AWS/Lambda", "IteratorAge", by_function),
        "ByAlias": alarm("AWS/Lambda", "IteratorAge", by_alias),
        "OfStream": alarm("AWS/Kinesis", age_of_stream, {"StreamName": {"Ref": "Stream"}}),
    }

    def check(name: str) -> None:
        log = tmp_path / name
        resources = stream_stacks.function(log) | {
            "Stream": stream_stacks.stream(),
            "Mapping": stream_stacks.mapping(get("Stream"), MaximumRetryAttempts=6),
        }
        ids = stacks.put(cloud, name, resources | alarms)
        names = [ids[each] for each in alarms]
        stream_stacks.put(cloud, ids["Stream"], [{"name": "a"}])
        cloud.wait_until_idle()
        assert set(states(cloud, names).values()) == {"OK"}
        # The record waits for 1 + 2 + ... + 32 seconds at AWS's pace.
        stream_stacks.put(cloud, ids["Stream"], [{"name": "b", "raises": True}])
        assert set(states(cloud, names).values()) == {"ALARM"}
        assert batches(log) == ["a"] + ["b"] * 7

    in_one_period(check)
