"""An HTTP API whose routes call aliases."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import jsii
from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib._types import AliasLike
from constructs_lib.foundation import acknowledgment
from constructs_lib.foundation.resource import resource_of
from constructs_lib.patterns.api.api_parts import ApiParts
from constructs_lib.patterns.api.authorization import Authorization
from constructs_lib.patterns.api.cors import Cors
from constructs_lib.patterns.api.route import Endpoint

if TYPE_CHECKING:
    from constructs_lib.patterns.api import custom_domain

ACCESS_LOG = {
    "requestId": "$context.requestId",
    "extendedRequestId": "$context.extendedRequestId",
    "time": "$context.requestTime",
    "apiId": "$context.apiId",
    "stage": "$context.stage",
    "method": "$context.httpMethod",
    "route": "$context.routeKey",
    "path": "$context.path",
    "status": "$context.status",
    "latency": "$context.responseLatency",
    "integrationLatency": "$context.integrationLatency",
    "integrationStatus": "$context.integration.status",
    "lambdaStatus": "$context.integrationStatus",
    "lambdaRequestId": "$context.awsEndpointRequestId",
    "responseLength": "$context.responseLength",
    "errorType": "$context.error.responseType",
    "principal": "$context.authorizer.principalId",
    "caller": "$context.identity.userArn",
    "ip": "$context.identity.sourceIp",
    "userAgent": "$context.identity.userAgent",
}
"""Fields of a line, without the texts of errors: see docs/decisions/0019.
Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html"""


def make(
    scope: Construct,
    *,
    name: str,
    description: str | None,
    endpoints: Sequence[Endpoint],
    stage_name: str,
    log_group: logs.ILogGroup,
    throttling_rate_limit: float,
    throttling_burst_limit: float,
    detailed_metrics: bool,
    integration_timeout: Duration | None,
    cors: Cors | None,
    domain_name: "str | custom_domain.AnyDomain | None",
    base_path: str | None,
    certificate: acm.ICertificate | None,
) -> ApiParts:
    """Make the API, its stage, and a route for each endpoint.

    Args:
        scope: Where to put it.
        name: Its name.
        description: Shown in the console.
        endpoints: What it serves.
        stage_name: `$default`, or the first part of every path.
        log_group: Gets the access log.
        throttling_rate_limit: Of each route that is not throttled by itself.
        throttling_burst_limit: The same.
        detailed_metrics: Whether each route has metrics of its own.
        integration_timeout: How long it waits for a function; None: 30 seconds.
        cors: Which web pages may call.
        domain_name: The custom domain, its only way in then: a name, or the domain of another API.
        base_path: The path below the domain.
        certificate: For the domain.

    Returns:
        What was made.
    """
    api = apigatewayv2.HttpApi(
        scope,
        "HttpApi",
        api_name=name,
        description=description,
        create_default_stage=False,
        cors_preflight=None if cors is None else _cors(cors, endpoints),
        disable_execute_api_endpoint=None if domain_name is None else True,
    )
    own_domain = (
        apigatewayv2.DomainName(
            scope,
            "DomainName",
            domain_name=domain_name,
            certificate=certificate,
            security_policy=apigatewayv2.SecurityPolicy.TLS_1_2,
        )
        if isinstance(domain_name, str) and certificate is not None
        else None
    )
    by_authorization = _authorizers(endpoints)
    routes = _routes(api, endpoints, by_authorization, stage_name, integration_timeout)
    stage = api.add_stage(
        "Stage",
        stage_name=stage_name,
        auto_deploy=True,
        throttle=apigatewayv2.ThrottleSettings(
            rate_limit=throttling_rate_limit, burst_limit=throttling_burst_limit
        ),
        detailed_metrics_enabled=detailed_metrics,
        access_log_settings=_AccessLog(log_group),
        domain_mapping=apigatewayv2.DomainMappingOptions(domain_name=own_domain, mapping_key=base_path)
        if own_domain
        else None,
    )
    if domain_name is not None and not isinstance(domain_name, str):
        from constructs_lib.patterns.api import custom_domain  # large, and most APIs have none

        mapping = custom_domain.map_to(
            scope, domain_name, api_id=api.api_id, stage=stage_name, base_path=base_path
        )
        mapping.node.add_dependency(stage)  # its name is a text here
    _throttle(stage, endpoints, routes, detailed_metrics=detailed_metrics)
    return ApiParts(
        http_api=api,
        stage=stage,
        http_routes=routes,
        authorizers=list(by_authorization.values()),
        domain=own_domain if isinstance(domain_name, str) else domain_name,
    )


_ACCESS_LOG_FORMAT: Final = apigateway.AccessLogFormat.custom(json.dumps(ACCESS_LOG))


@jsii.implements(apigatewayv2.IAccessLogSettings)
class _AccessLog:
    """CDK asks for these two: an interface where everything else is a struct."""

    def __init__(self, log_group: logs.ILogGroup) -> None:
        self._destination = apigatewayv2.LogGroupLogDestination(log_group)

    @property
    def destination(self) -> apigatewayv2.LogGroupLogDestination:
        return self._destination

    @property
    def format(self) -> apigateway.AccessLogFormat:
        return _ACCESS_LOG_FORMAT


def _routes(
    api: apigatewayv2.HttpApi,
    endpoints: Sequence[Endpoint],
    by_authorization: Mapping[Authorization, apigatewayv2.IHttpRouteAuthorizer],
    stage_name: str,
    integration_timeout: Duration | None,
) -> dict[str, apigatewayv2.HttpRoute]:
    seconds = _validation.read_seconds("integration_timeout", integration_timeout)
    if seconds is not None and seconds > _defaults.HTTP_INTEGRATION_TIMEOUT_SECONDS_MAX_IN_CDK:
        integration_timeout = None
    targets: dict[AliasLike, integrations.HttpLambdaIntegration] = {}
    routes = {}
    for endpoint in endpoints:
        if endpoint.alias not in targets:
            targets[endpoint.alias] = integrations.HttpLambdaIntegration(
                "Integration", endpoint.alias, timeout=integration_timeout
            )
        (route,) = api.add_routes(
            path=endpoint.path,
            methods=[apigatewayv2.HttpMethod[endpoint.method]],
            integration=targets[endpoint.alias],
            authorizer=by_authorization[endpoint.authorization.authorizer],
            authorization_scopes=list(endpoint.authorization.scopes) or None,
        )
        routes[endpoint.key] = route
        acknowledgment.acknowledge(
            route, acknowledgment.authorization(endpoint.authorization.kind, rest=False)
        )
        # CDK lets every stage and method of the path call: narrowed to the one stage and method that there are.
        permission = route.node.try_find_child("Integration-Permission")
        if isinstance(permission, lambda_.CfnPermission):
            permission.source_arn = api.arn_for_execute_api(endpoint.method, endpoint.path_of_arn, stage_name)
    return routes


def _throttle(
    stage: apigatewayv2.HttpStage,
    endpoints: Sequence[Endpoint],
    routes: Mapping[str, apigatewayv2.HttpRoute],
    *,
    detailed_metrics: bool,
) -> None:
    """The L2 knows no limits of single routes. They name routes that must be there before the stage."""
    throttled = {each.key: each.throttling for each in endpoints if each.throttling is not None}
    if not throttled:
        return
    resource_of(stage, apigatewayv2.CfnStage).route_settings = {
        key: {
            "ThrottlingRateLimit": rate,
            "ThrottlingBurstLimit": burst,
            "DetailedMetricsEnabled": detailed_metrics,
        }
        for key, (rate, burst) in throttled.items()
    }
    stage.node.add_dependency(*(routes[key] for key in throttled))


def _authorizers(endpoints: Sequence[Endpoint]) -> dict[Authorization, apigatewayv2.IHttpRouteAuthorizer]:
    """Routes that differ in scopes alone share an authorizer."""
    by_authorization: dict[Authorization, apigatewayv2.IHttpRouteAuthorizer] = {}
    for authorization in dict.fromkeys(endpoint.authorization.authorizer for endpoint in endpoints):
        number = sum(other.kind == authorization.kind for other in by_authorization) + 1
        name = f"{authorization.kind}Authorizer{'' if number == 1 else number}"
        if authorization.kind == "IAM":
            by_authorization[authorization] = authorizers.HttpIamAuthorizer()
        elif authorization.kind == "Cognito" and authorization.user_pool is not None:
            by_authorization[authorization] = authorizers.HttpUserPoolAuthorizer(
                name, authorization.user_pool, user_pool_clients=list(authorization.user_pool_clients)
            )
        elif authorization.kind == "JWT":
            by_authorization[authorization] = authorizers.HttpJwtAuthorizer(
                name, authorization.issuer, jwt_audience=list(authorization.audience)
            )
        elif authorization.kind == "Lambda" and authorization.alias is not None:
            sources = [f"$request.header.{authorization.identity_header}"]
            if authorization.cache_ttl is not None:
                sources.append("$context.routeKey")  # or an answer for one route would serve the others
            by_authorization[authorization] = authorizers.HttpLambdaAuthorizer(
                name,
                authorization.alias,
                identity_source=sources,
                response_types=[authorizers.HttpLambdaResponseType.SIMPLE],
                results_cache_ttl=authorization.cache_ttl or Duration.seconds(0),
            )
        else:
            by_authorization[authorization] = apigatewayv2.HttpNoneAuthorizer()
    return by_authorization


def _cors(cors: Cors, endpoints: Sequence[Endpoint]) -> apigatewayv2.CorsPreflightOptions:
    methods = dict.fromkeys(endpoint.method for endpoint in endpoints)
    return apigatewayv2.CorsPreflightOptions(
        allow_origins=list(cors.origins),
        allow_methods=[apigatewayv2.CorsHttpMethod[method] for method in methods],
        allow_headers=list(cors.headers),
        allow_credentials=cors.credentials or None,
        max_age=Duration.seconds(_defaults.CORS_MAX_AGE_SECONDS),
    )
