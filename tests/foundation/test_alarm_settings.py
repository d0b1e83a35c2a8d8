"""One topic for all alarms of an app, stage or stack, and alarms that are left out."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, Environment, NestedStack, Stack, Stage
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct, RootConstruct

from benchmarks.synth.round_trips import RoundTrips
from constructs_lib import (
    AlarmSettings,
    AsyncDestinations,
    Authorization,
    ConcurrencyBudget,
    EventRule,
    InvalidPropsError,
    KillSwitch,
    LiveAlias,
    ProvisionedApi,
    QueueConsumer,
)
from tests.gallery.event_sources import TRIPS
from tests.gallery.parts import live, topic
from tests.gallery.plain_function import function
from tests.template import logical_id, of_type, properties, resource

ALARM, TOPIC = "AWS::CloudWatch::Alarm", "AWS::SNS::Topic"


def consumer(scope: Any, construct_id: str = "Consumer", **arguments: Any) -> QueueConsumer:
    return QueueConsumer(
        scope,
        construct_id,
        function=live(function(scope, f"{construct_id}Function"), f"{construct_id}Live"),
        **arguments,
    )


def actions(stack: Stack) -> list[Any]:
    """What the alarms of a stack notify, each once."""
    found: list[Any] = []
    for alarm in of_type(stack, ALARM).values():
        found += [action for action in alarm["AlarmActions"] if action not in found]
    return found


# --- one topic -------------------------------------------------------------------------------------------


def test_all_constructs_notify_the_one_topic(app: App, stack: Stack) -> None:
    """Set once for an app of several stacks: one topic for all alarms."""
    mine = topic(stack)
    AlarmSettings.of(app).notify(mine)
    consumer(stack)
    released = LiveAlias(stack, "Release", function=function(stack))
    other = Stack(app, "Other")
    rule = EventRule(other, "Rule", function=live(other), event_pattern=TRIPS)
    assert released.alarm_topic is mine
    assert rule.alarm_topic is mine
    assert actions(stack) == [{"Ref": logical_id(mine)}]
    (imported,) = actions(other)
    assert imported["Fn::ImportValue"].startswith("Stack:ExportsOutputRefTopic")
    assert len(of_type(stack, TOPIC)) + len(of_type(other, TOPIC)) == 1


def test_the_topic_lets_the_alarms_in(stack: Stack) -> None:
    """One that has a policy, as one over TLS only, and its key."""
    secret = kms.Key(stack, "Key")
    AlarmSettings.of(stack).notify(sns.Topic(stack, "Alarms", enforce_ssl=True, master_key=secret))
    for name in ("One", "Another"):
        consumer(stack, name)
    (policy,) = of_type(stack, "AWS::SNS::TopicPolicy").values()
    publish = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"]
    assert [each["Principal"] for each in publish] == [{"Service": "cloudwatch.amazonaws.com"}]
    uses = [
        each
        for each in properties(secret)["KeyPolicy"]["Statement"]
        if each["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    ]
    assert len(uses) == 1


def test_alarm_topic_comes_first(stack: Stack) -> None:
    AlarmSettings.of(stack).notify(topic(stack))
    mine = topic(stack, "Mine")
    consumer(stack, alarm_topic=mine)
    assert actions(stack) == [{"Ref": logical_id(mine)}]


@pytest.mark.parametrize("order", ["outer first", "inner first"])
def test_what_is_nearest_counts(app: App, order: str) -> None:
    stage = Stage(app, "Prod")
    stack = Stack(stage, "Stack")
    group = Construct(stack, "Group")
    topics = {
        scope: topic(stack, f"Topic{number}") for number, scope in enumerate((app, stage, stack, group))
    }
    scopes = list(topics) if order == "outer first" else list(reversed(topics))
    for scope in scopes:
        AlarmSettings.of(scope).notify(topics[scope])
    assert consumer(group, "Grouped").alarm_topic is topics[group]
    assert consumer(stack).alarm_topic is topics[stack]
    assert consumer(NestedStack(stack, "Nested")).alarm_topic is topics[stack]
    assert consumer(Stack(stage, "Other")).alarm_topic is topics[stage]
    assert consumer(Stack(app, "Stack")).alarm_topic is topics[app]


def test_a_name_that_begins_with_another_is_not_below_it(app: App) -> None:
    stack, longer = Stack(app, "Trips"), Stack(app, "TripsOld")
    mine = topic(stack)
    AlarmSettings.of(stack).notify(mine)
    assert consumer(longer).alarm_topic is not mine


def test_another_app_has_settings_of_its_own(stack: Stack) -> None:
    other = Stack(App(), "Stack")
    AlarmSettings.of(other).notify(topic(other))
    assert consumer(stack).alarm_topic.node.path == "Stack/Consumer/AlarmTopic"


def test_each_region_has_a_topic_of_its_own(app: App) -> None:
    home, away = (
        Stack(app, region, env=Environment(account="1" * 12, region=region))
        for region in ("us-east-1", "eu-west-1")
    )
    AlarmSettings.of(app).notify(topic(home))
    consumer(home)
    with pytest.raises(
        InvalidPropsError, match="the topic of AlarmSettings must be in Region eu-west-1"
    ) as raised:
        consumer(away)
    assert "AlarmSettings.of(stack).notify(topic)" in str(raised.value)
    assert away.node.try_find_child("Consumer") is None
    theirs = topic(away)
    AlarmSettings.of(away).notify(theirs)
    assert consumer(away, "Second").alarm_topic is theirs


@pytest.mark.parametrize("late", ["notify", "leave_out"])
@pytest.mark.parametrize("where", ["app", "stack"])
def test_settings_come_before_what_they_are_for(app: App, stack: Stack, late: str, where: str) -> None:
    other = Stack(app, "StackOld")
    mine = topic(stack)
    consumer(other)
    settings = AlarmSettings.of(app if where == "app" else stack)
    if where == "stack":
        settings.notify(mine)
        consumer(stack)
    with pytest.raises(InvalidPropsError, match=f"{late} must be called before Stack.*/Consumer is created"):
        settings.notify(mine) if late == "notify" else settings.leave_out()


def test_settings_of_a_construct_itself_are_too_late(stack: Stack) -> None:
    with pytest.raises(InvalidPropsError, match="leave_out must be called before Stack/Consumer is created"):
        AlarmSettings.of(consumer(stack)).leave_out()


def test_settings_cost_no_more_than_topics_and_alarms(app: App) -> None:
    """A shared topic saves the calls for each construct's own; leaving an alarm out costs what its action would."""

    def trips(name: str, *, shared: bool = False, left_out: bool = False) -> int:
        stack = Stack(app, name)
        if shared:
            AlarmSettings.of(stack).notify(topic(stack))
        if left_out:
            AlarmSettings.of(stack).leave_out()
        called = live(stack)
        counter = RoundTrips()
        with counter.counted():
            for number in range(5):
                EventRule(stack, f"Rule{number}", function=called, event_pattern=TRIPS)
        return counter.count

    trips("Warm")  # some of it is read once in a process
    own = trips("Own")
    assert trips("Shared", shared=True) < own
    assert trips("LeftOut", left_out=True) <= own + 5 * 2


