"""A rule or a schedule invokes its targets only if it is allowed to, and a function asynchronously.

MiniStack runs the function once, whatever comes of it, and checks no permission. Here a rule needs the permission of
just the function, version or alias that it names; a schedule's role needs `lambda:InvokeFunction`, where IAM is
enforced, and so does the role of a rule need `states:StartExecution` for a state machine. What may not be invoked goes
to the target's own dead-letter queue, at once: no retry would help, so a `RetryPolicy` is kept and has nothing to do.
Sources: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html,
https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html,
https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
"""

import json
import logging
from contextvars import ContextVar
from typing import Any

from ministack.core.responses import get_region
from ministack.services import eventbridge

from ..iam import role_permissions
from ..lambda_ import by_arn, resource_policy
from ..sqs import dead_letters

_SERVICE = "events.amazonaws.com"
_ATTRIBUTES = {"events": "RULE_ARN", "scheduler": "SCHEDULE_ARN"}

_SENDER: ContextVar[tuple[dict[str, Any], dict[str, Any]] | None] = ContextVar("sender", default=None)
"""The target that is being invoked, and the rule or schedule that has it."""

_log = logging.getLogger(__name__)


def install() -> None:
    """Change how functions and state machines are invoked."""
    invoke = eventbridge._invoke_target

    def invoke_with_sender(target: dict[str, Any], event: Any, rule: dict[str, Any], *rest: Any) -> Any:
        token = _SENDER.set((target, rule))
        try:
            return invoke(target, event, rule, *rest)
        finally:
            _SENDER.reset(token)

    start = eventbridge._dispatch_to_stepfunctions

    def start_if_allowed(arn: str, payload: str) -> None:
        target, _ = _sender()
        if _role_allows(target, "states:StartExecution", arn):
            start(arn, payload)
        else:
            _log.warning(
                "%s is not authorized to perform: states:StartExecution on %s", target["RoleArn"], arn
            )

    eventbridge._invoke_target = invoke_with_sender
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
    if not by_arn.exists(arn):
        code, reason = "RESOURCE_NOT_FOUND", f"Function not found: {arn}"
    elif not _is_allowed_to_invoke(arn, target, source):
        code = "NO_PERMISSIONS"
        reason = f"{source} is not authorized to perform: lambda:InvokeFunction on {arn}"
    else:
        try:
            event = json.loads(payload)
        except ValueError:
            event = payload
        by_arn.invoke_asynchronously(arn, event)
        return
    _log.warning("%s: %s", source, reason)
    dead_letters.send(
        (target.get("DeadLetterConfig") or {}).get("Arn"),
        payload,
        {
            _ATTRIBUTES[_service(source)]: source,
            "TARGET_ARN": arn,
            "ERROR_CODE": code,
            "ERROR_MESSAGE": reason,
        },
        is_allowed=lambda queue: _is_allowed_to_send(queue, target, source),
    )


def _service(source: str) -> str:
    return source.split(":")[2]


def _role_allows(target: dict[str, Any], action: str, resource: str) -> bool:
    return role_permissions.allows(target["RoleArn"], action, resource, region=get_region())


def _is_allowed_to_invoke(arn: str, target: dict[str, Any], source: str) -> bool:
    if _service(source) == "scheduler":
        return _role_allows(target, "lambda:InvokeFunction", arn)
    return resource_policy.allows(arn, _SERVICE, source)


def _is_allowed_to_send(queue: str, target: dict[str, Any], source: str) -> bool:
    if _service(source) == "scheduler":
        return _role_allows(target, "sqs:SendMessage", queue)
    return dead_letters.policy_allows(queue, _SERVICE, source)
