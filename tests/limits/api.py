"""The limits of ProvisionedApi."""

from collections.abc import Callable
from typing import Any, Final

from aws_cdk import Duration, RemovalPolicy, Size, Stack, Token
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from constructs_lib import Authorization, ProvisionedApi, Route, UsagePlan
from tests.gallery.api import TRIP, alias, certificate, client, user_pool, zone
from tests.gallery.plain_function import function
from tests.limits.table import Arguments, Limits, args


def served(*keys: str, seconds: int = 10, **arguments: Any) -> Arguments:
    """Routes to one alias, whose function has a timeout."""

    def make(stack: Stack) -> dict[str, Any]:
        live = alias(stack, "Given", seconds=seconds)
        return {"routes": dict.fromkeys(keys or ("GET /trips",), live), **arguments}

    return make


def route(http: bool = False, key: str = "GET /trips", **arguments: Any) -> Arguments:
    """One route with settings of its own."""
    return lambda stack: {"routes": {key: Route(alias=alias(stack, "Given"), **arguments)}, "http": http}


def tenant(tenant_id: str, **arguments: Any) -> Arguments:
    """A route to a function with tenant isolation."""

    def make(stack: Stack) -> dict[str, Any]:
        isolated = function(stack, "Isolated", tenant_isolation=True, timeout=Duration.seconds(9))
        live = lambda_.Alias(stack, "IsolatedLive", alias_name="live", version=isolated.current_version)
        return {"routes": {"GET /trips": Route(alias=live, tenant_id=tenant_id)}, **arguments}

    return make


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


def below(base_path: Any, **arguments: Any) -> Arguments:
    return at("api.example.com", base_path=base_path, **arguments)


def shared(**arguments: Any) -> Arguments:
    """A second API at the domain of the first, which answers below `orders`."""

    def make(stack: Stack) -> dict[str, Any]:
        first = ProvisionedApi(
            stack,
            "First",
            routes={"GET /": alias(stack, "OfFirst")},
            authorization=Authorization.iam(),
            domain_name="api.example.com",
            base_path="orders",
            certificate=certificate(Stack(stack, "Elsewhere")),
        )
        return {"domain_name": first.domain} | {
            name: value(stack) if callable(value) else value for name, value in arguments.items()
        }

    return make


def plans(api_key_required: bool = True, **arguments: Any) -> Arguments:
    return args(api_key_required=api_key_required, usage_plans={"Partners": UsagePlan(**arguments)})


METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
POLICY: Final = iam.PolicyDocument()
WEB_ACL: Final = "arn:aws:wafv2:us-east-1:123456789012:{}/webacl/edge/1"

