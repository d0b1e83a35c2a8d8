"""The promises of DurableExecutions and of a durable PythonFunction, one test each; none rests on a snapshot."""

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template

from constructs_lib import (
    BucketEvents,
    Durable,
    DurableExecutions,
    EventRule,
    LiveAlias,
    QueueConsumer,
    TopicSubscription,
)
from tests.gallery.durable import durable_function, durable_live
from tests.gallery.event_sources import TRIPS
from tests.gallery.parts import bucket, key, live, queue, topic
from tests.gallery.plain_function import function
from tests.template import granted, logical_id, of_type, properties, resource

CHECKPOINTS = ["lambda:CheckpointDurableExecution", "lambda:GetDurableExecutionState"]

# --- the function ------------------------------------------------------------------------------------------


def test_the_function_is_durable(stack: Stack) -> None:
    worker = durable_function(stack, execution_timeout=Duration.hours(2), retention=Duration.days(30))
    assert properties(worker)["DurableConfig"] == {"ExecutionTimeout": 7200, "RetentionPeriodInDays": 30}


def test_its_history_is_kept_as_long_as_a_dead_letter(stack: Stack) -> None:
    worker = durable_function(stack)
    assert properties(worker)["DurableConfig"]["RetentionPeriodInDays"] == 14


def test_it_stores_the_state_of_its_own_executions_and_of_no_others(stack: Stack) -> None:
    worker = durable_function(stack)
    policy = of_type(stack, "AWS::IAM::Policy")[logical_id(worker.node.find_child("DurablePolicy"))]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == CHECKPOINTS
    assert statement["Resource"] == {"Fn::Join": ["", [{"Fn::GetAtt": [logical_id(worker), "Arn"]}, ":*"]]}
    assert policy["Roles"] == [stack.resolve(worker.role.role_name)]  # type: ignore[union-attr]


def test_no_execution_starts_before_it_may_store_anything(stack: Stack) -> None:
    worker = durable_function(stack)
    policy = logical_id(worker.node.find_child("DurablePolicy"))
    assert resource(worker.current_version)["DependsOn"] == [policy]


@pytest.mark.parametrize("released", [False, True], ids=["its own version", "LiveAlias"])
def test_a_version_that_executions_continue_in_is_kept(stack: Stack, released: bool) -> None:
    """All but that of a deployment that is rolled back: the same code could not be deployed again."""
    worker = durable_function(stack)
    if released:
        LiveAlias(stack, "Live", function=worker)
    version = resource(worker.current_version)
    assert version["UpdateReplacePolicy"] == "Retain"
    assert version["DeletionPolicy"] == "RetainExceptOnCreate"


def test_a_version_under_snap_start_is_kept_too(stack: Stack) -> None:
    worker = lambda_.Function(
        stack,
        "Worker",
        runtime=lambda_.Runtime.PYTHON_3_14,
        handler="index.handle",
        code=lambda_.Code.from_inline("def handle(event, context): ..."),
        snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS,
        durable_config=lambda_.DurableConfig(execution_timeout=Duration.hours(1)),
    )
    release = LiveAlias(stack, "Live", function=worker)
    assert resource(release.version)["UpdateReplacePolicy"] == "Retain"


def test_other_functions_stay_as_they_are(stack: Stack) -> None:
    worker = function(stack)
    assert "DurableConfig" not in properties(worker)
    assert worker.node.try_find_child("DurablePolicy") is None
    assert of_type(stack, "AWS::Lambda::Version") == {}


# --- dead letters ------------------------------------------------------------------------------------------


def test_the_function_has_a_dead_letter_queue_and_may_send_there(stack: Stack) -> None:
    worker = durable_function(stack)
    made = DurableExecutions(stack, "Executions", function=live(worker))
    arn = {"Fn::GetAtt": [logical_id(made.dead_letter_queue), "Arn"]}
    assert properties(worker)["DeadLetterConfig"] == {"TargetArn": arn}
    assert granted(worker.role, arn) == {"sqs:SendMessage"}


def test_lambda_finds_the_permission_when_the_function_gets_its_queue(stack: Stack) -> None:
    """Lambda refuses a dead-letter queue that the role may not send to."""
    worker = durable_function(stack)
    DurableExecutions(stack, "Executions", function=live(worker))
    role = logical_id(worker.role)
    assert any(policy.startswith(role[:12]) for policy in resource(worker)["DependsOn"] if policy != role)


def test_the_queue_is_encrypted_and_keeps_events_for_14_days(stack: Stack) -> None:
    made = DurableExecutions(stack, "Executions", function=durable_live(stack))
    of_queue = properties(made.dead_letter_queue)
    assert (of_queue["SqsManagedSseEnabled"], of_queue["MessageRetentionPeriod"]) == (True, 1_209_600)
    (policy,) = of_type(stack, "AWS::SQS::QueuePolicy").values()
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == (
        "Deny",
        {"Bool": {"aws:SecureTransport": "false"}},
    )


def test_a_key_of_the_queue_may_be_used(stack: Stack) -> None:
    worker, secret = durable_function(stack), key(stack)
    DurableExecutions(stack, "Executions", function=live(worker), encryption_key=secret)
    assert granted(worker.role, stack.resolve(secret.key_arn)) == {"kms:GenerateDataKey", "kms:Decrypt"}


def test_your_own_queue_is_used(stack: Stack) -> None:
    worker, mine = durable_function(stack), queue(stack)
    made = DurableExecutions(stack, "Executions", function=live(worker), dead_letter_queue=mine)
    assert made.dead_letter_queue is mine
    assert properties(worker)["DeadLetterConfig"]["TargetArn"] == stack.resolve(mine.queue_arn)
    assert len(of_type(stack, "AWS::SQS::Queue")) == 1


