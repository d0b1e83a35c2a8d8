"""The promises of ProvisionedApi, one test each; none rests on a snapshot."""

import json
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import cdk_nag
import pytest
from aws_cdk import App, Duration, Environment, Size, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns

from constructs_lib import Authorization, InvalidPropsError, LiveAlias, ProvisionedApi, Route, UsagePlan
from tests.gallery.api import TRIP, alias, certificate, client, user_pool, zone
from tests.gallery.plain_function import function
from tests.template import logical_id, of_type, properties, resource, template, the

KINDS = pytest.mark.parametrize("http", [False, True], ids=["REST", "HTTP"])


def api(stack: Stack, **arguments: Any) -> ProvisionedApi:
    """An API that is right, but for what a test says of it."""
    given: dict[str, Any] = {"authorization": Authorization.iam()}
    given |= arguments
    if "routes" not in given:
        given["routes"] = {"POST /trips": alias(stack)}
    return ProvisionedApi(stack, "Api", **given)


def references(value: Any) -> set[str]:
    """Logical ids that a value refers to, however deep."""
    if isinstance(value, dict):
        if "Ref" in value:
            return {value["Ref"]}
        if "Fn::GetAtt" in value:
            return {value["Fn::GetAtt"][0]}
        return set().union(*(references(each) for each in value.values()))
    if isinstance(value, list):
        return set().union(*(references(each) for each in value))
    return set()


def joined(value: Any) -> str:
    """A Fn::Join as one text, references in angle brackets."""
    if isinstance(value, str):
        return value
    if "Ref" in value:
        return f"<{value['Ref']}>"
    delimiter, parts = value["Fn::Join"]
    return str(delimiter).join(joined(part) for part in parts)


@pytest.mark.parametrize("authorization", [Authorization.iam(), Authorization.public()])
def test_an_open_method_that_you_add_is_found(stack: Stack, authorization: Authorization) -> None:
    """What is acknowledged for all routes of an API at once does not cover a method without authorization."""
    made = api(stack, authorization=authorization)
    assert made.rest_api is not None
    assert "AwsSolutions-APIG4" not in findings(stack)
    made.rest_api.root.add_method("GET")
    assert "AwsSolutions-APIG4" in findings(stack)


def findings(stack: Stack) -> set[str]:
    """The rules of cdk-nag that find something."""
    report = cdk_nag.AwsSolutionsChecks(stack).validate_scope(stack)
    return {violation.rule_name for violation in report.violations}


def test_a_timeout_that_was_changed_since_another_api_is_seen(stack: Stack) -> None:
    live = alias(stack)
    api(stack, routes={"POST /trips": live})
    changed = live.lambda_.node.default_child
    assert isinstance(changed, lambda_.CfnFunction)
    changed.timeout = 300
    with pytest.raises(InvalidPropsError, match="got 300"):
        ProvisionedApi(stack, "Other", routes={"POST /trips": live}, authorization=Authorization.iam())


# --- nothing but aliases -------------------------------------------------------------------------------


@KINDS
def test_from_the_api_to_the_version(stack: Stack, http: bool) -> None:
    """API -> route -> integration -> alias -> version: each followed by its reference."""
    live = alias(stack)
    made = api(stack, routes={"POST /trips": live}, http=http)
    resources = template(stack)["Resources"]
    if http:
        route = properties(made.http_routes["POST /trips"])
        (integration,) = references(route["Target"])
        (target,) = references(resources[integration]["Properties"]["IntegrationUri"])
        assert references(route["ApiId"]) == {logical_id(made.http_api)}
    else:
        method = properties(made.methods["POST /trips"])
        (target,) = references(method["Integration"]["Uri"]) - {"AWS::Partition", "AWS::Region"}
        assert references(method["RestApiId"]) == {logical_id(made.rest_api)}
    assert resources[target]["Type"] == "AWS::Lambda::Alias"
    assert target == logical_id(live)
    (version,) = references(resources[target]["Properties"]["FunctionVersion"])
    assert resources[version]["Type"] == "AWS::Lambda::Version"


@KINDS
def test_each_route_has_its_alias(stack: Stack, http: bool) -> None:
    accept, earnings = alias(stack, "Accept"), alias(stack, "Earnings")
    made = api(
        stack,
        routes={"POST /trips": accept, "GET /drivers/{driver_id}/earnings": Route(alias=earnings)},
        http=http,
    )
    resources = template(stack)["Resources"]
    parts = made.http_routes if http else made.methods
    for key, live in (("POST /trips", accept), ("GET /drivers/{driver_id}/earnings", earnings)):
        route = properties(parts[key])
        uri = route["Integration"]["Uri"] if not http else None
        if http:
            (integration,) = references(route["Target"])
            uri = resources[integration]["Properties"]["IntegrationUri"]
        assert logical_id(live) in references(uri)


@pytest.mark.parametrize(
    ("http", "stage", "path"),
    [
        (False, "<ApiRestApiDeploymentStageprodE828476C>", "POST/trips"),
        (True, "$default", "POST/trips"),
    ],
    ids=["REST", "HTTP"],
)
def test_the_api_may_call_the_alias_for_its_route_alone(
    stack: Stack, http: bool, stage: str, path: str
) -> None:
    """One statement: the API, its stage, the method and the path; none for the console's test button."""
    live = alias(stack)
    made = api(stack, routes={"POST /trips": live}, http=http)
    permission = the(stack, "AWS::Lambda::Permission")
    assert permission["FunctionName"] == {"Ref": logical_id(live)}
    assert permission["Principal"] == "apigateway.amazonaws.com"
    the_api = logical_id(made.http_api if http else made.rest_api)
    assert joined(permission["SourceArn"]) == (
        f"arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<{the_api}>/{stage}/{path}"
    )


@KINDS
@pytest.mark.parametrize(
    ("route", "end"),
    [
        ("GET /drivers/{driver_id}/earnings", "/GET/drivers/*/earnings"),
        ("ANY /files/{file+}", "/*/files/*"),
        ("GET /", "/GET/"),
    ],
)
def test_a_variable_stands_for_all_of_its_values(stack: Stack, http: bool, route: str, end: str) -> None:
    api(stack, routes={route: alias(stack)}, http=http)
    arn = joined(the(stack, "AWS::Lambda::Permission")["SourceArn"])
    assert arn.endswith(end)
    assert arn.removesuffix(end).endswith("$default" if http else ">")


@KINDS
def test_a_lambda_authorizer_is_called_at_its_alias(stack: Stack, http: bool) -> None:
    decides = alias(stack, "Decides")
    api(stack, authorization=Authorization.lambda_authorizer(decides), http=http)
    kind = "AWS::ApiGatewayV2::Authorizer" if http else "AWS::ApiGateway::Authorizer"
    ((authorizer, given),) = of_type(stack, kind).items()
    assert logical_id(decides) in references(given["AuthorizerUri"])
    (allowed,) = [
        permission
        for permission in of_type(stack, "AWS::Lambda::Permission").values()
        if permission["FunctionName"] == {"Ref": logical_id(decides)}
    ]
    assert joined(allowed["SourceArn"]).endswith(f"/authorizers/<{authorizer}>")


