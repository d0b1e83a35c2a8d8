"""An alias's weights, by every way in: without the extension, all that is asked for goes to one version."""

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest

from constructs_lib.local import LocalCloud
from constructs_lib.local.http_calls import call
from sample_app.demo.drive_api import likely
from tests.local import api_stacks, stacks

pytestmark = pytest.mark.cloud

WEIGHT = 0.25
CALLS = 300
CODE = """
import json

def handler(event, context):
    answer = {{"code": "{code}", "version": context.function_version, "name": context.invoked_function_arn}}
    for path in [event.get("path"), *(record["body"] for record in event.get("Records", []))]:
        if path and path.startswith("/"):
            with open(path, "a") as log:
                log.write(json.dumps(answer) + "\\n")
    return answer
"""


@pytest.fixture(scope="module")
def alias(cloud: LocalCloud) -> str:
    """The ARN of an alias: version 1, and version 2 for a quarter of the calls."""
    ids = {}
    for code in ("old", "new"):
        resources: dict[str, Any] = {"Function": stacks.function(CODE.format(code=code))}
        ids = stacks.put(cloud, "weights", resources)
        cloud.client("lambda").publish_version(FunctionName=ids["Function"])
    made = cloud.client("lambda").create_alias(
        FunctionName=ids["Function"],
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": WEIGHT}},
    )
    return str(made["AliasArn"])


def invoke(cloud: LocalCloud, alias: str, _log: Path) -> list[dict[str, Any]]:
    functions = cloud.client("lambda", max_pool_connections=10)

    def one(_: int) -> dict[str, Any]:
        got = functions.invoke(FunctionName=alias, Payload=b"{}")
        answer: dict[str, Any] = json.load(got["Payload"])
        assert got["ExecutedVersion"] == answer["version"]
        return answer

    with ThreadPoolExecutor(10) as pool:
        return list(pool.map(one, range(CALLS)))


def invoke_by_qualifier(cloud: LocalCloud, alias: str, _log: Path) -> list[dict[str, Any]]:
    name, _, qualifier = alias.rpartition(":")
    functions = cloud.client("lambda")
    return [
        json.load(functions.invoke(FunctionName=name, Qualifier=qualifier)["Payload"]) for _ in range(CALLS)
    ]


def asynchronously(cloud: LocalCloud, alias: str, log: Path) -> list[dict[str, Any]]:
    functions = cloud.client("lambda")
    for _ in range(CALLS):
        functions.invoke(
            FunctionName=alias, InvocationType="Event", Payload=json.dumps({"path": str(log)}).encode()
        )
    return _written(cloud, log)


def from_a_queue(cloud: LocalCloud, alias: str, log: Path) -> list[dict[str, Any]]:
    ids = stacks.put(
        cloud,
        "weights-queue",
        {
            "Queue": {"Type": "AWS::SQS::Queue"},
            "Mapping": {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {
                    "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                    "FunctionName": alias,
                    "BatchSize": 1,
                },
            },
        },
    )
    sqs = cloud.client("sqs")
    for start in range(0, CALLS, 10):
        entries = [{"Id": str(i), "MessageBody": str(log)} for i in range(start, start + 10)]
        sqs.send_message_batch(QueueUrl=ids["Queue"], Entries=entries)
    return _written(cloud, log)


def through_an_http_api(cloud: LocalCloud, alias: str, _log: Path) -> list[dict[str, Any]]:
    resources = api_stacks.http_api(alias) | api_stacks.permission(alias, api="Http")
    url = f"{cloud.endpoint}/_aws/execute-api/{stacks.put(cloud, 'weights-http', resources)['Http']}/any"
    with ThreadPoolExecutor(10) as pool:
        return [answer.json for answer in pool.map(call, [url] * CALLS)]


def _written(cloud: LocalCloud, log: Path) -> list[dict[str, Any]]:
    cloud.wait_until_idle()
    return [json.loads(line) for line in log.read_text().splitlines()]


@pytest.mark.parametrize(
    "way", [invoke, invoke_by_qualifier, asynchronously, from_a_queue, through_an_http_api]
)
def test_a_version_gets_its_share(
    cloud: LocalCloud,
    alias: str,
    tmp_path: Path,
    way: Callable[[LocalCloud, str, Path], list[dict[str, Any]]],
) -> None:
    answers = way(cloud, alias, tmp_path / "log")
    assert len(answers) == CALLS
    # The version's own code ran, in an environment of that version, and knows by which name it was called.
    assert {(answer["version"], answer["code"], answer["name"]) for answer in answers} == {
        ("1", "old", alias),
        ("2", "new", alias),
    }
    assert Counter(answer["version"] for answer in answers)["2"] in likely(CALLS, WEIGHT)


def test_to_ask_about_an_alias_is_not_to_invoke_it(cloud: LocalCloud, alias: str) -> None:
    functions = cloud.client("lambda")
    for read in (
        functions.get_function_configuration,
        lambda **a: functions.get_function(**a)["Configuration"],
    ):
        assert {read(FunctionName=alias)["Version"] for _ in range(20)} == {"1"}


def test_without_weights_one_version_gets_all(cloud: LocalCloud, alias: str) -> None:
    functions = cloud.client("lambda")
    name = alias.rpartition(":")[0]
    functions.create_alias(FunctionName=name, Name="plain", FunctionVersion="1")
    seen = [functions.invoke(FunctionName=f"{name}:plain")["ExecutedVersion"] for _ in range(20)]
    functions.update_alias(FunctionName=name, Name="plain", FunctionVersion="2")
    seen += [functions.invoke(FunctionName=f"{name}:plain")["ExecutedVersion"] for _ in range(20)]
    assert seen == ["1"] * 20 + ["2"] * 20


def test_reserved_concurrency_holds_for_the_alias_too(cloud: LocalCloud) -> None:
    function = stacks.function(CODE.format(code="any"), ReservedConcurrentExecutions=0)
    name = stacks.put(cloud, "weights-reserved", {"Function": function})["Function"]
    functions = cloud.client("lambda", retries={"total_max_attempts": 1})
    functions.publish_version(FunctionName=name)
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    with pytest.raises(botocore.exceptions.ClientError, match="TooManyRequestsException"):
        functions.invoke(FunctionName=f"{name}:live")
