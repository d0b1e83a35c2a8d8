"""Call a Lambda function for the messages of an SNS topic."""

from collections.abc import Mapping
from typing import Any, Final

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import alarms, dead_letters, location, permissions
from constructs_lib.foundation.acknowledgment import acknowledge
from constructs_lib.foundation.alarms import Alarms
from constructs_lib.foundation.invoked import Invoked, check_event_source, check_permission, check_place
from constructs_lib.foundation.resource import resource_of
from constructs_lib.practice.plugin import check_app_of


class TopicSubscription(Construct):
    """A subscription that invokes your function for each message of a topic, or for those that match a filter.

    What is deployed: the subscription; the permission to invoke exactly this alias, version or function, for
    exactly this topic; a dead-letter queue of the subscription's own, encrypted, over TLS only, for the messages
    that Lambda did not take; an alarm on the first of them, and the topic that it goes to.

    The invocation is asynchronous: once Lambda has the message, the topic is done with it. What the handler then fails
    at is for `AsyncDestinations` on the same function.

    Args:
        scope: The construct to put it in.
        construct_id: The construct's id, unique in its scope.
        function: The alias, version or function to invoke, of the same Region and account.
        topic: A standard topic of the same Region; a FIFO topic delivers to queues alone. The topic of another account
            must let this one subscribe, in its own policy.
        filter_policy: Of message attributes: at most 5 names, such as
            `{"type": sns.SubscriptionFilter.string_filter(allowlist=["trip.completed"])}`.
        filter_policy_with_message_body: The same of the message itself, which must be JSON. One of the two.
            CloudFormation cannot take it off a subscription again: to go without it, or to `filter_policy`, give the
            construct another id in the same deployment, which makes a new subscription.
            See https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1840
        dead_letter_queue: Your own standard queue, in the same Region and stack. None: a queue is created.
        alarm_topic: The topic that the alarms notify, of the same Region. None: that of `AlarmSettings`, or else one
            that is created, for you to subscribe to.
        removal_policy: What happens to the dead-letter queue that is created when the stack is deleted; default RETAIN.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        subscription: The subscription.
        topic: The topic, as you passed it.
        function: The function, alias or version that you passed.
        dead_letter_queue: The dead-letter queue that you passed, or the one that was created.
        alarm_topic: Notified by the alarms: the one that you passed, that of `AlarmSettings`, or one that was created.
        dead_letter_alarm: On the first message in `dead_letter_queue`. None if that queue is in another account,
            where its metrics are.
        undelivered_alarm: On messages that could not even be sent to a dead-letter queue, of all subscriptions of the
            topic. None if the topic is in another account, where its metrics are.

    Source: https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
    """

    subscription: Final[sns.Subscription]
    topic: Final[sns.ITopic]
    function: Final[FunctionLike]
    dead_letter_queue: Final[sqs.IQueue]
    alarm_topic: Final[sns.ITopic]
    dead_letter_alarm: Final[cloudwatch.Alarm | None]
    undelivered_alarm: Final[cloudwatch.Alarm | None]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: FunctionLike,
        topic: sns.ITopic | sns.Topic,
        filter_policy: Mapping[str, sns.SubscriptionFilter] | None = None,
        filter_policy_with_message_body: Mapping[str, sns.FilterOrPolicy] | None = None,
        dead_letter_queue: sqs.IQueue | sqs.Queue | None = None,
        alarm_topic: sns.ITopic | sns.Topic | None = None,
        removal_policy: RemovalPolicy | None = None,
    ) -> None:
        """Create the subscription; the arguments are described at the class."""
        _validation.check_part(
            "function", function, "function_arn", "a function, version or alias", required=True
        )
        _validation.check_part("topic", topic, "topic_arn", "a topic", required=True)
        location.check(
            scope,
            "topic",
            topic,
            same_account=False,
            way_out="Subscription, dead-letter queue and alarm must be in the Region of the topic: make this "
            "TopicSubscription, and the function, there.",
            source=_defaults.TOPIC_LAMBDA,
        )
        Alarms.check_topic(scope, alarm_topic)
        if topic.fifo:
            raise InvalidPropsError(
                f"topic cannot be a FIFO topic, got {topic.node.path}: it delivers to queues alone. Subscribe a queue, "
                f"and put a QueueConsumer behind it. See {_defaults.TOPIC_FIFO}"
            )
        dead_letters.check(
            scope, dead_letter_queue, removal_policy, source=_defaults.TOPIC_DEAD_LETTERS, same_account=True
        )
        dead_letters.check_stack(scope, dead_letter_queue, topic=topic)
        _check_filters(filter_policy, filter_policy_with_message_body)
        invoked = Invoked.of(function)
        check_place(scope, invoked)
        check_event_source(invoked)
        check_permission(invoked, function)

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        self.topic = topic
        self.function = function
        service, arn = "sns.amazonaws.com", topic.topic_arn
        self.dead_letter_queue = dead_letter_queue or dead_letters.queue(
            self, "DeadLetterQueue", removal_policy=removal_policy
        )
        function.add_permission(
            "Invoke",
            scope=self,
            principal=iam.ServicePrincipal(service),
            source_arn=arn,
        )
        self.subscription = sns.Subscription(
            self,
            "Subscription",
            topic=topic,
            protocol=sns.SubscriptionProtocol.LAMBDA,
            endpoint=function.function_arn,
            filter_policy=filter_policy,
            filter_policy_with_message_body=filter_policy_with_message_body,
        )
        # Not through the L2, which would let the topic send for every account that has its name.
        resource = resource_of(self.subscription, sns.CfnSubscription)
        acknowledge(
            self.subscription,
            {"CloudFormation-Validate::W3694": "An alias or version is called by its ARN like a function."},
        )
        resource.redrive_policy = {"deadLetterTargetArn": self.dead_letter_queue.queue_arn}
        may_send = dead_letters.let_service_send(
            self, self.dead_letter_queue, service=service, source_arn=arn
        )
        # SNS does not repeat what was refused: so the permissions come before the subscription, and go after it.
        self.subscription.node.add_dependency(self.node.find_child("Invoke"))
        if may_send is not None:
            self.subscription.node.add_dependency(may_send)
        alarms_here = Alarms(self, alarm_topic, findings=dead_letters.findings(dead_letter_queue))
        self.alarm_topic = alarms_here.topic
        self.dead_letter_alarm = alarms_here.add(
            "DeadLetterAlarm", dead_letters.watch(self, self.dead_letter_queue, passed=dead_letter_queue)
        )
        is_theirs = location.is_of_another_account(self, topic)
        self.undelivered_alarm = alarms_here.add(
            "UndeliveredAlarm",
            None
            if is_theirs
            else alarms.undelivered(
                namespace="AWS/SNS",
                metric="NumberOfNotificationsFailedToRedriveToDlq",
                dimensions={"TopicName": topic.topic_name},
            ),
        )
        if is_theirs:
            subscribe = iam.PolicyStatement(
                actions=["sns:Subscribe"],
                principals=[iam.AccountPrincipal(Stack.of(self).account)],
                resources=[arn],
            )
            permissions.tell_owner(self, topic, subscribe)


