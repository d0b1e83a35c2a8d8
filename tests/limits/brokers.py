"""The limits of KafkaConsumer, KafkaAuthentication and BrokerConsumer."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from constructs_lib import BrokerConsumer, KafkaAuthentication, KafkaConsumer
from tests.gallery.brokers import BROKER, CLUSTER, SERVERS, VPC_CONNECTION, network, secret
from tests.gallery.plain_function import function
from tests.limits.table import Arguments, Limits, args, by_name_instead

IAM: Final = KafkaAuthentication.iam()
OPEN: Final = KafkaAuthentication.unauthenticated()
OF_MSK: Final[dict[str, Any]] = {"cluster_arn": CLUSTER, "authentication": IAM}
AT_TIMESTAMP: Final = lambda_.StartingPosition.AT_TIMESTAMP


def of_msk(**arguments: Any) -> Arguments:
    """Arguments of a consumer of the MSK cluster."""
    return args(**(OF_MSK | arguments))


def provisioned(**arguments: Any) -> Arguments:
    return of_msk(minimum_pollers=1, **arguments)


def others(**arguments: Any) -> Arguments:
    """Arguments of a consumer of brokers that are not MSK's, over the internet."""

    def given(stack: Stack) -> dict[str, Any]:
        right = {"bootstrap_servers": SERVERS, "authentication": KafkaAuthentication.plain(secret(stack))}
        return right | arguments

    return given


def in_a_vpc(subnet_count: int = 2, group_count: int = 1) -> Arguments:
    return lambda stack: {
        "bootstrap_servers": SERVERS,
        "authentication": OPEN,
        **network(stack, subnet_count, group_count),
    }


def by(choose: Callable[[Any], KafkaAuthentication]) -> Arguments:
    return lambda stack: {"cluster_arn": CLUSTER, "authentication": choose(secret(stack))}


