"""The rules that are not about loops, beside their examples on the page: what they compare, and what they accept."""

from collections.abc import Iterator
from typing import Any

import pytest
from aws_cdk import App, Duration, Environment, Stack
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm

from constructs_lib import (
    AsyncDestinations,
    Authorization,
    BucketEvents,
    EventRule,
    KillSwitch,
    LiveAlias,
    ParametersAndSecrets,
    ProvisionedApi,
    QueueConsumer,
    ScheduledInvocation,
    TopicSubscription,
)
from constructs_lib.practice.assembly import Assembly
from constructs_lib.practice.flows import Flows
from constructs_lib.practice.function_policies import _sizes
from constructs_lib.practice.rules import findings as of_assembly
from tests.gallery.database import database
from tests.gallery.event_sources import TRIPS
from tests.gallery.parts import bucket, live, queue, topic
from tests.gallery.plain_function import function
from tests.practice.report import EVERYWHERE, errors, findings

SHORT = Duration.seconds(10)
"""The timeout of a function behind an API."""


def found(*rules: str, **templates: Any) -> list[str]:
    """What rules find in some templates, as rule and path."""
    assembly = Assembly.of(templates)
    return [
        f"{rule.id} {finding.resource.path}"
        for rule, finding in of_assembly(assembly)
        if (rule.id in rules if rules else rule.id != EVERYWHERE)
    ]


def resources(**each: Any) -> dict[str, Any]:
    return {"Resources": each}


# --- destinations ----------------------------------------------------------------------------------------


def our_bucket(stack: Stack, called: Any) -> str:
    BucketEvents(stack, "Source", function=called, bucket=bucket(stack))
    return "Stack/Source/Rule/Resource"


def our_topic(stack: Stack, called: Any) -> str:
    TopicSubscription(stack, "Source", function=called, topic=topic(stack))
    return "Stack/Source/Subscription/Resource"


def our_rule(stack: Stack, called: Any) -> str:
    EventRule(stack, "Source", function=called, event_pattern=TRIPS)
    return "Stack/Source/Rule/Resource"


def our_schedule(stack: Stack, called: Any) -> str:
    hourly = scheduler.ScheduleExpression.rate(Duration.hours(1))
    ScheduledInvocation(stack, "Source", function=called, schedule=hourly)
    return "Stack/Source/Schedule/Resource"


def cdks_schedule(stack: Stack, called: Any) -> str:
    hourly = events.Schedule.rate(Duration.hours(1))
    events.Rule(stack, "Source", schedule=hourly, targets=[targets.LambdaFunction(called)])
    return "Stack/Source/Resource"


def cdks_topic(stack: Stack, called: Any) -> str:
    made = topic(stack).add_subscription(subscriptions.LambdaSubscription(called))
    return f"{made.node.path}/Resource"


def cdks_bucket(stack: Stack, called: Any) -> str:
    bucket(stack).add_object_created_notification(notifications.LambdaDestination(called))
    return "Stack/Bucket/Notifications/Resource"


def results_of_another(stack: Stack, called: Any) -> str:
    AsyncDestinations(
        stack, "Source", function=live(function(stack, "Other"), "OtherLive"), on_success=called
    )
    return "Stack/Source/EventInvokeConfig/Resource"


ASYNCHRONOUS = (
    our_bucket,
    our_topic,
    our_rule,
    our_schedule,
    cdks_schedule,
    cdks_topic,
    cdks_bucket,
    results_of_another,
)


@pytest.mark.parametrize("source", ASYNCHRONOUS)
def test_a_source_past_the_destinations_fails_synth(app: App, stack: Stack, source: Any) -> None:
    worker = function(stack)
    path = source(stack, worker)
    AsyncDestinations(stack, "Results", function=live(worker))
    (finding,) = findings(app, "destinations-bypassed")
    assert finding.path == path
    source_path = path.removesuffix("/Resource")
    assert f"{source_path} invokes Stack/Function at $LATEST, past the configuration" in finding.text
    assert "on live." in finding.text


def test_a_source_past_the_destinations_may_be_in_another_stack(app: App, stack: Stack) -> None:
    worker = function(stack)
    AsyncDestinations(stack, "Results", function=live(worker))
    cdks_topic(Stack(app, "There"), worker)
    (finding,) = findings(app, "destinations-bypassed")
    assert finding.path.startswith("Stack/Function/") or finding.path.startswith("There/")
    assert "invokes Stack/Function at $LATEST" in finding.text


