"""An API in front of live aliases: nothing in it reaches a function's $LATEST."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from aws_cdk import (
    Annotations,
    Aws,
    Duration,
    Fn,
    Names,
    RemovalPolicy,
    Size,
)
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import alarms, location, stack_order
from constructs_lib.foundation.alarms import Alarms
from constructs_lib.foundation.invoked import check_synchronous
from constructs_lib.patterns.api import alarms as api_alarms
from constructs_lib.patterns.api import (
    aliases,
    domain_paths,
    http_arguments,
    rest_api,
    rest_arguments,
    route_grants,
)
from constructs_lib.patterns.api.api_kind import HTTP, REST, ApiKind
from constructs_lib.patterns.api.authorization import Authorization
from constructs_lib.patterns.api.cors import cors_of
from constructs_lib.patterns.api.domain_arguments import check_domain
from constructs_lib.patterns.api.route import Endpoint, Route, endpoints
from constructs_lib.patterns.api.usage_plan import UsagePlan
from constructs_lib.practice.plugin import check_app_of

if TYPE_CHECKING:
    from aws_cdk import aws_apigatewayv2 as apigatewayv2
    from aws_cdk import aws_certificatemanager as acm
    from aws_cdk import aws_route53 as route53
    from aws_cdk import aws_wafv2 as wafv2

    from constructs_lib.patterns.api.custom_domain import AnyDomain


# What most APIs do not use is imported where it is used: each service module takes a part of a second.


class ProvisionedApi(Construct):
    """A REST or HTTP API whose routes call aliases, with its alarms.

    What is deployed: the API (Regional), one stage with throttling, a log group with a JSON line for each
    request, and alarms: on the share of 5XX answers, the 99th percentile of the latency, requests refused with
    429, throttled invocations of each alias, and those that spill over its provisioned concurrency (the last
    two are a `LiveAlias`'s own, where there is one). A REST API has X-Ray tracing, and error bodies that carry
    the request id. API Gateway may call each alias for the one API, stage, method and path, and nothing else;
    the console's test button may not.

    A function must answer within the integration's timeout, or its caller gets a 504 while it works on: so its
    own timeout must fit in. The default of `PythonFunction` does.

    Each line of the access log is a JSON object, whatever a request or an error contains. The texts of errors are
    in the logs of the function and the authorizer, under `lambdaRequestId` and `authorizerRequestId`.

    An HTTP API costs less than a third for each request, and takes tokens of any OpenID Connect provider. It
    has no web ACL, usage plans and keys, request validation, X-Ray, compression or resource policy, nor error
    bodies of your choice: asking for one of them is an error.

    Some changes need two steps. `http=` cannot change while the API makes its own domain: API Gateway keeps the two
    kinds of domain apart, and a name is there once. Make the domain beside the API and pass it, or take `domain_name`
    away for one deployment.

    A REST API can log only in an account where API Gateway has a role to write logs with, one for all APIs of
    the account and Region. Many accounts have it; `account_log_role=True` makes it. An HTTP API needs none; who
    deploys one needs `logs:CreateLogDelivery`, `logs:PutResourcePolicy`, `logs:DescribeResourcePolicies` and
    `logs:DescribeLogGroups`.

    Costs nothing while idle, but for its alarms (about 0.10 dollars a month for each metric in them), and what is
    asked for: a web ACL (5 dollars a month and 1 for each rule), a hosted zone, provisioned concurrency of the
    aliases.

    Args:
        scope: The construct to put it in.
        construct_id: Its name there.
        routes: `METHOD /path` and the alias to call, or a `Route` with settings of its own. Methods are GET, POST,
            PUT, PATCH, DELETE, HEAD, OPTIONS or ANY; `{name}` in a path is a variable, `{name+}` at its end takes
            the whole rest.
        authorization: Who may call: `Authorization.iam()`, `.cognito(...)`, `.jwt(...)` (HTTP API),
            `.lambda_authorizer(...)` or `.public()`. Has no default.
        http: An HTTP API in place of a REST API.
        api_name: Default is unique to this construct: the metrics of REST APIs with one name are mixed.
        description: Shown in the console.
        stage_name: Default `prod` (REST), the first part of every path without a custom domain, or `$default`.
        throttling_rate_limit: Requests per second of each route that has no limit of its own, 0 or more; default
            1,000.
        throttling_burst_limit: Requests at once of each route that has no limit of its own, 0 or more; default 500.
        integration_timeout: How long to wait for a function, 50 ms at least. Default is the most: 29 s (REST) or
            30 s (HTTP). A REST API with a raised quota can wait for up to 300 s.
        detailed_metrics: Whether each route has metrics of its own, which are paid for.
        tracing: REST: whether X-Ray sees requests; default True.
        execution_log_level: REST: log what API Gateway itself does, in a log group that API Gateway makes, keeps
            forever and leaves behind: `API-Gateway-Execution-Logs_{api id}/{stage}`. Default not at all.
        account_log_role: REST: True: make the account's role for API Gateway's logs; it stays when the stack
            goes. False: it is there. None: the same, with a warning at synth.
        log_retention: How long the access log is kept; default two months.
        log_removal_policy: What happens to the access log when the stack is deleted; default RETAIN. Not SNAPSHOT.
        cors_origins: Web origins that may call from a browser, such as `https://example.com`, or `*`. Your functions
            must answer with `Access-Control-Allow-Origin` themselves in a REST API. Not beside an `ANY` route of an
            HTTP API, which takes the browsers' OPTIONS requests too: name the methods one by one.
        cors_headers: Headers that such calls may send.
        cors_credentials: Whether such calls may carry cookies; not with `*`.
        api_key_required: REST: whether each route that says nothing else needs a key of a usage plan.
        usage_plans: REST: by name, who may call how much.
        binary_media_types: REST: bodies of these types reach the function in base64, and may come back so;
            `*/*` is all. An HTTP API does this by itself.
        minimum_compression_size: REST: answers from this size on are compressed for callers that take it,
            0 bytes to 10 MB; default never.
        resource_policy: REST: who may reach the API, beside the authorization, such as address ranges.
        web_acl_arn: REST: a web ACL of AWS WAF, with the scope REGIONAL.
        domain_name: Your own domain; the API then answers there alone. A name makes the domain, with TLS 1.2 or
            newer. To share a domain, pass the `domain` of the other API, or an imported Regional one, and a
            `base_path`.
        base_path: The path of this API below the domain, such as `orders` or `orders/v2`. None: the API gets each
            request that no other path of the domain takes. API Gateway takes it off before it looks for a route. With
            more than one part, the names of a REST API's headers reach the function in lower case.
        certificate: For a domain that is made, of this Region.
        hosted_zone: Where a record for a domain that is made is put. None: you make the record.
        latency_threshold: Alarm when one answer in a hundred takes longer; default 2.5 seconds.
        alarm_topic: The topic that the alarms notify, of the same Region. None: that of `AlarmSettings`, or else one
            that is created, for you to subscribe to.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        rest_api: The REST API. None for an HTTP API.
        http_api: The HTTP API. None for a REST API.
        stage: The only stage.
        methods: The methods of a REST API, by route. Empty for an HTTP API.
        http_routes: The routes of an HTTP API, by route. Empty for a REST API.
        log_group: The access log.
        authorizers: What API Gateway asks who calls; empty if no route needs one.
        gateway_responses: What a REST API answers by itself. Empty for an HTTP API.
        domain: The custom domain that was made, or yours. Another API can share it as its `domain_name`, with a
            `base_path`. None without `domain_name`.
        domain_record: The record in `hosted_zone`. None without `hosted_zone`.
        web_acl_association: What puts the web ACL before the stage. None without `web_acl_arn`.
        usage_plans: The usage plans, by the names that you passed.
        api_keys: The API keys, by the names in the usage plans.
        alarm_topic: Notified by the alarms: the one that you passed, that of `AlarmSettings`, or one that was created.
        server_errors_alarm: On the share of 5XX answers.
        latency_alarm: On the 99th percentile of the latency.
        throttled_requests_alarm: On requests refused with 429. It counts lines of the access log, since 4XXError
            counts every caller's own mistakes too. A quota that is used up is the caller's own, and does not count.
            Of an HTTP API, a 429 that a function answers counts as well.
        throttles_alarms: On throttled invocations, one for each alias. A `LiveAlias` has its own, and none here.
        spillover_alarms: On calls beyond the provisioned concurrency, one for each alias that has some. A `LiveAlias`
            has its own, and none here.

    Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-vs-rest.html
    """

    rest_api: Final[apigateway.RestApi | None]
    http_api: "Final[apigatewayv2.HttpApi | None]"
    stage: "Final[apigateway.Stage | apigatewayv2.HttpStage]"
    methods: Final[Mapping[str, apigateway.Method]]
    http_routes: "Final[Mapping[str, apigatewayv2.HttpRoute]]"
    log_group: Final[logs.LogGroup]
    authorizers: "Final[Sequence[apigateway.Authorizer | apigatewayv2.IHttpRouteAuthorizer]]"
    gateway_responses: Final[Sequence[apigateway.GatewayResponse]]
    domain: "Final[AnyDomain | None]"
    domain_record: "Final[route53.ARecord | None]"
    web_acl_association: "Final[wafv2.CfnWebACLAssociation | None]"
    usage_plans: Final[Mapping[str, apigateway.UsagePlan]]
    api_keys: Final[Mapping[str, apigateway.ApiKey]]
    alarm_topic: Final[sns.ITopic]
    server_errors_alarm: Final[cloudwatch.Alarm]
    latency_alarm: Final[cloudwatch.Alarm]
    throttled_requests_alarm: Final[cloudwatch.Alarm]
    throttles_alarms: Final[Sequence[cloudwatch.Alarm]]
    spillover_alarms: Final[Sequence[cloudwatch.Alarm]]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        routes: Mapping[str, lambda_.IAlias | lambda_.Alias | Route],
        authorization: Authorization,
        http: bool = False,
        api_name: str | None = None,
        description: str | None = None,
        stage_name: str | None = None,
        throttling_rate_limit: float = _defaults.THROTTLING_RATE_LIMIT,
        throttling_burst_limit: float = _defaults.THROTTLING_BURST_LIMIT,
        integration_timeout: Duration | None = None,
        detailed_metrics: bool = False,
        tracing: bool | None = None,
        execution_log_level: apigateway.MethodLoggingLevel | None = None,
        account_log_role: bool | None = None,
        log_retention: logs.RetentionDays | None = None,
        log_removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
        cors_origins: Sequence[str] = (),
        cors_headers: Sequence[str] = _defaults.CORS_HEADERS,
        cors_credentials: bool = False,
        api_key_required: bool = False,
        usage_plans: Mapping[str, UsagePlan] | None = None,
        binary_media_types: Sequence[str] = (),
        minimum_compression_size: Size | None = None,
        resource_policy: iam.PolicyDocument | None = None,
        web_acl_arn: str | None = None,
        domain_name: "str | AnyDomain | None" = None,
        base_path: str | None = None,
        certificate: "acm.ICertificate | acm.Certificate | None" = None,
        hosted_zone: "route53.IHostedZone | route53.HostedZone | None" = None,
        latency_threshold: Duration | None = None,
        alarm_topic: sns.ITopic | sns.Topic | None = None,
    ) -> None:
        """Create the API; the arguments are described at the class."""
        aliases.forget()
        served = endpoints(
            routes,
            authorization=authorization,
            throttling_rate_limit=throttling_rate_limit,
            throttling_burst_limit=throttling_burst_limit,
            api_key_required=api_key_required,
        )
        _check_kinds(
            texts={"api_name": api_name, "description": description},
            lists={"binary_media_types": binary_media_types},
            flags={
                "http": http,
                "detailed_metrics": detailed_metrics,
                "tracing": tracing,
                "account_log_role": account_log_role,
                "cors_credentials": cors_credentials,
            },
        )
        _validation.check_member("execution_log_level", execution_log_level, apigateway.MethodLoggingLevel)
        _validation.check_member("log_retention", log_retention, logs.RetentionDays)
        _validation.check_member("log_removal_policy", log_removal_policy, RemovalPolicy, without="SNAPSHOT")
        _validation.check_part("resource_policy", resource_policy, "statement_count", "an iam.PolicyDocument")
        kind = HTTP if http else REST
        plans = rest_arguments.plans_of(usage_plans)
        if http:
            http_arguments.refuse_what_is_lacking(
                tracing=tracing,
                execution_log_level=execution_log_level,
                account_log_role=account_log_role,
                usage_plans=plans,
                binary_media_types=binary_media_types,
                minimum_compression_size=minimum_compression_size,
                resource_policy=resource_policy,
                web_acl_arn=web_acl_arn,
            )
            http_arguments.check_routes(served)
        else:
            rest_arguments.check_routes(served, has_domain=domain_name is not None)
            rest_arguments.check_usage_plans(plans, served)
        _check_policies(served)
        aliases.check_places(
            scope,
            {f"routes[{each.key!r}]": each.alias for each in served}
            | {
                f"the authorizer of routes[{each.key!r}]": each.authorization.alias
                for each in served
                if each.authorization.alias is not None
            },
        )
        api_stack = location.stack_of(scope)
        others = aliases.other_stacks(
            api_stack,
            [
                alias
                for each in served
                for alias in (each.alias, each.authorization.alias)
                if alias is not None
            ],
        )
        stack_order.check(
            api_stack,
            others,
            "routes cannot have an alias with a rollback alarm in this API's stack, which would make a circular "
            "dependency. Put the API into the stack of the alias, or leave the alarm out of rollback_alarms.",
        )
        Alarms.check_topic(scope, alarm_topic)
        _check_stage_name(stage_name, kind)
        _check_timeouts(served, integration_timeout, kind)
        rest_arguments.check_compression(minimum_compression_size)
        rest_arguments.check_web_acl(web_acl_arn, api_stack)
        check_domain(domain_name, base_path, certificate, hosted_zone, api_stack)
        place = domain_paths.place(scope, domain_name, base_path)
        cors = cors_of(cors_origins, cors_headers, served, credentials=cors_credentials, http=http)
        milliseconds = api_alarms.latency_milliseconds(latency_threshold)

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        location.note(scope, self)
        stack_order.note(api_stack, others)
        if place is not None:
            place.take(self.node.path)
        self._endpoints = served
        self._granted: dict[str, route_grants.Granted] = {}
        own_name = Names.unique_resource_name(self, max_length=128, separator="-")
        name = api_name or own_name
        staged = stage_name or kind.stage_name
        self.log_group = logs.LogGroup(
            self,
            "AccessLog",
            log_group_name=_log_group_name(own_name) if http else None,
            retention=log_retention or logs.RetentionDays.TWO_MONTHS,
            removal_policy=log_removal_policy,
        )
        if http:
            from constructs_lib.patterns.api import http_api

            api = http_api.make(
                self,
                name=name,
                description=description,
                endpoints=served,
                stage_name=staged,
                log_group=self.log_group,
                throttling_rate_limit=throttling_rate_limit,
                throttling_burst_limit=throttling_burst_limit,
                detailed_metrics=detailed_metrics,
                integration_timeout=integration_timeout,
                cors=cors,
                domain_name=domain_name,
                base_path=base_path,
                certificate=certificate,
            )
        else:
            api = rest_api.make(
                self,
                name=name,
                description=description,
                endpoints=served,
                stage=rest_api.stage_options(
                    stage_name=staged,
                    log_group=self.log_group,
                    endpoints=served,
                    cors=cors,
                    throttling_rate_limit=throttling_rate_limit,
                    throttling_burst_limit=throttling_burst_limit,
                    tracing=tracing is not False,
                    detailed_metrics=detailed_metrics,
                    execution_log_level=execution_log_level,
                ),
                integration_timeout=integration_timeout or _REST_TIMEOUT,
                cors=cors,
                account_log_role=account_log_role is True,
                binary_media_types=binary_media_types,
                minimum_compression_size=minimum_compression_size,
                resource_policy=resource_policy,
                domain_name=domain_name,
                base_path=base_path,
                certificate=certificate,
                usage_plans=plans,
                web_acl_arn=web_acl_arn,
            )
            if account_log_role is None:
                _say_what_logging_needs(self)
        self.rest_api, self.http_api = api.rest_api, api.http_api
        self.stage, self.domain = api.stage, api.domain
        self.methods, self.http_routes = api.methods, api.http_routes
        self.authorizers, self.gateway_responses = api.authorizers, api.gateway_responses
        self.usage_plans, self.api_keys = api.usage_plans, api.api_keys
        self.web_acl_association = api.web_acl_association
        self.domain_record = _point_to(self, api.domain, hosted_zone, domain_name)
        self._address = (domain_name, base_path)

        alarms_here = Alarms(self, alarm_topic, findings=api.findings)
        self.alarm_topic = alarms_here.topic
        # The stage by its name: an alarm that refers to the stage depends on the alias behind it, and could not
        # roll back a release of that alias.
        api_id = api.api_id
        dimensions = (
            {"ApiId": api_id, "Stage": staged}
            if api.http_api is not None
            else {"ApiName": name, "Stage": staged}
        )
        self.server_errors_alarm = alarms_here.add(
            "ServerErrorsAlarm",
            api_alarms.server_errors(
                errors=self.stage.metric_server_error(
                    period=alarms.PERIOD, statistic="Sum", dimensions_map=dimensions
                ),
                requests=self.stage.metric_count(period=alarms.PERIOD, dimensions_map=dimensions),
            ),
        )
        self.latency_alarm = alarms_here.add(
            "LatencyAlarm",
            api_alarms.latency(
                self.stage.metric_latency(period=alarms.PERIOD, statistic="p99", dimensions_map=dimensions),
                milliseconds=milliseconds,
            ),
        )
        self.throttled_requests_alarm = alarms_here.add(
            "ThrottledRequestsAlarm",
            api_alarms.throttled_requests(self._throttled_requests(api_id, staged, kind)),
        )
        called = dict.fromkeys(endpoint.alias for endpoint in served)
        unwatched = [alias for alias in called if alias not in alarms.watched_aliases]
        self.throttles_alarms = [
            alarms_here.add(_numbered("ThrottlesAlarm", number), alarms.function_throttles(alias))
            for number, alias in enumerate(unwatched, start=1)
        ]
        self.spillover_alarms = [
            alarms_here.add(_numbered("SpilloverAlarm", number), alarms.provisioned_spillover(alias))
            for number, alias in enumerate(unwatched, start=1)
            if isinstance(alias, lambda_.Alias) and aliases.invoked(alias).has_provisioned_concurrency
        ]

    @property
    def url(self) -> str:
        """The address of the API, with a slash at its end: that of the custom domain and base path if there is one."""
        domain_name, base_path = self._address
        below = f"{base_path}/" if base_path else ""
        if isinstance(domain_name, str):
            return f"https://{domain_name}/{below}"
        if domain_name is not None:
            from constructs_lib.patterns.api import custom_domain

            return f"https://{custom_domain.name_of(domain_name)}/{below}"
        if isinstance(self.stage, apigateway.Stage):
            return self.stage.url_for_path("/")
        return f"{self.stage.url.rstrip('/')}/"

    def grant_invoke(self, grantee: iam.IGrantable, *routes: str) -> iam.Grant:
        """Let somebody call routes with IAM authorization, and no other route of this API.

        IAM's `*` goes across slashes: the permission to call `GET /drivers/{id}` is also one to call
        `GET /drivers/{id}/earnings`. So a route with IAM authorization that would be granted in this way is denied
        to the grantee. Name all routes of one grantee in one call: a later call cannot take a denial back. Where no
        ARN can tell two routes apart, a warning at synth names them.

        Args:
            grantee: A role, function, user or anything else with a principal.
            *routes: As in `routes=`; none: every route with IAM authorization.

        Returns:
            The grant.

        Raises:
            InvalidPropsError: There is no such route, its authorization is another, or an earlier call denies it
                to this grantee.

        Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html
        """
        _validation.check_part(
            "grantee", grantee, "grant_principal", "a role, function or user", required=True
        )
        by_key = {each.key: each for each in self._endpoints if each.authorization.kind == "IAM"}
        other = [route for route in routes if route not in by_key]
        if not by_key:
            raise InvalidPropsError(
                "grant_invoke requires routes with IAM authorization, and this API has none: who may call is decided "
                f"by the authorization of the routes. See {_defaults.API_IAM}"
            )
        if other:
            raise InvalidPropsError(
                f"grant_invoke must name routes with IAM authorization, which are "
                f"{', '.join(by_key)}, got {', '.join(map(str, other))}."
            )
        principal = grantee.grant_principal
        path = getattr(getattr(principal, "node", None), "path", None)
        earlier = self._granted.setdefault(path, route_grants.Granted()) if path else route_grants.Granted()
        asked = list(routes or by_key)
        denied = [route for route in asked if route in earlier.denied]
        if denied:
            raise InvalidPropsError(
                f"grant_invoke must name {', '.join(denied)} together with the routes granted before to {path}: the "
                f"earlier call denies it, since IAM's * goes across slashes. See {_defaults.API_IAM}"
            )
        grant = route_grants.grant(by_key.values(), asked, earlier)
        if grant.deny:
            principal.add_to_principal_policy(
                iam.PolicyStatement(
                    effect=iam.Effect.DENY,
                    actions=["execute-api:Invoke"],
                    resources=[self._arn(each) for each in grant.deny],
                )
            )
        if grant.also_reached:
            Annotations.of(self).add_warning_v2(
                "constructs-lib:grant-reaches-more",
                f"grant_invoke of {', '.join(asked)} also lets the caller reach {', '.join(grant.also_reached)}: no "
                "ARN tells these paths apart. Give them paths of which neither is below the other, or check the "
                f"caller in the function. See {_defaults.API_IAM}",
            )
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["execute-api:Invoke"],
            resource_arns=[self._arn(each) for each in grant.allow],
        )

    def _arn(self, requests: route_grants.Requests) -> str:
        api = self.rest_api if self.rest_api is not None else self.http_api
        assert api is not None  # noqa: S101 - there is always one
        return api.arn_for_execute_api(requests.method, f"/{requests.arn_path}", self.stage.stage_name)

    def _throttled_requests(self, api_id: str, stage_name: str, kind: ApiKind) -> cloudwatch.Metric:
        """What API Gateway has no metric for: its 4XXError also counts every caller's own mistakes."""
        dimensions = {"ApiId": "$.apiId", "Stage": "$.stage"}
        self.log_group.add_metric_filter(
            "ThrottledRequests",
            filter_pattern=_THROTTLED[kind],
            metric_namespace=_defaults.API_METRICS_NAMESPACE,
            metric_name="ThrottledRequests",
            metric_value="1",
            dimensions=dimensions,
        )
        return cloudwatch.Metric(
            namespace=_defaults.API_METRICS_NAMESPACE,
            metric_name="ThrottledRequests",
            dimensions_map={"ApiId": api_id, "Stage": stage_name},
            period=alarms.PERIOD,
            statistic="Sum",
        )


_THROTTLED: Final = {kind: logs.FilterPattern.literal(kind.throttled) for kind in (REST, HTTP)}
_REST_TIMEOUT: Final = Duration.seconds(REST.timeout_seconds)


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}{number}"


