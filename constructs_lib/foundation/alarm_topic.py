"""The topic that a construct's alarms notify: the user's, or one that is made for them."""

from typing import Final
from weakref import WeakKeyDictionary

from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import location, permissions

_CLOUDWATCH: Final = iam.ServicePrincipal("cloudwatch.amazonaws.com")


_let_in: Final[WeakKeyDictionary[sns.ITopic, set[str]]] = WeakKeyDictionary()
"""The accounts whose alarms a topic already lets in, so that a topic of many constructs is asked once."""


def check(scope: Construct, topic: sns.ITopic | None) -> None:
    """Refuse a topic that no alarm would reach.

    Args:
        scope: Where the construct with the alarms is going to be.
        topic: What was given as `alarm_topic`; None: it is shared, or one is made.

    Raises:
        InvalidPropsError: It is not a topic, or is under the key that SNS manages, or in another Region.
    """
    _validation.check_part("alarm_topic", topic, "topic_arn", "a topic")
    if topic is not None:
        check_region(scope, "alarm_topic", topic, way_out="make one there, or leave alarm_topic out.")
        check_key("alarm_topic", topic)


def check_region(scope: Construct, name: str, topic: sns.ITopic, *, way_out: str) -> None:
    """Refuse a topic of another Region.

    Args:
        scope: Where the construct with the alarms is going to be.
        name: Whose topic it is, for the message.
        topic: The topic.
        way_out: What to do instead.

    Raises:
        InvalidPropsError: Both Regions are known, and differ.
    """
    location.check(
        scope,
        name,
        topic,
        same_account=False,
        way_out=f"An alarm notifies topics of its own Region only: {way_out}",
        source=_defaults.ALARM_ACTIONS,
    )


def check_key(name: str, topic: sns.ITopic) -> None:
    """Refuse a topic under the key that SNS manages.

    Args:
        name: The argument, as the user wrote it.
        topic: The topic.

    Raises:
        InvalidPropsError: It is under that key.
    """
    key = topic.master_key
    resource = topic.node.default_child
    ids = (resource.kms_master_key_id if isinstance(resource, sns.CfnTopic) else None, key and key.key_arn)
    if any(str(each).endswith("alias/aws/sns") for each in ids):
        raise InvalidPropsError(
            f"{name} {topic.node.path} is under the key alias/aws/sns, which does not let CloudWatch in: no alarm "
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
    account = location.stack_of(scope).account
    if account in _let_in.get(target, ()):
        return target
    from_alarms = {"StringEquals": {"aws:SourceAccount": account}}
    publish = iam.PolicyStatement(
        sid="AlarmsOfThisAccount",
        actions=["sns:Publish"],
        principals=[_CLOUDWATCH],
        resources=[target.topic_arn],
        conditions=from_alarms,
    )
    has_policy = topic is None or topic.node.try_find_child("Policy") is not None
    if has_policy:
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
    if has_policy:  # without one, the next construct looks again: it may have got one
        _let_in.setdefault(target, set()).add(account)
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
