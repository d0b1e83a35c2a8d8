"""The promises of ProxiedDatabase, one test each; none rests on a snapshot."""

import json
from typing import Any

import pytest
from aws_cdk import App, Duration, Environment, RemovalPolicy, Stack, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns

from constructs_lib import InvalidPropsError, ProxiedDatabase
from tests.gallery.database import (
    AURORA_MYSQL,
    AURORA_POSTGRES,
    MYSQL,
    POSTGRES,
    database,
    imported_instance,
    imported_vpc,
    secret_arn,
)
from tests.gallery.plain_function import function
from tests.template import logical_id, of_type, properties, resource, statements, template, warnings

ACCOUNT = "123456789012"
HERE = Environment(account=ACCOUNT, region="us-east-1")

ENGINES = {
    "postgres": POSTGRES,
    "mysql": MYSQL,
    "aurora-postgres": AURORA_POSTGRES,
    "aurora-mysql": AURORA_MYSQL,
}


def server(made: ProxiedDatabase) -> dict[str, Any]:
    """The instance or the cluster, as the template has it."""
    return resource(made.cluster or made.instance)


def security_group_of(stack: Stack, part: Any) -> dict[str, Any]:
    """The one security group of a part, as rules refer to it."""
    (group,) = part.connections.security_groups
    reference: dict[str, Any] = stack.resolve(group.security_group_id)
    return reference


def ways_in(stack: Stack) -> set[tuple[str, str, str]]:
    """Each rule that lets something in: to which group, from where, at which port."""
    found = set()
    for name, group in of_type(stack, "AWS::EC2::SecurityGroup").items():
        for rule in group.get("SecurityGroupIngress", []):
            found.add((name, str(rule.get("CidrIp")), str(rule["FromPort"])))
    for rule in of_type(stack, "AWS::EC2::SecurityGroupIngress").values():
        found.add((named(rule["GroupId"]), named(rule["SourceSecurityGroupId"]), port_of(rule["FromPort"])))
    return found


def named(reference: Any) -> str:
    return str(reference["Fn::GetAtt"][0] if isinstance(reference, dict) else reference)


def port_of(value: Any) -> str:
    return "its own" if isinstance(value, dict) else str(value)


def environment(part: lambda_.Function) -> dict[str, Any]:
    variables: dict[str, Any] = properties(part)["Environment"]["Variables"]
    return variables


def actions_of(part: lambda_.Function, service: str) -> list[dict[str, Any]]:
    """What a function may do in one service."""
    return [s for s in statements(part.role) if str(s["Action"]).strip("['").startswith(f"{service}:")]


def connect_arn(stack: Stack, made: ProxiedDatabase, user: str) -> dict[str, Any]:
    """`rds-db:connect` names a proxy by the last part of its ARN."""
    proxy = {"Fn::GetAtt": [logical_id(made.proxy), "DBProxyArn"]}
    start: list[Any] = ["arn:", {"Ref": "AWS::Partition"}, ":rds-db:", {"Ref": "AWS::Region"}, ":"]
    return {
        "Fn::Join": [
            "",
            [
                *start,
                {"Ref": "AWS::AccountId"},
                ":dbuser:",
                {"Fn::Select": [6, {"Fn::Split": [":", proxy]}]},
                f"/{user}",
            ],
        ]
    }


# --- the database ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_data_is_encrypted_backed_up_and_outlives_a_mistake(stack: Stack, engine: str) -> None:
    resource = server(database(stack, engine=ENGINES[engine]))
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Snapshot", "Retain")
    assert resource["Properties"]["StorageEncrypted"] is True
    assert resource["Properties"]["DeletionProtection"] is True
    assert resource["Properties"]["BackupRetentionPeriod"] == 7
    assert resource["Properties"]["EnableCloudwatchLogsExports"]


def test_an_instance_has_a_standby(stack: Stack) -> None:
    assert server(database(stack))["Properties"]["MultiAZ"] is True


def test_members_of_a_cluster_are_serverless(stack: Stack) -> None:
    made = server(database(stack, engine=AURORA_POSTGRES, readers=2))["Properties"]
    assert made["ServerlessV2ScalingConfiguration"] == {"MinCapacity": 0.5, "MaxCapacity": 4}
    members = of_type(stack, "AWS::RDS::DBInstance").values()
    assert [each["DBInstanceClass"] for each in members] == ["db.serverless"] * 3


@pytest.mark.parametrize("engine", ["postgres", "aurora-postgres"])
def test_nothing_is_public_even_in_public_subnets(stack: Stack, engine: str) -> None:
    vpc = ec2.Vpc(stack, "Mine", max_azs=2, nat_gateways=0)
    public = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)
    readers = 1 if "aurora" in engine else 0
    database(stack, engine=ENGINES[engine], readers=readers, vpc=vpc, vpc_subnets=public)
    members = of_type(stack, "AWS::RDS::DBInstance").values()
    assert [each["PubliclyAccessible"] for each in members] == [False] * (1 + readers)


@pytest.mark.parametrize("engine", ENGINES)
def test_tls_is_required_by_the_database_and_by_the_proxy(stack: Stack, engine: str) -> None:
    made = database(stack, engine=ENGINES[engine])
    resource = server(made)["Properties"]
    group = resource.get("DBParameterGroupName") or resource["DBClusterParameterGroupName"]
    parameters = template(stack)["Resources"][group["Ref"]]["Properties"]["Parameters"]
    required = {
        "mysql": ("require_secure_transport", "1"),
        "aurora-mysql": ("require_secure_transport", "ON"),
    }
    assert required.get(engine, ("rds.force_ssl", "1")) in parameters.items()
    assert properties(made.proxy)["RequireTLS"] is True