def _point_to(
    scope: Construct,
    domain: "AnyDomain | None",
    zone: "route53.IHostedZone | None",
    name: "str | AnyDomain | None",
) -> "route53.ARecord | None":
    if domain is None or zone is None or not isinstance(name, str):
        return None
    from constructs_lib.patterns.api import custom_domain

    return custom_domain.point_to(scope, domain, zone, name=name)


def _say_what_logging_needs(api: ProvisionedApi) -> None:
    Annotations.of(api).add_warning_v2(
        "constructs-lib:account-log-role",
        "A REST API logs only where API Gateway has a role for that, one for the whole account and Region; "
        "without it the deployment fails. Pass account_log_role=True to make it, or False where it is there. "
        f"See {_defaults.API_LOGGING}",
    )


# --- arguments -----------------------------------------------------------------------------------------


def _check_kinds(
    *, texts: Mapping[str, object], lists: Mapping[str, object], flags: Mapping[str, object]
) -> None:
    """Refuse what is of another kind: CDK would find it after the first parts are made, or not at all."""
    for name, value in texts.items():
        if value is not None:
            _validation.check_pattern(
                name, value, r"(?s).{1,1024}", "1 to 1,024 characters", source=_API_NAMES
            )
    for name, value in lists.items():
        _validation.check_texts(name, value)
    for name, value in flags.items():
        if value is not None:
            _validation.check_flag(name, value)


