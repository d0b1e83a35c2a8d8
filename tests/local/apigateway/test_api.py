"""APIs in front of a live alias: an app of plain L2s through the CDK CLI, and a contract for each change.

Holds `apigateway/access_logs.py`, `apigateway/answers.py`, `apigateway/callers.py`, `apigateway/permissions.py`,
`apigateway/template_properties.py`, `cloudformation/declared_types.py`, `wafv2/web_acl_association.py`.
"""

import http.client
import json
import shlex
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, APIGatewayRestResolver
from aws_lambda_powertools.utilities.parser.models import (
    APIGatewayProxyEventModel,
    APIGatewayProxyEventV2Model,
)

from constructs_lib.local import LocalCloud
from constructs_lib.local.http_calls import JSON, Answer, Caller, call
from tests.local import api_stacks, stacks
from tests.local.conftest import PROJECT

pytestmark = pytest.mark.cloud

TRIP = b'{"rider":"ada"}'
ECHO = """
import json

def handler(event, context):
    return {"statusCode": 200, "body": context.invoked_function_arn}
"""


def deploy(cloud: LocalCloud, **environment: str) -> dict[str, str]:
    variables = [f"{name}={shlex.quote(value)}" for name, value in environment.items()]
    command = shlex.join([sys.executable, "-m", "tests.local.api_app"])
    return cloud.deploy(app=" ".join([*variables, command]), cwd=PROJECT)["Api"]


@pytest.fixture(scope="module")
def outputs(cloud: LocalCloud) -> dict[str, str]:
    return deploy(cloud, RELEASE="one")


@pytest.fixture(scope="module")
def rest(cloud: LocalCloud, outputs: dict[str, str]) -> str:
    return cloud.api_url(outputs["RestUrl"])


@pytest.fixture(scope="module")
def http_(cloud: LocalCloud, outputs: dict[str, str]) -> str:
    return cloud.api_url(outputs["HttpUrl"])


# --- cloud.py: addresses -------------------------------------------------------------------------------


def test_an_api_answers_at_the_address_from_its_output(
    cloud: LocalCloud, outputs: dict[str, str], rest: str, http_: str
) -> None:
    assert outputs["RestUrl"].endswith(".amazonaws.com/live/")
    assert rest == f"{cloud.endpoint}/_aws/execute-api/{outputs['RestId']}/live/"
    assert http_ == f"{cloud.endpoint}/_aws/execute-api/{outputs['HttpId']}/"
    assert cloud.api_url(outputs["RestUrl"] + "drivers/7") == f"{rest}drivers/7"
    assert call(f"{rest}drivers/7").json["event"]["pathParameters"] == {"driver": "7"}
    assert call(f"{http_}trips", method="POST", body=TRIP).json["event"]["rawPath"] == "/trips"
    assert cloud.api_url(outputs["HttpUrl"].rstrip("/")) == http_


@pytest.mark.parametrize(
    "address", ["https://api.rides.example/v1", "abc123", "https://execute-api.us-east-1.amazonaws.com/"]
)
def test_another_address_is_refused_with_the_way_out(cloud: LocalCloud, address: str) -> None:
    with pytest.raises(ValueError, match="to reach a custom domain, send the request to http://127"):
        cloud.api_url(address)


def test_a_custom_domain_answers_by_its_name(cloud: LocalCloud, outputs: dict[str, str]) -> None:
    answer = call(f"{cloud.endpoint}/v1/drivers/7", headers={"host": "api.rides.example"})
    assert answer.json["event"]["pathParameters"] == {"driver": "7"}
    assert answer.json["event"]["requestContext"]["apiId"] == outputs["RestId"]


# --- declared types, the firewall, weights ---------------------------------------------------


def _resources(cloud: LocalCloud) -> dict[str, dict[str, str]]:
    found = cloud.client("cloudformation").describe_stack_resources(StackName="Api")["StackResources"]
    kinds: dict[str, dict[str, str]] = {}
    for resource in found:
        kinds.setdefault(resource["ResourceType"], {})[resource["LogicalResourceId"]] = resource[
            "PhysicalResourceId"
        ]
    return kinds


