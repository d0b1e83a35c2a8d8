"""The promises of FunctionEndpoint, one test each; none rests on a snapshot."""

import json
from typing import Any

import pytest
from aws_cdk import App, Duration, Environment, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from constructs_lib import Authorization, FunctionEndpoint, InvalidPropsError, LiveAlias
from tests.foundation.test_permissions import told
from tests.gallery.api import certificate
from tests.gallery.endpoint import WEB_ACL, bounded
from tests.gallery.parts import live
from tests.gallery.plain_function import function
from tests.template import logical_id, of_type, properties, resource, statements, the, warnings

PUBLIC = Authorization.public()
BY_SIGNATURE = ("lambda:InvokeFunctionUrl", {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}})
THROUGH_THE_URL = ("lambda:InvokeFunction", {"Bool": {"lambda:InvokedViaFunctionUrl": True}})


def permissions(stack: Stack) -> set[tuple[str, str, str]]:
    """Who may do what, and on which condition, by the policy of the function or alias."""
    return {
        (
            each["Principal"],
            each["Action"],
            str(each.get("FunctionUrlAuthType", each.get("InvokedViaFunctionUrl", ""))),
        )
        for each in of_type(stack, "AWS::Lambda::Permission").values()
    }


def configuration(endpoint: FunctionEndpoint) -> dict[str, Any]:
    assert endpoint.distribution is not None
    found: dict[str, Any] = properties(endpoint.distribution)["DistributionConfig"]
    return found


# --- who may call ---------------------------------------------------------------------------------------


def test_the_url_is_that_of_the_alias(stack: Stack) -> None:
    alias = live(stack)
    endpoint = FunctionEndpoint(stack, "Endpoint", alias=alias)
    url = properties(endpoint.function_url)
    assert url["Qualifier"] == "live"
    assert url["TargetFunctionArn"] == {"Fn::GetAtt": [logical_id(alias.lambda_), "Arn"]}
    assert resource(endpoint.function_url)["DependsOn"] == [logical_id(alias)]
    assert stack.resolve(endpoint.url) == {"Fn::GetAtt": [logical_id(endpoint.function_url), "FunctionUrl"]}


def test_nobody_may_call_by_default(stack: Stack) -> None:
    endpoint = FunctionEndpoint(stack, "Endpoint", alias=live(stack))
    assert properties(endpoint.function_url)["AuthType"] == "AWS_IAM"
    assert of_type(stack, "AWS::Lambda::Permission") == {}