_API_NAMES: Final = "https://docs.aws.amazon.com/apigateway/latest/api/API_CreateRestApi.html"


def _check_policies(served: Sequence[Endpoint]) -> None:
    by_alias = Counter(endpoint.alias for endpoint in served)
    most_routes = max(by_alias.values())
    if most_routes > _defaults.ALIAS_ROUTES_MAX:
        raise InvalidPropsError(
            f"routes must be fewer for each alias, got {most_routes}: each is a statement of some 400 bytes in the "
            "policy of the alias, which holds 20 KB for all of its callers, so that even 50 may be too many. Let the "
            'function tell the paths apart, as in "ANY /trips/{proxy+}". '
            f"See {_defaults.LAMBDA_QUOTAS}"
        )


def _check_stage_name(stage_name: str | None, kind: ApiKind) -> None:
    if stage_name is None or stage_name == kind.stage_name:
        return
    if _validation.is_unresolved(stage_name):
        raise InvalidPropsError(
            "stage_name must be known at synth, got a token: it is part of construct ids."
        )
    _validation.check_text("stage_name", stage_name)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", stage_name):
        raise InvalidPropsError(
            f"stage_name must be 1 to 128 letters, digits, _ or -, got {stage_name!r}. "
            f"See {_defaults.API_STAGES}"
        )