# --- who may call --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("authorization", "said"),
    [
        (lambda stack: Authorization.iam(), "AWS_IAM"),
        (lambda stack: Authorization.public(), "NONE"),
        (lambda stack: Authorization.cognito(user_pool(stack)), "COGNITO_USER_POOLS"),
        (lambda stack: Authorization.lambda_authorizer(alias(stack, "Decides")), "CUSTOM"),
    ],
    ids=["IAM", "public", "Cognito", "Lambda"],
)
def test_rest_callers_are_authorized(stack: Stack, authorization: Any, said: str) -> None:
    made = api(stack, authorization=authorization(stack))
    method = properties(made.methods["POST /trips"])
    assert method["AuthorizationType"] == said
    with_authorizer = said in ("COGNITO_USER_POOLS", "CUSTOM")
    assert ("AuthorizerId" in method) == with_authorizer == (len(made.authorizers) == 1)


@pytest.mark.parametrize(
    ("authorization", "said"),
    [
        (lambda stack: Authorization.iam(), "AWS_IAM"),
        (lambda stack: Authorization.public(), "NONE"),
        (lambda stack: Authorization.cognito(user_pool(stack), clients=[client(stack)]), "JWT"),
        (lambda stack: Authorization.jwt(issuer="https://example.com/", audience=["trips"]), "JWT"),
        (lambda stack: Authorization.lambda_authorizer(alias(stack, "Decides")), "CUSTOM"),
    ],
    ids=["IAM", "public", "Cognito", "JWT", "Lambda"],
)
def test_http_callers_are_authorized(stack: Stack, authorization: Any, said: str) -> None:
    made = api(stack, authorization=authorization(stack), http=True)
    route = properties(made.http_routes["POST /trips"])
    assert route["AuthorizationType"] == said
    assert ("AuthorizerId" in route) == (said in ("JWT", "CUSTOM"))


def test_tokens_are_those_of_the_issuer_and_audience(stack: Stack) -> None:
    api(
        stack,
        authorization=Authorization.jwt(issuer="https://example.com/", audience=["trips"], scopes=["write"]),
        http=True,
    )
    authorizer = the(stack, "AWS::ApiGatewayV2::Authorizer")
    assert authorizer["JwtConfiguration"] == {"Audience": ["trips"], "Issuer": "https://example.com/"}
    assert the(stack, "AWS::ApiGatewayV2::Route")["AuthorizationScopes"] == ["write"]


@KINDS
def test_a_route_has_an_authorization_of_its_own(stack: Stack, http: bool) -> None:
    live = alias(stack)
    made = api(
        stack,
        routes={"POST /trips": live, "GET /health": Route(alias=live, authorization=Authorization.public())},
        http=http,
    )
    parts = made.http_routes if http else made.methods
    said = {key: properties(part)["AuthorizationType"] for key, part in parts.items()}
    assert said == {"POST /trips": "AWS_IAM", "GET /health": "NONE"}


def test_routes_with_other_scopes_share_an_authorizer(stack: Stack) -> None:
    live, users = alias(stack), user_pool(stack)
    made = api(
        stack,
        routes={
            "GET /trips": live,
            "POST /trips": Route(alias=live, authorization=Authorization.cognito(users, scopes=["write"])),
        },
        authorization=Authorization.cognito(users, scopes=["read"]),
    )
    assert len(of_type(stack, "AWS::ApiGateway::Authorizer")) == 1
    scopes = {key: properties(made.methods[key])["AuthorizationScopes"] for key in made.methods}
    assert scopes == {"GET /trips": ["read"], "POST /trips": ["write"]}


def test_answers_of_an_authorizer_are_not_cached_by_default(stack: Stack) -> None:
    api(stack, authorization=Authorization.lambda_authorizer(alias(stack, "Decides")))
    assert the(stack, "AWS::ApiGateway::Authorizer")["AuthorizerResultTtlInSeconds"] == 0


@pytest.mark.parametrize(
    ("ttl", "sources"),
    [
        (None, ["$request.header.Authorization"]),
        (Duration.minutes(5), ["$request.header.Authorization", "$context.routeKey"]),
    ],
)
def test_an_answer_for_one_route_serves_no_other(
    stack: Stack, ttl: Duration | None, sources: list[str]
) -> None:
    decides = Authorization.lambda_authorizer(alias(stack, "Decides"), cache_ttl=ttl)
    api(stack, authorization=decides, http=True)
    authorizer = the(stack, "AWS::ApiGatewayV2::Authorizer")
    assert authorizer["IdentitySource"] == sources
    assert authorizer["AuthorizerResultTtlInSeconds"] == (300 if ttl else 0)
    assert authorizer["EnableSimpleResponses"] is True


def may_call(stack: Stack, role: iam.Role, stage: str) -> Callable[[str, str], bool]:
    """What IAM answers for a method and path: an ARN's * goes across slashes, and a denial wins."""
    reference = {"Ref": logical_id(role)}
    statements = [
        statement
        for policy in of_type(stack, "AWS::IAM::Policy").values()
        if reference in policy["Roles"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]

    def answer(method: str, path: str) -> bool:
        effects = set()
        for statement in statements:
            assert statement["Action"] == "execute-api:Invoke"
            arns = statement["Resource"]
            for arn in arns if isinstance(arns, list) else [arns]:
                _, _, pattern = joined(arn).partition(f"/{stage}/")
                assert pattern, joined(arn)
                if fnmatchcase(f"{method}{path}", pattern):
                    effects.add(statement["Effect"])
        return effects == {"Allow"}

    return answer


ROUTES = (
    "ANY /files",
    "GET /",
    "GET /drivers/{driver_id}",
    "GET /drivers/{driver_id}/earnings",
    "GET /drivers/{driver_id}/trips/{trip_id}",
    "GET /drivers/latest",
    "GET /files",
    "GET /files/list",
    "GET /files/{file+}",
    "GET /trips/{trip_id}",
    "POST /drivers/{driver_id}/earnings",
)


@KINDS
@pytest.mark.parametrize(
    ("granted", "allowed", "refused"),
    [
        (["GET /drivers/{driver_id}"], ["GET /drivers/7"],
         ["GET /drivers/7/earnings", "GET /drivers/7/trips/3", "GET /drivers/latest", "POST /drivers/7", "GET /"]),
        (["GET /drivers/{driver_id}", "GET /drivers/{driver_id}/earnings"],
         ["GET /drivers/7", "GET /drivers/7/earnings"], ["GET /drivers/7/trips/3", "POST /drivers/7/earnings"]),
        (["GET /drivers/{driver_id}/earnings"], ["GET /drivers/7/earnings"], ["GET /drivers/7", "GET /trips/7"]),
        (["ANY /files"], ["POST /files", "DELETE /files"], ["GET /files", "GET /a/files", "POST /a/files"]),
        (["GET /files/{file+}"], ["GET /files/a", "GET /files/a/b"], ["GET /files", "GET /files/list", "GET /trips/a"]),
        (list(ROUTES), ["GET /drivers/7/trips/3", "GET /drivers/latest", "GET /", "GET /files"], ["PUT /trips/7"]),
    ],
    ids=["a variable", "a variable and what is below", "below", "ANY", "greedy", "all"],
)  # fmt: skip
def test_a_caller_is_granted_routes_and_nothing_below_them(
    stack: Stack, http: bool, granted: list[str], allowed: list[str], refused: list[str]
) -> None:
    made = api(stack, routes=dict.fromkeys(ROUTES, alias(stack)), http=http)
    role = iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal())
    made.grant_invoke(role, *granted)
    may = may_call(stack, role, "$default" if http else f"<{logical_id(made.stage)}>")
    assert [request for request in allowed if not may(*request.split())] == []
    assert [request for request in refused if may(*request.split())] == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["above first", "below first"])
