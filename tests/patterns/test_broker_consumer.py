"""The promises of BrokerConsumer, one test each; none rests on a snapshot."""

import re
from typing import Any

import pytest
from aws_cdk import App, Duration, Environment, Stack, Token
from aws_cdk import aws_amazonmq as amazonmq
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns

from constructs_lib import BrokerConsumer, InvalidPropsError
from tests.gallery.brokers import BROKER, secret
from tests.gallery.parts import live
from tests.gallery.plain_function import function
from tests.patterns.test_kafka_consumer import NETWORK, infos
from tests.template import granted, logical_id, properties, resource


def consumer(stack: Stack, **arguments: Any) -> BrokerConsumer:
    given: dict[str, Any] = {"broker_arn": BROKER, "engine": "ActiveMQ", "queue": "trips"} | arguments
    if "function" not in given:
        given["function"] = function(stack)
    if "secret" not in given:
        given["secret"] = secret(stack)
    return BrokerConsumer(stack, "Trips", **given)


def mapping(made: BrokerConsumer) -> dict[str, Any]:
    return properties(made.event_source_mapping)


def access(made: BrokerConsumer) -> list[tuple[str, Any]]:
    return [(each["Type"], each["URI"]) for each in mapping(made)["SourceAccessConfigurations"]]


def test_the_mapping_reads_the_queue_as_the_user_of_the_secret(stack: Stack) -> None:
    login = secret(stack)
    made = consumer(stack, secret=login)
    found = mapping(made)
    assert (found["EventSourceArn"], found["Queues"], found["BatchSize"]) == (BROKER, ["trips"], 100)
    assert access(made) == [("BASIC_AUTH", login.secret_arn)]
    assert not found.keys() & {
        "MaximumBatchingWindowInSeconds",
        "DestinationConfig",
        "FunctionResponseTypes",
        "MaximumRetryAttempts",
        "StartingPosition",
    }


def test_batches_and_filters_are_what_was_passed(stack: Stack) -> None:
    found = mapping(
        consumer(
            stack,
            batch_size=500,
            max_batching_window=Duration.seconds(7),
            filters=[{"data": {"type": ["moved"]}}],
        )
    )
    assert (found["BatchSize"], found["MaximumBatchingWindowInSeconds"]) == (500, 7)
    assert found["FilterCriteria"] == {"Filters": [{"Pattern": '{"data": {"type": ["moved"]}}'}]}


@pytest.mark.parametrize(("given", "host"), [({}, "/"), ({"virtual_host": "billing"}, "billing")])
def test_a_queue_of_rabbitmq_is_in_its_virtual_host(stack: Stack, given: dict[str, str], host: str) -> None:
    made = consumer(stack, engine="RabbitMQ 3", dead_letter_queue="failed", **given)
    assert access(made)[1] == ("VIRTUAL_HOST", host)
    for alarm, queue in ((made.queue_size_alarm, "trips"), (made.dead_letter_alarm, "failed")):
        found = properties(alarm)
        assert (found["Namespace"], found["MetricName"]) == ("AWS/AmazonMQ", "MessageCount")
        assert found["Dimensions"] == [
            {"Name": "Broker", "Value": "trips"},
            {"Name": "Queue", "Value": queue},
            {"Name": "VirtualHost", "Value": host},
        ]


def test_rabbitmq_4_is_watched_as_a_whole(stack: Stack) -> None:
    """CloudWatch has no metrics of its queues."""
    made = consumer(stack, engine="RabbitMQ 4", virtual_host="billing")
    assert access(made)[1] == ("VIRTUAL_HOST", "billing")
    found = properties(made.queue_size_alarm)
    assert (found["Namespace"], found["MetricName"]) == ("AWS/AmazonMQ", "MessageCount")
    assert found["Dimensions"] == [{"Name": "Broker", "Value": "trips"}]


def test_the_role_may_find_the_broker_and_read_the_secret(stack: Stack) -> None:
    key = kms.Key(stack, "Key")
    login = secret(stack, encryption_key=key)
    role = consumer(stack, secret=login).function.role
    assert granted(role, BROKER) == {"mq:DescribeBroker"}
    assert granted(role, login.secret_arn) == {"secretsmanager:GetSecretValue"}
    assert granted(role, {"Fn::GetAtt": [logical_id(key), "Arn"]}) == {"kms:Decrypt"}
    assert granted(role, "*") >= NETWORK


def test_from_another_stack_the_mapping_waits_for_its_permissions(app: App, stack: Stack) -> None:
    there = Stack(app, "There")
    made = consumer(there, function=live(stack))
    waits = resource(made.event_source_mapping)["DependsOn"]
    assert any(name.startswith("TripsRolePolicy") for name in ([waits] if isinstance(waits, str) else waits))


