"""A handler that crashes at import: its own traceback, which MiniStack throws away, in the invocation's log.

On AWS the function's log has it too.
Source: https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
"""

from typing import Any

from ministack.services import lambda_svc

from . import worker_script

_MARK = "\n-- traceback --\n"
_PLAIN = '"error": str(e)})'
_WITH_TRACE = f'"error": str(e) + {_MARK!r} + traceback.format_exc()}})'


def install() -> None:
    """Let the worker send the traceback along, and move it from the message to the log."""
    worker_script.replace(_PLAIN, _WITH_TRACE)
    execute = lambda_svc._execute_function_dispatch

    def execute_and_split(*arguments: Any) -> Any:
        result = execute(*arguments)
        body = result.get("body")
        if result.get("error") and isinstance(body, dict):
            message, _, trace = str(body.get("errorMessage", "")).partition(_MARK)
            if trace:
                return result | {"body": body | {"errorMessage": message}, "log": trace}
        return result

    lambda_svc._execute_function_dispatch = execute_and_split
