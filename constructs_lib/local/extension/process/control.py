"""The extension's own pages below /_constructs_lib: faults on demand, what functions died of, what is going on.

A fault is an answer that AWS documents, given in place of the emulator's: the next `times` calls of one
operation whose request contains a text. What the calling code does with it is its own doing.
"""

import asyncio
import json
import os
import threading
from collections import deque
from typing import Any

from ministack import app as gateway
from ministack.services import lambda_svc

from ..cloudwatch import alarm_states
from ..lambda_ import cold_starts
from ..rds import databases
from . import in_flight, pace

PREFIX = "/_constructs_lib/"
MESSAGE = "Injected by the local cloud."

_faults: list[dict[str, Any]] = []
_failures: deque[dict[str, Any]] = deque(maxlen=200)
_lock = threading.Lock()


def install() -> None:
    """Put the pages in front of the emulator, and watch every call and every invocation."""
    serve = gateway.app

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await _page(scope, receive, send)
        else:
            await serve(scope, receive, send)

    gateway.app = app
    for service, handler in list(gateway.SERVICE_HANDLERS.items()):
        gateway.SERVICE_HANDLERS[service] = _with_faults(service, handler)

    execute = lambda_svc._execute_function_dispatch

    def execute_and_note(func: Any, config: dict[str, Any], *rest: Any) -> Any:
        result = execute(func, config, *rest)
        if result.get("error"):
            with _lock:
                _failures.append(
                    {
                        "function": config.get("FunctionName"),
                        "error": result.get("body"),
                        "log": str(result.get("log", ""))[-8000:],
                    }
                )
        return result

    lambda_svc._execute_function_dispatch = execute_and_note


def _with_faults(service: str, handler: Any) -> Any:
    async def answer(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:
        if service == "s3":
            fault = match(service, _s3_operation(method, headers, query), path.encode())
        else:
            target = next((v for k, v in headers.items() if k.lower() == "x-amz-target"), "")
            fault = match(service, target.rpartition(".")[2], body)
        if fault is None:
            return await handler(method, path, headers, body, query)
        if fault["delay_seconds"]:
            await asyncio.sleep(fault["delay_seconds"])
        if service == "s3":
            xml = f"<Error><Code>{fault['error_code']}</Code><Message>{MESSAGE}</Message></Error>"
            return fault["status"], {"Content-Type": "application/xml"}, xml.encode()
        error = {"__type": fault["error_code"], "message": MESSAGE}
        headers_out = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-ErrorType": fault["error_code"]}
        return fault["status"], headers_out, json.dumps(error).encode()

    return answer


def _s3_operation(method: str, headers: dict[str, str], query: Any) -> str:
    """The plain operations on objects: their names are nowhere in the request."""
    if query and set(query) - {"x-id"}:
        return ""
    copied = any(name.lower() == "x-amz-copy-source" for name in headers)
    if method == "PUT":
        return "CopyObject" if copied else "PutObject"
    return {"GET": "GetObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}.get(method, "")


def match(service: str, operation: str, text: bytes) -> dict[str, Any] | None:
    """The fault that is to answer a call; it counts as used.

    Args:
        service: As the emulator names it.
        operation: Of its API.
        text: The request.
    """
    with _lock:
        for fault in _faults:
            if (
                fault["service"] == service
                and fault["operation"] == operation
                and fault["containing"].encode() in text
                and fault["hits"] < fault["times"]
            ):
                fault["hits"] += 1
                return fault
    return None


async def _page(scope: dict[str, Any], receive: Any, send: Any) -> None:
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    page = scope["path"].removeprefix(PREFIX)
    status: int = 200
    answer: Any = None
    if page == "faults":
        new = json.loads(body) if scope["method"] == "POST" else []
        unknown = {fault["service"] for fault in new} - set(gateway.SERVICE_HANDLERS)
        if unknown:
            status, answer = 400, f"the emulator has no service {', '.join(sorted(unknown))}"
        else:
            with _lock:
                _faults.extend({**fault, "hits": 0} for fault in new)
                answer = list(_faults)
    elif page == "kill":
        answer = cold_starts.kill(json.loads(body))
    elif page == "run":
        answer = os.environ["CONSTRUCTS_LIB_RUN_FOLDER"]
    elif page == "in-flight":
        answer = await asyncio.to_thread(_in_flight)
    elif page == "databases":
        answer = databases.describe()
    elif page == "failures":
        with _lock:
            answer = list(_failures)
    else:
        status = 404
    await send(
        {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
    )
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


def _in_flight() -> dict[str, Any]:
    """What is going on. Once nothing is, all alarms are looked at: what they set off is going on then."""
    work = in_flight.work()
    if not work and alarm_states.evaluate_all():
        work = in_flight.work() or {"an alarm that has just changed its state": 1}
    return {"work": work, "progress": in_flight.progress(), "slowness": pace.slowness()}