def test_what_is_granted_in_two_calls_is_granted(stack: Stack, order: tuple[int, int]) -> None:
    """A denial cannot be taken back, so the call that would need it is refused and says how."""
    above, below = "GET /drivers/{driver_id}", "GET /drivers/{driver_id}/earnings"
    made = api(stack, routes=dict.fromkeys((above, below), alias(stack)))
    role = iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal())
    first, second = (((above, below))[number] for number in order)
    made.grant_invoke(role, first)
    if first == above:
        with pytest.raises(
            InvalidPropsError, match=r"must name GET .*/earnings together with .* to Stack/Caller"
        ):
            made.grant_invoke(role, second)
        return
    made.grant_invoke(role, second)
    may = may_call(stack, role, f"<{logical_id(made.stage)}>")
    assert may("GET", "/drivers/7")
    assert may("GET", "/drivers/7/earnings")


def test_a_function_is_one_caller_in_all_of_its_grants(stack: Stack) -> None:
    """The role is another Python object each time that it is read."""
    above, below = "GET /drivers/{driver_id}", "GET /drivers/{driver_id}/earnings"
    made = api(stack, routes=dict.fromkeys((above, below), alias(stack)))
    caller = lambda_.Function(
        stack,
        "Caller",
        runtime=lambda_.Runtime.NODEJS_22_X,
        handler="index.handle",
        code=lambda_.Code.from_inline("exports.handle = async () => 1"),
    )
    made.grant_invoke(caller, above)
    with pytest.raises(InvalidPropsError, match="together with"):
        made.grant_invoke(caller, below)
    other = iam.Role(stack, "Other", assumed_by=iam.AccountRootPrincipal())
    made.grant_invoke(other, below)


@pytest.mark.parametrize(("granted", "request_"), [("/trips/{trip_id}", "/trips/7"), ("/{trip_id}", "/7")])
def test_routes_with_the_same_arn_get_a_warning(stack: Stack, granted: str, request_: str) -> None:
    """A statement that denies the rest would deny what is granted."""
    made = api(stack, routes=dict.fromkeys((f"GET {granted}", "GET /{rest+}"), alias(stack)), http=True)
    role = iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal())
    made.grant_invoke(role, f"GET {granted}")
    (warning,) = [
        str(entry.data)
        for entry in made.node.metadata
        if entry.type == "aws:cdk:warning" and "grant" in str(entry.data)
    ]
    assert "also lets the caller reach GET /{rest+}" in warning
    assert may_call(stack, role, "$default")("GET", request_)


@pytest.mark.parametrize(
    ("granted", "allowed", "refused"),
    [
        ("GET /{tenant}/users", "/beta/users", "/acme/users"),
        ("GET /acme/{resource}", "/acme/users", "/beta/users"),
        ("GET /acme/{resource}", "/acme/latest", "/beta/latest"),
    ],
)
def test_of_two_routes_that_match_the_more_exact_one_answers(
    stack: Stack, granted: str, allowed: str, refused: str
) -> None:
    made = api(stack, routes=dict.fromkeys(("GET /{tenant}/users", "GET /acme/{resource}"), alias(stack)))
    role = iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal())
    made.grant_invoke(role, granted)
    may = may_call(stack, role, f"<{logical_id(made.stage)}>")
    assert may("GET", allowed)
    assert not may("GET", refused)
    assert [str(entry.data) for entry in made.node.metadata if "reaches-more" in str(entry.data)] == []


def test_routes_without_iam_are_not_denied(stack: Stack) -> None:
    """A permission has no effect on them."""
    live = alias(stack)
    public = Route(alias=live, authorization=Authorization.public())
    made = api(stack, routes={"GET /trips/{trip_id}": live, "GET /trips/{trip_id}/fare": public})
    role = iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal())
    made.grant_invoke(role, "GET /trips/{trip_id}")
    (policy,) = [
        policy
        for policy in of_type(stack, "AWS::IAM::Policy").values()
        if policy["Roles"] == [{"Ref": logical_id(role)}]
    ]
    assert [statement["Effect"] for statement in policy["PolicyDocument"]["Statement"]] == ["Allow"]


def test_a_caller_is_granted_all_routes_with_iam(stack: Stack) -> None:
    live = alias(stack)
    public = Route(alias=live, authorization=Authorization.public())
    made = api(stack, routes={"POST /trips": live, "GET /trips": live, "GET /health": public})
    role = iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal())
    made.grant_invoke(role)
    (statement,) = [
        statement
        for policy in of_type(stack, "AWS::IAM::Policy").values()
        if policy["Roles"] == [{"Ref": logical_id(role)}]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    assert [joined(arn).split(">/")[-1] for arn in statement["Resource"]] == ["POST/trips", "GET/trips"]


@pytest.mark.parametrize("route", ["GET /health", "GET /nowhere"])
def test_nobody_is_granted_what_iam_does_not_decide(stack: Stack, route: str) -> None:
    live = alias(stack)
    public = Route(alias=live, authorization=Authorization.public())
    made = api(stack, routes={"POST /trips": live, "GET /health": public})
    with pytest.raises(InvalidPropsError, match=f"which are POST /trips, got {route}"):
        made.grant_invoke(iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal()), route)


def test_nobody_is_granted_a_public_api(stack: Stack) -> None:
    made = api(stack, authorization=Authorization.public())
    with pytest.raises(
        InvalidPropsError, match="requires routes with IAM authorization, and this API has none"
    ):
        made.grant_invoke(iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal()))


# --- how much ------------------------------------------------------------------------------------------


