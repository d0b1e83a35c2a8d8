"""Scenes of LoadBalancedFunction."""

from typing import Any, Final

from aws_cdk import Duration, SecretValue, Stack
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_s3 as s3
from constructs import Construct

from constructs_lib import LiveAlias, LoadBalancedFunction, LoadBalancerAuthentication
from tests.gallery.api import certificate
from tests.gallery.endpoint import bounded
from tests.gallery.long_job import vpc
from tests.gallery.parts import acknowledge, live, topic
from tests.gallery.plain_function import function
from tests.gallery.user_pools import pool

WEB_ACL: Final = "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/edge/1"
BALANCER: Final = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/shared/50dc6c495c0c9188"
LISTENER: Final = f"{BALANCER}/f2f7dc8efc522ab2"
INSIDE: Final = ec2.Peer.ipv4("10.0.0.0/8")


def log_bucket(scope: Construct, construct_id: str = "Logs", **arguments: Any) -> s3.Bucket:
    made = s3.Bucket(
        scope,
        construct_id,
        enforce_ssl=True,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        **({"encryption": s3.BucketEncryption.S3_MANAGED} | arguments),
    )
    acknowledge(made, "AwsSolutions-S1", reason="It has the access log of a load balancer.")
    return made


def shared_listener(scope: Construct, **arguments: Any) -> elbv2.ApplicationListener:
    """An HTTPS listener as somebody has it for several services."""
    stack = Stack.of(scope)
    balancer = elbv2.ApplicationLoadBalancer(stack, "Shared", vpc=vpc(stack), **arguments)
    acknowledge(balancer, "AwsSolutions-ELB2", reason="The scene is about something else.")
    return balancer.add_listener(
        "Https",
        port=443,
        certificates=[certificate(stack)],
        ssl_policy=elbv2.SslPolicy.TLS13_12_RES_PQ,
        open=False,
        default_action=elbv2.ListenerAction.fixed_response(404),
    )


def imported_listener(stack: Stack, arn: str = LISTENER) -> elbv2.IApplicationListener:
    return elbv2.ApplicationListener.from_application_listener_attributes(
        stack,
        "Theirs",
        listener_arn=arn,
        security_group=ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-0123456789abcdef0"),
    )


def with_secret(users: cognito.UserPool) -> cognito.UserPoolClient:
    return users.add_client(
        "Client",
        generate_secret=True,
        o_auth=cognito.OAuthSettings(
            flows=cognito.OAuthFlows(authorization_code_grant=True),
            scopes=[cognito.OAuthScope.OPENID],
            callback_urls=["https://fares.example.com/oauth2/idpresponse"],
        ),
    )


def of_cognito(scope: Construct) -> dict[str, Any]:
    """A user pool, its client and its domain."""
    users = pool(scope)
    domain = users.add_domain("Domain", cognito_domain=cognito.CognitoDomainOptions(domain_prefix="riders"))
    return {"user_pool": users, "user_pool_client": with_secret(users), "user_pool_domain": domain}


OF_OIDC: Final[dict[str, Any]] = {
    "issuer": "https://login.example.com",
    "authorization_endpoint": "https://login.example.com/authorize",
    "token_endpoint": "https://login.example.com/token",
    "user_info_endpoint": "https://login.example.com/userinfo",
    "client_id": "fares",
}


def client_secret() -> SecretValue:
    return SecretValue.secrets_manager("fares/client")


def load_balanced_function(stack: Stack) -> None:
    """Inside of a VPC, for one network."""
    behind = LiveAlias(stack, "Live", function=function(stack))
    fares = LoadBalancedFunction(
        stack,
        "Fares",
        alias=behind.alias,
        vpc=vpc(stack),
        certificate=certificate(stack),
        allowed_peers=[INSIDE],
        alarm_topic=topic(stack, "Alarms"),
    )
    behind.add_rollback_alarm(fares.server_errors_alarm)


def public_load_balanced_function(stack: Stack) -> None:
    """For everybody, with all that a load balancer has."""
    network = vpc(stack)
    LoadBalancedFunction(
        stack,
        "Fares",
        alias=bounded(stack, provisioned=2, timeout=Duration.minutes(2)),
        vpc=network,
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
        certificate=certificate(stack),
        internet_facing=True,
        redirect_http=True,
        multi_value_headers=False,
        health_check_path="/health",
        health_check_interval=Duration.seconds(20),
        mutual_authentication=elbv2.MutualAuthentication(
            mutual_authentication_mode=elbv2.MutualAuthenticationMode.PASS_THROUGH
        ),
        web_acl_arn=WEB_ACL,
        access_log_bucket=log_bucket(stack),
        deletion_protection=True,
    )


def load_balanced_function_with_login(stack: Stack) -> None:
    LoadBalancedFunction(
        stack,
        "Fares",
        alias=live(stack),
        vpc=vpc(stack),
        certificate=certificate(stack),
        internet_facing=True,
        authentication=LoadBalancerAuthentication.cognito(**of_cognito(stack)),
    )


def load_balanced_function_of_a_shared_listener(stack: Stack) -> None:
    """One rule with a login at another provider, and one of an imported listener."""
    LoadBalancedFunction(
        stack,
        "Quotes",
        alias=live(stack),
        listener=shared_listener(stack),
        priority=10,
        conditions=[elbv2.ListenerCondition.path_patterns(["/quotes/*"])],
        authentication=LoadBalancerAuthentication.oidc(
            **OF_OIDC,
            client_secret=client_secret(),
            session_timeout=Duration.hours(8),
            on_unauthenticated=elbv2.UnauthenticatedAction.DENY,
        ),
    )
    LoadBalancedFunction(
        stack,
        "Fares",
        alias=live(function(stack, "Other"), "OtherLive"),
        listener=imported_listener(stack),
        priority=20,
        conditions=[elbv2.ListenerCondition.host_headers(["fares.example.com"])],
    )


SCENES: Final = (
    load_balanced_function,
    public_load_balanced_function,
    load_balanced_function_with_login,
    load_balanced_function_of_a_shared_listener,
)
