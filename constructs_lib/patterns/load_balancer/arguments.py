"""What is refused of a function behind a load balancer, before anything of it is created."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from aws_cdk import Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct, IConstruct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import location, subnets
from constructs_lib.foundation.invoked import (
    Invoked,
    check_permission,
    check_place,
    check_tenants,
)
from constructs_lib.foundation.resource import find_resource, properties_of
from constructs_lib.patterns.load_balancer.load_balancer_authentication import LoadBalancerAuthentication

if TYPE_CHECKING:
    from aws_cdk import aws_certificatemanager as acm

# --- what is invoked ------------------------------------------------------------------------------------


def check_alias(scope: Construct, alias: Any) -> Invoked:
    """Refuse what is not an alias, and a function that nobody can wait for.

    Args:
        scope: Where the construct is going to be.
        alias: What was passed.

    Returns:
        What is invoked.

    Raises:
        InvalidPropsError: It is not an alias, is in another Region or account, has tenants, or takes too long.
    """
    invoked = Invoked.of(alias, "alias")
    if not isinstance(alias, lambda_.Alias) and not hasattr(alias, "alias_name"):
        raise InvalidPropsError(
            f"alias must be an alias, got {_validation.shown(alias)}: a load balancer would invoke it past every "
            f"deployment. Pass the .alias of a LiveAlias, or a lambda_.Alias. See {_defaults.LOAD_BALANCER_LAMBDA}"
        )
    check_place(scope, invoked, "alias")
    check_tenants(invoked, "alias")
    check_permission(invoked, alias)
    seconds, longest = invoked.timeout_seconds, _defaults.FUNCTION_TIMEOUT_SECONDS_MAX
    if seconds is not None and seconds > longest:
        what, page = (
            (f"execution_timeout of the durable function {invoked.path}", _defaults.DURABLE_INVOKING)
            if invoked.kind.is_durable
            else (f"the timeout of function {invoked.path}", _defaults.LAMBDA_TIMEOUT)
        )
        raise InvalidPropsError(
            f"{what} must be at most {longest} seconds behind a load balancer, got {seconds:,.0f}: Lambda gives "
            f"synchronous invocations no more. Start the long work asynchronously. See {page}"
        )
    return invoked


def check_open(invoked: Invoked, *, is_open: bool) -> None:
    """Refuse a function that strangers may call, and that could use up the concurrency of the account.

    Args:
        invoked: What is invoked.
        is_open: Whether everybody on the internet may call it.

    Raises:
        InvalidPropsError: It has no reserved concurrency.
    """
    if is_open and invoked.is_unreserved:
        raise InvalidPropsError(
            f"internet_facing=True requires reserved concurrency of function {invoked.path}: everybody on the internet "
            "may call it, and without a limit of its own it could use up the concurrency of the account. Set "
            "reserved_concurrent_executions, or pass allowed_peers or authentication. "
            f"See {_defaults.LAMBDA_CONCURRENCY}"
        )


# --- an own load balancer, or a listener ----------------------------------------------------------------

rules: Final[WeakKeyDictionary[IConstruct, set[object]]] = WeakKeyDictionary()
"""The priorities of the rules that each listener has from here."""


def check_listener(
    scope: Construct,
    listener: Any,
    *,
    priority: object,
    conditions: Sequence[elbv2.ListenerCondition],
    of_load_balancer: Mapping[str, object],
) -> None:
    """Refuse a listener that cannot take the rule, and what is set at its load balancer.

    Args:
        scope: Where the construct is going to be.
        listener: What was passed; None where a load balancer is created.
        priority: Of the rule.
        conditions: Of the rule.
        of_load_balancer: The arguments that belong to a load balancer, where they were passed.

    Raises:
        InvalidPropsError: They do not fit each other.
    """
    page = _defaults.LOAD_BALANCER_RULES
    if listener is None:
        for name, value in (("priority", priority), ("conditions", conditions or None)):
            if value is not None:
                raise InvalidPropsError(f"{name} requires listener, whose rule it is for. See {page}")
        return
    _validation.check_part("listener", listener, "listener_arn", "a listener of a load balancer")
    _validation.check_not_with(
        "listener",
        f"it is set at the load balancer of the listener. See {_defaults.LOAD_BALANCER}",
        **of_load_balancer,
    )
    if not hasattr(listener, "connections"):  # which a listener of a Network Load Balancer does not have
        raise InvalidPropsError(
            f"listener must be one of an Application Load Balancer, got {_validation.shown(listener)}. "
            f"See {_defaults.LOAD_BALANCER_LAMBDA}"
        )
    location.check(
        scope,
        "listener",
        listener,
        way_out="Create this construct next to the load balancer.",
        source=_defaults.LOAD_BALANCER_LAMBDA,
    )
    location.check_arn(
        scope,
        "listener",
        listener.listener_arn,
        way_out="Create this construct next to the load balancer.",
        source=_defaults.LOAD_BALANCER_LAMBDA,
    )
    resource = find_resource(listener, elbv2.CfnListener)
    if resource is not None and resource.protocol != "HTTPS":
        raise InvalidPropsError(
            f"listener must be one for HTTPS, got {listener.node.path} for {resource.protocol}: requests would be "
            f"readable on their way. See {_defaults.LOAD_BALANCER_HTTPS}"
        )
    if priority is None:
        raise InvalidPropsError(f"listener requires priority, the rule's place among the others. See {page}")
    _check_number("priority", priority)
    if priority in rules.get(listener, ()):
        raise InvalidPropsError(
            f"priority must be another one for each rule of a listener, got {priority} again for {listener.node.path}. "
            f"See {page}"
        )
    _check_items("conditions", conditions, elbv2.ListenerCondition, "elbv2.ListenerCondition")
    if not conditions:
        raise InvalidPropsError(
            "listener requires conditions, such as [elbv2.ListenerCondition.path_patterns(['/quotes/*'])]: which of "
            f"its requests the function gets. See {page}"
        )


def _check_number(name: str, value: Any) -> None:
    _validation.check_range(
        name,
        value,
        1,
        _defaults.LOAD_BALANCER_PRIORITY_MAX,
        whole=True,
        source=_defaults.LOAD_BALANCER_RULES,
    )


def _check_items(name: str, values: object, kind: type, words: str) -> None:
    if not isinstance(values, list | tuple) or not all(isinstance(value, kind) for value in values):
        raise InvalidPropsError(f"{name} must be a list of {words}, got {_validation.shown(values)}.")


def check_network(
    scope: Construct,
    *,
    vpc: Any,
    vpc_subnets: ec2.SubnetSelection | None,
    certificate: "acm.ICertificate | None",
    internet_facing: bool,
    allowed_peers: Sequence[ec2.IConnectable],
) -> ec2.SubnetSelection | None:
    """Refuse a load balancer that AWS would refuse.

    Args:
        scope: Where the construct is going to be.
        vpc: Where the load balancer is going to be.
        vpc_subnets: Which subnets of it.
        certificate: For HTTPS.
        internet_facing: Whether it has public addresses.
        allowed_peers: Who may connect.

    Returns:
        The subnets.

    Raises:
        InvalidPropsError: An argument is missing, or in another Region, or the subnets do not do.
    """
    if vpc is None:
        raise InvalidPropsError(
            "vpc is required without listener: the load balancer is created there. "
            f"See {_defaults.LOAD_BALANCER}"
        )
    location.check(
        scope,
        "vpc",
        vpc,
        way_out="Create this construct in the Region of the VPC.",
        source=_defaults.LOAD_BALANCER,
        same_account=False,
    )
    kind = ec2.SubnetType.PUBLIC if internet_facing else None
    chosen = vpc_subnets
    if chosen is None and internet_facing:
        chosen = ec2.SubnetSelection(subnet_type=kind)
    zones = subnets.selected(vpc, chosen).availability_zones
    if _has_twice(zones):
        if vpc_subnets is not None:
            raise InvalidPropsError(
                f"vpc_subnets must have one subnet in each Availability Zone, got {len(zones)} in "
                f"{len(set(zones))} zones. Pass one_per_az=True, or the name of one group of subnets. "
                f"See {_defaults.LOAD_BALANCER}"
            )
        chosen = ec2.SubnetSelection(subnet_type=kind, one_per_az=True)
    if not _validation.has_unresolved(zones) and len(set(zones)) < _defaults.LOAD_BALANCER_ZONES_MIN:
        raise InvalidPropsError(
            f"vpc_subnets must be in at least {_defaults.LOAD_BALANCER_ZONES_MIN} Availability Zones, got "
            f"{', '.join(zones)}. Select one subnet in each zone. See {_defaults.LOAD_BALANCER}"
        )
    if certificate is None:
        raise InvalidPropsError(
            "certificate is required without listener: the load balancer answers over HTTPS alone. "
            f"See {_defaults.LOAD_BALANCER_HTTPS}"
        )
    _validation.check_part("certificate", certificate, "certificate_arn", "a certificate")
    way_out = "Request one there: a load balancer takes a certificate of its own Region and account."
    location.check(scope, "certificate", certificate, way_out=way_out, source=_defaults.LOAD_BALANCER_HTTPS)
    location.check_arn(
        scope,
        "certificate",
        certificate.certificate_arn,
        way_out=way_out,
        source=_defaults.LOAD_BALANCER_HTTPS,
    )
    _validation.check_parts(
        "allowed_peers",
        allowed_peers,
        "connections",
        "peers, such as ec2.Peer.ipv4('10.0.0.0/8'), or of what has security groups",
    )
    return chosen


def _has_twice(zones: Sequence[str]) -> bool:
    """Whether a zone has two subnets. A zone in a list that is known only at deployment stands for several."""
    known = [zone for zone in zones if "#{Token[" not in zone]
    return len(set(known)) < len(known)


def check_mutual_authentication(given: elbv2.MutualAuthentication | None) -> None:
    """Refuse a combination that AWS would refuse, and CDK only after it has begun.

    Args:
        given: What was passed.

    Raises:
        InvalidPropsError: It has no trust store to verify with, or one without verifying.
    """
    name, page = "mutual_authentication", _defaults.LOAD_BALANCER_MUTUAL_TLS
    _validation.check_type(
        name,
        given,
        elbv2.MutualAuthentication,
        "elbv2.MutualAuthentication(mutual_authentication_mode=..., trust_store=...)",
    )
    if given is None:
        return
    verifies = given.mutual_authentication_mode is elbv2.MutualAuthenticationMode.VERIFY
    if verifies and given.trust_store is None:
        raise InvalidPropsError(f"{name} with VERIFY requires trust_store. See {page}")
    of_verify = (
        given.trust_store,
        given.ignore_client_certificate_expiry,
        given.advertise_trust_store_ca_names,
    )
    if not verifies and any(each is not None for each in of_verify):
        raise InvalidPropsError(
            f"{name} with a trust store, ignore_client_certificate_expiry or advertise_trust_store_ca_names requires "
            f"VERIFY: no other mode looks at certificates. See {page}"
        )


def check_access_log_bucket(scope: Construct, bucket: s3.IBucket | None) -> None:
    """Refuse a bucket that gets no log.

    Args:
        scope: Where the construct is going to be.
        bucket: What was passed.

    Raises:
        InvalidPropsError: It is in another Region, or encrypted with a key of KMS.
    """
    name, page = "access_log_bucket", _defaults.LOAD_BALANCER_LOGS
    _validation.check_part(name, bucket, "bucket_arn", "a bucket")
    if bucket is None:
        return
    location.check(
        scope,
        name,
        bucket,
        way_out="Create a bucket in the Region of the load balancer.",
        source=page,
        same_account=False,
    )
    resource = find_resource(bucket, s3.CfnBucket)
    encryption = {} if resource is None else properties_of(resource).get("bucketEncryption")
    if bucket.encryption_key is not None or "aws:kms" in str(encryption):
        raise InvalidPropsError(
            f"{name} must be encrypted with the keys of S3, got {bucket.node.path}, which has a key of KMS: a load "
            f"balancer delivers no logs there. Pass encryption=s3.BucketEncryption.S3_MANAGED to the bucket. See {page}"
        )


def check_web_acl(scope: Construct, arn: str | None) -> None:
    """Refuse a web ACL that cannot stand in front of a load balancer.

    Args:
        scope: Where the construct is going to be.
        arn: What was passed.

    Raises:
        InvalidPropsError: It is one of CloudFront's, or of another Region or account.
    """
    if arn is None:
        return
    page = _defaults.LOAD_BALANCER_WEB_ACL
    _validation.check_text("web_acl_arn", arn)
    if not _validation.is_unresolved(arn) and ":regional/webacl/" not in arn:
        raise InvalidPropsError(
            f"web_acl_arn must be that of a web ACL with the scope REGIONAL, got {arn!r}. Create one in the Region of "
            f"the load balancer. See {page}"
        )
    location.check_arn(
        scope,
        "web_acl_arn",
        arn,
        way_out="Create the web ACL in the Region and the account of the load balancer.",
        source=page,
    )


def check_authentication(authentication: object) -> None:
    """Refuse what is not a `LoadBalancerAuthentication`."""
    _validation.check_type(
        "authentication",
        authentication,
        LoadBalancerAuthentication,
        "LoadBalancerAuthentication.cognito(...)",
    )


# --- times ----------------------------------------------------------------------------------------------


def health_check(path: str | None, interval: Duration | None) -> elbv2.HealthCheck:
    """Check the arguments for the health check, and put them together.

    Args:
        path: What is requested.
        interval: How often.

    Returns:
        The health check. Without a path it is disabled explicitly, so that removing the argument disables it too.

    Raises:
        InvalidPropsError: AWS would refuse it.
    """
    seconds = _validation.read_seconds(
        "health_check_interval",
        interval,
        _defaults.LOAD_BALANCER_HEALTH_SECONDS,
        low=_defaults.LOAD_BALANCER_HEALTH_SECONDS_MIN,
        high=_defaults.LOAD_BALANCER_HEALTH_SECONDS_MAX,
        whole="seconds",
        source=_defaults.LOAD_BALANCER_HEALTH,
    )
    if path is None:
        if interval is not None:
            raise InvalidPropsError(
                f"health_check_interval requires health_check_path. See {_defaults.LOAD_BALANCER_HEALTH}"
            )
        return elbv2.HealthCheck(enabled=False)
    most = _defaults.LOAD_BALANCER_HEALTH_PATH_CHARACTERS_MAX
    _validation.check_pattern(
        "health_check_path",
        path,
        rf"/\S{{0,{most - 1}}}",
        f"a path of at most {most:,} characters that starts with a slash",
        source=_defaults.LOAD_BALANCER_HEALTH,
    )
    if seconds is None:
        raise InvalidPropsError(
            "health_check_interval must be known at synth, got a token: the timeout of the check must be shorter. "
            f"See {_defaults.LOAD_BALANCER_HEALTH}"
        )
    return elbv2.HealthCheck(
        enabled=True,
        path=path,
        interval=Duration.seconds(seconds),
        timeout=Duration.seconds(min(_defaults.LOAD_BALANCER_HEALTH_TIMEOUT_SECONDS, seconds - 1)),
    )


def idle_seconds(idle_timeout: Duration | None, invoked: Invoked) -> float | None:
    """How long a load balancer of our own waits for the function.

    Args:
        idle_timeout: What was passed.
        invoked: What is invoked.

    Returns:
        Seconds; None for a Duration that is known only at deployment.

    Raises:
        InvalidPropsError: It is out of range, or not longer than the function's timeout.
    """
    seconds = _validation.read_seconds(
        "idle_timeout",
        idle_timeout,
        low=1,
        high=_defaults.LOAD_BALANCER_IDLE_SECONDS_MAX,
        whole="seconds",
        source=_defaults.LOAD_BALANCER,
    )
    if idle_timeout is not None:
        _check_idle(seconds, invoked, "idle_timeout", "Raise it, or lower the timeout of the function")
        return seconds
    longest = invoked.timeout_seconds or 0
    if longest < _defaults.LOAD_BALANCER_IDLE_SECONDS:
        return _defaults.LOAD_BALANCER_IDLE_SECONDS
    return longest + _defaults.LOAD_BALANCER_IDLE_MARGIN_SECONDS


def check_idle_of_listener(listener: elbv2.IApplicationListener, invoked: Invoked) -> bool:
    """Refuse a function that is slower than the load balancer of a listener waits.

    Args:
        listener: The listener.
        invoked: What is invoked.

    Returns:
        Whether it is known that the load balancer waits long enough.

    Raises:
        InvalidPropsError: It does not.
    """
    balancer = listener.load_balancer if isinstance(listener, elbv2.ApplicationListener) else None
    resource = None if balancer is None else find_resource(balancer, elbv2.CfnLoadBalancer)
    if resource is None:
        return (invoked.timeout_seconds or 0) < _defaults.LOAD_BALANCER_IDLE_SECONDS
    attributes = Stack.of(resource).resolve(resource.load_balancer_attributes) or []
    given = {each["key"]: each["value"] for each in attributes}.get(_IDLE)
    if given is None:
        seconds: float = _defaults.LOAD_BALANCER_IDLE_SECONDS
    elif str(given).isdigit():
        seconds = float(given)
    else:
        return True
    _check_idle(
        seconds,
        invoked,
        "idle_timeout of the listener's load balancer",
        f"Raise it at {resource.node.path.removesuffix('/Resource')}",
    )
    return True


_IDLE: Final = "idle_timeout.timeout_seconds"


def _check_idle(seconds: float | None, invoked: Invoked, name: str, way_out: str) -> None:
    longest = invoked.timeout_seconds
    if seconds is not None and longest is not None and seconds <= longest:
        raise InvalidPropsError(
            f"{name} must be longer than the {longest:g} seconds that function {invoked.path} may take, got "
            f"{seconds:g}: its caller would have a 504 while it works on. {way_out}. "
            f"See {_defaults.LOAD_BALANCER_ERRORS}"
        )
