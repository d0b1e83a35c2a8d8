"""The limits of ProvisionedApi."""

from collections.abc import Callable
from typing import Any, Final

from aws_cdk import Duration, Size, Stack, Token
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from constructs_lib import Authorization, ProvisionedApi, Route, UsagePlan
from tests.gallery.api import TRIP, alias, certificate, client, user_pool, zone
from tests.gallery.plain_function import function
from tests.limits.table import Arguments, Limits, said


def served(*keys: str, seconds: int = 10, **arguments: Any) -> Arguments:
    """Routes to one alias, whose function has a timeout."""

    def make(stack: Stack) -> dict[str, Any]:
        live = alias(stack, "Given", seconds=seconds)
        return {"routes": dict.fromkeys(keys or ("GET /trips",), live), **arguments}

    return make


def route(http: bool = False, key: str = "GET /trips", **arguments: Any) -> Arguments:
    """One route with settings of its own."""
    return lambda stack: {"routes": {key: Route(alias=alias(stack, "Given"), **arguments)}, "http": http}


def to(target: Callable[[Stack], Any]) -> Arguments:
    """A route to something that is no alias."""
    return lambda stack: {"routes": {"GET /trips": target(stack)}}


def by_function(seconds: int, **arguments: Any) -> Arguments:
    return lambda stack: {
        "authorization": Authorization.lambda_authorizer(alias(stack, "Decides", seconds=seconds)),
        **arguments,
    }


def at(domain_name: str, **arguments: Any) -> Arguments:
    return lambda stack: {"domain_name": domain_name, "certificate": certificate(stack), **arguments}


def plans(api_key_required: bool = True, **arguments: Any) -> Arguments:
    return said(api_key_required=api_key_required, usage_plans={"Partners": UsagePlan(**arguments)})


POLICY: Final = iam.PolicyDocument()
WEB_ACL: Final = "arn:aws:wafv2:us-east-1:123456789012:{}/webacl/edge/1"