def test_requests_reach_the_version_that_the_alias_names(
    cloud: LocalCloud, outputs: dict[str, str], rest: str, http_: str
) -> None:
    def answers() -> set[tuple[str, str]]:
        got = [call(f"{rest}drivers/7"), call(f"{http_}trips", method="POST", body=TRIP)]
        assert all(answer.json["function"].endswith(":function:api-app:live") for answer in got)
        return {(answer.json["release"], answer.json["version"]) for answer in got}

    functions = cloud.client("lambda")
    functions.update_alias(FunctionName="api-app", Name="live", FunctionVersion="1")
    assert answers() == {("one", "1")}
    before = _resources(cloud)

    # A changed handler is deployed and published; the alias stays.
    assert deploy(cloud, RELEASE="two", STABLE="1", MAXIMUM="20") == outputs
    latest = json.load(functions.invoke(FunctionName="api-app", Payload=b"{}")["Payload"])
    assert json.loads(latest["body"])["release"] == "two"
    versions = functions.list_versions_by_function(FunctionName="api-app")["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1", "2"]
    assert answers() == {("one", "1")}

    functions.update_alias(FunctionName="api-app", Name="live", FunctionVersion="2")
    assert answers() == {("two", "2")}

    # The scalable target was updated where it is; the deployment group, which is no longer declared, is gone.
    after = _resources(cloud)
    for kept in ("ScalableTarget", "ScalingPolicy"):
        kind = f"AWS::ApplicationAutoScaling::{kept}"
        assert after[kind] == before[kind]
    assert "AWS::CodeDeploy::DeploymentGroup" in before
    assert "AWS::CodeDeploy::DeploymentGroup" not in after


def test_types_that_nothing_acts_on_have_ids_as_on_aws(cloud: LocalCloud, outputs: dict[str, str]) -> None:
    kinds = _resources(cloud)
    assert list(kinds["AWS::ApplicationAutoScaling::ScalableTarget"].values()) == [
        "function:api-app:live|lambda:function:ProvisionedConcurrency|lambda"
    ]
    [policy] = kinds["AWS::ApplicationAutoScaling::ScalingPolicy"].values()
    assert policy.startswith("arn:aws:autoscaling:us-east-1:000000000000:scalingPolicy:")
    assert "resource/lambda/function:api-app:live:policyName/" in policy


def test_a_release_is_named_updated_and_deleted_as_declared(cloud: LocalCloud) -> None:
    def put(group: str, role: str) -> dict[str, str]:
        declared: dict[str, dict[str, str]] = {
            "Application": {"ApplicationName": "trips", "ComputePlatform": "Lambda"},
            "DeploymentConfig": {"ComputePlatform": "Lambda"},
            "DeploymentGroup": {
                "ApplicationName": "trips",
                "DeploymentGroupName": group,
                "ServiceRoleArn": role,
            },
        }
        resources = {
            name: {"Type": f"AWS::CodeDeploy::{name}", "Properties": properties}
            for name, properties in declared.items()
        }
        return stacks.put(cloud, "codedeploy", resources)

    made = put("live", stacks.ROLE)
    assert made["Application"] == "trips"
    assert made["DeploymentConfig"].startswith("codedeploy-DeploymentConfig-")
    assert made["DeploymentGroup"] == "live"
    assert put("live", f"{stacks.ROLE}-2") == made
    assert put("next", stacks.ROLE) == made | {"DeploymentGroup": "next"}
    cloud.client("cloudformation").delete_stack(StackName="codedeploy")


