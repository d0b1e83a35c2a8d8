"""The scenes of the gallery that carry no options, written with the L2 constructs of aws-cdk-lib alone.

As somebody writes them who knows each of these resources, and what a call to Node costs: a value is read once, and the
period of all alarms is made once. A test compares the templates: what is compared costs the same resources.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jsii
from aws_cdk import ArnFormat, CfnDeletionPolicy, CfnResource, Duration, Fn, RemovalPolicy, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

HANDLER: Final = Path(__file__).parents[2] / "tests" / "handlers" / "plain"
NOT_IN_PASSWORDS: Final = " %+~`#$&*()|[]{}:;<>?!'/@\"\\"
NETWORK_INTERFACES: Final = [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
]
ACCESS_LOG: Final = json.dumps(
    {
        "requestId": "$context.requestId",
        "apiId": "$context.apiId",
        "stage": "$context.stage",
        "status": "$context.status",
        "latency": "$context.responseLatency",
        "errorType": "$context.error.responseType",
    }
)
ERROR_BODY: Final = '{"message":$context.error.messageString,"requestId":"$context.requestId"}'


@dataclass(frozen=True)
class Watch:
    """What the alarms of one scene share."""

    scope: Construct
    minute: Duration
    action: actions.SnsAction

    def alarm(
        self,
        construct_id: str,
        metric: cloudwatch.IMetric,
        *,
        above: float,
        periods: int = 3,
        datapoints: int = 2,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
        comparison: cloudwatch.ComparisonOperator = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
    ) -> cloudwatch.Alarm:
        """Make an alarm that notifies the topic."""
        made = cloudwatch.Alarm(
            self.scope,
            construct_id,
            metric=metric,
            threshold=above,
            comparison_operator=comparison,
            evaluation_periods=periods,
            datapoints_to_alarm=datapoints,
            treat_missing_data=missing,
            alarm_description=f"{construct_id}: see the runbook.",
        )
        made.add_alarm_action(self.action)
        return made


def watch(scope: Construct) -> Watch:
    """Make the topic of the alarms, which CloudWatch may publish to."""
    topic = sns.Topic(scope, "Alarms", enforce_ssl=True)
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            sid="AlarmsOfThisAccount",
            actions=["sns:Publish"],
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            resources=[topic.topic_arn],
            conditions={"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}},
        )
    )
    return Watch(scope, Duration.minutes(1), actions.SnsAction(topic))


# --- functions -----------------------------------------------------------------------------------------


def function(
    scope: Construct,
    construct_id: str = "Function",
    *,
    seconds: int = 29,
    vpc: ec2.IVpc | None = None,
    reserved: int | None = None,
) -> lambda_.Function:
    """Make a function with a role and a log group of its own."""
    role = iam.Role(scope, f"{construct_id}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    log_group = logs.LogGroup(
        scope,
        f"{construct_id}Logs",
        retention=logs.RetentionDays.TWO_MONTHS,
        removal_policy=RemovalPolicy.RETAIN,
    )
    made = lambda_.Function(
        scope,
        construct_id,
        code=lambda_.Code.from_asset(str(HANDLER)),
        handler="app.handle",
        runtime=lambda_.Runtime.PYTHON_3_13,
        architecture=lambda_.Architecture.ARM_64,
        timeout=Duration.seconds(seconds),
        memory_size=512,
        recursive_loop=lambda_.RecursiveLoop.TERMINATE,
        role=role,
        vpc=vpc,
        reserved_concurrent_executions=reserved,
        log_group=log_group,
        logging_format=lambda_.LoggingFormat.JSON,
        application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
        system_log_level_v2=lambda_.SystemLogLevel.INFO,
        tracing=lambda_.Tracing.ACTIVE,
    )
    log_group.grant_write(role)
    if vpc is not None:
        let_join_vpc(role)
    return made


def let_join_vpc(role: iam.Role) -> None:
    """Let Lambda make network interfaces, and not the code of the function."""
    functions = Stack.of(role).format_arn(
        service="lambda", resource="function", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    role.add_to_policy(
        iam.PolicyStatement(sid="LambdaJoinsTheVpc", actions=NETWORK_INTERFACES, resources=["*"])
    )
    role.add_to_policy(
        iam.PolicyStatement(
            sid="CodeOfTheFunctionDoesNot",
            effect=iam.Effect.DENY,
            actions=NETWORK_INTERFACES,
            resources=["*"],
            conditions={"ArnLike": {"lambda:SourceFunctionArn": functions}},
        )
    )


def python_function(scope: Construct) -> None:
    """A function."""
    function(scope)


def live_alias(scope: Construct) -> None:
    """An alias that CodeDeploy moves, and that its alarms move back."""
    behind = function(scope)
    version = behind.current_version
    version.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
    alias = lambda_.Alias(scope, "Live", alias_name="live", version=version)
    see = watch(scope)
    see.alarm("Errors", error_rate(alias, see.minute), above=1)
    see.alarm("Throttles", alias.metric_throttles(period=see.minute, statistic="Sum"), above=0)
    see.alarm("Latency", alias.metric_duration(period=see.minute, statistic="p99"), above=23_200)
    name = behind.function_name
    of_version = {"FunctionName": name, "Resource": f"{name}:live", "ExecutedVersion": version.version}
    new_errors = see.alarm("NewErrors", error_rate(alias, see.minute, of_version), above=1)
    new_latency = see.alarm(
        "NewLatency",
        alias.metric_duration(period=see.minute, statistic="p99", dimensions_map=of_version),
        above=23_200,
    )
    renew_with(version, new_errors, new_latency)
    role = iam.Role(
        scope,
        "DeploymentRole",
        assumed_by=iam.ServicePrincipal(
            "codedeploy.amazonaws.com",
            conditions={"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}},
        ),
    )
    arn = behind.function_arn
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"],
            resources=[arn, f"{arn}:live"],
        )
    )
    role.add_to_policy(iam.PolicyStatement(actions=["cloudwatch:DescribeAlarms"], resources=["*"]))
    group = codedeploy.LambdaDeploymentGroup(
        scope,
        "DeploymentGroup",
        application=codedeploy.LambdaApplication(scope, "Application"),
        alias=alias,
        role=role,
        deployment_config=codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES,
        alarms=[new_errors, new_latency],
        auto_rollback=codedeploy.AutoRollbackConfig(
            failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
        ),
    )
    # CDK gives the role a managed policy for all functions of the account beside the two statements.
    resource = role.node.default_child
    assert isinstance(resource, iam.CfnRole)
    resource.add_property_deletion_override("ManagedPolicyArns")
    group.node.add_dependency(role)


def renew_with(version: lambda_.Version, *alarms: cloudwatch.Alarm) -> None:
    """Give each version alarms of its own: one that is in alarm would stop the release that fixes it."""
    stack = Stack.of(version)
    resource = version.node.default_child
    assert isinstance(resource, lambda_.CfnVersion)
    for alarm in alarms:
        of_alarm = alarm.node.default_child
        assert isinstance(of_alarm, cloudwatch.CfnAlarm)
        of_alarm.override_logical_id(f"{stack.get_logical_id(of_alarm)}{resource.logical_id}")


def error_rate(
    of: lambda_.IFunction, minute: Duration, dimensions: dict[str, str] | None = None
) -> cloudwatch.MathExpression:
    """Count failed invocations in per cent."""
    return cloudwatch.MathExpression(
        expression="100 * errors / invocations",
        label="Failed invocations (%)",
        using_metrics={
            "errors": of.metric_errors(period=minute, dimensions_map=dimensions),
            "invocations": of.metric_invocations(period=minute, dimensions_map=dimensions),
        },
        period=minute,
    )


# --- queues and events ---------------------------------------------------------------------------------


def dead_letter_queue(scope: Construct) -> sqs.Queue:
    """Make a queue that keeps what failed for two weeks."""
    return sqs.Queue(
        scope,
        "DeadLetters",
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=Duration.days(14),
        removal_policy=RemovalPolicy.RETAIN,
    )


def dead_letters_alarm(see: Watch, queue: sqs.Queue) -> None:
    """Alarm on the first message in a dead-letter queue."""
    see.alarm(
        "DeadLettersAlarm",
        queue.metric_approximate_number_of_messages_visible(period=see.minute, statistic="Maximum"),
        above=0,
        periods=1,
        datapoints=1,
        missing=cloudwatch.TreatMissingData.IGNORE,
    )


def queue_consumer(scope: Construct) -> None:
    """A queue that a function drains."""
    consumer = function(scope)
    dead = dead_letter_queue(scope)
    queue = sqs.Queue(
        scope,
        "Queue",
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=Duration.days(4),
        visibility_timeout=Duration.seconds(174),
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead, max_receive_count=5),
        removal_policy=RemovalPolicy.RETAIN,
    )
    consumer.add_event_source(
        event_sources.SqsEventSource(queue, batch_size=10, report_batch_item_failures=True)
    )
    see = watch(scope)
    dead_letters_alarm(see, dead)
    see.alarm(
        "OldestMessage",
        queue.metric_approximate_age_of_oldest_message(period=see.minute, statistic="Maximum"),
        above=900,
    )
    see.alarm("Errors", error_rate(consumer, see.minute), above=1)
    see.alarm("Throttles", consumer.metric_throttles(period=see.minute, statistic="Sum"), above=0)


def async_destinations(scope: Construct) -> None:
    """A queue for the events that a function fails to handle."""
    alias = lambda_.Alias(scope, "Live", alias_name="live", version=function(scope).current_version)
    dead = dead_letter_queue(scope)
    alias.configure_async_invoke(
        on_failure=destinations.SqsDestination(dead), retry_attempts=2, max_event_age=Duration.hours(6)
    )
    see = watch(scope)
    for name, metric in (("Dropped", "AsyncEventsDropped"), ("Delivery", "DestinationDeliveryFailures")):
        see.alarm(
            name,
            alias.metric(metric, period=see.minute, statistic="Sum"),
            above=0,
            periods=1,
            datapoints=1,
        )
    age = alias.metric("AsyncEventAge", period=see.minute, statistic="Maximum")
    see.alarm("EventAge", age, above=900_000)
    dead_letters_alarm(see, dead)


# --- APIs ----------------------------------------------------------------------------------------------


def aliases(scope: Construct) -> tuple[lambda_.Alias, lambda_.Alias]:
    """Make the two aliases that an API calls, the second one with provisioned concurrency."""
    accept = function(scope, "AcceptFunction", seconds=10)
    earnings = function(scope, "EarningsFunction", seconds=10)
    return (
        lambda_.Alias(scope, "Accept", alias_name="live", version=accept.current_version),
        lambda_.Alias(
            scope,
            "Earnings",
            alias_name="live",
            version=earnings.current_version,
            provisioned_concurrent_executions=2,
        ),
    )


def access_log(
    scope: Construct, pattern: logs.IFilterPattern, log_group_name: str | None = None
) -> logs.LogGroup:
    """Make an access log, and count the requests in it that were refused as too many."""
    log_group = logs.LogGroup(
        scope,
        "AccessLog",
        log_group_name=log_group_name,
        retention=logs.RetentionDays.TWO_MONTHS,
        removal_policy=RemovalPolicy.RETAIN,
    )
    log_group.add_metric_filter(
        "ThrottledRequests",
        filter_pattern=pattern,
        metric_namespace="ConstructsLib/Api",
        metric_name="ThrottledRequests",
        metric_value="1",
        dimensions={"ApiId": "$.apiId", "Stage": "$.stage"},
    )
    return log_group


def api_alarms(
    scope: Construct,
    *,
    errors: Callable[[Duration], cloudwatch.IMetric],
    requests: Callable[[Duration], cloudwatch.IMetric],
    latency: Callable[[Duration], cloudwatch.IMetric],
    api_id: str,
    stage: str,
    served: tuple[lambda_.Alias, lambda_.Alias],
) -> None:
    """Make the alarms of an API: REST and HTTP APIs differ in what their metrics are called."""
    see = watch(scope)
    rate = cloudwatch.MathExpression(
        expression="100 * errors / requests",
        label="Requests answered with 5XX (%)",
        using_metrics={"errors": errors(see.minute), "requests": requests(see.minute)},
        period=see.minute,
    )
    see.alarm("ServerErrors", rate, above=1)
    see.alarm("Latency", latency(see.minute), above=2500)
    throttled = cloudwatch.Metric(
        namespace="ConstructsLib/Api",
        metric_name="ThrottledRequests",
        dimensions_map={"ApiId": api_id, "Stage": stage},
        period=see.minute,
        statistic="Sum",
    )
    see.alarm("ThrottledRequests", throttled, above=0)
    for number, alias in enumerate(served):
        see.alarm(f"Throttles{number}", alias.metric_throttles(period=see.minute, statistic="Sum"), above=0)
    spillover = served[1].metric(
        "ProvisionedConcurrencySpilloverInvocations", period=see.minute, statistic="Sum"
    )
    see.alarm("Spillover", spillover, above=0)


def rest_api(scope: Construct) -> None:
    """A REST API in front of two functions."""
    accept, earnings = aliases(scope)
    log_group = access_log(scope, logs.FilterPattern.literal('{ $.errorType = "THROTTLED" }'))
    api = apigateway.RestApi(
        scope,
        "Api",
        endpoint_configuration=apigateway.EndpointConfiguration(types=[apigateway.EndpointType.REGIONAL]),
        cloud_watch_role=False,
        deploy_options=apigateway.StageOptions(
            stage_name="prod",
            access_log_destination=apigateway.LogGroupLogDestination(log_group),
            access_log_format=apigateway.AccessLogFormat.custom(ACCESS_LOG),
            tracing_enabled=True,
            metrics_enabled=False,
            throttling_rate_limit=1000,
            throttling_burst_limit=500,
        ),
    )
    for kind, name in (
        (apigateway.ResponseType.DEFAULT_4_XX, "Default4XX"),
        (apigateway.ResponseType.DEFAULT_5_XX, "Default5XX"),
    ):
        api.add_gateway_response(name, type=kind, templates={"application/json": ERROR_BODY})
    timeout = Duration.seconds(29)
    root = api.root
    for path, method, alias in (
        ("trips", "POST", accept),
        ("drivers/{driver_id}/earnings", "GET", earnings),
    ):
        root.resource_for_path(path).add_method(
            method,
            apigateway.LambdaIntegration(alias, allow_test_invoke=False, timeout=timeout),
            authorization_type=apigateway.AuthorizationType.IAM,
        )
    stage = api.deployment_stage
    api_alarms(
        scope,
        errors=lambda minute: stage.metric_server_error(period=minute),
        requests=lambda minute: stage.metric_count(period=minute),
        latency=lambda minute: stage.metric_latency(period=minute, statistic="p99"),
        api_id=api.rest_api_id,
        stage="prod",
        served=(accept, earnings),
    )


@jsii.implements(apigatewayv2.IAccessLogSettings)
class HttpAccessLog:
    """An interface of CDK's, which has no struct for these two."""

    def __init__(self, log_group: logs.ILogGroup) -> None:
        self._destination = apigatewayv2.LogGroupLogDestination(log_group)
        self._format = apigateway.AccessLogFormat.custom(ACCESS_LOG)

    @property
    def destination(self) -> apigatewayv2.LogGroupLogDestination:
        """The destination of the log."""
        return self._destination

    @property
    def format(self) -> apigateway.AccessLogFormat:
        """What it says of a request."""
        return self._format