@pytest.mark.parametrize("source", ASYNCHRONOUS)
def test_a_function_whose_failures_have_nowhere_to_go_is_warned_of(
    app: App, stack: Stack, source: Any
) -> None:
    path = source(stack, live(stack))
    (finding,) = findings(app, "no-destination")
    assert (finding.severity, finding.path) == ("warning", "Stack/Live/Resource")
    assert f"by {path.removesuffix('/Resource')}, and" in finding.text


@pytest.mark.parametrize("source", ASYNCHRONOUS)
@pytest.mark.parametrize("whose", ["ours", "CDK's"])
def test_a_source_of_what_has_destinations_is_accepted(
    app: App, stack: Stack, source: Any, whose: str
) -> None:
    called = live(stack)
    source(stack, called)
    if whose == "ours":
        AsyncDestinations(stack, "Results", function=called)
    else:
        called.configure_async_invoke(retry_attempts=0)
    assert findings(app) == []


def test_one_warning_names_the_sources_of_a_function(app: App, stack: Stack) -> None:
    called = live(stack)
    for number in range(5):
        EventRule(stack, f"Rule{number}", function=called, event_pattern=TRIPS)
    (finding,) = findings(app)
    assert "by Stack/Rule0/Rule, Stack/Rule1/Rule, Stack/Rule2/Rule and 2 more, and has" in finding.text


def test_a_dead_letter_queue_is_a_destination(app: App, stack: Stack) -> None:
    worker = lambda_.Function(
        stack,
        "Plain",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handle",
        code=lambda_.Code.from_inline("def handle(event, context): pass"),
        dead_letter_queue=sqs.Queue(stack, "Dead"),
    )
    our_topic(stack, worker)
    assert findings(app) == []


def test_nothing_is_reported_of_an_imported_function(app: App, stack: Stack) -> None:
    """The configuration of an imported function is not in the app."""
    arn = "arn:aws:lambda:us-east-1:123456789012:function:theirs:live"
    theirs = lambda_.Function.from_function_attributes(
        stack, "Theirs", function_arn=arn, same_environment=True
    )
    our_topic(stack, theirs)
    assert findings(app) == []


def test_a_queue_needs_no_destination(app: App, stack: Stack) -> None:
    QueueConsumer(stack, "Consumer", function=live(stack))
    assert findings(app) == []


# --- consumers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("filtered", [False, True])
def test_two_consumers_of_a_queue_fail_synth(app: App, stack: Stack, filtered: bool) -> None:
    filters = [{"body": {"type": ["x"]}}] if filtered else []
    first = QueueConsumer(stack, "First", function=live(stack), filters=filters)
    other = live(function(stack, "Other"), "OtherLive")
    QueueConsumer(stack, "Second", function=other, queue=first.queue)
    (finding,) = findings(app)
    assert (finding.rule, finding.severity) == ("competing-consumers", "error")
    assert finding.path == "Stack/Second/EventSourceMapping/Resource"
    assert "EventSourceMapping and Stack/First/EventSourceMapping read the same queue" in finding.text
    assert ("deletes the messages that do not match" in finding.text) == filtered


def test_two_consumers_in_two_stacks_fail_synth(app: App, stack: Stack) -> None:
    first = QueueConsumer(stack, "First", function=live(stack))
    there = Stack(app, "There")
    live(there).add_event_source(
        sources.SqsEventSource(sqs.Queue.from_queue_arn(there, "Q", first.queue.queue_arn))
    )
    assert [rule for rule, _ in errors(app)] == ["competing-consumers"]


def mapping(**properties: Any) -> dict[str, Any]:
    condition = properties.pop("condition", None)
    given = {"FunctionName": "worker", "EventSourceArn": "arn:aws:sqs:us-east-1:123456789012:jobs"}
    made: dict[str, Any] = {"Type": "AWS::Lambda::EventSourceMapping", "Properties": given | properties}
    return made | ({"Condition": condition} if condition else {})


MQ = {"EventSourceArn": "arn:aws:mq:us-east-1:123456789012:broker:b:1"}
HOST = {"Type": "VIRTUAL_HOST", "URI": "billing"}
PIPE = {
    "Type": "AWS::Pipes::Pipe",
    "Properties": {"Source": "arn:aws:sqs:us-east-1:123456789012:jobs", "Target": "arn:aws:sns:::x"},
}
TABLE = {"EventSourceArn": "arn:aws:dynamodb:us-east-1:123456789012:table/trips/stream/2026"}


