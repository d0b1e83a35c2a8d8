"""A function URL on a live alias: an HTTPS endpoint of one function, without an API."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from aws_cdk import Annotations, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib._types import AliasLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import alarms, location, permissions, stack_order
from constructs_lib.foundation.alarms import Alarms, Watch
from constructs_lib.foundation.invoked import Invoked
from constructs_lib.patterns.api import alarms as api_alarms
from constructs_lib.patterns.api import aliases, endpoint_arguments
from constructs_lib.patterns.api.authorization import Authorization
from constructs_lib.practice.plugin import check_app_of

if TYPE_CHECKING:
    from aws_cdk import aws_certificatemanager as acm
    from aws_cdk import aws_cloudfront

_with_url: Final[WeakSet[AliasLike]] = WeakSet()
"""Aliases that have an endpoint: Lambda gives each alias one URL."""


class FunctionEndpoint(Construct):
    """A function URL on an alias: an HTTPS endpoint of one function, with its alarms.

    What is deployed: the function URL; alarms on the share of 5XX answers, on the latency, on throttled invocations
    and on those that spill over the provisioned concurrency of the alias (the last two are a `LiveAlias`'s own, where
    there is one); the topic that they notify. With `cloudfront=True` also a CloudFront distribution, whose requests
    are then the only ones that the function URL takes.

    **Who may call.** By default callers sign with SigV4, for the service `lambda`, and need two permissions, which
    `grant_invoke_url` gives: `lambda:InvokeFunctionUrl`, and since October 2025 also `lambda:InvokeFunction`. A caller
    without them gets 403 and the function is not invoked. `Authorization.public()` opens it to the internet. This
    requires `reserved_concurrent_executions` of the function, so that callers cannot use up the concurrency of the
    account; beyond it they get 429.

    **What it lacks compared with an API:** routes, with an authorization and throttling of each; tokens of Cognito or
    another issuer, and Lambda authorizers; usage plans and API keys; request validation; access logs; caching; a
    custom domain and a web ACL, except through CloudFront; private endpoints. A request and a buffered response are at
    most 6 MB. What it has instead: answers of up to 15 minutes (an API waits 29 or 30 seconds by default), streamed
    responses of up to 200 MB, and no price of its own. If you need what it lacks, use `ProvisionedApi`.

    **CloudFront** signs each request to the function URL (origin access control), and so replaces an `Authorization`
    header of the viewer: send tokens of your own in another header. A request with a body (POST, PUT) needs the SHA-256
    hash of it, in hexadecimal, in the header `x-amz-content-sha256`; without it Lambda answers 403. Nothing is cached.

    **Changes.** The address stays while the URL exists, also when `authorization`, CORS or streaming change. A change
    from public to IAM refuses all other callers at once. Another alias or function, or another construct id, makes a
    new URL with a new address, and nothing brings the old one back; a distribution keeps its address then. Turning
    `cloudfront` on closes the URL to all callers but the distribution; turning it off deletes the distribution with its
    address, and opens the URL to everybody.

    Function URLs do not exist in every Region: a warning at synth names those without.

    Costs nothing while idle, but for its alarms (about 0.10 dollars a month for each metric in them), and a web ACL.

    Args:
        scope: The construct to put it in.
        construct_id: The construct's id, unique in its scope.
        alias: What is invoked: the `.alias` of a LiveAlias, or another alias of the same Region and account. Each
            alias has one URL.
        authorization: Who may call: `Authorization.iam()` or `Authorization.public()`; default `Authorization.iam()`.
            The other kinds need an API.
        response_streaming: Whether responses arrive while the function writes them; default False. Of Lambda's own
            runtimes, Node.js alone streams: a Python function needs the Lambda Web Adapter or a runtime of its own. Not
            for a function in a VPC.
        cors_origins: Web origins that may call from a browser, such as `https://example.com`, or `*`; at most 100.
            Lambda answers with the headers: a function that sets them too sends them twice.
        cors_methods: Methods that such calls may have: GET, HEAD, POST, PUT, PATCH, DELETE, or `*`; default all by
            name.
        cors_headers: Headers that such calls may send; at most 100.
        cors_exposed_headers: Headers of the response that a page may read; at most 100.
        cors_credentials: Whether such calls may carry cookies; not with `*`.
        cors_max_age: How long a browser remembers the answer to its preflight request, up to a day; default ten
            minutes.
        cloudfront: Whether a CloudFront distribution is put in front, over HTTPS alone; default False. It is open to
            the internet: pass `Authorization.public()`. The function must answer within 120 seconds.
        web_acl_arn: CloudFront: a web ACL of AWS WAF, with the scope CLOUDFRONT, which is made in us-east-1.
        domain_name: CloudFront: your own domain, with TLS 1.2 or newer. You make the record that points to
            `distribution`.
        certificate: CloudFront: for the domain, in us-east-1.
        price_class: CloudFront: where it answers from; default `PRICE_CLASS_100`, North America and Europe.
        latency_threshold: Alarm when answers take longer on average; default 2.5 seconds.
        alarm_topic: The topic that the alarms notify, of the same Region. None: that of `AlarmSettings`, or else one
            that is created, for you to subscribe to.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        function_url: The function URL.
        url: The address to call, with a slash at its end: that of the domain or the distribution if there is one.
        distribution: The CloudFront distribution. None without `cloudfront=True`.
        alarm_topic: Notified by the alarms: the one that you passed, that of `AlarmSettings`, or one that was created.
        server_errors_alarm: On the share of 5XX answers.
        latency_alarm: On the average latency.
        throttles_alarm: On throttled invocations. None for the alias of a `LiveAlias`, which has its own.
        spillover_alarm: On invocations beyond the provisioned concurrency. None without, and for the alias of a
            `LiveAlias`, which has its own.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/furls-http-invoke-decision.html (what it lacks),
    https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html (addresses, Regions, throttling),
    https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html (permissions) and
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-lambda.html
    """

    function_url: Final[lambda_.FunctionUrl]
    url: Final[str]
    distribution: "Final[aws_cloudfront.Distribution | None]"
    alarm_topic: Final[sns.ITopic]
    server_errors_alarm: Final[cloudwatch.Alarm]
    latency_alarm: Final[cloudwatch.Alarm]
    throttles_alarm: Final[cloudwatch.Alarm | None]
    spillover_alarm: Final[cloudwatch.Alarm | None]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        alias: lambda_.IAlias | lambda_.Alias,
        authorization: Authorization = Authorization.iam(),
        response_streaming: bool = False,
        cors_origins: Sequence[str] = (),
        cors_methods: Sequence[str] = _defaults.FUNCTION_URL_CORS_METHODS,
        cors_headers: Sequence[str] = _defaults.FUNCTION_URL_CORS_HEADERS,
        cors_exposed_headers: Sequence[str] = (),
        cors_credentials: bool = False,
        cors_max_age: Duration | None = None,
        cloudfront: bool = False,
        web_acl_arn: str | None = None,
        domain_name: str | None = None,
        certificate: "acm.ICertificate | acm.Certificate | None" = None,
        price_class: "aws_cloudfront.PriceClass | None" = None,
        latency_threshold: Duration | None = None,
        alarm_topic: sns.ITopic | sns.Topic | None = None,
    ) -> None:
        """Create the endpoint; the arguments are described at the class."""
        aliases.forget()
        aliases.check("alias", alias)
        aliases.check_places(scope, {"alias": alias})
        if alias in _with_url:
            raise InvalidPropsError(
                f"alias {alias.node.path} must have one endpoint, got a second one: Lambda gives each alias one URL. "
                f"Pass another alias of the function. See {_defaults.FUNCTION_URL_CONFIGURATION}"
            )
        own_stack = location.stack_of(scope)
        others = aliases.other_stacks(own_stack, [alias])
        stack_order.check(
            own_stack,
            others,
            "alias must not be one whose release waits for an alarm of this endpoint's stack. Put the endpoint into "
            "the stack of the alias, or leave the alarm out of the release.",
        )
        endpoint_arguments.check_distribution(
            scope,
            cloudfront=cloudfront,
            web_acl_arn=web_acl_arn,
            domain_name=domain_name,
            certificate=certificate,
            price_class=price_class,
        )
        endpoint_arguments.check_authorization(authorization, cloudfront=cloudfront)
        invoked = aliases.invoked(alias)
        is_public = authorization.kind == "public"
        endpoint_arguments.check_function(alias, invoked, public=is_public, cloudfront=cloudfront)
        _validation.check_flag("response_streaming", response_streaming)
        if response_streaming:
            endpoint_arguments.check_streaming(invoked)
        cors = endpoint_arguments.cors_options(
            origins=cors_origins,
            methods=cors_methods,
            headers=cors_headers,
            exposed_headers=cors_exposed_headers,
            credentials=cors_credentials,
            max_age=cors_max_age,
        )
        Alarms.check_topic(scope, alarm_topic)
        milliseconds = api_alarms.latency_milliseconds(latency_threshold)

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        location.note(scope, self)
        stack_order.note(own_stack, others)
        _with_url.add(alias)
        self._is_public = is_public
        self._alias = alias
        _warn(self, invoked, region=own_stack.region, public=is_public)
        self.function_url = lambda_.FunctionUrl(
            self,
            "Url",
            function=alias,
            auth_type=lambda_.FunctionUrlAuthType.NONE
            if is_public and not cloudfront
            else lambda_.FunctionUrlAuthType.AWS_IAM,
            cors=cors,
            invoke_mode=lambda_.InvokeMode.RESPONSE_STREAM if response_streaming else None,
        )
        distribution = None
        if cloudfront:
            from constructs_lib.patterns.api import endpoint_distribution

            distribution = endpoint_distribution.make(
                self,
                self.function_url,
                web_acl_arn=web_acl_arn,
                domain_name=domain_name,
                certificate=certificate,
                price_class=price_class,
            )
        self.distribution = distribution
        self.url = (
            self.function_url.url
            if distribution is None
            else f"https://{domain_name or distribution.distribution_domain_name}/"
        )

        alarms_here = Alarms(self, alarm_topic)
        self.alarm_topic = alarms_here.topic
        self.server_errors_alarm = alarms_here.add("ServerErrorsAlarm", _server_errors(alias))
        self.latency_alarm = alarms_here.add("LatencyAlarm", _latency(alias, milliseconds=milliseconds))
        unwatched = alias not in alarms.watched_aliases
        self.throttles_alarm = alarms_here.add(
            "ThrottlesAlarm", alarms.function_throttles(alias) if unwatched else None
        )
        self.spillover_alarm = alarms_here.add(
            "SpilloverAlarm",
            alarms.provisioned_spillover(alias)
            if unwatched
            and isinstance(alias, lambda_.Alias)
            and Invoked.of(alias).has_provisioned_concurrency
            else None,
        )

    def grant_invoke_url(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody call the function URL: with both permissions that Lambda requires since October 2025.

        The second one, `lambda:InvokeFunction`, holds for calls through the URL alone. A caller of another account
        gets both in the policy of the alias, and needs them in a policy of its own account too: an info at synth shows
        these statements.

        Args:
            grantee: A role, function, user or anything else with a principal.

        Returns:
            The grant.

        Raises:
            InvalidPropsError: It has no principal, or the endpoint is public.

        Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
        """
        _validation.check_part(
            "grantee", grantee, "grant_principal", "a role, function or user", required=True
        )
        if self._is_public:
            raise InvalidPropsError(
                "grant_invoke_url cannot be combined with Authorization.public(): everybody may call already. "
                f"See {_defaults.FUNCTION_URL_AUTH}"
            )
        grant = self._alias.grant_invoke_url(grantee)
        principal: Any = grantee.grant_principal
        is_imported = hasattr(principal, "node") and not isinstance(principal, iam.Role | iam.User)
        if is_imported and location.is_of_another_account(self, principal):
            for action, condition in _CONDITIONS.items():
                statement = iam.PolicyStatement(
                    actions=[action], resources=[self._alias.function_arn], conditions=condition
                )
                permissions.tell_owner(self, principal, statement)
        return grant