# --- alarms ------------------------------------------------------------------------------------------------


def test_what_fails_takes_too_long_or_is_lost_notifies_the_topic(stack: Stack) -> None:
    mine = topic(stack)
    made = DurableExecutions(stack, "Executions", function=durable_live(stack), alarm_topic=mine)
    assert made.alarm_topic is mine
    expected = {
        made.dead_letter_alarm: "ApproximateNumberOfMessagesVisible",
        made.failed_alarm: "DurableExecutionFailed",
        made.timed_out_alarm: "DurableExecutionTimedOut",
        made.undelivered_alarm: "DeadLetterErrors",
    }
    for alarm, metric in expected.items():
        assert alarm is not None
        found = properties(alarm)
        assert (found["MetricName"], found["Threshold"], found["DatapointsToAlarm"]) == (metric, 0, 1)
        assert found["AlarmActions"] == [{"Ref": logical_id(mine)}]


def test_executions_are_counted_by_their_function(stack: Stack) -> None:
    worker = durable_function(stack)
    made = DurableExecutions(stack, "Executions", function=live(worker))
    for alarm in (made.failed_alarm, made.timed_out_alarm, made.undelivered_alarm):
        assert properties(alarm)["Dimensions"] == [
            {"Name": "FunctionName", "Value": {"Ref": logical_id(worker)}}
        ]


def test_a_lost_event_of_the_starter_counts_too(stack: Stack) -> None:
    worker = durable_function(stack)
    made = DurableExecutions(stack, "Executions", function=live(worker), starter=True)
    assert made.starter is not None
    metrics = {each["Id"]: each for each in properties(made.undelivered_alarm)["Metrics"]}
    (expression,) = (each["Expression"] for each in metrics.values() if "Expression" in each)
    assert expression == "executions + starter"
    for name, each in (("executions", worker), ("starter", made.starter)):
        metric = metrics[name]["MetricStat"]["Metric"]
        assert metric["MetricName"] == "DeadLetterErrors"
        assert metric["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": logical_id(each)}}]


def test_the_starter_is_without_what_the_durable_function_is_without(stack: Stack) -> None:
    worker = function(
        stack,
        "Worker",
        durable=Durable(execution_timeout=Duration.hours(1)),
        recursive_loop=None,
        tracing=lambda_.Tracing.DISABLED,
    )
    made = DurableExecutions(stack, "Executions", function=live(worker), starter=True)
    assert made.starter is not None
    starter = properties(made.starter)
    assert "RecursiveLoop" not in starter
    assert "TracingConfig" not in starter


# --- the starter -------------------------------------------------------------------------------------------


def with_starter(stack: Stack, **arguments: object) -> DurableExecutions:
    return DurableExecutions(
        stack,
        "Executions",
        function=durable_live(stack),
        starter=True,
        **arguments,  # type: ignore[arg-type]
    )


def test_there_is_a_starter_only_where_it_is_asked_for(stack: Stack) -> None:
    made = DurableExecutions(stack, "Executions", function=durable_live(stack))
    assert made.starter is None
    assert len(of_type(stack, "AWS::Lambda::Function")) == 1


def test_it_may_invoke_that_alias_and_nothing_else(stack: Stack) -> None:
    made = with_starter(stack)
    assert made.starter is not None
    arn = stack.resolve(made.function.function_arn)
    assert properties(made.starter)["Environment"]["Variables"] == {"DURABLE_FUNCTION": arn}
    assert granted(made.starter.role, arn) == {"lambda:InvokeFunction"}


def test_it_names_executions_by_the_key(stack: Stack) -> None:
    starter = with_starter(stack, execution_key="trip_id").starter
    assert starter is not None
    assert properties(starter)["Environment"]["Variables"]["EXECUTION_KEY"] == "trip_id"


def test_an_event_that_it_cannot_start_is_a_dead_letter(stack: Stack) -> None:
    made = with_starter(stack)
    assert made.starter is not None
    arn = {"Fn::GetAtt": [logical_id(made.dead_letter_queue), "Arn"]}
    assert properties(made.starter)["DeadLetterConfig"] == {"TargetArn": arn}
    assert granted(made.starter.role, arn) == {"sqs:SendMessage"}


def test_every_source_takes_it(stack: Stack) -> None:
    starter = with_starter(stack).starter
    assert starter is not None
    consumer = QueueConsumer(stack, "Queue", function=starter)
    EventRule(stack, "Rule", function=starter, event_pattern=TRIPS)
    TopicSubscription(stack, "Subscription", function=starter, topic=topic(stack))
    BucketEvents(stack, "Bucket", function=starter, bucket=bucket(stack, "Uploads"))
    (mapping,) = of_type(stack, "AWS::Lambda::EventSourceMapping").values()
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert isinstance(consumer.queue, sqs.Queue)
    # It does not wait for the execution.
    assert properties(consumer.queue)["VisibilityTimeout"] == 6 * 60


def test_no_part_waits_for_itself(stack: Stack) -> None:
    """CDK looks for cycles when it writes a template for assertions."""
    release = LiveAlias(stack, "Live", function=durable_function(stack))
    made = DurableExecutions(stack, "Executions", function=release.alias, starter=True)
    assert made.starter is not None
    QueueConsumer(stack, "Queue", function=made.starter)
    Template.from_stack(stack)
