"""Region and account: each argument of each construct that takes a resource is compared with the stack's."""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from aws_cdk import App, Duration, Environment, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

import constructs_lib
from constructs_lib import Authorization, InvalidPropsError, KafkaAuthentication
from tests.gallery.brokers import SERVERS
from tests.gallery.database import imported_instance, imported_vpc
from tests.gallery.load_balancer import shared_listener
from tests.gallery.parts import live
from tests.gallery.plain_function import function
from tests.gallery.streams import ID, stream, table
from tests.limits import ALL

ACCOUNT, REGION = "123456789012", "us-east-1"
OTHER_ACCOUNT, OTHER_REGION = "210987654321", "eu-west-1"
HERE = Environment(account=ACCOUNT, region=REGION)

MAKERS: Final[dict[str, Callable[[Stack], Any]]] = {
    "IQueue": lambda stack: sqs.Queue(stack, "Part"),
    "ITopic": lambda stack: sns.Topic(stack, "Part"),
    "IKey": lambda stack: kms.Key(stack, "Part"),
    "IEventBus": lambda stack: events.EventBus(stack, "Part"),
    "IBucket": lambda stack: s3.Bucket(stack, "Part"),
    "Function": lambda stack: function(stack, "Part"),
    "IFunction": lambda stack: live(function(stack, "Part"), "PartLive"),
    "IAlias": lambda stack: live(function(stack, "Part"), "PartLive"),
    "IScheduleGroup": lambda stack: scheduler.ScheduleGroup(stack, "Part"),
    "IAlarm": lambda stack: cloudwatch.Alarm(
        stack,
        "Part",
        metric=cloudwatch.Metric(namespace="Any", metric_name="Any"),
        threshold=1,
        evaluation_periods=1,
    ),
    "IVpc": lambda stack: ec2.Vpc(stack, "Part"),
    "ICluster": lambda stack: ecs.Cluster(stack, "Part", vpc=ec2.Vpc(stack, "Vpc")),
    "ISecurityGroup": lambda stack: ec2.SecurityGroup(stack, "Part", vpc=ec2.Vpc(stack, "Vpc")),
    "ILayerVersion": lambda stack: lambda_.LayerVersion.from_layer_version_arn(
        stack, "Part", f"arn:aws:lambda:{stack.region}:{stack.account}:layer:part:1"
    ),
    "ISecret": lambda stack: secretsmanager.Secret(stack, "Part"),
    "IParameter": lambda stack: ssm.StringParameter(stack, "Part", string_value="any"),
    "IDatabaseInstance": lambda stack: rds.DatabaseInstance(
        stack,
        "Part",
        engine=rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_17),
        vpc=ec2.Vpc(stack, "Vpc"),
    ),
    "ILogGroup": lambda stack: logs.LogGroup(stack, "Part"),
    "IRepository": lambda stack: ecr.Repository(stack, "Part"),
    "ICertificate": lambda stack: acm.Certificate(stack, "Part", domain_name="api.example.com"),
    "IStream": lambda stack: stream(stack, "Part"),
    "IStreamConsumer": lambda stack: kinesis.StreamConsumer(
        stack, "Part", stream=stream(stack), stream_consumer_name="part"
    ),
    "ITable": lambda stack: table(stack, "Part"),
    "ITableV2": lambda stack: table_v2(stack),
    "IApplicationListener": lambda stack: shared_listener(stack),
    "IHostedZone": lambda stack: route53.HostedZone(stack, "Part", zone_name="example.com"),
}
"""A resource in another stack of the app, by its type."""