_ROWS: list[tuple[str, Arguments, str]] = [
    # FACTS: the integration's timeout
    ("30 s before REST", served(seconds=30), "must be at most the integration's 29 seconds, got 30"),
    ("31 s before HTTP", served(seconds=31, http=True), "must be at most the integration's 30 seconds, got 31"),
    ("more than was said", served(integration_timeout=Duration.seconds(5)), "integration's 5 seconds, got 10"),
    ("REST, 49 ms", said(integration_timeout=Duration.millis(49)), "integration_timeout of a REST API must be 0.05 to"),
    ("REST, 301 s", said(integration_timeout=Duration.seconds(301)), "0.05 to 300 seconds, got 301"),
    ("HTTP, 31 s", said(integration_timeout=Duration.seconds(31), http=True), "integration_timeout of an HTTP API"),
    ("HTTP, 29.5 s", said(integration_timeout=Duration.millis(29_500), http=True), "must be a whole number, got 29.5"),
    ("a timeout as a number", said(integration_timeout=29), "integration_timeout must be a Duration"),
    # routes
    ("no route", said(routes={}), "routes must have at least one"),
    ("a function", to(lambda stack: function(stack, "F")), "routes['GET /trips'] must be an alias, got a function. It"),
    ("a version", to(lambda stack: function(stack, "F").current_version), "must be an alias, got a version"),
    ("an imported function", to(lambda stack: lambda_.Function.from_function_name(stack, "F", "f")), "got a function"),
    ("a Route to a function", lambda stack: {"routes": {"GET /": Route(alias=function(stack))}}, "got a function"),  # type: ignore[arg-type]
    ("no method", served("/trips"), "routes must be 'METHOD /path'"),
    ("a small method", served("get /trips"), "got 'get /trips'"),
    ("no slash", served("GET trips"), "got 'GET trips'"),
    ("an empty part", served("GET /trips//today"), "got 'GET /trips//today'"),
    ("a slash at the end", served("GET /trips/"), "got 'GET /trips/'"),
    ("a letter that is none", served("GET /trips?x"), "got 'GET /trips?x'"),
    ("greedy in the middle", served("GET /{all+}/trips"), "must end with its greedy variable"),
    ("two names of one variable", served("GET /trips/{id}", "GET /trips/{trip_id}/fare"),
     "must name the variable below /trips {id}, as another route does, got {trip_id}"),
    ("more than 300 routes", served(*(f"GET /{number}" for number in range(301))), "at most 300, got 301"),
    ("more than 300 resources", served(*(f"GET /{number}/x" for number in range(151))), "of a REST API, got 302"),
    ("more than 55 routes to an alias", served(*(f"GET /{number}" for number in range(56))), "each alias, got 56"),
    # authorization
    ("no authorization", said(authorization=None), "authorization must be chosen"),
    ("authorization in words", said(authorization="IAM"), "authorization must be chosen"),
    ("a route's in words", route(authorization="IAM"), "authorization of routes['GET /trips'] must be chosen"),
    ("JWT before REST", said(authorization=Authorization.jwt(issuer="https://a.example/", audience=["b"])),
     "Authorization.jwt is for an HTTP API (http=True)"),
    ("clients before REST", lambda stack: {"authorization": Authorization.cognito(
        user_pool(stack), clients=[client(stack)])}, "takes no clients=, got 1"),
    ("no clients before HTTP", lambda stack: {"authorization": Authorization.cognito(user_pool(stack)), "http": True},
     "must name clients="),
    ("an authorizer of 11 s before HTTP", by_function(11, http=True), "must be at most 10 seconds, got 11"),
    # throttling
    ("rate below 0", said(throttling_rate_limit=-1), "throttling_rate_limit must be at least 0"),
    ("burst below 0", said(throttling_burst_limit=-1), "throttling_burst_limit must be at least 0"),
    ("a burst of a half", said(throttling_burst_limit=0.5), "throttling_burst_limit must be a whole number"),
    ("a route's rate below 0", route(throttling_rate_limit=-1), "throttling_rate_limit of routes['GET /trips'] must"),
    ("a route's burst below 0", route(throttling_burst_limit=-1), "throttling_burst_limit of routes['GET /trips']"),
    # usage plans
    ("keys without a plan", said(api_key_required=True), "must come with usage_plans"),
    ("a plan without keys", plans(api_key_required=False), "usage_plans must come with api_key_required=True"),
    ("a plan's rate below 0", plans(throttling_rate_limit=-1), "throttling_rate_limit of usage_plans['Partners'] must"),
    ("a quota of 0", plans(quota_limit=0), "quota_limit of usage_plans['Partners'] must be at least 1"),
    ("a quota of a half", plans(quota_limit=1.5), "must be a whole number, got 1.5"),
    ("two keys of one name", plans(keys=["A", "A"]), "keys of usage_plans must have different names, got A, A"),
    # what HTTP lacks
    ("X-Ray before HTTP", said(tracing=True, http=True), "together with http=True: an HTTP API has no X-Ray tracing"),
    ("execution logs before HTTP", said(execution_log_level=apigateway.MethodLoggingLevel.ERROR, http=True), "exec"),
    ("a role for logs before HTTP", said(account_log_role=True, http=True), "no need of a role to log"),
    ("plans before HTTP", said(usage_plans={"P": UsagePlan()}, http=True), "has no usage plans"),
    ("binary types before HTTP", said(binary_media_types=["*/*"], http=True), "it sees by itself"),
    ("compression before HTTP", said(minimum_compression_size=Size.bytes(0), http=True), "has no compression"),
    ("a policy before HTTP", said(resource_policy=POLICY, http=True), "has no resource policy"),
    ("WAF before HTTP", said(web_acl_arn=WEB_ACL.format("regional"), http=True), "has no AWS WAF"),
    ("two things at once", said(tracing=True, resource_policy=POLICY, http=True), "no X-Ray tracing and no resource"),
    ("a key before HTTP", said(api_key_required=True, http=True), "api_key_required of routes['GET /trips'] cannot be"),
    ("a model before HTTP", route(http=True, request_model=TRIP), "has no request validation"),
    ("a header before HTTP", route(http=True, required_headers=["A"]), "required_headers of routes['GET /trips']"),
    ("a query before HTTP", route(http=True, required_query_strings=["a"]), "has no request validation"),
    # the rest
    ("a stage with a dot", said(stage_name="v1.2"), "stage_name must be 1 to 128 letters, digits, _ or -, got 'v1.2'"),
    ("$default of REST", said(stage_name="$default"), "stage_name must be"),
    ("compression from 11 MB on", said(minimum_compression_size=Size.mebibytes(11)), "0 to 10,485,760 bytes, got"),
    ("CloudFront's web ACL", said(web_acl_arn=WEB_ACL.format("global")), "with the scope REGIONAL"),
    ("a domain in capitals", at("API.example.com"), "domain_name must be in small letters, got 'API.example.com'"),
    ("a stage that is a token", said(stage_name=Token.as_string({"Ref": "Stage"})), "must be known at synth"),
    ("a domain without a certificate", said(domain_name="api.example.com"), "must come with a certificate"),
    ("a certificate without a domain", lambda stack: {"certificate": certificate(stack)}, "certificate must come with"),
    ("a zone without a domain", lambda stack: {"hosted_zone": zone(stack)}, "hosted_zone must come with domain_name"),
    ("a domain of another zone", lambda stack: at("api.example.org", hosted_zone=zone(stack))(stack),
     "domain_name must be in the hosted_zone example.com, got 'api.example.org'"),
    ("all origins and cookies", said(cors_origins=["*"], cors_credentials=True), "cors_origins must name origins"),
    ("all origins and one", said(cors_origins=["*", "https://a.example"]), "or be '*' alone"),
    ("cookies of nobody", said(cors_credentials=True), "cors_credentials must come with cors_origins"),
    ("OPTIONS of both", served("OPTIONS /trips", cors_origins=["*"]), "API Gateway answers OPTIONS then"),
    ("alarm at latency 0", said(latency_threshold=Duration.seconds(0)), "latency_threshold must be at least 1 milli"),
    ("latency as a number", said(latency_threshold=2.5), "latency_threshold must be a Duration"),
]  # fmt: skip

API_LIMITS: Final = Limits(
    ProvisionedApi,
    otherwise={
        "routes": lambda stack: {"GET /trips": alias(stack)},
        "authorization": lambda stack: Authorization.iam(),
    },
    rows=_ROWS,
)