def test_a_rest_stage_is_throttled(stack: Stack) -> None:
    api(stack)
    (settings,) = the(stack, "AWS::ApiGateway::Stage")["MethodSettings"]
    assert (settings["ResourcePath"], settings["HttpMethod"]) == ("/*", "*")
    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == (1000, 500)


def throttled(stack: Stack) -> dict[tuple[str, str], dict[str, Any]]:
    """The settings of each method of a REST API."""
    return {
        (each["ResourcePath"], each["HttpMethod"]): each
        for each in the(stack, "AWS::ApiGateway::Stage")["MethodSettings"]
    }


def test_a_rest_route_is_throttled_by_itself(stack: Stack) -> None:
    """The settings of a route replace all of the stage's, so they repeat the rest."""
    live = alias(stack)
    routes = {"POST /trips": live, "GET /trips/{trip_id}": Route(alias=live, throttling_rate_limit=5)}
    api(stack, routes=routes, detailed_metrics=True)
    settings = throttled(stack)
    assert set(settings) == {("/*", "*"), ("/~1trips~1{trip_id}", "GET")}
    one = settings["/~1trips~1{trip_id}", "GET"]
    assert (one["ThrottlingRateLimit"], one["ThrottlingBurstLimit"], one["MetricsEnabled"]) == (5, 500, True)


ALL_METHODS = {"GET", "DELETE", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}


@pytest.mark.parametrize(
    ("others", "arguments", "methods"),
    [
        ([], {}, ALL_METHODS),
        (["GET /", "POST /"], {}, ALL_METHODS - {"GET", "POST"}),
        (["GET /below"], {}, ALL_METHODS),
        ([], {"cors_origins": ["*"]}, ALL_METHODS - {"OPTIONS"}),
    ],
    ids=["alone", "beside others", "above others", "with preflight"],
)
def test_each_method_of_any_is_throttled(
    stack: Stack, others: list[str], arguments: dict[str, Any], methods: set[str]
) -> None:
    """API Gateway stores `*` for one path, and applies it to none: it knows single methods, and all of a stage."""
    live = alias(stack)
    routes = {"ANY /": Route(alias=live, throttling_burst_limit=0)} | dict.fromkeys(others, live)
    api(stack, routes=routes, **arguments)
    settings = throttled(stack)
    assert {method for path, method in settings if path == "/"} == methods
    for path, method in settings:
        if path == "/":
            one = settings[path, method]
            assert (one["ThrottlingRateLimit"], one["ThrottlingBurstLimit"]) == (1000, 0)
    assert ("/", "*") not in settings


def test_an_http_stage_and_a_route_of_it_are_throttled(stack: Stack) -> None:
    live = alias(stack)
    slow = Route(alias=live, throttling_rate_limit=5, throttling_burst_limit=10)
    made = api(stack, routes={"GET /trips": live, "POST /trips": slow}, throttling_rate_limit=50, http=True)
    stage = resource(made.stage)
    default = stage["Properties"]["DefaultRouteSettings"]
    assert (default["ThrottlingRateLimit"], default["ThrottlingBurstLimit"]) == (50, 500)
    settings = stage["Properties"]["RouteSettings"]
    assert {
        key: (each["ThrottlingRateLimit"], each["ThrottlingBurstLimit"]) for key, each in settings.items()
    } == {"POST /trips": (5, 10)}
    assert logical_id(made.http_routes["POST /trips"]) in stage["DependsOn"]


def test_keys_belong_to_plans(stack: Stack) -> None:
    live = alias(stack)
    made = api(
        stack,
        routes={"GET /trips": live, "GET /health": Route(alias=live, api_key_required=False)},
        api_key_required=True,
        usage_plans={"Partners": UsagePlan(keys=["Acme"], throttling_rate_limit=10, quota_limit=1000)},
    )
    plan = properties(made.usage_plans["Partners"])
    assert plan["Throttle"] == {"RateLimit": 10}
    assert plan["Quota"] == {"Limit": 1000, "Period": "MONTH"}
    (of_stage,) = plan["ApiStages"]
    assert of_stage["ApiId"] == {"Ref": logical_id(made.rest_api)}
    assert of_stage["Stage"] == {"Ref": logical_id(made.stage)}
    link = the(stack, "AWS::ApiGateway::UsagePlanKey")
    assert link["KeyId"] == {"Ref": logical_id(made.api_keys["Acme"])}
    assert link["UsagePlanId"] == {"Ref": logical_id(made.usage_plans["Partners"])}
    required = {key: properties(part).get("ApiKeyRequired") for key, part in made.methods.items()}
    assert required == {"GET /trips": True, "GET /health": None}
    assert "Value" not in the(stack, "AWS::ApiGateway::ApiKey")


# --- requests and answers ------------------------------------------------------------------------------


def test_requests_are_checked_before_the_function_is_called(stack: Stack) -> None:
    live = alias(stack)
    made = api(
        stack,
        routes={
            "POST /trips": Route(alias=live, request_model=TRIP, required_headers=["Idempotency-Key"]),
            "GET /trips": Route(alias=live, required_query_strings=["since"]),
            "GET /health": live,
        },
    )
    ((validator, settings),) = of_type(stack, "AWS::ApiGateway::RequestValidator").items()
    assert settings["ValidateRequestBody"] is settings["ValidateRequestParameters"] is True
    post, get, health = (properties(part) for part in made.methods.values())
    (model,) = of_type(stack, "AWS::ApiGateway::Model")
    # Whatever the content type: a caller cannot say text/plain to pass by.
    assert post["RequestModels"] == {"$default": {"Ref": model}}
    assert post["RequestParameters"] == {"method.request.header.Idempotency-Key": True}
    assert get["RequestParameters"] == {"method.request.querystring.since": True}
    assert post["RequestValidatorId"] == get["RequestValidatorId"] == {"Ref": validator}
    assert "RequestValidatorId" not in health


def test_errors_of_api_gateway_carry_the_request_id(stack: Stack) -> None:
    made = api(stack)
    responses = of_type(stack, "AWS::ApiGateway::GatewayResponse").values()
    assert {each["ResponseType"] for each in responses} == {"DEFAULT_4XX", "DEFAULT_5XX"}
    for each in responses:
        body = each["ResponseTemplates"]["application/json"]
        filled = body.replace("$context.error.messageString", '"Forbidden"').replace(
            "$context.requestId", "1"
        )
        assert json.loads(filled) == {"message": "Forbidden", "requestId": "1"}
        assert each["RestApiId"] == {"Ref": logical_id(made.rest_api)}


