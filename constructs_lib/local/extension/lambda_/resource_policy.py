"""Which service may invoke just the function, version or alias that it calls: the policy of that one says.

MiniStack never looks. A permission on the function is none on its alias.
Sources: https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html,
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html
"""

from typing import Any

from ministack.core.iam_evaluator import fnmatch_iam_cs
from ministack.services import lambda_svc

_SAY_NO_ACCOUNT = ("events.amazonaws.com", "sns.amazonaws.com")
"""Services that a condition on the account of the source keeps out. AWS says it of EventBridge, users say it of SNS."""


def allows(called: str, service: str, source: str) -> bool:
    """Whether a service may invoke what it calls.

    Args:
        called: The function's name or ARN, with the qualifier.
        service: Such as `events.amazonaws.com`.
        source: The ARN of the service's resource.

    Returns:
        True too where there is no such function: that is another message's matter.
    """
    name, qualifier = lambda_svc._resolve_name_and_qualifier(called)
    function = lambda_svc._functions.get(name)
    if function is None:
        return True
    resource = lambda_svc._policy_resource_arn(name, qualifier)
    return any(
        statement.get("Resource") == resource
        and statement.get("Effect") == "Allow"
        and statement.get("Action") in ("lambda:InvokeFunction", "lambda:*")
        and statement.get("Principal") in ({"Service": service}, "*")
        and _conditions_hold(statement.get("Condition") or {}, service, source)
        for statement in function["policy"]["Statement"]
    )


def _conditions_hold(conditions: dict[str, Any], service: str, source: str) -> bool:
    account = (conditions.get("StringEquals") or {}).get("AWS:SourceAccount")
    if account is not None and service in _SAY_NO_ACCOUNT:
        return False
    pattern = (conditions.get("ArnLike") or {}).get("AWS:SourceArn", "*")
    return account in (None, lambda_svc.get_account_id()) and fnmatch_iam_cs(source, str(pattern))
