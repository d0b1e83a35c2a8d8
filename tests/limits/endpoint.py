"""The limits of FunctionEndpoint."""

from collections.abc import Callable
from typing import Any, Final

from aws_cdk import Duration, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_

from constructs_lib import Authorization, FunctionEndpoint, LiveAlias
from tests.gallery.api import certificate, user_pool
from tests.gallery.endpoint import WEB_ACL, bounded
from tests.gallery.plain_function import HANDLERS, function
from tests.limits.table import Arguments, Limits, args, by_name_instead

PUBLIC: Final = {"authorization": Authorization.public()}
ORIGINS: Final = {"cors_origins": ["https://a.example"]}


def to(target: Callable[[Stack], Any], **arguments: Any) -> Arguments:
    """Another alias, or what is not one."""
    return lambda stack: {"alias": target(stack), **arguments}


def cors(**arguments: Any) -> Arguments:
    return args(**(ORIGINS | arguments))


def edge(**arguments: Any) -> Arguments:
    """A distribution in front; what is callable is made in the stack."""
    return lambda stack: (
        PUBLIC
        | {"cloudfront": True}
        | {name: value(stack) if callable(value) else value for name, value in arguments.items()}
    )


def twice(stack: Stack) -> lambda_.Alias:
    alias = bounded(stack, "Taken")
    FunctionEndpoint(stack, "First", alias=alias)
    return alias


def unbounded(stack: Stack) -> lambda_.Alias:
    return bounded(stack, "Unbounded", reserved_concurrent_executions=None)


def of_runtime(runtime: lambda_.Runtime, **arguments: Any) -> Callable[[Stack], lambda_.Alias]:
    def make(stack: Stack) -> lambda_.Alias:
        code = lambda_.Code.from_asset(str(HANDLERS / "plain"))
        behind = lambda_.Function(
            stack, "Behind", runtime=runtime, handler="app.handle", code=code, **arguments
        )
        return lambda_.Alias(stack, "Given", alias_name="live", version=behind.current_version)

    return make


def in_a_vpc(stack: Stack) -> lambda_.Alias:
    return of_runtime(lambda_.Runtime.NODEJS_24_X, vpc=ec2.Vpc(stack, "Vpc"))(stack)


def durable(stack: Stack) -> lambda_.Alias:
    config = lambda_.DurableConfig(execution_timeout=Duration.minutes(16))
    return of_runtime(lambda_.Runtime.PYTHON_3_14, durable_config=config)(stack)


def elsewhere(stack: Stack) -> acm.ICertificate:
    return acm.Certificate.from_certificate_arn(
        stack, "Elsewhere", "arn:aws:acm:eu-west-1:123456789012:certificate/any"
    )


