"""The promises of the sources in front of a function, one test each; none rests on a snapshot."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, RemovalPolicy, Stack, TimeZone
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template

from constructs_lib import (
    BucketEvents,
    EventRule,
    InvalidPropsError,
    ScheduledInvocation,
    TopicSubscription,
)
from tests.gallery.event_sources import TRIPS
from tests.gallery.parts import bucket, key, live, queue, topic
from tests.gallery.plain_function import function
from tests.template import granted, logical_id, of_type, properties, resource, warnings

Called = lambda_.Alias | lambda_.Version | lambda_.Function
Make = Callable[..., Any]


def bucket_events(stack: Stack, called: Called, **arguments: Any) -> BucketEvents:
    return BucketEvents(stack, "Source", function=called, bucket=bucket(stack), **arguments)


def subscription(stack: Stack, called: Called, **arguments: Any) -> TopicSubscription:
    return TopicSubscription(stack, "Source", function=called, topic=topic(stack), **arguments)


def event_rule(stack: Stack, called: Called, **arguments: Any) -> EventRule:
    return EventRule(stack, "Source", function=called, **{"event_pattern": TRIPS, **arguments})


def schedule(stack: Stack, called: Called, **arguments: Any) -> ScheduledInvocation:
    hourly = scheduler.ScheduleExpression.rate(Duration.hours(1))
    return ScheduledInvocation(stack, "Source", function=called, **{"schedule": hourly, **arguments})


SOURCES = (bucket_events, subscription, event_rule, schedule)
PUSHED = (bucket_events, subscription, event_rule)
RULES = (bucket_events, event_rule)
ACCOUNT = {"Ref": "AWS::AccountId"}


def target(made: Any) -> dict[str, Any]:
    """What is called, as the template says it."""
    if isinstance(made, ScheduledInvocation):
        found: dict[str, Any] = properties(made.schedule)["Target"]
    elif isinstance(made, TopicSubscription):
        subscribed = properties(made.subscription)
        assert subscribed["Protocol"] == "lambda"
        dead = subscribed["RedrivePolicy"]["deadLetterTargetArn"]
        found = {"Arn": subscribed["Endpoint"], "DeadLetterConfig": {"Arn": dead}}
    else:
        (found,) = properties(made.rule)["Targets"]
    return found


def source_arn(made: Any) -> Any:
    if isinstance(made, TopicSubscription):
        return {"Ref": logical_id(made.topic)}
    return {"Fn::GetAtt": [logical_id(made.rule), "Arn"]}


# --- all of them ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", SOURCES)
@pytest.mark.parametrize(
    "called",
    [live, lambda stack: function(stack).current_version, function],
    ids=["alias", "version", "function"],
)
def test_what_is_given_is_called(stack: Stack, make: Make, called: Any) -> None:
    given = called(stack)
    assert target(make(stack, given))["Arn"] == stack.resolve(given.function_arn)


@pytest.mark.parametrize("make", PUSHED)
def test_this_source_may_call_the_alias_and_nobody_else(stack: Stack, make: Make) -> None:
    called = live(stack)
    made = make(stack, called)
    (permission,) = of_type(stack, "AWS::Lambda::Permission").values()
    service = "sns.amazonaws.com" if make is subscription else "events.amazonaws.com"
    assert permission == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Ref": logical_id(called)},
        "Principal": service,
        "SourceArn": source_arn(made),
    }, "a condition on the account would keep EventBridge and SNS out; the ARN has it"


@pytest.mark.parametrize("make", SOURCES)
def test_what_lambda_does_not_take_is_kept(stack: Stack, make: Make) -> None:
    made = make(stack, live(stack))
    kept = resource(made.dead_letter_queue)
    assert target(made)["DeadLetterConfig"]["Arn"] == {
        "Fn::GetAtt": [logical_id(made.dead_letter_queue), "Arn"]
    }
    assert kept["Properties"]["SqsManagedSseEnabled"] is True
    assert kept["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert kept["DeletionPolicy"] == "Retain"


@pytest.mark.parametrize("make", PUSHED)
def test_this_source_may_send_to_the_dead_letter_queue(stack: Stack, make: Make) -> None:
    made = make(stack, live(stack))
    queue_arn = {"Fn::GetAtt": [logical_id(made.dead_letter_queue), "Arn"]}
    (policy,) = of_type(stack, "AWS::SQS::QueuePolicy").values()
    allowed = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    service = "sns.amazonaws.com" if make is subscription else "events.amazonaws.com"
    assert allowed == [
        {
            "Action": "sqs:SendMessage",
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Resource": queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": source_arn(made)}},
        }
    ]


@pytest.mark.parametrize("make", PUSHED)
def test_the_source_may_use_the_key_of_your_dead_letter_queue(stack: Stack, make: Make) -> None:
    secret = key(stack)
    make(stack, live(stack), dead_letter_queue=queue(stack, "Dead", encryption_key=secret))
    service = "sns.amazonaws.com" if make is subscription else "events.amazonaws.com"
    statements = properties(secret)["KeyPolicy"]["Statement"]
    assert [s["Action"] for s in statements if s["Principal"] == {"Service": service}] == [
        ["kms:GenerateDataKey", "kms:Decrypt"]
    ]


@pytest.mark.parametrize("make", SOURCES)
def test_a_dead_letter_queue_of_yours_is_used(stack: Stack, make: Make) -> None:
    mine = queue(stack, "Dead")
    made = make(stack, live(stack), dead_letter_queue=mine)
    assert made.dead_letter_queue is mine
    assert target(made)["DeadLetterConfig"]["Arn"] == {"Fn::GetAtt": [logical_id(mine), "Arn"]}
    Template.from_stack(stack).resource_count_is("AWS::SQS::Queue", 1)


@pytest.mark.parametrize("make", SOURCES)
def test_a_single_dead_letter_sets_off_the_alarm(stack: Stack, make: Make) -> None:
    mine = sns.Topic(stack, "Mine")
    made = make(stack, live(stack), alarm_topic=mine)
    alarm = properties(made.dead_letter_alarm)
    name = {"Fn::GetAtt": [logical_id(made.dead_letter_queue), "QueueName"]}
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": name}]
    assert (alarm["MetricName"], alarm["Threshold"]) == ("ApproximateNumberOfMessagesVisible", 0)
    assert alarm["AlarmActions"] == [{"Ref": logical_id(mine)}]


@pytest.mark.parametrize("make", SOURCES)
def test_dead_letters_are_deleted_with_the_stack_when_set(stack: Stack, make: Make) -> None:
    made = make(stack, live(stack), removal_policy=RemovalPolicy.DESTROY)
    assert resource(made.dead_letter_queue)["DeletionPolicy"] == "Delete"


@pytest.mark.parametrize("make", [bucket_events, event_rule, schedule])
@pytest.mark.parametrize(
    ("arguments", "policy"),
    [
        ({}, {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86_400}),
        (
            {"retry_attempts": 0, "max_event_age": Duration.minutes(1)},
            {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},
        ),
    ],
    ids=["default", "said"],
)
def test_handing_over_is_retried(
    stack: Stack, make: Make, arguments: dict[str, Any], policy: dict[str, int]
) -> None:
    assert target(make(stack, live(stack), **arguments))["RetryPolicy"] == policy


# --- buckets -------------------------------------------------------------------------------------------


def detail(made: BucketEvents) -> dict[str, Any]:
    found: dict[str, Any] = properties(made.rule)["EventPattern"]["detail"]
    return found


def test_new_objects_of_this_bucket_call(stack: Stack) -> None:
    made = bucket_events(stack, live(stack))
    pattern = properties(made.rule)["EventPattern"]
    assert (pattern["source"], pattern["detail-type"]) == (["aws.s3"], ["Object Created"])
    assert pattern["detail"] == {"bucket": {"name": [{"Ref": logical_id(made.bucket)}]}}


def test_the_bucket_notifies_eventbridge_without_a_custom_resource(stack: Stack) -> None:
    made = bucket_events(stack, live(stack))
    assert properties(made.bucket)["NotificationConfiguration"] == {
        "EventBridgeConfiguration": {"EventBridgeEnabled": True}
    }
    Template.from_stack(stack).resource_count_is("Custom::S3BucketNotifications", 0)


def test_the_custom_resource_of_other_notifications_keeps_eventbridge_on(stack: Stack) -> None:
    objects = bucket(stack)
    other = function(stack, "Other")
    objects.add_object_removed_notification(notifications.LambdaDestination(other))
    BucketEvents(stack, "Source", function=live(stack), bucket=objects)
    (custom,) = of_type(stack, "Custom::S3BucketNotifications").values()
    assert custom["NotificationConfiguration"]["EventBridgeConfiguration"] == {}


@pytest.mark.parametrize(
    ("keys", "matcher"),
    [
        ({"prefix": "uploads/"}, {"prefix": "uploads/"}),
        ({"suffix": ".jpg"}, {"suffix": ".jpg"}),
        ({"prefix": "uploads/", "suffix": ".jpg"}, {"wildcard": "uploads/*.jpg"}),
        ({"prefix": "a*b\\", "suffix": "*"}, {"wildcard": "a\\*b\\\\*\\*"}),
    ],
    ids=["prefix", "suffix", "both", "both, with characters that mean something"],
)
def test_a_key_must_have_prefix_and_suffix(stack: Stack, keys: Any, matcher: dict[str, str]) -> None:
    """Two matchers in the list would let either through."""
    assert detail(bucket_events(stack, live(stack), **keys))["object"] == {"key": [matcher]}


def test_an_imported_bucket_is_listened_to(stack: Stack) -> None:
    theirs = s3.Bucket.from_bucket_name(stack, "Theirs", "theirs")
    made = BucketEvents(stack, "Source", function=live(stack), bucket=theirs)
    assert detail(made)["bucket"]["name"] == ["theirs"]


# --- topics --------------------------------------------------------------------------------------------


def test_messages_are_filtered(stack: Stack) -> None:
    made = subscription(
        stack,
        live(stack),
        filter_policy={"type": sns.SubscriptionFilter.string_filter(allowlist=["trip.completed"])},
    )
    assert properties(made.subscription)["FilterPolicy"] == {"type": ["trip.completed"]}


def test_messages_are_filtered_by_their_body(stack: Stack) -> None:
    city = sns.FilterOrPolicy.filter(sns.SubscriptionFilter.string_filter(allowlist=["Berlin"]))
    made = subscription(stack, live(stack), filter_policy_with_message_body={"city": city})
    found = properties(made.subscription)
    assert (found["FilterPolicyScope"], found["FilterPolicy"]) == ("MessageBody", {"city": ["Berlin"]})


def test_a_topic_of_another_account_is_known_by_its_arn(stack: Stack) -> None:
    theirs = sns.Topic.from_topic_arn(stack, "Theirs", "arn:aws:sns:us-east-1:210987654321:trips")
    TopicSubscription(stack, "Source", function=live(stack), topic=theirs)
    (permission,) = of_type(stack, "AWS::Lambda::Permission").values()
    assert permission["SourceArn"] == theirs.topic_arn
    (policy,) = of_type(stack, "AWS::SQS::QueuePolicy").values()
    (allowed,) = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert allowed["Condition"] == {"ArnEquals": {"aws:SourceArn": theirs.topic_arn}}


def test_a_topic_calls_only_when_it_may(stack: Stack) -> None:
    made = subscription(stack, live(stack))
    (permission,) = of_type(stack, "AWS::Lambda::Permission")
    (policy,) = of_type(stack, "AWS::SQS::QueuePolicy")
    assert set(resource(made.subscription)["DependsOn"]) == {permission, policy}


# --- what a schedule sends --------------------------------------------------------------------------------


def test_an_event_is_sent_unchanged(stack: Stack) -> None:
    event = {"cursor": None, "list": [1, None, (2, 3)], "nest": {"a": None}, "id": 2**60 + 1, "é": '"}'}
    made = schedule(stack, live(stack), event=event)
    assert json.loads(target(made)["Input"]) == {**event, "list": [1, None, [2, 3]]}


def test_an_event_may_have_tokens(stack: Stack) -> None:
    number = CfnParameter(stack, "Most", type="Number").value_as_number
    made = schedule(stack, live(stack), event={"of": stack.account, "most": [number]})
    assert target(made)["Input"] == {
        "Fn::Join": ["", ['{"of":"', ACCOUNT, '","most":["', {"Ref": "Most"}, '"]}']]
    }


# --- nothing is dropped in silence -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "namespace", "metric", "dimensions"),
    [
        (event_rule, "AWS/Events", "InvocationsFailedToBeSentToDlq", ["RuleName"]),
        (bucket_events, "AWS/Events", "InvocationsFailedToBeSentToDlq", ["RuleName"]),
        (subscription, "AWS/SNS", "NumberOfNotificationsFailedToRedriveToDlq", ["TopicName"]),
        (schedule, "AWS/Scheduler", "InvocationsFailedToBeSentToDeadLetterCount", ["ScheduleGroup"]),
    ],
)
def test_the_first_event_that_no_queue_took_alarms(
    stack: Stack, make: Make, namespace: str, metric: str, dimensions: list[str]
) -> None:
    mine = topic(stack, "Mine")
    alarm = properties(make(stack, live(stack), alarm_topic=mine).undelivered_alarm)
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == (namespace, metric, "Sum")
    assert [dimension["Name"] for dimension in alarm["Dimensions"]] == dimensions
    assert (alarm["Threshold"], alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (0, 1, 1)
    assert alarm["AlarmActions"] == [{"Ref": logical_id(mine)}]


def test_the_metrics_of_a_rule_on_a_bus_are_found_by_both_names(stack: Stack) -> None:
    bus = events.EventBus(stack, "Bus")
    made = event_rule(stack, live(stack), event_bus=bus)
    arn = {"Fn::GetAtt": [logical_id(made.rule), "Arn"]}
    assert properties(made.undelivered_alarm)["Dimensions"] == [
        {"Name": "EventBusName", "Value": {"Ref": logical_id(bus)}},
        {"Name": "RuleName", "Value": {"Fn::Select": [2, {"Fn::Split": ["/", arn]}]}},
    ]


@pytest.mark.parametrize("make", SOURCES)
def test_a_queue_under_the_key_that_sqs_manages_gets_nothing(stack: Stack, make: Make) -> None:
    managed = sqs.Queue(stack, "Managed", encryption=sqs.QueueEncryption.KMS_MANAGED)
    with pytest.raises(InvalidPropsError, match="Stack/Managed is under the key alias/aws/sqs"):
        make(stack, live(stack), dead_letter_queue=managed)
    assert stack.node.try_find_child("Source") is None


@pytest.mark.parametrize("make", SOURCES)
def test_a_topic_of_yours_hears_the_alarms(stack: Stack, make: Make) -> None:
    closed = sns.Topic(stack, "Closed", enforce_ssl=True, master_key=key(stack))
    make(stack, live(stack), alarm_topic=closed)
    let_in = {
        "Sid": "AlarmsOfThisAccount",
        "Action": "sns:Publish",
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Resource": {"Ref": logical_id(closed)},
    }
    (policy,) = (
        each
        for each in of_type(stack, "AWS::SNS::TopicPolicy").values()
        if each["Topics"] == [{"Ref": logical_id(closed)}]
    )
    assert policy["PolicyDocument"]["Statement"].count(let_in) == 1
    (keys,) = (
        statement
        for statement in properties(closed.master_key)["KeyPolicy"]["Statement"]
        if statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    )
    assert keys["Action"] == ["kms:GenerateDataKey*", "kms:Decrypt"]


def test_a_topic_of_yours_that_two_alarm_through_lets_them_in_once(stack: Stack) -> None:
    closed, called = sns.Topic(stack, "Closed", enforce_ssl=True), live(stack)
    for number in range(2):
        EventRule(stack, f"Rule{number}", function=called, event_pattern=TRIPS, alarm_topic=closed)
    (policy,) = of_type(stack, "AWS::SNS::TopicPolicy").values()
    sids = [statement.get("Sid") for statement in policy["PolicyDocument"]["Statement"]]
    assert sids.count("AlarmsOfThisAccount") == 1


@pytest.mark.parametrize("make", SOURCES)
def test_a_topic_under_the_key_that_sns_manages_hears_nothing(stack: Stack, make: Make) -> None:
    managed = kms.Alias.from_alias_name(stack, "Managed", "alias/aws/sns")
    silent = sns.Topic(stack, "Silent", master_key=managed)
    with pytest.raises(InvalidPropsError, match="alarm_topic Stack/Silent is under the key alias/aws/sns"):
        make(stack, live(stack), alarm_topic=silent)
    assert stack.node.try_find_child("Source") is None


# --- buses ---------------------------------------------------------------------------------------------


def test_events_of_the_bus_that_match_call(stack: Stack) -> None:
    bus = events.EventBus(stack, "Bus")
    made = event_rule(stack, live(stack), event_bus=bus, description="Trips")
    rule = properties(made.rule)
    assert rule["EventPattern"] == {"source": ["trips"], "detail-type": ["Trip finished"]}
    assert rule["EventBusName"] == {"Ref": logical_id(bus)}
    assert (rule["State"], rule["Description"]) == ("ENABLED", "Trips")


def test_a_rule_can_be_made_and_not_started(stack: Stack) -> None:
    assert properties(event_rule(stack, live(stack), enabled=False).rule)["State"] == "DISABLED"


def test_the_function_gets_part_of_the_event(stack: Stack) -> None:
    made = event_rule(stack, live(stack), event=events.RuleTargetInput.from_event_path("$.detail"))
    assert target(made)["InputPath"] == "$.detail"


# --- the clock -----------------------------------------------------------------------------------------


def test_the_scheduler_may_call_the_alias_and_nothing_else(stack: Stack) -> None:
    called = live(stack)
    made = schedule(stack, called)
    assert target(made)["RoleArn"] == {"Fn::GetAtt": [logical_id(made.role), "Arn"]}
    assert granted(made.role, {"Ref": logical_id(called)}) == {"lambda:InvokeFunction"}
    dead = {"Fn::GetAtt": [logical_id(made.dead_letter_queue), "Arn"]}
    assert granted(made.role, dead) == {"sqs:SendMessage"}
    (trust,) = properties(made.role)["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    group = trust["Condition"]["StringEquals"].pop("aws:SourceArn")
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert str(group).endswith("':schedule-group/default']]}")


def test_the_role_is_for_schedules_of_the_group(stack: Stack) -> None:
    group = scheduler.ScheduleGroup(stack, "Group")
    made = schedule(stack, live(stack), schedule_group=group)
    (trust,) = properties(made.role)["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"]["StringEquals"]["aws:SourceArn"] == stack.resolve(group.schedule_group_arn)
    assert properties(made.schedule)["GroupName"] == stack.resolve(group.schedule_group_name)


def test_the_role_may_use_the_key_of_your_dead_letter_queue(stack: Stack) -> None:
    secret = key(stack)
    made = schedule(stack, live(stack), dead_letter_queue=queue(stack, "Dead", encryption_key=secret))
    assert granted(made.role, stack.resolve(secret.key_arn)) == {"kms:GenerateDataKey", "kms:Decrypt"}


def test_it_is_called_at_local_time_within_a_window(stack: Stack) -> None:
    made = schedule(
        stack,
        live(stack),
        schedule=scheduler.ScheduleExpression.cron(hour="6", minute="30", time_zone=TimeZone.EUROPE_BERLIN),
        flexible_window=Duration.minutes(15),
        start=datetime(2030, 1, 1, tzinfo=UTC),
        end=datetime(2031, 1, 1, tzinfo=UTC),
        event={"report": "yesterday"},
        enabled=False,
    )
    found = properties(made.schedule)
    assert found["ScheduleExpression"] == "cron(30 6 * * ? *)"
    assert found["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert found["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    assert (found["StartDate"], found["EndDate"]) == ("2030-01-01T00:00:00.000Z", "2031-01-01T00:00:00.000Z")
    assert found["State"] == "DISABLED"
    assert json.loads(target(made)["Input"]) == {"report": "yesterday"}


@pytest.mark.parametrize(
    ("start", "warned"),
    [
        (datetime(2020, 1, 1, tzinfo=UTC), True),
        (datetime(2020, 1, 1), True),
        (datetime(2130, 1, 1, tzinfo=UTC), False),
        (None, False),
    ],
    ids=["passed", "passed, without a zone", "to come", "none"],
)
def test_a_start_that_has_passed_is_warned_of(stack: Stack, start: datetime | None, warned: bool) -> None:
    """Scheduler accepts none that is more than five minutes ago, as where the stack is created once more."""
    schedule(stack, live(stack), start=start)
    assert any("Leave start out" in warning for warning in warnings(stack)) is warned


def test_it_is_called_on_time_by_default(stack: Stack) -> None:
    found = properties(schedule(stack, live(stack)).schedule)
    assert found["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert found["State"] == "ENABLED"
