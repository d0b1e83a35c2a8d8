"""The promises of QueueConsumer, one test each; none rests on a snapshot."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Annotations, App, Duration, Environment, RemovalPolicy, Stack, Token
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Match, Template

from constructs_lib import QueueConsumer
from tests.gallery.plain_function import function
from tests.template import logical_id, properties, resource, statements, the, warnings

# --- recommendations --------------------------------------------------------------------------------------


def existing(stack: Stack, *, visibility: int = 180, receives: int = 5) -> sqs.Queue:
    dead = sqs.Queue(stack, "ExistingDead", retention_period=Duration.days(14))
    return sqs.Queue(
        stack,
        "Existing",
        visibility_timeout=Duration.seconds(visibility),
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead, max_receive_count=receives),
    )


BELOW: dict[str, tuple[Callable[[Stack], dict[str, Any]], str, str]] = {
    "visibility": (
        lambda stack: {"visibility_timeout": Duration.seconds(179)},
        "constructs-lib:short-visibility-timeout",
        "visibility_timeout is 179 seconds, and AWS recommends at least 180: 6 times the function's timeout",
    ),
    "visibility without the window": (
        lambda stack: {
            "visibility_timeout": Duration.seconds(180),
            "max_batching_window": Duration.seconds(1),
        },
        "constructs-lib:short-visibility-timeout",
        "visibility_timeout is 180 seconds, and AWS recommends at least 181",
    ),
    "receives": (
        lambda stack: {"max_receive_count": 4},
        "constructs-lib:few-receives",
        "max_receive_count is 4, and AWS recommends at least 5: with fewer, throttling alone",
    ),
    "visibility of an existing queue": (
        lambda stack: {"queue": existing(stack, visibility=30)},
        "constructs-lib:short-visibility-timeout",
        "visibility_timeout of queue Stack/Existing is 30 seconds, and AWS recommends at least 180",
    ),
    "receives of an existing queue": (
        lambda stack: {"queue": existing(stack, receives=1)},
        "constructs-lib:few-receives",
        "max_receive_count of queue Stack/Existing is 1, and AWS recommends at least 5",
    ),
}


@pytest.mark.parametrize("case", BELOW)
def test_less_than_recommended_has_a_warning_that_can_be_acknowledged(stack: Stack, case: str) -> None:
    arguments, identity, text = BELOW[case]
    worker = function(stack, timeout=Duration.seconds(30))
    consumer = QueueConsumer(stack, "Consumer", function=worker, **arguments(stack))
    (warning,) = warnings(stack)
    assert text in warning
    assert f"[ack: {identity}]" in warning
    Annotations.of(consumer).acknowledge_warning(identity, "Messages are handled in a second.")
    assert warnings(stack) == []


def test_what_is_recommended_has_no_warning(stack: Stack) -> None:
    worker = function(stack)
    QueueConsumer(stack, "Consumer", function=worker)
    QueueConsumer(stack, "AnotherConsumer", function=worker, queue=existing(stack))
    assert warnings(stack) == []


# --- what is deployed -------------------------------------------------------------------------------------


def test_only_what_failed_is_retried(stack: Stack) -> None:
    consumer = QueueConsumer(stack, "Consumer", function=function(stack))
    mapping = properties(consumer.event_source_mapping)
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_visibility_is_six_timeouts_and_the_window(stack: Stack) -> None:
    consumer = QueueConsumer(
        stack,
        "Consumer",
        function=function(stack, timeout=Duration.seconds(20)),
        max_batching_window=Duration.seconds(7),
    )
    assert properties(consumer.queue)["VisibilityTimeout"] == 6 * 20 + 7


def test_visibility_follows_a_timeout_that_was_changed_later(stack: Stack) -> None:
    """Also one that an escape hatch has changed since another construct has read it."""
    worker = function(stack)
    QueueConsumer(stack, "First", function=worker)
    changed = worker.node.default_child
    assert isinstance(changed, lambda_.CfnFunction)
    changed.timeout = 60
    assert properties(QueueConsumer(stack, "Second", function=worker).queue)["VisibilityTimeout"] == 360


def test_visibility_of_a_function_without_a_timeout(stack: Stack) -> None:
    """Lambda takes three seconds then."""
    plain = lambda_.Function(
        stack,
        "Plain",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handle",
        code=lambda_.Code.from_inline("def handle(event, context): return {'batchItemFailures': []}"),
    )
    consumer = QueueConsumer(stack, "Consumer", function=plain)
    assert properties(consumer.queue)["VisibilityTimeout"] == 18


def test_failed_messages_are_kept(stack: Stack) -> None:
    consumer = QueueConsumer(stack, "Consumer", function=function(stack), max_receive_count=7)
    assert isinstance(consumer.dead_letter_queue, sqs.Queue)
    source = properties(consumer.queue)
    assert source["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": [logical_id(consumer.dead_letter_queue), "Arn"]},
        "maxReceiveCount": 7,
    }
    kept = properties(consumer.dead_letter_queue)["MessageRetentionPeriod"]
    assert kept == 14 * 24 * 3600 > source["MessageRetentionPeriod"]


@pytest.mark.parametrize("part", ["queue", "dead_letter_queue"])
def test_tls_is_enforced(stack: Stack, part: str) -> None:
    queue = getattr(QueueConsumer(stack, "Consumer", function=function(stack)), part)
    reference = {"Ref": logical_id(queue)}
    Template.from_stack(stack).has_resource_properties(
        "AWS::SQS::QueuePolicy",
        {
            "Queues": [reference],
            "PolicyDocument": Match.object_like(
                {
                    "Statement": Match.array_with(
                        [
                            Match.object_like(
                                {
                                    "Effect": "Deny",
                                    "Action": "sqs:*",
                                    "Principal": {"AWS": "*"},
                                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                                }
                            )
                        ]
                    )
                }
            ),
        },
    )


@pytest.mark.parametrize("part", ["queue", "dead_letter_queue"])
def test_messages_are_encrypted(stack: Stack, part: str) -> None:
    queue = getattr(QueueConsumer(stack, "Consumer", function=function(stack)), part)
    assert properties(queue)["SqsManagedSseEnabled"] is True


def test_a_key_of_yours_encrypts_both_queues_and_is_granted(stack: Stack) -> None:
    key = kms.Key(stack, "Key")
    producer, worker = function(stack, "Producer"), function(stack)
    consumer = QueueConsumer(stack, "Consumer", function=worker, encryption_key=key)
    consumer.grant_send_messages(producer)

    arn = stack.resolve(key.key_arn)
    for queue in (consumer.queue, consumer.dead_letter_queue):
        assert properties(queue)["KmsMasterKeyId"] == arn
    of_key = {
        role: {
            action
            for statement in statements(part.role)
            if statement["Resource"] == arn
            for action in [statement["Action"]]
            for action in ([action] if isinstance(action, str) else action)
        }
        for role, part in (("producer", producer), ("worker", worker))
    }
    assert of_key == {"producer": {"kms:GenerateDataKey", "kms:Decrypt"}, "worker": {"kms:Decrypt"}}


def test_producers_may_send_and_nothing_else(stack: Stack) -> None:
    producer = function(stack, "Producer")
    consumer = QueueConsumer(stack, "Consumer", function=function(stack))
    consumer.grant_send_messages(producer)
    arn = stack.resolve(consumer.queue.queue_arn)
    granted = [statement for statement in statements(producer.role) if statement["Resource"] == arn]
    assert [statement["Action"] for statement in granted] == [
        ["sqs:SendMessage", "sqs:GetQueueUrl", "sqs:GetQueueAttributes"]
    ]


def test_the_function_may_receive_from_this_queue(stack: Stack) -> None:
    worker = function(stack)
    consumer = QueueConsumer(stack, "Consumer", function=worker)
    arn = stack.resolve(consumer.queue.queue_arn)
    (granted,) = [statement for statement in statements(worker.role) if statement["Resource"] == arn]
    assert {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"} <= set(granted["Action"])


def test_the_alias_is_called_and_watched(stack: Stack) -> None:
    worker = function(stack)
    live = lambda_.Alias(stack, "Live", alias_name="live", version=worker.current_version)
    consumer = QueueConsumer(stack, "Consumer", function=live)
    name = {"Ref": logical_id(worker)}
    qualified = {"Fn::Join": ["", [name, ":live"]]}
    assert ":live" in str(properties(consumer.event_source_mapping)["FunctionName"])
    throttles = properties(consumer.throttles_alarm)
    assert {"Name": "Resource", "Value": qualified} in throttles["Dimensions"]
    errors = properties(consumer.errors_alarm)["Metrics"]
    dimensions = [metric["MetricStat"]["Metric"]["Dimensions"] for metric in errors if "MetricStat" in metric]
    assert len(dimensions) == 2
    assert all({"Name": "Resource", "Value": qualified} in each for each in dimensions)


ALARMS = ("dead_letter_alarm", "oldest_message_alarm", "errors_alarm", "throttles_alarm")


@pytest.mark.parametrize("alarm", ALARMS)
def test_every_alarm_notifies_its_topic(stack: Stack, alarm: str) -> None:
    mine = sns.Topic(stack, "Mine")
    consumer = QueueConsumer(stack, "Consumer", function=function(stack), alarm_topic=mine)
    assert properties(getattr(consumer, alarm))["AlarmActions"] == [{"Ref": logical_id(mine)}]


def test_dead_letters_keep_their_alarm_when_sqs_stops_the_metric(stack: Stack) -> None:
    """SQS has no metrics of a queue that nobody used for six hours, and the letters are still there."""
    consumer = QueueConsumer(stack, "Consumer", function=function(stack))
    assert properties(consumer.dead_letter_alarm)["TreatMissingData"] == "ignore"


@pytest.mark.parametrize("alarm", ALARMS[1:])
def test_no_traffic_is_not_a_fault(stack: Stack, alarm: str) -> None:
    consumer = QueueConsumer(stack, "Consumer", function=function(stack))
    assert properties(getattr(consumer, alarm))["TreatMissingData"] == "notBreaching"


def test_alarms_may_publish_to_the_topic_that_is_made(stack: Stack) -> None:
    """A topic policy replaces SNS's default, which let them in."""
    consumer = QueueConsumer(stack, "Consumer", function=function(stack))
    topic = {"Ref": logical_id(consumer.alarm_topic)}
    policy = the(stack, "AWS::SNS::TopicPolicy")
    allowed = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert [(s["Action"], s["Principal"], s["Resource"]) for s in allowed] == [
        ("sns:Publish", {"Service": "cloudwatch.amazonaws.com"}, topic)
    ]


