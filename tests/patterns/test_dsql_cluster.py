"""What an Aurora DSQL cluster has, and what it gives to functions and migrations."""

import json
from functools import partial
from typing import Any

import pytest
from aws_cdk import App, Environment, NestedStack, RemovalPolicy, Stack, Stage
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_

from constructs_lib import DsqlCluster, InvalidPropsError, ProxiedDatabase
from tests.gallery.database import proxied_database
from tests.gallery.parts import live
from tests.gallery.plain_function import function
from tests.template import granted, logical_id, of_type, properties, template

HOME = Environment(account="1" * 12, region="us-east-1")


@pytest.fixture
def app() -> App:
    return App(analytics_reporting=False)


@pytest.fixture
def stack(app: App) -> Stack:
    return Stack(app, "Stack", env=HOME)


def variables(of: lambda_.Function) -> Any:
    return properties(of)["Environment"]["Variables"]


def attribute(orders: DsqlCluster, name: str) -> Any:
    return {"Fn::GetAtt": [orders.cluster.stack.resolve(orders.cluster.logical_id), name]}


def cluster(orders: DsqlCluster) -> Any:
    stack = orders.cluster.stack
    return template(stack)["Resources"][stack.resolve(orders.cluster.logical_id)]


# --- the cluster -----------------------------------------------------------------------------------------