_ROWS: list[tuple[str, Arguments, str]] = [
    # FACTS: the integration's timeout
    ("30 s before REST", served(seconds=30), "must be at most the integration's 29 seconds, got 30"),
    ("31 s before HTTP", served(seconds=31, http=True), "must be at most the integration's 30 seconds, got 31"),
    ("more than was said", served(integration_timeout=Duration.seconds(5)), "integration's 5 seconds, got 10"),
    ("REST, 49 ms", args(integration_timeout=Duration.millis(49)),
     "integration_timeout of a REST API must be 0.05 sec"),
    ("REST, 301 s", args(integration_timeout=Duration.seconds(301)), "0.05 seconds to 5 minutes, got 301 seconds"),
    ("HTTP, 31 s", args(integration_timeout=Duration.seconds(31), http=True), "integration_timeout of an HTTP API"),
    ("HTTP, 29.5 s", args(integration_timeout=Duration.millis(29_500), http=True),
     "above 29 seconds must be a whole number of seconds, got 29.5"),
    ("a timeout as a number", args(integration_timeout=29), "integration_timeout of a REST API must be a Duration"),
    # routes
    ("no route", args(routes={}), "routes must have at least one"),
    ("a function", to(lambda stack: function(stack, "F")), "routes['GET /trips'] must be an alias, got a function. It"),
    ("a version", to(lambda stack: function(stack, "F").current_version), "must be an alias, got a version"),
    ("an imported function", to(lambda stack: lambda_.Function.from_function_name(stack, "F", "f")), "got a function"),
    ("a Route to a function", lambda stack: {"routes": {"GET /": Route(alias=function(stack))}}, "got a function"),  # type: ignore[arg-type]
    ("a variable with a colon", served("GET /trips/:id"), "such as 'GET /trips/{id}': API Gateway takes"),
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
    ("no authorization", args(authorization=None), "authorization must be chosen"),
    ("authorization in words", args(authorization="IAM"), "authorization must be chosen"),
    ("a route's in words", route(authorization="IAM"), "authorization of routes['GET /trips'] must be chosen"),
    ("JWT before REST", args(authorization=Authorization.jwt(issuer="https://a.example/", audience=["b"])),
     "Authorization.jwt is for an HTTP API (http=True)"),
    ("clients before REST", lambda stack: {"authorization": Authorization.cognito(
        user_pool(stack), clients=[client(stack)])}, "takes no clients=, got 1"),
    ("no clients before HTTP", lambda stack: {"authorization": Authorization.cognito(user_pool(stack)), "http": True},
     "must name clients="),
    ("an authorizer of 11 s before HTTP", by_function(11, http=True), "must be at most 10 seconds, got 11"),
    # throttling
    ("rate below 0", args(throttling_rate_limit=-1), "throttling_rate_limit must be at least 0"),
    ("burst below 0", args(throttling_burst_limit=-1), "throttling_burst_limit must be at least 0"),
    ("a burst of a half", args(throttling_burst_limit=0.5), "throttling_burst_limit must be a whole number"),
    ("a route's rate below 0", route(throttling_rate_limit=-1), "throttling_rate_limit of routes['GET /trips'] must"),
    ("a route's burst below 0", route(throttling_burst_limit=-1), "throttling_burst_limit of routes['GET /trips']"),
    # usage plans
    ("keys without a plan", args(api_key_required=True), "requires usage_plans"),
    ("a plan without keys", plans(api_key_required=False), "usage_plans requires api_key_required=True"),
    ("a plan's rate below 0", plans(throttling_rate_limit=-1), "throttling_rate_limit of usage_plans['Partners'] must"),
    ("a quota of 0", plans(quota_limit=0), "quota_limit of usage_plans['Partners'] must be at least 1"),
    ("a quota of a half", plans(quota_limit=1.5), "must be a whole number, got 1.5"),
    ("two keys of one name", plans(keys=["A", "A"]), "keys of usage_plans must have different names, got A, A"),
    # what HTTP lacks
    ("X-Ray before HTTP", args(tracing=True, http=True), "combined with http=True: an HTTP API has no X-Ray tracing"),
    ("execution logs before HTTP", args(execution_log_level=apigateway.MethodLoggingLevel.ERROR, http=True), "exec"),
    ("a role for logs before HTTP", args(account_log_role=True, http=True), "no need of a role to log"),
    ("plans before HTTP", args(usage_plans={"P": UsagePlan()}, http=True), "has no usage plans"),
    ("binary types before HTTP", args(binary_media_types=["*/*"], http=True), "it sees by itself"),
    ("compression before HTTP", args(minimum_compression_size=Size.bytes(0), http=True), "has no compression"),
    ("a policy before HTTP", args(resource_policy=POLICY, http=True), "has no resource policy"),
    ("WAF before HTTP", args(web_acl_arn=WEB_ACL.format("regional"), http=True), "has no AWS WAF"),
    ("two things at once", args(tracing=True, resource_policy=POLICY, http=True), "no X-Ray tracing and no resource"),
    ("a key before HTTP", args(api_key_required=True, http=True), "api_key_required of routes['GET /trips'] cannot be"),
    ("a model before HTTP", route(http=True, request_model=TRIP), "has no request validation"),
    ("a header before HTTP", route(http=True, required_headers=["A"]), "required_headers of routes['GET /trips']"),
    ("a query before HTTP", route(http=True, required_query_strings=["a"]), "has no request validation"),
    # kinds: CDK would refuse these when parts are made already, or take a text letter by letter
    ("routes as a list", args(routes=["GET /trips"]), "routes must be a dict, such as"),
    ("http in words", args(http="yes"), "http must be True or False, got 'yes' (str)"),
    ("a name as a number", args(api_name=7), "api_name must be text, got 7 (int)"),
    ("an empty name", args(api_name=""), "api_name must be 1 to 1,024 characters"),
    ("retention as a number", args(log_retention=30), "log_retention must be a RetentionDays, such as"),
    ("removal in words", args(log_removal_policy="destroy"), "log_removal_policy must be a RemovalPolicy other"),
    ("a snapshot of a log", args(log_removal_policy=RemovalPolicy.SNAPSHOT), "other than SNAPSHOT, such as"),
    ("log level in words", args(execution_log_level="INFO"), "execution_log_level must be a MethodLoggingLevel"),
    ("one media type", args(binary_media_types="*/*"), "binary_media_types must be a list of texts, got '*/*'"),
    ("one origin", args(cors_origins="https://a.example"), "cors_origins must be a list of texts"),
    ("an origin with a path", args(cors_origins=["https://a.example/"]), "without a path, got 'https://a.example/'"),
    ("an origin without a scheme", args(cors_origins=["a.example"]), "origins as browsers send them"),
    ("one header for web pages", args(cors_origins=["*"], cors_headers="X-Key"), "cors_headers must be a list of"),
    ("all headers and cookies", args(cors_origins=["https://a.example"], cors_headers=["*"], cors_credentials=True),
     "cors_headers must name headers one by one with cors_credentials"),
    ("compression as a number", args(minimum_compression_size=1024), "minimum_compression_size must be a Size"),
    ("compression from a part of a byte on", args(minimum_compression_size=Size.kibibytes(0.3)), "a whole number"),
    ("a policy in JSON", args(resource_policy={"Statement": []}), "resource_policy must be an iam.PolicyDocument"),
    ("no limit at all", args(throttling_rate_limit=None), "throttling_rate_limit must be a number, got None"),
    ("a rate that is not a number", args(throttling_rate_limit=float("nan")), "must be at least 0, got nan"),
    ("a rate without an end", args(throttling_rate_limit=float("inf")), "must be at least 0, got inf"),
    ("half a millisecond", args(integration_timeout=Duration.millis(50.5)),
     "must be a whole number of milliseconds, got 50.5"),
    ("a stage as a number", args(stage_name=1), "stage_name must be text, got 1 (int)"),
    ("a model as a dict", route(request_model={"type": "object"}), "must be an apigateway.JsonSchema, got"),
    ("one header", route(required_headers="A"), "required_headers of routes['GET /trips'] must be a list of texts"),
    ("a header with a space", route(required_headers=["A B"]), "must be letters, digits, and . _ $ -, got 'A B'"),
    ("a tenant that the caller chooses", tenant("method.request.header.x-tenant"),
     "tenant_id of routes['GET /trips'] must be what the caller cannot choose, such as context.authorizer.tenant"),
    ("a tenant of an authorizer that is not there", tenant("context.authorizer.tenant"),
     "tenant_id of routes['GET /trips'] requires Authorization of kind Cognito or Lambda, got IAM"),
    ("a tenant of a caller without IAM", tenant("context.identity.accountId", authorization=Authorization.public()),
     "requires Authorization of kind IAM, got public"),
    ("a tenant of a function without tenants", route(tenant_id="context.identity.accountId"),
     "tenant_id of routes['GET /trips'] requires a function with tenant isolation, which Stack/Given"),
    ("a tenant before HTTP", tenant("context.identity.accountId", http=True), "has no tenant id for Lambda"),
    ("one query parameter", route(required_query_strings="a"), "required_query_strings of routes['GET /trips'] must"),
    ("a key in words", route(api_key_required="yes"), "api_key_required of routes['GET /trips'] must be True or"),
    ("plans as a list", args(usage_plans=[UsagePlan()], api_key_required=True), "usage_plans must be a dict"),
    ("a plan as a dict", args(usage_plans={"P": {"quota_limit": 1}}, api_key_required=True), "must be a UsagePlan"),
    ("a plan of CDK's name", args(usage_plans={"Deployment": UsagePlan()}, api_key_required=True),
     "usage_plans cannot have the name 'Deployment'"),
    ("one key", plans(keys="Acme"), "keys of usage_plans['Partners'] must be a list of texts"),
    ("a key of CDK's name", plans(keys=["Resource"]), "cannot have the name 'Resource'"),
    ("a period in words", plans(quota_limit=1, quota_period="DAY"), "quota_period of usage_plans['Partners'] must be"),
    ("no period", plans(quota_limit=1, quota_period=None), "must be a Period, such as Period.MONTH, got None"),
    ("a part of CDK's name", served("GET /trips/Resource"), "cannot end with 'Resource'"),
    ("a part that is a method", served("GET /", "GET /GET"), "routes['GET /GET'] of a REST API cannot end with 'GET'"),
    ("ANY with nothing left", served("ANY /x", *(f"{method} /x" for method in METHODS)), "a method left to serve"),
    # where things are
    ("a certificate as an ARN", at("api.example.com", certificate="arn:aws:acm:..."), "certificate must be a cert"),
    ("a zone by its name", at("api.example.com", hosted_zone="example.com"), "hosted_zone must be a hosted zone"),
    ("a domain of one part", at("api"), "domain_name must be the name of a domain, such as api.example.com"),
    ("a domain that is a function", lambda stack: {"domain_name": function(stack, "F")}, "or the .domain of another"),
    ("a path of no domain", args(base_path="orders"), "base_path requires domain_name"),
    ("a path with a slash before it", below("/orders"), "base_path must be parts of letters, digits and"),
    ("a path with a slash after it", below("orders/"), "with a slash between them, such as orders or orders/v2"),
    ("an empty path", below(""), "base_path must be parts"),
    ("a path that is a token", below(Token.as_string({"Ref": "Path"})), "base_path must be known at synth"),
    ("the domain of another API made again", shared(domain_name="api.example.com", certificate=certificate,
        base_path="trips"), "which Stack/First makes. To share it, pass the .domain of Stack/First as domain_name"),
    ("the path of another API", shared(base_path="orders"), "got 'orders', where Stack/First answers"),
    ("a certificate of a shared domain", shared(base_path="trips", certificate=certificate),
     "certificate cannot be combined with a domain_name that is a domain of another API"),
    ("a record of a shared domain", shared(base_path="trips", hosted_zone=zone), "hosted_zone cannot be combined"),
    # the rest
    ("a stage with a dot", args(stage_name="v1.2"), "stage_name must be 1 to 128 letters, digits, _ or -, got 'v1.2'"),
    ("$default of REST", args(stage_name="$default"), "stage_name must be"),
    ("compression from 11 MB on", args(minimum_compression_size=Size.mebibytes(11)), "0 to 10,485,760 bytes, got"),
    ("CloudFront's web ACL", args(web_acl_arn=WEB_ACL.format("global")), "with the scope REGIONAL"),
    ("a domain in capitals", at("API.example.com"), "domain_name must be in small letters, got 'API.example.com'"),
    ("a stage that is a token", args(stage_name=Token.as_string({"Ref": "Stage"})), "must be known at synth"),
    ("a domain without a certificate", args(domain_name="api.example.com"), "requires a certificate"),
    ("a certificate without a domain", lambda stack: {"certificate": certificate(stack)}, "certificate requires"),
    ("a zone without a domain", lambda stack: {"hosted_zone": zone(stack)}, "hosted_zone requires domain_name"),
    ("a domain of another zone", lambda stack: at("api.example.org", hosted_zone=zone(stack))(stack),
     "domain_name must be in the hosted_zone example.com, got 'api.example.org'"),
    ("all origins and cookies", args(cors_origins=["*"], cors_credentials=True), "cors_origins must name origins"),
    ("all origins and one", args(cors_origins=["*", "https://a.example"]), "or be '*' alone"),
    ("cookies of nobody", args(cors_credentials=True), "cors_credentials requires cors_origins"),
    ("OPTIONS of both", served("OPTIONS /trips", cors_origins=["*"]), "API Gateway answers OPTIONS then"),
    ("OPTIONS in ANY", lambda stack: {"routes": {"ANY /a": alias(stack, "A")}, "cors_origins": ["*"], "http": True},
     "this route takes OPTIONS too"),
    ("a health check's path", lambda stack: at("api.example.com")(stack) | {"routes": {"GET /ping": alias(stack, "A")}},
     "must have another path beside domain_name"),
    ("alarm at latency 0", args(latency_threshold=Duration.seconds(0)), "latency_threshold must be at least 1 milli"),
    ("latency as a number", args(latency_threshold=2.5), "latency_threshold must be a Duration"),
    ("latency in seconds that is a token", lambda stack: {"latency_threshold": Duration.seconds(
     Token.as_number({"Ref": "Seconds"}))}, "only at deployment must be Duration.millis(...), got Duration.seconds"),
]  # fmt: skip