_KAFKA: list[tuple[str, Arguments, str]] = [
    ("no cluster", args(cluster_arn=None), "cluster_arn or bootstrap_servers is required"),
    ("two clusters", others(cluster_arn=CLUSTER), "cluster_arn or bootstrap_servers is required, and cannot be"),
    ("no authentication", of_msk(authentication=None), "authentication must be a KafkaAuthentication, such as"),
    ("authentication by its name", of_msk(authentication="IAM"), "authentication must be a KafkaAuthentication"),
    ("a cluster by its name", of_msk(cluster_arn="trips"), "cluster_arn must be the ARN of an MSK cluster"),
    ("a VPC connection as the cluster", of_msk(cluster_arn=VPC_CONNECTION), "cluster_arn must be the ARN of an MSK"),
    ("a VPC connection by its name", of_msk(vpc_connection_arn="any"), "vpc_connection_arn must be the ARN of a"),
    ("a VPC connection to brokers", others(vpc_connection_arn=VPC_CONNECTION), "cannot be combined with bootstrap"),
    ("SHA-256 with MSK", by(KafkaAuthentication.scram_sha_256), "cannot be SCRAM-SHA-256 with cluster_arn"),
    ("PLAIN with MSK", by(KafkaAuthentication.plain), "authentication cannot be PLAIN with cluster_arn"),
    ("IAM with other brokers", others(authentication=IAM), "authentication cannot be IAM with bootstrap_servers"),
    ("nothing over the internet", others(authentication=OPEN), "authentication cannot be unauthenticated without vpc"),
    ("a VPC of MSK", lambda stack: OF_MSK | network(stack), "vpc and security_groups cannot be combined with"),
    ("an authority of MSK", lambda stack: OF_MSK | {"root_ca_certificate": secret(stack)},
     "root_ca_certificate cannot be combined with cluster_arn"),
    ("groups without a VPC", lambda stack: others(security_groups=network(stack)["security_groups"])(stack),
     "security_groups and vpc_subnets cannot be passed without vpc"),
    ("subnets without a VPC", others(vpc_subnets=ec2.SubnetSelection()), "cannot be passed without vpc"),
    ("a VPC without groups", in_a_vpc(group_count=0), "security_groups must be 1 to 5 with vpc, got 0"),
    ("six groups", in_a_vpc(group_count=6), "security_groups must be 1 to 5 with vpc, got 6"),
    ("seventeen subnets", in_a_vpc(subnet_count=17), "vpc_subnets must be 1 to 16 with vpc, got 17"),
    ("a VPC by its id", others(vpc="vpc-1"), "vpc must be a VPC, got 'vpc-1' (str)"),
    ("one server as text", others(bootstrap_servers="kafka1.example.com:9092"), "must be a list of texts"),
    ("no servers", others(bootstrap_servers=[]), "bootstrap_servers must be 1 to 10, got 0"),
    ("eleven servers", others(bootstrap_servers=[f"kafka{n}.example.com:9092" for n in range(11)]),
     "bootstrap_servers must be 1 to 10, got 11"),
    ("a server without a port", others(bootstrap_servers=["kafka1.example.com"]), "must be a host and a port"),
    ("a server as a URL", others(bootstrap_servers=["https://kafka1:9092"]), "bootstrap_servers[0] must be a host and"),
    ("a server above 300 characters", others(bootstrap_servers=[f"{'a' * 296}:9092"]), "must be a host and a port"),
    ("a topic of one letter", of_msk(topic="a"), "topic must be 2 to 249 letters, digits"),
    ("a topic with a dot first", of_msk(topic=".a"), "topic must be 2 to 249 letters, digits"),
    ("a topic of 250 letters", of_msk(topic="a" * 250), "topic must be 2 to 249 letters, digits"),
    ("a topic with a space", of_msk(topic="a b"), "topic must be 2 to 249 letters, digits"),
    ("a group without a letter", of_msk(consumer_group_id=""), "consumer_group_id must be 1 to 200 letters"),
    ("a group of 201 letters", of_msk(consumer_group_id="a" * 201), "consumer_group_id must be 1 to 200 letters"),
    ("batch size 0", of_msk(batch_size=0), "batch_size must be 1 to 10,000, got 0"),
    ("batch size above 10000", of_msk(batch_size=10_001), "batch_size must be 1 to 10,000, got 10,001"),
    ("half a record", of_msk(batch_size=1.5), "batch_size must be a whole number"),
    ("window above 300 s", of_msk(max_batching_window=Duration.seconds(301)), "0 seconds to 5 minutes, got 301"),
    ("Lambda's own window", of_msk(max_batching_window=Duration.millis(500)), "must be a whole number of seconds"),
    ("no poller at least", of_msk(minimum_pollers=0), "minimum_pollers must be 1 to 200, got 0"),
    ("201 pollers at least", of_msk(minimum_pollers=201), "minimum_pollers must be 1 to 200, got 201"),
    ("no poller at most", of_msk(maximum_pollers=0), "maximum_pollers must be 1 to 2,000, got 0"),
    ("2001 pollers", of_msk(maximum_pollers=2001), "maximum_pollers must be 1 to 2,000, got 2,001"),
    ("minimum above maximum", of_msk(minimum_pollers=5, maximum_pollers=4), "got 5 > 4"),
    ("a poller group with a space", provisioned(poller_group="a b"), "poller_group must be 1 to 128 letters"),
    ("a poller group of 129 letters", provisioned(poller_group="a" * 129), "poller_group must be 1 to 128 letters"),
    ("a poller group on demand", of_msk(poller_group="a"), "poller_group requires minimum_pollers or maximum_pollers"),
    ("retries on demand", of_msk(retry_attempts=0), "retry_attempts requires minimum_pollers"),
    ("an age on demand", of_msk(max_record_age=Duration.hours(1)), "max_record_age requires minimum_pollers"),
    ("dead letters on demand", of_msk(dead_letter_topic="failed"), "dead_letter_topic requires minimum_pollers"),
    ("retries below 0", provisioned(retry_attempts=-1), "retry_attempts must be 0 to 10,000, got -1"),
    ("retries above 10000", provisioned(retry_attempts=10_001), "retry_attempts must be 0 to 10,000, got 10,001"),
    ("an age below a minute", provisioned(max_record_age=Duration.seconds(59)), "1 minute to 7 days, got 59 seconds"),
    ("an age above a week", provisioned(max_record_age=Duration.days(8)), "1 minute to 7 days, got 8 days"),
    ("a registry by its name", provisioned(schema_registry="any"), "schema_registry must be a schema registry, such"),
    ("dead letters with a space", provisioned(dead_letter_topic="a b"), "dead_letter_topic must be 2 to 249 letters"),
    ("dead letters to the topic itself", provisioned(dead_letter_topic="trips"),
     "dead_letter_topic must be another topic than 'trips'"),
    ("two places for failures", lambda stack: provisioned(dead_letter_topic="failed",
     on_failure=sqs.Queue(stack, "Failed"))(stack), "on_failure cannot be combined with dead_letter_topic"),
    ("dead letters and a bucket", provisioned(dead_letter_topic="failed", removal_policy=RemovalPolicy.DESTROY),
     "removal_policy cannot be combined with dead_letter_topic"),
    ("a FIFO queue for failures", lambda stack: OF_MSK | {"on_failure": sqs.Queue(stack, "Fifo", fifo=True)},
     "on_failure cannot be a FIFO queue"),
    ("a bucket's key beside a bucket", lambda stack: OF_MSK | {"on_failure": s3.Bucket(stack, "Failed"),
     "removal_policy": RemovalPolicy.DESTROY}, "removal_policy cannot be combined with on_failure"),
    ("half a day", of_msk(failed_record_retention=Duration.hours(12)),
     "failed_record_retention must be at least 1 day"),
    ("no position", of_msk(starting_position=None), "starting_position must be a StartingPosition"),
    ("a timestamp without its position", of_msk(starting_position_timestamp=datetime(2026, 1, 1, tzinfo=UTC)),
     "starting_position_timestamp requires starting_position=StartingPosition.AT_TIMESTAMP"),
    ("a position without a timestamp", of_msk(starting_position=AT_TIMESTAMP), "starting_position_timestamp requires"),
    ("a timestamp without a zone", of_msk(starting_position=AT_TIMESTAMP,
     starting_position_timestamp=datetime(2026, 1, 1)), "must be a datetime with a time zone"),
    ("a timestamp in the future", of_msk(starting_position=AT_TIMESTAMP,
     starting_position_timestamp=datetime(2130, 1, 1, tzinfo=UTC)), "must not be in the future, got 2130-01-01"),
    ("more than 5 filters", of_msk(filters=[{"value": ["x"]}] * 6), "filters must be at most 5, got 6"),
    ("a filter of the key", of_msk(filters=[{"key": ["x"]}]), "each key of filters[0] must be one of value, got 'key'"),
    ("a filter of a queue", provisioned(filters=[{"body": ["x"]}]), "each key of filters[0] must be one of value"),
    ("no lag", of_msk(offset_lag=0), "offset_lag must be at least 1, got 0"),
    ("metrics on demand", of_msk(mapping_metrics=True), "mapping_metrics requires minimum_pollers"),
    ("metrics as text", of_msk(mapping_metrics="yes"), "mapping_metrics must be True or False"),
    *by_name_instead(function="a function, version or alias", encryption_key="a key", alarm_topic="a topic",
                  root_ca_certificate="a secret of Secrets Manager"),
]  # fmt: skip


