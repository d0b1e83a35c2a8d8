"""Each construct with the L2 constructs that its documentation passes: pyright and mypy both accept them.

CDK types its own arguments as interfaces, and pyright does not see that a `Topic` is an `ITopic`. This module is
checked and never run.
"""

from pathlib import Path

from aws_cdk import CfnParameter, Duration, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_events as events
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

from constructs_lib import (
    AsyncDestinations,
    Authorization,
    BucketEvents,
    ConcurrencyBudget,
    DurableExecutions,
    EventRule,
    FeatureFlags,
    FunctionEndpoint,
    KillSwitch,
    KinesisConsumer,
    LiveAlias,
    LoadBalancedFunction,
    LoadBalancerAuthentication,
    LongJob,
    ParametersAndSecrets,
    ProvisionedApi,
    ProxiedDatabase,
    PythonFunction,
    QueueConsumer,
    Route,
    ScheduledInvocation,
    TableStreamConsumer,
    TopicSubscription,
)


def functions(stack: Stack, key: kms.Key, topic: sns.Topic) -> LiveAlias:
    number = CfnParameter(stack, "Number", type="Number").value_as_number
    vpc = ec2.Vpc(stack, "Network")
    function = PythonFunction(
        stack,
        "Function",
        entry=Path("orders"),
        handler="app.handle",
        memory_size=number,
        reserved_concurrent_executions=number,
        environment_encryption=key,
        layers=[lambda_.LayerVersion(stack, "Layer", code=lambda_.Code.from_asset("layer"))],
        vpc=vpc,
        security_groups=[ec2.SecurityGroup(stack, "Group", vpc=vpc)],
        log_group=logs.LogGroup(stack, "Log"),
    )
    metric = function.metric_errors()
    return LiveAlias(
        stack,
        "Live",
        function=function,
        provisioned_concurrency=number,
        before_traffic=lambda_.Function.from_function_name(stack, "Check", "check"),
        rollback_alarms=[metric.create_alarm(stack, "Alarm", threshold=1, evaluation_periods=1)],
        alarm_topic=topic,
    )


def rollback_alarms(live: LiveAlias, composite: cloudwatch.CompositeAlarm) -> None:
    live.add_rollback_alarm(composite)


def event_sources(stack: Stack, live: LiveAlias, key: kms.Key, topic: sns.Topic) -> None:
    number = CfnParameter(stack, "Count", type="Number").value_as_number
    called = live.alias
    dead = sqs.Queue(stack, "Dead")
    consumer = QueueConsumer(
        stack,
        "Made",
        function=called,
        batch_size=number,
        max_concurrency=number,
        max_receive_count=number,
        encryption_key=key,
        alarm_topic=topic,
    )
    consumer.grant_send_messages(called)
    QueueConsumer(
        stack, "Given", function=called, queue=sqs.Queue(stack, "Queue"), dead_letter_queue=consumer.queue
    )
    AsyncDestinations(
        stack, "Results", function=called, on_success=topic, on_failure=dead, alarm_topic=consumer.alarm_topic
    )
    AsyncDestinations(
        stack, "Kept", function=called, on_success=events.EventBus(stack, "Bus"), encryption_key=key
    )
    AsyncDestinations(
        stack, "Stored", function=called, on_success=called, on_failure=s3.Bucket(stack, "Failed")
    )
    executions = DurableExecutions(
        stack, "Executions", function=called, starter=True, encryption_key=key, alarm_topic=topic
    )
    if executions.starter is not None:
        DurableExecutions(stack, "Given", function=executions.starter, dead_letter_queue=dead)
    BucketEvents(
        stack,
        "Uploads",
        function=called,
        bucket=s3.Bucket(stack, "Bucket"),
        dead_letter_queue=dead,
        alarm_topic=topic,
    )
    EventRule(
        stack,
        "Rule",
        function=called,
        event_pattern=events.EventPattern(source=["trips"]),
        event_bus=events.EventBus(stack, "Trips"),
        dead_letter_queue=dead,
        retry_attempts=number,
        alarm_topic=topic,
    )
    TopicSubscription(stack, "News", function=called, topic=topic, dead_letter_queue=dead, alarm_topic=topic)
    ScheduledInvocation(
        stack,
        "Nightly",
        function=called,
        schedule=scheduler.ScheduleExpression.expression("cron(0 3 * * ? *)"),
        schedule_group=scheduler.ScheduleGroup(stack, "Schedules"),
        dead_letter_queue=dead,
        alarm_topic=topic,
    )
    KillSwitch(stack, "Switch", function=called, invocations_per_minute=number, alarm_topic=topic)
    ConcurrencyBudget(stack, "Budget", alarm_topic=topic)
    endpoint = FunctionEndpoint(stack, "Endpoint", alias=called, alarm_topic=topic)
    endpoint.grant_invoke_url(called)
    network = ec2.Vpc(stack, "Network")
    certificate = acm.Certificate(stack, "Trusted", domain_name="fares.example.com")
    users = cognito.UserPool(stack, "Riders")
    balanced = LoadBalancedFunction(
        stack,
        "Balanced",
        alias=called,
        vpc=network,
        certificate=certificate,
        allowed_peers=[ec2.Peer.any_ipv4(), ec2.SecurityGroup(stack, "Callers", vpc=network)],
        access_log_bucket=s3.Bucket(stack, "Logs"),
        authentication=LoadBalancerAuthentication.cognito(
            user_pool=users,
            user_pool_client=users.add_client("Client"),
            user_pool_domain=users.add_domain("Domain"),
        ),
        alarm_topic=topic,
    )
    LoadBalancedFunction(
        stack,
        "Shared",
        alias=called,
        listener=balanced.listener,
        priority=1,
        conditions=[elbv2.ListenerCondition.path_patterns(["/quotes/*"])],
    )