def test_it_survives_mistakes(stack: Stack) -> None:
    found = cluster(DsqlCluster(stack, "Orders"))
    assert found["Properties"]["DeletionProtectionEnabled"] is True
    assert (found["DeletionPolicy"], found["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_it_can_be_deleted_with_its_stack(stack: Stack) -> None:
    found = cluster(DsqlCluster(stack, "Orders", removal_policy=RemovalPolicy.DESTROY))
    assert found["Properties"]["DeletionProtectionEnabled"] is False
    assert (found["DeletionPolicy"], found["UpdateReplacePolicy"]) == ("Delete", "Delete")


def test_without_a_key_it_has_that_of_aurora_dsql_and_not_the_one_before(stack: Stack) -> None:
    """An update that leaves the key out changes nothing."""
    assert cluster(DsqlCluster(stack, "Orders"))["Properties"]["KmsEncryptionKey"] == "AWS_OWNED_KMS_KEY"


def test_the_service_may_use_the_key_for_clusters_of_this_account(stack: Stack) -> None:
    key = kms.Key(stack, "Key")
    orders = DsqlCluster(stack, "Orders", encryption_key=key)
    assert cluster(orders)["Properties"]["KmsEncryptionKey"] == {"Fn::GetAtt": [logical_id(key), "Arn"]}
    clusters = {
        "Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":dsql:us-east-1:111111111111:cluster/*"]]
    }
    ours = [
        (statement["Action"], statement["Condition"])
        for statement in properties(key)["KeyPolicy"]["Statement"]
        if statement["Principal"] == {"Service": "dsql.amazonaws.com"}
    ]
    with_key = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
    context = {"kms:EncryptionContext:aws:dsql:ClusterId": "*"}
    assert ours == [
        (with_key, {"StringLike": {"aws:SourceArn": clusters, **context}}),
        ("kms:DescribeKey", {"StringLike": {"aws:SourceArn": clusters}}),
    ]


def test_alarms_on_timeouts_and_conflicts(stack: Stack) -> None:
    orders = DsqlCluster(stack, "Orders")
    of_cluster = [{"Name": "ClusterId", "Value": attribute(orders, "Identifier")}]
    timeouts = properties(orders.timeouts_alarm)
    assert (timeouts["Namespace"], timeouts["MetricName"]) == ("AWS/AuroraDSQL", "QueryTimeouts")
    assert (timeouts["Dimensions"], timeouts["Threshold"]) == (of_cluster, 0)
    conflicts = properties(orders.conflicts_alarm)
    assert conflicts["Threshold"] == 10
    assert conflicts["Metrics"][0]["Expression"] == "IF(conflicts >= 10, 100 * conflicts / transactions, 0)"
    metrics = [each["MetricStat"]["Metric"] for each in conflicts["Metrics"][1:]]
    assert {each["MetricName"] for each in metrics} == {"OccConflicts", "TotalTransactions"}
    assert all(each["Dimensions"] == of_cluster for each in metrics)
    for alarm in (timeouts, conflicts):
        assert alarm["AlarmActions"] == [{"Ref": logical_id(orders.alarm_topic)}]


# --- functions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_alias", [True, False])
def test_a_function_may_connect_and_no_more(stack: Stack, by_alias: bool) -> None:
    orders = DsqlCluster(stack, "Orders")
    place = function(stack, "Place")
    orders.connect(live(place) if by_alias else place)
    assert granted(place.role, attribute(orders, "ResourceArn")) == {"dsql:DbConnect"}
    assert variables(place) == {
        "DATABASE_HOST": attribute(orders, "Endpoint"),
        "DATABASE_PORT": "5432",
        "DATABASE_NAME": "postgres",
        "DATABASE_USER": "app",
        "DATABASE_SERVICE": "dsql",
    }


def test_a_migration_knows_the_roles_of_all_functions(stack: Stack) -> None:
    orders = DsqlCluster(stack, "Orders")
    place, report, refund, migrate = (
        function(stack, name) for name in ("Place", "Report", "Refund", "Migrate")
    )
    orders.connect(place)
    orders.connect(report, database_role="reports")
    orders.connect_administrator(migrate, environment_prefix="SHOP")
    orders.connect(refund)
    assert granted(migrate.role, attribute(orders, "ResourceArn")) == {"dsql:DbConnectAdmin"}
    assert variables(migrate)["SHOP_USER"] == "admin"
    assert roles(migrate, "SHOP_ROLES") == {
        "app": [arn_of(place), arn_of(refund)],
        "reports": [arn_of(report)],
    }


def arn_of(of: lambda_.Function) -> str:
    return f"<{logical_id(of.role)}>"


def roles(of: lambda_.Function, name: str) -> Any:
    """The value of a variable, with ARNs as the name of their resource."""
    value = variables(of)[name]
    parts = value["Fn::Join"][1] if isinstance(value, dict) else [value]
    return json.loads(
        "".join(f"<{each['Fn::GetAtt'][0]}>" if isinstance(each, dict) else each for each in parts)
    )


def test_functions_that_share_a_role_are_linked_once(stack: Stack) -> None:
    orders = DsqlCluster(stack, "Orders")
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    migrate = function(stack, "Migrate")
    orders.connect_administrator(migrate)
    for name in ("Place", "Refund"):
        orders.connect(
            lambda_.Function(
                stack,
                name,
                runtime=lambda_.Runtime.PYTHON_3_13,
                handler="app.handle",
                code=lambda_.Code.from_inline("x"),
                role=role,
            )
        )
    assert roles(migrate, "DATABASE_ROLES") == {"app": [f"<{logical_id(role)}>"]}


def test_the_role_of_a_function_may_be_in_another_stack(app: App, stack: Stack) -> None:
    """In the role's own policy, its stack would need the cluster, whose stack needs the role for the function."""
    theirs = Stack(app, "Theirs", env=HOME)
    role = iam.Role(theirs, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    orders = DsqlCluster(stack, "Orders")
    orders.connect(with_role(stack, role))
    app.synth()
    assert theirs.dependencies == []
    (policy,) = of_type(stack, "AWS::IAM::Policy").values()
    (allowed,) = policy["PolicyDocument"]["Statement"]
    assert (allowed["Action"], allowed["Resource"]) == ("dsql:DbConnect", attribute(orders, "ResourceArn"))


def test_the_owner_of_an_imported_role_is_told(stack: Stack) -> None:
    theirs = iam.Role.from_role_arn(stack, "Role", f"arn:aws:iam::{'1' * 12}:role/theirs", mutable=False)
    place = with_role(stack, theirs)
    DsqlCluster(stack, "Orders").connect(place)
    (told,) = (str(entry.data) for entry in place.node.metadata if entry.type == "aws:cdk:info")
    assert "dsql:DbConnect" in told


def with_role(stack: Stack, role: iam.IRole) -> lambda_.Function:
    return lambda_.Function(
        stack,
        "Place",
        code=lambda_.Code.from_inline("def handle(event, context): ..."),
        handler="index.handle",
        runtime=lambda_.Runtime.PYTHON_3_13,
        role=role,
    )


def test_a_new_function_publishes_a_version_of_the_migration(app: App) -> None:
    """The trigger runs the migration again, which links the new role."""
    versions = []
    for count in (1, 2):
        stack = Stack(app, f"Stack{count}", env=HOME)
        orders = DsqlCluster(stack, "Orders")
        migrate = function(stack, "Migrate")
        orders.connect_administrator(migrate)
        version = migrate.current_version
        for number in range(count):
            orders.connect(function(stack, f"Place{number}"))
        versions.append(logical_id(version))
    assert versions[0] != versions[1]


def test_without_functions_there_are_no_roles(stack: Stack) -> None:
    migrate = function(stack, "Migrate")
    DsqlCluster(stack, "Orders").connect_administrator(migrate)
    assert roles(migrate, "DATABASE_ROLES") == {}


# --- other stacks ----------------------------------------------------------------------------------------


def test_functions_and_their_migration_may_be_in_another_stack(app: App, stack: Stack) -> None:
    orders = DsqlCluster(stack, "Orders")
    theirs = Stack(app, "Theirs", env=HOME)
    place, migrate = function(theirs, "Place"), function(theirs, "Migrate")
    orders.connect(place)
    orders.connect_administrator(migrate)
    app.synth()
    assert [each.stack_name for each in theirs.dependencies] == ["Stack"]
    assert stack.dependencies == []
    assert roles(migrate, "DATABASE_ROLES") == {"app": [arn_of(place)]}


@pytest.mark.parametrize("migration_first", [True, False])
def test_a_migration_next_to_the_cluster_cannot_know_roles_elsewhere(
    app: App, stack: Stack, migration_first: bool
) -> None:
    orders = DsqlCluster(stack, "Orders")
    migrate, place = function(stack, "Migrate"), function(Stack(app, "Theirs", env=HOME), "Place")
    connect, administer = partial(orders.connect, place), partial(orders.connect_administrator, migrate)
    first, second = (administer, connect) if migration_first else (connect, administer)
    first()
    with pytest.raises(
        InvalidPropsError,
        match=r"the migration Stack/Migrate cannot be in the stack of Stack/Orders: it needs the role Theirs/Place",
    ):
        second()
    app.synth()


def test_nested_stacks_do_not_depend_on_each_other_either(stack: Stack) -> None:
    """CloudFormation deploys each as a whole, and CDK does not look for cycles between them."""
    data, code = NestedStack(stack, "Data"), NestedStack(stack, "Code")
    orders = DsqlCluster(data, "Orders", encryption_key=kms.Key(code, "Key"))
    with pytest.raises(InvalidPropsError, match="which Stack/Data/Orders uses as encryption_key"):
        orders.connect(function(code, "Place"))
    refunds = DsqlCluster(data, "Refunds")
    refunds.connect_administrator(function(data, "Migrate"))
    with pytest.raises(InvalidPropsError, match="the migration Stack/Data/Migrate cannot be in the stack of"):
        refunds.connect(function(code, "Refund"))


def test_a_nested_stack_may_use_what_is_beside_it(stack: Stack) -> None:
    code = NestedStack(stack, "Code")
    orders = DsqlCluster(stack, "Orders", encryption_key=kms.Key(stack, "Key"))
    migrate = function(stack, "Migrate")
    orders.connect_administrator(migrate)
    place = function(code, "Place")
    orders.connect(place)
    assert "app" in variables(migrate)["DATABASE_ROLES"]["Fn::Join"][1][0]


# --- a VPC -----------------------------------------------------------------------------------------------


def endpoint(stack: Stack, vpc: ec2.IVpc, name: str, **more: Any) -> ec2.InterfaceVpcEndpoint:
    arguments = {"private_dns_enabled": True, "open": False} | more
    service = ec2.InterfaceVpcEndpointService(name, 5432)
    return ec2.InterfaceVpcEndpoint(stack, "Endpoint", vpc=vpc, service=service, **arguments)


def test_a_function_reaches_the_endpoint_of_two_clusters(stack: Stack) -> None:
    vpc = ec2.Vpc(stack, "Vpc", max_azs=2, nat_gateways=0)
    orders, parcels = DsqlCluster(stack, "Orders"), DsqlCluster(stack, "Parcels")
    door = endpoint(stack, vpc, orders.vpc_endpoint_service_name)
    place = function(stack, "Place", vpc=vpc)
    orders.connect(place, vpc_endpoint=door)
    parcels.connect(place, vpc_endpoint=door, environment_prefix="PARCELS")
    assert variables(place)["DATABASE_HOST"] == attribute(orders, "VpcEndpoint")
    assert variables(place)["PARCELS_HOST"] == attribute(parcels, "VpcEndpoint")
    group = {"Fn::GetAtt": [logical_id(door.connections.security_groups[0]), "GroupId"]}
    of_function = {"Fn::GetAtt": [logical_id(place.connections.security_groups[0]), "GroupId"]}
    (rule,) = of_type(stack, "AWS::EC2::SecurityGroupIngress").values()
    assert (rule["GroupId"], rule["SourceSecurityGroupId"]) == (group, of_function)
    assert (rule["FromPort"], rule["ToPort"]) == (5432, 5432)


def outside(stack: Stack) -> tuple[Any, Any, str]:
    door = endpoint(stack, ec2.Vpc(stack, "Vpc"), "com.amazonaws.us-east-1.dsql-fnh4")
    return function(stack), door, "vpc_endpoint requires a function in a VPC, and Stack/Function is in none"


def without_names(stack: Stack) -> tuple[Any, Any, str]:
    vpc = ec2.Vpc(stack, "Vpc")
    door = endpoint(stack, vpc, "com.amazonaws.us-east-1.dsql-fnh4", private_dns_enabled=False)
    return function(stack, vpc=vpc), door, "vpc_endpoint Stack/Endpoint must have private DNS names"


def imported_without_groups(stack: Stack) -> tuple[Any, Any, str]:
    door = ec2.InterfaceVpcEndpoint.from_interface_vpc_endpoint_attributes(
        stack, "Theirs", port=5432, vpc_endpoint_id="vpce-1"
    )
    inside = function(stack, vpc=ec2.Vpc(stack, "Vpc"))
    return inside, door, "vpc_endpoint Stack/Theirs must be imported with its security_groups"


def by_its_name(stack: Stack) -> tuple[Any, Any, str]:
    return function(stack), "vpce-1", "vpc_endpoint must be an interface VPC endpoint, got 'vpce-1'"


@pytest.mark.parametrize("make", [outside, without_names, imported_without_groups, by_its_name])
def test_an_endpoint_that_does_not_lead_there_is_refused(stack: Stack, make: Any) -> None:
    refused, door, message = make(stack)
    orders = DsqlCluster(stack, "Orders")
    with pytest.raises(InvalidPropsError, match=message):
        orders.connect(refused, vpc_endpoint=door)
    orders.connect(refused)  # nothing was left of the refused call


# --- what is refused -------------------------------------------------------------------------------------


def imported(stack: Stack) -> Any:
    return lambda_.Function.from_function_name(stack, "Theirs", "theirs")


def of_another_region(stack: Stack) -> Any:
    there = Stack(Stage.of(stack), "There", env=Environment(account="1" * 12, region="eu-west-1"))
    return function(there, "Ship")


REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "imported": (imported, {}, "function Stack/Theirs is imported"),
    "a version": (lambda stack: function(stack).current_version, {}, "is a version, and the environment"),
    "elsewhere": (of_another_region, {}, "function must be in Region us-east-1"),
    "not a function": (lambda stack: "ship", {}, "function must be a function, version or alias"),
    "no name of a variable": (function, {"environment_prefix": "1ST"}, "environment_prefix must be a letter"),
    "no name of a role": (function, {"database_role": "App"}, "database_role must be 1 to 63 small letters"),
    "a role of PostgreSQL": (
        function,
        {"database_role": "pg_read_all_data"},
        "database_role must be 1 to 63",
    ),
    "the administrator": (function, {"database_role": "admin"}, "database_role must not be 'admin'"),
}


@pytest.mark.parametrize(("make", "more", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_connected(stack: Stack, make: Any, more: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidPropsError, match=message):
        DsqlCluster(stack, "Orders").connect(make(stack), **more)


def test_a_function_is_an_application_or_a_migration(stack: Stack) -> None:
    orders, place = DsqlCluster(stack, "Orders"), function(stack, "Place")
    alias = live(place)
    orders.connect(place)
    with pytest.raises(InvalidPropsError, match="cannot have connect_administrator too"):
        orders.connect_administrator(alias, environment_prefix="OTHER")
    with pytest.raises(InvalidPropsError, match="is connected to Stack/Orders already, by connect"):
        orders.connect(alias)


def test_two_databases_of_a_function_need_two_prefixes(stack: Stack) -> None:
    proxied_database(stack)
    (database,) = (each for each in stack.node.find_all() if isinstance(each, ProxiedDatabase))
    place = function(stack, "Place", vpc=database.vpc, reserved_concurrent_executions=1)
    database.connect(place)
    with pytest.raises(
        InvalidPropsError, match="environment_prefix must differ between the databases and caches"
    ):
        DsqlCluster(stack, "Orders").connect(place)


def test_a_function_in_the_stack_of_the_key_is_refused(app: App, stack: Stack) -> None:
    keys = Stack(app, "Keys", env=HOME)
    orders = DsqlCluster(stack, "Orders", encryption_key=kms.Key(keys, "Key"))
    with pytest.raises(InvalidPropsError, match="which Stack/Orders uses as encryption_key"):
        orders.connect(function(keys, "Place"))
