"""Functions that may write what invokes them, by whichever policy, before or later, here or in another stack."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, Aws, CfnResource, Duration, NestedStack, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs

from constructs_lib import (
    AsyncDestinations,
    BucketEvents,
    EventRule,
    KinesisConsumer,
    PythonFunction,
    QueueConsumer,
    TopicSubscription,
)
from tests.gallery.parts import bucket, live, queue, topic
from tests.gallery.plain_function import function
from tests.practice.report import Found, findings

OBJECT_RULE = "Stack/Source/Rule/Resource"


def own_writes(app: App) -> list[Found]:
    return findings(app, "invokes-itself")


def let(worker: lambda_.Function, action: str, *resources: str, **details: Any) -> None:
    worker.add_to_role_policy(iam.PolicyStatement(actions=[action], resources=list(resources), **details))


# --- each source, invoked by ours and by plain CDK -------------------------------------------------------


def our_queue(stack: Stack, called: lambda_.Alias) -> tuple[str, str, str]:
    consumer = QueueConsumer(stack, "Source", function=called)
    return "sqs:SendMessage", consumer.queue.queue_arn, "Stack/Source/EventSourceMapping/Resource"


def cdks_queue(stack: Stack, called: lambda_.Alias) -> tuple[str, str, str]:
    place = queue(stack)
    mapping = lambda_.EventSourceMapping(stack, "Source", target=called, event_source_arn=place.queue_arn)
    return "sqs:SendMessage", place.queue_arn, f"{mapping.node.path}/Resource"


def our_topic(stack: Stack, called: lambda_.Alias) -> tuple[str, str, str]:
    place = topic(stack)
    TopicSubscription(stack, "Source", function=called, topic=place)
    return "sns:Publish", place.topic_arn, "Stack/Source/Subscription/Resource"


def cdks_topic(stack: Stack, called: lambda_.Alias) -> tuple[str, str, str]:
    place = topic(stack)
    subscription = place.add_subscription(subscriptions.LambdaSubscription(called))
    return "sns:Publish", place.topic_arn, f"{subscription.node.path}/Resource"


def our_bus(stack: Stack, called: lambda_.Alias) -> tuple[str, str, str]:
    bus = events.EventBus(stack, "Bus")
    pattern = events.EventPattern(detail={"x": ["y"]})
    EventRule(stack, "Source", function=called, event_bus=bus, event_pattern=pattern)
    return "events:PutEvents", bus.event_bus_arn, "Stack/Source/Rule/Resource"


def cdks_default_bus(stack: Stack, called: lambda_.Alias) -> tuple[str, str, str]:
    everything = events.EventPattern(account=["123456789012"])
    events.Rule(stack, "Source", event_pattern=everything, targets=[targets.LambdaFunction(called)])
    default = events.EventBus.from_event_bus_name(stack, "Default", "default")
    return "events:PutEvents", default.event_bus_arn, "Stack/Source/Resource"


def our_bucket(stack: Stack, called: lambda_.Alias) -> tuple[str, str, str]:
    objects = bucket(stack)
    BucketEvents(stack, "Source", function=called, bucket=objects)
    return "s3:PutObject", objects.arn_for_objects("*"), OBJECT_RULE


def cdks_bucket(stack: Stack, called: lambda_.Alias) -> tuple[str, str, str]:
    objects = bucket(stack)
    objects.add_object_created_notification(notifications.LambdaDestination(called))
    return "s3:PutObject", objects.arn_for_objects("*"), "Stack/Bucket/Notifications/Resource"


def topic_and_queue(stack: Stack, called: lambda_.Alias) -> tuple[str, str, str]:
    place, between = topic(stack), queue(stack)
    place.add_subscription(subscriptions.SqsSubscription(between))
    lambda_.EventSourceMapping(stack, "Source", target=called, event_source_arn=between.queue_arn)
    return "sns:Publish", place.topic_arn, "Stack/Source/Resource"


def bus_and_queue(stack: Stack, called: lambda_.Alias) -> tuple[str, str, str]:
    bus, between = events.EventBus(stack, "Bus"), queue(stack)
    everything = events.EventPattern(account=["123456789012"])
    events.Rule(stack, "Rule", event_bus=bus, event_pattern=everything, targets=[targets.SqsQueue(between)])
    lambda_.EventSourceMapping(stack, "Source", target=called, event_source_arn=between.queue_arn)
    return "events:PutEvents", bus.event_bus_arn, "Stack/Source/Resource"


SOURCES: tuple[Callable[[Stack, lambda_.Alias], tuple[str, str, str]], ...] = (
    our_queue,
    cdks_queue,
    our_topic,
    cdks_topic,
    our_bus,
    cdks_default_bus,
    our_bucket,
    cdks_bucket,
    topic_and_queue,
    bus_and_queue,
)


@pytest.mark.parametrize("source", SOURCES)
def test_a_function_that_may_write_what_invokes_it_fails_synth(app: App, stack: Stack, source: Any) -> None:
    worker = function(stack)
    action, resource, path = source(stack, live(worker))
    let(worker, action, resource)
    (found,) = own_writes(app)
    assert (found.severity, found.path) == ("error", path)
    assert found.text.startswith("Stack/Function ")
    assert "Each invocation can cause the next" in found.text
    assert "RecursiveLoop" in found.fix


@pytest.mark.parametrize("source", SOURCES)
def test_a_function_that_may_write_elsewhere_is_accepted(app: App, stack: Stack, source: Any) -> None:
    worker = function(stack)
    action, _, _ = source(stack, live(worker))
    service = action.partition(":")[0]
    let(
        worker,
        action,
        f"arn:aws:{service}:us-east-1:123456789012:elsewhere",
        f"arn:aws:{service}:::elsewhere/*",
    )
    assert own_writes(app) == []


@pytest.mark.parametrize("source", SOURCES)
def test_a_loop_that_is_meant_is_set_on_the_function(app: App, stack: Stack, source: Any) -> None:
    worker = function(stack, recursive_loop=lambda_.RecursiveLoop.ALLOW)
    action, resource, _ = source(stack, live(worker))
    let(worker, action, resource)
    assert own_writes(app) == []


@pytest.mark.parametrize(
    ("source", "policy_in"), [(cdks_queue, "Stack"), (cdks_topic, "Theirs"), (our_bucket, "Stack")]
)
def test_the_parts_may_be_in_two_stacks(app: App, source: Any, policy_in: str) -> None:
    """The source is in one stack, the function and its role in another, and the policy where CDK allows it."""
    stack, theirs = Stack(app, "Stack"), Stack(app, "Theirs")
    worker = function(theirs)
    assert worker.role is not None
    action, resource, path = source(stack, live(worker))
    home = {"Stack": stack, "Theirs": theirs}[policy_in]
    iam.ManagedPolicy(
        home,
        "Writes",
        statements=[iam.PolicyStatement(actions=[action], resources=[resource])],
        roles=[iam.Role.from_role_name(home, "Role", worker.role.role_name)],
    )
    assert [found.path.partition("/")[2] for found in own_writes(app)] == [path.partition("/")[2]]


def test_the_parts_may_be_in_a_nested_stack(app: App, stack: Stack) -> None:
    nested = NestedStack(stack, "Nested")
    worker = function(nested)
    place = queue(nested)
    QueueConsumer(
        nested,
        "Consumer",
        function=live(worker),
        queue=sqs.Queue.from_queue_arn(nested, "Imported", place.queue_arn),
    )
    place.grant_send_messages(worker)
    assert [found.path for found in own_writes(app)] == ["Stack/Nested/Consumer/EventSourceMapping/Resource"]


def test_what_another_function_does_with_it_does_not_count(app: App, stack: Stack) -> None:
    """The other one is invoked synchronously, and has results only of asynchronous invocations."""
    first, second, jobs = function(stack, "First"), function(stack, "Second"), queue(stack)
    first_live, second_live = live(first, "FirstLive"), live(second, "SecondLive")
    lambda_.EventSourceMapping(stack, "Source", target=first_live, event_source_arn=jobs.queue_arn)
    AsyncDestinations(stack, "Results", function=first_live, on_success=second_live)
    jobs.grant_send_messages(second)
    assert own_writes(app) == []


# --- which policies count --------------------------------------------------------------------------------


def managed(stack: Stack, worker: lambda_.Function, statement: iam.PolicyStatement) -> None:
    assert isinstance(worker.role, iam.Role)
    worker.role.add_managed_policy(iam.ManagedPolicy(stack, "Managed", statements=[statement]))


def attached(stack: Stack, worker: lambda_.Function, statement: iam.PolicyStatement) -> None:
    assert worker.role is not None
    iam.Policy(stack, "Attached", statements=[statement], roles=[worker.role])


def managed_for_the_role(stack: Stack, worker: lambda_.Function, statement: iam.PolicyStatement) -> None:
    assert worker.role is not None
    iam.ManagedPolicy(stack, "Managed", statements=[statement], roles=[worker.role])


def inline(stack: Stack, worker: lambda_.Function, statement: iam.PolicyStatement) -> None:
    assert worker.role is not None
    role = worker.role.node.default_child
    assert isinstance(role, iam.CfnRole)
    document = stack.resolve(iam.PolicyDocument(statements=[statement]))
    role.add_property_override("Policies", [{"PolicyName": "Inline", "PolicyDocument": document}])


def own(stack: Stack, worker: lambda_.Function, statement: iam.PolicyStatement) -> None:
    worker.add_to_role_policy(statement)


@pytest.mark.parametrize("give", [managed, attached, managed_for_the_role, inline, own])
@pytest.mark.parametrize("later", [False, True], ids=["before", "later"])
def test_whatever_policy_lets_the_function_write_counts(
    app: App, stack: Stack, give: Any, later: bool
) -> None:
    worker, objects = function(stack), bucket(stack)
    called = live(worker)
    may = iam.PolicyStatement(actions=["s3:Put*"], resources=[objects.arn_for_objects("*")])
    if not later:
        give(stack, worker, may)
    BucketEvents(stack, "Source", function=called, bucket=objects)
    if later:
        give(stack, worker, may)
    (found,) = own_writes(app)
    assert found.path == OBJECT_RULE
    assert "Stack/Function has s3:PutObject on objects of the bucket Stack/Bucket" in found.text


@pytest.mark.parametrize("policy", ["AdministratorAccess", "AmazonSQSFullAccess"])
def test_a_policy_of_aws_that_lets_the_function_write_counts(app: App, stack: Stack, policy: str) -> None:
    worker = function(stack)
    QueueConsumer(stack, "Source", function=live(worker))
    assert isinstance(worker.role, iam.Role)
    worker.role.add_managed_policy(iam.ManagedPolicy.from_aws_managed_policy_name(policy))
    assert len(own_writes(app)) == 1


@pytest.mark.parametrize(
    "given",
    ["arn:aws:s3:::*", "arn:aws:s3:::*/*", "arn:*:s3:::*", "*", f"arn:{Aws.PARTITION}:s3:::*/*"],
    ids=["buckets", "objects", "any partition", "everything", "the stack's partition"],
)
def test_a_permission_on_all_buckets_is_one_on_this_bucket(app: App, stack: Stack, given: str) -> None:
    worker, objects = function(stack), bucket(stack)
    let(worker, "s3:PutObject", given)
    BucketEvents(stack, "Source", function=live(worker), bucket=objects)
    assert [found.path for found in own_writes(app)] == [OBJECT_RULE]


@pytest.mark.parametrize("given", ["arn:aws:s3:::others", "arn:aws:s3:::others/*", "arn:aws:sqs:::*"])
def test_a_permission_on_other_things_does_not_count(app: App, stack: Stack, given: str) -> None:
    worker, objects = function(stack), bucket(stack)
    let(worker, "s3:PutObject", given)
    BucketEvents(stack, "Source", function=live(worker), bucket=objects)
    assert own_writes(app) == []


def test_a_permission_for_all_other_actions_or_resources_counts(app: App, stack: Stack) -> None:
    worker, place, objects = function(stack), topic(stack), bucket(stack)
    called = live(worker)
    TopicSubscription(stack, "Source", function=called, topic=place)
    BucketEvents(stack, "Objects", function=called, bucket=objects)
    worker.add_to_role_policy(iam.PolicyStatement(not_actions=["iam:*", "s3:*"], resources=["*"]))
    worker.add_to_role_policy(
        iam.PolicyStatement(actions=["s3:*"], not_resources=[objects.arn_for_objects("*")])
    )
    assert [found.path for found in own_writes(app)] == ["Stack/Source/Subscription/Resource"]


@pytest.mark.parametrize("is_conditional", [False, True])
def test_what_is_denied_does_not_count_unless_under_a_condition(
    app: App, stack: Stack, is_conditional: bool
) -> None:
    worker = function(stack)
    consumer = QueueConsumer(stack, "Source", function=live(worker))
    let(worker, "sqs:*", "*")
    condition = {"StringEquals": {"aws:PrincipalTag/x": "y"}}
    let(
        worker,
        "sqs:SendMessage",
        consumer.queue.queue_arn,
        effect=iam.Effect.DENY,
        conditions=condition if is_conditional else None,
    )
    assert len(own_writes(app)) == is_conditional


# --- buckets: which keys ---------------------------------------------------------------------------------


def written(stack: Stack, worker: lambda_.Function, objects: s3.Bucket, path: str) -> None:
    objects.grant_put(worker, path)


def by_statement(stack: Stack, worker: lambda_.Function, objects: s3.Bucket, path: str) -> None:
    let(worker, "s3:*", objects.arn_for_objects(path))


def our_rule(stack: Stack, worker: PythonFunction, objects: s3.Bucket, keys: dict[str, str]) -> None:
    BucketEvents(stack, "Source", function=live(worker), bucket=objects, **keys)  # type: ignore[arg-type]


def notification(stack: Stack, worker: PythonFunction, objects: s3.Bucket, keys: dict[str, str]) -> None:
    filters = [s3.NotificationKeyFilter(**keys)] if keys else []
    objects.add_object_created_notification(notifications.LambdaDestination(live(worker)), *filters)


@pytest.mark.parametrize("grant", [written, by_statement])
@pytest.mark.parametrize("listen", [our_rule, notification])
@pytest.mark.parametrize(
    ("path", "keys", "is_own"),
    [
        ("*", {}, True),
        ("*", {"prefix": "uploads/"}, True),
        ("uploads/*", {"prefix": "uploads/"}, True),
        ("uploads/small/*", {"prefix": "uploads/"}, True),
        ("up*", {"prefix": "uploads/", "suffix": ".jpg"}, True),
        ("*.jpg", {"suffix": ".jpg"}, True),
        ("thumbnails/*", {"suffix": ".jpg"}, True),
        ("thumbnails/*", {"prefix": "uploads/"}, False),
        ("*.png", {"suffix": ".jpg"}, False),
        ("thumbnails/*.png", {"prefix": "thumbnails/", "suffix": ".jpg"}, False),
    ],
)
def test_keys_are_compared(
    app: App, stack: Stack, grant: Any, listen: Any, path: str, keys: dict[str, str], is_own: bool
) -> None:
    worker, objects = function(stack), bucket(stack)
    grant(stack, worker, objects, path)
    grant(stack, worker, bucket(stack, "Another"), "*")
    listen(stack, worker, objects, keys)
    assert len(own_writes(app)) == is_own


@pytest.mark.parametrize(
    ("matcher", "is_own"),
    [
        ([{"anything-but": {"prefix": "results/"}}], False),
        ([{"anything-but": {"prefix": "uploads/"}}], True),
        ([{"anything-but": ["results/one"]}], True),
        ([{"wildcard": "*/x"}], True),
        ([{"wildcard": "up*/x"}], False),
        ([{"equals-ignore-case": "RESULTS/ONE"}], True),
        ([{"exists": False}], False),
        (["uploads/a", {"suffix": "b"}], True),
        (["uploads/a"], False),
    ],
)
def test_a_rule_by_hand_is_compared(app: App, stack: Stack, matcher: list[Any], is_own: bool) -> None:
    worker, objects = function(stack), bucket(stack)
    objects.grant_put(worker, "results/*")
    pattern = events.EventPattern(
        source=["aws.s3"], detail={"bucket": {"name": [objects.bucket_name]}, "object": {"key": matcher}}
    )
    events.Rule(stack, "Rule", event_pattern=pattern, targets=[targets.LambdaFunction(live(worker))])
    assert len(own_writes(app)) == is_own


def test_deleting_what_was_deleted_is_a_loop_too(app: App, stack: Stack) -> None:
    worker, objects = function(stack), bucket(stack)
    called = live(worker)
    objects.grant_delete(worker)
    BucketEvents(stack, "Created", function=called, bucket=objects)
    both = ["Object Created", "Object Deleted"]
    BucketEvents(stack, "Deleted", function=called, bucket=objects, event_types=both)
    (found,) = own_writes(app)
    assert found.path == "Stack/Deleted/Rule/Resource"
    assert "has s3:DeleteObject" in found.text


def test_an_imported_bucket_is_known_by_its_name(app: App, stack: Stack) -> None:
    worker, objects = function(stack), s3.Bucket.from_bucket_name(stack, "Theirs", "theirs")
    let(worker, "s3:PutObject", "arn:aws:s3:::theirs/*")
    BucketEvents(stack, "Source", function=live(worker), bucket=objects)
    assert [found.path for found in own_writes(app)] == [OBJECT_RULE]


# --- buses and topics: which events ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "is_own"),
    [
        (events.Match.prefix(""), True),
        (events.Match.exists(), True),
        (["trips"], False),
        (events.Match.prefix("trips"), False),
    ],
    ids=["any prefix", "exists", "one", "prefix"],
)
def test_a_source_in_the_pattern_ends_the_loop(app: App, stack: Stack, source: Any, is_own: bool) -> None:
    worker, bus = function(stack), events.EventBus(stack, "Bus")
    pattern = events.EventPattern(source=source, detail={"x": ["y"]})
    EventRule(stack, "Source", function=live(worker), event_bus=bus, event_pattern=pattern)
    bus.grant_put_events_to(worker)
    assert len(own_writes(app)) == is_own


def test_a_filter_of_the_subscription_ends_the_loop(app: App, stack: Stack) -> None:
    worker, place = function(stack), topic(stack)
    place.grant_publish(worker)
    wanted = {"type": sns.SubscriptionFilter.string_filter(allowlist=["new"])}
    TopicSubscription(stack, "Source", function=live(worker), topic=place, filter_policy=wanted)
    assert own_writes(app) == []


# --- logs and streams ------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["", "ERROR"])
def test_a_function_that_reads_all_its_own_logs_fails_synth(app: App, stack: Stack, pattern: str) -> None:
    worker = function(stack)
    logs.CfnSubscriptionFilter(
        stack,
        "Logs",
        destination_arn=worker.function_arn,
        filter_pattern=pattern,
        log_group_name=worker.log_group.log_group_name,
    )
    assert [found.path for found in own_writes(app)] == (["Stack/Logs"] if not pattern else [])


def table_source(stack: Stack, worker: lambda_.Function, **arguments: Any) -> Any:
    table = dynamodb.Table(
        stack,
        "Table",
        partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
        stream=dynamodb.StreamViewType.NEW_IMAGE,
    )
    start = lambda_.StartingPosition.LATEST
    worker.add_event_source(sources.DynamoEventSource(table, starting_position=start, **arguments))
    return table.grant_write_data


def stream_source(stack: Stack, worker: lambda_.Function, **arguments: Any) -> Any:
    stream = kinesis.Stream(stack, "Stream", retention_period=Duration.days(1))
    start = lambda_.StartingPosition.LATEST
    worker.add_event_source(sources.KinesisEventSource(stream, starting_position=start, **arguments))
    return stream.grant_write


@pytest.mark.parametrize("source", [table_source, stream_source])
def test_a_function_that_writes_into_its_stream_is_warned_of(app: App, stack: Stack, source: Any) -> None:
    worker = function(stack)
    source(stack, worker)(worker)
    (found,) = findings(app, "writes-to-own-stream")
    assert found.severity == "warning"
    assert "whose stream invokes it" in found.text


@pytest.mark.parametrize("source", [table_source, stream_source])
def test_a_filter_of_the_stream_ends_the_loop(app: App, stack: Stack, source: Any) -> None:
    worker = function(stack)
    inserted = lambda_.FilterCriteria.filter({"eventName": lambda_.FilterRule.is_equal("INSERT")})
    source(stack, worker, filters=[inserted])(worker)
    assert findings(app, "writes-to-own-stream") == []


def fan_out(stack: Stack, stream: kinesis.Stream, worker: lambda_.Function) -> None:
    consumer = kinesis.StreamConsumer(stack, "Reader", stream=stream, stream_consumer_name="reader")
    worker.add_event_source(
        sources.KinesisConsumerEventSource(consumer, starting_position=lambda_.StartingPosition.LATEST)
    )


def by_our_fan_out(stack: Stack, stream: kinesis.Stream, worker: lambda_.Function) -> None:
    KinesisConsumer(stack, "Source", function=worker, stream=stream, enhanced_fan_out=True)


@pytest.mark.parametrize("read", [fan_out, by_our_fan_out])
def test_enhanced_fan_out_leads_to_its_stream(app: App, stack: Stack, read: Any) -> None:
    worker, stream = function(stack), kinesis.Stream(stack, "Stream")
    read(stack, stream, worker)
    stream.grant_write(worker)
    (found,) = findings(app, "writes-to-own-stream")
    assert " on Stack/Stream, whose stream invokes it." in found.text


@pytest.mark.parametrize("is_filtered", [False, True])
def test_a_filter_of_a_pipe_ends_the_loop(app: App, stack: Stack, is_filtered: bool) -> None:
    worker, stream = function(stack), kinesis.Stream(stack, "Stream")
    stream.grant_write(worker)
    filters = {"FilterCriteria": {"Filters": [{"Pattern": '{"data": {"type": ["moved"]}}'}]}}
    start = {"KinesisStreamParameters": {"StartingPosition": "LATEST"}}
    CfnResource(
        stack,
        "Pipe",
        type="AWS::Pipes::Pipe",
        properties={
            "RoleArn": "arn:aws:iam::123456789012:role/pipe",
            "Source": stream.stream_arn,
            "Target": worker.function_arn,
            "SourceParameters": start | filters if is_filtered else start,
        },
    )
    assert len(findings(app, "writes-to-own-stream")) == (not is_filtered)


@pytest.mark.parametrize(
    ("event", "action", "is_own"),
    [
        (s3.EventType.OBJECT_RESTORE_POST, "s3:RestoreObject", True),
        (s3.EventType.OBJECT_RESTORE_COMPLETED, "s3:RestoreObject", True),
        (s3.EventType.OBJECT_RESTORE_DELETE, "s3:RestoreObject", False),
        (s3.EventType.OBJECT_TAGGING, "s3:PutObjectTagging", True),
        (s3.EventType.OBJECT_TAGGING, "s3:DeleteObjectTagging", True),
        (s3.EventType.OBJECT_TAGGING_PUT, "s3:PutObjectTagging", True),
        (s3.EventType.OBJECT_TAGGING_PUT, "s3:DeleteObjectTagging", False),
        (s3.EventType.OBJECT_TAGGING_DELETE, "s3:PutObjectTagging", False),
        (s3.EventType.OBJECT_REMOVED, "s3:DeleteObject", True),
        (s3.EventType.LIFECYCLE_EXPIRATION, "s3:DeleteObject", False),
    ],
)
def test_a_notification_is_of_its_events_alone(
    app: App, stack: Stack, event: s3.EventType, action: str, is_own: bool
) -> None:
    worker, objects = function(stack), bucket(stack)
    let(worker, action, objects.arn_for_objects("*"))
    objects.add_event_notification(event, notifications.LambdaDestination(live(worker)))
    assert len(own_writes(app)) == is_own
