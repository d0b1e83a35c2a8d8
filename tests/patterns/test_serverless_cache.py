"""What a serverless cache has, and what it gives to the functions that use it."""

import re
from typing import Any

import pytest
from aws_cdk import App, Environment, RemovalPolicy, Stack, Stage
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_

from constructs_lib import InvalidPropsError, ServerlessCache
from tests.gallery.parts import live
from tests.gallery.plain_function import function
from tests.template import logical_id, of_type, properties, statements, template, the

HOME = Environment(account="1" * 12, region="us-east-1")


@pytest.fixture
def app() -> App:
    return App(analytics_reporting=False)


@pytest.fixture
def stack(app: App) -> Stack:
    return Stack(app, "Stack", env=HOME)


@pytest.fixture
def vpc(stack: Stack) -> ec2.Vpc:
    return ec2.Vpc(stack, "Vpc", max_azs=2, nat_gateways=0)


def the_id(stack: Stack, kind: str) -> str:
    (found,) = of_type(stack, kind)
    return found


CACHE, GROUP, USER = (f"AWS::ElastiCache::{kind}" for kind in ("ServerlessCache", "UserGroup", "User"))


# --- the cache -------------------------------------------------------------------------------------------


def test_it_is_valkey_in_the_subnets_of_the_vpc(stack: Stack, vpc: ec2.Vpc) -> None:
    cache = ServerlessCache(stack, "Prices", vpc=vpc)
    found = the(stack, CACHE)
    assert (found["Engine"], found["MajorEngineVersion"]) == ("valkey", "8")
    assert found["SubnetIds"] == [{"Ref": logical_id(subnet)} for subnet in vpc.isolated_subnets]
    group = {"Fn::GetAtt": [logical_id(cache.security_group), "GroupId"]}
    assert found["SecurityGroupIds"] == [group]
    assert found["UserGroupId"] == {"Ref": the_id(stack, GROUP)}
    assert "KmsKeyId" not in found


def test_nobody_is_let_in_by_itself(stack: Stack, vpc: ec2.Vpc) -> None:
    """A user group of Valkey needs no default user, which anybody could log in as."""
    cache = ServerlessCache(stack, "Prices", vpc=vpc)
    group = the(stack, GROUP)
    assert (group["Engine"], group["UserIds"]) == ("valkey", [])
    assert of_type(stack, USER) == {}
    assert "SecurityGroupIngress" not in properties(cache.security_group)
    assert of_type(stack, "AWS::EC2::SecurityGroupIngress") == {}


def test_both_maxima_are_set_and_watched_at_three_quarters(stack: Stack, vpc: ec2.Vpc) -> None:
    cache = ServerlessCache(stack, "Prices", vpc=vpc, maximum_data_storage=20, maximum_ecpu_per_second=5000)
    found = the(stack, CACHE)
    assert found["CacheUsageLimits"] == {
        "DataStorage": {"Maximum": 20, "Unit": "GB"},
        "ECPUPerSecond": {"Maximum": 5000},
    }
    storage, processing = properties(cache.storage_alarm), properties(cache.processing_alarm)
    assert (storage["Threshold"], processing["Threshold"]) == (75, 75)
    assert storage["Metrics"][0]["Expression"] == "100 * used / (20 * 1000000000)"
    assert processing["Metrics"][0]["Expression"] == "100 * used / (5000 * 60)"
    assert metrics(storage) == {"BytesUsedForCache": "Maximum"}
    assert metrics(processing) == {"ElastiCacheProcessingUnits": "Sum"}


def metrics(alarm: dict[str, Any]) -> dict[str, str]:
    return {
        each["MetricStat"]["Metric"]["MetricName"]: each["MetricStat"]["Stat"]
        for each in alarm["Metrics"]
        if "MetricStat" in each
    }


def test_throttled_and_refused_requests_alarm(stack: Stack, vpc: ec2.Vpc) -> None:
    """Serverless caches publish metrics under `clusterId`, with a small letter, and under nothing else."""
    cache = ServerlessCache(stack, "Prices", vpc=vpc)
    name = the(stack, CACHE)["ServerlessCacheName"]
    throttles, refusals = properties(cache.throttles_alarm), properties(cache.refusals_alarm)
    dimensions = [{"Name": "clusterId", "Value": name}]
    assert (throttles["MetricName"], throttles["Dimensions"]) == ("ThrottledCmds", dimensions)
    assert set(metrics(refusals)) == {
        "AuthenticationFailures",
        "KeyAuthorizationFailures",
        "CommandAuthorizationFailures",
    }
    assert refusals["Metrics"][0]["Expression"] == "FILL(logins, 0) + FILL(keys, 0) + FILL(commands, 0)"
    for alarm in (throttles, refusals):
        assert alarm["Threshold"] == 0
        assert alarm["AlarmActions"] == [{"Ref": logical_id(cache.alarm_topic)}]


