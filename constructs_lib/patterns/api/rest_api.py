"""A REST API whose methods call aliases."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from aws_cdk import Duration, Size
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib import _defaults
from constructs_lib._types import AliasLike
from constructs_lib.foundation import acknowledgment
from constructs_lib.foundation.acknowledgment import acknowledge
from constructs_lib.patterns.api import aliases
from constructs_lib.patterns.api.api_parts import ApiParts
from constructs_lib.patterns.api.authorization import Authorization
from constructs_lib.patterns.api.cors import Cors
from constructs_lib.patterns.api.route import Endpoint
from constructs_lib.patterns.api.usage_plan import UsagePlan

if TYPE_CHECKING:
    from aws_cdk import aws_certificatemanager as acm
    from aws_cdk import aws_wafv2 as wafv2

    from constructs_lib.patterns.api import custom_domain

ACCESS_LOG = {
    "requestId": "$context.requestId",
    "extendedRequestId": "$context.extendedRequestId",
    "traceId": "$context.xrayTraceId",
    "time": "$context.requestTime",
    "apiId": "$context.apiId",
    "stage": "$context.stage",
    "method": "$context.httpMethod",
    "route": "$context.resourcePath",
    "path": "$context.path",
    "status": "$context.status",
    "latency": "$context.responseLatency",
    "integrationLatency": "$context.integrationLatency",
    "integrationStatus": "$context.integration.status",
    "lambdaStatus": "$context.integrationStatus",
    "lambdaRequestId": "$context.awsEndpointRequestId",
    "responseLength": "$context.responseLength",
    "errorType": "$context.error.responseType",
    "authorizerStatus": "$context.authorizer.status",
    "authorizerRequestId": "$context.authorizer.requestId",
    "principal": "$context.authorizer.principalId",
    "caller": "$context.identity.userArn",
    "apiKeyId": "$context.identity.apiKeyId",
    "wafResponse": "$context.wafResponseCode",
    "ip": "$context.identity.sourceIp",
    "userAgent": "$context.identity.userAgent",
}
"""Fields of a line, without the texts of errors: see docs/decisions/0019.
Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html"""

_ACCESS_LOG_FORMAT: Final = apigateway.AccessLogFormat.custom(json.dumps(ACCESS_LOG))

ERROR_BODY = '{"message":$context.error.messageString,"requestId":"$context.requestId"}'
"""What API Gateway answers by itself, with the id that its access log has too. `messageString` comes with quotes."""


def make(
    scope: Construct,
    *,
    name: str,
    description: str | None,
    endpoints: Sequence[Endpoint],
    stage: apigateway.StageOptions,
    integration_timeout: Duration,
    cors: Cors | None,
    account_log_role: bool,
    binary_media_types: Sequence[str],
    minimum_compression_size: Size | None,
    resource_policy: iam.PolicyDocument | None,
    domain_name: "str | custom_domain.AnyDomain | None",
    base_path: str | None,
    certificate: "acm.ICertificate | None",
    usage_plans: Mapping[str, UsagePlan],
    web_acl_arn: str | None,
) -> ApiParts:
    """Make the API, its stage, and a method for each endpoint.

    Args:
        scope: Where to put it.
        name: Its name, which its metrics are told apart by.
        description: Shown in the console.
        endpoints: What it serves.
        stage: Its stage.
        integration_timeout: How long it waits for a function.
        cors: Which web pages may call.
        account_log_role: Whether to make the role that API Gateway writes logs with, for the whole account.
        binary_media_types: Bodies that reach functions in base64.
        minimum_compression_size: Bodies from this size on are compressed.
        resource_policy: Who may reach it, beside the authorization.
        domain_name: The custom domain, its only way in then: a name, or the domain of another API.
        base_path: The path below the domain.
        certificate: For the domain.
        usage_plans: Who may call how much.
        web_acl_arn: The web ACL before it.

    Returns:
        What was made.
    """
    api = apigateway.RestApi(
        scope,
        "RestApi",
        rest_api_name=name,
        description=description,
        endpoint_configuration=apigateway.EndpointConfiguration(types=[apigateway.EndpointType.REGIONAL]),
        cloud_watch_role=account_log_role,
        deploy_options=stage,
        binary_media_types=list(binary_media_types) or None,
        min_compression_size=minimum_compression_size,
        policy=resource_policy,
        disable_execute_api_endpoint=None if domain_name is None else True,
    )
    if domain_name is not None:
        api.node.try_remove_child("Endpoint")  # the output of a URL that does not answer
    responses = [
        api.add_gateway_response(
            f"Default{status}",
            type=kind,
            response_headers=_cors_headers(cors),
            templates={"application/json": ERROR_BODY},
        )
        for status, kind in _RESPONSES
    ]
    authorizers = _authorizers(scope, api, endpoints)
    methods = _methods(
        api, endpoints, authorizers, integration_timeout, cors, binary=bool(binary_media_types)
    )
    _redeploy_with(api, endpoints)
    deployed = api.deployment_stage
    plans, keys = _usage_plans(api, deployed, usage_plans)
    return ApiParts(
        rest_api=api,
        stage=deployed,
        methods=methods,
        authorizers=list(authorizers.values()),
        gateway_responses=responses,
        usage_plans=plans,
        api_keys=keys,
        domain=_domain(scope, api, domain_name, base_path, certificate),
        web_acl_association=None if web_acl_arn is None else _web_acl(scope, deployed, web_acl_arn),
        findings=_of_the_api(
            validated=any(endpoint.is_validated for endpoint in endpoints), logging=account_log_role
        )
        | _of_the_stage(
            tracing=stage.tracing_enabled,
            logged=stage.logging_level is not None,
            walled=web_acl_arn is not None,
        )
        | _of_all_methods(endpoints),
    )


_RESPONSES: Final = (
    ("4XX", apigateway.ResponseType.DEFAULT_4_XX),
    ("5XX", apigateway.ResponseType.DEFAULT_5_XX),
)


def stage_options(
    *,
    stage_name: str,
    log_group: logs.ILogGroup,
    endpoints: Sequence[Endpoint],
    cors: Cors | None,
    throttling_rate_limit: float,
    throttling_burst_limit: float,
    tracing: bool,
    detailed_metrics: bool,
    execution_log_level: apigateway.MethodLoggingLevel | None,
) -> apigateway.StageOptions:
    """Options of the stage.

    What a method overrides replaces all settings of the stage for it, so each override has them all. There is no
    override for all methods of one path: `/path/*` is stored and matches none, so `ANY` is written out.

    Args:
        stage_name: The first part of every path, without a custom domain.
        log_group: Gets the access log.
        endpoints: What the API serves; some have limits of their own.
        cors: Given where API Gateway answers OPTIONS by itself.
        throttling_rate_limit: Requests per second of each of the others.
        throttling_burst_limit: Requests at once of each of the others.
        tracing: Whether X-Ray sees requests.
        detailed_metrics: Whether each method has metrics of its own.
        execution_log_level: What API Gateway logs of its own work.

    Returns:
        The options.
    """
    return apigateway.StageOptions(
        stage_name=stage_name,
        access_log_destination=apigateway.LogGroupLogDestination(log_group),
        access_log_format=_ACCESS_LOG_FORMAT,
        tracing_enabled=tracing,
        metrics_enabled=detailed_metrics,
        logging_level=execution_log_level,
        throttling_rate_limit=throttling_rate_limit,
        throttling_burst_limit=throttling_burst_limit,
        method_options={
            f"{endpoint.path}/{method}": (
                apigateway.MethodDeploymentOptions(
                    metrics_enabled=detailed_metrics,
                    logging_level=execution_log_level,
                    throttling_rate_limit=endpoint.throttling[0],
                    throttling_burst_limit=endpoint.throttling[1],
                )
            )
            for endpoint in endpoints
            if endpoint.throttling is not None
            for method in endpoint.methods
            if cors is None or method != "OPTIONS"
        }
        or None,
    )


_PUSH_TO_LOGS = (
    "Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
)


def _of_the_api(*, validated: bool, logging: bool) -> dict[str, str]:
    found = {}
    if not validated:
        found["AwsSolutions-APIG2"] = (
            "No route says what its requests must look like, so API Gateway has nothing to check them by: the "
            "functions do. Route(request_model=...) sets it."
        )
    if logging:
        found[f"AwsSolutions-IAM4[{_PUSH_TO_LOGS}]"] = (
            "Made for account_log_role=True. API Gateway takes no role for the account that may do less than this "
            "policy of AWS's own for it."
        )
    return found


def _of_all_methods(endpoints: Sequence[Endpoint]) -> dict[str, str]:
    """Findings on every method, where all are authorized in one way; not on a public one, which stands for itself."""
    kinds = {endpoint.authorization.kind for endpoint in endpoints}
    return {} if len(kinds) > 1 or "public" in kinds else acknowledgment.authorization(kinds.pop(), rest=True)


def _of_the_stage(*, tracing: bool | None, logged: bool, walled: bool) -> dict[str, str]:
    found = {}
    if not walled:
        found["AwsSolutions-APIG3"] = (
            "No web ACL: it costs by the month and by the rule, and which rules are right is for the app to "
            "say. web_acl_arn= puts one here."
        )
    if not logged:
        found["AwsSolutions-APIG6"] = (
            "The access log has a line for each request, with what failed. Execution logs repeat it at length, "
            "headers included, and are paid for by size: execution_log_level= turns them on."
        )
    if not tracing:
        found["Serverless-APIGWXrayEnabled"] = "Turned off by tracing=False."
    return found


def _usage_plans(
    api: apigateway.RestApi, stage: apigateway.Stage, plans: Mapping[str, UsagePlan]
) -> tuple[dict[str, apigateway.UsagePlan], dict[str, apigateway.ApiKey]]:
    usage_plans, keys = {}, {}
    for name, plan in plans.items():
        throttled = plan.throttling_rate_limit is not None or plan.throttling_burst_limit is not None
        usage_plans[name] = api.add_usage_plan(
            name,
            name=name,
            throttle=apigateway.ThrottleSettings(
                rate_limit=plan.throttling_rate_limit, burst_limit=plan.throttling_burst_limit
            )
            if throttled
            else None,
            quota=None
            if plan.quota_limit is None
            else apigateway.QuotaSettings(limit=plan.quota_limit, period=plan.quota_period),
            api_stages=[apigateway.UsagePlanPerApiStage(api=api, stage=stage)],
        )
        for key in plan.keys:
            keys[key] = apigateway.ApiKey(usage_plans[name], key)
            usage_plans[name].add_api_key(keys[key])
    return usage_plans, keys


def _web_acl(scope: Construct, stage: apigateway.Stage, arn: str) -> "wafv2.CfnWebACLAssociation":
    from aws_cdk import aws_wafv2 as wafv2  # large, and most APIs have none

    return wafv2.CfnWebACLAssociation(scope, "WebAcl", resource_arn=stage.stage_arn, web_acl_arn=arn)


def _authorizers(
    scope: Construct, api: apigateway.RestApi, endpoints: Sequence[Endpoint]
) -> dict[Authorization, apigateway.Authorizer]:
    """Routes that differ in scopes alone share an authorizer."""
    by_authorization: dict[Authorization, apigateway.Authorizer] = {}
    for authorization in dict.fromkeys(endpoint.authorization.authorizer for endpoint in endpoints):
        number = sum(other.kind == authorization.kind for other in by_authorization) + 1
        construct_id = f"{authorization.kind}Authorizer{'' if number == 1 else number}"
        settings: dict[str, object]
        if authorization.kind == "Cognito" and authorization.user_pool is not None:
            by_authorization[authorization] = apigateway.CognitoUserPoolsAuthorizer(
                scope, construct_id, cognito_user_pools=[authorization.user_pool]
            )
            settings = {"userPool": authorization.user_pool.user_pool_arn}
        elif authorization.kind == "Lambda" and authorization.alias is not None:
            header = f"method.request.header.{authorization.identity_header}"
            by_authorization[authorization] = apigateway.RequestAuthorizer(
                scope,
                construct_id,
                handler=authorization.alias,
                identity_sources=[header],
                results_cache_ttl=authorization.cache_ttl or Duration.seconds(0),
            )
            ttl = authorization.cache_ttl
            settings = {
                "alias": authorization.alias.function_arn,
                "behind": aliases.identity(authorization.alias),
                "identity": header,
                "cacheTtl": None if ttl is None else ttl.to_string(),
            }
        else:
            continue
        deployment = api.latest_deployment
        if deployment is not None:
            # An authorizer is part of a deployment: changed, it counts from the next one on. CDK knows this
            # under a feature flag alone.
            deployment.add_to_logical_id({construct_id: settings})
    return by_authorization


def _redeploy_with(api: apigateway.RestApi, endpoints: Sequence[Endpoint]) -> None:
    """Deploy anew when an alias is replaced: its reference stays the same, and CDK's hash sees only that."""
    deployment = api.latest_deployment
    called = dict.fromkeys(endpoint.alias for endpoint in endpoints)
    identities = [found for alias in called if (found := aliases.identity(alias))]
    if deployment is not None and identities:
        deployment.add_to_logical_id({"aliases": identities})