def test_a_single_dead_letter_alarms(stack: Stack) -> None:
    consumer = QueueConsumer(stack, "Consumer", function=function(stack))
    alarm = properties(consumer.dead_letter_alarm)
    dead = logical_id(consumer.dead_letter_queue)
    assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": [dead, "QueueName"]}}]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (1, 1)


def test_old_messages_alarm_at_the_age_given(stack: Stack) -> None:
    consumer = QueueConsumer(
        stack, "Consumer", function=function(stack), oldest_message_age=Duration.minutes(3)
    )
    alarm = properties(consumer.oldest_message_alarm)
    assert (alarm["MetricName"], alarm["Threshold"]) == ("ApproximateAgeOfOldestMessage", 180)


def test_old_messages_alarm_at_an_age_known_only_at_deployment(stack: Stack) -> None:
    later = Duration.seconds(Token.as_number({"Ref": "Age"}))
    consumer = QueueConsumer(stack, "Consumer", function=function(stack), oldest_message_age=later)
    assert properties(consumer.oldest_message_alarm)["Threshold"] == {"Ref": "Age"}


def test_a_queue_of_the_app_whose_dead_letter_queue_is_imported(stack: Stack) -> None:
    """Its dead letters are kept for an unknown time: nothing to compare the longest retention period with."""
    dead = sqs.Queue.from_queue_arn(stack, "Dead", "arn:aws:sqs:us-east-1:123456789012:dead")
    queue = sqs.Queue(
        stack,
        "Kept",
        visibility_timeout=Duration.minutes(3),
        retention_period=Duration.days(14),
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead, max_receive_count=5),
    )
    consumer = QueueConsumer(stack, "Consumer", function=function(stack), queue=queue)
    assert consumer.dead_letter_queue is not None
    assert consumer.dead_letter_queue.queue_name == dead.queue_name