def test_the_web_acl_of_an_api_is_that_of_the_template(cloud: LocalCloud, outputs: dict[str, str]) -> None:
    firewall = cloud.client("wafv2")
    read = firewall.get_web_acl_for_resource(ResourceArn=outputs["StageArn"])
    assert read["WebACL"]["ARN"] == outputs["AclArn"]
    # Another takes its place, and leaves nothing when its stack goes.
    acl = {
        "Type": "AWS::WAFv2::WebACL",
        "Properties": {
            "Scope": "REGIONAL",
            "DefaultAction": {"Allow": {}},
            "VisibilityConfig": {
                "CloudWatchMetricsEnabled": True,
                "MetricName": "any",
                "SampledRequestsEnabled": False,
            },
        },
    }
    for name in ("First", "Second"):
        stacks.put(
            cloud,
            "firewall",
            {
                "First": acl,
                "Second": acl,
                "Guard": {
                    "Type": "AWS::WAFv2::WebACLAssociation",
                    "Properties": {
                        "ResourceArn": "arn:aws:apigateway:us-east-1::/restapis/any/stages/live",
                        "WebACLArn": {"Fn::GetAtt": [name, "Arn"]},
                    },
                },
            },
        )
        read = firewall.get_web_acl_for_resource(
            ResourceArn="arn:aws:apigateway:us-east-1::/restapis/any/stages/live"
        )
        assert f"-{name}-" in read["WebACL"]["Name"]


# --- template_properties.py: request validation, access logs, an address that is off ------------------------------


@pytest.mark.parametrize("body", [b"{bad", b'{"rider": 7}', b"{}"])
def test_a_body_that_the_model_does_not_allow_is_refused_with_the_request_id(rest: str, body: bytes) -> None:
    answer = call(f"{rest}trips", method="POST", body=body, headers=JSON)
    assert answer.status == 400
    assert answer.json == {"title": "Invalid request body", "id": answer.headers["x-amzn-requestid"]}


def test_a_body_that_the_model_allows_passes(rest: str) -> None:
    assert call(f"{rest}trips", method="POST", body=TRIP, headers=JSON).status == 200


def test_a_validator_is_updated_where_it_is(cloud: LocalCloud) -> None:
    gateway = cloud.client("apigateway")
    for checks in (False, True):
        ids = stacks.put(
            cloud,
            "validator",
            {
                "Rest": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "validator"}},
                "Validator": {
                    "Type": "AWS::ApiGateway::RequestValidator",
                    "Properties": {"RestApiId": {"Ref": "Rest"}, "Name": "v", "ValidateRequestBody": checks},
                },
            },
        )
        [read] = gateway.get_request_validators(restApiId=ids["Rest"])["items"]
        assert (read["id"], read["validateRequestBody"]) == (ids["Validator"], checks)


def test_each_request_is_a_line_of_the_access_log(
    cloud: LocalCloud, outputs: dict[str, str], rest: str
) -> None:
    answers = [call(f"{rest}drivers/7"), call(f"{rest}nothing")]
    groups = [each["logGroupName"] for each in cloud.client("logs").describe_log_groups()["logGroups"]]
    [group] = [name for name in groups if "AccessLog" in name]
    events = cloud.client("logs").filter_log_events(logGroupName=group)["events"]
    lines = {line["requestId"]: line for line in (json.loads(event["message"]) for event in events)}
    for answer, path in zip(answers, ("/drivers/{driver}", "-"), strict=True):
        line = lines[answer.headers["x-amzn-requestid"]]
        assert line["status"] == str(answer.status)
        assert line["responseLength"] == str(len(answer.body))
        assert (line["httpMethod"], line["resourcePath"]) == ("GET", path)


def test_an_api_whose_own_address_is_off_does_not_answer_there(cloud: LocalCloud) -> None:
    function = "arn:aws:lambda:us-east-1:000000000000:function:any"
    for closed, status in ((True, 403), (False, 500)):
        resources = api_stacks.rest_api(function, DisableExecuteApiEndpoint=closed)
        id_ = stacks.put(cloud, "closed", resources)["Rest"]
        answer = call(f"{cloud.endpoint}/_aws/execute-api/{id_}/live/any")
        assert answer.status == status
    assert answer.json == {"message": "Internal server error"}


# --- answers.py ------------------------------------------------------------------------------------


def test_the_function_gets_the_clients_request_id(rest: str, http_: str) -> None:
    answer = call(f"{rest}drivers/7")
    assert answer.json["event"]["requestContext"]["requestId"] == answer.headers["x-amzn-requestid"]
    answer = call(f"{http_}trips", method="POST", body=TRIP)
    assert answer.json["event"]["requestContext"]["requestId"] == answer.headers["apigw-requestid"]


