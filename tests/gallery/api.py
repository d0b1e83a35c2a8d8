"""Scenes of ProvisionedApi."""

from typing import Final

from aws_cdk import Duration, RemovalPolicy, Size, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import Authorization, LiveAlias, ProvisionedApi, Route, UsagePlan
from tests.gallery.plain_function import function


def alias(
    scope: Construct, construct_id: str = "Live", *, seconds: int = 10, provisioned: int | None = None
) -> lambda_.Alias:
    """A live alias of a function of its own."""
    behind = function(scope, f"{construct_id}Function", timeout=Duration.seconds(seconds))
    return lambda_.Alias(
        scope,
        construct_id,
        alias_name="live",
        version=behind.current_version,
        provisioned_concurrent_executions=provisioned,
    )


def user_pool(stack: Stack) -> cognito.IUserPool:
    return cognito.UserPool.from_user_pool_id(stack, "Users", "us-east-1_Example01")


def client(stack: Stack) -> cognito.IUserPoolClient:
    return cognito.UserPoolClient.from_user_pool_client_id(stack, "App", "exampleclientid")


def certificate(stack: Stack) -> acm.ICertificate:
    arn = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-4000-8000-000000000000"
    return acm.Certificate.from_certificate_arn(stack, "Certificate", arn)


def zone(stack: Stack) -> route53.IHostedZone:
    return route53.HostedZone.from_hosted_zone_attributes(
        stack, "Zone", hosted_zone_id="Z0000000000EXAMPLE", zone_name="example.com"
    )


TRIP: Final = apigateway.JsonSchema(
    schema=apigateway.JsonSchemaVersion.DRAFT4,
    type=apigateway.JsonSchemaType.OBJECT,
    required=["rider_id"],
    properties={"rider_id": apigateway.JsonSchema(type=apigateway.JsonSchemaType.STRING)},
)


def rest_api(scope: Construct) -> None:
    ProvisionedApi(
        scope,
        "Api",
        routes={
            "POST /trips": alias(scope, "Accept"),
            "GET /drivers/{driver_id}/earnings": alias(scope, "Earnings", provisioned=2),
        },
        authorization=Authorization.iam(),
    )


def rest_api_on_live_aliases(stack: Stack) -> None:
    """A release of either function is rolled back when the API as a whole fails."""
    accept, earnings = (
        LiveAlias(
            stack,
            name,
            function=function(stack, f"{name}Function", timeout=Duration.seconds(10)),
            provisioned_concurrency=provisioned,
        )
        for name, provisioned in (("Accept", None), ("Earnings", 2))
    )
    api = ProvisionedApi(
        stack,
        "Api",
        routes={"POST /trips": accept.alias, "GET /drivers/{driver_id}/earnings": earnings.alias},
        authorization=Authorization.iam(),
    )
    for live in (accept, earnings):
        live.add_rollback_alarm(api.server_errors_alarm)


def rest_api_in_front_of_a_default_function(stack: Stack) -> None:
    """The simplest API: every default fits the others."""
    live = LiveAlias(stack, "Live", function=function(stack))
    ProvisionedApi(stack, "Api", routes={"GET /trips": live.alias}, authorization=Authorization.iam())


def rest_api_for_the_public(stack: Stack) -> None:
    ProvisionedApi(stack, "Api", routes={"ANY /{proxy+}": alias(stack)}, authorization=Authorization.public())


def rest_api_with_cognito(stack: Stack) -> None:
    live, users = alias(stack), user_pool(stack)
    ProvisionedApi(
        stack,
        "Api",
        routes={
            "GET /trips": live,
            "POST /trips": Route(
                alias=live, authorization=Authorization.cognito(users, scopes=["trips/write"])
            ),
            "GET /health": Route(alias=live, authorization=Authorization.public()),
        },
        authorization=Authorization.cognito(users, scopes=["trips/read"]),
    )


def rest_api_with_a_lambda_authorizer(stack: Stack) -> None:
    decides = Authorization.lambda_authorizer(alias(stack, "Authorizer"), cache_ttl=Duration.minutes(5))
    ProvisionedApi(stack, "Api", routes={"GET /trips": alias(stack)}, authorization=decides)


def rest_api_that_validates_requests(stack: Stack) -> None:
    live = alias(stack)
    ProvisionedApi(
        stack,
        "Api",
        routes={
            "POST /trips": Route(alias=live, request_model=TRIP, required_headers=["Idempotency-Key"]),
            "GET /trips": Route(alias=live, required_query_strings=["since"]),
        },
        authorization=Authorization.iam(),
    )


def rest_api_for_web_pages(stack: Stack) -> None:
    live = alias(stack)
    ProvisionedApi(
        stack,
        "Api",
        routes={"GET /trips": live, "POST /trips": live, "GET /trips/{trip_id}": live},
        authorization=Authorization.cognito(user_pool(stack)),
        cors_origins=["https://app.example.com"],
        cors_credentials=True,
    )


def rest_api_with_usage_plans(stack: Stack) -> None:
    live = alias(stack)
    ProvisionedApi(
        stack,
        "Api",
        routes={"GET /trips": live, "GET /health": Route(alias=live, api_key_required=False)},
        authorization=Authorization.iam(),
        api_key_required=True,
        usage_plans={
            "Partners": UsagePlan(
                keys=["Acme", "Globex"],
                throttling_rate_limit=10,
                throttling_burst_limit=20,
                quota_limit=100_000,
            ),
            "Trial": UsagePlan(keys=["Visitors"], quota_limit=100, quota_period=apigateway.Period.DAY),
        },
    )


