"""Topics that alarms notify, and that nobody in the app has subscribed to."""

from typing import Any

import pytest
from aws_cdk import Acknowledgment, App, CfnResource, Environment, Stack, Stage, Validations
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions

from constructs_lib import AlarmSettings, LiveAlias, QueueConsumer
from tests.gallery.parts import live, topic
from tests.gallery.plain_function import function
from tests.practice.report import EVERYWHERE, Found, findings


def found(app: App) -> list[Found]:
    return findings(app, EVERYWHERE)


def test_a_topic_of_each_construct_is_warned_of_once(app: App, stack: Stack) -> None:
    QueueConsumer(stack, "Consumer", function=live(stack))
    LiveAlias(stack, "Release", function=function(stack, "Other"))
    assert [(each.path, each.severity) for each in found(app)] == [
        ("Stack/Consumer/AlarmTopic/Resource", "warning"),
        ("Stack/Release/AlarmTopic/Resource", "warning"),
    ]
    assert found(app)[0].text.startswith(
        "4 alarms notify the topic Stack/Consumer/AlarmTopic, and the app has no"
    )


def email(stack: Stack, of: sns.Topic) -> None:
    of.add_subscription(subscriptions.EmailSubscription("on-call@example.com"))


def of_another_stack(stack: Stack, of: sns.Topic) -> None:
    app = Stage.of(stack)
    assert app is not None
    other = Stack(app, "Other", env=Environment(account=stack.account, region=stack.region))
    sns.Subscription(
        other,
        "Subscription",
        topic=of,
        protocol=sns.SubscriptionProtocol.EMAIL,
        endpoint="on-call@example.com",
    )


def inline(stack: Stack, of: sns.Topic) -> None:
    resource = of.node.default_child
    assert isinstance(resource, sns.CfnTopic)
    resource.subscription = [
        sns.CfnTopic.SubscriptionProperty(endpoint="on-call@example.com", protocol="email"),
    ]


def chat(stack: Stack, of: sns.Topic) -> None:
    CfnResource(
        stack,
        "Chat",
        type="AWS::Chatbot::SlackChannelConfiguration",
        properties={
            "ConfigurationName": "alarms",
            "IamRoleArn": "arn:aws:iam::111111111111:role/chat",
            "SlackChannelId": "C0",
            "SlackWorkspaceId": "T0",
            "SnsTopicArns": [of.topic_arn],
        },
    )


@pytest.mark.parametrize("subscribe", [email, of_another_stack, inline, chat])
def test_who_has_subscribed_is_told(subscribe: Any) -> None:
    app = App()
    stack = Stack(app, "Stack", env=Environment(account="1" * 12, region="us-east-1"))
    mine = topic(stack)
    AlarmSettings.of(app).notify(mine)
    QueueConsumer(stack, "Consumer", function=live(stack))
    subscribe(stack, mine)
    assert found(app) == []


def test_a_topic_without_alarms_is_not_looked_at(app: App, stack: Stack) -> None:
    AlarmSettings.of(app).leave_out()
    QueueConsumer(stack, "Consumer", function=live(stack))
    topic(stack)
    assert found(app) == []


def test_alarms_whose_actions_are_off_notify_nobody(app: App, stack: Stack) -> None:
    consumer = QueueConsumer(stack, "Consumer", function=live(stack), alarm_topic=topic(stack))
    for alarm in (
        consumer.dead_letter_alarm,
        consumer.oldest_message_alarm,
        consumer.errors_alarm,
        consumer.throttles_alarm,
    ):
        alarm.node.default_child.actions_enabled = False  # type: ignore[union-attr]
    assert found(app) == []


def test_one_acknowledgment_is_enough_for_all(app: App, stack: Stack) -> None:
    QueueConsumer(stack, "Consumer", function=live(stack))
    QueueConsumer(stack, "Second", function=live(function(stack, "Other"), "OtherLive"))
    Validations.of(app).acknowledge(
        Acknowledgment(id=f"constructs-lib::{EVERYWHERE}", reason="People subscribe in the console.")
    )
    assert found(app) == []