def http_api(scope: Construct) -> None:
    """An HTTP API in front of two functions."""
    accept, earnings = aliases(scope)
    # Below this prefix the policy that lets API Gateway in does not grow with each API of the account.
    unique = Fn.select(2, Fn.split("/", Stack.of(scope).stack_id))
    log_group = access_log(
        scope,
        logs.FilterPattern.literal('{ $.status = "429" }'),
        f"/aws/vendedlogs/{scope.node.path.replace('/', '-')}-{unique}",
    )
    api = apigatewayv2.HttpApi(scope, "Api", create_default_stage=False)
    authorizer = authorizers.HttpIamAuthorizer()
    for path, of_arn, method, alias in (
        ("/trips", "/trips", apigatewayv2.HttpMethod.POST, accept),
        ("/drivers/{driver_id}/earnings", "/drivers/*/earnings", apigatewayv2.HttpMethod.GET, earnings),
    ):
        (route,) = api.add_routes(
            path=path,
            methods=[method],
            integration=integrations.HttpLambdaIntegration("Integration", alias),
            authorizer=authorizer,
        )
        # CDK lets every stage and method of the path call.
        permission = route.node.find_child("Integration-Permission")
        assert isinstance(permission, lambda_.CfnPermission)
        permission.source_arn = api.arn_for_execute_api(method.name, of_arn, "$default")
    stage = api.add_stage(
        "Stage",
        auto_deploy=True,
        access_log_settings=HttpAccessLog(log_group),
        throttle=apigatewayv2.ThrottleSettings(rate_limit=1000, burst_limit=500),
        detailed_metrics_enabled=False,
    )
    api_alarms(
        scope,
        errors=lambda minute: stage.metric_server_error(period=minute),
        requests=lambda minute: stage.metric_count(period=minute),
        latency=lambda minute: stage.metric_latency(period=minute, statistic="p99"),
        api_id=api.api_id,
        stage="$default",
        served=(accept, earnings),
    )


