"""Retries, age and qualifier of an asynchronous call, and the record that a destination gets.

What is held to is AWS's own documents: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
and https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html.
Holds `lambda_/async_invocation.py`, `lambda_/invocation_record.py`, `lambda_/called_function.py`,
`lambda_/error_types.py`, `lambda_/invocation_metrics.py`.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.local import LocalCloud
from tests.local import async_stacks, stacks
from tests.local.async_stacks import get, to

pytestmark = pytest.mark.cloud

QUEUES = {"Good": {"Type": "AWS::SQS::Queue"}, "Bad": {"Type": "AWS::SQS::Queue"}}
TO_QUEUES = to(get("Good"), get("Bad"))
FUNCTION_ARN = "arn:aws:lambda:us-east-1:000000000000:function"
_numbers = count()


@pytest.fixture(scope="module")
def ids(cloud: LocalCloud) -> dict[str, str]:
    resources = QUEUES | async_stacks.called(DestinationConfig=TO_QUEUES)
    return stacks.put(cloud, "async", resources)


def record(cloud: LocalCloud, url: str) -> dict[str, Any]:
    [message] = async_stacks.messages(cloud, url)
    read: dict[str, Any] = json.loads(message["Body"])
    return read


def attempts(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


def test_what_fails_for_good_is_tried_three_times_and_recorded_in_full(
    cloud: LocalCloud, ids: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    event = {"log": str(log), "failures": 9}
    name = ids["Function"]
    async_stacks.invoke(cloud, f"{name}:live", event)
    told = record(cloud, ids["Bad"])

    tried = attempts(log)
    [request] = {line.split()[0] for line in tried}  # the id is the event's, at each attempt
    assert len(tried) == 3
    assert {line.split()[1] for line in tried} == {f"{FUNCTION_ARN}:{name}:live"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told.pop("timestamp"))
    payload = told.pop("responsePayload")
    stack = payload.pop("stackTrace")
    assert payload == {
        "errorMessage": "attempt 3",
        "errorType": "ImpossibleError",
        "requestId": request,
    }
    assert len(stack) == 1
    assert 'raise ImpossibleError(f"attempt {attempts}")' in stack[0]
    assert told == {
        "version": "1.0",
        "requestContext": {
            "requestId": request,
            "functionArn": f"{FUNCTION_ARN}:{name}:live",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "1", "functionError": "Unhandled"},
    }
    assert async_stacks.messages(cloud, ids["Good"]) == []


@pytest.mark.parametrize("failures", [0, 1, 2])
def test_what_succeeds_in_the_end_is_recorded_with_its_attempts(
    cloud: LocalCloud, ids: dict[str, str], tmp_path: Path, failures: int
) -> None:
    event = {"log": str(tmp_path / "log"), "failures": failures}
    async_stacks.invoke(cloud, f"{ids['Function']}:live", event)
    told = record(cloud, ids["Good"])
    del told["timestamp"], told["requestContext"]["requestId"]
    assert told == {
        "version": "1.0",
        "requestContext": {
            "functionArn": f"{FUNCTION_ARN}:{ids['Function']}:live",
            "condition": "Success",
            "approximateInvokeCount": failures + 1,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "1"},
        "responsePayload": {"receipt": failures + 1},
    }
    assert async_stacks.messages(cloud, ids["Bad"]) == []


@pytest.mark.parametrize("qualifier", ["live", "1", "$LATEST"])
def test_the_configuration_counts_for_the_qualifier_that_it_is_on(
    cloud: LocalCloud, tmp_path: Path, qualifier: str
) -> None:
    configuration = {"Qualifier": qualifier, "MaximumRetryAttempts": 0, "DestinationConfig": TO_QUEUES}
    ids = stacks.put(cloud, f"async-on-{next(_numbers)}", QUEUES | async_stacks.called(**configuration))
    name = ids["Function"]
    called = {"live": f"{name}:live", "1": f"{name}:1", "$LATEST": name}
    for each, how in called.items():
        log = tmp_path / each
        async_stacks.invoke(cloud, how, {"log": str(log), "failures": 9})
    told = record(cloud, ids["Bad"])
    assert told["requestContext"]["functionArn"] == f"{FUNCTION_ARN}:{name}:{qualifier}"
    assert told["requestContext"]["approximateInvokeCount"] == 1
    # The others have AWS's defaults: two retries, and nobody is told.
    assert {each: len(attempts(tmp_path / each)) for each in called} == dict.fromkeys(called, 3) | {
        qualifier: 1
    }
    assert async_stacks.messages(cloud, ids["Bad"]) == []


def test_the_configuration_follows_the_template_after_an_update_and_a_deletion(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    tried = []
    for number, retries in enumerate((0, 1, None)):
        resources = QUEUES | async_stacks.called(
            MaximumRetryAttempts=retries, MaximumEventAgeInSeconds=600, DestinationConfig=TO_QUEUES
        )
        if retries is None:
            del resources["Configuration"]
        ids = stacks.put(cloud, "async-updated", resources)
        log = tmp_path / str(number)
        async_stacks.invoke(cloud, f"{ids['Function']}:live", {"log": str(log), "failures": 9})
        tried.append((len(async_stacks.messages(cloud, ids["Bad"])), len(attempts(log))))
    assert tried == [(1, 1), (1, 2), (0, 3)]


def test_an_event_that_would_be_too_old_for_its_retry_is_given_up(cloud: LocalCloud, tmp_path: Path) -> None:
    # The first retry comes after a minute: an event may get older than this one by then.
    resources = QUEUES | async_stacks.called(MaximumEventAgeInSeconds=60, DestinationConfig=TO_QUEUES)
    ids = stacks.put(cloud, "async-old", resources)
    log = tmp_path / "log"
    async_stacks.invoke(cloud, f"{ids['Function']}:live", {"log": str(log), "failures": 9})
    told = record(cloud, ids["Bad"])
    assert told["requestContext"]["condition"] == "EventAgeExceeded"
    assert told["requestContext"]["approximateInvokeCount"] == len(attempts(log)) == 1


def test_a_throttled_event_waits_and_uses_up_no_retry(cloud: LocalCloud, tmp_path: Path) -> None:
    resources = QUEUES | async_stacks.called(MaximumRetryAttempts=0, DestinationConfig=TO_QUEUES)
    slow = async_stacks.COUNTING.replace("    return {", "    __import__('time').sleep(0.5)\n    return {")
    resources["Function"] = stacks.function(slow, ReservedConcurrentExecutions=1)
    ids = stacks.put(cloud, "async-throttled", resources)
    for number in range(4):
        event = {"log": str(tmp_path / str(number)), "failures": 0}
        async_stacks.invoke(cloud, f"{ids['Function']}:live", event)
    told = async_stacks.messages(cloud, ids["Good"])
    counts = [json.loads(each["Body"])["requestContext"]["approximateInvokeCount"] for each in told]
    assert counts == [1, 1, 1, 1]
    assert async_stacks.messages(cloud, ids["Bad"]) == []


def test_a_function_that_is_turned_off_gives_events_up_at_once(cloud: LocalCloud, tmp_path: Path) -> None:
    resources = QUEUES | async_stacks.called(DestinationConfig=TO_QUEUES)
    resources["Function"]["Properties"]["ReservedConcurrentExecutions"] = 0
    ids = stacks.put(cloud, "async-off", resources)
    event = {"log": str(tmp_path / "log"), "failures": 0}
    async_stacks.invoke(cloud, f"{ids['Function']}:live", event)
    told = record(cloud, ids["Bad"])
    assert not (tmp_path / "log").exists()
    assert told["requestContext"]["approximateInvokeCount"] == 0
    assert told["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert told["requestPayload"] == event
    assert not told.keys() & {"responseContext", "responsePayload"}


def test_each_attempt_is_counted_and_so_is_what_became_of_the_event(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    ids = stacks.put(cloud, "async-counted", QUEUES | async_stacks.called(DestinationConfig=TO_QUEUES))
    name = ids["Function"]
    for failures, queue in ((1, "Good"), (9, "Bad")):
        event = {"log": str(tmp_path / queue), "failures": failures}
        async_stacks.invoke(cloud, f"{name}:live", event)
        record(cloud, ids[queue])
    of_function = {"FunctionName": name}
    of_alias = of_function | {"Resource": f"{name}:live"}
    for dimensions in (of_function, of_alias):
        assert total(cloud, "AsyncEventsDropped", dimensions) == 1
        assert total(cloud, "AsyncEventsReceived", dimensions) == 2
        assert total(cloud, "Invocations", dimensions) == 5
        assert total(cloud, "Errors", dimensions) == 4
        assert total(cloud, "DestinationDeliveryFailures", dimensions) == 0


def test_a_mapping_and_a_caller_that_waits_count_as_invocations_and_one_refused_as_a_throttle(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    mapping = {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "EventSourceArn": async_stacks.get("Queue"),
            "FunctionName": {"Ref": "Alias"},
            "BatchSize": 1,
        },
    }
    resources = async_stacks.called() | {"Queue": {"Type": "AWS::SQS::Queue"}, "Mapping": mapping}
    resources["Function"] = stacks.function("def handler(event, context):\n    return len(event['Records'])")
    ids = stacks.put(cloud, "counted", resources)
    name = ids["Function"]
    of_function = {"FunctionName": name}
    of_alias = of_function | {"Resource": f"{name}:live"}
    for body in "ab":
        cloud.client("sqs").send_message(QueueUrl=ids["Queue"], MessageBody=body)
    cloud.wait_until_idle()
    functions = cloud.client("lambda")
    functions.invoke(FunctionName=name, Payload=b"{}")
    functions.invoke(FunctionName=f"{name}:live", Payload=b'{"Records": []}')
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(functions.exceptions.TooManyRequestsException) as refused:
        functions.invoke(FunctionName=f"{name}:live", Payload=b'{"Records": []}')

    def counted(dimensions: dict[str, str]) -> list[float]:
        return [total(cloud, metric, dimensions) for metric in ("Invocations", "Errors", "Throttles")]

    throttles = 1 + refused.value.response["ResponseMetadata"]["RetryAttempts"]  # of the SDK
    assert counted(of_alias) == [3, 0, throttles]
    assert counted(of_function) == [4, 1, throttles]


def total(cloud: LocalCloud, metric: str, dimensions: dict[str, str]) -> float:
    return sum(points(cloud, metric, dimensions, "Sum"))


def points(
    cloud: LocalCloud,
    metric: str,
    dimensions: dict[str, str],
    statistic: str,
    *,
    namespace: str = "AWS/Lambda",
) -> list[float]:
    """What a metric has by the minute, in this hour and the one before."""
    now = datetime.now(UTC)
    found = cloud.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(hours=2),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=[statistic],
    )["Datapoints"]
    return [float(point[statistic]) for point in found]