@pytest.mark.parametrize("engine", ENGINES)
def test_the_database_lets_in_its_proxy_and_the_rotation_alone(stack: Stack, engine: str) -> None:
    made = database(stack, engine=ENGINES[engine], port=6543)
    group = named(security_group_of(stack, made.instance or made.cluster))
    rotation = of_type(stack, "AWS::SecretsManager::RotationSchedule").popitem()[1]["HostedRotationLambda"]
    assert {way for way in ways_in(stack) if way[0] == group} == {
        (group, named(security_group_of(stack, made.proxy)), "its own"),
        (group, named(rotation["VpcSecurityGroupIds"]), "6543"),
    }


def test_nothing_is_open_to_the_world(stack: Stack) -> None:
    made = database(stack)
    made.connect(function(stack, vpc=made.vpc))
    assert {source for _, source, _ in ways_in(stack) if source[0].isdigit()} == {"10.0.0.0/16"}
    open_to_vpc = [group for group, source, port in ways_in(stack) if source == "10.0.0.0/16"]
    endpoint = made.interface_endpoints["secretsmanager"]
    assert open_to_vpc == [named(security_group_of(stack, endpoint))]


def test_the_master_password_is_made_and_kept_by_rds(stack: Stack) -> None:
    made = database(stack, master_user="owner")
    resource = server(made)
    assert resource["Properties"]["ManageMasterUserPassword"] is True
    assert resource["Properties"]["MasterUsername"] == "owner"
    assert "MasterUserPassword" not in resource["Properties"]
    assert made.master_secret is not None
    assert stack.resolve(made.master_secret.secret_arn) == {
        "Fn::GetAtt": [logical_id(made.instance), "MasterUserSecret.SecretArn"]
    }


@pytest.mark.parametrize("engine", ["postgres", "aurora-mysql"])
def test_a_snapshot_is_restored_with_a_password_of_rds(stack: Stack, engine: str) -> None:
    key = kms.Key(stack, "Key")
    made = database(stack, engine=ENGINES[engine], snapshot_identifier="before", encryption_key=key)
    resource = server(made)["Properties"]
    assert "before" in (resource.get("DBSnapshotIdentifier"), resource.get("SnapshotIdentifier"))
    assert resource["ManageMasterUserPassword"] is True
    assert resource["MasterUserSecret"] == {"KmsKeyId": stack.resolve(key.key_arn)}
    assert not {"DBName", "DatabaseName", "MasterUsername", "MasterUserPassword"} & set(resource)
    made.connect_administrator(function(stack, vpc=made.vpc))


def test_a_demo_can_be_destroyed(stack: Stack) -> None:
    resource = server(database(stack, removal_policy=RemovalPolicy.DESTROY))
    assert resource["DeletionPolicy"] == "Delete"
    assert resource["Properties"]["DeletionProtection"] is False


def test_what_is_retained_keeps_its_secret(stack: Stack) -> None:
    made = database(stack, removal_policy=RemovalPolicy.RETAIN)
    assert server(made)["DeletionPolicy"] == "Retain"
    assert resource(made.application_secret)["DeletionPolicy"] == "Retain"


@pytest.mark.parametrize("engine", ENGINES)
def test_queries_of_more_than_a_second_are_in_the_log(stack: Stack, engine: str) -> None:
    resource = server(database(stack, engine=ENGINES[engine]))["Properties"]
    group = resource.get("DBParameterGroupName") or resource["DBClusterParameterGroupName"]
    parameters = template(stack)["Resources"][group["Ref"]]["Properties"]["Parameters"]
    if "mysql" in engine:
        assert (parameters["slow_query_log"], parameters["long_query_time"]) == ("1", "1")
        assert "slowquery" in resource["EnableCloudwatchLogsExports"]
    else:
        assert parameters["log_min_duration_statement"] == "1000"
        assert "postgresql" in resource["EnableCloudwatchLogsExports"]


def test_max_connections_is_a_fact(stack: Stack) -> None:
    database(stack, max_connections=200)
    (group,) = of_type(stack, "AWS::RDS::DBParameterGroup").values()
    assert group["Parameters"]["max_connections"] == "200"


def test_max_connections_may_be_a_token(stack: Stack) -> None:
    database(stack, max_connections=Token.as_number({"Ref": "Number"}))
    (group,) = of_type(stack, "AWS::RDS::DBParameterGroup").values()
    assert group["Parameters"]["max_connections"] == {"Ref": "Number"}


# --- the network ----------------------------------------------------------------------------------------


def test_its_own_vpc_has_no_way_to_the_internet(app: App) -> None:
    stack = Stack(app, "Somewhere", env=Environment(account="123456789012", region="us-east-1"))
    zones = ["us-east-1a", "us-east-1b", "us-east-1c"]
    stack.node.set_context("availability-zones:account=123456789012:region=us-east-1", zones)
    made = database(stack, max_azs=3)
    kinds = {resource["Type"] for resource in template(stack)["Resources"].values()}
    assert not kinds & {
        "AWS::EC2::InternetGateway",
        "AWS::EC2::NatGateway",
        "AWS::EC2::Route",
        "AWS::EC2::EIP",
    }
    assert [each["AvailabilityZone"] for each in of_type(stack, "AWS::EC2::Subnet").values()] == zones
    assert made.vpc.availability_zones == zones


