"""Where the alarms of all stacks go."""

from typing import Final

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from constructs_lib import AlarmSettings


class AlarmsStack(Stack):
    """One topic for the alarms of the app, with somebody who is told: create it before the other stacks."""

    topic: Final[sns.Topic]

    def __init__(self, scope: Construct, construct_id: str, *, on_call: str = "on-call@example.com") -> None:
        super().__init__(scope, construct_id)

        self.topic = sns.Topic(self, "Topic", enforce_ssl=True)
        self.topic.add_subscription(subscriptions.EmailSubscription(on_call))
        AlarmSettings.of(scope).notify(self.topic)
        CfnOutput(self, "AlarmTopic", value=self.topic.topic_arn)