_ROWS: list[tuple[str, Arguments, str]] = [
    # what is invoked
    ("a function", to(function), "alias must be an alias, got a function. It would be called at $LATEST"),
    ("a version", to(lambda stack: function(stack).current_version), "alias must be an alias, got a version. Pass"),
    ("an imported function", to(lambda stack: lambda_.Function.from_function_name(stack, "F", "f")), "got a function"),
    ("a LiveAlias", to(lambda stack: LiveAlias(stack, "Live", function=function(stack))), "Pass the .alias of a Live"),
    ("an alias that has an endpoint", to(twice), "Stack/Taken must have one endpoint, got a second one"),
    ("a durable execution of 16 minutes", to(durable), "must be at most 900 seconds, got 960: nobody can wait longer"),
    # who may call
    ("authorization in words", args(authorization="IAM"), "authorization must be Authorization.iam() or Authorization"),
    ("no authorization", args(authorization=None), "authorization must be Authorization.iam() or"),
    ("Cognito", lambda stack: {"authorization": Authorization.cognito(user_pool(stack))},
     "got one of kind Cognito: a function URL checks no tokens. Use ProvisionedApi"),
    ("JWT", args(authorization=Authorization.jwt(issuer="https://a.example/", audience=["b"])), "got one of kind JWT"),
    ("an authorizer", lambda stack: {"authorization": Authorization.lambda_authorizer(bounded(stack, "Decides"))},
     "got one of kind Lambda"),
    ("public without a limit", to(unbounded, **PUBLIC), "Authorization.public() requires reserved concurrency of func"),
    ("CloudFront without a limit", to(unbounded, cloudfront=True, **PUBLIC), "requires reserved concurrency of functi"),
    ("public and imported without permissions", to(lambda stack: lambda_.Alias.from_alias_attributes(
        stack, "Theirs", alias_name="live", alias_version=lambda_.Version.from_version_arn(
            stack, "Version", "arn:aws:lambda:us-east-1:123456789012:function:theirs:7")), **PUBLIC),
     "CDK would add no permission to call it"),
    # streaming
    ("streaming in words", args(response_streaming="yes"), "response_streaming must be True or False, got 'yes' (str)"),
    ("Python streams", args(response_streaming=True), "is python3.13: of Lambda's own, Node.js alone does. Add the la"),
    ("Java streams", to(of_runtime(lambda_.Runtime.JAVA_21), response_streaming=True), "is java21: of Lambda's own"),
    ("a VPC streams", to(in_a_vpc, response_streaming=True), "response_streaming cannot be combined with a function i"),
    # CORS
    ("one origin", args(cors_origins="https://a.example"), "cors_origins must be a list of texts"),
    ("an origin with a path", args(cors_origins=["https://a.example/"]), "without a path, got 'https://a.example/'"),
    ("all origins and one", args(cors_origins=["*", "https://a.example"]), "or be '*' alone"),
    ("101 origins", args(cors_origins=["https://a.example"] * 101), "cors_origins must be at most 100, got 101"),
    ("a long origin", args(cors_origins=[f"https://{'a' * 246}"]), "cors_origins must be 1 to 253 characters each"),
    ("all origins and cookies", args(cors_origins=["*"], cors_credentials=True), "cors_origins must name origins"),
    ("cookies in words", cors(cors_credentials="yes"), "cors_credentials must be True or False"),
    ("cookies of nobody", args(cors_credentials=True), "cors_credentials requires cors_origins"),
    ("OPTIONS", cors(cors_methods=["OPTIONS"]), "cors_methods must be one of GET, HEAD, POST, PUT, PATCH, DELETE, *, "),
    ("one method", cors(cors_methods="GET"), "cors_methods must be a list of texts, got 'GET' (str)"),
    ("no method", cors(cors_methods=[]), "cors_methods must name methods one by one, or be '*' alone and without"),
    ("all methods and one", cors(cors_methods=["*", "GET"]), "cors_methods must name methods one by one"),
    ("all methods and cookies", cors(cors_methods=["*"], cors_credentials=True), "cors_methods must name methods one"),
    ("one header", cors(cors_headers="X-Key"), "cors_headers must be a list of texts"),
    ("all headers and cookies", cors(cors_headers=["*"], cors_credentials=True), "cors_headers must name headers one"),
    ("101 headers", cors(cors_headers=["X"] * 101), "cors_headers must be at most 100, got 101"),
    ("a long header", cors(cors_headers=["X" * 1025]), "cors_headers must be 1 to 1,024 characters each"),
    ("one header to read", cors(cors_exposed_headers="ETag"), "cors_exposed_headers must be a list of texts"),
    ("101 headers to read", cors(cors_exposed_headers=["X"] * 101), "cors_exposed_headers must be at most 100, got"),
    ("headers that nobody reads", args(cors_exposed_headers=["ETag"]), "cors_exposed_headers requires cors_origins"),
    ("an age in seconds", cors(cors_max_age=600), "cors_max_age must be a Duration"),
    ("an age of two days", cors(cors_max_age=Duration.days(2)), "cors_max_age must be 0 seconds to 1 day, got 2 days"),
    ("half a second", cors(cors_max_age=Duration.millis(500)), "cors_max_age must be a whole number of seconds"),
    ("an age for nobody", args(cors_max_age=Duration.hours(1)), "cors_max_age requires cors_origins"),
    # CloudFront
    ("CloudFront in words", args(cloudfront="yes"), "cloudfront must be True or False, got 'yes' (str)"),
    ("CloudFront and IAM", args(cloudfront=True), "cloudfront=True requires authorization=Authorization.public()"),
    ("a function of 61 s behind CloudFront", lambda stack: edge()(stack) | {"alias": bounded(
        stack, timeout=Duration.seconds(121))}, "must be at most the 120 seconds that CloudFront waits, got 121"),
    ("a web ACL without CloudFront", args(web_acl_arn=WEB_ACL), "web_acl_arn requires cloudfront=True"),
    ("a domain without CloudFront", args(domain_name="a.example"), "domain_name requires cloudfront=True"),
    ("a certificate without CloudFront", lambda stack: {"certificate": certificate(stack)}, "certificate requires clo"),
    ("a price class in words", edge(price_class="100"), "price_class must be a PriceClass, such as PriceClass."),
    ("a regional web ACL", edge(web_acl_arn=WEB_ACL.replace("global", "regional")), "with the scope CLOUDFRONT, got"),
    ("a web ACL as a number", edge(web_acl_arn=7), "web_acl_arn must be text, got 7 (int)"),
    ("a domain without a certificate", edge(domain_name="a.example"), "domain_name requires a certificate for it"),
    ("a certificate without a domain", edge(certificate=certificate), "certificate requires domain_name"),
    ("a domain in capitals", edge(domain_name="A.example", certificate=certificate), "domain in small letters, such a"),
    ("a domain of one part", edge(domain_name="files", certificate=certificate), "domain_name must be the name of a"),
    ("a certificate of another Region", edge(domain_name="a.example", certificate=elsewhere),
     "certificate must be in Region us-east-1, where CloudFront looks for it, got Stack/Elsewhere in eu-west-1"),
    # alarms
    ("alarm at latency 0", args(latency_threshold=Duration.seconds(0)), "latency_threshold must be at least 1 milli"),
    ("latency as a number", args(latency_threshold=2.5), "latency_threshold must be a Duration"),
    *by_name_instead(alarm_topic="a topic", certificate="a certificate"),
]  # fmt: skip

ENDPOINT_LIMITS: Final = Limits(FunctionEndpoint, otherwise={"alias": bounded}, rows=_ROWS)
