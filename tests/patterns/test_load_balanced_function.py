"""Who reaches a function behind a load balancer, what the load balancer may do, and who is told of failures."""

from typing import Any

import pytest
from aws_cdk import App, Duration, Environment, Fn, NestedStack, Stack, Token
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from constructs_lib import (
    AlarmSettings,
    InvalidPropsError,
    LiveAlias,
    LoadBalancedFunction,
    LoadBalancerAuthentication,
)
from tests.gallery.api import certificate
from tests.gallery.endpoint import bounded
from tests.gallery.load_balancer import (
    BALANCER,
    INSIDE,
    LISTENER,
    OF_OIDC,
    WEB_ACL,
    client_secret,
    imported_listener,
    log_bucket,
    of_cognito,
    shared_listener,
)
from tests.gallery.parts import live
from tests.gallery.plain_function import function
from tests.template import logical_id, of_type, properties, resource, the, warnings

ELB = "AWS::ElasticLoadBalancingV2::"
PATHS = [elbv2.ListenerCondition.path_patterns(["/quotes/*"])]


@pytest.fixture
def stack() -> Stack:
    return new_stack()


def new_stack(name: str = "Stack", **arguments: Any) -> Stack:
    env = Environment(account="123456789012", region="us-east-1")
    return Stack(App(analytics_reporting=False), name, **({"env": env} | arguments))


def balanced(stack: Stack, construct_id: str = "Fares", **arguments: Any) -> LoadBalancedFunction:
    if "listener" in arguments:
        arguments = {"priority": 10, "conditions": PATHS} | arguments
    else:
        network = stack.node.try_find_child("Vpc") or ec2.Vpc(stack, "Vpc", max_azs=2)
        trusted = stack.node.try_find_child("Certificate") or certificate(stack)
        arguments = {"vpc": network, "certificate": trusted} | arguments
    if "alias" not in arguments:
        arguments["alias"] = live(function(stack, f"{construct_id}Function"), f"{construct_id}Live")
    return LoadBalancedFunction(stack, construct_id, **arguments)


def attributes(part: Any, name: str = "LoadBalancerAttributes") -> dict[str, Any]:
    return {each["Key"]: each["Value"] for each in properties(part)[name]}


# --- the permission -------------------------------------------------------------------------------------


def test_its_target_group_alone_may_invoke_the_alias(stack: Stack) -> None:
    alias = live(function(stack))
    fares = balanced(stack, alias=alias)
    (permission,) = of_type(stack, "AWS::Lambda::Permission").values()
    name = properties(fares.target_group)["Name"]
    assert permission == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Ref": logical_id(alias)},
        "Principal": "elasticloadbalancing.amazonaws.com",
        "SourceAccount": "123456789012",
        "SourceArn": {
            "Fn::Join": [
                "",
                [
                    "arn:",
                    {"Ref": "AWS::Partition"},
                    f":elasticloadbalancing:us-east-1:123456789012:targetgroup/{name}/*",
                ],
            ]
        },
    }
    assert properties(fares.target_group)["Targets"] == [{"Id": {"Ref": logical_id(alias)}}]


def test_the_permission_is_there_before_the_alias_is_registered(stack: Stack) -> None:
    fares = balanced(stack)
    (permission,) = of_type(stack, "AWS::Lambda::Permission")
    assert resource(fares.target_group)["DependsOn"] == [permission]


def names_of(*changes: dict[str, Any]) -> list[str]:
    """The names of the target group, each time in a new app."""
    found = []
    for change in changes:
        stack = new_stack()
        arguments = {name: value(stack) if callable(value) else value for name, value in change.items()}
        found.append(properties(balanced(stack, **arguments).target_group)["Name"])
    return found