def _domain(
    scope: Construct,
    api: apigateway.RestApi,
    domain_name: "str | custom_domain.AnyDomain | None",
    base_path: str | None,
    certificate: "acm.ICertificate | None",
) -> "custom_domain.AnyDomain | None":
    if domain_name is None:
        return None
    if isinstance(domain_name, str):
        assert certificate is not None  # noqa: S101 - checked with the arguments
        return apigateway.DomainName(
            scope,
            "DomainName",
            domain_name=domain_name,
            certificate=certificate,
            endpoint_type=apigateway.EndpointType.REGIONAL,
            security_policy=apigateway.SecurityPolicy.TLS_1_2,
            mapping=api,
            base_path=base_path,
        )
    from constructs_lib.patterns.api import custom_domain  # large, and most APIs have none

    custom_domain.map_to(
        scope, domain_name, api_id=api.rest_api_id, stage=api.deployment_stage.stage_name, base_path=base_path
    )
    return domain_name


def _methods(
    api: apigateway.RestApi,
    endpoints: Sequence[Endpoint],
    authorizers: Mapping[Authorization, apigateway.Authorizer],
    integration_timeout: Duration,
    cors: Cors | None,
    *,
    binary: bool,
) -> dict[str, apigateway.Method]:
    root = api.root
    resources: dict[str, apigateway.IResource] = {"/": root}
    integrations: dict[tuple[AliasLike, str | None], apigateway.LambdaIntegration] = {}
    of_all = _of_all_methods(endpoints)
    methods_by_route = {}
    validator = (
        api.add_request_validator(
            "RequestValidator", validate_request_body=True, validate_request_parameters=True
        )
        if any(endpoint.is_validated for endpoint in endpoints)
        else None
    )
    for endpoint in endpoints:
        if endpoint.path not in resources:
            resources[endpoint.path] = root.resource_for_path(endpoint.path)
        called = (endpoint.alias, endpoint.tenant_id)
        if called not in integrations:
            integrations[called] = apigateway.LambdaIntegration(
                endpoint.alias,
                timeout=integration_timeout,
                allow_test_invoke=False,
                request_parameters=None
                if endpoint.tenant_id is None
                else {"integration.request.header.X-Amz-Tenant-Id": endpoint.tenant_id},
            )
        required = [
            *(f"method.request.header.{name}" for name in endpoint.required_headers),
            *(f"method.request.querystring.{name}" for name in endpoint.required_query_strings),
        ]
        authorizer = authorizers.get(endpoint.authorization.authorizer)
        methods_by_route[endpoint.key] = resources[endpoint.path].add_method(
            endpoint.method,
            integrations[called],
            authorizer=authorizer,
            authorization_type=None if authorizer else _TYPES[endpoint.authorization.kind],
            authorization_scopes=list(endpoint.authorization.scopes) or None,
            api_key_required=endpoint.api_key_required or None,
            request_models=_models(api, endpoint),
            request_parameters=dict.fromkeys(required, True) or None,
            request_validator=validator if endpoint.is_validated else None,
        )
        if not of_all:
            findings = acknowledgment.authorization(endpoint.authorization.kind, rest=True)
            acknowledge(methods_by_route[endpoint.key], findings)
    if cors is not None:
        for path in dict.fromkeys(endpoint.path for endpoint in endpoints):
            methods = [endpoint.method for endpoint in endpoints if endpoint.path == path]
            preflight = resources[path].add_cors_preflight(
                allow_origins=list(cors.origins),
                allow_methods=["ANY"] if "ANY" in methods else [*methods, "OPTIONS"],
                allow_headers=list(cors.headers),
                allow_credentials=cors.credentials or None,
                max_age=Duration.seconds(_defaults.CORS_MAX_AGE_SECONDS),
            )
            resource = preflight.node.default_child if binary else None
            if isinstance(resource, apigateway.CfnMethod):
                # An integration without a back end cannot answer in binary: it would answer with 500.
                # https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html
                resource.add_property_override("Integration.ContentHandling", "CONVERT_TO_TEXT")
    return methods_by_route


_TYPES = {"IAM": apigateway.AuthorizationType.IAM, "public": apigateway.AuthorizationType.NONE}


def _models(api: apigateway.RestApi, endpoint: Endpoint) -> dict[str, apigateway.IModel] | None:
    """Return the model for all content types, so that a caller cannot send text/plain to avoid the check."""
    if endpoint.request_model is None:
        return None
    model = api.add_model(f"{endpoint.method}{endpoint.path}Model", schema=endpoint.request_model)
    return {"$default": model}


def _cors_headers(cors: Cors | None) -> dict[str, str] | None:
    """So that a page can read errors too. With several origins there is no right answer that does not compute."""
    if cors is None or len(cors.origins) != 1:
        return None
    headers = {"Access-Control-Allow-Origin": f"'{cors.origins[0]}'"}
    return headers | ({"Access-Control-Allow-Credentials": "'true'"} if cors.credentials else {})