@pytest.mark.parametrize(("retention", "seconds"), [(None, 900), (Duration.minutes(20), 600)])
def test_old_messages_alarm_before_sqs_deletes_them(
    stack: Stack, retention: Duration | None, seconds: int
) -> None:
    consumer = QueueConsumer(stack, "Consumer", function=function(stack), retention_period=retention)
    assert properties(consumer.oldest_message_alarm)["Threshold"] == seconds


def test_concurrency_is_bounded_at_the_mapping(stack: Stack) -> None:
    consumer = QueueConsumer(stack, "Consumer", function=function(stack), max_concurrency=5)
    mapping = properties(consumer.event_source_mapping)
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 5}


def test_pollers_are_provisioned(stack: Stack) -> None:
    consumer = QueueConsumer(
        stack, "Consumer", function=function(stack), minimum_pollers=2, maximum_pollers=9
    )
    mapping = properties(consumer.event_source_mapping)
    assert mapping["ProvisionedPollerConfig"] == {"MinimumPollers": 2, "MaximumPollers": 9}
    assert "ScalingConfig" not in mapping


@pytest.mark.parametrize("most", [2000, 2001, 10_000])
def test_a_queue_has_up_to_ten_thousand_pollers(stack: Stack, most: int) -> None:
    """More than CDK's own construct accepts."""
    consumer = QueueConsumer(
        stack, "Consumer", function=function(stack), minimum_pollers=200, maximum_pollers=most
    )
    pollers = properties(consumer.event_source_mapping)["ProvisionedPollerConfig"]
    assert pollers == {"MinimumPollers": 200, "MaximumPollers": most}