def test_what_cannot_change_in_place_makes_another_target_group() -> None:
    """AWS refuses one target group for two load balancers, and two functions in one, also for a moment."""
    open_one: dict[str, Any] = {"internet_facing": True, "allowed_peers": [INSIDE]}
    names = names_of(
        {},
        open_one,
        {"listener": shared_listener},
        {"listener": lambda stack: shared_listener(stack, internet_facing=True)},
        {"listener": lambda stack: shared_listener(stack, load_balancer_name="shared")},
        {"listener": imported_listener},
        {"listener": lambda stack: imported_listener(stack, LISTENER.replace("/shared/", "/other/"))},
        {"alias": lambda stack: named(stack, "beta")},
        {"alias": lambda stack: live(function(stack, "FaresFunction", function_name="fares"), "FaresLive")},
    )
    assert len(set(names)) == len(names)
    assert all(len(name) <= 32 for name in names)


def named(stack: Stack, name: str) -> lambda_.Alias:
    behind = function(stack, "FaresFunction")
    return lambda_.Alias(stack, "FaresLive", alias_name=name, version=behind.current_version)


def test_what_changes_in_place_keeps_the_target_group() -> None:
    names = names_of(
        {},
        {},
        {"allowed_peers": [INSIDE], "redirect_http": True, "idle_timeout": Duration.minutes(5)},
        {"health_check_path": "/health", "multi_value_headers": False},
        {"alias": lambda stack: live(function(stack, "FaresFunction", memory_size=512), "FaresLive")},
    )
    assert len(set(names)) == 1


def test_another_listener_of_the_same_load_balancer_keeps_the_target_group() -> None:
    names = names_of(
        {"listener": imported_listener},
        {"listener": lambda stack: imported_listener(stack, f"{BALANCER}/0123456789abcdef")},
    )
    assert len(set(names)) == 1


def test_two_stacks_have_target_groups_of_their_own() -> None:
    first, second = new_stack("Alpha"), new_stack("Beta")
    names = {properties(balanced(stack).target_group)["Name"] for stack in (first, second)}
    assert len(names) == 2


def test_two_deployments_of_a_nested_stack_have_target_groups_of_their_own() -> None:
    names = set()
    for stack_name in ("alpha", "beta"):
        nested = NestedStack(new_stack(stack_name=stack_name), "Nested")
        names.add(properties(balanced(nested).target_group)["Name"])
    assert len(names) == 2


# --- the network ----------------------------------------------------------------------------------------


def two_groups(scope: Stack, kind: ec2.SubnetType = ec2.SubnetType.PRIVATE_WITH_EGRESS) -> ec2.Vpc:
    groups = {"Public": ec2.SubnetType.PUBLIC, "One": kind, "Two": kind}
    return ec2.Vpc(
        scope,
        "TwoGroups",
        max_azs=2,
        subnet_configuration=[
            ec2.SubnetConfiguration(name=name, subnet_type=each) for name, each in groups.items()
        ],
    )


@pytest.mark.parametrize("env", [Environment(account="123456789012", region="us-east-1"), None])
@pytest.mark.parametrize("internet_facing", [False, True])
def test_a_zone_with_two_subnets_gets_one(env: Environment | None, internet_facing: bool) -> None:
    """AWS refuses two subnets of one Availability Zone."""
    stack = new_stack(env=env)
    network = two_groups(
        stack, ec2.SubnetType.PUBLIC if internet_facing else ec2.SubnetType.PRIVATE_WITH_EGRESS
    )
    peers: dict[str, Any] = {"internet_facing": True, "allowed_peers": [INSIDE]} if internet_facing else {}
    made = balanced(stack, vpc=network, **peers)
    group = network.public_subnets if internet_facing else network.private_subnets
    ids = [stack.resolve(each.subnet_id) for each in group]
    assert len(ids) == (6 if internet_facing else 4)
    assert properties(made.load_balancer)["Subnets"] == ids[:2]


