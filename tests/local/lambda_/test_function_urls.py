"""A function URL: who may call it, what it invokes, and what it answers beyond the reserved concurrency."""

import json
from collections import Counter
from typing import Any

import pytest

from constructs_lib.local import LocalCloud
from constructs_lib.local.http_calls import Answer, Caller, call
from tests.local import stacks

pytestmark = pytest.mark.cloud

ECHO = """
import json

def handler(event, context):
    if event["rawPath"] == "/forbidden":
        return {"statusCode": 403, "body": "not you"}
    return {"statusCode": 200, "body": json.dumps({"function": context.invoked_function_arn, "event": event})}
"""
BOTH = ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction")


def ref(resource: str, attribute: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [resource, attribute]}


def resources(**url: Any) -> dict[str, Any]:
    return {
        "Function": stacks.function(ECHO),
        "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}},
        "Live": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "Name": "live",
                "FunctionName": {"Ref": "Function"},
                "FunctionVersion": ref("Version", "Version"),
            },
        },
        "Url": {
            "Type": "AWS::Lambda::Url",
            "DependsOn": "Live",
            "Properties": {
                "AuthType": "AWS_IAM",
                "Qualifier": "live",
                "TargetFunctionArn": ref("Function", "Arn"),
                **url,
            },
        },
    }


@pytest.fixture(scope="module")
def made(strict: LocalCloud) -> dict[str, str]:
    return stacks.attributes(
        strict, "endpoint", resources(), "Url.FunctionUrl", "Url.FunctionArn", "Live", "Function"
    )


@pytest.fixture(scope="module")
def url(strict: LocalCloud, made: dict[str, str]) -> str:
    return strict.api_url(made["Url.FunctionUrl"])


def is_refused(answer: Answer) -> bool:
    return (
        answer.status == 403
        and answer.headers["x-amzn-errortype"] == "AccessDeniedException"
        and answer.json["Message"].startswith(
            "Forbidden. For troubleshooting Function URL authorization issues"
        )
    )


def test_it_answers_at_the_address_from_its_output(
    strict: LocalCloud, made: dict[str, str], url: str
) -> None:
    address = made["Url.FunctionUrl"]
    assert address.endswith(".lambda-url.us-east-1.on.aws/")
    assert url.startswith(f"{strict.endpoint}/_aws/lambda-url/")
    caller = Caller(strict, "both")
    caller.allow_only(*BOTH, on=made["Live"])
    answer = caller.call(f"{strict.api_url(address)}trips/7?a=b", service="lambda")
    assert answer.status == 200
    assert answer.json["function"] == made["Live"]
    assert answer.json["event"]["rawPath"] == "/trips/7"
    assert answer.json["event"]["queryStringParameters"] == {"a": "b"}


@pytest.mark.parametrize("action", BOTH)
def test_one_of_the_two_permissions_is_not_enough(
    strict: LocalCloud, made: dict[str, str], url: str, action: str
) -> None:
    caller = Caller(strict, action.replace(":", "-"))
    caller.allow_only(action, on=made["Live"])
    assert is_refused(caller.call(url, service="lambda"))


def test_permissions_on_the_function_are_none_on_its_alias(
    strict: LocalCloud, made: dict[str, str], url: str
) -> None:
    caller = Caller(strict, "of-the-function")
    caller.allow_only(*BOTH, on=made["Live"].removesuffix(":live"))
    assert is_refused(caller.call(url, service="lambda"))


def test_the_second_permission_may_be_for_calls_through_the_url_alone(
    strict: LocalCloud, made: dict[str, str], url: str
) -> None:
    """As CDK's grant writes it."""
    caller = Caller(strict, "conditions")
    conditions = {
        BOTH[0]: {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}},
        BOTH[1]: {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
    }
    statements = [
        {"Effect": "Allow", "Action": action, "Resource": made["Live"], "Condition": condition}
        for action, condition in conditions.items()
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    strict.client("iam").put_user_policy(UserName="conditions", PolicyName="all", PolicyDocument=document)
    assert caller.call(url, service="lambda").status == 200


@pytest.mark.parametrize("header", [None, "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 nothing", "Bearer token"])
def test_nobody_without_a_signature(url: str, header: str | None) -> None:
    assert is_refused(call(url, headers={"authorization": header} if header else None))


def test_a_function_may_refuse_by_itself(strict: LocalCloud, made: dict[str, str], url: str) -> None:
    caller = Caller(strict, "refused-by-the-function")
    caller.allow_only(*BOTH, on=made["Live"])
    answer = caller.call(f"{url}forbidden", service="lambda")
    assert (answer.status, answer.body) == (403, b"not you")


def test_beyond_the_reserved_concurrency_it_answers_429(
    strict: LocalCloud, made: dict[str, str], url: str
) -> None:
    caller = Caller(strict, "throttled")
    caller.allow_only(*BOTH, on=made["Live"])
    functions = strict.client("lambda")
    functions.put_function_concurrency(FunctionName=made["Function"], ReservedConcurrentExecutions=0)
    try:
        assert caller.call(url, service="lambda").status == 429
    finally:
        functions.delete_function_concurrency(FunctionName=made["Function"])
    assert caller.call(url, service="lambda").status == 200


def test_a_public_one_answers_everybody(strict: LocalCloud) -> None:
    found = stacks.attributes(strict, "public-url", resources(AuthType="NONE"), "Url.FunctionUrl")
    assert call(strict.api_url(found["Url.FunctionUrl"])).status == 200


def test_an_alias_with_weights_shares_its_calls_out(cloud: LocalCloud) -> None:
    found = stacks.attributes(
        cloud, "weighted-url", resources(AuthType="NONE"), "Url.FunctionUrl", "Function"
    )
    functions = cloud.client("lambda")
    functions.update_function_code(
        FunctionName=found["Function"], ZipFile=package(ECHO.replace("200", "201"))
    )
    version = functions.publish_version(FunctionName=found["Function"])["Version"]
    functions.update_alias(
        FunctionName=found["Function"],
        Name="live",
        RoutingConfig={"AdditionalVersionWeights": {version: 0.5}},
    )
    seen = Counter(call(cloud.api_url(found["Url.FunctionUrl"])).status for _ in range(40))
    assert set(seen) == {200, 201}


def package(code: str) -> bytes:
    import io
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", code)
    return packed.getvalue()