def streams(stack: Stack, live: LiveAlias, key: kms.Key, topic: sns.Topic) -> None:
    number = CfnParameter(stack, "Number", type="Number").value_as_number
    called = live.alias
    stream = kinesis.Stream(stack, "Stream")
    consumer = kinesis.StreamConsumer(stack, "Reader", stream=stream, stream_consumer_name="reader")
    identity = dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
    made = KinesisConsumer(
        stack,
        "Positions",
        function=called,
        stream=stream,
        stream_consumer=consumer,
        batch_size=number,
        retry_attempts=number,
        encryption_key=key,
        alarm_topic=topic,
    )
    topic.grant_publish(made)
    TableStreamConsumer(
        stack,
        "Changes",
        function=called,
        table=dynamodb.Table(stack, "Table", partition_key=identity),
        on_failure=s3.Bucket(stack, "FailedChanges"),
    )
    TableStreamConsumer(
        stack,
        "MoreChanges",
        function=called,
        table=dynamodb.TableV2(stack, "TableV2", partition_key=identity),
        on_failure=sqs.Queue(stack, "FailedAgain"),
    )
    KinesisConsumer(stack, "More", function=called, stream=stream, on_failure=topic)


def apis(stack: Stack, live: LiveAlias, topic: sns.Topic, zone: route53.HostedZone) -> None:
    pool = cognito.UserPool(stack, "Users")
    authorization = Authorization.cognito(
        user_pool=pool, clients=[pool.add_client("Client")], scopes=["orders/read"]
    )
    api = ProvisionedApi(
        stack,
        "Api",
        routes={
            "GET /orders": live.alias,
            "POST /orders": Route(
                alias=live.alias, authorization=Authorization.lambda_authorizer(live.alias)
            ),
        },
        authorization=authorization,
        domain_name="orders.example.com",
        certificate=acm.Certificate(stack, "Certificate", domain_name="orders.example.com"),
        hosted_zone=zone,
        alarm_topic=topic,
    )
    api.grant_invoke(live.alias)


def databases(stack: Stack, live: LiveAlias, key: kms.Key, topic: sns.Topic, vpc: ec2.Vpc) -> None:
    number = CfnParameter(stack, "Storage", type="Number").value_as_number
    engine = rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_17)
    made = ProxiedDatabase(
        stack,
        "Made",
        engine=engine,
        vpc=vpc,
        allocated_storage=number,
        max_connections=number,
        encryption_key=key,
        alarm_topic=topic,
    )
    made.connect(live.alias)
    secret = secretsmanager.Secret(stack, "Secret")
    instance = rds.DatabaseInstance(stack, "Instance", engine=engine, vpc=vpc)
    ProxiedDatabase(stack, "Given", database=instance, database_name="app", application_secret=secret)
    cluster = rds.DatabaseCluster(
        stack,
        "Cluster",
        engine=rds.DatabaseClusterEngine.aurora_postgres(version=rds.AuroraPostgresEngineVersion.VER_16_6),
        writer=rds.ClusterInstance.serverless_v2("Writer"),
        vpc=vpc,
    )
    ProxiedDatabase(stack, "GivenCluster", database=cluster, database_name="app", master_secret=secret)


def long_jobs(stack: Stack, key: kms.Key, topic: sns.Topic) -> None:
    vpc = ec2.Vpc(stack, "OfJobs")
    LongJob(
        stack,
        "Job",
        vpc=vpc,
        image=ecs.ContainerImage.from_registry("any"),
        cpu=CfnParameter(stack, "Cpu", type="Number").value_as_number,
        timeout=Duration.hours(2),
        cluster=ecs.Cluster(stack, "Jobs", vpc=vpc),
        encryption_key=key,
        alarm_topic=topic,
    )
    LongJob(
        stack,
        "OfYourTask",
        vpc=vpc,
        task_definition=ecs.FargateTaskDefinition(stack, "Task"),
        timeout=Duration.hours(2),
        dead_letter_queue=sqs.Queue(stack, "Failures"),
    )


def configuration(stack: Stack, key: kms.Key, alarm: cloudwatch.Alarm) -> None:
    ParametersAndSecrets(
        stack,
        "Settings",
        secrets={"KEY": secretsmanager.Secret(stack, "Key")},
        parameters={"FEES": ssm.StringParameter(stack, "Fees", string_value="1")},
        parameter_key=key,
    )
    FeatureFlags(stack, "Flags", flags={"express": True}, rollback_alarms=[alarm])