def test_a_list_of_zones_that_is_known_at_deployment_passes(stack: Stack) -> None:
    """Both subnets have the whole list for their zone."""
    network = ec2.Vpc.from_vpc_attributes(
        stack,
        "Imported",
        vpc_id=Fn.import_value("Vpc"),
        availability_zones=Fn.split(",", Fn.import_value("Zones")),
        private_subnet_ids=["subnet-1", "subnet-2"],
    )
    made = balanced(stack, vpc=network)
    assert properties(made.load_balancer)["Subnets"] == ["subnet-1", "subnet-2"]


# --- who may connect ------------------------------------------------------------------------------------


def test_nobody_may_connect_by_default(stack: Stack) -> None:
    fares = balanced(stack)
    assert properties(fares.load_balancer)["Scheme"] == "internal"
    assert "SecurityGroupIngress" not in the(stack, "AWS::EC2::SecurityGroup")
    assert of_type(stack, "AWS::EC2::SecurityGroupIngress") == {}


def test_peers_may_connect_to_the_port_of_https_alone(stack: Stack) -> None:
    balanced(stack, allowed_peers=[INSIDE, ec2.Peer.prefix_list("pl-1")])
    (ingress,) = the(stack, "AWS::EC2::SecurityGroup")["SecurityGroupIngress"]
    assert (ingress["CidrIp"], ingress["FromPort"], ingress["ToPort"]) == ("10.0.0.0/8", 443, 443)
    other = the(stack, "AWS::EC2::SecurityGroupIngress")
    assert (other["SourcePrefixListId"], other["FromPort"], other["ToPort"]) == ("pl-1", 443, 443)


def test_a_security_group_is_a_peer(stack: Stack) -> None:
    network = ec2.Vpc(stack, "Vpc", max_azs=2)
    caller = ec2.SecurityGroup(stack, "Caller", vpc=network)
    balanced(stack, allowed_peers=[caller])
    rule = the(stack, "AWS::EC2::SecurityGroupIngress")
    assert rule["SourceSecurityGroupId"] == {"Fn::GetAtt": [logical_id(caller), "GroupId"]}


def test_the_internet_is_let_in_where_that_was_set(stack: Stack) -> None:
    fares = balanced(stack, alias=bounded(stack), internet_facing=True, redirect_http=True)
    assert properties(fares.load_balancer)["Scheme"] == "internet-facing"
    ingress = the(stack, "AWS::EC2::SecurityGroup")["SecurityGroupIngress"]
    assert [(each["CidrIp"], each["FromPort"]) for each in ingress] == [("0.0.0.0/0", 443), ("0.0.0.0/0", 80)]


@pytest.mark.parametrize(
    "more",
    [
        lambda stack: {"allowed_peers": [INSIDE]},
        lambda stack: {"authentication": LoadBalancerAuthentication.cognito(**of_cognito(stack))},
        lambda stack: {
            "mutual_authentication": elbv2.MutualAuthentication(
                mutual_authentication_mode=elbv2.MutualAuthenticationMode.VERIFY,
                trust_store=elbv2.TrustStore.from_trust_store_arn(
                    stack, "Trusted", "arn:aws:elasticloadbalancing:us-east-1:123456789012:truststore/t/1"
                ),
            )
        },
    ],
    ids=["peers", "a login", "certificates"],
)
def test_what_is_not_open_to_strangers_needs_no_reserved_concurrency(stack: Stack, more: Any) -> None:
    balanced(stack, internet_facing=True, **more(stack))


# --- HTTPS ----------------------------------------------------------------------------------------------