# --- left out --------------------------------------------------------------------------------------------


def test_alarms_are_left_out(stack: Stack) -> None:
    AlarmSettings.of(stack).leave_out()
    made = consumer(stack)
    AsyncDestinations(stack, "Results", function=live(function(stack)), redrive=True)
    assert isinstance(made.errors_alarm, cloudwatch.Alarm)
    assert of_type(stack, ALARM) == {}
    assert properties(made.queue)["RedrivePolicy"]


def test_alarms_that_are_needed_stay(stack: Stack) -> None:
    """What rolls a release back, what turns a runaway off, and what a budget is made of."""
    AlarmSettings.of(stack).leave_out()
    worker = function(stack)
    released = LiveAlias(stack, "Release", function=worker)
    switch = KillSwitch(stack, "Switch", function=worker, invocations_per_minute=600)
    budget = ConcurrencyBudget(stack, "Budget")
    kept = [
        released.new_version_errors_alarm,
        released.new_version_latency_alarm,
        switch.runaway_alarm,
        switch.failed_alarm,
        budget.claimed_alarm,
        budget.concurrent_executions_alarm,
        budget.unreserved_alarm,
    ]
    group = properties(released.deployment_group)["AlarmConfiguration"]["Alarms"]
    assert [each["Name"]["Ref"] for each in group] == [logical_id(each) for each in kept[:2]]
    assert set(of_type(stack, ALARM)) == {logical_id(each) for each in kept}
    assert all(resource(each)["Properties"]["AlarmActions"] for each in kept)