@pytest.mark.parametrize(
    ("mappings", "expected"),
    [
        ([mapping(), mapping()], ["R1"]),
        ([mapping(), mapping(), mapping()], ["R1", "R2"]),
        ([mapping(), PIPE], ["R1"]),
        ([PIPE, PIPE], ["R1"]),
        ([mapping(), mapping(Enabled=False)], []),
        ([mapping(condition="A"), mapping(condition="B")], []),
        ([mapping(condition="A"), mapping(condition="A")], ["R1"]),
        ([mapping(condition="A"), mapping()], ["R1"]),
        ([mapping(), mapping(EventSourceArn="arn:aws:sqs:us-east-1:123456789012:others")], []),
        ([mapping(**MQ, Queues=["a"]), mapping(**MQ, Queues=["a"])], ["R1"]),
        ([mapping(**MQ, Queues=["a"]), mapping(**MQ, Queues=["b"])], []),
        ([mapping(**MQ, Queues=["a"], SourceAccessConfigurations=[HOST])] * 2, ["R1"]),
        ([mapping(**MQ, Queues=["a"]), mapping(**MQ, Queues=["a"], SourceAccessConfigurations=[HOST])], []),
        ([mapping(**TABLE), mapping(**TABLE)], []),
    ],
)
def test_consumers_are_compared(mappings: list[Any], expected: list[str]) -> None:
    template = resources(**{f"R{number}": each for number, each in enumerate(mappings)})
    assert found("competing-consumers", Stack=template) == [
        f"competing-consumers Stack/{name}" for name in expected
    ]


def test_the_third_reader_of_a_stream_is_warned_of() -> None:
    template = resources(**{f"R{number}": mapping(**TABLE) for number in range(4)})
    assert found("stream-readers", Stack=template) == ["stream-readers Stack/R2", "stream-readers Stack/R3"]


# --- policies of functions -------------------------------------------------------------------------------


def rules_on_an_alias(stack: Stack, count: int, called: Any = None) -> Any:
    called = called or live(stack)
    for number in range(count):
        EventRule(
            stack, f"Rule{number}", function=called, event_pattern=TRIPS, alarm_topic=alarm_topic(stack)
        )
    return called


def alarm_topic(stack: Stack) -> sns.Topic:
    known = stack.node.try_find_child("Alarms")
    return known if isinstance(known, sns.Topic) else topic(stack, "Alarms")


def test_sixty_rules_do_not_fit_into_the_policy_of_an_alias(app: App, stack: Stack) -> None:
    rules_on_an_alias(stack, 60)
    (finding,) = findings(app, "function-policy-too-large")
    assert finding.path == "Stack/Live/Resource"
    assert "has 60 statements and at least 2" in finding.text


def test_permissions_of_all_stacks_are_summed_up(app: App) -> None:
    home = Stack(app, "Stack")
    called = rules_on_an_alias(home, 30)
    there = Stack(app, "There")
    for number in range(24):
        rule = events.Rule(there, f"Rule{number}", event_pattern=TRIPS)
        lambda_.CfnPermission(
            there,
            f"Permission{number}",
            action="lambda:InvokeFunction",
            principal="events.amazonaws.com",
            function_name=called.function_arn,
            source_arn=rule.rule_arn,
        )
    (finding,) = findings(app, "function-policy-nearly-full", "function-policy-too-large")
    assert (finding.severity, finding.path) == ("warning", "Stack/Live/Resource")
    assert "has 54 statements" in finding.text


def test_each_qualifier_has_a_policy_of_its_own(app: App, stack: Stack) -> None:
    worker = function(stack)
    rules_on_an_alias(stack, 30, live(worker))
    for number in range(30):
        worker.add_permission(
            f"Invoke{number}",
            principal=iam.ServicePrincipal("events.amazonaws.com"),
            source_arn=f"arn:aws:events:us-east-1:123456789012:rule/a-rule-with-a-name-{number}",
        )
    assert findings(app, "function-policy-nearly-full", "function-policy-too-large") == []


