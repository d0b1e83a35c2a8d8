"""A construct in another stack than its function, also in a nested one: no stack waits for another in a circle."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Duration, NestedStack, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib import (
    AsyncDestinations,
    Authorization,
    BucketEvents,
    EventRule,
    FunctionEndpoint,
    InvalidPropsError,
    KillSwitch,
    KinesisConsumer,
    LiveAlias,
    QueueConsumer,
    ScheduledInvocation,
    TableStreamConsumer,
    TopicSubscription,
)
from tests.gallery.event_sources import TRIPS
from tests.gallery.parts import bucket, live, queue, topic
from tests.gallery.plain_function import function
from tests.gallery.streams import stream, table
from tests.template import of_type, resource

# --- circles in a template -------------------------------------------------------------------------------


def mentioned(value: object) -> Iterator[str]:
    """The logical ids that a part of a template refers to or waits for."""
    if isinstance(value, list):
        for part in value:
            yield from mentioned(part)
    elif isinstance(value, dict):
        for name, part in value.items():
            if name == "Ref":
                yield part
            elif name == "Fn::GetAtt":
                yield part[0] if isinstance(part, list) else part.split(".")[0]
            elif name == "Fn::Sub":
                yield from re.findall(r"\$\{(\w+)", str(part))
            elif name == "DependsOn":
                yield from [part] if isinstance(part, str) else part
            else:
                yield from mentioned(part)


def circle(template: dict[str, Any]) -> list[str]:
    """Resources that wait for each other, which CloudFormation refuses; a nested stack is one of them."""
    resources = template["Resources"]
    waits_for = {
        name: sorted({other for other in mentioned(resource) if other in resources})
        for name, resource in resources.items()
    }
    done: set[str] = set()

    def visit(name: str, way: list[str]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name not in done:
            for other in waits_for[name]:
                if found := visit(other, [*way, name]):
                    return found
            done.add(name)
        return []

    return next((found for name in resources if (found := visit(name, []))), [])


def circles(app: App) -> list[list[str]]:
    app.synth()
    templates = [json.loads(path.read_text()) for path in Path(app.outdir).glob("*.template.json")]
    assert templates
    return [found for template in templates if (found := circle(template))]


def test_a_circle_is_seen() -> None:
    def made(**properties: object) -> dict[str, object]:
        return {"Type": "AWS::SQS::Queue", "Properties": properties}

    by_parameters = {
        "Function": {"Type": "AWS::Lambda::Function", "DependsOn": ["Policy"]},
        "Policy": made(Resource={"Fn::GetAtt": ["Nested", "Outputs.QueueArn"]}),
        "Nested": {"Type": "AWS::CloudFormation::Stack", "Properties": {"Parameters": {"F": {"Ref": "Function"}}}},
    }  # fmt: skip
    assert circle({"Resources": by_parameters}) == ["Function", "Policy", "Nested", "Function"]
    by_text = {"A": made(Name={"Fn::Sub": "x-${B}"}), "B": {**made(), "DependsOn": "A"}}
    assert circle({"Resources": by_text}) == ["A", "B", "A"]
    no_circle = {"A": made(Name={"Ref": "B"}), "B": made(Name={"Ref": "AWS::Region"})}
    assert circle({"Resources": no_circle}) == []


# --- where the function is, and where the construct is ---------------------------------------------------

Made = Callable[[Construct, lambda_.Alias], object]
HOURLY = scheduler.ScheduleExpression.rate(Duration.hours(1))

CONSTRUCTS: dict[str, Made] = {
    "QueueConsumer": lambda scope, called: QueueConsumer(scope, "Made", function=called),
    "QueueConsumer under a key": lambda scope, called: QueueConsumer(
        scope, "Made", function=called, encryption_key=kms.Key(scope, "Key")
    ),
    "AsyncDestinations": lambda scope, called: AsyncDestinations(
        scope, "Made", function=called, redrive=True
    ),
    "AsyncDestinations to a bucket": lambda scope, called: AsyncDestinations(
        scope, "Made", function=called, on_success=topic(Stack.of(scope)), on_failure=bucket(Stack.of(scope))
    ),
    "KinesisConsumer": lambda scope, called: KinesisConsumer(
        scope, "Made", function=called, stream=stream(scope), enhanced_fan_out=True, redrive=True
    ),
    "KinesisConsumer to a queue": lambda scope, called: KinesisConsumer(
        scope, "Made", function=called, stream=stream(scope), on_failure=queue(Stack.of(scope)), redrive=True
    ),
    "KinesisConsumer of a stream beside the function": lambda scope, called: KinesisConsumer(
        scope, "Made", function=called, stream=stream(Stack.of(called)), encryption_key=kms.Key(scope, "Key")
    ),
    "TableStreamConsumer": lambda scope, called: TableStreamConsumer(
        scope, "Made", function=called, table=table(scope), redrive=True
    ),
    "TableStreamConsumer of a table beside the function": lambda scope, called: TableStreamConsumer(
        scope, "Made", function=called, table=table(Stack.of(called)), on_failure=topic(Stack.of(scope))
    ),
    "EventRule": lambda scope, called: EventRule(scope, "Made", function=called, event_pattern=TRIPS),
    "BucketEvents": lambda scope, called: BucketEvents(
        scope, "Made", function=called, bucket=bucket(Stack.of(scope))
    ),
    "TopicSubscription": lambda scope, called: TopicSubscription(
        scope, "Made", function=called, topic=topic(Stack.of(scope))
    ),
    "ScheduledInvocation": lambda scope, called: ScheduledInvocation(
        scope, "Made", function=called, schedule=HOURLY
    ),
    "FunctionEndpoint": lambda scope, called: FunctionEndpoint(scope, "Made", alias=called),
    "FunctionEndpoint behind CloudFront": lambda scope, called: FunctionEndpoint(
        scope, "Made", alias=called, authorization=Authorization.public(), cloudfront=True
    ),
    "KillSwitch": lambda scope, called: KillSwitch(
        scope, "Made", function=called, invocations_per_minute=600
    ),
}
"""Each construct that takes a function, with what it sends to or gets events from in its own stack."""

Place = Callable[[App], tuple[Stack, Stack]]


def another_stack(app: App) -> tuple[Stack, Stack]:
    return Stack(app, "Functions"), Stack(app, "Messages")


def nested_in_the_functions_stack(app: App) -> tuple[Stack, Stack]:
    outer = Stack(app, "Functions")
    return outer, NestedStack(outer, "Messages")


def around_the_functions_stack(app: App) -> tuple[Stack, Stack]:
    outer = Stack(app, "Messages")
    return NestedStack(outer, "Functions"), outer


def nested_beside_the_functions_stack(app: App) -> tuple[Stack, Stack]:
    outer = Stack(app, "Outer")
    return NestedStack(outer, "Functions"), NestedStack(outer, "Messages")


def nested_elsewhere(app: App) -> tuple[Stack, Stack]:
    return Stack(app, "Functions"), NestedStack(Stack(app, "Outer"), "Messages")


PLACES: list[Place] = [
    another_stack,
    nested_in_the_functions_stack,
    around_the_functions_stack,
    nested_beside_the_functions_stack,
    nested_elsewhere,
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
@pytest.mark.parametrize("made", CONSTRUCTS)
def test_no_circle(app: App, made: str, place: Place) -> None:
    of_function, of_construct = place(app)
    CONSTRUCTS[made](of_construct, live(function(of_function, reserved_concurrent_executions=50)))
    assert circles(app) == []


def test_an_alias_may_be_elsewhere_too(app: App) -> None:
    of_function, of_alias = another_stack(app)
    alias = LiveAlias(of_alias, "Live", function=function(of_function)).alias
    QueueConsumer(Stack(app, "Queues"), "Consumer", function=alias)
    AsyncDestinations(Stack(app, "Results"), "Results", function=alias)
    assert circles(app) == []


@pytest.mark.parametrize("of_queue", ["Functions", "Messages", "Third"])
def test_an_existing_queue_may_be_anywhere(app: App, of_queue: str) -> None:
    stacks = dict(zip(("Functions", "Messages"), another_stack(app), strict=True))
    home = stacks.get(of_queue) or Stack(app, of_queue)
    dead = sqs.DeadLetterQueue(queue=queue(home, "Dead"), max_receive_count=5)
    given = sqs.Queue(home, "Given", visibility_timeout=Duration.minutes(5), dead_letter_queue=dead)
    QueueConsumer(stacks["Messages"], "Consumer", function=function(stacks["Functions"]), queue=given)
    assert circles(app) == []


# --- the permissions -------------------------------------------------------------------------------------


def test_the_role_has_its_permissions_before_lambda_looks(app: App) -> None:
    of_function, home = another_stack(app)
    worker = function(of_function)
    consumer = QueueConsumer(home, "Consumer", function=worker)
    results = AsyncDestinations(home, "Results", function=worker)
    positions = KinesisConsumer(home, "Positions", function=worker, stream=stream(home))
    changes = TableStreamConsumer(home, "Changes", function=worker, table=table(home))
    policies = of_type(home, "AWS::IAM::Policy")
    assert consumer.queue is not None
    assert results.failure_queue is not None
    asked = {
        "Consumer": (consumer.event_source_mapping, consumer.queue.queue_arn, "sqs:ReceiveMessage"),
        "Results": (results.event_invoke_config, results.failure_queue.queue_arn, "sqs:SendMessage"),
        "Positions": (positions.event_source_mapping, positions.stream.stream_arn, "kinesis:GetRecords"),
        "Changes": (changes.event_source_mapping, changes.table.table_stream_arn, "dynamodb:GetRecords"),
    }
    for construct_id, (part, arn, action) in asked.items():
        policy = home.node.find_child(construct_id).node.find_child("RolePolicy")
        logical_id = home.resolve(policy.node.default_child.logical_id)  # type: ignore[union-attr]
        (statement,) = [
            each
            for each in policies[logical_id]["PolicyDocument"]["Statement"]
            if each["Resource"] == home.resolve(arn)
        ]
        assert action in statement["Action"]
        assert policies[logical_id]["Roles"] == [home.resolve(worker.role.role_name)]  # type: ignore[union-attr]
        assert logical_id in resource(part)["DependsOn"]
    assert of_type(of_function, "AWS::IAM::Policy").keys().isdisjoint(policies)


def test_two_stacks_do_not_overwrite_each_others_policy(app: App) -> None:
    """IAM keeps one inline policy of a name for each role."""
    worker = function(Stack(app, "Functions"))
    homes = [Stack(app, name) for name in ("First", "Second")]
    for home, called in zip(homes, (worker, live(worker)), strict=True):
        QueueConsumer(home, "Consumer", function=worker)
        AsyncDestinations(home, "Results", function=called)
    names = [policy["PolicyName"] for home in homes for policy in of_type(home, "AWS::IAM::Policy").values()]
    assert len(set(names)) == len(names) == 4
    assert all(re.fullmatch(r"[\w+=,.@-]{1,128}", name) for name in names)


def test_a_key_elsewhere_is_granted_without_a_circle(app: App) -> None:
    of_function, home = another_stack(app)
    key = kms.Key(Stack(app, "Keys"), "Key")
    consumer = QueueConsumer(home, "Consumer", function=function(of_function), encryption_key=key)
    policy = consumer.node.find_child("RolePolicy")
    assert isinstance(policy, iam.Policy)
    granted = {
        action: statement["Resource"]
        for statement in home.resolve(policy.document)["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    assert granted["kms:Decrypt"] == home.resolve(key.key_arn)
    assert circles(app) == []


# --- dead-letter queues ----------------------------------------------------------------------------------

Source = Callable[[Stack, sqs.Queue], object]


def rule(home: Stack, dead: sqs.Queue) -> object:
    return EventRule(home, "Made", function=live(home), event_pattern=TRIPS, dead_letter_queue=dead)


def bucket_events(home: Stack, dead: sqs.Queue) -> object:
    return BucketEvents(home, "Made", function=live(home), bucket=bucket(home), dead_letter_queue=dead)


def subscription(home: Stack, dead: sqs.Queue) -> object:
    return TopicSubscription(home, "Made", function=live(home), topic=topic(home), dead_letter_queue=dead)


def subscription_to_a_topic_beside_the_queue(home: Stack, dead: sqs.Queue) -> object:
    beside = topic(Stack.of(dead))
    return TopicSubscription(home, "Made", function=live(home), topic=beside, dead_letter_queue=dead)


def schedule(home: Stack, dead: sqs.Queue) -> object:
    return ScheduledInvocation(home, "Made", function=live(home), schedule=HOURLY, dead_letter_queue=dead)


WORKS: dict[tuple[Source, Place], bool] = {
    (source, place): works
    for source, wherever in (
        (rule, {"around_the_functions_stack"}),
        (bucket_events, {"around_the_functions_stack"}),
        (subscription, {"nested_in_the_functions_stack"}),
        (subscription_to_a_topic_beside_the_queue, {place.__name__ for place in PLACES}),
        (schedule, {place.__name__ for place in PLACES}),
    )
    for place in PLACES
    for works in [place.__name__ in wherever]
}
"""The places of a dead-letter queue: the source is in the first stack of the place, the queue in the second."""


@pytest.mark.parametrize(("source", "place"), WORKS, ids=lambda given: given.__name__)
def test_a_dead_letter_queue_elsewhere_works_or_is_refused(app: App, source: Source, place: Place) -> None:
    home, of_queue = place(app)
    dead = queue(of_queue, "Dead")
    if WORKS[source, place]:
        source(home, dead)
        assert circles(app) == []
        return
    with pytest.raises(InvalidPropsError, match=r"dead_letter_queue .*Dead must be in stack .*, got one of"):
        source(home, dead)
    assert home.node.try_find_child("Made") is None


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_the_refused_places_are_circles(app: App, place: Place) -> None:
    """What the check refuses is refused by CDK or CloudFormation; the rest of `WORKS` is what it lets through."""
    home, of_queue = place(app)
    dead = queue(of_queue, "Dead")
    made = events.Rule(home, "Rule", event_pattern=TRIPS)
    dead.add_to_resource_policy(
        iam.PolicyStatement(
            actions=["sqs:SendMessage"],
            principals=[iam.ServicePrincipal("events.amazonaws.com")],
            resources=[dead.queue_arn],
            conditions={"ArnEquals": {"aws:SourceArn": made.rule_arn}},
        )
    )
    made.node.default_child.add_property_override("Description", dead.queue_arn)  # type: ignore[union-attr]
    if WORKS[rule, place]:
        assert circles(app) == []
        return
    if place in (another_stack, nested_elsewhere):
        with pytest.raises(RuntimeError, match="DependencyCycle"):
            app.synth()
    else:
        assert circles(app)