def rest_api_at_a_custom_domain(stack: Stack) -> None:
    ProvisionedApi(
        stack,
        "Api",
        routes={"GET /trips": alias(stack)},
        authorization=Authorization.iam(),
        domain_name="api.example.com",
        certificate=certificate(stack),
        hosted_zone=zone(stack),
    )


def apis_that_share_a_domain(stack: Stack) -> None:
    """A REST and an HTTP API below one domain, and one for everything else."""
    live = alias(stack)
    first = ProvisionedApi(
        stack,
        "Orders",
        routes={"GET /{order_id}": live},
        authorization=Authorization.iam(),
        domain_name="shared.example.com",
        base_path="orders",
        certificate=certificate(stack),
        hosted_zone=zone(stack),
    )
    ProvisionedApi(
        stack,
        "Trips",
        routes={"GET /{trip_id}": live},
        authorization=Authorization.iam(),
        http=True,
        domain_name=first.domain,
        base_path="trips/v2",
    )
    ProvisionedApi(
        stack,
        "Rest",
        routes={"ANY /{proxy+}": live},
        authorization=Authorization.iam(),
        domain_name=first.domain,
    )


def rest_api_behind_a_web_acl(stack: Stack) -> None:
    ProvisionedApi(
        stack,
        "Api",
        routes={"GET /trips": alias(stack)},
        authorization=Authorization.public(),
        web_acl_arn="arn:aws:wafv2:us-east-1:123456789012:regional/webacl/edge/00000000-0000-4000-8000-000000000000",
    )


def rest_api_with_everything_said(stack: Stack) -> None:
    upload = alias(stack, "Upload", seconds=60)
    ProvisionedApi(
        stack,
        "Api",
        routes={
            "POST /photos": Route(
                alias=upload,
                authorization=Authorization.iam(),
                throttling_rate_limit=5,
                throttling_burst_limit=10,
            ),
            "GET /photos/{photo_id}": upload,
            "ANY /": Route(alias=upload, throttling_rate_limit=0.5),
        },
        authorization=Authorization.iam(),
        api_name="photos",
        description="Photos of trips",
        stage_name="v1",
        throttling_rate_limit=50,
        throttling_burst_limit=100,
        integration_timeout=Duration.seconds(60),
        detailed_metrics=True,
        tracing=False,
        execution_log_level=apigateway.MethodLoggingLevel.ERROR,
        account_log_role=True,
        log_retention=logs.RetentionDays.ONE_WEEK,
        log_removal_policy=RemovalPolicy.DESTROY,
        binary_media_types=["image/jpeg", "image/png"],
        minimum_compression_size=Size.kibibytes(1),
        resource_policy=iam.PolicyDocument(
            statements=[
                iam.PolicyStatement(
                    principals=[iam.AccountPrincipal("210987654321")],
                    actions=["execute-api:Invoke"],
                    resources=["execute-api:/v1/*"],
                )
            ]
        ),
        latency_threshold=Duration.seconds(10),
        alarm_topic=sns.Topic.from_topic_arn(stack, "Alarms", "arn:aws:sns:us-east-1:123456789012:alarms"),
    )


def http_api(scope: Construct) -> None:
    ProvisionedApi(
        scope,
        "Api",
        routes={
            "POST /trips": alias(scope, "Accept"),
            "GET /drivers/{driver_id}/earnings": alias(scope, "Earnings", provisioned=2),
        },
        authorization=Authorization.iam(),
        http=True,
    )


def http_api_with_tokens(stack: Stack) -> None:
    live = alias(stack)
    of_users = Authorization.cognito(user_pool(stack), clients=[client(stack)])
    ProvisionedApi(
        stack,
        "Api",
        routes={
            "GET /trips": live,
            "POST /trips": Route(alias=live, authorization=of_users),
            "GET /health": Route(alias=live, authorization=Authorization.public()),
        },
        authorization=Authorization.jwt(
            issuer="https://issuer.example.com/", audience=["trips"], scopes=["trips/read"]
        ),
        http=True,
    )


def http_api_with_a_lambda_authorizer(stack: Stack) -> None:
    decides = Authorization.lambda_authorizer(
        alias(stack, "Authorizer"), identity_header="X-Token", cache_ttl=Duration.minutes(5)
    )
    ProvisionedApi(stack, "Api", routes={"GET /trips": alias(stack)}, authorization=decides, http=True)


def http_api_with_everything_said(stack: Stack) -> None:
    live = alias(stack)
    ProvisionedApi(
        stack,
        "Api",
        routes={
            "GET /trips": live,
            "POST /trips": Route(alias=live, throttling_rate_limit=5, throttling_burst_limit=10),
            "DELETE /{proxy+}": live,
        },
        authorization=Authorization.iam(),
        http=True,
        api_name="trips",
        description="Trips",
        stage_name="v1",
        integration_timeout=Duration.seconds(10),
        detailed_metrics=True,
        cors_origins=["https://app.example.com", "https://admin.example.com"],
        domain_name="trips.example.com",
        certificate=certificate(stack),
        hosted_zone=zone(stack),
    )


SCENES: Final = (
    rest_api,
    rest_api_on_live_aliases,
    rest_api_in_front_of_a_default_function,
    rest_api_for_the_public,
    rest_api_with_cognito,
    rest_api_with_a_lambda_authorizer,
    rest_api_that_validates_requests,
    rest_api_for_web_pages,
    rest_api_with_usage_plans,
    rest_api_at_a_custom_domain,
    apis_that_share_a_domain,
    rest_api_behind_a_web_acl,
    rest_api_with_everything_said,
    http_api,
    http_api_with_tokens,
    http_api_with_a_lambda_authorizer,
    http_api_with_everything_said,
)