@pytest.mark.parametrize(("removal_policy", "deletion"), [(None, "Delete"), (RemovalPolicy.RETAIN, "Retain")])
def test_it_goes_with_its_stack_unless_retained(
    stack: Stack, vpc: ec2.Vpc, removal_policy: RemovalPolicy | None, deletion: str
) -> None:
    ServerlessCache(stack, "Prices", vpc=vpc, removal_policy=removal_policy)
    found = template(stack)["Resources"][the_id(stack, CACHE)]
    assert (found["DeletionPolicy"], found["UpdateReplacePolicy"]) == (deletion, deletion)


@pytest.mark.parametrize("policy", [RemovalPolicy.RETAIN, RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE])
def test_what_a_retained_cache_uses_is_retained_too(
    stack: Stack, vpc: ec2.Vpc, policy: RemovalPolicy
) -> None:
    """AWS deletes no user group and no security group that is in use, so the stack could not be deleted."""
    cache = ServerlessCache(stack, "Prices", vpc=vpc, removal_policy=policy)
    resources = template(stack)["Resources"]
    kept = resources[the_id(stack, CACHE)]["DeletionPolicy"]
    for around in (the_id(stack, GROUP), logical_id(cache.security_group)):
        assert resources[around]["DeletionPolicy"] == kept


def test_without_snapshots_the_limit_is_0_and_not_what_it_was_before(stack: Stack, vpc: ec2.Vpc) -> None:
    """ElastiCache keeps a limit that an update leaves out."""
    ServerlessCache(stack, "Prices", vpc=vpc)
    assert the(stack, CACHE)["SnapshotRetentionLimit"] == 0


# --- its name --------------------------------------------------------------------------------------------


def name_of(stack: Stack, **arguments: Any) -> str:
    ServerlessCache(stack, "Prices", **arguments)
    found: str = the(stack, CACHE)["ServerlessCacheName"]
    return found


def test_the_name_is_one_that_elasticache_keeps_as_it_is(app: App) -> None:
    """In lower case, at most 40 characters: the name is signed, and names the metrics."""
    stack = Stack(Stage(app, "A-Stage-With-A-Long-Name"), "Stack", env=HOME)
    name = name_of(stack, vpc=ec2.Vpc(stack, "Vpc", max_azs=2, nat_gateways=0))
    assert re.fullmatch("a-stage-with-a-long-name-stac-[0-9a-f]{10}", name)
    assert len(name) == 40


@pytest.mark.parametrize(
    ("arguments", "is_same"),
    [
        ({}, True),
        ({"maximum_data_storage": 5}, True),
        ({"snapshot_retention_limit": 3}, True),
        ({"major_engine_version": "9"}, True),
        ({"encryption_key": True}, False),
        ({"vpc_subnets": ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)}, False),
    ],
)
def test_the_name_follows_what_replaces_the_cache(arguments: dict[str, Any], is_same: bool) -> None:
    names = []
    for given in ({}, arguments):
        stack = Stack(App(analytics_reporting=False), "Stack", env=HOME)
        vpc = ec2.Vpc(stack, "Vpc", max_azs=2, nat_gateways=1)
        key = kms.Key(stack, "Key")
        names.append(
            name_of(
                stack, vpc=vpc, **{name: key if value is True else value for name, value in given.items()}
            )
        )
    assert (names[0] == names[1]) is is_same


# --- functions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_alias", [True, False])
def test_a_function_has_a_user_of_its_own_keys(stack: Stack, vpc: ec2.Vpc, by_alias: bool) -> None:
    cache = ServerlessCache(stack, "Prices", vpc=vpc)
    quote = function(stack, "Quote", vpc=vpc)
    cache.connect(live(quote) if by_alias else quote, key_prefix="price:", commands=["+@scripting"])
    user = the(stack, USER)
    assert user["UserId"] == user["UserName"] == user["UserName"].lower()
    assert user["AuthenticationMode"] == {"Type": "iam"}
    assert user["AccessString"] == (
        "on ~price:* -@all +@read +@write +@connection +@transaction +cluster +@scripting -@admin -@dangerous"
    )
    assert the(stack, GROUP)["UserIds"] == [{"Ref": the_id(stack, USER)}]


def test_a_function_may_connect_as_its_user_and_knows_where(stack: Stack, vpc: ec2.Vpc) -> None:
    cache = ServerlessCache(stack, "Prices", vpc=vpc)
    quote, other = (function(stack, name, vpc=vpc) for name in ("Quote", "Other"))
    for each in (quote, other):
        cache.connect(each)
    variables = properties(quote)["Environment"]["Variables"]
    made = the_id(stack, CACHE)
    user = variables["CACHE_USER"]["Ref"]
    assert variables == {
        "CACHE_HOST": {"Fn::GetAtt": [made, "Endpoint.Address"]},
        "CACHE_PORT": {"Fn::GetAtt": [made, "Endpoint.Port"]},
        "CACHE_NAME": {"Ref": made},
        "CACHE_USER": {"Ref": user},
    }
    found = [each["Resource"] for each in statements(quote.role) if each["Action"] == "elasticache:Connect"]
    assert found == [{"Fn::GetAtt": [made, "ARN"]}, {"Fn::GetAtt": [user, "Arn"]}]
    assert properties(other)["Environment"]["Variables"]["CACHE_USER"] != {"Ref": user}
    assert len(the(stack, GROUP)["UserIds"]) == 2


def test_the_way_is_open_on_both_sides(stack: Stack, vpc: ec2.Vpc) -> None:
    cache = ServerlessCache(stack, "Prices", vpc=vpc)
    closed = ec2.SecurityGroup(stack, "Closed", vpc=vpc, allow_all_outbound=False)
    cache.connect(function(stack, "Quote", vpc=vpc, security_groups=[closed]))
    ours, theirs = ({"Fn::GetAtt": [logical_id(each), "GroupId"]} for each in (cache.security_group, closed))
    rule = the(stack, "AWS::EC2::SecurityGroupIngress")
    assert (rule["GroupId"], rule["SourceSecurityGroupId"]) == (ours, theirs)
    back = the(stack, "AWS::EC2::SecurityGroupEgress")
    assert (back["GroupId"], back["DestinationSecurityGroupId"]) == (theirs, ours)
    for each in (rule, back):
        assert (each["FromPort"], each["ToPort"]) == (6379, 6380)


def test_a_function_waits_until_its_user_is_in_the_group(stack: Stack, vpc: ec2.Vpc) -> None:
    """The cache refers to the group, and the group to its users."""
    quote = function(stack, "Quote", vpc=vpc)
    ServerlessCache(stack, "Prices", vpc=vpc).connect(quote)
    assert the_id(stack, CACHE) in template(stack)["Resources"][logical_id(quote)]["DependsOn"]


def test_a_new_cache_is_a_new_version_of_its_functions() -> None:
    """The text of the function's template is the same."""
    versions = []
    for with_key in (False, True):
        stack = Stack(App(analytics_reporting=False), "Stack", env=HOME)
        vpc = ec2.Vpc(stack, "Vpc", max_azs=2, nat_gateways=0)
        key = kms.Key(stack, "Key") if with_key else None
        quote = function(stack, "Quote", vpc=vpc)
        ServerlessCache(stack, "Prices", vpc=vpc, encryption_key=key).connect(quote)
        versions.append(logical_id(quote.current_version))
    assert versions[0] != versions[1]


def test_a_function_may_be_in_another_stack(app: App, stack: Stack, vpc: ec2.Vpc) -> None:
    cache = ServerlessCache(stack, "Prices", vpc=vpc)
    theirs = Stack(app, "Theirs", env=HOME)
    cache.connect(function(theirs, "Quote", vpc=vpc))
    app.synth()
    assert [each.stack_name for each in theirs.dependencies] == ["Stack"]
    assert stack.dependencies == []


def test_the_role_of_a_function_may_be_in_another_stack(app: App, stack: Stack, vpc: ec2.Vpc) -> None:
    """In the role's own policy, its stack would need the cache, whose stack needs the role for the function."""
    theirs = Stack(app, "Theirs", env=HOME)
    quote = with_role(stack, a_role(theirs), vpc)
    ServerlessCache(stack, "Prices", vpc=vpc).connect(quote)
    app.synth()
    assert theirs.dependencies == []
    policies = of_type(stack, "AWS::IAM::Policy").values()
    allowed = [
        each
        for policy in policies
        for each in policy["PolicyDocument"]["Statement"]
        if each["Action"] == "elasticache:Connect"
    ]
    assert len(allowed) == 2


def test_the_owner_of_an_imported_role_is_told(stack: Stack, vpc: ec2.Vpc) -> None:
    theirs = iam.Role.from_role_arn(stack, "Role", f"arn:aws:iam::{'1' * 12}:role/theirs", mutable=False)
    quote = with_role(stack, theirs, vpc)
    ServerlessCache(stack, "Prices", vpc=vpc).connect(quote)
    told = [str(entry.data) for entry in quote.node.metadata if entry.type == "aws:cdk:info"]
    assert len([each for each in told if "elasticache:Connect" in each]) == 2


def a_role(stack: Stack) -> iam.Role:
    return iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))


def with_role(stack: Stack, role: iam.IRole, vpc: ec2.Vpc) -> lambda_.Function:
    return lambda_.Function(
        stack,
        "Quote",
        code=lambda_.Code.from_inline("def handle(event, context): ..."),
        handler="index.handle",
        runtime=lambda_.Runtime.PYTHON_3_13,
        role=role,
        vpc=vpc,
    )


def test_two_caches_of_a_function_have_two_prefixes(stack: Stack, vpc: ec2.Vpc) -> None:
    quote = function(stack, "Quote", vpc=vpc)
    ServerlessCache(stack, "Prices", vpc=vpc).connect(quote)
    ServerlessCache(stack, "Sessions", vpc=vpc).connect(quote, environment_prefix="SESSIONS")
    variables = properties(quote)["Environment"]["Variables"]
    assert variables["CACHE_NAME"] != variables["SESSIONS_NAME"]


def test_a_bastion_can_be_let_in(stack: Stack, vpc: ec2.Vpc) -> None:
    cache = ServerlessCache(stack, "Prices", vpc=vpc)
    cache.connections.allow_default_port_from_any_ipv4()
    (rule,) = properties(cache.security_group)["SecurityGroupIngress"]
    assert rule["FromPort"] == 6379


# --- what is refused -------------------------------------------------------------------------------------


def imported(stack: Stack) -> Any:
    return lambda_.Function.from_function_name(stack, "Theirs", "theirs")


def of_another_region(stack: Stack) -> Any:
    there = Stack(Stage.of(stack), "There", env=Environment(account="1" * 12, region="eu-west-1"))
    return function(there, "Ship")


def of_another_vpc(stack: Stack) -> Any:
    return function(stack, vpc=ec2.Vpc(stack, "Other", max_azs=2, nat_gateways=0))


REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "imported": (imported, {}, "function Stack/Theirs is imported"),
    "a version": (lambda stack: function(stack).current_version, {}, "is a version, and the environment"),
    "elsewhere": (of_another_region, {}, "function must be in Region us-east-1"),
    "outside of the VPC": (
        function,
        {},
        "must be in the VPC of the cache to reach it, and is in none. Give it vpc= of this cache",
    ),
    "in another VPC": (of_another_vpc, {}, "must be in the VPC of the cache"),
    "not a function": (lambda stack: "ship", {}, "function must be a function, version or alias"),
    "no name of a variable": (None, {"environment_prefix": "1ST"}, "environment_prefix must be a letter"),
    "a pattern": (None, {"key_prefix": "price*"}, "key_prefix must be text without spaces and without"),
    "another rule": (None, {"key_prefix": "a ~b"}, "key_prefix must be text without spaces and without"),
    "a prefix that is not text": (None, {"key_prefix": 1}, "key_prefix must be text"),
    "one command": (None, {"commands": "+get"}, "commands must be a list"),
    "a command without its sign": (
        None,
        {"commands": ["eval"]},
        "commands must be rules that allow a command",
    ),
    "two rules in one": (None, {"commands": ["+get ~*"]}, "commands must be rules that allow a command"),
    "everything": (None, {"commands": ["+@all"]}, "commands must be rules that allow a command"),
    "administration": (None, {"commands": ["+@admin"]}, "commands must be rules that allow a command"),
}


@pytest.mark.parametrize(("make", "more", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_connected(
    stack: Stack, vpc: ec2.Vpc, make: Any, more: dict[str, Any], message: str
) -> None:
    cache = ServerlessCache(stack, "Prices", vpc=vpc)
    refused = function(stack, "Quote", vpc=vpc) if make is None else make(stack)
    with pytest.raises(InvalidPropsError, match=message):
        cache.connect(refused, **more)
    assert not cache.user_group.user_ids


def test_a_function_is_connected_once(stack: Stack, vpc: ec2.Vpc) -> None:
    cache = ServerlessCache(stack, "Prices", vpc=vpc)
    quote = function(stack, "Quote", vpc=vpc)
    cache.connect(quote)
    with pytest.raises(InvalidPropsError, match="is connected to Stack/Prices already, by connect"):
        cache.connect(live(quote))
    with pytest.raises(
        InvalidPropsError, match="is connected to Stack/Prices already: a function has one user"
    ):
        cache.connect(quote, environment_prefix="OTHER")
    assert set(properties(quote)["Environment"]["Variables"]) == {
        f"CACHE_{name}" for name in ("HOST", "PORT", "NAME", "USER")
    }


def test_a_function_in_the_stack_of_the_vpc_is_refused(app: App, stack: Stack) -> None:
    network = Stack(app, "Network", env=HOME)
    vpc = ec2.Vpc(network, "Vpc", max_azs=2, nat_gateways=0)
    cache = ServerlessCache(stack, "Prices", vpc=vpc)
    with pytest.raises(InvalidPropsError, match="which Stack/Prices uses as vpc"):
        cache.connect(function(network, "Quote", vpc=vpc))
