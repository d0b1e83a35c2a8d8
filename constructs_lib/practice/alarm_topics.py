"""Topics that alarms notify."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from constructs_lib import _defaults
from constructs_lib.practice.flows import Flows
from constructs_lib.practice.rule import Finding, Rule

_CHATS: Final = (
    "AWS::Chatbot::MicrosoftTeamsChannelConfiguration",
    "AWS::Chatbot::SlackChannelConfiguration",
)
"""Amazon Q Developer in chat applications subscribes itself to the topics of a channel.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-chatbot-slackchannelconfiguration.html"""


def _unheard(flows: Flows) -> Iterator[Finding]:
    heard = {each.text("TopicArn") for each in flows.assembly.of_type("AWS::SNS::Subscription")}
    for channel in flows.assembly.of_type(*_CHATS):
        heard.update(channel.texts("SnsTopicArns"))
    notified = Counter(
        target
        for alarm in flows.assembly.of_type("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
        if alarm.get("ActionsEnabled") is not False
        for target in set(alarm.texts("AlarmActions"))
    )
    for topic in flows.assembly.of_type("AWS::SNS::Topic"):
        count = notified[topic.arn]
        if count and topic.arn not in heard and not topic.get("Subscription"):
            yield Finding(
                topic,
                f"{count} {'alarm notifies' if count == 1 else 'alarms notify'} the topic {topic.path}, and the app "
                "has no subscription to it.",
            )


NOBODY_SUBSCRIBED: Final = Rule(
    id="nobody-subscribed",
    severity="warning",
    reason="When an alarm goes off, nobody is told.",
    fix="Subscribe somebody: topic.add_subscription(subscriptions.EmailSubscription(...)), once for all topics with "
    "AlarmSettings.of(app).notify(topic). Acknowledge it on the app if people subscribe elsewhere, as in the console.",
    source=_defaults.ALARM_ACTIONS,
    find=_unheard,
)

RULES: Final = (NOBODY_SUBSCRIBED,)
