"""Durable functions: an execution by its name, its version, its waits, what survives a crash, and its dead letter.

What is held to is AWS's own documents: https://docs.aws.amazon.com/lambda/latest/dg/durable-execution-idempotency.html,
https://docs.aws.amazon.com/lambda/latest/dg/durable-invoking.html and
https://docs.aws.amazon.com/lambda/latest/dg/durable-best-practices.html.
Holds `lambda_/durable.py`, `lambda_/cold_starts.py` (`kill`). The handler speaks the protocol of the SDK by itself: the
sample app has one with the SDK.
"""

import json
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from constructs_lib.local import LocalCloud
from tests.local import async_stacks, stacks
from tests.local.async_stacks import get

pytestmark = pytest.mark.cloud

HANDLER = """
import json, os, time
import boto3

def handler(event, context):
    operations = event["InitialExecutionState"]["Operations"]
    asked = json.loads(operations[0]["ExecutionDetails"]["InputPayload"])
    known = {operation["Id"]: operation for operation in operations}
    with open(asked["log"], "a") as log:
        log.write(f"{context.function_version} {sorted(known)[1:] if len(known) > 1 else []}\\n")
    api = boto3.client("lambda")
    token = event["CheckpointToken"]

    def checkpoint(**update):
        nonlocal token
        answer = api.checkpoint_durable_execution(
            DurableExecutionArn=event["DurableExecutionArn"], CheckpointToken=token, Updates=[update]
        )
        token = answer["CheckpointToken"]

    if asked.get("fails"):
        return {"Status": "FAILED", "Error": {"ErrorMessage": "impossible", "ErrorType": "Impossible"}}
    if "crashes" in asked and not os.path.exists(asked["crashes"]):
        checkpoint(Id="stored", Type="STEP", Action="SUCCEED", Payload="1")
        open(asked["crashes"], "w").close()
        time.sleep(600)
    if "wait" in asked and "wait" not in known:
        checkpoint(Id="wait", Type="WAIT", Action="START", WaitOptions={"WaitSeconds": asked["wait"]})
        return {"Status": "PENDING"}
    if "wait" in known and known["wait"]["Status"] == "STARTED":
        return {"Status": "PENDING"}
    if asked.get("callback") and "call" not in known:
        options = {"TimeoutSeconds": asked["callback"], "HeartbeatTimeoutSeconds": 0}
        checkpoint(Id="call", Type="CALLBACK", Action="START", CallbackOptions=options)
        return {"Status": "PENDING"}
    if "call" in known and known["call"]["Status"] == "STARTED":
        return {"Status": "PENDING"}
    result = known["call"]["Status"] if "call" in known else asked.get("answer", "done")
    return {"Status": "SUCCEEDED", "Result": json.dumps(result)}
"""
_numbers = count()


def durable_function(**properties: Any) -> dict[str, Any]:
    """A durable function, its alias `live`, and its dead-letter queue."""
    ref = {"Ref": "Function"}
    durable = {"ExecutionTimeout": 3600, "RetentionPeriodInDays": 1}
    dead = {"TargetArn": get("Dead")}
    return {
        "Dead": {"Type": "AWS::SQS::Queue"},
        "Function": stacks.function(
            HANDLER, DurableConfig=durable, DeadLetterConfig=dead, Timeout=60, **properties
        ),
        "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": ref}},
        "Alias": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "FunctionName": ref,
                "FunctionVersion": get("Version", "Version"),
                "Name": "live",
            },
        },
    }


@pytest.fixture(scope="module")
def ids(cloud: LocalCloud) -> dict[str, str]:
    return stacks.put(cloud, "durable", durable_function())