def test_a_caller_of_this_account_gets_both_permissions(stack: Stack) -> None:
    alias = live(stack)
    caller = iam.Role(stack, "Caller", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
    FunctionEndpoint(stack, "Endpoint", alias=alias).grant_invoke_url(caller)
    given = [(each["Action"], each["Condition"], each["Resource"]) for each in statements(caller)]
    assert given == [(*each, {"Ref": logical_id(alias)}) for each in (BY_SIGNATURE, THROUGH_THE_URL)]
    assert of_type(stack, "AWS::Lambda::Permission") == {}


THEIRS = "arn:aws:iam::210987654321:role/theirs"


@pytest.mark.parametrize("known_by", ["role", "arn"])
def test_a_caller_of_another_account_gets_both_in_the_policy_of_the_alias(app: App, known_by: str) -> None:
    stack = Stack(app, "Stack", env=Environment(account="123456789012", region="us-east-1"))
    caller: iam.IGrantable = (
        iam.Role.from_role_arn(stack, "Theirs", THEIRS) if known_by == "role" else iam.ArnPrincipal(THEIRS)
    )
    alias = live(stack)
    FunctionEndpoint(stack, "Endpoint", alias=alias).grant_invoke_url(caller)
    assert permissions(stack) == {
        (THEIRS, "lambda:InvokeFunctionUrl", "AWS_IAM"),
        (THEIRS, "lambda:InvokeFunction", "True"),
    }
    names = [each["FunctionName"] for each in of_type(stack, "AWS::Lambda::Permission").values()]
    assert names == [{"Ref": logical_id(alias)}] * 2


def test_the_account_of_a_caller_is_told_what_it_must_allow(app: App) -> None:
    stack = Stack(app, "Stack", env=Environment(account="123456789012", region="us-east-1"))
    endpoint = FunctionEndpoint(stack, "Endpoint", alias=live(stack))
    endpoint.grant_invoke_url(iam.Role.from_role_arn(stack, "Ours", "arn:aws:iam::123456789012:role/ours"))
    assert told(stack) == []
    endpoint.grant_invoke_url(iam.Role.from_role_arn(stack, "Theirs", THEIRS))
    of, needed = zip(*told(stack), strict=True)
    assert of == ("Stack/Theirs", "Stack/Theirs")
    given = sorted((each["Action"], each["Condition"]) for each in needed)
    assert given == sorted((THROUGH_THE_URL, BY_SIGNATURE))


def test_everybody_may_call_when_it_is_chosen(stack: Stack) -> None:
    endpoint = FunctionEndpoint(stack, "Endpoint", alias=bounded(stack), authorization=PUBLIC)
    assert properties(endpoint.function_url)["AuthType"] == "NONE"
    assert permissions(stack) == {
        ("*", "lambda:InvokeFunctionUrl", "NONE"),
        ("*", "lambda:InvokeFunction", "True"),
    }


def test_a_public_endpoint_grants_nothing(stack: Stack) -> None:
    endpoint = FunctionEndpoint(stack, "Endpoint", alias=bounded(stack), authorization=PUBLIC)
    with pytest.raises(
        InvalidPropsError, match=r"grant_invoke_url cannot be combined with Authorization.public"
    ):
        endpoint.grant_invoke_url(iam.ArnPrincipal(THEIRS))


def test_only_a_principal_is_granted(stack: Stack) -> None:
    endpoint = FunctionEndpoint(stack, "Endpoint", alias=live(stack))
    with pytest.raises(InvalidPropsError, match="grantee must be a role, function or user, got 'theirs'"):
        endpoint.grant_invoke_url("theirs")  # type: ignore[arg-type]


@pytest.mark.parametrize("reserved", ["disabled", 5, "a token"])
def test_any_reserved_concurrency_will_do(stack: Stack, reserved: Any) -> None:
    from aws_cdk import CfnParameter

    if reserved == "a token":
        reserved = CfnParameter(stack, "Reserved", type="Number").value_as_number
    if reserved == "disabled":
        alias = bounded(stack, reserved_concurrent_executions=None, disabled=True)
    else:
        alias = bounded(stack, reserved_concurrent_executions=reserved)
    FunctionEndpoint(stack, "Endpoint", alias=alias, authorization=PUBLIC)


def imported(stack: Stack) -> lambda_.IAlias:
    theirs = lambda_.Function.from_function_attributes(
        stack,
        "Theirs",
        function_arn="arn:aws:lambda:us-east-1:123456789012:function:theirs",
        same_environment=True,
    )
    version = lambda_.Version.from_version_attributes(stack, "Version", lambda_=theirs, version="7")
    return lambda_.Alias.from_alias_attributes(stack, "Live", alias_name="live", alias_version=version)


def test_the_concurrency_of_an_imported_function_is_asked_for(app: App) -> None:
    stack = Stack(app, "Stack", env=Environment(account="123456789012", region="us-east-1"))
    FunctionEndpoint(stack, "Endpoint", alias=imported(stack), authorization=PUBLIC)
    (warning,) = warnings(stack)
    assert warning.startswith("Everybody on the internet may call function Stack/Theirs, which is imported.")


# --- Regions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("region", "warned"), [("eu-central-2", True), ("eu-central-1", False)])
def test_a_region_without_function_urls_is_named(app: App, region: str, warned: bool) -> None:
    stack = Stack(app, "Stack", env=Environment(account="123456789012", region=region))
    FunctionEndpoint(stack, "Endpoint", alias=live(stack))
    found = [each for each in warnings(stack) if f"Region {region} had no function URLs" in each]
    assert bool(found) is warned


# --- responses ------------------------------------------------------------------------------------------


def test_responses_are_buffered_unless_asked_for(stack: Stack) -> None:
    endpoint = FunctionEndpoint(stack, "Endpoint", alias=live(stack))
    assert "InvokeMode" not in properties(endpoint.function_url)


@pytest.mark.parametrize("by", ["an adapter", "node", "its own runtime", "an image"])
def test_what_streams_may_stream(stack: Stack, by: str) -> None:
    code = lambda_.Code.from_inline("exports.handler = () => {}")
    if by == "an adapter":
        behind: lambda_.Function = function(stack)
        behind.add_environment("AWS_LAMBDA_EXEC_WRAPPER", "/opt/bootstrap")
    elif by == "node":
        behind = lambda_.Function(
            stack, "Node", runtime=lambda_.Runtime.NODEJS_24_X, handler="index.handler", code=code
        )
    elif by == "its own runtime":
        asset = lambda_.Code.from_asset("tests/handlers/plain")
        behind = lambda_.Function(
            stack, "Own", runtime=lambda_.Runtime.PROVIDED_AL2023, handler="any", code=asset
        )
    else:
        images = ecr.Repository.from_repository_name(stack, "Images", "images")
        behind = lambda_.Function(
            stack,
            "Image",
            runtime=lambda_.Runtime.FROM_IMAGE,
            handler=lambda_.Handler.FROM_IMAGE,
            code=lambda_.Code.from_ecr_image(images),
        )
    alias = lambda_.Alias(stack, "Alias", alias_name="live", version=behind.current_version)
    endpoint = FunctionEndpoint(stack, "Endpoint", alias=alias, response_streaming=True)
    assert properties(endpoint.function_url)["InvokeMode"] == "RESPONSE_STREAM"


def test_no_page_may_call_by_default(stack: Stack) -> None:
    endpoint = FunctionEndpoint(stack, "Endpoint", alias=live(stack))
    assert "Cors" not in properties(endpoint.function_url)


def test_a_page_may_call_with_each_method_and_a_signature(stack: Stack) -> None:
    origins = ["https://app.example.com"]
    endpoint = FunctionEndpoint(
        stack, "Endpoint", alias=live(stack), cors_origins=origins, cors_credentials=True
    )
    assert properties(endpoint.function_url)["Cors"] == {
        "AllowOrigins": origins,
        "AllowMethods": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        "AllowHeaders": [
            "Authorization",
            "Content-Type",
            "X-Amz-Content-Sha256",
            "X-Amz-Date",
            "X-Amz-Security-Token",
        ],
        "AllowCredentials": True,
        "MaxAge": 600,
    }


# --- CloudFront -----------------------------------------------------------------------------------------


def behind_cloudfront(stack: Stack, **arguments: Any) -> FunctionEndpoint:
    return FunctionEndpoint(
        stack, "Endpoint", alias=bounded(stack), authorization=PUBLIC, cloudfront=True, **arguments
    )


def test_the_distribution_alone_may_call(stack: Stack) -> None:
    endpoint = behind_cloudfront(stack)
    assert properties(endpoint.function_url)["AuthType"] == "AWS_IAM"
    assert permissions(stack) == {
        ("cloudfront.amazonaws.com", "lambda:InvokeFunctionUrl", ""),
        ("cloudfront.amazonaws.com", "lambda:InvokeFunction", "True"),
    }
    of_the_distribution_alone(endpoint)
    access = the(stack, "AWS::CloudFront::OriginAccessControl")["OriginAccessControlConfig"]
    # CloudFront is one for all Regions of an account, and the name unique in it.
    assert {"Ref": "AWS::Region"} in access["Name"]["Fn::Join"][1] or "us-east-1" in str(access["Name"])
    assert (access["OriginAccessControlOriginType"], access["SigningBehavior"]) == ("lambda", "always")
    assert "OriginAccessControlId" in configuration(endpoint)["Origins"][0]


def test_the_second_permission_is_added_where_cdk_leaves_it_out(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As aws-cdk-lib 2.262 does, the oldest that is supported; this origin gives no permission at all."""
    plain = lambda url, **settings: origins.FunctionUrlOrigin(url)  # noqa: E731
    monkeypatch.setattr(origins.FunctionUrlOrigin, "with_origin_access_control", plain)
    endpoint = behind_cloudfront(stack)
    assert permissions(stack) == {("cloudfront.amazonaws.com", "lambda:InvokeFunction", "True")}
    of_the_distribution_alone(endpoint)


def of_the_distribution_alone(endpoint: FunctionEndpoint) -> None:
    assert endpoint.distribution is not None
    for each in of_type(Stack.of(endpoint), "AWS::Lambda::Permission").values():
        assert each["FunctionName"] == {"Fn::GetAtt": [logical_id(endpoint.function_url), "FunctionArn"]}
        assert each["SourceArn"]["Fn::Join"][1][-2:] == [
            ":distribution/",
            {"Ref": logical_id(endpoint.distribution)},
        ]


def test_requests_arrive_whole_over_https_and_nothing_is_kept(stack: Stack) -> None:
    behaviour = configuration(behind_cloudfront(stack))["DefaultCacheBehavior"]
    assert behaviour["ViewerProtocolPolicy"] == "https-only"
    assert behaviour["CachePolicyId"] == cloudfront.CachePolicy.CACHING_DISABLED.cache_policy_id
    policy = cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER
    assert behaviour["OriginRequestPolicyId"] == policy.origin_request_policy_id
    assert set(behaviour["AllowedMethods"]) == {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"}


def test_cloudfront_waits_longer_than_the_function_runs(stack: Stack) -> None:
    endpoint = FunctionEndpoint(
        stack,
        "Endpoint",
        alias=bounded(stack, timeout=Duration.seconds(120)),
        authorization=PUBLIC,
        cloudfront=True,
    )
    assert configuration(endpoint)["Origins"][0]["CustomOriginConfig"]["OriginReadTimeout"] == 120


def test_the_address_is_that_of_the_distribution(stack: Stack) -> None:
    endpoint = behind_cloudfront(stack)
    assert endpoint.distribution is not None
    name = {"Fn::GetAtt": [logical_id(endpoint.distribution), "DomainName"]}
    assert stack.resolve(endpoint.url) == {"Fn::Join": ["", ["https://", name, "/"]]}


def test_a_domain_has_tls_1_2_or_newer(stack: Stack) -> None:
    endpoint = behind_cloudfront(stack, domain_name="files.example.com", certificate=certificate(stack))
    assert endpoint.url == "https://files.example.com/"
    assert configuration(endpoint)["Aliases"] == ["files.example.com"]
    assert configuration(endpoint)["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"


def test_the_web_acl_is_in_front(stack: Stack) -> None:
    assert configuration(behind_cloudfront(stack, web_acl_arn=WEB_ACL))["WebACLId"] == WEB_ACL


def test_it_answers_from_the_cheapest_places_unless_asked_for(stack: Stack) -> None:
    assert configuration(behind_cloudfront(stack))["PriceClass"] == "PriceClass_100"


def test_it_answers_from_more_places(stack: Stack) -> None:
    endpoint = behind_cloudfront(stack, price_class=cloudfront.PriceClass.PRICE_CLASS_200)
    assert configuration(endpoint)["PriceClass"] == "PriceClass_200"


def test_a_certificate_may_be_in_another_region_than_the_function(app: App) -> None:
    stack = Stack(app, "Stack", env=Environment(account="123456789012", region="eu-west-1"))
    behind_cloudfront(stack, domain_name="files.example.com", certificate=certificate(stack))
    made = Stack(app, "Made", env=Environment(account="123456789012", region="eu-west-1"))
    request = acm.Certificate(made, "Certificate", domain_name="a.example")
    with pytest.raises(
        InvalidPropsError, match=r"must be in Region us-east-1, .* Made/Certificate in eu-west-1"
    ):
        behind_cloudfront(made, domain_name="a.example", certificate=request)


# --- alarms ---------------------------------------------------------------------------------------------


def test_alarms_watch_the_url_of_the_alias(stack: Stack) -> None:
    alias = live(stack)
    endpoint = FunctionEndpoint(stack, "Endpoint", alias=alias, latency_threshold=Duration.seconds(1))
    name = {"Ref": logical_id(alias.lambda_)}
    dimensions = [
        {"Name": "FunctionName", "Value": name},
        {"Name": "Resource", "Value": {"Fn::Join": ["", [name, ":live"]]}},
    ]
    errors = properties(endpoint.server_errors_alarm)
    assert errors["Threshold"] == 1
    metrics = {each["Id"]: each for each in errors["Metrics"]}
    assert metrics["expr_1"]["Expression"] == "100 * errors / requests"
    for metric, watched in (("errors", "Url5xxCount"), ("requests", "UrlRequestCount")):
        stat = metrics[metric]["MetricStat"]
        assert (stat["Metric"]["MetricName"], stat["Stat"]) == (watched, "Sum")
        assert stat["Metric"]["Dimensions"] == dimensions
    latency = properties(endpoint.latency_alarm)
    assert (latency["MetricName"], latency["Statistic"]) == ("UrlRequestLatency", "Average")
    assert (latency["Threshold"], latency["Dimensions"]) == (1000, dimensions)
    topic = {"Ref": logical_id(endpoint.alarm_topic)}
    assert errors["AlarmActions"] == latency["AlarmActions"] == [topic]


def test_an_alias_without_alarms_gets_them(stack: Stack) -> None:
    endpoint = FunctionEndpoint(stack, "Endpoint", alias=bounded(stack, provisioned=2))
    assert endpoint.throttles_alarm is not None
    assert endpoint.spillover_alarm is not None
    assert properties(endpoint.throttles_alarm)["MetricName"] == "Throttles"


def test_a_live_alias_keeps_its_own(stack: Stack) -> None:
    watched = LiveAlias(stack, "Live", function=function(stack), provisioned_concurrency=1)
    endpoint = FunctionEndpoint(stack, "Endpoint", alias=watched.alias)
    assert endpoint.throttles_alarm is None
    assert endpoint.spillover_alarm is None


def test_its_alarms_may_roll_a_release_back(stack: Stack) -> None:
    """They do not wait for the alias, which waits for them."""
    released = LiveAlias(stack, "Live", function=function(stack))
    endpoint = FunctionEndpoint(stack, "Endpoint", alias=released.alias)
    released.add_rollback_alarm(endpoint.server_errors_alarm)
    assert logical_id(released.alias) not in json.dumps(resource(endpoint.server_errors_alarm))


def test_a_release_that_waits_for_the_endpoints_stack_is_seen(app: App) -> None:
    of_function, of_endpoint = Stack(app, "Functions"), Stack(app, "Endpoints")
    worker = function(of_function)
    alarm = worker.metric_errors().create_alarm(of_endpoint, "Alarm", threshold=1, evaluation_periods=1)
    released = LiveAlias(of_function, "Live", function=worker, rollback_alarms=[alarm])
    with pytest.raises(InvalidPropsError, match="alias must not be one whose release waits for an alarm"):
        FunctionEndpoint(of_endpoint, "Endpoint", alias=released.alias)