def test_aws_services_are_reached_through_endpoints(stack: Stack) -> None:
    made = database(stack, interface_endpoints=["sqs", "ecr.api"])
    endpoints = {
        each["ServiceName"]["Fn::Join"][1][-1]: each
        for each in of_type(stack, "AWS::EC2::VPCEndpoint").values()
    }
    assert {name: each["VpcEndpointType"] for name, each in endpoints.items()} == {
        ".s3": "Gateway",
        ".dynamodb": "Gateway",
        ".secretsmanager": "Interface",
        ".sqs": "Interface",
        ".ecr.api": "Interface",
    }
    assert set(made.interface_endpoints) == {"secretsmanager", "sqs", "ecr.api"}
    assert endpoints[".secretsmanager"]["PrivateDnsEnabled"] is True
    isolated = [stack.resolve(subnet.subnet_id) for subnet in made.vpc.isolated_subnets]
    assert endpoints[".secretsmanager"]["SubnetIds"] == isolated


def test_refused_traffic_is_logged_for_a_month(stack: Stack) -> None:
    made = database(stack)
    (log,) = of_type(stack, "AWS::EC2::FlowLog").values()
    assert log["ResourceId"] == stack.resolve(made.vpc.vpc_id)
    assert log["TrafficType"] == "REJECT"
    group = properties(made.flow_log_group)
    assert log["LogGroupName"] == {"Ref": logical_id(made.flow_log_group)}
    assert group["RetentionInDays"] == 30


def test_no_custom_resource_and_no_function_of_ours(stack: Stack) -> None:
    stack.node.set_context("@aws-cdk/aws-ec2:restrictDefaultSecurityGroup", True)
    database(stack)
    kinds = {resource["Type"] for resource in template(stack)["Resources"].values()}
    assert not [
        kind for kind in kinds if kind.startswith(("Custom::", "AWS::CloudFormation::", "AWS::Lambda::"))
    ]


def test_a_nat_gateway_is_a_choice_and_the_database_stays_isolated(stack: Stack) -> None:
    made = database(stack, nat_gateways=1)
    private = function(stack, vpc=made.vpc)
    assert len(of_type(stack, "AWS::EC2::NatGateway")) == 1
    (subnets,) = of_type(stack, "AWS::RDS::DBSubnetGroup").values()
    isolated = [stack.resolve(subnet.subnet_id) for subnet in made.vpc.isolated_subnets]
    assert subnets["SubnetIds"] == isolated == properties(made.proxy)["VpcSubnetIds"]
    assert properties(private)["VpcConfig"]["SubnetIds"] == [
        stack.resolve(subnet.subnet_id) for subnet in made.vpc.private_subnets
    ]


def test_a_vpc_of_yours_is_used_as_it_is(stack: Stack) -> None:
    vpc = ec2.Vpc(stack, "Mine", max_azs=2, nat_gateways=0, restrict_default_security_group=False)
    made = database(stack, vpc=vpc, interface_endpoints=["sqs"])
    assert made.vpc is vpc
    assert len(of_type(stack, "AWS::EC2::VPC")) == 1
    assert set(made.interface_endpoints) == {"sqs"}
    isolated = [stack.resolve(subnet.subnet_id) for subnet in vpc.isolated_subnets]
    assert properties(made.proxy)["VpcSubnetIds"] == isolated


