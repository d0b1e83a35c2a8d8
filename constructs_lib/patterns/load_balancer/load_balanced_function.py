"""An Application Load Balancer in front of a live alias, over HTTPS alone."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from aws_cdk import Annotations, Duration, Names, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib.foundation import alarms, location, permissions, stack_order
from constructs_lib.foundation.acknowledgment import acknowledge
from constructs_lib.foundation.alarms import Alarms, Watch
from constructs_lib.foundation.invoked import Invoked
from constructs_lib.foundation.resource import find_resource, path_of, resource_of
from constructs_lib.patterns.load_balancer import arguments
from constructs_lib.patterns.load_balancer.load_balancer_authentication import LoadBalancerAuthentication
from constructs_lib.practice.plugin import check_app_of

if TYPE_CHECKING:
    from aws_cdk import aws_certificatemanager as acm
    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_wafv2 as wafv2


class LoadBalancedFunction(Construct):
    """An Application Load Balancer in front of an alias, over HTTPS only, or a rule of your listener.

    What is deployed: a load balancer with its security group, a listener on port 443, and a target group with the
    alias; a permission only for this target group; alarms on requests that fail, on rejected connections, on logins
    and health checks that fail, on throttled invocations and on those that spill over the provisioned concurrency of
    the alias (a `LiveAlias` has the last two itself); the topic that they notify. With `listener`, a rule in place of
    the load balancer.

    **Who may call.** Nobody, until you pass `allowed_peers`: the load balancer is internal, with private addresses.
    `internet_facing=True` opens it to everybody, or to `allowed_peers`. `authentication` logs users in first,
    `mutual_authentication` requests certificates, and `web_acl_arn` puts AWS WAF in front.

    **The event** is that of a load balancer, with `multiValueHeaders` and `multiValueQueryStringParameters`, and the
    response has `multiValueHeaders` too. Request bodies and responses are at most 1 MB; WebSockets and streamed
    responses are not supported. If the function raises an error, times out or is throttled, or its response is
    malformed, the client gets 502: the alarm on server errors counts these.

    **Changes.** The name of the target group has a hash of all that AWS cannot change in place: the scheme of the load
    balancer, the load balancer of a `listener`, and the alias. A change creates a new target group before the old one
    is deleted. A change of `internet_facing`, or of the construct's id, replaces the load balancer: the new one has a
    new DNS name. A feature whose argument you remove is turned off: the template sets each attribute.

    An idle load balancer costs about 16 dollars a month in us-east-1, and each metric of an alarm 0.10.

    Args:
        scope: The construct to put it in.
        construct_id: The construct's id, unique in its scope.
        alias: What is invoked: the `.alias` of a LiveAlias, or another alias of the same Region and account. The
            timeout of its function is at most 15 minutes.
        vpc: The VPC of the load balancer. Required without `listener`.
        vpc_subnets: The subnets of the load balancer, one in each of at least two Availability Zones; default public
            subnets for `internet_facing`, and private ones otherwise.
        certificate: The certificate for HTTPS, in the Region of the load balancer. Required without `listener`.
        internet_facing: Whether the load balancer has public addresses; default False. Without `allowed_peers`,
            `authentication` or verified certificates, it requires reserved concurrency of the function.
        allowed_peers: Who may connect, such as `ec2.Peer.ipv4("10.0.0.0/8")`, `ec2.Peer.prefix_list(...)`, or anything
            with a security group; default nobody, and everybody for `internet_facing`.
        redirect_http: Whether port 80 redirects to HTTPS; default False: nothing listens there.
        listener: Your HTTPS listener, which gets a rule for the function, in place of a new load balancer.
        priority: The priority of the rule, 1 to 50,000; the lowest comes first. Required with `listener`.
        conditions: Conditions of the rule, all of which a request must meet. Required with `listener`.
        multi_value_headers: Whether headers and parameters are lists, in the event and in the response; default True.
            With False, only the last one of several values is kept.
        health_check_path: Path of the health checks; default None: no health checks. Each check of each
            node of the load balancer is an invocation.
        health_check_interval: Time between two health checks, 5 seconds to 5 minutes; default 35 seconds.
        idle_timeout: How long the load balancer waits for a response, 1 to 4,000 seconds, longer than the timeout
            of the function; default 60 seconds, or 5 seconds more than the timeout of a function that takes longer.
        authentication: How users log in before the function is invoked: `LoadBalancerAuthentication.cognito(...)` or
            `.oidc(...)`; default None: without a login.
        mutual_authentication: How client certificates are verified, as `elbv2.MutualAuthentication`; default None:
            they are not requested.
        web_acl_arn: A web ACL of AWS WAF, with the scope REGIONAL.
        access_log_bucket: A bucket that gets the access log, of the same Region and without a KMS key; default
            None: no access log.
        deletion_protection: Whether AWS refuses to delete the load balancer; default False. With True, the deletion of
            the stack fails, and so does the rollback of its creation.
        alarm_topic: The topic that the alarms notify, of the same Region. None: that of `AlarmSettings`, or else one
            that is created, for you to subscribe to.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        load_balancer: The load balancer. None with `listener`.
        listener: The listener on port 443, or the one that you passed.
        rule: The rule of the listener that you passed. None without `listener`.
        target_group: The target group with the alias.
        web_acl_association: The association of the web ACL. None without `web_acl_arn`.
        alarm_topic: The topic that the alarms notify: the one that you passed, that of `AlarmSettings`, or one that was
            created.
        server_errors_alarm: On the share of requests that are answered with 5XX. It can roll back a deployment of the
            alias, but not with `listener`: the alarm then depends on the target group, and so on the alias.
        rejected_connections_alarm: On connections above the maximum of the load balancer. None with `listener`.
        authentication_errors_alarm: On logins that the load balancer could not complete. None without `authentication`.
        unhealthy_alarm: On failed health checks. None without `health_check_path`.
        throttles_alarm: On throttled invocations. None for the alias of a `LiveAlias`, which has its own.
        spillover_alarm: On invocations beyond the provisioned concurrency. None without provisioned
            concurrency, and for the alias of a `LiveAlias`, which has its own.

    Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html (events, limits),
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html (errors) and
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html (attributes)
    """

    load_balancer: Final[elbv2.ApplicationLoadBalancer | None]
    listener: Final[elbv2.IApplicationListener]
    rule: Final[elbv2.ApplicationListenerRule | None]
    target_group: Final[elbv2.ApplicationTargetGroup]
    web_acl_association: "Final[wafv2.CfnWebACLAssociation | None]"
    alarm_topic: Final[sns.ITopic]
    server_errors_alarm: Final[cloudwatch.Alarm]
    rejected_connections_alarm: Final[cloudwatch.Alarm | None]
    authentication_errors_alarm: Final[cloudwatch.Alarm | None]
    unhealthy_alarm: Final[cloudwatch.Alarm | None]
    throttles_alarm: Final[cloudwatch.Alarm | None]
    spillover_alarm: Final[cloudwatch.Alarm | None]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        alias: lambda_.IAlias | lambda_.Alias,
        vpc: ec2.IVpc | ec2.Vpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        certificate: "acm.ICertificate | acm.Certificate | None" = None,
        internet_facing: bool = False,
        allowed_peers: Sequence[ec2.IConnectable] = (),
        redirect_http: bool = False,
        listener: elbv2.IApplicationListener | elbv2.ApplicationListener | None = None,
        priority: int | None = None,
        conditions: Sequence[elbv2.ListenerCondition] = (),
        multi_value_headers: bool = True,
        health_check_path: str | None = None,
        health_check_interval: Duration | None = None,
        idle_timeout: Duration | None = None,
        authentication: LoadBalancerAuthentication | None = None,
        mutual_authentication: elbv2.MutualAuthentication | None = None,
        web_acl_arn: str | None = None,
        access_log_bucket: "s3.IBucket | s3.Bucket | None" = None,
        deletion_protection: bool = False,
        alarm_topic: sns.ITopic | sns.Topic | None = None,
    ) -> None:
        """Create the load balancer or the rule; the arguments are described at the class."""
        invoked = arguments.check_alias(scope, alias)
        for name, flag in (
            ("internet_facing", internet_facing),
            ("redirect_http", redirect_http),
            ("multi_value_headers", multi_value_headers),
            ("deletion_protection", deletion_protection),
        ):
            _validation.check_flag(name, flag)
        arguments.check_listener(
            scope,
            listener,
            priority=priority,
            conditions=conditions,
            of_load_balancer={
                "vpc": vpc,
                "vpc_subnets": vpc_subnets,
                "certificate": certificate,
                "internet_facing": internet_facing or None,
                "allowed_peers": allowed_peers or None,
                "redirect_http": redirect_http or None,
                "idle_timeout": idle_timeout,
                "mutual_authentication": mutual_authentication,
                "web_acl_arn": web_acl_arn,
                "access_log_bucket": access_log_bucket,
                "deletion_protection": deletion_protection or None,
            },
        )
        health_check = arguments.health_check(health_check_path, health_check_interval)
        arguments.check_authentication(authentication)
        is_open = is_slow = False
        if listener is None:
            vpc_subnets = arguments.check_network(
                scope,
                vpc=vpc,
                vpc_subnets=vpc_subnets,
                certificate=certificate,
                internet_facing=internet_facing,
                allowed_peers=allowed_peers,
            )
            arguments.check_mutual_authentication(mutual_authentication)
            arguments.check_access_log_bucket(scope, access_log_bucket)
            arguments.check_web_acl(scope, web_acl_arn)
            idle_seconds = arguments.idle_seconds(idle_timeout, invoked)
            is_open = internet_facing and not (
                allowed_peers
                or (authentication is not None and not authentication.lets_everybody_pass)
                or _verifies(mutual_authentication)
            )
            arguments.check_open(invoked, is_open=is_open)
        else:
            is_slow = not arguments.check_idle_of_listener(listener, invoked)
        Alarms.check_topic(scope, alarm_topic)
        own_stack = location.stack_of(scope)
        others = [other for other in _stacks_of(alias) if other is not own_stack]
        stack_order.check(
            own_stack,
            others,
            "alias must not be one whose deployment waits for an alarm of this construct's stack. Put this construct "
            "into the stack of the alias, or leave the alarm out of the deployment.",
        )

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        location.note(scope, self)
        stack_order.note(own_stack, others)
        _warn(self, invoked, is_open=is_open, is_slow=is_slow)
        self.target_group = _target_group(
            self,
            invoked,
            health_check=health_check,
            multi_value_headers=multi_value_headers,
            place=_identity(listener)
            if listener is not None
            else ["own", "internet-facing" if internet_facing else "internal"],
        )
        action = elbv2.ListenerAction.forward([self.target_group])
        if authentication is not None:
            action = authentication.before(action)
        balancer = rule = web_acl = None
        if listener is not None and priority is not None:
            arguments.rules.setdefault(listener, set()).add(priority)
            rule = elbv2.ApplicationListenerRule(
                self, "Rule", listener=listener, priority=priority, conditions=list(conditions), action=action
            )
        elif vpc is not None and certificate is not None:  # as they were checked
            balancer = elbv2.ApplicationLoadBalancer(
                self,
                "LoadBalancer",
                vpc=vpc,
                vpc_subnets=vpc_subnets,
                internet_facing=internet_facing,
                deletion_protection=deletion_protection,
                drop_invalid_header_fields=True,
                idle_timeout=idle_timeout if idle_seconds is None else Duration.seconds(idle_seconds),
            )
            listener = _listen(
                balancer,
                certificate=certificate,
                mutual_authentication=mutual_authentication,
                action=action,
                peers=list(allowed_peers) or ([ec2.Peer.any_ipv4()] if internet_facing else []),
                redirect_http=redirect_http,
            )
            _log(self, balancer, access_log_bucket)
            if internet_facing and not allowed_peers:
                acknowledge(balancer, {"AwsSolutions-EC23": _OPEN})
            web_acl = None if web_acl_arn is None else _put_behind(self, balancer, web_acl_arn)
        assert listener is not None  # noqa: S101 - either way
        self.load_balancer, self.listener, self.rule = balancer, listener, rule
        self.web_acl_association = web_acl

        alarms_here = Alarms(self, alarm_topic)
        self.alarm_topic = alarms_here.topic
        self.server_errors_alarm = alarms_here.add(
            "ServerErrorsAlarm",
            _server_errors_of(self.target_group)
            if self.load_balancer is None
            else _server_errors(self.load_balancer),
        )
        self.rejected_connections_alarm = alarms_here.add(
            "RejectedConnectionsAlarm",
            None if self.load_balancer is None else _rejected_connections(self.load_balancer),
        )
        self.authentication_errors_alarm = alarms_here.add(
            "AuthenticationErrorsAlarm",
            None
            if authentication is None
            else _authentication_errors(
                self.target_group.first_load_balancer_full_name
                if self.load_balancer is None
                else self.load_balancer.load_balancer_full_name
            ),
        )
        self.unhealthy_alarm = alarms_here.add(
            "UnhealthyAlarm", None if health_check_path is None else _unhealthy(self.target_group)
        )
        alarms.behind(
            alias,
            self.unhealthy_alarm,
            *((self.server_errors_alarm, self.authentication_errors_alarm) if self.rule else ()),
        )
        unwatched = alias not in alarms.watched_aliases
        self.throttles_alarm = alarms_here.add(
            "ThrottlesAlarm", alarms.function_throttles(alias) if unwatched else None
        )
        self.spillover_alarm = alarms_here.add(
            "SpilloverAlarm",
            alarms.provisioned_spillover(alias)
            if unwatched and isinstance(alias, lambda_.Alias) and invoked.has_provisioned_concurrency
            else None,
        )


_HTTPS, _HTTP = 443, 80

_OPEN: Final = "internet_facing=True was passed without allowed_peers: everybody may connect, over HTTPS."
_NO_LOG: Final = "access_log_bucket was left out; the function's log has each request that reaches it."


# --- the load balancer ----------------------------------------------------------------------------------


def _listen(
    balancer: elbv2.ApplicationLoadBalancer,
    *,
    certificate: "acm.ICertificate",
    mutual_authentication: elbv2.MutualAuthentication | None,
    action: elbv2.ListenerAction,
    peers: Sequence[ec2.IConnectable],
    redirect_http: bool,
) -> elbv2.ApplicationListener:
    """Create the listeners, and let the peers in.

    The policy is the one that AWS's console selects: TLS 1.2 and 1.3, with post-quantum key exchange. Without a mode of
    mutual authentication in the template, one that was set before would stay.
    Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
    """
    made = balancer.add_listener(
        "Listener",
        port=_HTTPS,
        protocol=elbv2.ApplicationProtocol.HTTPS,
        certificates=[elbv2.ListenerCertificate.from_certificate_manager(certificate)],
        ssl_policy=elbv2.SslPolicy.TLS13_12_RES_PQ,
        mutual_authentication=mutual_authentication
        or elbv2.MutualAuthentication(mutual_authentication_mode=elbv2.MutualAuthenticationMode.OFF),
        default_action=action,
        open=False,
    )
    if redirect_http:
        balancer.add_redirect(open=False)
    for peer in peers:
        for port in (_HTTPS, _HTTP) if redirect_http else (_HTTPS,):
            balancer.connections.allow_from(peer, ec2.Port.tcp(port))
    return made


def _log(construct: Construct, balancer: elbv2.ApplicationLoadBalancer, bucket: "s3.IBucket | None") -> None:
    """Turn the access log on or off.

    CDK's own method requires a Region that is known, and lets the account of Elastic Load Balancing in that Region
    write; AWS recommends the service principal in its place.
    Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
    """
    balancer.set_attribute("access_logs.s3.enabled", "false" if bucket is None else "true")
    if bucket is None:
        acknowledge(balancer, {"AwsSolutions-ELB2": _NO_LOG})
        return
    balancer.set_attribute("access_logs.s3.bucket", bucket.bucket_name)
    stack = Stack.of(construct)
    statement = iam.PolicyStatement(
        principals=[iam.ServicePrincipal("logdelivery.elasticloadbalancing.amazonaws.com")],
        actions=["s3:PutObject"],
        resources=[bucket.arn_for_objects(f"AWSLogs/{stack.account}/*")],
        conditions={
            "ArnLike": {
                "aws:SourceArn": stack.format_arn(
                    service="elasticloadbalancing", resource="loadbalancer", resource_name="*"
                )
            }
        },
    )
    policy = permissions.allow(construct, bucket, statement)
    if policy is not None:
        balancer.node.add_dependency(policy)


def _put_behind(
    construct: Construct, balancer: elbv2.ApplicationLoadBalancer, web_acl_arn: str
) -> "wafv2.CfnWebACLAssociation":
    from aws_cdk import aws_wafv2 as wafv2

    return wafv2.CfnWebACLAssociation(
        construct, "WebAcl", resource_arn=balancer.load_balancer_arn, web_acl_arn=web_acl_arn
    )


def _verifies(mutual: elbv2.MutualAuthentication | None) -> bool:
    return mutual is not None and mutual.mutual_authentication_mode is elbv2.MutualAuthenticationMode.VERIFY


def _stacks_of(alias: Any) -> list[Stack]:
    return [location.stack_of(alias)] if isinstance(alias, lambda_.Alias) else []


# --- the target group -----------------------------------------------------------------------------------


def _target_group(
    scope: Construct,
    invoked: Invoked,
    *,
    health_check: elbv2.HealthCheck,
    multi_value_headers: bool,
    place: Sequence[object],
) -> elbv2.ApplicationTargetGroup:
    """Create the target group, and before it the permission that AWS wants to see when the alias is registered.

    CloudFormation registers targets when it creates the target group, whose ARN the permission can therefore not refer
    to. It has the name, which ends in a hash; the last part of the ARN is chosen by AWS. Lambda compares with
    StringLike.

    AWS refuses a target group for two load balancers, and a second function in one, also while one replaces the other:
    so a change of either changes the name, which replaces the target group.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-lambda-permission.html and
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html
    """
    behind = invoked.identity if isinstance(invoked.called, lambda_.Alias) else {"arn": invoked.arn}
    stack = Stack.of(scope)
    what = json.dumps(stack.resolve([place, behind]), sort_keys=True)
    digest = hashlib.sha256(what.encode()).hexdigest()[:_HASH]
    readable = Names.unique_resource_name(
        scope, max_length=_defaults.TARGET_GROUP_NAME_CHARACTERS_MAX - _HASH - 1, separator="-"
    )
    name = f"{readable}-{digest}"
    permission = lambda_.CfnPermission(
        scope,
        "Permission",
        action="lambda:InvokeFunction",
        function_name=invoked.arn,
        principal="elasticloadbalancing.amazonaws.com",
        source_account=stack.account,
        source_arn=stack.format_arn(
            service="elasticloadbalancing", resource="targetgroup", resource_name=f"{name}/*"
        ),
    )
    group = elbv2.ApplicationTargetGroup(
        scope,
        "TargetGroup",
        target_group_name=name,
        target_type=elbv2.TargetType.LAMBDA,
        health_check=health_check,
    )
    # CDK leaves the attribute out for False, and AWS leaves what is left out as it is.
    group.set_attribute("lambda.multi_value_headers.enabled", str(multi_value_headers).lower())
    resource = resource_of(group, elbv2.CfnTargetGroup)
    # CDK's LambdaTarget would add a permission for all load balancers of all accounts.
    resource.targets = [elbv2.CfnTargetGroup.TargetDescriptionProperty(id=invoked.arn)]
    resource.add_resource_dependency(permission)
    return group


_HASH: Final = 8


def _identity(listener: elbv2.IApplicationListener) -> list[object]:
    """Which load balancer a listener belongs to, as far as it is known: by its place, scheme and name, or its ARN."""
    if isinstance(listener, elbv2.ApplicationListener):
        balancer = listener.load_balancer
        resource = find_resource(balancer, elbv2.CfnLoadBalancer)
        named = [] if resource is None or resource.name is None else [resource.name]
        return [path_of(balancer), None if resource is None else resource.scheme, *named]
    arn = listener.listener_arn
    return [arn if _validation.is_unresolved(arn) else arn.rpartition("/")[0]]


def _warn(construct: Construct, invoked: Invoked, *, is_open: bool, is_slow: bool) -> None:
    """Warn of what may be right, and cannot be seen from here."""
    if is_open and invoked.function is None:
        Annotations.of(construct).add_warning_v2(
            "constructs-lib:reserved-concurrency-unknown",
            f"Everybody on the internet may call function {invoked.path}, which is imported. Acknowledge this if it "
            "has reserved concurrency: without, callers could use up the concurrency of the account. "
            f"See {_defaults.LAMBDA_CONCURRENCY}",
        )
    if is_slow:
        Annotations.of(construct).add_warning_v2(
            "constructs-lib:idle-timeout-unknown",
            f"Function {invoked.path} may take {invoked.timeout_seconds:g} seconds, and the load balancer of the "
            "listener is imported. Acknowledge this if its idle timeout is longer: otherwise callers get a 504 while "
            f"the function works on. AWS's default is {_defaults.LOAD_BALANCER_IDLE_SECONDS} seconds. "
            f"See {_defaults.LOAD_BALANCER_ERRORS}",
        )


# --- alarms ---------------------------------------------------------------------------------------------
# The metrics: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html


def _server_errors(balancer: elbv2.ApplicationLoadBalancer) -> Watch:
    """The share of requests that a load balancer of our own answers with 5XX, in per cent.

    By the load balancer, and not by the target group: this alarm can then roll back a deployment of the alias, which
    the target group depends on. The 502 of a function that fails are the load balancer's.
    """
    of_balancer = balancer.metrics
    return _failed_requests(
        {
            name: of_balancer.custom(metric, period=alarms.PERIOD, statistic="Sum")
            for name, metric in (
                ("failed", "HTTPCode_ELB_5XX_Count"),
                ("answered", "HTTPCode_Target_5XX_Count"),
                ("requests", "RequestCount"),
            )
        }
    )


def _server_errors_of(group: elbv2.ApplicationTargetGroup) -> Watch:
    """The same for a target group of a load balancer that others share."""
    of_group = group.metrics
    return _failed_requests(
        {
            name: of_group.custom(metric, period=alarms.PERIOD, statistic="Sum")
            for name, metric in (
                ("failed", "LambdaUserError"),
                ("internal", "LambdaInternalError"),
                ("answered", "HTTPCode_Target_5XX_Count"),
                ("requests", "RequestCount"),
            )
        }
    )


def _failed_requests(metrics: Mapping[str, cloudwatch.IMetric]) -> Watch:
    """The share of some requests. A load balancer reports what is not zero alone."""
    failed = " + ".join(f"FILL({name}, 0)" for name in metrics if name != "requests")
    return Watch(
        metric=cloudwatch.MathExpression(
            expression=f"100 * ({failed}) / requests",
            label="Requests answered with 5XX (%)",
            using_metrics=metrics,
            period=alarms.PERIOD,
        ),
        threshold=_defaults.ERROR_RATE_PERCENT,
        description="Requests to the load balancer fail: the function raises an error, times out, is throttled, "
        "answers in a wrong format or with more than 1 MB, or answers 5XX. Its log has the errors; the access log has "
        "the reason in error_reason.",
    )


def _rejected_connections(balancer: elbv2.ApplicationLoadBalancer) -> Watch:
    return Watch(
        metric=balancer.metrics.rejected_connection_count(period=alarms.PERIOD, statistic="Sum"),
        threshold=0,
        description="The load balancer rejects connections: it has reached its maximum number of connections. It "
        "scales by itself within minutes; for sudden peaks, reserve capacity (LCU reservation), or limit the rate with "
        "a web ACL.",
    )


def _authentication_errors(load_balancer_name: str) -> Watch:
    return Watch(
        metric=cloudwatch.Metric(
            namespace="AWS/ApplicationELB",
            metric_name="ELBAuthError",
            dimensions_map={"LoadBalancer": load_balancer_name},
            period=alarms.PERIOD,
            statistic="Sum",
        ),
        threshold=0,
        description="Users cannot log in: the load balancer does not reach the identity provider, or the client, its "
        "secret or its callback URL is wrong. Check the settings at the provider, and the way out of the subnets.",
    )


def _unhealthy(group: elbv2.ApplicationTargetGroup) -> Watch:
    return Watch(
        metric=group.metrics.unhealthy_host_count(period=alarms.PERIOD, statistic="Maximum"),
        threshold=0,
        description="Health checks of the function fail, and it gets all requests nevertheless. Its log has the errors "
        "of the path of the health check.",
    )