@pytest.mark.parametrize("way", ["fail", "malformed"])
def test_a_client_never_sees_what_a_function_died_of(rest: str, http_: str, way: str) -> None:
    answer = call(f"{rest}drivers/7?{way}=1")
    assert answer.status == 502
    assert answer.json == {"title": "Internal server error", "id": answer.headers["x-amzn-requestid"]}
    if way == "fail":  # an HTTP API makes a response of whatever the function returns
        answer = call(f"{http_}trips?{way}=1", method="POST", body=TRIP)
        assert (answer.status, answer.json) == (500, {"message": "Internal Server Error"})
        assert answer.headers["apigw-requestid"]


def test_a_function_that_may_not_run_is_a_500(cloud: LocalCloud, rest: str, http_: str) -> None:
    functions = cloud.client("lambda")
    functions.put_function_concurrency(FunctionName="api-app", ReservedConcurrentExecutions=0)
    try:
        answers = [call(f"{rest}drivers/7"), call(f"{http_}trips", method="POST", body=TRIP)]
    finally:
        functions.delete_function_concurrency(FunctionName="api-app")
    assert [answer.status for answer in answers] == [500, 500]
    assert answers[0].json["title"] == "Internal server error"


def test_the_events_are_what_powertools_reads(rest: str, http_: str) -> None:
    event = call(f"{rest}drivers/7?day=monday&day=friday").json["event"]
    model = APIGatewayProxyEventModel.model_validate(event)
    assert model.requestContext.domainName
    rest_app = APIGatewayRestResolver()
    rest_app.get("/drivers/<driver>")(lambda driver: {"driver": driver})
    assert json.loads(rest_app.resolve(event, object())["body"]) == {"driver": "7"}  # type: ignore[arg-type]
    assert rest_app.current_event.multi_value_query_string_parameters == {"day": ["monday", "friday"]}

    event = call(f"{http_}trips?day=monday", method="POST", body=TRIP, headers=JSON).json["event"]
    APIGatewayProxyEventV2Model.model_validate(event)
    http_app = APIGatewayHttpResolver()
    http_app.post("/trips")(lambda: http_app.current_event.json_body)
    assert json.loads(http_app.resolve(event, object())["body"]) == {"rider": "ada"}  # type: ignore[arg-type]


# --- permissions.py --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Rest", "Http"])
def test_a_permission_on_the_function_does_not_count_for_its_alias(cloud: LocalCloud, kind: str) -> None:
    name = stacks.put(cloud, f"permission-{kind}", {"Function": stacks.function(ECHO)})["Function"]
    functions = cloud.client("lambda")
    functions.publish_version(FunctionName=name)
    alias = functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")["AliasArn"]
    api = api_stacks.rest_api(alias) if kind == "Rest" else api_stacks.http_api(alias)
    path = "live/any" if kind == "Rest" else "any"

    def answer(*permissions: dict[str, Any]) -> Answer:
        resources = dict(api)
        for permission in permissions:
            resources |= permission
        id_ = stacks.put(cloud, f"permission-{kind}-api", resources)[kind]
        return call(f"{cloud.endpoint}/_aws/execute-api/{id_}/{path}")

    on_function = api_stacks.permission(name, api=kind, logical_id="OnFunction")
    assert answer().status == 500
    assert answer(on_function).status == 500
    got = answer(on_function, api_stacks.permission(alias, api=kind))
    assert (got.status, got.body.decode()) == (200, alias)


# --- callers.py, under enforced IAM -----------------------------------------------------------------


@pytest.fixture(scope="module")
def enforced(state: Any) -> Iterator[LocalCloud]:
    with LocalCloud(state=state, enforce_iam=True) as running:
        yield running


