"""An EventBridge rule that calls a function, with what it could not hand over kept in a queue."""

from typing import Any

import jsii
from aws_cdk import Duration, Fn, RemovalPolicy
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.foundation import alarms, dead_letters
from constructs_lib.foundation.alarms import Watch


@jsii.implements(events.IRuleTarget)
class Target:
    """A target as it is written into the rule: those of aws_events_targets add permissions of their own."""

    def __init__(self, config: events.RuleTargetConfig) -> None:
        self._config = config

    def bind(self, rule: Any, id: str | None = None) -> events.RuleTargetConfig:  # noqa: A002, ARG002
        """Called by CDK.

        Args:
            rule: The rule that it is added to.
            id: Its name there.

        Returns:
            What was given.
        """
        return self._config


def call(
    rule: events.Rule,
    *,
    function: FunctionLike,
    dead_letter_queue: sqs.IQueue,
    retry_attempts: float,
    max_event_age: Duration | None,
    given_input: events.RuleTargetInput | None = None,
) -> None:
    """Let a rule call a function, and this rule alone.

    Args:
        rule: The rule.
        function: The function, or the alias or version that is called.
        dead_letter_queue: Where an event goes that Lambda does not take.
        retry_attempts: How many times delivery is retried.
        max_event_age: How long it is tried; None for the most.
        given_input: What the function gets in place of the event.
    """
    seconds = Duration.seconds(_defaults.EVENT_AGE_SECONDS)
    rule.add_target(
        Target(
            events.RuleTargetConfig(
                arn=function.function_arn,
                input=given_input,
                target_resource=function,
                dead_letter_config=_dead_letter_config(dead_letter_queue),
                retry_policy=retry_policy(retry_attempts, max_event_age or seconds),
            )
        )
    )
    # By the ARN alone, which has the account: a condition on the account itself keeps EventBridge out.
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html
    service, arn = "events.amazonaws.com", rule.rule_arn
    function.add_permission("Invoke", scope=rule, principal=iam.ServicePrincipal(service), source_arn=arn)
    dead_letters.let_service_send(rule, dead_letter_queue, service=service, source_arn=arn)


def undelivered(rule: events.Rule, event_bus: events.IEventBus | None) -> Watch:
    """Events of a rule that did not even reach their dead-letter queue.

    Args:
        rule: The rule.
        event_bus: Its bus; None for the default bus.
    """
    dimensions = {"RuleName": rule.rule_name}
    if event_bus is not None:
        # A reference to the rule would have the bus in it too: the name is cut out of the ARN.
        name = Fn.select(2, Fn.split("/", rule.rule_arn))
        dimensions = {"EventBusName": event_bus.event_bus_name, "RuleName": name}
    return alarms.undelivered(
        namespace="AWS/Events", metric="InvocationsFailedToBeSentToDlq", dimensions=dimensions
    )


def _dead_letter_config(queue: sqs.IQueue) -> Any:
    return events.CfnRule.DeadLetterConfigProperty(arn=queue.queue_arn)


def retry_policy(retry_attempts: float, max_event_age: Duration) -> Any:
    """How a target's events are tried again.

    Args:
        retry_attempts: How many times delivery is retried.
        max_event_age: How long.

    Returns:
        The property of the rule's target.
    """
    return events.CfnRule.RetryPolicyProperty(
        maximum_retry_attempts=retry_attempts, maximum_event_age_in_seconds=max_event_age.to_seconds()
    )


def check_delivery(
    scope: Construct,
    retry_attempts: float,
    max_event_age: Duration | None,
    dead_letter_queue: sqs.IQueue | None,
    removal_policy: RemovalPolicy | None,
) -> None:
    """Refuse what EventBridge would refuse, of rules and schedules.

    Args:
        scope: Where the construct is going to be.
        retry_attempts: How many times delivery of an event is retried.
        max_event_age: How long it is tried.
        dead_letter_queue: Where it goes then; None: a queue is made.
        removal_policy: Of the queue that is made.

    Raises:
        InvalidPropsError: Out of range, or not what EventBridge delivers to.
    """
    _validation.check_range(
        "retry_attempts",
        retry_attempts,
        _defaults.EVENT_RETRY_ATTEMPTS_MIN,
        _defaults.EVENT_RETRY_ATTEMPTS_MAX,
        whole=True,
        source=_defaults.EVENT_RETRIES,
    )
    _validation.read_seconds(
        "max_event_age",
        max_event_age,
        low=_defaults.EVENT_AGE_SECONDS_MIN,
        high=_defaults.EVENT_AGE_SECONDS_MAX,
        whole="seconds",
        source=_defaults.EVENT_RETRIES,
    )
    dead_letters.check(scope, dead_letter_queue, removal_policy, source=_defaults.EVENT_DEAD_LETTERS)
