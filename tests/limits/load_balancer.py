"""The limits of LoadBalancedFunction, and of LoadBalancerAuthentication."""

from collections.abc import Callable
from typing import Any, Final

from aws_cdk import Duration, Stack, Token
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from constructs_lib import Durable, LoadBalancedFunction, LoadBalancerAuthentication
from tests.gallery.api import certificate
from tests.gallery.database import imported_vpc
from tests.gallery.endpoint import WEB_ACL as OF_CLOUDFRONT
from tests.gallery.load_balancer import (
    INSIDE,
    LISTENER,
    OF_OIDC,
    WEB_ACL,
    client_secret,
    log_bucket,
    of_cognito,
    shared_listener,
)
from tests.gallery.parts import key, live
from tests.gallery.plain_function import function
from tests.limits.table import Arguments, Limits, args, by_name_instead

Given = Callable[[Stack], Any]
PATHS: Final = [elbv2.ListenerCondition.path_patterns(["/quotes/*"])]


def behind(**arguments: Any) -> Given:
    return lambda stack: live(function(stack, **arguments))


def to(alias: Given, **arguments: Any) -> Arguments:
    """Another alias, or what is not one."""
    return lambda stack: {"alias": alias(stack), **arguments}


def made(**given: Given) -> Arguments:
    """Arguments that are made in the stack."""
    return lambda stack: {name: make(stack) for name, make in given.items()}


def on(listener: Given = shared_listener, **arguments: Any) -> Arguments:
    """A rule of a listener, in place of a load balancer."""
    rule: dict[str, Any] = {"priority": 10, "conditions": PATHS} | arguments
    nothing = {"vpc": None, "certificate": None}
    return lambda stack: nothing | {"listener": listener(stack)} | rule


def slow_behind(listener: Given, seconds: int) -> Arguments:
    return lambda stack: on(listener)(stack) | {"alias": behind(timeout=Duration.seconds(seconds))(stack)}


def http_listener(stack: Stack) -> elbv2.ApplicationListener:
    balancer = elbv2.ApplicationLoadBalancer(stack, "Plain", vpc=imported_vpc(stack))
    return balancer.add_listener(
        "Http", port=80, open=False, default_action=elbv2.ListenerAction.fixed_response(404)
    )


def network_listener(stack: Stack) -> elbv2.NetworkListener:
    balancer = elbv2.NetworkLoadBalancer(stack, "Network", vpc=imported_vpc(stack))
    return elbv2.NetworkListener(
        stack, "Tls", load_balancer=balancer, port=443, certificates=[certificate(stack)]
    )


def one_zone(stack: Stack) -> ec2.IVpc:
    return imported_vpc(
        stack, availability_zones=["us-east-1a"], isolated_subnet_ids=["subnet-0123456789abcdef0"]
    )


def two_subnets_in_a_zone(stack: Stack) -> ec2.IVpc:
    return imported_vpc(
        stack,
        availability_zones=["us-east-1a", "us-east-1b", "us-east-1a"],
        isolated_subnet_ids=[f"subnet-0123456789abcdef{number}" for number in range(3)],
    )


def mutual(mode: str, **arguments: Any) -> elbv2.MutualAuthentication:
    return elbv2.MutualAuthentication(
        mutual_authentication_mode=elbv2.MutualAuthenticationMode[mode], **arguments
    )


def imported(stack: Stack) -> lambda_.IAlias:
    """An alias whose account is not known to be that of its stack."""
    version = lambda_.Version.from_version_arn(
        stack, "Theirs", "arn:aws:lambda:us-east-1:123456789012:function:theirs:1"
    )
    return lambda_.Alias.from_alias_attributes(stack, "TheirLive", alias_name="live", alias_version=version)


def oidc(**arguments: Any) -> Arguments:
    """An identity provider that AWS would refuse."""
    return lambda stack: {
        "authentication": LoadBalancerAuthentication.oidc(
            **(OF_OIDC | {"client_secret": client_secret()} | arguments)
        )
    }


def cognito(**arguments: Any) -> Arguments:
    return lambda stack: {
        "authentication": LoadBalancerAuthentication.cognito(**(of_cognito(stack) | arguments))
    }


def without_secret(stack: Stack) -> dict[str, Any]:
    parts = of_cognito(stack)
    plain = parts["user_pool"].add_client("Plain")
    return {"authentication": LoadBalancerAuthentication.cognito(**(parts | {"user_pool_client": plain}))}


_OF_LOAD_BALANCER: Final[dict[str, Given]] = {
    "vpc": imported_vpc,
    "vpc_subnets": lambda stack: ec2.SubnetSelection(),
    "certificate": lambda stack: acm.Certificate(stack, "Theirs", domain_name="fares.example.com"),
    "internet_facing": lambda stack: True,
    "allowed_peers": lambda stack: [INSIDE],
    "redirect_http": lambda stack: True,
    "idle_timeout": lambda stack: Duration.seconds(60),
    "mutual_authentication": lambda stack: mutual("PASS_THROUGH"),
    "web_acl_arn": lambda stack: WEB_ACL,
    "access_log_bucket": log_bucket,
    "deletion_protection": lambda stack: True,
}