def test_two_apis_on_one_alias_are_summed_up(app: App, stack: Stack) -> None:
    release = LiveAlias(stack, "Live", function=function(stack, timeout=SHORT))
    for api in ("First", "Second"):
        routes = {f"GET /number{number}": release.alias for number in range(30)}
        ProvisionedApi(stack, api, routes=routes, authorization=Authorization.public())
    (finding,) = findings(app, "function-policy-too-large")
    assert finding.path == "Stack/Live/Alias/Resource"
    assert "has 60 statements" in finding.text


def resource_policy(scope: Stack, of: str, construct_id: str = "Policy") -> None:
    document = {"Version": "2012-10-17", "Statement": []}
    lambda_.CfnResourcePolicy(scope, construct_id, resource_arn=of, policy_document=document)


def test_a_resource_policy_overwrites_the_permission_of_a_pattern(app: App, stack: Stack) -> None:
    resource_policy(Stack(app, "There"), rules_on_an_alias(stack, 5).function_arn)
    (finding,) = findings(app, "function-policy-overwritten")
    assert (finding.severity, finding.path) == ("error", "There/Policy")
    assert (
        "There/Policy sets the whole resource-based policy of Stack/Live, and so do Stack/Rule"
        in finding.text
    )
    assert "and 2 more." in finding.text


def test_two_resource_policies_overwrite_each_other(app: App, stack: Stack) -> None:
    worker = function(stack)
    resource_policy(stack, worker.function_arn, "First")
    resource_policy(stack, f"{worker.function_arn}:$LATEST", "Second")
    (finding,) = findings(app, "function-policy-overwritten")
    assert "Stack/First sets the whole" in finding.text
    assert "and so do Stack/Second." in finding.text


def test_a_resource_policy_of_another_qualifier_overwrites_nothing(app: App, stack: Stack) -> None:
    worker = function(stack)
    resource_policy(stack, worker.function_arn)
    rules_on_an_alias(stack, 1, live(worker))
    assert findings(app, "function-policy-overwritten") == []


def statement_sizes() -> Iterator[tuple[dict[str, Any], int]]:
    """Permissions, and the length of the policy that Lambda keeps for them, as get-policy shows it."""
    name = "Stack-Permission-ABCDEFGHIJKL"
    arn = "arn:aws:lambda:us-east-1:123456789012:function:worker"
    sns_arn = "arn:aws:sns:us-east-1:123456789012:trips"
    given = {"Action": "lambda:InvokeFunction", "FunctionName": arn, "Principal": "sns.amazonaws.com"}
    start = f'{{"Version":"2012-10-17","Id":"default","Statement":[{{"Sid":"{name}","Effect":"Allow",'
    service = '"Principal":{"Service":"sns.amazonaws.com"},'
    end = f'"Action":"lambda:InvokeFunction","Resource":"{arn}"'
    yield given, len(f"{start}{service}{end}}}]}}")
    condition = f',"Condition":{{"ArnLike":{{"AWS:SourceArn":"{sns_arn}"}}}}'
    yield given | {"SourceArn": sns_arn}, len(f"{start}{service}{end}{condition}}}]}}")


@pytest.mark.parametrize(("given", "length"), list(statement_sizes()))
def test_the_size_of_a_policy_is_that_of_its_text(given: dict[str, Any], length: int) -> None:
    template = resources(Permission={"Type": "AWS::Lambda::Permission", "Properties": given})
    ((_, size, count),) = _sizes(Flows(Assembly.of({"Stack": template})))
    assert (size, count) == (length, 1)


# --- endpoints -------------------------------------------------------------------------------------------


def rotated(stack: Stack, vpc: ec2.IVpc, **arguments: Any) -> None:
    database(stack, "Database", vpc=vpc, **arguments)


@pytest.mark.parametrize("environment", [None, Environment(account="123456789012", region="eu-west-1")])
@pytest.mark.parametrize(
    "way", ["nothing", "theirs", "ours", "another's", "another stack's", "nothing needed"]
)
def test_a_rotation_without_an_endpoint_is_warned_of(
    app: App, way: str, environment: Environment | None
) -> None:
    stack = Stack(app, "Stack", env=environment)
    vpc = ec2.Vpc(stack, "Mine", max_azs=2, nat_gateways=0)
    secrets = ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER
    if way == "theirs":
        vpc.add_interface_endpoint("Secrets", service=secrets)
    if way == "another's":
        database(stack, "First", vpc=vpc, interface_endpoints=["secretsmanager"])
    if way == "another stack's":
        there = Stack(app, "There", env=environment)
        ec2.InterfaceVpcEndpoint(there, "Secrets", vpc=vpc, service=secrets)
    rotated(
        stack,
        vpc,
        interface_endpoints=["secretsmanager"] if way == "ours" else [],
        authentication="end-to-end-iam" if way == "nothing needed" else "iam",
    )
    warned = findings(app, "endpoint-missing")
    assert [finding.severity for finding in warned] == (["warning"] if way == "nothing" else [])
    assert errors(app) == []


