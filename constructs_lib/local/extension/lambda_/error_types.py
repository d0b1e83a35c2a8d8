"""An error's payload as the Python runtime writes it: the exception's class, the request's id, the stack.

MiniStack calls every class `Runtime.HandlerError`, so that whoever decides by the class (a `Retry` of Step Functions,
a reader of an invocation's record) never finds it. And it ends the environment of a handler that has raised, so that
each retry is a cold start; on AWS only a crash and a timeout end it.
Sources: https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html,
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-invoke-with-errors,
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from contextvars import ContextVar
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from . import worker_script

_PLAIN = '"status": "error", "error": str(e), "trace": traceback.format_exc()}'
# What is an error ends the environment. The first frame is the worker's own.
_WITH_CLASS = (
    '"status": "ok", "error": str(e), "error_type": type(e).__name__, "stack_trace": '
    'traceback.format_list(traceback.extract_tb(e.__traceback__)[1:]), "trace": traceback.format_exc()}'
)

_RAISED: ContextVar[dict[str, Any] | None] = ContextVar("raised", default=None)
"""What the handler of the invocation that is under way has raised."""


def install() -> None:
    """Let the Python worker name the class and go on, and hand the class on."""
    worker_script.replace(_PLAIN, _WITH_CLASS)
    invoke, execute = lambda_runtime.Worker.invoke, lambda_svc._execute_function_warm

    def invoke_and_note(worker: Any, *arguments: Any, **keywords: Any) -> Any:
        response = invoke(worker, *arguments, **keywords)
        raised = "error_type" in response
        _RAISED.set(response if raised else None)
        return response | {"status": "error"} if raised else response

    def execute_and_name(func: dict[str, Any], event: Any, request_id: str) -> Any:
        _RAISED.set(None)
        result = execute(func, event, request_id)
        raised = _RAISED.get()
        if raised is None or not result.get("error"):
            return result
        payload = {
            "errorMessage": result["body"]["errorMessage"],
            "errorType": raised["error_type"],
            "requestId": request_id,
            "stackTrace": raised["stack_trace"],
        }
        return result | {"body": payload}

    lambda_runtime.Worker.invoke = invoke_and_note
    lambda_svc._execute_function_warm = execute_and_name