def _check_timeouts(served: Sequence[Endpoint], integration_timeout: Duration | None, kind: ApiKind) -> None:
    seconds = _validation.read_seconds(
        f"integration_timeout of {kind.name}",
        integration_timeout,
        kind.timeout_seconds,
        low=_defaults.INTEGRATION_TIMEOUT_SECONDS_MIN,
        high=kind.timeout_seconds_max,
        whole="milliseconds",
        source=kind.quotas,
    )
    longest_settable = _defaults.HTTP_INTEGRATION_TIMEOUT_SECONDS_MAX_IN_CDK
    if kind is HTTP and seconds is not None and seconds > longest_settable:
        _validation.check_seconds(
            f"integration_timeout above {longest_settable} seconds",
            seconds,
            longest_settable,
            kind.timeout_seconds_max,
            source=kind.quotas,
        )
    for endpoint in served:
        if seconds is not None:
            check_synchronous(
                aliases.invoked(endpoint.alias),
                f"behind routes[{endpoint.key!r}]",
                seconds=seconds,
                source=kind.quotas,
            )
        timeout = aliases.timeout_seconds(endpoint.alias)
        if timeout is not None and seconds is not None and timeout > seconds:
            raise InvalidPropsError(
                f"the timeout of the function behind routes[{endpoint.key!r}] must be at most the integration's "
                f"{seconds:g} seconds, got {timeout:g}: its caller would have a 504 while it works on. Give the "
                f"function less time{kind.longer_timeout}, or put the work on a queue. See {kind.quotas}"
            )


def _log_group_name(own_name: str) -> str:
    """A name under the prefix that CloudWatch Logs lets its services write to, whatever else the account logs.

    API Gateway enters each other group of an HTTP API into one policy of the account and Region, which ends at 5,120
    characters. With the id of the stack, so that a stack that is made again does not meet a group that was kept.
    Source: https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html
    """
    return f"/aws/vendedlogs/{own_name}-{_END_OF_STACK_ID}"


_END_OF_STACK_ID: Final = Fn.select(2, Fn.split("/", Aws.STACK_ID))