def test_fifo_reaches_both_queues(stack: Stack) -> None:
    consumer = QueueConsumer(stack, "Consumer", function=function(stack), fifo=True)
    for queue in (consumer.queue, consumer.dead_letter_queue):
        assert properties(queue)["FifoQueue"] is True


def test_dead_letters_of_a_fifo_queue_may_expire_with_its_messages(stack: Stack) -> None:
    """The age of a FIFO message starts anew when it becomes a dead letter."""
    most = Duration.days(14)
    consumer = QueueConsumer(stack, "Consumer", function=function(stack), fifo=True, retention_period=most)
    for queue in (consumer.queue, consumer.dead_letter_queue):
        assert properties(queue)["MessageRetentionPeriod"] == 14 * 24 * 3600
    dead = sqs.Queue(stack, "Dead", fifo=True)
    given = sqs.Queue(
        stack,
        "Given",
        fifo=True,
        visibility_timeout=Duration.minutes(5),
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead, max_receive_count=5),
    )
    QueueConsumer(stack, "OfAnExistingQueue", function=function(stack, "Second"), queue=given)


def test_filters_may_hold_what_cdk_knows_later(stack: Stack) -> None:
    """A token in plain JSON would be text, or no JSON, and match nothing."""
    pattern = {
        "body": {
            "city": events.Match.prefix("Ber"),
            "count": [{"numeric": [">", Token.as_number({"Ref": "Least"})]}],
            "type": lambda_.FilterRule.is_equal(Token.as_string({"Ref": "Type"})),
        }
    }
    consumer = QueueConsumer(stack, "Consumer", function=function(stack), filters=[pattern])
    (found,) = properties(consumer.event_source_mapping)["FilterCriteria"]["Filters"]
    assert found["Pattern"] == {
        "Fn::Join": [
            "",
            [
                '{"body":{"city":[{"prefix":"Ber"}],"count":[{"numeric":[">",',
                {"Ref": "Least"},
                ']}],"type":["',
                {"Ref": "Type"},
                '"]}}',
            ],
        ]
    }


RULES = lambda_.FilterRule