def test_web_pages_may_ask_and_read_errors(stack: Stack) -> None:
    live = alias(stack)
    api(
        stack,
        routes={"GET /trips": live, "POST /trips": live},
        cors_origins=["https://app.example.com"],
        cors_credentials=True,
    )
    (preflight,) = [
        method
        for method in of_type(stack, "AWS::ApiGateway::Method").values()
        if method["HttpMethod"] == "OPTIONS"
    ]
    assert preflight["AuthorizationType"] == "NONE"
    (answer,) = preflight["Integration"]["IntegrationResponses"]
    headers = {name.rpartition(".")[2]: value for name, value in answer["ResponseParameters"].items()}
    assert headers["Access-Control-Allow-Origin"] == "'https://app.example.com'"
    assert headers["Access-Control-Allow-Methods"] == "'GET,POST,OPTIONS'"
    assert headers["Access-Control-Allow-Credentials"] == "'true'"
    for response in of_type(stack, "AWS::ApiGateway::GatewayResponse").values():
        parameters = response["ResponseParameters"]
        assert parameters["gatewayresponse.header.Access-Control-Allow-Origin"] == "'https://app.example.com'"


def test_web_pages_may_call_an_http_api(stack: Stack) -> None:
    api(stack, cors_origins=["https://a.example.com", "https://b.example.com"], http=True)
    cors = the(stack, "AWS::ApiGatewayV2::Api")["CorsConfiguration"]
    assert cors["AllowOrigins"] == ["https://a.example.com", "https://b.example.com"]
    assert cors["AllowMethods"] == ["POST"]
    assert "Authorization" in cors["AllowHeaders"]


@pytest.mark.parametrize(
    ("binary", "handling"), [([], None), (["*/*"], "CONVERT_TO_TEXT"), (["image/png"], "CONVERT_TO_TEXT")]
)
def test_preflight_answers_are_texts(stack: Stack, binary: list[str], handling: str | None) -> None:
    """Without it, API Gateway answers 500 where the request counts as binary: nothing behind it can be binary."""
    api(stack, cors_origins=["*"], binary_media_types=binary)
    methods = of_type(stack, "AWS::ApiGateway::Method").values()
    (preflight,) = [method for method in methods if method["HttpMethod"] == "OPTIONS"]
    assert preflight["Integration"].get("ContentHandling") == handling


@KINDS
def test_the_access_log_of_an_http_api_does_not_fill_the_accounts_policy(stack: Stack, http: bool) -> None:
    """Each group under another prefix is written into one policy of the account, which ends at 5,120 characters."""
    made = api(stack, http=http)
    name = properties(made.log_group).get("LogGroupName")
    if not http:
        assert name is None
        return
    assert name is not None
    first, stack_id = name["Fn::Join"][1]
    assert first.startswith("/aws/vendedlogs/")
    assert stack_id == {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}


def test_binary_bodies_and_compression(stack: Stack) -> None:
    api(stack, binary_media_types=["image/png"], minimum_compression_size=Size.kibibytes(1))
    made = the(stack, "AWS::ApiGateway::RestApi")
    assert (made["BinaryMediaTypes"], made["MinimumCompressionSize"]) == (["image/png"], 1024)


@KINDS
@pytest.mark.parametrize("release", [False, True], ids=["alias", "LiveAlias"])
def test_the_defaults_of_an_api_and_of_a_function_fit(stack: Stack, http: bool, release: bool) -> None:
    """The simplest API: nothing is passed but what has no default."""
    behind = function(stack)
    live = (
        LiveAlias(stack, "Live", function=behind).alias
        if release
        else lambda_.Alias(stack, "Live", alias_name="live", version=behind.current_version)
    )
    made = api(stack, routes={"GET /": live}, http=http)
    timeout = properties(behind)["Timeout"]
    waits = 30 if http else properties(made.methods["GET /"])["Integration"]["TimeoutInMillis"] / 1000
    assert timeout <= waits


@pytest.mark.parametrize(
    ("given", "waits"), [(None, 29_000), (Duration.seconds(60), 60_000)], ids=["default", "raised quota"]
)
def test_a_rest_api_waits_as_long_as_it_can(stack: Stack, given: Duration | None, waits: int) -> None:
    made = api(stack, routes={"POST /trips": alias(stack, seconds=29)}, integration_timeout=given)
    assert properties(made.methods["POST /trips"])["Integration"]["TimeoutInMillis"] == waits


@pytest.mark.parametrize("given", [None, Duration.seconds(30)])
def test_an_http_api_waits_for_thirty_seconds(stack: Stack, given: Duration | None) -> None:
    """The template has no timeout, which means 30 seconds."""
    api(stack, routes={"POST /trips": alias(stack, seconds=30)}, integration_timeout=given, http=True)
    assert "TimeoutInMillis" not in the(stack, "AWS::ApiGatewayV2::Integration")


def test_an_http_api_waits_for_less_when_set(stack: Stack) -> None:
    api(stack, integration_timeout=Duration.seconds(10), http=True)
    assert the(stack, "AWS::ApiGatewayV2::Integration")["TimeoutInMillis"] == 10_000


def test_an_imported_alias_is_called_and_its_timeout_not_known(stack: Stack) -> None:
    behind = lambda_.Function.from_function_arn(
        stack, "Theirs", "arn:aws:lambda:us-east-1:123456789012:function:theirs"
    )
    version = lambda_.Version.from_version_attributes(stack, "Version", lambda_=behind, version="7")
    live = lambda_.Alias.from_alias_attributes(stack, "Live", alias_name="live", alias_version=version)
    made = api(stack, routes={"POST /trips": live})
    uri = properties(made.methods["POST /trips"])["Integration"]["Uri"]
    assert ":function:theirs:live/invocations" in joined(uri)


# --- logs and traces -----------------------------------------------------------------------------------


def line_of(format_: str, values: dict[str, str]) -> str:
    """A line of the access log, as API Gateway writes it.

    A variable without a value is a dash. What a caller sends is escaped (seen on AWS for the User-Agent); of other
    texts that is not known; `messageString` has quotes of its own.
    """
    escaped = {"identity.userAgent", "path"}

    def value(variable: re.Match[str]) -> str:
        name = variable[1]
        text = values.get(name, "-")
        if name == "error.messageString" and text != "-":
            return json.dumps(text)
        return json.dumps(text)[1:-1] if name in escaped else text

    return re.sub(r"\$context\.([A-Za-z.]+)", value, format_)


SAID = 'He said "no" \\ and left'


@KINDS
@pytest.mark.parametrize(
    "values",
    [
        {"status": "200", "requestId": "1"},
        {
            "status": "500",
            "error.message": SAID,
            "error.messageString": SAID,
            "error.validationErrorString": SAID,
            "error.responseType": "INTEGRATION_FAILURE",
            "integration.error": SAID,
            "integrationErrorMessage": SAID,
            "authorizer.error": SAID,
            "authorize.error": SAID,
            "authenticate.error": SAID,
            "identity.userAgent": SAID,
        },
    ],
    ids=["a good request", "an error"],
)
def test_each_request_is_a_line_of_json(stack: Stack, http: bool, values: dict[str, str]) -> None:
    made = api(stack, http=http)
    stage = properties(made.stage)
    settings = stage["AccessLogSettings" if http else "AccessLogSetting"]
    assert settings["DestinationArn"] == {"Fn::GetAtt": [logical_id(made.log_group), "Arn"]}
    line = json.loads(line_of(settings["Format"], values))
    assert line["status"] == values["status"]
    assert line["errorType"] == values.get("error.responseType", "-")
    assert line["userAgent"] == values.get("identity.userAgent", "-")
    assert {"requestId", "route", "latency", "ip", "apiId", "stage", "lambdaRequestId"} <= set(line)
    assert len(settings["Format"]) < 3072
    assert properties(made.log_group)["RetentionInDays"] == 60


