"""The promises of KafkaConsumer, one test each; none rests on a snapshot."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from aws_cdk import App, Duration, Environment, Stack, Token
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_msk as msk
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from constructs_lib import InvalidPropsError, KafkaAuthentication, KafkaConsumer
from tests.gallery.brokers import (
    CLUSTER,
    SERVERS,
    THEIR_CLUSTER,
    VPC_CONNECTION,
    consumer,
    network,
    secret,
)
from tests.gallery.plain_function import function
from tests.template import granted, logical_id, properties, resource, statements

NETWORK = {
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeVpcs",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeSubnets",
    "ec2:DescribeSecurityGroups",
}
UUID = "1a2b3c4d-0000-4000-8000-000000000000-5"
TOPICS = f"arn:aws:kafka:us-east-1:123456789012:topic/trips/{UUID}"
GROUPS = f"arn:aws:kafka:us-east-1:123456789012:group/trips/{UUID}"


def infos(scope: Stack) -> str:
    return "\n".join(
        str(entry.data)
        for construct in scope.node.find_all()
        for entry in construct.node.metadata
        if entry.type == "aws:cdk:info"
    )


def mapping(made: KafkaConsumer) -> dict[str, Any]:
    return properties(made.event_source_mapping)


def access(made: KafkaConsumer) -> list[tuple[str, Any]]:
    found = mapping(made).get("SourceAccessConfigurations", [])
    return [(each["Type"], each["URI"]) for each in found]


# --- what the role may do ---------------------------------------------------------------------------------


def test_by_iam_the_role_may_read_this_topic_and_join_groups_of_this_cluster(stack: Stack) -> None:
    made = consumer(stack)
    role = made.function.role
    assert granted(role, CLUSTER) == {
        "kafka:DescribeClusterV2",
        "kafka-cluster:Connect",
        "kafka-cluster:DescribeClusterDynamicConfiguration",
    }
    assert granted(role, f"{TOPICS}/trips") == {"kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"}
    joining = {"kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup"}
    assert granted(role, f"{GROUPS}/*") == joining
    assert NETWORK | {"kafka:GetBootstrapBrokers"} <= granted(role, "*")


def test_a_group_with_a_name_is_the_only_one(stack: Stack) -> None:
    made = consumer(stack, consumer_group_id="billing")
    assert mapping(made)["AmazonManagedKafkaEventSourceConfig"] == {"ConsumerGroupId": "billing"}
    assert granted(made.function.role, f"{GROUPS}/*") == set()
    assert "kafka-cluster:AlterGroup" in granted(made.function.role, f"{GROUPS}/billing")


def test_a_cluster_of_the_app_is_known_at_deployment(stack: Stack) -> None:
    cluster = msk.CfnServerlessCluster(
        stack,
        "Cluster",
        cluster_name="trips",
        client_authentication=msk.CfnServerlessCluster.ClientAuthenticationProperty(
            sasl=msk.CfnServerlessCluster.SaslProperty(iam=msk.CfnServerlessCluster.IamProperty(enabled=True))
        ),
        vpc_configs=[msk.CfnServerlessCluster.VpcConfigProperty(subnet_ids=["subnet-1"])],
    )
    made = consumer(stack, cluster_arn=cluster.attr_arn)
    arn = {"Fn::GetAtt": ["Cluster", "Arn"]}
    assert mapping(made)["EventSourceArn"] == arn
    assert "kafka-cluster:Connect" in granted(made.function.role, arn)
    parts = [{"Fn::Select": [n, {"Fn::Split": [":cluster/", arn]}]} for n in range(2)]
    topic = {"Fn::Join": ["", [{"Fn::Join": [":topic/", parts]}, "/trips"]]}
    assert granted(made.function.role, topic) == {"kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"}


def test_a_secret_and_its_key_are_read(stack: Stack) -> None:
    key = kms.Key(stack, "Key")
    login = secret(stack, encryption_key=key)
    made = consumer(stack, authentication=KafkaAuthentication.scram_sha_512(login))
    role = made.function.role
    assert access(made) == [("SASL_SCRAM_512_AUTH", login.secret_arn)]
    assert granted(role, login.secret_arn) == {"secretsmanager:GetSecretValue"}
    assert granted(role, {"Fn::GetAtt": [logical_id(key), "Arn"]}) == {"kms:Decrypt"}
    assert granted(role, CLUSTER) == {"kafka:DescribeClusterV2", "kafka:ListScramSecrets"}
    assert granted(role, f"{TOPICS}/trips") == set(), "the user of the secret has its own permissions"


def test_a_secret_by_its_name_is_read_under_the_suffix_that_it_has(stack: Stack) -> None:
    login = secretsmanager.Secret.from_secret_name_v2(stack, "Login", "AmazonMSK_login")
    made = consumer(stack, authentication=KafkaAuthentication.mtls(login))
    (arn,) = (
        each["Resource"]
        for each in statements(made.function.role)
        if each["Action"] == "secretsmanager:GetSecretValue"
    )
    assert arn["Fn::Join"][1][-1].endswith(":secret:AmazonMSK_login-??????")


@pytest.mark.parametrize(
    ("choose", "kind"),
    [
        (KafkaAuthentication.scram_sha_512, "SASL_SCRAM_512_AUTH"),
        (KafkaAuthentication.scram_sha_256, "SASL_SCRAM_256_AUTH"),
        (KafkaAuthentication.plain, "BASIC_AUTH"),
        (KafkaAuthentication.mtls, "CLIENT_CERTIFICATE_TLS_AUTH"),
    ],
)
def test_each_authentication_is_what_lambda_calls_it(
    stack: Stack, choose: Callable[[Any], KafkaAuthentication], kind: str
) -> None:
    made = consumer(stack, bootstrap_servers=SERVERS, authentication=choose(secret(stack)))
    assert [name for name, _ in access(made)] == [kind]


@pytest.mark.parametrize("authentication", [KafkaAuthentication.iam(), KafkaAuthentication.unauthenticated()])
def test_no_secret_is_named_without_one(stack: Stack, authentication: KafkaAuthentication) -> None:
    assert "SourceAccessConfigurations" not in mapping(consumer(stack, authentication=authentication))


def test_brokers_in_a_vpc_are_reached_through_it(stack: Stack) -> None:
    certificate, authority = secret(stack), secret(stack, "Authority")
    made = consumer(
        stack,
        bootstrap_servers=SERVERS,
        authentication=KafkaAuthentication.mtls(certificate),
        root_ca_certificate=authority,
        **network(stack, group_count=2),
    )
    assert access(made) == [
        ("CLIENT_CERTIFICATE_TLS_AUTH", certificate.secret_arn),
        ("SERVER_ROOT_CA_CERTIFICATE", authority.secret_arn),
        ("VPC_SUBNET", "subnet:subnet-00000000"),
        ("VPC_SUBNET", "subnet:subnet-00000001"),
        ("VPC_SECURITY_GROUP", "security_group:sg-00000000"),
        ("VPC_SECURITY_GROUP", "security_group:sg-00000001"),
    ]
    assert mapping(made)["SelfManagedEventSource"] == {"Endpoints": {"KafkaBootstrapServers": list(SERVERS)}}
    role = made.function.role
    assert granted(role, "*") >= NETWORK
    assert granted(role, authority.secret_arn) == {"secretsmanager:GetSecretValue"}
    assert not [each for each in statements(role) if "kafka" in str(each["Action"])]


def test_brokers_on_the_internet_need_no_network(stack: Stack) -> None:
    plain = KafkaAuthentication.plain(secret(stack))
    made = consumer(stack, bootstrap_servers=SERVERS, authentication=plain)
    assert not NETWORK & granted(made.function.role, "*")
    assert "network-of-brokers" not in infos(stack)


def test_a_cluster_of_another_account_is_read_through_its_connection(app: App) -> None:
    stack = Stack(app, "Stack", env=Environment(account="123456789012", region="us-east-1"))
    made = consumer(stack, cluster_arn=THEIR_CLUSTER, vpc_connection_arn=VPC_CONNECTION)
    assert mapping(made)["EventSourceArn"] == VPC_CONNECTION
    role = made.function.role
    assert granted(role, VPC_CONNECTION) == {"kafka:DescribeVpcConnection"}
    assert "kafka-cluster:Connect" in granted(role, THEIR_CLUSTER)
    assert "The policy of the cluster, in its own account, must let" in infos(stack)


def test_a_role_that_may_not_be_changed_is_told_of(stack: Stack) -> None:
    role = iam.Role.from_role_arn(stack, "Role", "arn:aws:iam::123456789012:role/theirs", mutable=False)
    theirs = lambda_.Function.from_function_attributes(
        stack, "Theirs", function_arn="arn:aws:lambda:us-east-1:123456789012:function:theirs", role=role
    )
    consumer(stack, function=theirs)
    assert "kafka-cluster:ReadData" in infos(stack)
    assert "ec2:CreateNetworkInterface" in infos(stack)


def test_from_another_stack_the_mapping_waits_for_its_permissions(app: App, stack: Stack) -> None:
    there = Stack(app, "There")
    made = consumer(there, function=function(stack))
    waits = resource(made.event_source_mapping)["DependsOn"]
    assert any(name.startswith("TripsRolePolicy") for name in ([waits] if isinstance(waits, str) else waits))


# --- places -----------------------------------------------------------------------------------------------


def elsewhere(stack: Stack) -> secretsmanager.ISecret:
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:login-AbCdEf"
    return secretsmanager.Secret.from_secret_complete_arn(stack, "Elsewhere", arn)


PLACES: dict[str, tuple[Callable[[Stack], dict[str, Any]], str]] = {
    "cluster in another Region": (
        lambda stack: {"cluster_arn": CLUSTER.replace("us-east-1", "eu-west-1")},
        "cluster_arn must be in Region us-east-1, where Stack is, got one in eu-west-1",
    ),
    "cluster in another account": (
        lambda stack: {"cluster_arn": THEIR_CLUSTER},
        "cluster_arn must be in account 123456789012, where Stack is, got one in 210987654321",
    ),
    "cluster in another account and Region": (
        lambda stack: {
            "cluster_arn": THEIR_CLUSTER.replace("us-east-1", "eu-west-1"),
            "vpc_connection_arn": VPC_CONNECTION,
        },
        "cluster_arn must be in Region us-east-1",
    ),
    "secret": (
        lambda stack: {"authentication": KafkaAuthentication.mtls(elsewhere(stack))},
        "authentication must be in Region us-east-1, where Stack is, got Stack/Elsewhere in eu-west-1",
    ),
    "authority": (
        lambda stack: {
            "bootstrap_servers": SERVERS,
            "authentication": KafkaAuthentication.plain(secret(stack)),
            "root_ca_certificate": elsewhere(stack),
        },
        "root_ca_certificate must be in Region us-east-1",
    ),
}


@pytest.mark.parametrize("case", PLACES)
def test_what_lambda_does_not_reach_is_refused(app: App, case: str) -> None:
    stack = Stack(app, "Stack", env=Environment(account="123456789012", region="us-east-1"))
    arguments, message = PLACES[case]
    with pytest.raises(InvalidPropsError, match=re.escape(message)):
        consumer(stack, **arguments(stack))
    assert stack.node.try_find_child("Trips") is None


# --- polling and failures ---------------------------------------------------------------------------------


def test_on_demand_nothing_is_set_that_requires_pollers(stack: Stack) -> None:
    found = mapping(consumer(stack))
    assert found["BatchSize"] == 100
    assert found["StartingPosition"] == "TRIM_HORIZON"
    assert not found.keys() & {
        "ProvisionedPollerConfig",
        "BisectBatchOnFunctionError",
        "FunctionResponseTypes",
        "MaximumRetryAttempts",
        "MaximumRecordAgeInSeconds",
        "MaximumBatchingWindowInSeconds",
    }


@pytest.mark.parametrize(
    ("pollers", "expected"),
    [
        ({"minimum_pollers": 2}, {"MinimumPollers": 2}),
        ({"maximum_pollers": 3}, {"MaximumPollers": 3}),
        (
            {"minimum_pollers": 2, "maximum_pollers": 3, "poller_group": "shared"},
            {"MinimumPollers": 2, "MaximumPollers": 3, "PollerGroupName": "shared"},
        ),
    ],
)
def test_with_pollers_only_what_failed_is_retried(
    stack: Stack, pollers: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = mapping(consumer(stack, **pollers))
    assert found["ProvisionedPollerConfig"] == expected
    assert found["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert found["BisectBatchOnFunctionError"] is True
    assert found["MaximumRetryAttempts"] == 5
    assert "MaximumRecordAgeInSeconds" not in found, "the oldest record of a topic may be older"


def test_retries_age_and_window_are_what_was_passed(stack: Stack) -> None:
    found = mapping(
        consumer(
            stack,
            maximum_pollers=1,
            retry_attempts=0,
            max_record_age=Duration.hours(1),
            max_batching_window=Duration.seconds(0),
        )
    )
    assert found["MaximumRetryAttempts"] == 0
    assert found["MaximumRecordAgeInSeconds"] == 3600
    assert found["MaximumBatchingWindowInSeconds"] == 0


def test_it_begins_at_a_time(stack: Stack) -> None:
    begin = datetime(2026, 1, 31, 12, tzinfo=UTC)
    found = mapping(
        consumer(
            stack,
            starting_position=lambda_.StartingPosition.AT_TIMESTAMP,
            starting_position_timestamp=begin,
        )
    )
    assert (found["StartingPosition"], found["StartingPositionTimestamp"]) == ("AT_TIMESTAMP", 1769860800)


def test_failed_batches_are_kept_in_a_bucket(stack: Stack) -> None:
    made = consumer(stack)
    assert isinstance(made.failure_bucket, s3.Bucket)
    arn = {"Fn::GetAtt": [logical_id(made.failure_bucket), "Arn"]}
    assert mapping(made)["DestinationConfig"] == {"OnFailure": {"Destination": arn}}
    assert granted(made.function.role, {"Fn::Join": ["", [arn, "/aws/lambda/*"]]}) == {"s3:PutObject"}
    rules = properties(made.failure_bucket)["LifecycleConfiguration"]["Rules"]
    assert rules == [{"ExpirationInDays": 14, "Status": "Enabled"}]


@pytest.mark.parametrize("kind", ["queue", "topic"])
def test_failed_batches_go_where_you_say(stack: Stack, kind: str) -> None:
    target = sqs.Queue(stack, "Failed") if kind == "queue" else sns.Topic(stack, "Failed")
    made = consumer(stack, on_failure=target)
    arn = {"Fn::GetAtt": [logical_id(target), "Arn"]} if kind == "queue" else {"Ref": logical_id(target)}
    assert mapping(made)["DestinationConfig"] == {"OnFailure": {"Destination": arn}}
    sending = {"sqs:SendMessage"} if kind == "queue" else {"sns:Publish"}
    assert granted(made.function.role, arn) == sending
    assert made.failure_bucket is None
    assert made.failure_queue is (target if kind == "queue" else None)


def test_a_topic_for_dead_letters_may_be_written(stack: Stack) -> None:
    made = consumer(stack, minimum_pollers=1, dead_letter_topic="failed")
    assert mapping(made)["DestinationConfig"] == {"OnFailure": {"Destination": "kafka://failed"}}
    role = made.function.role
    assert granted(role, f"{TOPICS}/failed") == {"kafka-cluster:DescribeTopic", "kafka-cluster:WriteData"}
    assert granted(role, f"{TOPICS}/trips") == {"kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"}
    assert "kafka-cluster:DescribeCluster" in granted(role, CLUSTER)
    assert made.failure_bucket is None


def test_a_schema_registry_brings_its_permissions(stack: Stack) -> None:
    registry = glue.CfnRegistry(stack, "Registry", name="trips")
    made = consumer(
        stack,
        minimum_pollers=1,
        schema_registry=event_sources.GlueSchemaRegistry(
            schema_registry=registry,
            event_record_format=lambda_.EventRecordFormat.JSON,
            schema_validation_configs=[
                lambda_.KafkaSchemaValidationConfig(attribute=lambda_.KafkaSchemaValidationAttribute.KEY)
            ],
        ),
        filters=[{"key": ["a"]}],
    )
    arn = {"Fn::GetAtt": ["Registry", "Arn"]}
    config = mapping(made)["AmazonManagedKafkaEventSourceConfig"]["SchemaRegistryConfig"]
    assert config["SchemaRegistryURI"] == arn
    assert "glue:GetRegistry" in granted(made.function.role, arn)
    assert mapping(made)["FilterCriteria"] == {"Filters": [{"Pattern": '{"key": ["a"]}'}]}


@pytest.mark.parametrize(
    "change", [{"topic": "drivers"}, {"consumer_group_id": "billing"}, {"topic": "trips-eu"}]
)
def test_what_lambda_cannot_update_has_a_mapping_of_its_own(app: App, change: dict[str, str]) -> None:
    first, second = consumer(Stack(app, "First")), consumer(Stack(app, "Second"), **change)
    assert logical_id(first.event_source_mapping) != logical_id(second.event_source_mapping)


def test_what_lambda_can_update_does_not_replace_the_mapping(app: App) -> None:
    first = consumer(Stack(app, "First"))
    second = consumer(Stack(app, "Second"), minimum_pollers=1, batch_size=5, mapping_metrics=False)
    assert logical_id(first.event_source_mapping) == logical_id(second.event_source_mapping)


def test_tokens_pass(stack: Stack) -> None:
    text, number = Token.as_string({"Ref": "Text"}), Token.as_number({"Ref": "Number"})
    made = consumer(
        stack,
        topic=text,
        cluster_arn=text,
        consumer_group_id=text,
        batch_size=number,
        minimum_pollers=number,
        maximum_pollers=1,
        retry_attempts=number,
        poller_group=text,
    )
    assert mapping(made)["Topics"] == [{"Ref": "Text"}]


# --- the network ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choose", "port"),
    [
        (lambda _: KafkaAuthentication.iam(), "9098"),
        (KafkaAuthentication.scram_sha_512, "9096"),
        (KafkaAuthentication.mtls, "9094"),
        (lambda _: KafkaAuthentication.unauthenticated(), "9094 or 9092"),
    ],
)
def test_synth_shows_what_the_network_of_a_cluster_must_let_through(
    stack: Stack, choose: Callable[[Any], KafkaAuthentication], port: str
) -> None:
    made = consumer(stack, authentication=choose(secret(stack)))
    has_secret = bool(access(made))
    assert f"from itself on the brokers' port, {port}. Without minimum_pollers" in infos(stack)
    services = "Lambda, STS, Secrets Manager, S3" if has_secret else "Lambda, STS, S3"
    assert f"endpoints of {services}, and the security group" in infos(stack)


def test_with_pollers_the_network_needs_no_endpoints(stack: Stack) -> None:
    consumer(stack, minimum_pollers=1)
    assert "brokers' port, 9098. See" in infos(stack)
    assert "endpoints" not in infos(stack)


def test_synth_shows_the_ports_of_your_brokers(stack: Stack) -> None:
    plain = KafkaAuthentication.plain(secret(stack))
    servers = ["a.example.com:9095", "b.example.com:9093", "c.example.com:9093"]
    failed = sns.Topic(stack, "Failed")
    consumer(stack, bootstrap_servers=servers, authentication=plain, on_failure=failed, **network(stack))
    assert "from itself on the brokers' port, 9093 and 9095. Without" in infos(stack)
    assert "endpoints of Lambda, STS, Secrets Manager, SNS, and" in infos(stack)


# --- alarms -----------------------------------------------------------------------------------------------


def of_mapping(made: KafkaConsumer, alarm: Any) -> bool:
    dimensions = properties(alarm)["Dimensions"]
    uuid = {"Ref": logical_id(made.event_source_mapping)}
    return bool(dimensions == [{"Name": "EventSourceMappingUUID", "Value": uuid}])


def test_the_mapping_is_watched_by_its_own_metrics(stack: Stack) -> None:
    made = consumer(stack, minimum_pollers=1, offset_lag=500)
    assert mapping(made)["MetricsConfig"] == {"Metrics": ["EventCount", "ErrorCount", "KafkaMetrics"]}
    for alarm, name, threshold in (
        (made.offset_lag_alarm, "MaxOffsetLag", 500),
        (made.polling_alarm, "PollingErrorCount", 0),
        (made.failed_records_alarm, "OnFailureDestinationDeliveredEventCount", 0),
    ):
        found = properties(alarm)
        assert (found["MetricName"], found["Threshold"]) == (name, threshold)
        assert of_mapping(made, alarm), name
    assert properties(made.offset_lag_alarm)["DatapointsToAlarm"] == 15


@pytest.mark.parametrize("given", [{}, {"minimum_pollers": 1, "mapping_metrics": False}])
def test_without_metrics_the_function_has_the_lag(stack: Stack, given: dict[str, Any]) -> None:
    made = consumer(stack, **given)
    assert "MetricsConfig" not in mapping(made)
    found = properties(made.offset_lag_alarm)
    assert (found["MetricName"], found["Threshold"]) == ("OffsetLag", 10_000)
    assert [each["Name"] for each in found["Dimensions"]] == ["FunctionName"]
    assert made.polling_alarm is None
    assert made.failed_records_alarm is None


def test_the_alarm_on_failed_records_looks_into_your_queue(stack: Stack) -> None:
    made = consumer(stack, on_failure=sqs.Queue(stack, "Failed"))
    found = properties(made.failed_records_alarm)
    assert found["MetricName"] == "ApproximateNumberOfMessagesVisible"


def test_all_alarms_notify_the_topic(stack: Stack) -> None:
    made = consumer(stack, minimum_pollers=1, alarm_topic=sns.Topic(stack, "Alarms"))
    alarms = [
        made.offset_lag_alarm,
        made.polling_alarm,
        made.failed_records_alarm,
        made.delivery_alarm,
        made.errors_alarm,
        made.throttles_alarm,
    ]
    reference = {"Ref": logical_id(made.alarm_topic)}
    assert all(properties(alarm)["AlarmActions"] == [reference] for alarm in alarms)
    assert properties(made.delivery_alarm)["MetricName"] == "DestinationDeliveryFailures"


def test_the_consumer_is_a_grantee(stack: Stack) -> None:
    made = consumer(stack)
    bucket = s3.Bucket(stack, "Results")
    bucket.grant_put(made)
    arn = {"Fn::GetAtt": [logical_id(bucket), "Arn"]}
    assert "s3:PutObject" in granted(made.function.role, {"Fn::Join": ["", [arn, "/*"]]})
