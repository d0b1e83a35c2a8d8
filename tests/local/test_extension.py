"""A contract for each thing that the extension changes in the emulator: without the change, its test fails."""

import json
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest

import constructs_lib.local
from constructs_lib.local import LocalCloud, private_environment

from . import stacks
from .conftest import TIME_SCALE

pytestmark = pytest.mark.cloud

IDLE = "def handler(event, context):\n    return 'idle'\n"


# --- concurrency.py ------------------------------------------------------------------------------------


def test_reserved_concurrency_is_what_the_template_says_at_creation_and_update(cloud: LocalCloud) -> None:
    read = []
    for reserved in (7, 0, None, 3):
        properties = {} if reserved is None else {"ReservedConcurrentExecutions": reserved}
        name = stacks.put(cloud, "reserved", {"Function": stacks.function(IDLE, **properties)})["Function"]
        answer = cloud.client("lambda").get_function_concurrency(FunctionName=name)
        read.append(answer.get("ReservedConcurrentExecutions"))
    assert read == [7, 0, None, 3]


def test_reserved_concurrency_of_none_at_all_refuses_the_call(cloud: LocalCloud) -> None:
    function = stacks.function(IDLE, ReservedConcurrentExecutions=0)
    name = stacks.put(cloud, "throttled", {"Function": function})["Function"]
    with pytest.raises(botocore.exceptions.ClientError, match="TooManyRequestsException"):
        cloud.client("lambda", retries={"total_max_attempts": 1}).invoke(FunctionName=name)


# --- alarms.py -----------------------------------------------------------------------------------------

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


# --- visibility.py -------------------------------------------------------------------------------------

VISIBILITY = 120
TRIES = 3
WORK = 1.5  # longer than the shortened timeout: were it shortened too early, a second delivery would overlap
ALWAYS_FAILS = f"""
import time

def handler(event, context):
    for record in event["Records"]:
        began = time.time()
        time.sleep({WORK})
        with open(record["body"], "a") as log:
            log.write(f"{{began}} {{time.time()}}\\n")
    return {{"batchItemFailures": [{{"itemIdentifier": r["messageId"]}} for r in event["Records"]]}}
"""


def test_a_failed_message_is_retried_sooner_and_never_while_in_work(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    ids = stacks.put(
        cloud,
        "retries",
        {
            "Dead": {"Type": "AWS::SQS::Queue"},
            "Queue": {
                "Type": "AWS::SQS::Queue",
                "Properties": {
                    "VisibilityTimeout": VISIBILITY,
                    "RedrivePolicy": {
                        "deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]},
                        "maxReceiveCount": TRIES,
                    },
                },
            },
            "Function": stacks.function(ALWAYS_FAILS),
            "Mapping": {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {
                    "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                    "FunctionName": {"Ref": "Function"},
                    "FunctionResponseTypes": ["ReportBatchItemFailures"],
                },
            },
        },
    )
    sqs = cloud.client("sqs")
    log = tmp_path / "deliveries"
    sqs.send_message(QueueUrl=ids["Queue"], MessageBody=str(log))
    cloud.wait_until_idle()
    read = sqs.get_queue_attributes(QueueUrl=ids["Queue"], AttributeNames=["VisibilityTimeout"])
    assert read["Attributes"] == {"VisibilityTimeout": str(VISIBILITY)}
    dead = sqs.receive_message(QueueUrl=ids["Dead"], MessageSystemAttributeNames=["ApproximateReceiveCount"])[
        "Messages"
    ]

    deliveries = [tuple(map(float, line.split())) for line in log.read_text().splitlines()]
    pauses = [began - ended for (_, ended), (began, _) in pairwise(deliveries)]
    assert len(deliveries) == TRIES
    shortened = (VISIBILITY - WORK) / TIME_SCALE
    assert all(0.9 * shortened < pause < VISIBILITY - WORK for pause in pauses), pauses
    assert [int(m["Attributes"]["ApproximateReceiveCount"]) - 1 for m in dead] == [TRIES]


# --- control.py: faults --------------------------------------------------------------------------------


def test_a_fault_meets_so_many_calls_of_that_operation_with_that_text(cloud: LocalCloud) -> None:
    dynamodb = cloud.client("dynamodb")
    table = {"TableName": "faults"}
    dynamodb.create_table(
        **table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    # No retries of the SDK's own: each call is one call.
    once = cloud.client("dynamodb", retries={"total_max_attempts": 1})
    cloud.inject_fault(
        service="dynamodb",
        operation="PutItem",
        containing="trip-7",
        error_code="ThrottlingException",
        times=2,
    )

    def code(call: str, id_: str) -> str:
        key = "Item" if call == "put_item" else "Key"
        try:
            getattr(once, call)(**table, **{key: {"id": {"S": id_}}})
        except botocore.exceptions.ClientError as error:
            return str(error.response["Error"]["Code"])
        return "ok"

    calls = [
        code("put_item", "trip-8"),
        code("get_item", "trip-7"),
        code("put_item", "trip-7"),
        code("put_item", "trip-7"),
        code("put_item", "trip-7"),
    ]
    assert calls == ["ok", "ok", "ThrottlingException", "ThrottlingException", "ok"]
    [fault] = [fault for fault in cloud.faults() if fault["containing"] == "trip-7"]
    assert (fault["hits"], fault["times"]) == (2, 2)
    assert {item["id"]["S"] for item in dynamodb.scan(**table)["Items"]} == {"trip-7", "trip-8"}


def test_a_fault_meets_objects_of_s3_by_their_path(cloud: LocalCloud) -> None:
    s3 = cloud.client("s3", retries={"total_max_attempts": 1})
    s3.create_bucket(Bucket="faults")
    cloud.inject_fault(
        service="s3", operation="PutObject", containing="trip-9", error_code="SlowDown", times=1, status=503
    )
    s3.put_object(Bucket="faults", Key="trip-8", Body=b"8")
    with pytest.raises(botocore.exceptions.ClientError, match="SlowDown"):
        s3.put_object(Bucket="faults", Key="trip-9", Body=b"9")
    s3.put_object(Bucket="faults", Key="trip-9", Body=b"9")
    assert s3.get_object(Bucket="faults", Key="trip-9")["Body"].read() == b"9"


# --- crashes.py, control.py: failed invocations --------------------------------------------------------------------


def test_a_crash_at_import_gives_the_handlers_own_traceback(cloud: LocalCloud) -> None:
    code = "def load_prices():\n    raise RuntimeError('no price list')\n\nload_prices()\n"
    name = stacks.put(cloud, "crash", {"Function": stacks.function(code)})["Function"]
    answer = cloud.client("lambda").invoke(FunctionName=name, Payload=b"{}")
    assert answer["FunctionError"]
    assert json.load(answer["Payload"])["errorMessage"] == "Worker init failed: no price list"
    [failure] = [failed for failed in cloud.failed_invocations() if failed["function"] == name]
    assert "in load_prices" in failure["log"]
    assert failure["log"].strip().endswith("RuntimeError: no price list")


# --- start.py ------------------------------------------------------------------------------------------


def test_another_release_of_the_emulator_is_refused(cloud: LocalCloud) -> None:
    local = Path(constructs_lib.local.__file__).parent
    code = (
        f"import sys; sys.path.insert(0, {str(local)!r}); "
        "from extension import start; start.PINNED = '0.0.1'; start.main()"
    )
    done = subprocess.run(
        [private_environment.interpreter(cloud.state), "-P", "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip() == "the extension is written for ministack 0.0.1, this is 1.5.33"