@pytest.mark.parametrize(("given", "traced"), [(None, True), (False, False)])
def test_x_ray_sees_requests_by_default(stack: Stack, given: bool | None, traced: bool) -> None:
    made = api(stack, tracing=given)
    assert properties(made.stage)["TracingEnabled"] is traced


@pytest.mark.parametrize(
    ("given", "role", "said"), [(None, False, True), (False, False, False), (True, True, False)]
)
def test_the_role_of_the_account_is_made_when_asked_for(
    stack: Stack, given: bool | None, role: bool, said: bool
) -> None:
    made = api(stack, account_log_role=given)
    assert bool(of_type(stack, "AWS::ApiGateway::Account")) is role
    warnings = [str(entry.data) for entry in made.node.metadata if entry.type == "aws:cdk:warning"]
    assert any("account_log_role=True" in warning for warning in warnings) is said


def test_the_role_of_the_account_outlives_the_stack(stack: Stack) -> None:
    """Other APIs of the account write their logs with it."""
    api(stack, account_log_role=True)
    (account,) = of_type(stack, "AWS::ApiGateway::Account")
    assert template(stack)["Resources"][account]["DeletionPolicy"] == "Retain"


def test_execution_logs_are_off_by_default(stack: Stack) -> None:
    api(stack)
    (settings,) = the(stack, "AWS::ApiGateway::Stage")["MethodSettings"]
    assert "LoggingLevel" not in settings
    assert settings["DataTraceEnabled"] is False


# --- the way in ----------------------------------------------------------------------------------------


@KINDS
def test_behind_a_custom_domain_it_is_the_only_way_in(stack: Stack, http: bool) -> None:
    made = api(
        stack,
        domain_name="api.example.com",
        certificate=certificate(stack),
        hosted_zone=zone(stack),
        http=http,
    )
    the_api = properties(made.http_api if http else made.rest_api)
    assert the_api["DisableExecuteApiEndpoint"] is True
    domain = properties(made.domain)
    settings = domain["DomainNameConfigurations"][0] if http else domain
    assert settings["SecurityPolicy"] == "TLS_1_2"
    record = properties(made.domain_record)
    assert record["Name"] == "api.example.com."
    assert references(record["AliasTarget"]) == {logical_id(made.domain)}
    mapping = the(stack, "AWS::ApiGatewayV2::ApiMapping" if http else "AWS::ApiGateway::BasePathMapping")
    assert references(mapping) >= {
        logical_id(made.domain),
        logical_id(made.http_api or made.rest_api),
    }
    assert made.url == "https://api.example.com/"
    assert "Outputs" not in template(stack)


def mappings(stack: Stack) -> list[dict[str, Any]]:
    """Every path of a domain, whichever resource maps it."""
    return [
        properties
        for kind in ("AWS::ApiGatewayV2::ApiMapping", "AWS::ApiGateway::BasePathMapping")
        for properties in of_type(stack, kind).values()
    ]


@KINDS
@pytest.mark.parametrize("base_path", ["orders", "orders/v2"])
def test_an_api_answers_below_a_path_of_its_domain(stack: Stack, http: bool, base_path: str) -> None:
    made = api(
        stack,
        domain_name="api.example.com",
        base_path=base_path,
        certificate=certificate(stack),
        http=http,
    )
    (mapping,) = mappings(stack)
    assert mapping.get("ApiMappingKey", mapping.get("BasePath")) == base_path
    assert references(mapping) >= {
        logical_id(made.domain),
        logical_id(made.http_api or made.rest_api),
    }
    assert made.url == f"https://api.example.com/{base_path}/"


@pytest.mark.parametrize("first_http", [False, True], ids=["of REST", "of HTTP"])
@KINDS
def test_apis_of_both_kinds_share_a_domain(app: App, stack: Stack, first_http: bool, http: bool) -> None:
    """Each API has its own stack with its mapping, so that the domain does not wait for it."""
    first = api(
        stack,
        domain_name="api.example.com",
        base_path="orders",
        certificate=certificate(stack),
        http=first_http,
    )
    other = Stack(app, "Other")
    second = api(other, domain_name=first.domain, base_path="trips/v2", http=http)
    rest = ProvisionedApi(
        other,
        "Rest",
        routes={"GET /": alias(other, "OfRest")},
        authorization=Authorization.iam(),
        domain_name=first.domain,
        http=http,
    )
    assert second.domain is rest.domain is first.domain
    (of_second,) = (each for each in mappings(other) if each.get("ApiMappingKey") == "trips/v2")
    (of_rest,) = (each for each in mappings(other) if "ApiMappingKey" not in each)
    for mapping, made in ((of_second, second), (of_rest, rest)):
        assert mapping["ApiId"] == {"Ref": logical_id(made.http_api or made.rest_api)}
        assert mapping["Stage"] == ("$default" if http else {"Ref": logical_id(made.stage)})
        assert "ImportValue" in str(mapping["DomainName"])
    assert properties(second.http_api or second.rest_api)["DisableExecuteApiEndpoint"] is True
    assert of_type(other, "AWS::ApiGateway::DomainName") == {}
    assert "/trips/v2/" in str(other.resolve(second.url))
    if http:
        names = of_type(other, "AWS::ApiGatewayV2::ApiMapping")
        found = [template(other)["Resources"][name] for name in names]
        stages = {logical_id(made.stage) for made in (second, rest)}
        assert {stage for each in found for stage in each["DependsOn"]} == stages


def test_an_imported_domain_is_shared(stack: Stack) -> None:
    domain = apigatewayv2.DomainName.from_domain_name_attributes(
        stack,
        "Domain",
        name="api.example.com",
        regional_domain_name="d-any.execute-api.us-east-1.amazonaws.com",
        regional_hosted_zone_id="Z0000000000EXAMPLE",
    )
    made = api(stack, domain_name=domain, base_path="orders")
    (mapping,) = mappings(stack)
    assert (mapping["DomainName"], mapping["ApiMappingKey"]) == ("api.example.com", "orders")
    assert made.url == "https://api.example.com/orders/"
    with pytest.raises(InvalidPropsError, match="where Stack/Api answers"):
        ProvisionedApi(
            stack,
            "Second",
            routes={"GET /": alias(stack, "OfSecond")},
            authorization=Authorization.iam(),
            domain_name=domain,
            base_path="orders",
        )