_FILTER: Final = (
    sns.SubscriptionFilter,
    'a SubscriptionFilter, such as SubscriptionFilter.string_filter(allowlist=["new"]),',
)
_FILTER_OF_BODY: Final = (
    (sns.Filter, sns.Policy),
    "FilterOrPolicy.filter(SubscriptionFilter...) or FilterOrPolicy.policy({...})",
)


def _check_filters(
    filter_policy: Mapping[str, sns.SubscriptionFilter] | None,
    filter_policy_with_message_body: Mapping[str, sns.FilterOrPolicy] | None,
) -> None:
    _validation.check_at_most_one(
        "a subscription has one filter policy, of the attributes or of the body.",
        filter_policy=filter_policy,
        filter_policy_with_message_body=filter_policy_with_message_body,
    )
    name = "filter_policy" if filter_policy is not None else "filter_policy_with_message_body"
    policy = filter_policy if filter_policy is not None else filter_policy_with_message_body
    if policy is not None and not (isinstance(policy, Mapping) and policy):
        raise InvalidPropsError(
            f"{name} must have at least one name, got {_validation.shown(policy)}: leave it out to get all messages."
        )
    wanted = _FILTER if filter_policy is not None else _FILTER_OF_BODY
    names, combinations = 0, 1
    waiting: list[tuple[Any, int]] = [(filter_policy or filter_policy_with_message_body or {}, 1)]
    while waiting:
        policy, depth = waiting.pop()
        for key, value in policy.items():
            if not isinstance(value, wanted[0]):
                raise InvalidPropsError(
                    f"{name} must have {wanted[1]} as values, got {_validation.shown(value)} for {key!r}. "
                    f"See {_defaults.TOPIC_FILTERS}"
                )
            if isinstance(value, sns.Policy):
                if not value.policy_doc:
                    raise _nothing(name, "name", key)
                waiting.append((value.policy_doc, depth + 1))
            else:
                names += 1
                conditions = (
                    value.filter_doc.conditions if isinstance(value, sns.Filter) else value.conditions
                )
                if not conditions:
                    raise _nothing(name, "condition", key)
                combinations *= depth * len(conditions)
    if names > _defaults.TOPIC_FILTER_NAMES_MAX:
        raise InvalidPropsError(
            f"{name} must have at most {_defaults.TOPIC_FILTER_NAMES_MAX} names, got {names}. "
            f"See {_defaults.TOPIC_FILTERS}"
        )
    if combinations > _defaults.TOPIC_FILTER_COMBINATIONS_MAX:
        raise InvalidPropsError(
            f"{name} must have at most {_defaults.TOPIC_FILTER_COMBINATIONS_MAX} combinations of values, got "
            f"{combinations}. See {_defaults.TOPIC_FILTERS}"
        )


def _nothing(name: str, what: str, key: str) -> InvalidPropsError:
    return InvalidPropsError(
        f"{name} must have at least one {what} for {key!r}, got none, and SNS would refuse it. "
        f"See {_defaults.TOPIC_FILTERS}"
    )