def test_a_broker_of_the_app_is_known_at_deployment(stack: Stack) -> None:
    broker = amazonmq.CfnBroker(
        stack,
        "Broker",
        broker_name="trips",
        deployment_mode="SINGLE_INSTANCE",
        engine_type="RABBITMQ",
        host_instance_type="mq.m7g.medium",
        publicly_accessible=False,
        users=[
            amazonmq.CfnBroker.UserProperty(
                username="lambda", password="{{resolve:secretsmanager:broker:SecretString:password}}"
            )
        ],
    )
    made = consumer(stack, broker_arn=broker.attr_arn, engine="RabbitMQ 3")
    arn = {"Fn::GetAtt": ["Broker", "Arn"]}
    assert mapping(made)["EventSourceArn"] == arn
    assert granted(made.function.role, arn) == {"mq:DescribeBroker"}
    (name, *_) = properties(made.queue_size_alarm)["Dimensions"]
    assert name == {"Name": "Broker", "Value": {"Fn::Select": [6, {"Fn::Split": [":", arn]}]}}


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ({"broker_arn": BROKER.replace("us-east-1", "eu-west-1")}, "broker_arn must be in Region us-east-1"),
        (
            {"broker_arn": BROKER.replace("123456789012", "210987654321")},
            "broker_arn must be in account 123456789012, where Stack is, got one in 210987654321",
        ),
    ],
)
def test_a_broker_of_another_place_is_refused(app: App, place: dict[str, str], message: str) -> None:
    stack = Stack(app, "Stack", env=Environment(account="123456789012", region="us-east-1"))
    with pytest.raises(InvalidPropsError, match=re.escape(message)):
        consumer(stack, **place)
    assert stack.node.try_find_child("Trips") is None


def test_a_secret_of_another_region_is_refused(app: App) -> None:
    stack = Stack(app, "Stack", env=Environment(account="123456789012", region="us-east-1"))
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:login-AbCdEf"
    there = secretsmanager.Secret.from_secret_complete_arn(stack, "There", arn)
    with pytest.raises(InvalidPropsError, match="secret must be in Region us-east-1"):
        consumer(stack, secret=there)


@pytest.mark.parametrize(
    "change",
    [{"queue": "drivers"}, {"engine": "RabbitMQ 3", "virtual_host": "billing"}],
)
def test_what_lambda_cannot_update_has_a_mapping_of_its_own(app: App, change: dict[str, str]) -> None:
    first, second = consumer(Stack(app, "First")), consumer(Stack(app, "Second"), **change)
    assert logical_id(first.event_source_mapping) != logical_id(second.event_source_mapping)


@pytest.mark.parametrize(
    ("engine", "port"), [("ActiveMQ", 61617), ("RabbitMQ 3", 5671), ("RabbitMQ 4", 5671)]
)
def test_synth_shows_what_the_network_must_let_through(stack: Stack, engine: str, port: int) -> None:
    consumer(stack, engine=engine)
    assert f"from itself on the brokers' port, {port}, and outbound traffic on port 443" in infos(stack)
    assert "endpoints of Lambda, STS and Secrets Manager" in infos(stack)


def test_the_size_of_an_activemq_queue_is_that_of_the_instance_that_works(stack: Stack) -> None:
    made = consumer(stack, queue_size=50)
    assert made.dead_letter_alarm is None
    found = properties(made.queue_size_alarm)
    assert (found["Threshold"], found["DatapointsToAlarm"]) == (50, 15)
    expression, first, second = found["Metrics"]
    assert expression["Expression"] == "MAX([first, second])"
    for metric, broker in ((first, "trips-1"), (second, "trips-2")):
        assert metric["MetricStat"]["Metric"] == {
            "Namespace": "AWS/AmazonMQ",
            "MetricName": "QueueSize",
            "Dimensions": [{"Name": "Broker", "Value": broker}, {"Name": "Queue", "Value": "trips"}],
        }


def test_the_first_dead_letter_is_an_alarm(stack: Stack) -> None:
    made = consumer(stack, dead_letter_queue="ActiveMQ.DLQ")
    found = properties(made.dead_letter_alarm)
    assert (found["Threshold"], found["EvaluationPeriods"]) == (0, 1)
    queues = [
        dimension["Value"]
        for metric in found["Metrics"][1:]
        for dimension in metric["MetricStat"]["Metric"]["Dimensions"]
        if dimension["Name"] == "Queue"
    ]
    assert queues == ["ActiveMQ.DLQ", "ActiveMQ.DLQ"]


def test_all_alarms_notify_the_topic(stack: Stack) -> None:
    made = consumer(stack, alarm_topic=sns.Topic(stack, "Alarms"), dead_letter_queue="ActiveMQ.DLQ")
    alarms = [made.queue_size_alarm, made.dead_letter_alarm, made.errors_alarm, made.throttles_alarm]
    reference = {"Ref": logical_id(made.alarm_topic)}
    assert all(properties(alarm)["AlarmActions"] == [reference] for alarm in alarms)


def test_tokens_pass(stack: Stack) -> None:
    text, number = Token.as_string({"Ref": "Text"}), Token.as_number({"Ref": "Number"})
    made = consumer(
        stack,
        broker_arn=text,
        engine="RabbitMQ 3",
        queue=text,
        virtual_host=text,
        batch_size=number,
        max_batching_window=Duration.seconds(number),
        queue_size=number,
    )
    assert mapping(made)["Queues"] == [{"Ref": "Text"}]
    assert isinstance(made.event_source_mapping, lambda_.EventSourceMapping)


def test_the_consumer_is_a_grantee(stack: Stack) -> None:
    made = consumer(stack)
    bucket = s3.Bucket(stack, "Results")
    bucket.grant_put(made)
    arn = {"Fn::GetAtt": [logical_id(bucket), "Arn"]}
    assert "s3:PutObject" in granted(made.function.role, {"Fn::Join": ["", [arn, "/*"]]})