def test_one_domain_is_made_in_each_region(app: App) -> None:
    """Route 53 sends each caller to the nearest; in one Region the name is there once."""

    def at(construct_id: str, region: str) -> ProvisionedApi:
        stack = Stack(app, construct_id, env=Environment(account="123456789012", region=region))
        arn = f"arn:aws:acm:{region}:123456789012:certificate/any"
        return api(
            stack,
            domain_name="api.example.com",
            certificate=acm.Certificate.from_certificate_arn(stack, "Certificate", arn),
        )

    at("Near", "us-east-1")
    at("Far", "eu-west-1")
    with pytest.raises(InvalidPropsError, match="which Near/Api makes"):
        at("Again", "us-east-1")


def test_a_path_that_was_refused_is_free(stack: Stack) -> None:
    """What could not be made has no place."""
    at = {"domain_name": "api.example.com", "base_path": "orders", "certificate": certificate(stack)}
    with pytest.raises(InvalidPropsError):
        api(stack, api_name="", **at)
    api(stack, routes={"GET /": alias(stack, "Second")}, **at)


@KINDS
def test_the_url_ends_with_a_slash(stack: Stack, http: bool) -> None:
    made = api(stack, stage_name="v1", http=http)
    assert joined(stack.resolve(made.url)).endswith("/" if not http else "/v1/")


def test_a_web_acl_stands_before_the_stage(stack: Stack) -> None:
    arn = "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/edge/1"
    made = api(stack, web_acl_arn=arn)
    association = the(stack, "AWS::WAFv2::WebACLAssociation")
    assert association["WebACLArn"] == arn
    assert logical_id(made.stage) in references(association["ResourceArn"])


def test_a_resource_policy_is_the_apis(stack: Stack) -> None:
    policy = iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(
                principals=[iam.AnyPrincipal()], actions=["execute-api:Invoke"], resources=["execute-api:/*"]
            )
        ]
    )
    api(stack, resource_policy=policy)
    (statement,) = the(stack, "AWS::ApiGateway::RestApi")["Policy"]["Statement"]
    assert statement["Resource"] == "execute-api:/*"


def test_metrics_of_two_apis_are_not_mixed(stack: Stack) -> None:
    """CloudWatch tells REST APIs apart by name."""
    live = alias(stack)
    for construct_id in ("One", "Two"):
        ProvisionedApi(stack, construct_id, routes={"GET /": live}, authorization=Authorization.iam())
    names = {each["Name"] for each in of_type(stack, "AWS::ApiGateway::RestApi").values()}
    assert len(names) == 2


@KINDS
def test_a_name_of_yours_is_taken(stack: Stack, http: bool) -> None:
    made = api(stack, api_name="trips", description="Trips", http=http)
    said = properties(made.http_api or made.rest_api)
    assert (said["Name"], said["Description"]) == ("trips", "Trips")


def test_a_rest_api_is_regional(stack: Stack) -> None:
    """An edge-optimized one goes through a CloudFront of AWS's own, and can wait for 29 seconds only."""
    api(stack)
    assert the(stack, "AWS::ApiGateway::RestApi")["EndpointConfiguration"] == {"Types": ["REGIONAL"]}


@pytest.mark.parametrize(
    "change",
    [
        {"binary_media_types": lambda stack: ["image/png"]},
        {"authorization": lambda stack: Authorization.public()},
        {"authorization": lambda stack: Authorization.lambda_authorizer(
            alias(stack, "Decides"), cache_ttl=Duration.minutes(1))},
        {"authorization": lambda stack: Authorization.lambda_authorizer(
            alias(stack, "Decides"), identity_header="X-Token")},
    ],
    ids=["binary types", "authorization", "authorizer's cache", "authorizer's header"],
)  # fmt: skip
def test_what_is_changed_is_deployed(change: dict[str, Any]) -> None:
    """A deployment is a snapshot: without a new one the stage stays as it was."""

    def deployment(arguments: dict[str, Any]) -> str:
        stack = Stack(App(), "Stack")
        made = {name: make(stack) for name, make in arguments.items()}
        if "authorization" not in made:
            made["authorization"] = Authorization.lambda_authorizer(alias(stack, "Decides"))
        api(stack, **made)
        (found,) = of_type(stack, "AWS::ApiGateway::Deployment")
        return found

    assert deployment({}) != deployment(change)
    assert deployment({}) == deployment({})


BEHIND = pytest.mark.parametrize(
    "behind",
    [
        {"alias_name": "other"},
        {"function_id": "Renamed"},
        {"function_name": "trips"},
        {"stack_id": "Moved"},
    ],
    ids=["alias renamed", "function replaced", "function renamed", "function moved"],
)


@BEHIND
@pytest.mark.parametrize("place", ["route", "authorizer"])
def test_an_alias_that_is_replaced_is_deployed(behind: dict[str, str], place: str) -> None:
    """The reference in the template stays the same, and the stage would go on calling the deleted alias."""

    def deployment(
        alias_name: str = "live",
        function_id: str = "Behind",
        function_name: str | None = None,
        stack_id: str = "Functions",
    ) -> str:
        app = App()
        stack = Stack(app, "Stack")
        called = lambda_.Function(
            Stack(app, stack_id),
            function_id,
            function_name=function_name,
            runtime=lambda_.Runtime.NODEJS_22_X,
            handler="index.handle",
            code=lambda_.Code.from_inline("exports.handle = async () => 1"),
        )
        live = lambda_.Alias(stack, "Decides", alias_name=alias_name, version=called.current_version)
        if place == "route":
            api(stack, routes={"GET /": live})
        else:
            api(stack, authorization=Authorization.lambda_authorizer(live))
        (found,) = of_type(stack, "AWS::ApiGateway::Deployment")
        return found

    assert deployment() == deployment()
    assert deployment() != deployment(**behind)


def test_a_release_does_not_deploy_the_api() -> None:
    """A new version moves the alias, and the alias is all that the stage knows."""

    def deployment(level: str) -> str:
        stack = Stack(App(), "Stack")
        behind = function(stack, environment={"LEVEL": level})
        api(stack, routes={"GET /": LiveAlias(stack, "Live", function=behind).alias})
        (found,) = of_type(stack, "AWS::ApiGateway::Deployment")
        return found

    assert deployment("low") == deployment("high")


# --- alarms --------------------------------------------------------------------------------------------

ALARMS = (
    "server_errors_alarm",
    "latency_alarm",
    "throttled_requests_alarm",
    "throttles_alarms",
    "spillover_alarms",
)


def alarms(made: ProvisionedApi, name: str) -> list[Any]:
    found = getattr(made, name)
    return list(found) if isinstance(found, list) else [found]