class Executions:
    """Starts executions, and looks at them."""

    def __init__(self, cloud: LocalCloud, ids: dict[str, str], log: Path) -> None:
        self.client = cloud.client("lambda")
        self.function = ids["Function"]
        self.log = log

    def start(self, *, kind: str = "Event", name: str | None = None, **asked: Any) -> dict[str, Any]:
        named = {} if name is None else {"DurableExecutionName": name}
        answer: dict[str, Any] = self.client.invoke(
            FunctionName=self.function,
            Qualifier="live",
            InvocationType=kind,
            Payload=json.dumps(asked | {"log": str(self.log)}),
            **named,
        )
        return answer

    def end(self, arn: str) -> dict[str, Any]:
        ended: dict[str, Any] = self.until(
            lambda: self.get(arn), lambda execution: execution["Status"] != "RUNNING"
        )
        return ended

    def get(self, arn: str) -> dict[str, Any]:
        execution: dict[str, Any] = self.client.get_durable_execution(DurableExecutionArn=arn)
        return execution

    def until(self, read: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
        give_up = time.monotonic() + 300
        while not good(found := read()):
            assert time.monotonic() < give_up, found
            time.sleep(0.05)
        return found

    @property
    def invocations(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def executions(cloud: LocalCloud, ids: dict[str, str], tmp_path: Path) -> Executions:
    return Executions(cloud, ids, tmp_path / "log")


@pytest.fixture
def name() -> str:
    return f"case-{next(_numbers)}"


def test_an_event_starts_an_execution_of_the_alias_s_version(executions: Executions, name: str) -> None:
    answer = executions.start(name=name)
    assert answer["StatusCode"] == 202
    arn = answer["DurableExecutionArn"]
    assert f":function:{executions.function}:1/durable-execution/{name}/" in arn
    ended = executions.end(arn)
    assert (ended["Status"], json.loads(ended["Result"])) == ("SUCCEEDED", "done")
    assert ended["DurableExecutionName"] == name
    assert executions.invocations == ["1 []"]


def test_a_known_name_starts_nothing(executions: Executions, name: str) -> None:
    first = executions.start(name=name)
    executions.end(first["DurableExecutionArn"])
    again = executions.start(name=name)
    assert again["DurableExecutionArn"] == first["DurableExecutionArn"]
    assert executions.invocations == ["1 []"]


def test_a_known_name_with_another_input_is_refused(executions: Executions, name: str) -> None:
    executions.start(name=name)
    with pytest.raises(ClientError) as error:
        executions.start(name=name, answer="other")
    assert error.value.response["Error"]["Code"] == "DurableExecutionAlreadyStartedException"


def test_without_a_name_each_event_starts_one(executions: Executions) -> None:
    arns = {executions.start()["DurableExecutionArn"] for _ in range(2)}
    assert len(arns) == 2


def test_a_call_without_a_qualifier_is_refused(executions: Executions) -> None:
    with pytest.raises(ClientError, match="using an unqualified ARN") as error:
        executions.client.invoke(FunctionName=executions.function, Payload="{}")
    assert error.value.response["Error"]["Code"] == "InvalidParameterValueException"
    assert executions.invocations == []


def test_a_caller_waits_for_the_whole_execution(executions: Executions) -> None:
    answer = executions.start(kind="RequestResponse", wait=60, answer=[7])
    assert json.load(answer["Payload"]) == [7]
    assert executions.invocations == ["1 []", "1 ['wait']"]


def test_a_caller_gets_the_error(executions: Executions) -> None:
    answer = executions.start(kind="RequestResponse", fails=True)
    assert answer["FunctionError"] == "Unhandled"
    assert json.load(answer["Payload"]) == {"errorMessage": "impossible", "errorType": "Impossible"}


def test_a_wait_is_shorter_and_nothing_runs_meanwhile(executions: Executions) -> None:
    began = time.monotonic()
    executions.end(executions.start(wait=3600)["DurableExecutionArn"])
    assert time.monotonic() - began < 3600
    assert executions.invocations == ["1 []", "1 ['wait']"]


def callback_of(executions: Executions, arn: str) -> str:
    def started() -> list[str]:
        history = executions.client.get_durable_execution_history(DurableExecutionArn=arn)["Events"]
        return [
            event["CallbackStartedDetails"]["CallbackId"]
            for event in history
            if event["EventType"] == "CallbackStarted"
        ]

    (identity,) = executions.until(started, bool)
    return str(identity)


def test_an_execution_goes_on_when_it_is_called_back(
    cloud: LocalCloud, executions: Executions, ids: dict[str, str]
) -> None:
    arn = executions.start(callback=86_400)["DurableExecutionArn"]
    identity = callback_of(executions, arn)
    cloud.wait_until_idle()
    assert executions.get(arn)["Status"] == "RUNNING"
    executions.client.send_durable_execution_callback_success(CallbackId=identity, Result=b"{}")
    cloud.wait_until_idle()
    ended = executions.get(arn)
    assert (ended["Status"], json.loads(ended["Result"])) == ("SUCCEEDED", "SUCCEEDED")


def test_a_callback_that_never_comes_times_out_at_its_own_pace(executions: Executions) -> None:
    began = time.monotonic()
    ended = executions.end(executions.start(callback=2)["DurableExecutionArn"])
    assert json.loads(ended["Result"]) == "TIMED_OUT"
    assert time.monotonic() - began > 2


def test_what_was_stored_survives_a_kill(cloud: LocalCloud, executions: Executions, tmp_path: Path) -> None:
    arn = executions.start(crashes=str(tmp_path / "crashed"))["DurableExecutionArn"]
    executions.until((tmp_path / "crashed").exists, bool)
    assert cloud.kill(executions.function) >= 1
    assert executions.end(arn)["Status"] == "SUCCEEDED"
    assert executions.invocations == ["1 []", "1 ['stored']"]


def test_an_execution_continues_in_its_version(
    cloud: LocalCloud, executions: Executions, ids: dict[str, str]
) -> None:
    arn = executions.start(callback=86_400)["DurableExecutionArn"]
    identity = callback_of(executions, arn)
    executions.client.update_function_configuration(FunctionName=executions.function, Description="another")
    second = executions.client.publish_version(FunctionName=executions.function)["Version"]
    executions.client.update_alias(FunctionName=executions.function, Name="live", FunctionVersion=second)
    try:
        executions.client.send_durable_execution_callback_success(CallbackId=identity, Result=b"{}")
        executions.end(arn)
        assert [line.split()[0] for line in executions.invocations] == ["1", "1"]
    finally:
        executions.client.update_alias(FunctionName=executions.function, Name="live", FunctionVersion="1")


def drained(cloud: LocalCloud, ids: dict[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = async_stacks.messages(cloud, ids["Dead"])
    return found


def test_an_event_that_fails_is_a_dead_letter(
    cloud: LocalCloud, executions: Executions, ids: dict[str, str]
) -> None:
    executions.start(fails=True)
    cloud.wait_until_idle()
    (letter,) = drained(cloud, ids)
    assert json.loads(letter["Body"]) == {"fails": True, "log": str(executions.log)}
    assert letter["MessageAttributes"]["ErrorMessage"]["StringValue"] == "impossible"
    assert len(executions.invocations) == 1


def test_an_execution_that_is_stopped_is_a_dead_letter(
    cloud: LocalCloud, executions: Executions, ids: dict[str, str]
) -> None:
    arn = executions.start(callback=86_400)["DurableExecutionArn"]
    callback_of(executions, arn)
    executions.client.stop_durable_execution(DurableExecutionArn=arn)
    cloud.wait_until_idle()
    assert executions.get(arn)["Status"] == "STOPPED"
    assert len(drained(cloud, ids)) == 1


@pytest.mark.parametrize("may", [True, False])
def test_a_function_stores_what_its_role_allows(strict: LocalCloud, tmp_path: Path, may: bool) -> None:
    """Of its own executions, whose ARN begins with that of the version."""
    executed = {"Fn::Sub": "arn:aws:lambda:*:*:function:${AWS::StackName}-*:*"}
    stored = [(["lambda:CheckpointDurableExecution", "lambda:GetDurableExecutionState"], executed)]
    sent = [(["sqs:SendMessage"], "*")]
    name = f"durable-{'may' if may else 'not'}"
    ids = stacks.put(
        strict,
        name,
        durable_function(Role=get("Role")) | {"Role": async_stacks.role(*(stored if may else []), *sent)},
    )
    executions = Executions(strict, ids, tmp_path / "log")
    arn = executions.start(wait=60)["DurableExecutionArn"]
    if may:
        assert executions.end(arn)["Status"] == "SUCCEEDED"
        executions.start(fails=True)
        assert len(drained(strict, ids)) == 1
        return

    def denied() -> bool:
        failed = [each for each in strict.failed_invocations() if each["function"] == executions.function]
        return any(
            "not authorized to perform: lambda:CheckpointDurable" in str(each["error"]) for each in failed
        )

    executions.until(denied, bool)
    assert executions.get(arn)["Status"] == "RUNNING"
    executions.client.stop_durable_execution(DurableExecutionArn=arn)


def test_what_a_caller_waits_for_is_none(
    cloud: LocalCloud, executions: Executions, ids: dict[str, str]
) -> None:
    executions.start(kind="RequestResponse", fails=True)
    cloud.wait_until_idle()
    assert drained(cloud, ids) == []