@pytest.mark.parametrize("is_isolated", [True, False])
def test_the_endpoints_that_an_imported_vpc_needs_are_named(stack: Stack, is_isolated: bool) -> None:
    reachable = {
        "isolated_subnet_ids": None,
        "private_subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    }
    vpc = imported_vpc(stack, **({} if is_isolated else reachable))
    made = database(stack, vpc=vpc)
    told = [str(entry.data) for entry in made.node.metadata if entry.type == "aws:cdk:info"]
    assert len([each for each in told if "needs an endpoint of secretsmanager there" in each]) == is_isolated


def test_the_rotation_reaches_secrets_manager_and_the_database_alone(stack: Stack) -> None:
    made = database(stack)
    rotation = of_type(stack, "AWS::SecretsManager::RotationSchedule").popitem()[1]["HostedRotationLambda"]
    group = rotation["VpcSecurityGroupIds"]
    assert made.rotation_security_group is not None
    assert group == stack.resolve(made.rotation_security_group.security_group_id)
    ways_out = {
        (named(rule["DestinationSecurityGroupId"]), rule["FromPort"])
        for rule in of_type(stack, "AWS::EC2::SecurityGroupEgress").values()
        if rule["GroupId"] == group
    }
    assert ways_out == {
        (named(security_group_of(stack, made.interface_endpoints["secretsmanager"])), 443),
        (named(security_group_of(stack, made.instance)), 5432),
    }


# --- passwords ------------------------------------------------------------------------------------------


def secret_string(stack: Stack, made: ProxiedDatabase) -> dict[str, Any]:
    generated = properties(made.application_secret)["GenerateSecretString"]
    assert generated["GenerateStringKey"] == "password"
    parts = generated["SecretStringTemplate"]["Fn::Join"][1]
    text = "".join(part if isinstance(part, str) else part["Fn::GetAtt"][1] for part in parts)
    known: dict[str, Any] = json.loads(text)
    return known


@pytest.mark.parametrize("engine", ENGINES)
def test_the_users_secret_is_in_the_form_that_the_rotation_reads(stack: Stack, engine: str) -> None:
    made = database(
        stack, engine=ENGINES[engine], port=6543, database_name="trips", application_user="writer"
    )
    assert secret_string(stack, made) == {
        "engine": "mysql" if "mysql" in engine else "postgres",
        "host": "Endpoint.Address",
        "port": 6543,
        "username": "writer",
        "dbname": "trips",
    }


@pytest.mark.parametrize(
    ("engine", "kind"), [("postgres", "PostgreSQLSingleUser"), ("mysql", "MySQLSingleUser")]
)
def test_aws_rotates_the_password_but_not_before_the_user_exists(
    stack: Stack, engine: str, kind: str
) -> None:
    made = database(stack, engine=ENGINES[engine], rotation_interval=Duration.days(7))
    rotation = properties(made.rotation)
    assert rotation["SecretId"] == {"Ref": logical_id(made.application_secret)}
    assert rotation["HostedRotationLambda"]["RotationType"] == kind
    assert rotation["RotateImmediatelyOnUpdate"] is False
    assert rotation["RotationRules"] == {"ScheduleExpression": "rate(7 days)"}
    assert template(stack)["Transform"] == "AWS::SecretsManager-2024-09-16"


@pytest.mark.parametrize(
    ("interval", "rate"),
    [
        (Duration.minutes(300), "rate(5 hours)"),
        (Duration.hours(36), "rate(36 hours)"),
        (Duration.hours(48), "rate(2 days)"),
        (Duration.minutes(1440), "rate(1 day)"),
    ],
)
def test_the_rotation_interval_is_in_hours_or_days(stack: Stack, interval: Duration, rate: str) -> None:
    """It knows no other unit; CDK hands on the one that it is given."""
    rotation = properties(database(stack, rotation_interval=interval).rotation)
    assert rotation["RotationRules"] == {"ScheduleExpression": rate}


def test_two_users_take_turns_by_the_masters_hand(stack: Stack) -> None:
    made = database(stack, authentication="secret", alternating_users=True)
    assert made.master_secret is not None
    master = stack.resolve(made.master_secret.secret_arn)
    rotation = properties(made.rotation)["HostedRotationLambda"]
    assert (rotation["RotationType"], rotation["MasterSecretArn"]) == ("PostgreSQLMultiUser", master)
    assert secret_string(stack, made)["masterarn"] == "MasterUserSecret.SecretArn"
    assert "rds" in made.interface_endpoints, "the master's secret does not say where the database is"


def test_a_key_of_yours_encrypts_storage_and_secrets(stack: Stack) -> None:
    key = kms.Key(stack, "Key")
    made = database(stack, encryption_key=key)
    arn = stack.resolve(key.key_arn)
    assert server(made)["Properties"]["KmsKeyId"] == arn
    assert server(made)["Properties"]["MasterUserSecret"] == {"KmsKeyId": arn}
    assert properties(made.application_secret)["KmsKeyId"] == arn
    decrypts = [s for s in role_of_proxy(stack, made) if s["Action"] == "kms:Decrypt"]
    assert [s["Resource"] for s in decrypts] == [arn]


# --- the proxy ------------------------------------------------------------------------------------------


def role_of_proxy(stack: Stack, made: ProxiedDatabase) -> list[dict[str, Any]]:
    """What the proxy's role may do."""
    return statements(made.proxy_role)


@pytest.mark.parametrize(("authentication", "iam"), [("iam", "REQUIRED"), ("secret", "DISABLED")])
def test_the_proxy_logs_in_with_the_secrets_of_both_users(
    stack: Stack, authentication: str, iam: str
) -> None:
    made = database(stack, authentication=authentication)
    assert made.master_secret is not None
    secrets = [
        {"Ref": logical_id(made.application_secret)},
        stack.resolve(made.master_secret.secret_arn),
    ]
    assert properties(made.proxy)["Auth"] == [
        {"AuthScheme": "SECRETS", "IAMAuth": iam, "SecretArn": secret} for secret in secrets
    ]
    assert [s["Resource"] for s in role_of_proxy(stack, made)] == secrets
    assert {action for s in role_of_proxy(stack, made) for action in s["Action"]} == {
        "secretsmanager:GetSecretValue",
        "secretsmanager:DescribeSecret",
    }


@pytest.mark.parametrize("engine", ["postgres", "aurora-mysql"])
def test_end_to_end_iam_has_no_password_of_the_application(stack: Stack, engine: str) -> None:
    made = database(stack, engine=ENGINES[engine], authentication="end-to-end-iam", application_user="writer")
    assert made.application_secret is None
    assert made.rotation is None
    assert not of_type(stack, "AWS::SecretsManager::Secret")
    assert "Transform" not in template(stack)
    assert made.interface_endpoints == {}
    proxy = properties(made.proxy)
    assert proxy["DefaultAuthScheme"] == "IAM_AUTH"
    assert made.master_secret is not None
    assert [each["SecretArn"] for each in proxy["Auth"]] == [stack.resolve(made.master_secret.secret_arn)]
    assert server(made)["Properties"]["EnableIAMDatabaseAuthentication"] is True


@pytest.mark.parametrize("engine", ["postgres", "aurora-mysql"])
def test_the_proxy_may_log_in_as_the_application_end_to_end(stack: Stack, engine: str) -> None:
    """The function may connect as exactly this user of exactly this database."""
    made = database(stack, engine=ENGINES[engine], authentication="end-to-end-iam", application_user="writer")
    (connect,) = [s for s in role_of_proxy(stack, made) if s["Action"] == "rds-db:connect"]
    resource_id = "DBClusterResourceId" if made.cluster else "DbiResourceId"
    *_, database_id, user = connect["Resource"]["Fn::Join"][1]
    assert database_id == {"Fn::GetAtt": [logical_id(made.cluster or made.instance), resource_id]}
    assert user == "/writer"


def test_the_pool_is_as_set(stack: Stack) -> None:
    made = database(
        stack,
        max_connections_percent=60,
        max_idle_connections_percent=10,
        borrow_timeout=Duration.seconds(5),
        idle_client_timeout=Duration.minutes(10),
    )
    (group,) = of_type(stack, "AWS::RDS::DBProxyTargetGroup").values()
    assert group["ConnectionPoolConfigurationInfo"] == {
        "ConnectionBorrowTimeout": 5,
        "MaxConnectionsPercent": 60,
        "MaxIdleConnectionsPercent": 10,
    }
    assert properties(made.proxy)["IdleClientTimeout"] == 600


def test_two_databases_have_two_proxies(app: App) -> None:
    made = [database(Stack(app, name)) for name in ("One", "Two")]
    one, two = (properties(each.proxy)["DBProxyName"] for each in made)
    assert one != two


def test_each_database_has_the_same_addresses(stack: Stack) -> None:
    other = Stack(stack, "Other")
    blocks = []
    for home in (stack, other):
        ProxiedDatabase(home, "Database", engine=POSTGRES)
    for home in (stack, other):
        subnets = of_type(home, "AWS::EC2::Subnet").values()
        blocks.append([subnet["CidrBlock"] for subnet in subnets])
    assert blocks[0] == blocks[1]


def test_others_can_be_let_in(stack: Stack) -> None:
    """It is an IConnectable, also for JavaScript."""
    made = database(stack, port=6543)
    bastion = ec2.SecurityGroup(stack, "Bastion", vpc=made.vpc, allow_all_outbound=False)
    ec2.Connections(security_groups=[bastion]).allow_to_default_port(made)
    way = (
        named(security_group_of(stack, made.proxy)),
        named(stack.resolve(bastion.security_group_id)),
        "5432",
    )
    assert way in ways_in(stack)


# --- functions ------------------------------------------------------------------------------------------


def test_a_function_logs_in_with_a_token_for_one_user(stack: Stack) -> None:
    made = database(stack, database_name="trips", application_user="writer")
    client = function(stack, vpc=made.vpc)
    made.connect(client)
    proxy = logical_id(made.proxy)
    assert environment(client) == {
        "DATABASE_HOST": {"Fn::GetAtt": [proxy, "Endpoint"]},
        "DATABASE_PORT": "5432",
        "DATABASE_NAME": "trips",
        "DATABASE_USER": "writer",
    }
    (connect,) = actions_of(client, "rds-db")
    assert (connect["Action"], connect["Resource"]) == ("rds-db:connect", connect_arn(stack, made, "writer"))
    assert actions_of(client, "secretsmanager") == []


def test_a_function_reads_one_secret_with_its_key(stack: Stack) -> None:
    made = database(stack, authentication="secret", encryption_key=kms.Key(stack, "Key"))
    client = function(stack, vpc=made.vpc)
    made.connect(client)
    secret = {"Ref": logical_id(made.application_secret)}
    assert environment(client)["DATABASE_SECRET_ARN"] == secret
    assert "DATABASE_USER" not in environment(client)
    (read,) = actions_of(client, "secretsmanager")
    assert (read["Action"], read["Resource"]) == ("secretsmanager:GetSecretValue", secret)
    (decrypt,) = actions_of(client, "kms")
    assert decrypt["Action"] == "kms:Decrypt"
    assert decrypt["Resource"] == properties(made.application_secret)["KmsKeyId"]
    assert "kms:ViaService" in decrypt["Condition"]["StringEquals"]
    assert actions_of(client, "rds-db") == []


@pytest.mark.parametrize("closed", [False, True])
def test_the_way_to_the_proxy_is_open_on_both_sides(stack: Stack, closed: bool) -> None:
    """The port is that of every proxy, whatever the port of the database is."""
    made = database(stack, engine=MYSQL, port=6543)
    group = ec2.SecurityGroup(stack, "Group", vpc=made.vpc, allow_all_outbound=not closed)
    client = function(stack, vpc=made.vpc, security_groups=[group])
    made.connect(client)
    mine, proxy = stack.resolve(group.security_group_id), security_group_of(stack, made.proxy)
    assert (named(proxy), named(mine), "3306") in ways_in(stack)
    out = [
        rule
        for rule in of_type(stack, "AWS::EC2::SecurityGroupEgress").values()
        if (rule["GroupId"], rule["DestinationSecurityGroupId"]) == (mine, proxy)
    ]
    assert [rule["FromPort"] for rule in out] == ([3306] if closed else [])
    assert environment(client)["DATABASE_PORT"] == "3306"


def test_connecting_warns_of_nothing_by_itself(stack: Stack) -> None:
    made = database(stack, max_connections=100)
    made.connect(function(stack, vpc=made.vpc, reserved_concurrent_executions=90))
    assert warnings(stack) == []


def test_an_alias_is_connected_by_its_function(stack: Stack) -> None:
    made = database(stack)
    client = function(stack, vpc=made.vpc)
    live = lambda_.Alias(stack, "Live", alias_name="live", version=client.current_version)
    made.connect(live)
    assert environment(client)["DATABASE_USER"] == "app"
    assert len(actions_of(client, "rds-db")) == 1


@pytest.mark.parametrize("authentication", ["iam", "end-to-end-iam", "secret"])
def test_the_administrator_makes_the_applications_user(stack: Stack, authentication: str) -> None:
    made = database(stack, authentication=authentication, master_user="owner", application_user="writer")
    migration = function(stack, vpc=made.vpc)
    made.connect_administrator(migration)
    assert made.master_secret is not None
    master = stack.resolve(made.master_secret.secret_arn)
    variables = environment(migration)
    assert variables["DATABASE_APPLICATION_USER"] == "writer"
    readable = [s["Resource"] for s in actions_of(migration, "secretsmanager")]
    users = [s["Resource"] for s in actions_of(migration, "rds-db")]
    if authentication == "secret":
        assert variables["DATABASE_SECRET_ARN"] == master
        assert "DATABASE_USER" not in variables
        assert users == []
        assert master in readable
    else:
        assert variables["DATABASE_USER"] == "owner"
        assert users == [connect_arn(stack, made, "owner")]
        assert master not in readable
    if authentication == "end-to-end-iam":
        assert "DATABASE_APPLICATION_SECRET_ARN" not in variables
        assert readable == []
    else:
        application = {"Ref": logical_id(made.application_secret)}
        assert variables["DATABASE_APPLICATION_SECRET_ARN"] == application
        assert application in readable


def test_readers_have_an_endpoint_of_the_proxy(stack: Stack) -> None:
    made = database(stack, engine=AURORA_POSTGRES, readers=1)
    client = function(stack, vpc=made.vpc)
    made.connect(client, reader=True)
    endpoint = properties(made.reader_endpoint)
    assert endpoint["TargetRole"] == "READ_ONLY"
    assert endpoint["DBProxyName"] == {"Ref": logical_id(made.proxy)}
    assert endpoint["VpcSecurityGroupIds"] == [security_group_of(stack, made.proxy)]
    host = {"Fn::GetAtt": [logical_id(made.reader_endpoint), "Endpoint"]}
    assert environment(client)["DATABASE_READER_HOST"] == host


def test_a_function_has_two_databases_under_two_prefixes(stack: Stack) -> None:
    trips = database(stack)
    drivers = database(stack, "Drivers", vpc=trips.vpc)
    client = function(stack, vpc=trips.vpc)
    trips.connect(client)
    with pytest.raises(InvalidPropsError, match=r"environment_prefix must differ .* got 'DATABASE' twice"):
        drivers.connect_administrator(client)
    drivers.connect(client, environment_prefix="DRIVERS")
    assert {"DATABASE_HOST", "DRIVERS_HOST"} <= set(environment(client))
    assert len(actions_of(client, "rds-db")) == 2


@pytest.mark.parametrize("kind", ["connect", "connect_administrator"])
def test_a_function_is_connected_once(stack: Stack, kind: str) -> None:
    """The function and its alias are one."""
    made = database(stack)
    client = function(stack, vpc=made.vpc)
    live = lambda_.Alias(stack, "Live", alias_name="live", version=client.current_version)
    getattr(made, kind)(client)
    for again in (client, live):
        with pytest.raises(
            InvalidPropsError,
            match=rf"^function Stack/Function is connected to Stack/Database already, by {kind} .*: leave the second",
        ):
            getattr(made, kind)(again)
    getattr(made, kind)(live, environment_prefix="SAME")
    assert environment(client)["SAME_HOST"] == environment(client)["DATABASE_HOST"]


@pytest.mark.parametrize("prefix", ["DATABASE", "ADMINISTRATOR"])
@pytest.mark.parametrize(
    ("first", "second"), [("connect", "connect_administrator"), ("connect_administrator", "connect")]
)
def test_a_function_is_a_migration_or_an_application(
    stack: Stack, first: str, second: str, prefix: str
) -> None:
    """No handler has the master user's rights beside its own."""
    made = database(stack)
    client = function(stack, vpc=made.vpc)
    getattr(made, first)(client)
    with pytest.raises(
        InvalidPropsError,
        match=rf"Stack/Function is connected to Stack/Database already, by {first}, and cannot have {second} too",
    ):
        getattr(made, second)(client, environment_prefix=prefix)
    assert "ADMINISTRATOR_HOST" not in environment(client)
    assert len(actions_of(client, "rds-db")) == 1


def test_a_prefix_must_begin_a_variable(stack: Stack) -> None:
    made = database(stack)
    with pytest.raises(InvalidPropsError, match="environment_prefix must be a letter and then"):
        made.connect(function(stack, vpc=made.vpc), environment_prefix="1ST")


def test_functions_may_be_in_another_stack(app: App) -> None:
    """Rules and permissions lie there, and the database's stack knows nothing of it: no cycle."""
    keys, data, code = (Stack(app, name) for name in ("Keys", "Data", "Code"))
    made = database(data, authentication="secret", encryption_key=kms.Key(keys, "Key"))
    made.connect(function(code, vpc=made.vpc))
    made.connect_administrator(function(code, "Migrate", vpc=made.vpc))
    app.synth()
    assert len(of_type(code, "AWS::EC2::SecurityGroupIngress")) == 2
    assert data not in keys.dependencies
    assert code not in data.dependencies


def test_a_function_outside_of_any_vpc_is_refused(stack: Stack) -> None:
    made = database(stack)
    with pytest.raises(
        InvalidPropsError, match=r"Stack/Function must be in the VPC .* is in none. Give it vpc="
    ):
        made.connect(function(stack))


@pytest.mark.parametrize("theirs", ["own", "imported"])
def test_a_function_in_another_vpc_is_refused(stack: Stack, theirs: str) -> None:
    made = database(stack)
    vpc = imported_vpc(stack) if theirs == "imported" else ec2.Vpc(stack, "Other", max_azs=2)
    with pytest.raises(InvalidPropsError, match=r"Stack/Function must be in the VPC .* is in another one"):
        made.connect(function(stack, vpc=vpc))


def test_an_imported_function_is_refused(stack: Stack) -> None:
    made = database(stack)
    theirs = lambda_.Function.from_function_name(stack, "Theirs", "theirs")
    with pytest.raises(
        InvalidPropsError, match=r"function Stack/Theirs is imported: .* in the app that makes"
    ):
        made.connect(theirs)


def test_a_version_is_refused(stack: Stack) -> None:
    made = database(stack)
    version = function(stack, vpc=made.vpc).current_version
    with pytest.raises(
        InvalidPropsError, match=r"is a version, .* Connect the function itself, or the alias"
    ):
        made.connect(version)


def test_readers_that_are_not_there_are_refused(stack: Stack) -> None:
    made = database(stack, engine=AURORA_POSTGRES)
    with pytest.raises(
        InvalidPropsError, match="reader=True requires a reader endpoint, and Stack/Database has none"
    ):
        made.connect(function(stack, vpc=made.vpc), reader=True)


def test_what_is_refused_changes_nothing(stack: Stack) -> None:
    made = database(stack)
    client = function(stack, vpc=imported_vpc(stack))
    with pytest.raises(InvalidPropsError):
        made.connect(client)
    assert "Environment" not in properties(client)
    assert actions_of(client, "rds-db") == []


def test_unbounded_concurrency_is_warned_of(stack: Stack) -> None:
    made = database(stack)
    made.connect(function(stack, vpc=made.vpc))
    (warning,) = warnings(stack)
    assert "Function Stack/Function has no reserved concurrency" in warning


def test_more_concurrency_than_connections_is_warned_of(stack: Stack) -> None:
    made = database(stack, max_connections=100, max_connections_percent=50)
    made.connect(function(stack, "One", vpc=made.vpc, reserved_concurrent_executions=30))
    made.connect(function(stack, "Two", vpc=made.vpc, reserved_concurrent_executions=21))
    (warning,) = warnings(stack)
    assert "can run 51 at a time (Stack/Two: 21), and the proxy has 50 connections" in warning


def test_a_function_counts_once_into_the_budget(stack: Stack) -> None:
    made = database(stack, max_connections=100, max_connections_percent=50)
    client = function(stack, vpc=made.vpc, reserved_concurrent_executions=50)
    made.connect(client)
    made.connect(client, environment_prefix="AGAIN")
    assert warnings(stack) == []


# --- a database that exists -----------------------------------------------------------------------------


def existing(stack: Stack, **arguments: Any) -> ProxiedDatabase:
    given: dict[str, Any] = {"vpc": imported_vpc(stack), "database_name": "trips"} | arguments
    if "database" not in given:
        given["database"] = imported_instance(stack)
    return ProxiedDatabase(stack, "Database", **given)


def test_a_proxy_stands_before_an_imported_instance(stack: Stack) -> None:
    made = existing(stack)
    assert not of_type(stack, "AWS::RDS::DBInstance")
    (group,) = of_type(stack, "AWS::RDS::DBProxyTargetGroup").values()
    assert group["DBInstanceIdentifiers"] == ["trips"]
    proxy = named(security_group_of(stack, made.proxy))
    assert ("sg-0123456789abcdef0", proxy, "6543") in ways_in(stack)
    secret = properties(made.application_secret)["GenerateSecretString"]
    known = json.loads(secret["SecretStringTemplate"])
    assert (known["engine"], made.port) == ("postgres", 5432)
    assert (known["host"], known["port"]) == ("trips.abc.us-east-1.rds.amazonaws.com", 6543)


def test_an_instance_of_this_app_brings_its_vpc_and_its_master(stack: Stack) -> None:
    vpc = ec2.Vpc(stack, "Mine", max_azs=2, nat_gateways=0, restrict_default_security_group=False)
    mine = rds.DatabaseInstance(
        stack,
        "Instance",
        engine=MYSQL,
        vpc=vpc,
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
        port=6543,
    )
    made = ProxiedDatabase(stack, "Database", database=mine, database_name="trips")
    assert made.vpc is vpc
    assert made.master_secret is not None
    assert made.master_secret.node.path == "Stack/Instance/Secret/Attachment"
    assert properties(made.proxy)["EngineFamily"] == "MYSQL"


def test_a_user_that_exists_keeps_its_secret_and_its_rotation(stack: Stack) -> None:
    secret = secretsmanager.Secret.from_secret_complete_arn(stack, "Writer", secret_arn("writer"))
    made = existing(stack, authentication="secret", application_secret=secret, application_user="writer")
    client = function(stack, vpc=made.vpc)
    made.connect(client)
    assert made.application_secret is secret
    assert made.rotation is None
    assert not of_type(stack, "AWS::SecretsManager::Secret")
    assert environment(client)["DATABASE_SECRET_ARN"] == secret_arn("writer")


def test_an_administrator_needs_a_master_that_is_known(stack: Stack) -> None:
    made = existing(stack)
    with pytest.raises(InvalidPropsError, match="master_secret of Stack/Database must be given"):
        made.connect_administrator(function(stack, vpc=made.vpc))


def test_the_id_of_an_imported_instance_is_used_for_end_to_end_iam(stack: Stack) -> None:
    made = existing(
        stack,
        database=imported_instance(stack, instance_resource_id="db-ABCDEF"),
        authentication="end-to-end-iam",
    )
    (connect,) = [s for s in role_of_proxy(stack, made) if s["Action"] == "rds-db:connect"]
    assert str(connect["Resource"]["Fn::Join"][1][-1]).endswith(":dbuser:db-ABCDEF/app")


# --- alarms ---------------------------------------------------------------------------------------------

ALARMS = (
    "proxy_connections_alarm",
    "borrow_latency_alarm",
    "pinned_sessions_alarm",
    "database_cpu_alarm",
    "database_connections_alarm",
    "free_storage_alarm",
)


@pytest.mark.parametrize("alarm", ALARMS)
def test_every_alarm_notifies_its_topic_and_no_traffic_is_not_a_fault(stack: Stack, alarm: str) -> None:
    mine = sns.Topic(stack, "Mine")
    made = database(stack, alarm_topic=mine)
    found = properties(getattr(made, alarm))
    assert found["AlarmActions"] == [{"Ref": logical_id(mine)}]
    assert found["TreatMissingData"] == "notBreaching"


def test_a_topic_is_made_for_the_alarms(stack: Stack) -> None:
    made = database(stack)
    found = properties(made.database_cpu_alarm)
    assert found["AlarmActions"] == [{"Ref": logical_id(made.alarm_topic)}]


def dimensions(metric: dict[str, Any]) -> dict[str, Any]:
    return {each["Name"]: each["Value"] for each in metric["Dimensions"]}


def measured(stack: Stack, alarm: Any) -> dict[str, dict[str, Any]]:
    """The metrics of an expression, by name, with what they are of."""
    metrics = properties(alarm)["Metrics"]
    found = [each["MetricStat"]["Metric"] for each in metrics if "MetricStat" in each]
    return {metric["MetricName"]: dimensions(metric) for metric in found}


def expression(stack: Stack, alarm: Any) -> str:
    (found,) = [each["Expression"] for each in properties(alarm)["Metrics"] if "Expression" in each]
    return str(found)


def test_the_proxys_alarms_look_at_this_proxy(stack: Stack) -> None:
    made = database(stack)
    proxy = {"ProxyName": {"Ref": logical_id(made.proxy)}}
    assert measured(stack, made.proxy_connections_alarm) == {
        "DatabaseConnections": proxy,
        "MaxDatabaseConnectionsAllowed": proxy,
    }
    assert expression(stack, made.proxy_connections_alarm) == "100 * open / allowed"
    assert measured(stack, made.pinned_sessions_alarm) == {
        "DatabaseConnectionsCurrentlySessionPinned": proxy,
        "MaxDatabaseConnectionsAllowed": proxy,
    }
    latency = properties(made.borrow_latency_alarm)
    assert (latency["MetricName"], latency["Threshold"]) == ("DatabaseConnectionsBorrowLatency", 100_000)
    assert dimensions(latency) == proxy


@pytest.mark.parametrize("engine", ["postgres", "aurora-mysql"])
def test_the_databases_alarms_look_at_the_one_that_is_written_to(stack: Stack, engine: str) -> None:
    made = database(stack, engine=ENGINES[engine], max_connections_percent=60)
    identifier = {"Ref": logical_id(made.cluster or made.instance)}
    mine = (
        {"DBClusterIdentifier": identifier, "Role": "WRITER"}
        if made.cluster
        else {"DBInstanceIdentifier": identifier}
    )
    cpu = properties(made.database_cpu_alarm)
    assert (cpu["MetricName"], cpu["Threshold"], dimensions(cpu)) == ("CPUUtilization", 90, mine)
    assert measured(stack, made.database_connections_alarm) == {
        "DatabaseConnections": mine,
        "MaxDatabaseConnectionsAllowed": {
            "ProxyName": {"Ref": logical_id(made.proxy)},
            "TargetGroup": "default",
            "TargetRole": "READ_WRITE",
        },
    }
    # allowed = max_connections * 60 %, so in per cent of max_connections:
    assert expression(stack, made.database_connections_alarm) == "60 * open / allowed"


def test_storage_alarms_when_it_cannot_grow(stack: Stack) -> None:
    made = database(stack, allocated_storage=200)
    alarm = properties(made.free_storage_alarm)
    assert (alarm["MetricName"], alarm["ComparisonOperator"]) == ("FreeStorageSpace", "LessThanThreshold")
    assert alarm["Threshold"] == 10 * 2**30


def test_storage_of_a_cluster_has_no_alarm(stack: Stack) -> None:
    """Aurora's grows by itself, and has no such metric."""
    assert database(stack, engine=AURORA_POSTGRES).free_storage_alarm is None


# --- roles that are not this stack's ----------------------------------------------------------------------


ROLES: dict[str, Any] = {
    "imported": lambda app, stack: iam.Role.from_role_arn(stack, "Role", f"arn:aws:iam::{ACCOUNT}:role/app"),
    "immutable": lambda app, stack: iam.Role.from_role_arn(
        stack, "Role", f"arn:aws:iam::{ACCOUNT}:role/app", mutable=False
    ),
    "of another stack": lambda app, stack: iam.Role(
        Stack(app, "Roles", env=HERE), "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")
    ),
}