IMPORTED: Final[dict[str, Callable[[Stack, str, str], Any]]] = {
    "IQueue": lambda stack, region, account: sqs.Queue.from_queue_arn(
        stack, "Part", f"arn:aws:sqs:{region}:{account}:part"
    ),
    "ITopic": lambda stack, region, account: sns.Topic.from_topic_arn(
        stack, "Part", f"arn:aws:sns:{region}:{account}:part"
    ),
    "IKey": lambda stack, region, account: kms.Key.from_key_arn(
        stack, "Part", f"arn:aws:kms:{region}:{account}:key/part"
    ),
    "IRepository": lambda stack, region, account: ecr.Repository.from_repository_arn(
        stack, "Part", f"arn:aws:ecr:{region}:{account}:repository/part"
    ),
    "IEventBus": lambda stack, region, account: events.EventBus.from_event_bus_arn(
        stack, "Part", f"arn:aws:events:{region}:{account}:event-bus/part"
    ),
    "IBucket": lambda stack, region, account: s3.Bucket.from_bucket_attributes(
        stack, "Part", bucket_name="part", region=region, account=account
    ),
    "IFunction": lambda stack, region, account: lambda_.Function.from_function_attributes(
        stack,
        "Part",
        function_arn=f"arn:aws:lambda:{region}:{account}:function:part",
        role=iam.Role.from_role_arn(stack, "PartRole", f"arn:aws:iam::{account}:role/part"),
        same_environment=True,
    ),
    "ISecret": lambda stack, region, account: secretsmanager.Secret.from_secret_attributes(
        stack,
        "Part",
        secret_complete_arn=f"arn:aws:secretsmanager:{region}:{account}:secret:part-abcdef",
        encryption_key=kms.Key.from_key_arn(stack, "PartKey", f"arn:aws:kms:{region}:{account}:key/part"),
    ),
    "IStream": lambda stack, region, account: kinesis.Stream.from_stream_arn(
        stack, "Part", f"arn:aws:kinesis:{region}:{account}:stream/part"
    ),
    "IStreamConsumer": lambda stack, region, account: kinesis.StreamConsumer.from_stream_consumer_arn(
        stack, "Part", f"arn:aws:kinesis:{region}:{account}:stream/part/consumer/any:1"
    ),
    "ITable": lambda stack, region, account: dynamodb.Table.from_table_attributes(
        stack,
        "Part",
        table_arn=f"arn:aws:dynamodb:{region}:{account}:table/part",
        table_stream_arn=f"arn:aws:dynamodb:{region}:{account}:table/part/stream/2026",
    ),
    "ITableV2": lambda stack, region, account: dynamodb.TableV2.from_table_attributes(
        stack,
        "Part",
        table_arn=f"arn:aws:dynamodb:{region}:{account}:table/part",
        table_stream_arn=f"arn:aws:dynamodb:{region}:{account}:table/part/stream/2026",
    ),
}
"""A resource that is imported by an ARN with its Region and account, by its type."""

NO_RESOURCE: Final = {
    "ISchemaRegistry",
    "IInstanceEngine",
    "IClusterEngine",
    "ILambdaDeploymentConfig",
    "IDatabaseCluster",
    "IConnectable",
}
"""The types that are not resources, or are accepted where another type of `MAKERS` is accepted too."""

INTERFACE = re.compile(
    r"aws_\w+\.(I[A-Z]\w+|Function)\b|\b(?:acm|ecr|kms|route53|s3|secretsmanager|ssm)\.(I[A-Z]\w+)"
)


def resources(construct: type) -> Iterator[tuple[str, str]]:
    """Each argument that takes a resource, with the types that it takes."""
    for argument, parameter in inspect.signature(construct.__init__).parameters.items():  # type: ignore[misc]
        for found in INTERFACE.finditer(str(parameter.annotation)):
            kind = found[1] or found[2]
            if kind not in NO_RESOURCE:
                yield argument, kind


ARGUMENTS: Final = [
    (name, argument, kind)
    for name in constructs_lib.__all__
    if isinstance(value := getattr(constructs_lib, name), type) and issubclass(value, Construct)
    for argument, kind in resources(value)
]

