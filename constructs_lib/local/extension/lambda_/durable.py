"""Durable functions: executions by name, in the version that started them, tried again after a crash, and dead letters.

MiniStack has the API by which a handler's SDK stores checkpoints, waits and callbacks, and keeps the history. It starts
an execution for synchronous calls alone, and for a property that CloudFormation does not have. It knows no names,
continues in `$LATEST`, and forgets an execution whose invocation crashed.

Here every way in starts an execution: the Invoke API, by its name; an asynchronous event; an event source mapping,
which waits for it. An invocation that raises, crashes or takes too long is repeated with the state that was stored,
until the execution's timeout. AWS does not document how long it waits before that: here a second, then twice as long
each time, up to a minute, all at the pace of other retries. The event of an execution that does not succeed goes to the
function's dead-letter queue. Waits, and the delays before a step is tried again, run faster by the time scale. Timeouts
of callbacks and executions do not, since a test races with them.
Sources: https://docs.aws.amazon.com/lambda/latest/dg/durable-execution-idempotency.html,
https://docs.aws.amazon.com/lambda/latest/dg/durable-invoking.html,
https://docs.aws.amazon.com/lambda/latest/dg/durable-best-practices.html
"""

import contextvars
import json
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import lambda_durable, lambda_svc

from ..iam import role_permissions
from ..process import in_flight
from . import dead_letter_queue, invocation_metrics
from .called_function import CalledFunction

_FIRST_WAIT = 1
_MOST_WAIT = 60
_HASTE_OF = 60
"""A minute of AWS's, before the first retry of an event, is that of `LAMBDA_ASYNC_RETRY_BASE_SECONDS` here."""

_METRICS = {
    "SUCCEEDED": "DurableExecutionSucceeded",
    "FAILED": "DurableExecutionFailed",
    "STOPPED": "DurableExecutionStopped",
    "TIMED_OUT": "DurableExecutionTimedOut",
}

_NAMED: ContextVar["_Start | None"] = ContextVar("named", default=None)
"""What the call of the Invoke API that is under way has asked for."""


@dataclass
class _Start:
    name: str | None
    arn: str | None = None