def with_role(app: App, name: str, whose: str, **arguments: Any) -> tuple[Stack, lambda_.Function]:
    """A stack with a database, and with a function that has the role and is connected."""
    stack = Stack(app, name, env=HERE)
    trips = database(stack, **arguments)
    worker = lambda_.Function(
        stack,
        "Worker",
        runtime=lambda_.Runtime.PYTHON_3_13,
        code=lambda_.Code.from_inline("def handle(event, context): pass"),
        handler="index.handle",
        vpc=trips.vpc,
        role=ROLES[whose](app, stack),
        reserved_concurrent_executions=2,
    )
    trips.connect(worker)
    return stack, worker


@pytest.mark.parametrize("authentication", ["iam", "secret"])
@pytest.mark.parametrize("whose", ROLES)
def test_a_role_that_is_not_this_stacks_gets_the_permission_or_its_owner_is_told(
    app: App, whose: str, authentication: str
) -> None:
    stack, worker = with_role(app, "Rides", whose, authentication=authentication)
    action = {"iam": "rds-db:connect", "secret": "secretsmanager:GetSecretValue"}[authentication]
    given = [
        policy["Roles"]
        for name, policy in of_type(stack, "AWS::IAM::Policy").items()
        if "Worker" in name or name.startswith("Role")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == action
    ]
    told = [
        entry.data
        for entry in worker.node.metadata
        if entry.type == "aws:cdk:info" and f'"{action}"' in str(entry.data)
    ]
    assert worker.role is not None
    role = "app" if whose == "imported" else stack.resolve(worker.role.role_name)
    assert (given, len(told)) == (([], 1) if whose == "immutable" else ([[role]], 0))


def test_two_stacks_do_not_overwrite_each_others_policy_of_a_shared_role(app: App) -> None:
    stacks = [with_role(app, name, "imported")[0] for name in ("One", "Another")]
    names = {
        policy["PolicyName"]
        for stack in stacks
        for logical, policy in of_type(stack, "AWS::IAM::Policy").items()
        if "ConnectTo" in logical
    }
    assert len(names) == 2
    assert all(len(name) <= 128 for name in names)