# --- the database --------------------------------------------------------------------------------------


def proxied_database(scope: Construct) -> None:
    """A database behind a proxy, an application and a migration."""
    vpc = private_vpc(scope)
    endpoint_group = ec2.SecurityGroup(
        scope, "EndpointGroup", vpc=vpc, description="Interface endpoints", allow_all_outbound=False
    )
    endpoint_group.add_ingress_rule(ec2.Peer.ipv4(vpc.vpc_cidr_block), ec2.Port.HTTPS)
    ec2.InterfaceVpcEndpoint(
        scope,
        "SecretsManager",
        vpc=vpc,
        service=ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
        security_groups=[endpoint_group],
        open=False,
    )
    tcp = ec2.Port.tcp(5432)
    isolated = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    database_group = ec2.SecurityGroup(
        scope, "DatabaseGroup", vpc=vpc, description="The database", allow_all_outbound=False
    )
    database = rds.DatabaseInstance(
        scope,
        "Database",
        engine=rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_17_6),
        vpc=vpc,
        vpc_subnets=isolated,
        security_groups=[database_group],
        port=5432,
        parameters={"rds.force_ssl": "1", "log_min_duration_statement": "1000"},
        iam_authentication=True,
        cloudwatch_logs_exports=["postgresql"],
        deletion_protection=True,
        removal_policy=RemovalPolicy.SNAPSHOT,
        publicly_accessible=False,
        instance_type=ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.MEDIUM),
        multi_az=True,
        storage_type=rds.StorageType.GP3,
        allocated_storage=20,
        max_allocated_storage=100,
        backup_retention=Duration.days(7),
        auto_minor_version_upgrade=True,
        database_name="app",
        storage_encrypted=True,
        credentials=rds.Credentials.from_username("postgres"),
        manage_master_user_password=True,
    )
    resource = database.node.default_child
    assert isinstance(resource, CfnResource)
    resource.cfn_options.update_replace_policy = CfnDeletionPolicy.RETAIN  # a replacement is empty
    master_secret = database.secret
    assert master_secret is not None
    host = database.db_instance_endpoint_address
    secret = secretsmanager.Secret(
        scope,
        "ApplicationSecret",
        description="Password of the database user app",
        generate_secret_string=secretsmanager.SecretStringGenerator(
            secret_string_template=f'{{"engine":"postgres","host":"{host}","port":5432,"username":"app","dbname":"app"}}',
            generate_string_key="password",
            password_length=32,
            exclude_characters=NOT_IN_PASSWORDS,
        ),
    )
    rotation_group = ec2.SecurityGroup(
        scope, "RotationGroup", vpc=vpc, description="Rotation", allow_all_outbound=False
    )
    rotation_group.add_egress_rule(endpoint_group, ec2.Port.HTTPS)
    rotation_group.add_egress_rule(database_group, tcp)
    database_group.add_ingress_rule(rotation_group, tcp, None, True)
    secret.add_rotation_schedule(
        "Rotation",
        automatically_after=Duration.days(30),
        rotate_immediately_on_update=False,
        hosted_rotation=secretsmanager.HostedRotation.postgre_sql_single_user(
            vpc=vpc,
            vpc_subnets=isolated,
            security_groups=[rotation_group],
            exclude_characters=NOT_IN_PASSWORDS,
        ),
    )
    proxy_group = ec2.SecurityGroup(
        scope, "ProxyGroup", vpc=vpc, description="RDS Proxy", allow_all_outbound=False
    )
    proxy = rds.DatabaseProxy(
        scope,
        "Proxy",
        proxy_target=rds.ProxyTarget.from_instance(database),
        secrets=[secret, master_secret],
        vpc=vpc,
        vpc_subnets=isolated,
        security_groups=[proxy_group],
        role=iam.Role(scope, "ProxyRole", assumed_by=iam.ServicePrincipal("rds.amazonaws.com")),
        iam_auth=True,
        require_tls=True,
        max_connections_percent=90,
        borrow_timeout=Duration.seconds(10),
        idle_client_timeout=Duration.minutes(30),
    )
    database_alarms(scope, database, proxy)
    endpoint = proxy.endpoint
    for name, reserved, user in (("Function", 50, "app"), ("Migrate", 1, "postgres")):
        client = function(scope, name, vpc=vpc, reserved=reserved)
        role = client.role
        assert role is not None
        proxy.grant_connect(iam.Policy(scope, f"{name}Connects", roles=[role]), user)
        (group,) = client.connections.security_groups
        proxy_group.add_ingress_rule(group, tcp, None, True)
        variables = {"HOST": endpoint, "PORT": "5432", "NAME": "app", "USER": user}
        if user == "postgres":
            secret.grant_read(client)
            variables |= {"APPLICATION_USER": "app", "APPLICATION_SECRET_ARN": secret.secret_arn}
        for variable, value in variables.items():
            client.add_environment(f"DATABASE_{variable}", value)