_CONDITIONS: Final[Mapping[str, Mapping[str, object]]] = {
    "lambda:InvokeFunctionUrl": {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}},
    "lambda:InvokeFunction": {"Bool": {"lambda:InvokedViaFunctionUrl": True}},
}
"""What a caller may do, and only so: as CDK writes it (_defaults.FUNCTION_URL_AUTH)."""


def _warn(endpoint: FunctionEndpoint, invoked: Invoked, *, region: str, public: bool) -> None:
    """Warn of what may be right, and cannot be seen from here."""
    if region in _defaults.REGIONS_WITHOUT_FUNCTION_URLS:
        Annotations.of(endpoint).add_warning_v2(
            "constructs-lib:region-without-function-urls",
            f"Region {region} had no function URLs when this release was made. Use ProvisionedApi there, or "
            f"acknowledge this if it has them now. See {_defaults.FUNCTION_URL_CONFIGURATION}",
        )
    if public and invoked.function is None:
        Annotations.of(endpoint).add_warning_v2(
            "constructs-lib:reserved-concurrency-unknown",
            f"Everybody on the internet may call function {invoked.path}, which is imported. Acknowledge this if it "
            "has reserved concurrency: without, callers could use up the concurrency of the account. "
            f"See {_defaults.LAMBDA_CONCURRENCY}",
        )


# --- alarms --------------------------------------------------------------------------------------------


def _server_errors(alias: AliasLike) -> Watch:
    """The share of requests that are answered with 5XX, in per cent.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html
    """
    errors, requests = (
        alias.metric(metric, period=alarms.PERIOD, statistic="Sum")
        for metric in ("Url5xxCount", "UrlRequestCount")
    )
    return Watch(
        metric=cloudwatch.MathExpression(
            expression="100 * errors / requests",
            label="Requests answered with 5XX (%)",
            using_metrics={"errors": errors, "requests": requests},
            period=alarms.PERIOD,
        ),
        threshold=_defaults.ERROR_RATE_PERCENT,
        description="The function URL answers 5XX: the function fails, times out or answers in a wrong format. Its log "
        "has the errors.",
    )


def _latency(alias: AliasLike, *, milliseconds: float) -> Watch:
    """Slow answers, on average: Lambda documents no percentiles of this metric.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html
    """
    return Watch(
        metric=alias.metric("UrlRequestLatency", period=alarms.PERIOD, statistic="Average"),
        threshold=milliseconds,
        description="The function URL answers slowly: the function is slow, or starts cold too often.",
    )