@pytest.mark.parametrize(
    "pattern",
    [
        {"body": ["plain text"]},
        {"body": {"a": [None, True, 1, 1.5, "x", {"exists": False}], "b": {"c": [{"prefix": "d"}]}}},
        {"$or": [{"body": {"a": ["x"]}}, {"body": {"b": [2]}}]},
        {"body": {"$or": [{"a": ["x"]}, {"b": [2]}]}},
        {"body": {"a": RULES.null(), "b": RULES.empty(), "c": RULES.or_("x", "y"), "d": RULES.between(1, 2)}},
        {"body": {"a": ("x", "y")}},
    ],
    ids=lambda pattern: json.dumps(pattern),
)
def test_every_filter_that_lambda_takes_is_taken(stack: Stack, pattern: dict[str, Any]) -> None:
    consumer = QueueConsumer(stack, "Consumer", function=function(stack), filters=[pattern])
    (found,) = properties(consumer.event_source_mapping)["FilterCriteria"]["Filters"]
    assert json.loads(found["Pattern"]) == json.loads(json.dumps(pattern))
    assert warnings(stack) == []


@pytest.mark.parametrize(
    "pattern",
    [
        {"messageAttributes": {"type": {"stringValue": ["new"]}}},
        {"body": {"a": ["x"]}, "attributes": {"SenderId": ["x"]}},
        {"$or": [{"body": {"a": ["x"]}}, {"eventSourceARN": [{"suffix": "x"}]}]},
    ],
)
def test_a_filter_on_more_than_the_body_has_a_warning(stack: Stack, pattern: dict[str, Any]) -> None:
    """AWS promises filters on the body of a message alone."""
    QueueConsumer(stack, "Consumer", function=function(stack), filters=[pattern])
    (warning,) = warnings(stack)
    assert "constructs-lib:filter-beside-body" in warning


def test_filters_are_patterns(stack: Stack) -> None:
    pattern = {"body": {"type": ["trip.completed"]}}
    consumer = QueueConsumer(stack, "Consumer", function=function(stack), filters=[pattern])
    mapping = properties(consumer.event_source_mapping)
    assert mapping["FilterCriteria"] == {"Filters": [{"Pattern": '{"body": {"type": ["trip.completed"]}}'}]}


@pytest.mark.parametrize(
    ("given", "policy"), [(None, "Retain"), (RemovalPolicy.DESTROY, "Delete")], ids=["default", "destroy"]
)
def test_messages_outlive_the_stack_by_default(
    stack: Stack, given: RemovalPolicy | None, policy: str
) -> None:
    consumer = QueueConsumer(stack, "Consumer", function=function(stack), removal_policy=given)
    for queue in (consumer.queue, consumer.dead_letter_queue):
        assert resource(queue)["DeletionPolicy"] == policy


def test_an_existing_queue_is_drained_and_not_remade(stack: Stack) -> None:
    dead = sqs.Queue(stack, "Dead", retention_period=Duration.days(14))
    source = sqs.Queue(
        stack,
        "Source",
        visibility_timeout=Duration.seconds(180),
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead, max_receive_count=5),
    )
    consumer = QueueConsumer(stack, "Consumer", function=function(stack), queue=source)
    Template.from_stack(stack).resource_count_is("AWS::SQS::Queue", 2)
    assert consumer.dead_letter_queue is dead
    mapping = properties(consumer.event_source_mapping)
    assert mapping["EventSourceArn"] == {"Fn::GetAtt": [logical_id(source), "Arn"]}


def test_a_queue_of_another_account_is_drained_and_watched_where_it_can_be(app: App) -> None:
    stack = Stack(app, "Ours", env=Environment(account="123456789012", region="us-east-1"))
    arn = "arn:aws:sqs:us-east-1:210987654321:trips"
    consumer = QueueConsumer(
        stack, "Consumer", function=function(stack), queue=sqs.Queue.from_queue_arn(stack, "Theirs", arn)
    )
    assert properties(consumer.event_source_mapping)["EventSourceArn"] == arn
    assert consumer.oldest_message_alarm is None
    assert consumer.dead_letter_alarm is None
    assert properties(consumer.errors_alarm)["AlarmActions"]


def test_grants_to_the_consumer_reach_the_function(stack: Stack) -> None:
    """It is an IGrantable, also for JavaScript."""
    worker = function(stack)
    topic = sns.Topic(stack, "Topic")
    topic.grant_publish(QueueConsumer(stack, "Consumer", function=worker))
    arn = {"Ref": logical_id(topic)}
    assert [s["Action"] for s in statements(worker.role) if s["Resource"] == arn] == ["sns:Publish"]