@dataclass
class _Execution:
    """An execution that was started here."""

    func: dict[str, Any]
    event: Any
    function: CalledFunction
    by_event: bool
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    """Of the call that started it, by which policies are evaluated: what continues it may be a timer."""
    request: str = field(default_factory=lambda: str(uuid.uuid4()))
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held by the invocation that is under way: there is one at a time."""
    ended: threading.Event = field(default_factory=threading.Event)
    crashes: int = 0


_log = logging.getLogger(__name__)

_executions: dict[str, _Execution] = {}
_starting = threading.Lock()


def install() -> None:
    """Start an execution for whatever invokes a durable function."""
    _accept_names()
    _start_for_events()
    _start_for_callers()
    _keep_to_its_version()
    _note_ends()
    _hurry_waits()
    _require_permissions()
    in_flight.add(_called_back)


def is_durable(func: dict[str, Any]) -> bool:
    """Whether a function, as MiniStack has it, is durable."""
    return bool((func.get("config") or func).get("DurableConfig"))


# --- ways in -----------------------------------------------------------------------------------------------


def _accept_names() -> None:
    plain, build = lambda_svc._invoke, lambda_durable.build_durable_execution_arn

    def build_with_name(function_arn: str, version: str = "$LATEST", name: str | None = None) -> Any:
        arn, execution_name, token = build(function_arn, version, name)
        return arn.replace(f"/{token}/", f"/{execution_name}/"), execution_name, token

    lambda_durable.build_durable_execution_arn = build_with_name

    async def invoke(
        name: str, event: Any, headers: Any, path_qualifier: str | None = None, query_params: Any = None
    ) -> Any:
        func = lambda_svc._functions.get(name)
        if func is None or not is_durable(func):
            return await plain(name, event, headers, path_qualifier, query_params)
        qualifier = lambda_svc._qualifier_from_path_or_query(path_qualifier, query_params)
        if not qualifier:
            return error_response_json(
                "InvalidParameterValueException",
                "You cannot invoke a durable function using an unqualified ARN.",
                400,
            )
        lower = {key.lower(): value for key, value in headers.items()}
        start = _Start(lower.get("x-amz-durable-execution-name"))
        refused = _refused(func, start.name, event)
        if refused is not None:
            return refused
        token = _NAMED.set(start)
        try:
            status, answered, body = await plain(name, event, headers, path_qualifier, query_params)
        finally:
            _NAMED.reset(token)
        return status, answered | ({"X-Amz-Durable-Execution-Arn": start.arn} if start.arn else {}), body

    lambda_svc._invoke = invoke


def _refused(func: dict[str, Any], name: str | None, event: Any) -> Any:
    """The answer to a name that is taken by an execution with another input."""
    known = _named(_base_arn(func), name)
    if known is None or known["InputPayload"] == json.dumps(event):
        return None
    return error_response_json(
        "DurableExecutionAlreadyStartedException",
        f"A durable execution with the name {name} exists already, with another input.",
        409,
    )


def _base_arn(func: dict[str, Any]) -> str:
    return ":".join((func.get("config") or func)["FunctionArn"].split(":")[:7])


def _named(function_arn: str, name: str | None) -> dict[str, Any] | None:
    if name is None:
        return None
    for record in list(lambda_durable._executions.values()):
        if (record["FunctionArn"], record["DurableExecutionName"]) == (function_arn, name):
            found: dict[str, Any] = record
            return found
    return None


def _start_for_events() -> None:
    plain = lambda_svc.invoke_async_with_retry

    def invoke(func: dict[str, Any], event: Any) -> None:
        if not is_durable(func):
            plain(func, event)
            return
        _start(func, event, by_event=True)

    lambda_svc.invoke_async_with_retry = invoke


def _start_for_callers() -> None:
    """What waits for an answer: the Invoke API, API Gateway, an event source mapping."""
    plain = lambda_svc._execute_function

    def execute(func: dict[str, Any], event: Any) -> Any:
        if not is_durable(func) or (isinstance(event, dict) and "DurableExecutionArn" in event):
            return plain(func, event)
        arn = _start(func, event, by_event=False)
        _executions[arn].ended.wait()
        record = lambda_durable._executions[arn]
        if record["Status"] == "SUCCEEDED":
            return {"body": json.loads(record["Result"] or "null")}
        error = record["Error"] or {}
        payload = {key: error.get(f"E{key[1:]}", "") for key in ("errorMessage", "errorType")}
        return {"body": payload, "error": True, "function_error": "Unhandled"}

    lambda_svc._execute_function = execute


def _start(func: dict[str, Any], event: Any, *, by_event: bool) -> str:
    """Start an execution, or find the one of this name; its ARN."""
    asked = _NAMED.get() or _Start(None)
    function = CalledFunction.of(func)
    function_arn = _base_arn(func)
    with _starting:
        record = _named(function_arn, asked.name)
        if record is None:
            durable = (func.get("config") or func)["DurableConfig"]
            record = lambda_durable.create_execution_for_invoke(
                function_arn=function_arn,
                version=function.version,
                input_payload=json.dumps(event),
                name=asked.name,
                execution_timeout=durable.get("ExecutionTimeout"),
            )
            _executions[record["DurableExecutionArn"]] = _Execution(func, event, function, by_event)
            invocation_metrics.record(function, "DurableExecutionStarted")
            _in_thread(record["DurableExecutionArn"])
    arn: str = record["DurableExecutionArn"]
    asked.arn = arn
    return arn


# --- invocations -------------------------------------------------------------------------------------------


def _in_thread(arn: str) -> None:
    execution = _executions[arn]
    function = execution.function
    piece = in_flight.begin(f"a durable execution of {function.name}:{function.qualifier}")
    run = execution.context.copy().run
    threading.Thread(target=run, args=(_run, arn, piece), daemon=True).start()


def _run(arn: str, piece: int) -> None:
    """Invoke the function with what is stored, again and again while that fails."""
    execution = _executions[arn]
    _NAMED.set(None)
    lambda_svc._request_account_id.set(execution.function.account)
    lambda_svc._request_region.set(execution.function.region)
    try:
        while not _invoke(arn, execution):
            execution.crashes += 1
            wait = min(_FIRST_WAIT * 2 ** (execution.crashes - 1), _MOST_WAIT)
            time.sleep(wait * lambda_svc._LAMBDA_ASYNC_RETRY_BASE_SECONDS / _HASTE_OF)
            _check_deadline(arn)
    finally:
        in_flight.end(piece)


def _check_deadline(arn: str) -> None:
    record = lambda_durable._executions[arn]
    deadline = record.get("_TimeoutDeadline")
    if deadline is not None and time.time() >= deadline:
        lambda_durable._time_out_execution(record)


def _invoke(arn: str, execution: _Execution) -> bool:
    """Invoke the function once; whether its answer was one."""
    record = lambda_durable._executions[arn]
    with execution.lock:
        if record["Status"] != "RUNNING":
            return True
        began = time.time()
        record["CheckpointToken"] = lambda_durable.new_checkpoint_token()
        operations = lambda_durable._serialize_operations(record["Operations"], for_event=True)
        event = {
            "DurableExecutionArn": arn,
            "CheckpointToken": record["CheckpointToken"],
            "InitialExecutionState": {"Operations": operations, "NextMarker": ""},
        }
        result = lambda_svc._execute_function(execution.func, event)
    body = result.get("body")
    lambda_durable.record_invocation_completed(
        arn, start_ts=began, request_id=str(uuid.uuid4()), error=body if result.get("error") else None
    )
    answer = _answer(body)
    status = answer.get("Status")
    if result.get("error") or status is None:
        return False
    execution.crashes = 0
    if status == "PENDING":
        lambda_durable.schedule_resume(arn, execution.function.account, execution.function.region)
    else:
        error = answer.get("Error") or {"ErrorMessage": ""}
        lambda_durable.mark_execution_completed(
            arn, answer.get("Result"), None if status == "SUCCEEDED" else error
        )
    return True


def _answer(body: Any) -> dict[str, Any]:
    if isinstance(body, str | bytes):
        try:
            body = json.loads(body)
        except ValueError:
            return {}
    return body if isinstance(body, dict) else {}


def _keep_to_its_version() -> None:
    """Continue in the version that was started, one invocation at a time, and let others continue meanwhile."""
    plain = lambda_durable._resume_execution

    def resume(arn: str, *scope: Any) -> None:
        execution = _executions.get(arn)
        if execution is None:
            plain(arn, *scope)
            return
        if not execution.lock.acquire(blocking=False):
            return  # it looks for itself what is due, when its invocation ends
        try:
            plain(arn, *scope)
        finally:
            execution.lock.release()

    lambda_durable._resume_execution = resume
    lambda_svc.invoke_durable_resume = lambda _name, arn, _event: _in_thread(arn)


# --- ends --------------------------------------------------------------------------------------------------


def _note_ends() -> None:
    """See to it when an execution succeeds, fails, is stopped or takes too long."""
    lambda_durable.mark_execution_completed = _ending(lambda_durable.mark_execution_completed)
    lambda_durable._time_out_execution = _ending(lambda_durable._time_out_execution)
    lambda_durable.handle_stop = _ending(lambda_durable.handle_stop)


def _ending(change: Callable[..., Any]) -> Callable[..., Any]:
    def change_and_see(which: Any, *arguments: Any, **keywords: Any) -> Any:
        answer = change(which, *arguments, **keywords)
        arn = (
            which["DurableExecutionArn"]
            if isinstance(which, dict)
            else lambda_durable._parse_execution_arn(which)
        )
        record, execution = lambda_durable._executions.get(arn), _executions.get(arn)
        if record is not None and execution is not None and record["Status"] in _METRICS:
            _end(record, execution)
        return answer

    return change_and_see


def _end(record: dict[str, Any], execution: _Execution) -> None:
    with _starting:
        if execution.ended.is_set():
            return
        execution.ended.set()
    function, status = execution.function, record["Status"]
    invocation_metrics.record(function, _METRICS[status])
    queue = function.dead_letter_queue
    if status == "SUCCEEDED" or not execution.by_event or not queue:
        return
    result = {"body": {"errorMessage": str((record["Error"] or {}).get("ErrorMessage") or status)}}
    deliver = execution.context.copy().run
    try:
        deliver(dead_letter_queue.deliver, queue, execution.event, execution.request, result, function)
    except Exception as error:
        _log.warning("%s: the event did not reach %s: %s", function.arn, queue, error)
        invocation_metrics.record(function, "DeadLetterErrors")


# --- permissions -------------------------------------------------------------------------------------------


def _require_permissions() -> None:
    """With IAM enforced, the function's role needs what AWS asks for; MiniStack knows no action for these calls.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/durable-security.html
    """
    for name, action in (
        ("handle_checkpoint", "lambda:CheckpointDurableExecution"),
        ("handle_get_state", "lambda:GetDurableExecutionState"),
    ):
        setattr(lambda_durable, name, _with_permission(getattr(lambda_durable, name), action))


def _with_permission(handle: Callable[..., Any], action: str) -> Callable[..., Any]:
    def handle_if_allowed(arn_path: str, *arguments: Any) -> Any:
        arn = lambda_durable._parse_execution_arn(arn_path)
        execution = _executions.get(arn)
        if execution is not None:
            function = execution.function
            if not role_permissions.allows(function.role, action, arn, region=function.region):
                message = f"{function.role} is not authorized to perform: {action} on resource: {arn}"
                return error_response_json("AccessDeniedException", message, 403)
        return handle(arn_path, *arguments)

    return handle_if_allowed


# --- time --------------------------------------------------------------------------------------------------


def _hurry_waits() -> None:
    scale = float(os.environ["CONSTRUCTS_LIB_TIME_SCALE"])
    plain = lambda_durable._apply_update

    def apply(record: dict[str, Any], update: dict[str, Any]) -> None:
        options = {
            kind: {key: update[kind][key] / scale}
            for kind, key in (("WaitOptions", "WaitSeconds"), ("StepOptions", "NextAttemptDelaySeconds"))
            if (update.get(kind) or {}).get(key) is not None
        }
        callback = update.get("CallbackOptions")
        if callback is not None:  # 0 means without a timeout; MiniStack would end the callback at once
            options["CallbackOptions"] = {key: seconds for key, seconds in callback.items() if seconds}
        plain(record, update | options)

    lambda_durable._apply_update = apply


def _called_back() -> Iterator[tuple[str, int]]:
    """Executions that somebody has called back, and that have not gone on yet."""
    for record in list(lambda_durable._executions._data.values()):
        waits = record["Status"] == "RUNNING" and any(
            operation.get("Type") == "CALLBACK"
            and operation.get("Status") in ("SUCCEEDED", "FAILED")
            and not (operation.get("CallbackDetails") or {}).get("_replayed")
            for operation in record["Operations"]
        )
        yield f"a durable execution that was called back: {record['DurableExecutionName']}", int(waits)