@pytest.mark.parametrize(
    ("subnets", "is_missing"),
    [
        ({"nat_gateways": 1}, False),
        ({"nat_gateways": 0}, True),
        (
            {
                "nat_gateways": 0,
                "subnet_configuration": [
                    ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC)
                ],
            },
            True,
        ),
    ],
    ids=["NAT gateway", "isolated", "public alone"],
)
def test_a_function_has_no_public_address(app: App, stack: Stack, subnets: Any, is_missing: bool) -> None:
    """An internet gateway is of no use to it, a NAT gateway is."""
    vpc = ec2.Vpc(stack, "Mine", max_azs=2, **subnets)
    secret = secretsmanager.Secret(stack, "Secret")
    secretsmanager.CfnRotationSchedule(
        stack,
        "Rotation",
        secret_id=secret.secret_arn,
        hosted_rotation_lambda=secretsmanager.CfnRotationSchedule.HostedRotationLambdaProperty(
            rotation_type="PostgreSQLSingleUser", vpc_subnet_ids=",".join(vpc.select_subnets().subnet_ids)
        ),
    )
    function(stack, "Anything")
    expected = ["Stack/Rotation"] if is_missing else []
    assert [finding.path for finding in findings(app, "endpoint-missing")] == expected


@pytest.mark.parametrize(
    ("nat_gateways", "with_endpoint", "missing"),
    [(0, False, "secretsmanager and ssm"), (0, True, "ssm"), (1, False, "")],
)
def test_a_function_that_reads_secrets_needs_an_endpoint(
    app: App, stack: Stack, nat_gateways: int, with_endpoint: bool, missing: str
) -> None:
    vpc = ec2.Vpc(stack, "Mine", max_azs=2, nat_gateways=nat_gateways)
    if with_endpoint:
        vpc.add_interface_endpoint("Secrets", service=ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER)
    settings = ParametersAndSecrets(
        stack,
        "Settings",
        secrets={"KEY": secretsmanager.Secret(stack, "Secret")},
        parameters={"FEES": ssm.StringParameter(stack, "Fees", string_value="1")},
    )
    settings.connect(function(stack, "Inside", vpc=vpc))
    settings.connect(function(stack, "Outside"))
    function(stack, "ReadsNothing", vpc=vpc)
    found = findings(app, "endpoint-missing")
    assert [(each.path, each.severity) for each in found] == (
        [("Stack/Inside/Resource", "warning")] if missing else []
    )
    if found:
        assert f"no template of the app has an endpoint of {missing} in their VPC" in found[0].text


def test_a_function_that_may_do_everything_is_not_known_to_read_secrets(app: App, stack: Stack) -> None:
    vpc = ec2.Vpc(stack, "Mine", max_azs=2, nat_gateways=0)
    inside = function(stack, "Inside", vpc=vpc)
    inside.add_to_role_policy(iam.PolicyStatement(actions=["*"], resources=["*"]))
    assert findings(app, "endpoint-missing") == []


def test_the_second_endpoint_that_the_advice_would_make_fails_synth(app: App, stack: Stack) -> None:
    vpc = ec2.Vpc(stack, "Mine", max_azs=2, nat_gateways=0)
    vpc.add_interface_endpoint("Secrets", service=ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER)
    rotated(stack, vpc, interface_endpoints=["secretsmanager"])
    assert errors(app) == [("endpoint-twice", "Stack/Database/SecretsmanagerEndpoint/Resource")]


def test_alternating_users_need_rds_too(app: App, stack: Stack) -> None:
    vpc = ec2.Vpc(stack, "Mine", max_azs=2, nat_gateways=0)
    rotated(
        stack, vpc, authentication="secret", alternating_users=True, interface_endpoints=["secretsmanager"]
    )
    (finding,) = findings(app, "endpoint-missing")
    assert "no template of the app has an endpoint of rds in their VPC" in finding.text