@KINDS
@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_notifies_its_topic_and_no_traffic_is_not_a_fault(
    stack: Stack, http: bool, name: str
) -> None:
    mine = sns.Topic(stack, "Mine")
    made = api(stack, routes={"GET /": alias(stack, provisioned=1)}, alarm_topic=mine, http=http)
    found = alarms(made, name)
    assert found
    for alarm in found:
        said = properties(alarm)
        assert said["AlarmActions"] == [{"Ref": logical_id(mine)}]
        assert said["TreatMissingData"] == "notBreaching"


@pytest.mark.parametrize(
    ("http", "errors", "dimension"),
    [(False, "5XXError", "ApiName"), (True, "5xx", "ApiId")],
    ids=["REST", "HTTP"],
)
def test_one_failure_in_a_hundred_alarms(stack: Stack, http: bool, errors: str, dimension: str) -> None:
    made = api(stack, http=http)
    alarm = properties(made.server_errors_alarm)
    assert alarm["Threshold"] == 1
    expression, *metrics = alarm["Metrics"]
    assert expression["Expression"] == "100 * errors / requests"
    read = {
        each["Id"]: (each["MetricStat"]["Metric"]["MetricName"], each["MetricStat"]["Stat"])
        for each in metrics
    }
    assert read == {"errors": (errors, "Sum"), "requests": ("Count", "SampleCount")}
    for each in metrics:
        dimensions = {d["Name"]: d["Value"] for d in each["MetricStat"]["Metric"]["Dimensions"]}
        assert set(dimensions) == {dimension, "Stage"}


@KINDS
def test_slow_answers_alarm(stack: Stack, http: bool) -> None:
    made = api(stack, latency_threshold=Duration.millis(800), http=http)
    alarm = properties(made.latency_alarm)
    assert (alarm["MetricName"], alarm["ExtendedStatistic"], alarm["Threshold"]) == ("Latency", "p99", 800)


@pytest.mark.parametrize(
    ("http", "line"),
    [(False, '{ $.errorType = "THROTTLED" }'), (True, '{ $.status = "429" }')],
    ids=["REST", "HTTP"],
)
def test_refused_requests_alarm(stack: Stack, http: bool, line: str) -> None:
    """Counted in the access log: the metric 4XXError counts every caller's own mistakes too."""
    made = api(stack, http=http)
    counted = the(stack, "AWS::Logs::MetricFilter")
    assert counted["FilterPattern"] == line
    assert counted["LogGroupName"] == {"Ref": logical_id(made.log_group)}
    (metric,) = counted["MetricTransformations"]
    alarm = properties(made.throttled_requests_alarm)
    assert (metric["MetricNamespace"], metric["MetricName"]) == (alarm["Namespace"], alarm["MetricName"])
    of_line = {each["Key"]: each["Value"] for each in metric["Dimensions"]}
    assert of_line == {"ApiId": "$.apiId", "Stage": "$.stage"}
    of_alarm = {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
    assert of_alarm["ApiId"] == {"Ref": logical_id(made.http_api or made.rest_api)}
    assert set(of_alarm) == set(of_line)


def test_throttles_are_those_of_each_alias(stack: Stack) -> None:
    accept, earnings = alias(stack, "Accept"), alias(stack, "Earnings")
    made = api(stack, routes={"POST /trips": accept, "GET /trips": accept, "GET /earnings": earnings})
    of_alias = [
        {each["Name"]: joined(each["Value"]) for each in properties(alarm)["Dimensions"]}
        for alarm in made.throttles_alarms
    ]
    assert [each["Resource"] for each in of_alias] == [
        f"<{logical_id(live.lambda_)}>:live" for live in (accept, earnings)
    ]


def test_spillover_alarms_where_concurrency_is_provisioned(stack: Stack) -> None:
    cold, warm = alias(stack, "Cold"), alias(stack, "Warm", provisioned=2)
    made = api(stack, routes={"GET /cold": cold, "GET /warm": warm})
    (alarm,) = made.spillover_alarms
    said = properties(alarm)
    assert said["MetricName"] == "ProvisionedConcurrencySpilloverInvocations"
    resource = {each["Name"]: joined(each["Value"]) for each in said["Dimensions"]}["Resource"]
    assert resource == f"<{logical_id(warm.lambda_)}>:live"


def test_an_alias_that_scaling_alone_provisions_has_its_spillover_alarm(stack: Stack) -> None:
    scaled = alias(stack, "Scaled")
    scaled.add_auto_scaling(min_capacity=1, max_capacity=4)
    made = api(stack, routes={"GET /scaled": scaled})
    assert len(made.spillover_alarms) == 1


@KINDS
@pytest.mark.parametrize("name", ["server_errors_alarm", "latency_alarm", "throttled_requests_alarm"])
def test_an_alarm_of_the_api_can_roll_a_release_back(stack: Stack, http: bool, name: str) -> None:
    """The alias waits for its deployment group, and the group for its alarms: they must not wait for the alias."""
    made = api(stack, http=http)
    alarm = properties(getattr(made, name))
    the_api = logical_id(made.http_api or made.rest_api)
    assert references([alarm.get("Dimensions"), alarm.get("Metrics")]) <= {the_api}
    assert "prod" in str(alarm) or "$default" in str(alarm)


def test_a_live_alias_has_alarms_of_its_own(stack: Stack) -> None:
    """One throttled alias wakes one person once."""
    behind = function(stack, timeout=Duration.seconds(10))
    live = LiveAlias(stack, "Live", function=behind, provisioned_concurrency=2)
    made = api(stack, routes={"GET /": live.alias})
    assert (made.throttles_alarms, made.spillover_alarms) == ([], [])
    metrics = [each.get("MetricName") for each in of_type(stack, "AWS::CloudWatch::Alarm").values()]
    assert (metrics.count("Throttles"), metrics.count("ProvisionedConcurrencySpilloverInvocations")) == (1, 1)


# --- parts ---------------------------------------------------------------------------------------------


def test_the_parts_are_real(stack: Stack) -> None:
    live = alias(stack)
    rest = ProvisionedApi(stack, "Rest", routes={"GET /": live}, authorization=Authorization.iam())
    assert isinstance(rest.rest_api, apigateway.RestApi)
    assert isinstance(rest.stage, apigateway.Stage)
    assert (rest.http_api, dict(rest.http_routes), rest.domain, rest.web_acl_association) == (
        None,
        {},
        None,
        None,
    )
    web = ProvisionedApi(stack, "Http", routes={"GET /": live}, authorization=Authorization.iam(), http=True)
    assert isinstance(web.http_api, apigatewayv2.HttpApi)
    assert isinstance(web.stage, apigatewayv2.HttpStage)
    assert (web.rest_api, dict(web.methods), dict(web.usage_plans)) == (None, {}, {})


def test_a_function_is_not_an_alias(stack: Stack) -> None:
    with pytest.raises(InvalidPropsError, match="It would be called at \\$LATEST"):
        api(stack, routes={"GET /": function(stack, timeout=Duration.seconds(10))})