@pytest.mark.parametrize("kind", ["Rest", "Http"])
def test_only_a_caller_with_the_permission_is_served(enforced: LocalCloud, kind: str) -> None:
    name = stacks.put(enforced, f"function-{kind}", {"Function": stacks.function(ECHO)})["Function"]
    make = api_stacks.rest_api if kind == "Rest" else api_stacks.http_api
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    resources = make(arn, authorization="AWS_IAM") | api_stacks.permission(name, api=kind)
    id_ = stacks.put(enforced, f"enforced-{kind}", resources)[kind]
    stage = "live" if kind == "Rest" else "$default"
    url = f"{enforced.endpoint}/_aws/execute-api/{id_}/{stage}/any"
    allowed = f"arn:aws:execute-api:us-east-1:000000000000:{id_}/{stage}/GET/any"

    driver, stranger = Caller(enforced, f"driver-{kind}"), Caller(enforced, f"stranger-{kind}")
    driver.allow_only("execute-api:Invoke", on=allowed)
    stranger.allow_only("execute-api:Invoke", on=allowed.replace("GET", "POST"))
    assert driver.call(url).status == 200
    refused = {
        "unsigned": call(url),
        "without the permission": stranger.call(url),
        "a header of another kind": call(url, headers={"authorization": "Bearer any"}),
        "a signature without a key": call(url, headers={"authorization": "AWS4-HMAC-SHA256 any"}),
    }
    assert {why: answer.status for why, answer in refused.items()} == dict.fromkeys(refused, 403)
    if kind == "Http":
        assert all(answer.json == {"message": "Forbidden"} for answer in refused.values())
    else:
        said = refused["without the permission"]
        assert "is not authorized to perform: execute-api:Invoke" in said.json["Message"]
        assert said.headers["x-amzn-errortype"] == "AccessDeniedException"


# --- the emulator's own, which the documentation speaks of ------------------------------------------------


def test_what_the_emulator_does_by_itself(cloud: LocalCloud, rest: str, http_: str) -> None:
    missing = call(f"{rest}nothing")
    assert (missing.status, missing.json["title"]) == (403, "Missing Authentication Token")
    assert call(f"{http_}nothing").status == 404
    assert call(f"{rest}metered").status == 403
    assert call(f"{rest}metered", headers={"x-api-key": "wrong"}).status == 403
    assert call(f"{rest}metered", headers={"x-api-key": "k" * 20}).status == 200
    event = call(f"{rest}metered", headers={"x-api-key": "k" * 20}).json["event"]
    assert event["stageVariables"] == {"colour": "green"}
    preflight = call(
        f"{rest}trips",
        method="OPTIONS",
        headers={"origin": "https://rides.example", "access-control-request-method": "POST"},
    )
    assert preflight.headers["access-control-allow-origin"] == "https://rides.example"
    # Without enforcement a header is enough, whatever it says.
    assert call(f"{rest}signed").status == 403
    assert call(f"{rest}signed", headers={"authorization": "any"}).status == 200


def test_the_gateway_throttles(cloud: LocalCloud) -> None:
    resources = api_stacks.rest_api("arn:aws:lambda:us-east-1:000000000000:function:any")
    resources["Live"]["Properties"]["MethodSettings"] = [
        {"ResourcePath": "/*", "HttpMethod": "*", "ThrottlingBurstLimit": 2, "ThrottlingRateLimit": 0.01}
    ]
    id_ = stacks.put(cloud, "throttling", resources)["Rest"]
    url = f"{cloud.endpoint}/_aws/execute-api/{id_}/live/any"
    assert [call(url).status for _ in range(4)] == [500, 500, 429, 429]  # there is no such function


def test_a_thousand_requests_fifty_at_a_time(cloud: LocalCloud, rest: str) -> None:
    path = rest.removeprefix(cloud.endpoint) + "trips"
    bodies = [TRIP if number % 10 else b"{bad" for number in range(1000)]
    seen = burst(cloud, path, bodies, at_once=50)
    assert seen == Counter({200: 900, 400: 100})


def burst(cloud: LocalCloud, path: str, bodies: list[bytes], *, at_once: int) -> Counter[int]:
    """Send bodies, so many at once; count what came back."""
    seen: Counter[int] = Counter()
    left = iter(bodies)
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                body = next(left, None)
            if body is None:
                return
            connection = http.client.HTTPConnection(cloud.endpoint.removeprefix("http://"))
            connection.request("POST", path, body, JSON)
            answer = connection.getresponse()
            answer.read()
            connection.close()
            with lock:
                seen[answer.status] += 1

    threads = [threading.Thread(target=work) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen
