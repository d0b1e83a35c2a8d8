"""What a deployment does to a database that is there: what is replaced, what is kept, who is told."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import (
    Annotations,
    App,
    Duration,
    Environment,
    NestedStack,
    PermissionsBoundary,
    RemovalPolicy,
    Stack,
    Stage,
    triggers,
)
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds
from constructs import Construct

from constructs_lib import InvalidPropsError, ProxiedDatabase
from tests.gallery.database import (
    AURORA_MYSQL,
    AURORA_POSTGRES,
    MYSQL,
    POSTGRES,
    database,
    imported_instance,
    imported_vpc,
)
from tests.gallery.plain_function import function
from tests.template import logical_id, of_type, properties, resource, template, warnings

HERE = Environment(account="123456789012", region="us-east-1")
ZONES = [f"us-east-1{zone}" for zone in "abc"]
BOUNDARY = "@aws-cdk/core:permissionsBoundary"
UNBOUNDED = "constructs-lib:rotation-without-boundary"


@pytest.fixture
def somewhere(app: App) -> Callable[..., Stack]:
    """Stacks of an app that knows the zones of its account."""
    app.node.set_context("availability-zones:account=123456789012:region=us-east-1", ZONES)
    return lambda name="Rides", **more: Stack(app, name, env=HERE, **more)


@pytest.fixture
def anew(tmp_path: Path) -> Callable[[], Stack]:
    """Return a function that creates the same stack in a new app each time, as at the next synth."""

    def made() -> Stack:
        app = App(analytics_reporting=False, outdir=str(tmp_path / "cdk.out"))
        app.node.set_context("availability-zones:account=123456789012:region=us-east-1", ZONES)
        return Stack(app, "Rides", env=HERE)

    return made


def proxy_name(stack: Stack, made: ProxiedDatabase) -> str:
    return str(properties(made.proxy)["DBProxyName"])


def references(value: Any) -> Iterator[str]:
    """The logical ids that a part of a template names."""
    if isinstance(value, dict):
        if "Ref" in value:
            yield value["Ref"]
        if "Fn::GetAtt" in value:
            yield value["Fn::GetAtt"][0]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from references(each)


# --- names ----------------------------------------------------------------------------------------------

WHAT_RDS_TAKES = re.compile(r"[a-z](-?[a-z0-9]){0,62}")


@pytest.mark.parametrize(
    ("above", "stack_id", "construct_id"),
    [
        (None, "Rides", "Database"),
        ("1st", "Rides", "2nd"),
        (None, "Rides", "Ünïcode--_--Database-"),
        ("Production", "R" + "ides" * 25, "D" + "atabase" * 30),
        (None, "Rides", "-"),
    ],
)
@pytest.mark.parametrize("engine", [POSTGRES, AURORA_MYSQL])
def test_names_are_such_as_rds_keeps(
    app: App, above: str | None, stack_id: str, construct_id: str, engine: Any
) -> None:
    stack = Stack(Construct(app, above) if above else app, stack_id, stack_name="rides" if above else None)
    readers = 0 if engine is POSTGRES else 1
    made = database(stack, construct_id, engine=engine, readers=readers)
    names = [
        proxy_name(stack, made),
        *(each["DBProxyEndpointName"] for each in of_type(stack, "AWS::RDS::DBProxyEndpoint").values()),
    ]
    assert len(names) == 1 + readers
    for name in names:
        assert WHAT_RDS_TAKES.fullmatch(name), name
        assert len(name) <= 63


def test_each_database_of_an_account_has_names_of_its_own(app: App) -> None:
    """This includes the same stack under another name, and two ids that differ only in case."""
    one = Stack(app, "One", stack_name="rides-of-a-branch")
    made = [
        database(one),
        database(one, "DATABASE"),
        database(one, "Data-Base"),
        database(Stack(app, "Two")),
        database(NestedStack(one, "Nested")),
    ]
    other = App(analytics_reporting=False)
    made.append(database(Stack(other, "One", stack_name="rides-of-another-branch")))
    names = [
        Stack.of(each).resolve(each.proxy.node.default_child.db_proxy_name)  # type: ignore[union-attr]
        for each in made
    ]
    assert len(set(names)) == len(names), names


def test_a_name_stays_until_something_replaces_the_proxy(anew: Callable[[], Stack]) -> None:
    def name(**arguments: Any) -> str:
        stack = anew()
        return proxy_name(stack, database(stack, **arguments))

    same = {
        name(),
        name(max_connections_percent=50, borrow_timeout=Duration.seconds(3)),
        name(multi_az=False),
    }
    assert len(same) == 1
    others = {name(max_azs=3), name(engine=MYSQL), name(availability_zones=ZONES)} - same
    assert others == {name(max_azs=3), name(engine=MYSQL)}, "three zones are three zones"


def test_the_reader_endpoint_is_replaced_with_the_proxy(anew: Callable[[], Stack]) -> None:
    names = set()
    for zones in (2, 3):
        stack = anew()
        made = database(stack, engine=AURORA_POSTGRES, readers=1, max_azs=zones)
        (endpoint,) = of_type(stack, "AWS::RDS::DBProxyEndpoint").values()
        assert endpoint["DBProxyEndpointName"] == f"{proxy_name(stack, made)}-reader"
        names.add(endpoint["DBProxyEndpointName"])
    assert len(names) == 2


@pytest.mark.parametrize("kind", ["instance", "cluster"])
def test_alarms_of_an_imported_database_look_at_its_name_in_lower_case(stack: Stack, kind: str) -> None:
    """RDS keeps the name in lower case, and CloudWatch's dimensions have it so."""
    group = ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-0123456789abcdef0")
    theirs = (
        imported_instance(stack, instance_identifier="Trips")
        if kind == "instance"
        else rds.DatabaseCluster.from_database_cluster_attributes(
            stack,
            "Cluster",
            cluster_identifier="Trips",
            cluster_endpoint_address="trips.cluster-abc.us-east-1.rds.amazonaws.com",
            port=5432,
            engine=AURORA_POSTGRES,
            security_groups=[group],
        )
    )
    made = ProxiedDatabase(stack, "Database", database=theirs, vpc=imported_vpc(stack), database_name="trips")
    (name, *_) = properties(made.database_cpu_alarm)["Dimensions"]
    assert name["Value"] == "trips"


# --- whoever is connected -------------------------------------------------------------------------------


def version_of(stack: Stack, part: Any) -> str:
    return str(stack.resolve(part.current_version.node.default_child.logical_id))


@pytest.mark.parametrize("by_properties", [False, True])
def test_a_replaced_proxy_renews_the_versions_of_functions(
    anew: Callable[[], Stack], by_properties: bool
) -> None:
    """The text of the template says the same of both, and CDK makes a version for changed text alone.

    Without a new version, the alias goes on with the address of a proxy that is deleted.
    """
    versions = []
    for zones in (2, 2, 3):
        stack = anew()
        stack.node.set_context("@aws-cdk/aws-lambda:recognizeVersionProps", by_properties)
        made = database(stack, max_azs=zones)
        subnets = ec2.SubnetSelection(subnets=made.vpc.isolated_subnets[:2])
        client = function(stack, vpc=made.vpc, vpc_subnets=subnets, reserved_concurrent_executions=1)
        made.connect(client)
        client.current_version  # noqa: B018 - there is one
        template(stack)
        versions.append(version_of(stack, client))
    assert versions[0] == versions[1] != versions[2]


def test_functions_turn_to_a_proxy_that_has_reached_its_database(stack: Stack) -> None:
    """The target group is made when its targets are healthy; the proxy itself is made before."""
    made = database(stack)
    client = function(stack, vpc=made.vpc, reserved_concurrent_executions=1)
    made.connect(client)
    client.current_version  # noqa: B018 - there is one
    (target_group,) = of_type(stack, "AWS::RDS::DBProxyTargetGroup")
    assert target_group in resource(client)["DependsOn"]


def test_the_right_to_log_in_outlives_the_old_proxy_as_long_as_the_old_versions_do(
    anew: Callable[[], Stack],
) -> None:
    """A policy of its own that is named after the proxy: CloudFormation deletes the old one at the very end."""
    found = []
    for zones in (2, 3):
        stack = anew()
        made = database(stack, max_azs=zones)
        client = function(stack, vpc=made.vpc, reserved_concurrent_executions=1)
        made.connect(client)
        (policy,) = [
            (name, policy)
            for name, policy in of_type(stack, "AWS::IAM::Policy").items()
            if "rds-db:connect" in str(policy["PolicyDocument"])
        ]
        assert policy[0] in resource(client)["DependsOn"], "the function starts with it"
        found.append((policy[0], policy[1]["PolicyName"]))
    assert found[0][0] != found[1][0]
    assert found[0][1] != found[1][1]


CHANGES: dict[str, tuple[dict[str, Any], bool]] = {
    "another snapshot": ({"snapshot_identifier": "before"}, True),
    "another name of the database": ({"database_name": "trips"}, True),
    "another master": ({"master_user": "owner"}, True),
    "another user": ({"application_user": "writer"}, True),
    "another port": ({"port": 6543}, True),
    "longer backups": ({"backup_retention": Duration.days(30)}, False),
    "no standby": ({"multi_az": False}, False),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_migration_runs_again_on_a_new_database_and_for_a_new_password(
    anew: Callable[[], Stack], change: str
) -> None:
    """A trigger runs a function when it has a new version."""
    arguments, again = CHANGES[change]
    called = []
    for given in ({}, arguments):
        stack = anew()
        made = database(stack, **given)
        migrate = function(stack, vpc=made.vpc, reserved_concurrent_executions=1)
        made.connect_administrator(migrate)
        triggers.Trigger(stack, "Migration", handler=migrate)
        (trigger,) = of_type(stack, "Custom::Trigger").values()
        called.append(json.dumps(trigger["HandlerArn"]))
    assert (called[0] != called[1]) == again


def test_a_key_of_yours_is_part_of_what_the_migration_is_for(anew: Callable[[], Stack]) -> None:
    versions = set()
    for encrypted in (False, True):
        stack = anew()
        made = database(stack, encryption_key=kms.Key(stack, "Key") if encrypted else None)
        migrate = function(stack, vpc=made.vpc, reserved_concurrent_executions=1)
        made.connect_administrator(migrate)
        migrate.current_version  # noqa: B018 - there is one
        template(stack)
        versions.add(version_of(stack, migrate))
    assert len(versions) == 2


# --- data -----------------------------------------------------------------------------------------------

ENGINES = {"postgres": POSTGRES, "aurora-mysql": AURORA_MYSQL}
KEEPING = {
    RemovalPolicy.RETAIN: "Retain",
    RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE: "RetainExceptOnCreate",
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("policy", "replaced"),
    [(None, "Retain"), (RemovalPolicy.RETAIN, "Retain"), (RemovalPolicy.DESTROY, "Delete")],
)
def test_a_replaced_database_is_kept_unless_it_may_be_destroyed(
    stack: Stack, engine: str, policy: RemovalPolicy | None, replaced: str
) -> None:
    made = database(stack, engine=ENGINES[engine], removal_policy=policy)
    assert resource(made.instance or made.cluster)["UpdateReplacePolicy"] == replaced


@pytest.mark.parametrize("nat_gateways", [0, 1])
@pytest.mark.parametrize("policy", KEEPING)
@pytest.mark.parametrize("engine", ENGINES)
def test_what_a_retained_database_stands_in_is_retained_too(
    stack: Stack, engine: str, policy: RemovalPolicy, nat_gateways: int
) -> None:
    """AWS deletes nothing that is in use: the stack could never be deleted."""
    made = database(stack, engine=ENGINES[engine], removal_policy=policy, nat_gateways=nat_gateways)
    resources = template(stack)["Resources"]
    todo = [logical_id(made.instance or made.cluster)]
    reached: dict[str, str] = {}
    while todo:
        name = todo.pop()
        if name in reached or name not in resources:
            continue
        reached[name] = resources[name].get("DeletionPolicy", "Delete")
        todo += references(resources[name].get("Properties", {}))
    kinds = {resources[name]["Type"] for name in reached}
    assert {
        "AWS::RDS::DBSubnetGroup",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::Subnet",
        "AWS::EC2::VPC",
    } <= kinds
    assert any("ParameterGroup" in kind for kind in kinds)
    assert set(reached.values()) == {KEEPING[policy]}, reached
    # And nothing else is left behind, but the password.
    kept = {
        name
        for name, resource in resources.items()
        if resource.get("DeletionPolicy") == KEEPING[policy] and resource["Type"] != "AWS::RDS::DBInstance"
    }
    secrets = set(of_type(stack, "AWS::SecretsManager::Secret"))
    assert kept - secrets == {each for each in reached if resources[each]["Type"] != "AWS::RDS::DBInstance"}


def test_nothing_is_retained_with_a_deleted_database(stack: Stack) -> None:
    database(stack)
    policies = {
        resource["Type"]: resource["DeletionPolicy"]
        for resource in template(stack)["Resources"].values()
        if "DeletionPolicy" in resource
    }
    assert "Retain" not in policies.values(), policies


def test_a_snapshot_brings_its_own_storage(stack: Stack) -> None:
    """RDS refuses to restore into less than the snapshot has, and CDK would ask for 100 GiB."""
    made = database(stack, snapshot_identifier="before")
    restored = properties(made.instance)
    assert not {"AllocatedStorage", "MaxAllocatedStorage"} & set(restored)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"allocated_storage": 500}, ("500", 1000)),
        ({"max_allocated_storage": 800}, (None, 800)),
        ({"allocated_storage": 500, "max_allocated_storage": 800}, ("500", 800)),
    ],
)
def test_storage_of_a_restored_instance_can_be_given(
    stack: Stack, given: dict[str, Any], expected: tuple[str | None, int]
) -> None:
    made = database(stack, snapshot_identifier="before", **given)
    restored = properties(made.instance)
    assert (restored.get("AllocatedStorage"), restored["MaxAllocatedStorage"]) == expected


@pytest.mark.parametrize("snapshot", [None, "before"])
def test_a_major_version_is_upgraded_where_it_may_be(stack: Stack, snapshot: str | None) -> None:
    for allowed in (False, True):
        database(
            stack, f"Allowed{allowed}", allow_major_version_upgrade=allowed, snapshot_identifier=snapshot
        )
    found = {
        name.partition("Instance")[0]: instance.get("AllowMajorVersionUpgrade")
        for name, instance in of_type(stack, "AWS::RDS::DBInstance").items()
    }
    assert found == {"AllowedFalse": None, "AllowedTrue": True}


@pytest.mark.parametrize("snapshot", [None, "before"])
@pytest.mark.parametrize("engine", ENGINES)
def test_extended_support_is_a_choice(stack: Stack, engine: str, snapshot: str | None) -> None:
    """Nothing is set by default: CloudFormation refuses a change of it, from nothing too."""
    given: dict[str, Any] = {"engine": ENGINES[engine], "snapshot_identifier": snapshot}
    plain = database(stack, "Plain", **given)
    without = database(
        stack,
        "Without",
        engine_lifecycle_support=rds.EngineLifecycleSupport.OPEN_SOURCE_RDS_EXTENDED_SUPPORT_DISABLED,
        **given,
    )
    key = "EngineLifecycleSupport"
    assert key not in properties(plain.instance or plain.cluster)
    resource = properties(without.instance or without.cluster)
    assert resource[key] == "open-source-rds-extended-support-disabled"


# --- the network ----------------------------------------------------------------------------------------


def test_zones_can_be_chosen(somewhere: Callable[..., Stack]) -> None:
    stack = somewhere()
    made = database(stack, availability_zones=["us-east-1c", "us-east-1a"], nat_gateways=2)
    zones = [each["AvailabilityZone"] for each in of_type(stack, "AWS::EC2::Subnet").values()]
    assert sorted(zones) == ["us-east-1a"] * 3 + ["us-east-1c"] * 3
    assert made.vpc.availability_zones == ["us-east-1c", "us-east-1a"]


@pytest.mark.parametrize("environment", [None, HERE], ids=["agnostic", "not looked up yet"])
def test_zones_are_accepted_where_cdk_does_not_know_the_account(
    app: App, environment: Environment | None
) -> None:
    database(Stack(app, "Rides", env=environment), availability_zones=["us-east-1c", "us-east-1f"])


def test_zones_of_another_region_are_refused_before_anything_is_made(somewhere: Callable[..., Stack]) -> None:
    stack = somewhere()
    with pytest.raises(
        InvalidPropsError,
        match=r"must be zones of the stack's Region \(us-east-1a, us-east-1b, us-east-1c\), got eu-west-1a\.",
    ):
        database(stack, availability_zones=["us-east-1a", "eu-west-1a"])
    assert stack.node.try_find_child("Database") is None


@pytest.mark.parametrize(("zones", "told"), [(None, False), (2, False), (3, True)])
def test_a_warning_lists_zones_that_do_not_exist(stack: Stack, zones: int | None, told: bool) -> None:
    """An environment-agnostic stack knows two."""
    made = database(stack, max_azs=zones, nat_gateways=zones)
    found = [each for each in warnings(stack) if "max_azs is 3, but the VPC gets 2 zones" in each]
    assert len(found) == told
    assert len(made.vpc.isolated_subnets) == 2


def test_the_flow_logs_role_is_for_this_account_alone(stack: Stack) -> None:
    database(stack)
    (log,) = of_type(stack, "AWS::EC2::FlowLog").values()
    role = template(stack)["Resources"][log["DeliverLogsPermissionArn"]["Fn::GetAtt"][0]]["Properties"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


@pytest.mark.parametrize("where", ["no other subnets", "chosen", "private ones"])
def test_public_subnets_are_warned_of(stack: Stack, where: str) -> None:
    public_alone = [ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC)]
    vpc = ec2.Vpc(
        stack,
        "Mine",
        max_azs=2,
        nat_gateways=0 if where == "no other subnets" else 1,
        subnet_configuration=public_alone if where == "no other subnets" else None,
    )
    chosen = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC) if where == "chosen" else None
    made = database(stack, vpc=vpc, vpc_subnets=chosen)
    found = [each for each in warnings(stack) if "are in public subnets of vpc Stack/Mine" in each]
    assert len(found) == (0 if where == "private ones" else 1)
    Annotations.of(made).acknowledge_warning("constructs-lib:public-subnets", "It is meant.")
    assert not [each for each in warnings(stack) if "public subnets" in each]


def test_the_policy_of_an_endpoint_is_yours_to_write(stack: Stack) -> None:
    made = database(stack)
    endpoint = made.interface_endpoints["secretsmanager"]
    endpoint.add_to_policy(
        iam.PolicyStatement(
            principals=[iam.AnyPrincipal()],
            actions=["*"],
            resources=["*"],
            conditions={"StringEquals": {"aws:PrincipalAccount": stack.account}},
        )
    )
    (statement,) = properties(endpoint)["PolicyDocument"]["Statement"]
    assert statement["Condition"] == {"StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}}


# --- stacks ---------------------------------------------------------------------------------------------


def in_the_network(app: App, **arguments: Any) -> tuple[Stack, ec2.Vpc, ec2.SecurityGroup]:
    network = Stack(app, "Network")
    vpc = ec2.Vpc(network, "Vpc", max_azs=2, nat_gateways=0, restrict_default_security_group=False)
    return network, vpc, ec2.SecurityGroup(network, "Group", vpc=vpc, **arguments)


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("where", ["Data", "Code", "Network"])
def test_a_group_of_the_networks_stack_can_be_used(app: App, where: str, closed: bool) -> None:
    """Rules between it and the proxy must not lie there: that stack would depend on the database's."""
    network, vpc, group = in_the_network(app, allow_all_outbound=not closed)
    data = network if where == "Network" else Stack(app, "Data")
    code = {"Data": data, "Code": Stack(app, "Code"), "Network": data}[where]
    made = database(data, vpc=vpc, interface_endpoints=["secretsmanager"])
    client = function(code, vpc=vpc, security_groups=[group], reserved_concurrent_executions=1)
    made.connect(client)
    app.synth()
    ways_in = of_type(data, "AWS::EC2::SecurityGroupIngress").values()
    proxy = data.resolve(made.security_group.security_group_id)
    assert len([rule for rule in ways_in if rule["GroupId"] == proxy]) == 1
    ways_out = of_type(data, "AWS::EC2::SecurityGroupEgress").values()
    assert len([rule for rule in ways_out if rule.get("DestinationSecurityGroupId") == proxy]) == closed


@pytest.mark.parametrize("closed", [False, True])
def test_functions_that_share_a_group_share_its_rules(app: App, closed: bool) -> None:
    """EC2 refuses the same rule a second time."""
    _, vpc, group = in_the_network(app, allow_all_outbound=not closed)
    data = Stack(app, "Data")
    made = database(data, vpc=vpc, interface_endpoints=["secretsmanager"])
    stacks = [Stack(app, name) for name in ("One", "Two")]
    for stack in stacks:
        for number in range(2):
            made.connect(
                function(stack, f"Function{number}", vpc=vpc, security_groups=[group]),
            )
    app.synth()
    rules = [
        rule
        for stack in (data, *stacks)
        for kind in ("Ingress", "Egress")
        for rule in of_type(stack, f"AWS::EC2::SecurityGroup{kind}").values()
        if rule["Description"] == "RDS Proxy"
    ]
    assert len(rules) == 1 + closed


@pytest.mark.parametrize("part", ["vpc", "encryption_key"])
def test_a_function_in_a_stack_that_the_database_needs_is_refused(app: App, part: str) -> None:
    """Each stack would wait for the other."""
    first, data = Stack(app, "First"), Stack(app, "Data")
    given: Any = (
        ec2.Vpc(first, "Vpc", max_azs=2, nat_gateways=0) if part == "vpc" else kms.Key(first, "Encryption")
    )
    made = database(data, interface_endpoints=["secretsmanager"], **{part: given})
    client = function(first, vpc=made.vpc)
    with pytest.raises(
        InvalidPropsError,
        match=rf"^function First/Function cannot connect to Data/Database: it is in the stack of First/\w+, which "
        rf"Data/Database uses as {part}",
    ):
        made.connect(client)
    resource = client.node.default_child
    assert isinstance(resource, lambda_.CfnFunction)
    assert not first.resolve(resource.environment)


def test_a_function_in_an_imported_vpc_is_connected(app: App) -> None:
    first, data = Stack(app, "First"), Stack(app, "Data")
    vpc = imported_vpc(first)
    made = database(data, vpc=vpc, interface_endpoints=["secretsmanager"])
    made.connect(function(first, vpc=vpc, reserved_concurrent_executions=1))
    app.synth()


def test_a_nested_database_is_connected_from_its_parent(app: App) -> None:
    parent = Stack(app, "Parent")
    vpc = ec2.Vpc(parent, "Vpc", max_azs=2, nat_gateways=0, restrict_default_security_group=False)
    made = database(NestedStack(parent, "Data"), vpc=vpc, interface_endpoints=["secretsmanager"])
    made.connect(function(parent, vpc=vpc, reserved_concurrent_executions=1))
    app.synth()


# --- the rotation ---------------------------------------------------------------------------------------


def test_the_rotation_of_a_database_of_yours_never_tries_without_tls(stack: Stack) -> None:
    """AWS's function tries without TLS what failed with it, unless its secret says so; a server of ours refuses."""
    theirs = ProxiedDatabase(
        stack,
        "OfTheirs",
        database=imported_instance(stack),
        vpc=imported_vpc(stack),
        database_name="trips",
        interface_endpoints=["secretsmanager"],
    )
    ours = database(stack)
    found = {made: properties(made.application_secret)["GenerateSecretString"] for made in (theirs, ours)}
    assert json.loads(found[theirs]["SecretStringTemplate"])["ssl"] is True
    # A new key in the template of a secret makes a new password, which the server does not know.
    assert '"ssl"' not in json.dumps(found[ours])


def boundary_by_context(app: App) -> None:
    app.node.set_context(BOUNDARY, {"name": "of-the-organization"})


def boundary_by_aspect(app: App) -> None:
    (stack,) = (child for child in app.node.children if isinstance(child, Stack))
    policy = iam.ManagedPolicy.from_managed_policy_name(stack, "Boundary", "theirs")
    iam.PermissionsBoundary.of(app).apply(policy)


@pytest.mark.parametrize(
    ("set_boundary", "arguments", "told"),
    [
        (boundary_by_context, {}, True),
        (boundary_by_aspect, {}, True),
        (None, {}, False),
        (boundary_by_context, {"authentication": "end-to-end-iam"}, False),
        (boundary_by_aspect, {"authentication": "end-to-end-iam"}, False),
    ],
    ids=["context", "aspect", "none", "context, nothing rotated", "aspect, nothing rotated"],
)
def test_a_rotation_without_the_boundary_of_the_others_is_warned_of(
    app: App, set_boundary: Callable[[App], None] | None, arguments: dict[str, Any], told: bool
) -> None:
    if set_boundary is boundary_by_context:
        boundary_by_context(app)
    stack = Stack(app, "Rides")
    made = database(stack, **arguments)
    if set_boundary is boundary_by_aspect:
        boundary_by_aspect(app)
    roles = of_type(stack, "AWS::IAM::Role")
    assert all(("PermissionsBoundary" in role) == (set_boundary is not None) for role in roles.values())
    assert not [name for name in roles if "RotationRole" in name]
    found = [each for each in warnings(stack) if "have a permissions boundary" in each]
    assert len(found) == told
    Annotations.of(made).acknowledge_warning(UNBOUNDED, "Nobody asks for one.")
    assert not [each for each in warnings(stack) if "have a permissions boundary" in each]


def test_a_boundary_of_a_stage_is_seen(app: App) -> None:
    stage = Stage(app, "Production", permissions_boundary=PermissionsBoundary.from_name("theirs"))
    stack = Stack(stage, "Rides")
    database(stack)
    template(stack)
    assert len([each for each in warnings(stack) if "have a permissions boundary" in each]) == 1


# --- time -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timeout", "borrow_timeout", "told"),
    [(5, 60, True), (10, None, True), (30, None, False), (30, 30, True), (61, 60, False)],
)
def test_a_function_that_is_stopped_while_it_waits_is_warned_of(
    stack: Stack, timeout: int, borrow_timeout: int | None, told: bool
) -> None:
    made = database(stack, borrow_timeout=Duration.seconds(borrow_timeout) if borrow_timeout else None)
    made.connect(
        function(stack, vpc=made.vpc, timeout=Duration.seconds(timeout), reserved_concurrent_executions=1)
    )
    text = f"Function Stack/Function is stopped after {timeout} seconds, and waits for a connection up to "
    found = [each for each in warnings(stack) if text in each]
    assert len(found) == told