def test_it_answers_over_https_alone(stack: Stack) -> None:
    fares = balanced(stack)
    listener = the(stack, f"{ELB}Listener")
    assert (listener["Port"], listener["Protocol"]) == (443, "HTTPS")
    assert listener["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
    assert listener["DefaultActions"] == [
        {"Type": "forward", "TargetGroupArn": {"Ref": logical_id(fares.target_group)}}
    ]


def test_port_80_redirects_where_that_was_set(stack: Stack) -> None:
    balanced(stack, redirect_http=True)
    (plain,) = [each for each in of_type(stack, f"{ELB}Listener").values() if each["Port"] == 80]
    (action,) = plain["DefaultActions"]
    assert (action["Type"], action["RedirectConfig"]["Protocol"]) == ("redirect", "HTTPS")


def test_what_is_left_out_is_turned_off(stack: Stack) -> None:
    """An attribute that leaves the template stays as it was, so each one is in it."""
    fares = balanced(stack, multi_value_headers=False)
    assert attributes(fares.load_balancer) == {
        "deletion_protection.enabled": "false",
        "idle_timeout.timeout_seconds": "60",
        "routing.http.drop_invalid_header_fields.enabled": "true",
        "access_logs.s3.enabled": "false",
    }
    group = attributes(fares.target_group, "TargetGroupAttributes")
    assert group == {"lambda.multi_value_headers.enabled": "false"}
    assert properties(fares.target_group)["HealthCheckEnabled"] is False
    assert the(stack, f"{ELB}Listener")["MutualAuthentication"] == {"Mode": "off"}


def test_headers_are_lists(stack: Stack) -> None:
    group = attributes(balanced(stack).target_group, "TargetGroupAttributes")
    assert group["lambda.multi_value_headers.enabled"] == "true"


def test_a_web_acl_is_put_in_front(stack: Stack) -> None:
    fares = balanced(stack, web_acl_arn=WEB_ACL)
    association = the(stack, "AWS::WAFv2::WebACLAssociation")
    assert association == {
        "ResourceArn": {"Ref": logical_id(fares.load_balancer)},
        "WebACLArn": WEB_ACL,
    }


# --- times ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("timeout", "idle"), [(29, "60"), (59, "60"), (60, "65"), (900, "905")])
def test_it_waits_longer_than_a_slow_function(stack: Stack, timeout: int, idle: str) -> None:
    alias = live(function(stack, timeout=Duration.seconds(timeout)))
    fares = balanced(stack, alias=alias)
    assert attributes(fares.load_balancer)["idle_timeout.timeout_seconds"] == idle


def test_an_idle_timeout_that_is_known_at_deployment_is_passed_on(stack: Stack) -> None:
    fares = balanced(stack, idle_timeout=Duration.seconds(Token.as_number({"Ref": "Seconds"})))
    assert attributes(fares.load_balancer)["idle_timeout.timeout_seconds"] == {"Ref": "Seconds"}


def test_a_shared_load_balancer_that_waits_long_enough_will_do(stack: Stack) -> None:
    alias = live(function(stack, timeout=Duration.seconds(89)))
    balanced(stack, alias=alias, listener=shared_listener(stack, idle_timeout=Duration.seconds(90)))
    assert not any("idle timeout" in each for each in warnings(stack))


@pytest.mark.parametrize(("seconds", "warned"), [(59, False), (60, True)])
def test_an_imported_listener_may_not_wait(stack: Stack, seconds: int, warned: bool) -> None:
    alias = live(function(stack, timeout=Duration.seconds(seconds)))
    balanced(stack, alias=alias, listener=imported_listener(stack))
    assert any("its idle timeout is longer" in each for each in warnings(stack)) is warned


def test_health_is_checked_at_a_path(stack: Stack) -> None:
    fares = balanced(stack, health_check_path="/health", health_check_interval=Duration.seconds(20))
    group = properties(fares.target_group)
    assert {name: value for name, value in group.items() if name.startswith("Health")} == {
        "HealthCheckEnabled": True,
        "HealthCheckPath": "/health",
        "HealthCheckIntervalSeconds": 20,
        "HealthCheckTimeoutSeconds": 19,
    }


# --- logins and logs ------------------------------------------------------------------------------------


def test_users_log_in_first(stack: Stack) -> None:
    parts = of_cognito(stack)
    fares = balanced(stack, authentication=LoadBalancerAuthentication.cognito(**parts))
    login, forward = the(stack, f"{ELB}Listener")["DefaultActions"]
    assert login["AuthenticateCognitoConfig"] == {
        "OnUnauthenticatedRequest": "authenticate",
        "Scope": "openid",
        "SessionTimeout": "604800",
        "UserPoolArn": {"Fn::GetAtt": [logical_id(parts["user_pool"]), "Arn"]},
        "UserPoolClientId": {"Ref": logical_id(parts["user_pool_client"])},
        "UserPoolDomain": {"Ref": logical_id(parts["user_pool_domain"])},
    }
    assert (login["Order"], forward["Order"], forward["Type"]) == (1, 2, "forward")
    (out,) = the(stack, "AWS::EC2::SecurityGroup")["SecurityGroupEgress"]
    assert (out["CidrIp"], out["ToPort"]) == ("0.0.0.0/0", 443)
    assert properties(fares.authentication_errors_alarm)["MetricName"] == "ELBAuthError"


def test_users_of_another_provider_log_in_first(stack: Stack) -> None:
    login = LoadBalancerAuthentication.oidc(
        **OF_OIDC,
        client_secret=client_secret(),
        scope="openid email",
        session_timeout=Duration.hours(8),
        on_unauthenticated=elbv2.UnauthenticatedAction.DENY,
    )
    fares = balanced(stack, listener=imported_listener(stack), authentication=login)
    config = properties(fares.rule)["Actions"][0]["AuthenticateOidcConfig"]
    secret = config.pop("ClientSecret")
    assert "secretsmanager:fares/client" in str(secret)
    assert config == {
        "AuthorizationEndpoint": "https://login.example.com/authorize",
        "ClientId": "fares",
        "Issuer": "https://login.example.com",
        "OnUnauthenticatedRequest": "deny",
        "Scope": "openid email",
        "SessionTimeout": 28800,
        "TokenEndpoint": "https://login.example.com/token",
        "UserInfoEndpoint": "https://login.example.com/userinfo",
    }


@pytest.mark.parametrize("env", [None, Environment(account="123456789012", region="us-east-1")])
def test_the_access_log_is_delivered_by_the_service(env: Environment | None) -> None:
    """Also where the Region is not known, and CDK's own method fails."""
    stack = new_stack(env=env)
    bucket = log_bucket(stack)
    fares = balanced(stack, access_log_bucket=bucket)
    found = attributes(fares.load_balancer)
    assert found["access_logs.s3.enabled"] == "true"
    assert found["access_logs.s3.bucket"] == {"Ref": logical_id(bucket)}
    (policy,) = of_type(stack, "AWS::S3::BucketPolicy")
    assert policy in resource(fares.load_balancer)["DependsOn"]
    (allowed,) = [
        each
        for each in the(stack, "AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
        if each["Effect"] == "Allow"
    ]
    assert allowed["Principal"] == {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}
    assert allowed["Action"] == "s3:PutObject"
    assert "/AWSLogs/" in str(allowed["Resource"])
    assert ":loadbalancer/*" in str(allowed["Condition"]["ArnLike"]["aws:SourceArn"])


def test_the_owner_of_another_bucket_is_told_what_to_add(stack: Stack) -> None:
    theirs = s3.Bucket.from_bucket_attributes(stack, "Theirs", bucket_name="logs", account="210987654321")
    fares = balanced(stack, access_log_bucket=theirs)
    (told,) = [str(entry.data) for entry in fares.node.metadata if entry.type == "aws:cdk:info"]
    assert "Its owner must add" in told
    assert "logdelivery.elasticloadbalancing.amazonaws.com" in told


# --- a listener of somebody else ------------------------------------------------------------------------


def test_a_shared_listener_gets_a_rule(stack: Stack) -> None:
    listener = shared_listener(stack)
    fares = balanced(stack, listener=listener)
    assert fares.load_balancer is None
    assert fares.listener is listener
    assert properties(fares.rule) == {
        "ListenerArn": {"Ref": logical_id(listener)},
        "Priority": 10,
        "Conditions": [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/quotes/*"]}}],
        "Actions": [{"Type": "forward", "TargetGroupArn": {"Ref": logical_id(fares.target_group)}}],
    }
    assert len(of_type(stack, f"{ELB}LoadBalancer")) == 1
    assert fares.rejected_connections_alarm is None


def test_two_rules_of_a_listener_have_two_priorities(stack: Stack) -> None:
    """AWS refuses the second one."""
    listener = shared_listener(stack)
    balanced(stack, listener=listener)
    with pytest.raises(InvalidPropsError, match="got 10 again for Stack/Shared/Https"):
        balanced(stack, "Tolls", listener=listener)
    balanced(stack, "Tolls", listener=listener, alias=live(function(stack, "Toll"), "TollLive"), priority=11)


def test_two_functions_share_a_listener(stack: Stack) -> None:
    listener = shared_listener(stack)
    groups = [
        balanced(stack, name, listener=listener, priority=priority).target_group
        for name, priority in (("Quotes", 10), ("Fares", 20))
    ]
    assert len({properties(group)["Name"] for group in groups}) == 2


# --- alarms ---------------------------------------------------------------------------------------------


def expressions(alarm: Any) -> tuple[str, dict[str, str]]:
    metrics = properties(alarm)["Metrics"]
    named_metrics = {
        each["Id"]: each["MetricStat"]["Metric"]["MetricName"] for each in metrics if "MetricStat" in each
    }
    (expression,) = [each["Expression"] for each in metrics if "Expression" in each]
    return expression, named_metrics


def test_server_errors_are_watched_at_the_load_balancer(stack: Stack) -> None:
    """By it alone, so that the alarm can roll back the alias, which the target group depends on."""
    behind = LiveAlias(stack, "Live", function=function(stack))
    fares = balanced(stack, alias=behind.alias)
    behind.add_rollback_alarm(fares.server_errors_alarm)
    assert expressions(fares.server_errors_alarm) == (
        "100 * (FILL(failed, 0) + FILL(answered, 0)) / requests",
        {
            "failed": "HTTPCode_ELB_5XX_Count",
            "answered": "HTTPCode_Target_5XX_Count",
            "requests": "RequestCount",
        },
    )
    dimensions = [
        each["MetricStat"]["Metric"]["Dimensions"]
        for each in properties(fares.server_errors_alarm)["Metrics"]
        if "MetricStat" in each
    ]
    name = {"Fn::GetAtt": [logical_id(fares.load_balancer), "LoadBalancerFullName"]}
    assert dimensions == [[{"Name": "LoadBalancer", "Value": name}]] * 3


def test_server_errors_of_a_rule_are_those_of_its_target_group(stack: Stack) -> None:
    behind = LiveAlias(stack, "Live", function=function(stack))
    fares = balanced(stack, alias=behind.alias, listener=imported_listener(stack))
    with pytest.raises(InvalidPropsError, match="alarm must not depend on the alias, got Stack/Fares/Server"):
        behind.add_rollback_alarm(fares.server_errors_alarm)
    expression, metrics = expressions(fares.server_errors_alarm)
    assert expression == "100 * (FILL(failed, 0) + FILL(internal, 0) + FILL(answered, 0)) / requests"
    assert metrics == {
        "failed": "LambdaUserError",
        "internal": "LambdaInternalError",
        "answered": "HTTPCode_Target_5XX_Count",
        "requests": "RequestCount",
    }
    (dimensions, *_) = [
        {each["Name"]: each["Value"] for each in metric["MetricStat"]["Metric"]["Dimensions"]}
        for metric in properties(fares.server_errors_alarm)["Metrics"]
        if "MetricStat" in metric
    ]
    assert dimensions == {
        "LoadBalancer": "app/shared/50dc6c495c0c9188",
        "TargetGroup": {"Fn::GetAtt": [logical_id(fares.target_group), "TargetGroupFullName"]},
    }


def test_the_alarm_of_one_alias_can_roll_back_another(stack: Stack) -> None:
    other = LiveAlias(stack, "Other", function=function(stack, "OtherFunction"))
    fares = balanced(stack, listener=imported_listener(stack))
    other.add_rollback_alarm(fares.server_errors_alarm)


def test_an_alias_is_watched_once(stack: Stack) -> None:
    behind = LiveAlias(stack, "Live", function=function(stack))
    watched = balanced(stack, "Watched", alias=behind.alias)
    assert (watched.throttles_alarm, watched.spillover_alarm) == (None, None)
    assert (watched.unhealthy_alarm, watched.authentication_errors_alarm) == (None, None)
    alone = balanced(stack, "Alone", alias=bounded(stack, "Bounded", provisioned=2))
    assert alone.throttles_alarm is not None
    assert alone.spillover_alarm is not None


def test_alarms_are_left_out_where_that_was_set(stack: Stack) -> None:
    AlarmSettings.of(stack).leave_out()
    fares = balanced(stack, health_check_path="/health")
    assert fares.unhealthy_alarm is not None
    assert of_type(stack, "AWS::CloudWatch::Alarm") == {}


def test_failed_health_checks_alarm(stack: Stack) -> None:
    fares = balanced(stack, health_check_path="/health")
    assert properties(fares.unhealthy_alarm)["MetricName"] == "UnHealthyHostCount"


# --- elsewhere ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            lambda stack: {"web_acl_arn": WEB_ACL.replace("us-east-1", "eu-west-1")},
            "web_acl_arn must be in Region us-east-1, where Stack is, got one in eu-west-1",
        ),
        (
            lambda stack: {"web_acl_arn": WEB_ACL.replace("123456789012", "210987654321")},
            "web_acl_arn must be in account 123456789012, where Stack is, got one in 210987654321",
        ),
        (
            lambda stack: {"listener": imported_listener(stack, LISTENER.replace("us-east-1", "eu-west-1"))},
            "listener must be in Region us-east-1, where Stack is, got",
        ),
        (
            lambda stack: {
                "listener": imported_listener(stack, LISTENER.replace("123456789012", "210987654321"))
            },
            "listener must be in account 123456789012, where Stack is, got",
        ),
        (
            lambda stack: {
                "certificate": acm.Certificate.from_certificate_arn(
                    stack, "Theirs", "arn:aws:acm:eu-west-1:123456789012:certificate/1"
                )
            },
            "certificate must be in Region us-east-1, where Stack is, got",
        ),
    ],
)
def test_what_is_elsewhere_is_refused(stack: Stack, arguments: Any, message: str) -> None:
    with pytest.raises(InvalidPropsError, match=message):
        balanced(stack, **arguments(stack))
    assert stack.node.try_find_child("Fares") is None


def test_an_alias_of_another_stack_is_invoked(stack: Stack) -> None:
    other = Stack(stack, "Other", env=Environment(account="123456789012", region="us-east-1"))
    balanced(stack, alias=live(function(other)))
    (permission,) = of_type(stack, "AWS::Lambda::Permission").values()
    assert "Fn::ImportValue" in str(permission["FunctionName"])


def test_an_imported_alias_that_strangers_may_invoke_is_warned_of(stack: Stack) -> None:
    version = lambda_.Version.from_version_arn(
        stack, "Theirs", "arn:aws:lambda:us-east-1:123456789012:function:theirs:1"
    )
    theirs = lambda_.Alias.from_alias_attributes(stack, "Live", alias_name="live", alias_version=version)
    balanced(stack, alias=theirs, internet_facing=True)
    assert any("which is imported" in each for each in warnings(stack))