FROM_ANOTHER_ACCOUNT: Final = {
    *((name, "alarm_topic") for name, argument, _ in ARGUMENTS if argument == "alarm_topic"),
    *((name, "encryption_key") for name, argument, _ in ARGUMENTS if argument == "encryption_key"),
    ("AsyncDestinations", "on_success"),
    ("AsyncDestinations", "on_failure"),
    ("BrokerConsumer", "secret"),
    ("KafkaConsumer", "on_failure"),
    ("KafkaConsumer", "root_ca_certificate"),
    ("KafkaConsumer", "security_groups"),
    ("KinesisConsumer", "on_failure"),
    ("KinesisConsumer", "stream"),
    ("KinesisConsumer", "stream_consumer"),
    ("TableStreamConsumer", "on_failure"),
    ("TableStreamConsumer", "table"),
    ("BucketEvents", "dead_letter_queue"),
    ("EventRule", "dead_letter_queue"),
    ("ScheduledInvocation", "dead_letter_queue"),
    ("QueueConsumer", "queue"),
    ("TopicSubscription", "topic"),
    ("ParametersAndSecrets", "parameter_key"),
    ("ParametersAndSecrets", "parameters"),
    ("ParametersAndSecrets", "secrets"),
    ("ProxiedDatabase", "vpc"),
    ("ServerlessCache", "vpc"),
    ("ProxiedDatabase", "master_secret"),
    ("ProxiedDatabase", "application_secret"),
    ("ContainerFunction", "environment_encryption"),
    ("PythonFunction", "environment_encryption"),
    ("ContainerFunction", "repository"),
    ("ContainerFunction", "security_groups"),
    ("ContainerFunction", "vpc"),
    ("LoadBalancedFunction", "access_log_bucket"),
    ("LoadBalancedFunction", "vpc"),
    ("LongJob", "vpc"),
    ("PythonFunction", "layers"),
    ("PythonFunction", "vpc"),
    ("PythonFunction", "security_groups"),
}
"""What AWS takes from another account, where its owner allows it."""

FROM_ANYWHERE: Final = {("ProvisionedApi", "hosted_zone")}
"""Route 53 has no Regions, and its zones may be in an account of their own."""

OTHERWISE: Final[dict[str, dict[str, Callable[[Stack], Any]]]] = {
    limits.construct.__name__: limits.otherwise for limits in ALL
}


def given(name: str, argument: str, part: Any, home: Stack) -> dict[str, Any]:
    """The arguments of a construct, this one with its part from elsewhere."""
    arguments = {key: make(home) for key, make in OTHERWISE[name].items() if key != argument}
    arguments[argument] = part
    if argument in ("layers", "security_groups", "rollback_alarms"):
        arguments[argument] = [part]
    if argument == "routes":
        arguments["routes"] = {"GET /part": part}
    if argument in ("parameters", "secrets"):
        arguments[argument] = {"PART": part}
    if argument == "triggers":
        arguments["triggers"] = {"pre_sign_up": part}
    if argument == "repository":
        del arguments["entry"]
        arguments["tag_or_digest"] = "7f3c2a1"
    if argument in ("certificate", "hosted_zone") and name != "LoadBalancedFunction":
        arguments["domain_name"] = "api.example.com"
    if (name, argument) == ("FunctionEndpoint", "certificate"):
        arguments |= {"authorization": Authorization.public(), "cloudfront": True}
    if argument == "listener":
        conditions = [elbv2.ListenerCondition.path_patterns(["/part"])]
        arguments |= {"vpc": None, "certificate": None, "priority": 1, "conditions": conditions}
    if argument == "hosted_zone":
        arguments["certificate"] = MAKERS["ICertificate"](home)
    if (name, argument) == ("QueueConsumer", "function"):
        arguments["visibility_timeout"] = Duration.minutes(3)
    if name == "KafkaConsumer" and argument in ("root_ca_certificate", "vpc", "security_groups"):
        arguments |= {"cluster_arn": None, "bootstrap_servers": SERVERS}
        arguments["authentication"] = KafkaAuthentication.plain(imported_secret(home))
        if argument == "vpc":
            arguments["security_groups"] = [ec2.SecurityGroup.from_security_group_id(home, "Group", "sg-1")]
    if argument == "stream_consumer":
        arguments["stream"] = part.stream
    if argument == "security_groups":
        arguments["vpc"] = ec2.Vpc(home, "Vpc")
    if argument in ("master_secret", "application_secret"):
        del arguments["engine"]
        arguments |= {"database": imported_instance(home), "vpc": imported_vpc(home), "database_name": "app"}
        arguments |= {"authentication": "secret", "application_user": "writer", "master_secret": secret(home)}
        arguments |= {"application_secret": secret(home, "ApplicationSecret"), argument: part}
    if (name, argument) == ("QueueConsumer", "dead_letter_queue"):
        arguments["queue"] = sqs.Queue.from_queue_arn(home, "Given", f"arn:aws:sqs:{REGION}:{ACCOUNT}:given")
    return arguments


def table_v2(stack: Stack) -> dynamodb.TableV2:
    return dynamodb.TableV2(
        stack, "Part", partition_key=ID, dynamo_stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES
    )


