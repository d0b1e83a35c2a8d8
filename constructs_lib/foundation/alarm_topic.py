"""The topic that a construct's alarms notify: the user's, or one that is made for them."""

from typing import Final

from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import location, permissions

_CLOUDWATCH: Final = iam.ServicePrincipal("cloudwatch.amazonaws.com")


def check(scope: Construct, topic: sns.ITopic | None) -> None:
    """Refuse a topic that no alarm would reach.

    Args:
        scope: Where the construct with the alarms is going to be.
        topic: What was given as `alarm_topic`; None: a topic is made.

    Raises:
        InvalidPropsError: It is not a topic, or is under the key that SNS manages, or in another Region.
    """
    _validation.check_part("alarm_topic", topic, "topic_arn", "a topic")
    if topic is None:
        return
    location.check(
        scope,
        "alarm_topic",
        topic,
        same_account=False,
        way_out="An alarm notifies topics of its own Region only: make one there, or leave alarm_topic out.",
        source=_defaults.ALARM_ACTIONS,
    )
    key = topic.master_key
    resource = topic.node.default_child
    ids = (resource.kms_master_key_id if isinstance(resource, sns.CfnTopic) else None, key and key.key_arn)
    if any(str(each).endswith("alias/aws/sns") for each in ids):
        raise InvalidPropsError(
            f"alarm_topic {topic.node.path} is under the key alias/aws/sns, which does not let CloudWatch in: no alarm "
            f"would arrive. Use your own key, or none. See {_defaults.TOPIC_KEYS}"
        )


def given_or_own(scope: Construct, topic: sns.ITopic | None) -> sns.ITopic:
    """The topic for a construct's alarms, with a policy that lets CloudWatch publish to it.

    A topic policy replaces SNS's own, which lets the account's alarms in: so a topic of this app that has one gets
    the statement for it, and so does its key. Of an imported topic, its owner is told.

    Args:
        scope: The construct.
        topic: The user's topic; None: one is made, over TLS only, which nobody has subscribed to yet.

    Returns:
        The topic.
    """
    target = sns.Topic(scope, "AlarmTopic", enforce_ssl=True) if topic is None else topic
    from_alarms = {"StringEquals": {"aws:SourceAccount": location.stack_of(scope).account}}
    publish = iam.PolicyStatement(
        sid="AlarmsOfThisAccount",
        actions=["sns:Publish"],
        principals=[_CLOUDWATCH],
        resources=[target.topic_arn],
        conditions=from_alarms,
    )
    if topic is None or topic.node.try_find_child("Policy") is not None:
        target.add_to_resource_policy(publish)
    elif not isinstance(target, sns.Topic):
        permissions.tell_owner(
            target,
            target,
            publish,
            unless="it is SNS's default policy and the topic is in the alarms' account",
        )
    key = target.master_key  # a property injector may have put one on the topic that is made
    if key is not None:
        use = iam.PolicyStatement(
            actions=["kms:GenerateDataKey*", "kms:Decrypt"],
            principals=[_CLOUDWATCH],
            resources=["*"],
            conditions=from_alarms,
        )
        permissions.allow(target, key, use)
    return target


def findings(topic: sns.ITopic | None) -> dict[str, str]:
    """Findings on the topic that is made for alarms, each with the reason why it is not a fault.

    Args:
        topic: The user's topic; None: one is made.

    Returns:
        The reasons by finding; empty for the user's topic.
    """
    return (
        {}
        if topic is not None
        else {
            "AwsSolutions-SNS2": "CloudWatch cannot publish to a topic under the AWS-managed key, and an alarm's text "
            "holds names and figures only. Pass alarm_topic= to use a topic under your own key."
        }
    )