def test_alarms_are_created_below_what_leaves_them_out(app: App) -> None:
    stage = Stage(app, "Test")
    AlarmSettings.of(stage).leave_out()
    with_them, without = Stack(stage, "With"), Stack(stage, "Without")
    AlarmSettings.of(with_them).leave_out(left_out=False)
    for stack in (with_them, without):
        consumer(stack)
    assert len(of_type(with_them, ALARM)) == 4
    assert of_type(without, ALARM) == {}


@pytest.mark.parametrize("by", ["argument", "method"])
def test_an_alarm_that_is_left_out_rolls_nothing_back(stack: Stack, by: str) -> None:
    AlarmSettings.of(stack).leave_out()
    api = ProvisionedApi(stack, "Api", routes={"GET /": live(stack)}, authorization=Authorization.iam())
    released = LiveAlias(stack, "Release", function=function(stack, "Other"))
    other = function(stack, "Another")
    give: dict[str, Callable[[cloudwatch.Alarm], object]] = {
        "method": lambda alarm: released.add_rollback_alarm(alarm),
        "argument": lambda alarm: LiveAlias(stack, "Second", function=other, rollback_alarms=[alarm]),
    }
    with pytest.raises(InvalidPropsError, match="Api/ServerErrorsAlarm, which AlarmSettings leaves out"):
        give[by](api.server_errors_alarm)


# --- what is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["Stack", None, 3])
def test_settings_are_of_a_construct(scope: Any) -> None:
    with pytest.raises(InvalidPropsError, match="scope must be a construct, such as an app"):
        AlarmSettings.of(scope)


def test_settings_are_of_an_app() -> None:
    with pytest.raises(InvalidPropsError, match="scope must be in an app"):
        AlarmSettings.of(RootConstruct("Root"))


@pytest.mark.parametrize("given", ["Alarms", 3, [3]])
def test_only_a_topic_is_notified(stack: Stack, given: Any) -> None:
    with pytest.raises(InvalidPropsError, match="topic must be a topic, got"):
        AlarmSettings.of(stack).notify(given)


def test_no_topic_is_not_a_topic(stack: Stack) -> None:
    with pytest.raises(InvalidPropsError, match="topic must be a topic, got None"):
        AlarmSettings.of(stack).notify(None)  # type: ignore[arg-type]


def test_leaving_out_is_a_flag(stack: Stack) -> None:
    with pytest.raises(InvalidPropsError, match="left_out must be True or False, got 'dev'"):
        AlarmSettings.of(stack).leave_out(left_out="dev")  # type: ignore[arg-type]


def test_a_topic_under_the_key_of_sns_is_refused(stack: Stack) -> None:
    managed = kms.Alias.from_alias_name(stack, "Managed", "alias/aws/sns")
    theirs = sns.Topic(stack, "Topic", master_key=managed)
    with pytest.raises(InvalidPropsError, match="topic Stack/Topic is under the key alias/aws/sns"):
        AlarmSettings.of(stack).notify(theirs)
