"""Step Functions: a state machine sets and deletes a function's reserved concurrency, if its role may.

MiniStack's integration with Lambda's API knows these two calls not, and asks nobody.
Sources: https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html,
https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html
"""

import json
from typing import Any

from ministack.services import lambda_svc, stepfunctions

from ..iam import role_permissions
from . import current_execution

_OPERATIONS = {
    "putFunctionConcurrency": "PutFunctionConcurrency",
    "deleteFunctionConcurrency": "DeleteFunctionConcurrency",
}


def install() -> None:
    """Add the two calls."""
    dispatch = stepfunctions._dispatch_aws_sdk_lambda_rest

    def dispatch_more(info: Any, service: str, action: str, parameters: Any) -> Any:
        if action not in _OPERATIONS:
            return dispatch(info, service, action, parameters)
        return _call_lambda(_OPERATIONS[action], dict(parameters or {}))

    stepfunctions._dispatch_aws_sdk_lambda_rest = dispatch_more


def _call_lambda(operation: str, parameters: dict[str, Any]) -> Any:
    name = str(parameters.get("FunctionName", "")).rpartition(":function:")[2]
    arn, role = lambda_svc._func_arn(name), _role()
    if not role_permissions.allows(role, f"lambda:{operation}", arn, region=lambda_svc.get_region()):
        raise stepfunctions._ExecutionError(
            "Lambda.AccessDeniedException",
            f"{role} is not authorized to perform: lambda:{operation} on resource: {arn}",
        )
    status, _, body = (
        lambda_svc._put_function_concurrency(name, parameters)
        if operation == "PutFunctionConcurrency"
        else lambda_svc._delete_function_concurrency(name)
    )
    answer = json.loads(body or b"{}")
    if status >= 400:
        error = answer.get("__type") or "ServiceException"
        raise stepfunctions._ExecutionError(f"Lambda.{error}", answer.get("message", ""))
    return answer


def _role() -> str:
    return str(stepfunctions._state_machines[current_execution.get()["stateMachineArn"]]["roleArn"])