def imported_secret(stack: Stack) -> secretsmanager.ISecret:
    return secretsmanager.Secret.from_secret_complete_arn(
        stack, "Login", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:login-abcdef"
    )


def secret(stack: Stack, construct_id: str = "Secret") -> secretsmanager.Secret:
    return secretsmanager.Secret(stack, construct_id)


def test_the_walk_sees_what_there_is() -> None:
    seen = {(name, argument) for name, argument, _ in ARGUMENTS}
    assert {
        ("QueueConsumer", "queue"),
        ("QueueConsumer", "alarm_topic"),
        ("EventRule", "event_bus"),
        ("FunctionEndpoint", "alias"),
        ("FunctionEndpoint", "certificate"),
        ("BucketEvents", "bucket"),
        ("LiveAlias", "function"),
        ("LiveAlias", "rollback_alarms"),
        ("ProvisionedApi", "routes"),
        ("ProvisionedApi", "certificate"),
        ("ScheduledInvocation", "schedule_group"),
        ("ProxiedDatabase", "encryption_key"),
        ("PythonFunction", "layers"),
    } <= seen
    assert seen >= FROM_ANOTHER_ACCOUNT | FROM_ANYWHERE
    assert {kind for _, _, kind in ARGUMENTS} <= MAKERS.keys(), "a new type of resource needs a row in MAKERS"


WALK = pytest.mark.parametrize(
    ("name", "argument", "kind"),
    ARGUMENTS,
    ids=[f"{name}.{argument}, {kind}" for name, argument, kind in ARGUMENTS],
)


def refused(name: str, argument: str, part: Any, home: Stack, message: str) -> None:
    with pytest.raises(InvalidPropsError, match=rf"^{argument}.* {message}"):
        getattr(constructs_lib, name)(home, "Made", **given(name, argument, part, home))
    assert home.node.try_find_child("Made") is None


@WALK
def test_what_is_made_in_another_region_is_refused(app: App, name: str, argument: str, kind: str) -> None:
    there = Stack(app, "There", env=Environment(account=ACCOUNT, region=OTHER_REGION))
    home, part = Stack(app, "Home", env=HERE), MAKERS[kind](there)
    if (name, argument) in FROM_ANYWHERE:
        getattr(constructs_lib, name)(home, "Made", **given(name, argument, part, home))
    else:
        refused(name, argument, part, home, rf"must be in Region {REGION}, .* in {OTHER_REGION}\.")


@WALK
def test_what_belongs_to_another_account_is_refused_or_can_work(
    app: App, name: str, argument: str, kind: str
) -> None:
    there = Stack(app, "There", env=Environment(account=OTHER_ACCOUNT, region=REGION))
    home = Stack(app, "Home", env=HERE)
    if (name, argument) in FROM_ANOTHER_ACCOUNT | FROM_ANYWHERE:
        part = IMPORTED[kind](home, REGION, OTHER_ACCOUNT) if kind in IMPORTED else MAKERS[kind](there)
        getattr(constructs_lib, name)(home, "Made", **given(name, argument, part, home))
    else:
        refused(
            name,
            argument,
            MAKERS[kind](there),
            home,
            rf"must be in account {ACCOUNT}, .* in {OTHER_ACCOUNT}\.",
        )


@WALK
def test_an_imported_resource_is_in_the_place_of_its_arn(
    app: App, name: str, argument: str, kind: str
) -> None:
    home = Stack(app, "Home", env=HERE)
    if kind in IMPORTED:
        part = IMPORTED[kind](home, OTHER_REGION, ACCOUNT)
        refused(name, argument, part, home, rf"must be in Region {REGION}, .* in {OTHER_REGION}\.")


NOT_IMPORTED: Final = {
    ("QueueConsumer", "dead_letter_queue"),
    ("DurableExecutions", "function"),
}
"""What is refused if it is imported, wherever it is."""


@WALK
def test_a_stack_without_an_env_may_be_deployed_anywhere(
    stack: Stack, name: str, argument: str, kind: str
) -> None:
    if kind in IMPORTED and (name, argument) not in NOT_IMPORTED:
        part = IMPORTED[kind](stack, OTHER_REGION, ACCOUNT)
        getattr(constructs_lib, name)(stack, "Made", **given(name, argument, part, stack))