def private_vpc(scope: Construct) -> ec2.Vpc:
    """Make a VPC that leads nowhere, and that logs what was refused."""
    vpc = ec2.Vpc(
        scope,
        "Vpc",
        ip_addresses=ec2.IpAddresses.cidr("10.0.0.0/16"),
        max_azs=2,
        nat_gateways=0,
        restrict_default_security_group=False,
        subnet_configuration=[
            ec2.SubnetConfiguration(
                name="Isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=22
            )
        ],
        gateway_endpoints={
            "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
            "DynamoDb": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.DYNAMODB),
        },
    )
    log_group = logs.LogGroup(
        scope, "FlowLogs", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
    )
    role = iam.Role(
        scope,
        "FlowLogsRole",
        assumed_by=iam.ServicePrincipal(
            "vpc-flow-logs.amazonaws.com",
            conditions={"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}},
        ),
    )
    vpc.add_flow_log(
        "Refused",
        destination=ec2.FlowLogDestination.to_cloud_watch_logs(log_group, role),
        traffic_type=ec2.FlowLogTrafficType.REJECT,
    )
    return vpc


def database_alarms(scope: Construct, database: rds.DatabaseInstance, proxy: rds.DatabaseProxy) -> None:
    """Make the alarms of a database and its proxy."""
    see = watch(scope)
    name = proxy.db_proxy_name
    of_proxy = {"ProxyName": name}

    def metric(metric_name: str, statistic: str, dimensions: dict[str, str]) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/RDS",
            metric_name=metric_name,
            dimensions_map=dimensions,
            statistic=statistic,
            period=see.minute,
        )

    def share(expression: str, label: str, **metrics: cloudwatch.Metric) -> cloudwatch.MathExpression:
        return cloudwatch.MathExpression(
            expression=expression, label=label, using_metrics=metrics, period=see.minute
        )

    allowed = metric("MaxDatabaseConnectionsAllowed", "Sum", of_proxy)
    see.alarm(
        "ProxyConnections",
        share(
            "100 * open / allowed",
            "Connections of the proxy (%)",
            open=metric("DatabaseConnections", "Sum", of_proxy),
            allowed=allowed,
        ),
        above=75,
    )
    borrowing = metric("DatabaseConnectionsBorrowLatency", "Average", of_proxy)
    see.alarm("BorrowLatency", borrowing, above=100_000)
    see.alarm(
        "PinnedSessions",
        share(
            "100 * pinned / allowed",
            "Pinned connections (%)",
            pinned=metric("DatabaseConnectionsCurrentlySessionPinned", "Sum", of_proxy),
            allowed=allowed,
        ),
        above=10,
    )
    see.alarm(
        "DatabaseCpu", database.metric_cpu_utilization(period=see.minute, statistic="Average"), above=90
    )
    see.alarm(
        "DatabaseConnections",
        share(
            "90 * open / allowed",
            "Connections of the database (%)",
            open=database.metric_database_connections(period=see.minute, statistic="Maximum"),
            allowed=metric(
                "MaxDatabaseConnectionsAllowed",
                "Sum",
                of_proxy | {"TargetGroup": "default", "TargetRole": "READ_WRITE"},
            ),
        ),
        above=90,
    )
    see.alarm(
        "FreeStorage",
        database.metric_free_storage_space(period=see.minute, statistic="Minimum"),
        above=1_073_741_824,
        comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
    )


SCENES: Final[dict[str, Callable[[Construct], None]]] = {
    scene.__name__: scene
    for scene in (
        python_function,
        queue_consumer,
        live_alias,
        async_destinations,
        rest_api,
        http_api,
        proxied_database,
    )
}