API_LIMITS: Final = Limits(
    ProvisionedApi,
    otherwise={
        "routes": lambda stack: {"GET /trips": alias(stack)},
        "authorization": lambda stack: Authorization.iam(),
    },
    rows=_ROWS,
)


def chosen(kind: str, **arguments: Any) -> Callable[[Stack], Authorization]:
    """An authorization that is right, but for what a row says of it."""

    def choose(stack: Stack) -> Authorization:
        right: dict[str, dict[str, Any]] = {
            "cognito": {"user_pool": user_pool(stack), "clients": [client(stack)]},
            "jwt": {"issuer": "https://a.example/", "audience": ["trips"]},
            "lambda_authorizer": {"alias": alias(stack)},
        }
        given = {name: value(stack) if callable(value) else value for name, value in arguments.items()}
        made: Authorization = getattr(Authorization, kind)(**(right[kind] | given))
        return made

    return choose


AUTHORIZATION_LIMITS: Final[list[tuple[str, Callable[[Stack], Authorization], str]]] = [
    ("a pool by its id", chosen("cognito", user_pool="us-east-1_Example01"), "user_pool must be a Cognito user pool"),
    ("one client", chosen("cognito", clients=lambda stack: client(Stack(stack, "S"))), "clients must be a list of"),
    ("a client by its id", chosen("cognito", clients=["id"]), "clients must be user pool clients, got 'id' (str)"),
    ("51 clients", chosen("cognito", clients=lambda stack: [client(Stack(stack, "S"))] * 51), "at most 50, got 51"),
    ("one scope", chosen("cognito", scopes="read"), "scopes must be a list of texts, got 'read' (str)"),
    ("11 scopes", chosen("cognito", scopes=["read"] * 11), "scopes must be at most 10, got 11"),
    ("no issuer", chosen("jwt", issuer=None), "issuer must be text, got None"),
    ("an issuer over http", chosen("jwt", issuer="http://a"), "issuer must be an https URL"),
    ("one audience", chosen("jwt", audience="trips"), "audience must be a list of texts"),
    ("no audience", chosen("jwt", audience=[]), "audience must name at least one"),
    ("a number as a scope", chosen("jwt", scopes=[1]), "scopes must be a list of texts, got 1 (int) in it"),
    ("a function that decides", chosen("lambda_authorizer", alias=function), "must be an alias, got a function"),
    ("a header with a space", chosen("lambda_authorizer", identity_header="X Token"), "and . _ $ -, got 'X Token'"),
    ("two headers", chosen("lambda_authorizer", identity_header=["A", "B"]), "identity_header must be text, got ['A',"),
    ("a cache in seconds", chosen("lambda_authorizer", cache_ttl=300), "cache_ttl must be a Duration"),
    ("a cache of 1.5 seconds", chosen("lambda_authorizer", cache_ttl=Duration.millis(1500)),
     "must be a whole number of seconds"),
    ("a cache of 3,601 seconds", chosen("lambda_authorizer", cache_ttl=Duration.seconds(3601)),
     "0 seconds to 1 hour, got 3,601 seconds"),
]  # fmt: skip
"""Authorization is not a construct: nothing is made, and the error comes when it is chosen."""