def on_with(name: str, make: Given) -> Arguments:
    return lambda stack: on()(stack) | {name: make(stack)}


_ROWS: list[tuple[str, Arguments, str]] = [
    *by_name_instead(
        alias="a function, version or alias",
        certificate="a certificate",
        access_log_bucket="a bucket",
        alarm_topic="a topic",
    ),
    # what is invoked
    ("a function", to(function), "alias must be an alias, got Stack/Function (PythonFunction)"),
    ("a version", to(lambda stack: function(stack).current_version), "alias must be an alias, got "),
    ("an alias of nobody knows whose account", to(imported), "CDK would add no permission to call it"),
    ("a durable function for an hour", to(behind(durable=Durable(execution_timeout=Duration.hours(1)))),
     "execution_timeout of the durable function Stack/Function must be at most 900 seconds behind a load balancer"),
    ("a function with tenants", to(behind(tenant_isolation=True)), "alias Stack/Function has tenant isolation"),
    # the load balancer
    ("no vpc", args(vpc=None), "vpc is required without listener"),
    ("a vpc by its id", args(vpc="vpc-1"), "vpc must be a VPC, got 'vpc-1' (str)"),
    ("subnets by their name", args(vpc_subnets="Database"), "vpc_subnets must be an ec2.SubnetSelection"),
    ("no public subnets", args(internet_facing=True, allowed_peers=[INSIDE]),
     "vpc_subnets selects nothing in vpc Stack/TheirVpc"),
    ("one zone", made(vpc=one_zone),
     "vpc_subnets must be in at least 2 Availability Zones, got us-east-1a."),
    ("two subnets in a zone", made(vpc=two_subnets_in_a_zone, vpc_subnets=lambda stack: ec2.SubnetSelection()),
     "vpc_subnets must have one subnet in each Availability Zone, got 3 in 2 zones. Pass one_per_az=True"),
    ("no certificate", args(certificate=None), "certificate is required without listener"),
    ("one peer", args(allowed_peers=INSIDE), "allowed_peers must be a list of peers, such as ec2.Peer.ipv4"),
    ("a peer by its address", args(allowed_peers=["10.0.0.0/8"]),
     "or of what has security groups, got '10.0.0.0/8' (str) in it"),
    ("open without reserved concurrency",
     lambda stack: {"internet_facing": True, "vpc": ec2.Vpc(stack, "Vpc", max_azs=2)},
     "internet_facing=True requires reserved concurrency of function Stack/OtherwiseFunction"),
    ("a login that lets everybody pass",
     lambda stack: oidc(on_unauthenticated=elbv2.UnauthenticatedAction.ALLOW)(stack)
     | {"internet_facing": True, "vpc": ec2.Vpc(stack, "Vpc", max_azs=2)},
     "internet_facing=True requires reserved concurrency"),
    ("a mode that does not verify",
     lambda stack: {"internet_facing": True, "vpc": ec2.Vpc(stack, "Vpc", max_azs=2),
                    "mutual_authentication": mutual("PASS_THROUGH")},
     "internet_facing=True requires reserved concurrency"),
    *((f"{name} as a text", args(**{name: "yes"}), f"{name} must be True or False, got 'yes' (str)")
      for name in ("internet_facing", "redirect_http", "multi_value_headers", "deletion_protection")),
    ("an idle timeout of 0", args(idle_timeout=Duration.seconds(0)),
     "idle_timeout must be 1 second to 4,000 seconds"),
    ("an idle timeout of 4,001 s", args(idle_timeout=Duration.seconds(4001)), "to 4,000 seconds, got 4,001 seconds"),
    ("an idle timeout as a number", args(idle_timeout=60), "idle_timeout must be a Duration"),
    ("an idle timeout of the function's timeout", args(idle_timeout=Duration.seconds(29)),
     "idle_timeout must be longer than the 29 seconds that function Stack/OtherwiseFunction may take, got 29"),
    ("mutual authentication as a text", args(mutual_authentication="verify"),
     "mutual_authentication must be a MutualAuthentication, such as elbv2.MutualAuthentication("),
    ("VERIFY without a trust store", args(mutual_authentication=mutual("VERIFY")),
     "mutual_authentication with VERIFY requires trust_store"),
    ("PASS_THROUGH that looks at expiry",
     args(mutual_authentication=mutual("PASS_THROUGH", ignore_client_certificate_expiry=True)),
     "ignore_client_certificate_expiry or advertise_trust_store_ca_names requires VERIFY"),
    ("a web ACL of CloudFront", args(web_acl_arn=OF_CLOUDFRONT),
     "web_acl_arn must be that of a web ACL with the scope REGIONAL"),
    ("a bucket with a key", made(access_log_bucket=lambda stack: log_bucket(
        stack, encryption=s3.BucketEncryption.KMS, encryption_key=key(stack))),
     "access_log_bucket must be encrypted with the keys of S3, got Stack/Logs"),
    ("a bucket with the key of KMS that S3 has",
     made(access_log_bucket=lambda stack: log_bucket(stack, encryption=s3.BucketEncryption.KMS_MANAGED)),
     "access_log_bucket must be encrypted with the keys of S3, got Stack/Logs"),
    # the health check
    ("a health check without a slash", args(health_check_path="health"),
     "health_check_path must be a path of at most 1,024 characters that starts with a slash"),
    ("an interval without a path", args(health_check_interval=Duration.seconds(60)),
     "health_check_interval requires health_check_path"),
    ("an interval of 4 s", args(health_check_path="/", health_check_interval=Duration.seconds(4)),
     "health_check_interval must be 5 seconds to 5 minutes, got 4 seconds"),
    ("an interval known at deployment", args(
        health_check_path="/", health_check_interval=Duration.seconds(Token.as_number({"Ref": "Seconds"}))),
     "health_check_interval must be known at synth, got a token"),
    # a listener
    ("a listener by its ARN", lambda stack: on(lambda stack: LISTENER)(stack),
     "listener must be a listener of a load balancer, got 'arn:"),
    ("a listener of a network", on(network_listener),
     "listener must be one of an Application Load Balancer, got Stack/Tls (NetworkListener)"),
    ("a listener without TLS", on(http_listener), "listener must be one for HTTPS, got Stack/Plain/Http for HTTP"),
    ("a priority without a listener", args(priority=1), "priority requires listener"),
    ("conditions without a listener", args(conditions=PATHS), "conditions requires listener"),
    ("no priority", on(priority=None), "listener requires priority"),
    ("a priority of 0", on(priority=0), "priority must be 1 to 50,000, got 0"),
    ("a priority of 50,001", on(priority=50_001), "priority must be 1 to 50,000, got 50,001"),
    ("half a priority", on(priority=1.5), "priority must be a whole number, got 1.5"),
    ("no conditions", on(conditions=[]), "listener requires conditions, such as "),
    ("a condition as a text", on(conditions=["/quotes/*"]), "conditions must be a list of elbv2.ListenerCondition"),
    *((f"{name} with a listener", on_with(name, make), f"{name} cannot be combined with listener")
      for name, make in _OF_LOAD_BALANCER.items()),
    ("a listener that does not wait", slow_behind(shared_listener, 60),
     "load balancer must be longer than the 60 seconds that function Stack/Function may take, got 60"),
    ("a listener that waits for 90 s",
     slow_behind(lambda stack: shared_listener(stack, idle_timeout=Duration.seconds(90)), 120),
     "got 90: its caller would have a 504 while it works on. Raise it at Stack/Shared. See"),
    ("a login as a text", args(authentication="cognito"),
     "authentication must be a LoadBalancerAuthentication, such as LoadBalancerAuthentication.cognito(...)"),
]  # fmt: skip

