"""Buckets, topics, rules and schedules invoke asynchronously what they name, by its own configuration, if they may.

MiniStack runs the function of a rule, a schedule or a topic once, whatever comes of it, and asks nobody. Here a bucket,
a topic and a rule need the permission of just the function, version or alias that they name; a schedule's role needs
`lambda:InvokeFunction`, where IAM is enforced, and so does the role of a rule need `states:StartExecution` for a state
machine. What a topic or a rule may not invoke goes to its own dead-letter queue,
at once: no retry would help, so a rule's and a schedule's `RetryPolicy` is kept and has nothing to do.
Sources: https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html,
https://docs.aws.amazon.com/lambda/latest/dg/with-s3.html,
https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html,
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html,
https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html,
https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
"""

import json
import logging
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack.services import eventbridge, lambda_svc, s3, sns, sqs

from . import function_policy, role_permissions

_NAMES = {"events": "RULE_ARN", "scheduler": "SCHEDULE_ARN"}

_SENDER: ContextVar[tuple[dict[str, Any], dict[str, Any]] | None] = ContextVar("sender", default=None)
"""The target that is being invoked, and the rule or schedule that has it."""

_log = logging.getLogger(__name__)


def invoke_asynchronously() -> None:
    """Change the three ways in."""
    _change_rules_and_schedules()
    _change_topics()
    _change_buckets()


def _invoke(arn: str, event: Any) -> None:
    func, config, _ = lambda_svc._get_func_record_for_ref(arn)
    lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(func, config), event)


def _exists(arn: str) -> bool:
    func, config, _ = lambda_svc._get_func_record_for_ref(arn)
    return bool(func and config)


def _send(
    queue_arn: str | None, body: str, attributes: dict[str, str], *, may: Callable[[str], bool]
) -> None:
    """To a dead-letter queue, if there is one and the sender may."""
    if not queue_arn or sqs._queue_by_arn(queue_arn) is None:
        return
    if not may(queue_arn):
        _log.warning("%s: not authorized to perform: sqs:SendMessage", queue_arn)
        return
    told = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    sqs._act_send_message({"MessageBody": body, "MessageAttributes": told}, queue_arn.rpartition(":")[2])


# --- rules and schedules -------------------------------------------------------------------------------


def _change_rules_and_schedules() -> None:
    plain = eventbridge._invoke_target

    def invoke_target(target: dict[str, Any], event: Any, rule: dict[str, Any], *rest: Any) -> Any:
        token = _SENDER.set((target, rule))
        try:
            return plain(target, event, rule, *rest)
        finally:
            _SENDER.reset(token)

    start = eventbridge._dispatch_to_stepfunctions

    def start_if_allowed(arn: str, payload: str) -> None:
        target, _ = _sender()
        if _role_may(target, "states:StartExecution", arn):
            start(arn, payload)
        else:
            _log.warning(
                "%s is not authorized to perform: states:StartExecution on %s", target["RoleArn"], arn
            )

    eventbridge._invoke_target = invoke_target
    eventbridge._dispatch_to_lambda = _dispatch_to_lambda
    eventbridge._dispatch_to_stepfunctions = start_if_allowed


def _sender() -> tuple[dict[str, Any], dict[str, Any]]:
    sender = _SENDER.get()
    if sender is None:
        raise AssertionError("the emulator calls a target in another way than this was written for")
    return sender


def _dispatch_to_lambda(arn: str, payload: str) -> None:
    target, rule = _sender()
    source = rule["Arn"]
    if not _exists(arn):
        code, why = "RESOURCE_NOT_FOUND", f"Function not found: {arn}"
    elif not _may_invoke(arn, target, source):
        code, why = "NO_PERMISSIONS", f"{source} is not authorized to perform: lambda:InvokeFunction on {arn}"
    else:
        try:
            event = json.loads(payload)
        except ValueError:
            event = payload
        _invoke(arn, event)
        return
    _log.warning("%s: %s", source, why)
    _send(
        (target.get("DeadLetterConfig") or {}).get("Arn"),
        payload,
        {_NAMES[_service(source)]: source, "TARGET_ARN": arn, "ERROR_CODE": code, "ERROR_MESSAGE": why},
        may=lambda queue: _may_send(queue, target, source),
    )


def _service(source: str) -> str:
    return source.split(":")[2]


def _role_may(target: dict[str, Any], action: str, resource: str) -> bool:
    return role_permissions.allows(target["RoleArn"], action, resource, region=lambda_svc.get_region())


def _may_invoke(arn: str, target: dict[str, Any], source: str) -> bool:
    if _service(source) == "scheduler":
        return _role_may(target, "lambda:InvokeFunction", arn)
    return function_policy.allows(arn, "events.amazonaws.com", source)


def _may_send(queue: str, target: dict[str, Any], source: str) -> bool:
    if _service(source) == "scheduler":
        return _role_may(target, "sqs:SendMessage", queue)
    return _queue_lets(queue, "events.amazonaws.com", source)


def _queue_lets(queue: str, service: str, source: str) -> bool:
    # Neither of the two says its account: a condition on it does not hold.
    return bool(sqs.queue_policy_allows(queue, service, source, ""))


# --- topics --------------------------------------------------------------------------------------------


def _change_topics() -> None:
    def deliver(
        endpoint: str, envelope: str, topic_arn: str, sub_arn: str, _id: str, _message: str, _attributes: Any
    ) -> None:
        event = {
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": sub_arn,
            "Sns": json.loads(envelope),
        }
        if _exists(endpoint) and function_policy.allows(endpoint, "sns.amazonaws.com", topic_arn):
            _invoke(endpoint, {"Records": [event]})
            return
        code, said = ("404", "Function not found") if not _exists(endpoint) else ("403", "AccessDenied")
        _log.warning("%s: %s: %s", topic_arn, said, endpoint)
        _send(
            _dead_letters_of(topic_arn, sub_arn),
            envelope,
            {"ErrorCode": code, "ErrorMessage": f"{said}: {endpoint}"},
            may=lambda queue: _queue_lets(queue, "sns.amazonaws.com", topic_arn),
        )

    sns._deliver_to_lambda = deliver


def _dead_letters_of(topic_arn: str, sub_arn: str) -> str | None:
    subscription = sns._find_subscription(topic_arn, sub_arn) or {}
    policy = (subscription.get("attributes") or {}).get("RedrivePolicy")
    read = json.loads(policy) if isinstance(policy, str) else policy
    target: str | None = (read or {}).get("deadLetterTargetArn")
    return target


# --- buckets -------------------------------------------------------------------------------------------


def _change_buckets() -> None:
    plain = s3._deliver_event_to_lambda

    def deliver(arn: str, event: dict[str, Any], region: str) -> None:
        bucket = event["Records"][0]["s3"]["bucket"]["arn"]
        if function_policy.allows(arn, "s3.amazonaws.com", bucket):
            plain(arn, event, region)
        else:
            _log.warning("%s may not invoke %s", bucket, arn)

    s3._deliver_event_to_lambda = deliver