def _without_the_cluster(row: tuple[str, Arguments, str]) -> tuple[str, Arguments, str]:
    """The rows of other brokers have no cluster; only other brokers have an authority."""
    name, given, message = row

    def completed(stack: Stack) -> dict[str, Any]:
        arguments = given(stack)
        if "root_ca_certificate" in arguments and "authentication" not in arguments:
            arguments = others()(stack) | arguments
        return ({"cluster_arn": None} if "bootstrap_servers" in arguments else {}) | arguments

    return name, completed, message


KAFKA_LIMITS: Final = Limits(
    KafkaConsumer,
    otherwise={
        "function": function,
        "topic": lambda _: "trips",
        "cluster_arn": lambda _: CLUSTER,
        "authentication": lambda _: IAM,
    },
    rows=[_without_the_cluster(row) for row in _KAFKA],
)

KAFKA_AUTHENTICATION_LIMITS: Final[list[tuple[str, Callable[[Stack], object], str]]] = [
    ("a secret by its name, SHA-512", lambda _: KafkaAuthentication.scram_sha_512(_NAME), "secret must be a secret of"),
    ("a secret by its name, SHA-256", lambda _: KafkaAuthentication.scram_sha_256(_NAME), "secret must be a secret of"),
    ("a secret by its name, PLAIN", lambda _: KafkaAuthentication.plain(_NAME), "secret must be a secret of"),
    ("a secret by its name, mTLS", lambda _: KafkaAuthentication.mtls(_NAME), "secret must be a secret of"),
]  # fmt: skip
_NAME: Final[Any] = "AmazonMSK_login"