LOAD_BALANCER_LIMITS: Final = Limits(
    LoadBalancedFunction,
    otherwise={
        "alias": lambda stack: live(function(stack, "OtherwiseFunction"), "Otherwise"),
        "vpc": imported_vpc,
        "certificate": certificate,
    },
    rows=_ROWS,
)

_LOGINS: list[tuple[str, Given, str]] = [
    ("an issuer over HTTP", oidc(issuer="http://login.example.com"),
     "issuer must be an address with https://, and without a query"),
    ("a token endpoint with a query", oidc(token_endpoint="https://a.example/?x"), "token_endpoint must be an address"),
    ("an authorization endpoint by its path", oidc(authorization_endpoint="/authorize"),
     "authorization_endpoint must be an address"),
    ("no user info", oidc(user_info_endpoint=""), "user_info_endpoint must be an address"),
    ("no client id", oidc(client_id=""), "client_id must be text that is not empty"),
    ("a secret as a text", oidc(client_secret="secret"), "client_secret must be a SecretValue, such as"),
    ("no scope", oidc(scope=" "), "scope must be text that is not empty"),
    ("a session of 0", oidc(session_timeout=Duration.seconds(0)), "session_timeout must be 1 second to 7 days"),
    ("a session of 8 days", oidc(session_timeout=Duration.days(8)), "session_timeout must be 1 second to 7 days"),
    ("an action as a text", oidc(on_unauthenticated="deny"), "on_unauthenticated must be an UnauthenticatedAction"),
    ("a pool by its name", cognito(user_pool="users"), "user_pool must be a user pool, got 'users' (str)"),
    ("a client by its id", cognito(user_pool_client="1"), "user_pool_client must be a client of the user pool"),
    ("a domain by its name", cognito(user_pool_domain="riders"), "user_pool_domain must be the domain of the user"),
    ("a client without a secret", without_secret,
     "user_pool_client must have a secret, got Stack/Users/Plain, which has none"),
    ("no action", oidc(on_unauthenticated=None), "on_unauthenticated must be an UnauthenticatedAction"),
]  # fmt: skip
LOGIN_LIMITS: Final = _LOGINS