def test_a_rotation_by_a_function_of_yours_is_looked_at_too() -> None:
    template = resources(
        Vpc={"Type": "AWS::EC2::VPC"},
        Subnet={"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}}},
        Table={"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
        Association={
            "Type": "AWS::EC2::SubnetRouteTableAssociation",
            "Properties": {"SubnetId": {"Ref": "Subnet"}, "RouteTableId": {"Ref": "Table"}},
        },
        Worker={
            "Type": "AWS::Lambda::Function",
            "Properties": {"VpcConfig": {"SubnetIds": [{"Ref": "Subnet"}]}},
        },
        Rotation={
            "Type": "AWS::SecretsManager::RotationSchedule",
            "Properties": {"RotationLambdaARN": {"Fn::GetAtt": ["Worker", "Arn"]}},
        },
    )
    assert found("endpoint-missing", Stack=template) == ["endpoint-missing Stack/Rotation"]
    template["Resources"].pop("Association")  # the main route table, which no template knows
    assert found("endpoint-missing", Stack=template) == []


def endpoint(service: str, **properties: Any) -> dict[str, Any]:
    given = {"VpcId": "vpc-1", "ServiceName": f"com.amazonaws.us-east-1.{service}", "PrivateDnsEnabled": True}
    return {"Type": "AWS::EC2::VPCEndpoint", "Properties": given | properties}


@pytest.mark.parametrize(
    ("other", "is_second"),
    [
        (endpoint("sqs"), True),
        (endpoint("sns"), False),
        (endpoint("sqs", VpcId="vpc-2"), False),
        (endpoint("sqs", PrivateDnsEnabled=False), False),
        ({"Type": "AWS::EC2::VPCEndpoint", "Properties": {"VpcId": "vpc-1", "ServiceName": "s3"}}, False),
    ],
)
def test_endpoints_are_compared_across_stacks(other: Any, is_second: bool) -> None:
    expected = ["endpoint-twice Two/Endpoint"] if is_second else []
    assert found(One=resources(Endpoint=endpoint("sqs")), Two=resources(Endpoint=other)) == expected


# --- domains ---------------------------------------------------------------------------------------------


def api(stack: Stack, name: str, certificate: acm.ICertificate, *, http: bool) -> None:
    ProvisionedApi(
        stack,
        name,
        routes={
            "GET /": LiveAlias(
                stack, f"{name}Live", function=function(stack, f"{name}F", timeout=SHORT)
            ).alias
        },
        authorization=Authorization.public(),
        http=http,
        domain_name="api.example.com",
        certificate=certificate,
    )


@pytest.mark.parametrize("kinds", [(True, True), (True, False), (False, False)])
def test_two_apis_on_one_domain_fail_synth(app: App, kinds: tuple[bool, bool]) -> None:
    arn = "arn:aws:acm:us-east-1:123456789012:certificate/0"
    for name, http in zip(("First", "Second"), kinds, strict=True):
        stack = Stack(app, name)
        api(stack, "Api", acm.Certificate.from_certificate_arn(stack, "Certificate", arn), http=http)
    assert [rule for rule, _ in errors(app)] == ["domain-taken", "domain-taken"]
    assert len({path.partition("/")[0] for _, path in errors(app)}) == 1


def domain(kind: str, name: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}::DomainName", "Properties": {"DomainName": name}}


def mapped(path: str | None, name: Any = "a.example.com", kind: str = "ApiMapping") -> dict[str, Any]:
    keys = {"ApiMapping": ("ApiGatewayV2", "ApiMappingKey"), "BasePathMapping": ("ApiGateway", "BasePath")}
    service, key = keys[kind]
    properties = {"DomainName": name} | ({} if path is None else {key: path})
    return {"Type": f"AWS::{service}::{kind}", "Properties": properties}


@pytest.mark.parametrize(
    ("first", "second", "is_taken"),
    [
        (mapped(None), mapped(None), True),
        (mapped(None), mapped(""), True),
        (mapped("(none)", kind="BasePathMapping"), mapped(None), True),
        (mapped("v1"), mapped("v1", kind="BasePathMapping"), True),
        (mapped("v1"), mapped("v2"), False),
        (mapped("v1"), mapped(None), False),
        (mapped("v1"), mapped("v1", "b.example.com"), False),
        (mapped("v1", {"Ref": "Name"}), mapped("v1", {"Ref": "Name"}), True),
        (domain("ApiGateway", "a.example.com"), domain("ApiGatewayV2", "a.example.com"), True),
        (domain("ApiGateway", "a.example.com"), domain("ApiGateway", "b.example.com"), False),
    ],
)
def test_domains_and_paths_are_compared(first: Any, second: Any, is_taken: bool) -> None:
    template = {"Parameters": {"Name": {"Type": "String"}}} | resources(First=first, Second=second)
    assert [each.partition(" ")[0] for each in found(Stack=template)] == ["domain-taken"] * is_taken


def test_a_domain_in_another_region_is_another(app: App) -> None:
    for region in ("us-east-1", "eu-west-1"):
        stack = Stack(app, region, env=Environment(account="123456789012", region=region))
        arn = f"arn:aws:acm:{region}:123456789012:certificate/0"
        api(stack, "Api", acm.Certificate.from_certificate_arn(stack, "Certificate", arn), http=True)
    assert errors(app) == []


# --- concurrency and buckets -----------------------------------------------------------------------------


def provisioned_alias(stack: Stack, worker: lambda_.Function) -> None:
    version = worker.current_version
    lambda_.Alias(stack, "Kept", alias_name="kept", version=version, provisioned_concurrent_executions=5)


def scaled_alias(stack: Stack, worker: lambda_.Function) -> None:
    kept = lambda_.Alias(stack, "Kept", alias_name="kept", version=worker.current_version)
    kept.add_auto_scaling(min_capacity=2, max_capacity=10)


def scaled_by_hand(stack: Stack, worker: lambda_.Function) -> None:
    autoscaling.ScalableTarget(
        stack,
        "Kept",
        min_capacity=1,
        max_capacity=2,
        resource_id=f"function:{worker.function_name}:kept",
        scalable_dimension="lambda:function:ProvisionedConcurrency",
        service_namespace=autoscaling.ServiceNamespace.LAMBDA,
    )


@pytest.mark.parametrize("keep", [provisioned_alias, scaled_alias, scaled_by_hand])
@pytest.mark.parametrize("given", ["function", "alias"])
def test_provisioned_concurrency_defeats_a_switch(app: App, stack: Stack, keep: Any, given: str) -> None:
    worker = function(stack)
    called = worker if given == "function" else live(worker)
    KillSwitch(stack, "Switch", function=called, invocations_per_minute=600)
    keep(stack, worker)
    assert errors(app) == [("switch-defeated", "Stack/Switch/StateMachine/Resource")]


def test_provisioned_concurrency_of_another_function_does_not(app: App, stack: Stack) -> None:
    KillSwitch(stack, "Switch", function=function(stack), invocations_per_minute=600)
    provisioned_alias(stack, function(stack, "Other"))
    assert errors(app) == []


def remove_notification(stack: Stack, uploads: s3.Bucket) -> None:
    uploads.add_event_notification(
        s3.EventType.OBJECT_REMOVED, notifications.SqsDestination(queue(stack, "Removed"))
    )


@pytest.mark.parametrize("later", [True, False])
def test_notifications_that_come_later_turn_eventbridge_off(app: App, stack: Stack, later: bool) -> None:
    uploads, called = bucket(stack), live(stack)
    if not later:
        remove_notification(stack, uploads)
    BucketEvents(stack, "Source", function=called, bucket=uploads)
    if later:
        remove_notification(stack, uploads)
    assert errors(app) == ([("notifications-overwritten", "Stack/Bucket/Resource")] if later else [])


@pytest.mark.parametrize(
    ("managed", "overwrites"), [("true", True), (True, True), (None, True), (False, False)]
)
def test_what_adds_to_the_notifications_is_accepted(managed: Any, overwrites: bool) -> None:
    """CDK's custom resource merges what it writes where the bucket was imported."""
    given = {"BucketName": {"Ref": "Bucket"}, "NotificationConfiguration": {}, "Managed": managed}
    own: dict[str, Any] = {"NotificationConfiguration": {"EventBridgeConfiguration": {}}}
    template = resources(
        Bucket={"Type": "AWS::S3::Bucket", "Properties": own},
        Custom={"Type": "Custom::S3BucketNotifications", "Properties": given},
    )
    assert found(Stack=template) == (["notifications-overwritten Stack/Bucket"] if overwrites else [])


def test_following_the_advice_helps(app: App, stack: Stack) -> None:
    uploads = bucket(stack)
    BucketEvents(stack, "Source", function=live(stack), bucket=uploads)
    remove_notification(stack, uploads)
    uploads.enable_event_bridge_notification()
    assert errors(app) == []