_BROKER: list[tuple[str, Arguments, str]] = [
    ("a broker by its name", args(broker_arn="trips"), "broker_arn must be the ARN of a broker, such as arn:aws:mq:"),
    ("another engine", args(engine="Rabbit"), "engine must be one of ActiveMQ, RabbitMQ 3, RabbitMQ 4, got"),
    ("a queue without a name", args(queue=""), "queue must be 1 to 1,000 characters"),
    ("a queue of 1001 characters", args(queue="a" * 1001), "queue must be 1 to 1,000 characters"),
    ("dead letters without a name", args(dead_letter_queue=""), "dead_letter_queue must be 1 to 1,000 characters"),
    ("dead letters in the queue itself", args(dead_letter_queue="trips"), "dead_letter_queue must be another queue"),
    ("dead letters of RabbitMQ 4", args(engine="RabbitMQ 4", dead_letter_queue="failed"),
     "dead_letter_queue cannot be combined with engine='RabbitMQ 4'"),
    ("a virtual host of ActiveMQ", args(virtual_host="/"), "virtual_host requires engine='RabbitMQ 3' or"),
    ("a virtual host without a name", args(engine="RabbitMQ 4", virtual_host=""), "virtual_host must be 1 to 200"),
    ("a virtual host of 201 letters", args(engine="RabbitMQ 4", virtual_host="a" * 201), "must be 1 to 200 letters"),
    ("a virtual host with a hash", args(engine="RabbitMQ 4", virtual_host="a#b"), "virtual_host must be 1 to 200"),
    ("no secret", args(secret=None), "secret must be a secret of Secrets Manager, got None"),
    ("batch size 0", args(batch_size=0), "batch_size must be 1 to 10,000, got 0"),
    ("batch size above 10000", args(batch_size=10_001), "batch_size must be 1 to 10,000, got 10,001"),
    ("half a message", args(batch_size=1.5), "batch_size must be a whole number"),
    ("window above 300 s", args(max_batching_window=Duration.seconds(301)), "0 seconds to 5 minutes, got 301"),
    ("Lambda's own window", args(max_batching_window=Duration.millis(500)), "must be a whole number of seconds"),
    ("more than 5 filters", args(filters=[{"data": ["x"]}] * 6), "filters must be at most 5, got 6"),
    ("a filter of a queue of SQS", args(filters=[{"body": ["x"]}]), "each key of filters[0] must be one of data"),
    ("no message", args(queue_size=0), "queue_size must be at least 1, got 0"),
    *by_name_instead(function="a function, version or alias", secret="a secret of Secrets Manager",
                      alarm_topic="a topic"),
]  # fmt: skip

BROKER_LIMITS: Final = Limits(
    BrokerConsumer,
    otherwise={
        "function": function,
        "broker_arn": lambda _: BROKER,
        "engine": lambda _: "ActiveMQ",
        "queue": lambda _: "trips",
        "secret": secret,
    },
    rows=_BROKER,
)
