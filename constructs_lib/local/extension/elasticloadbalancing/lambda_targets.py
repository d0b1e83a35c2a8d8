"""A load balancer invokes a function: the event that it gets, and what the client gets of a function that fails.

MiniStack looks at no permission, sends `headers` next to `multiValueHeaders`, answers 429 for a throttle, and makes a
200 of an answer in another form.
Sources: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html,
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
"""

import base64
import json
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from ministack.services import alb, lambda_svc

from ..lambda_ import resource_policy
from .registration import SERVICE

_BODY_BYTES_MAX = 1024 * 1024
_MULTI_VALUE = "lambda.multi_value_headers.enabled"

_outcome: ContextVar[dict[str, Any] | None] = ContextVar("load_balancer_outcome", default=None)
"""What the function has returned, of the request that is under way."""


def install() -> None:
    """Invoke as AWS does."""
    invoke, answer_of = alb._invoke_lambda_target, lambda_svc.lambda_execute_result_to_api_proxy_response
    run = lambda_svc._execute_function_with_config_scope

    def answer_and_remember(result: dict[str, Any]) -> Any:
        outcome = _outcome.get()
        if outcome is not None:
            outcome["result"] = result
        return answer_of(result)

    def run_with_event(record: Any, event: dict[str, Any], *rest: Any, **more: Any) -> Any:
        outcome = _outcome.get()
        if outcome is not None and outcome["multi_value"]:
            event = {
                name: value
                for name, value in event.items()
                if name not in ("headers", "queryStringParameters")
            }
            event["multiValueQueryStringParameters"] = outcome["query"]
        return run(record, event, *rest, **more)

    async def invoke_as_aws(
        function: str, group: str, method: str, path: str, headers: Any, body: bytes, query: Any,
        raw_query: str | None = None,
    ) -> Any:  # fmt: skip
        if len(body or b"") > _BODY_BYTES_MAX:
            return _refusal(413)
        if not resource_policy.allows(function, SERVICE, group):
            return _refusal(502)
        attributes = {each["Key"]: each["Value"] for each in alb._tg_attrs.get(group, [])}
        multi_value = attributes.get(_MULTI_VALUE) == "true"
        outcome: dict[str, Any] = {"multi_value": multi_value, "query": _as_sent(raw_query), "result": None}
        token = _outcome.set(outcome)
        try:
            answer = await invoke(function, group, method, path, headers, body, query, raw_query)
        finally:
            _outcome.reset(token)
        result = outcome["result"]
        return answer if result is None else _answer(result, multi_value=multi_value)

    alb._invoke_lambda_target = invoke_as_aws
    lambda_svc.lambda_execute_result_to_api_proxy_response = answer_and_remember
    lambda_svc._execute_function_with_config_scope = run_with_event


def _as_sent(raw_query: str | None) -> dict[str, list[str]]:
    """The parameters as they came: a load balancer does not decode them."""
    found: dict[str, list[str]] = {}
    for part in filter(None, (raw_query or "").split("&")):
        name, _, value = part.partition("=")
        found.setdefault(name, []).append(value)
    return found


def _answer(result: Mapping[str, Any], *, multi_value: bool) -> Any:
    """What the client gets."""
    given = result.get("body")
    if isinstance(given, str | bytes):
        try:
            given = json.loads(given)
        except ValueError:
            given = None
    if result.get("error") or result.get("throttle") or not isinstance(given, dict):
        return _refusal(502)
    status = given.get("statusCode")
    is_too_large = len(json.dumps(given).encode()) > _BODY_BYTES_MAX
    if is_too_large or isinstance(status, bool) or not isinstance(status, int):
        return _refusal(502)
    headers = (
        {
            name: values[0] if len(values) == 1 else values
            for name, values in _part(given, "multiValueHeaders")
        }
        if multi_value
        else dict(_part(given, "headers"))
    )
    body = given.get("body") or ""
    return status, headers, base64.b64decode(body) if given.get("isBase64Encoded") else str(body).encode()


def _part(given: Mapping[str, Any], name: str) -> Any:
    return (given.get(name) or {}).items()


def _refusal(status: int) -> Any:
    reason = {413: "Request Entity Too Large", 502: "Bad Gateway"}[status]
    page = (
        f"<html><head><title>{status} {reason}</title></head><body><h1>{status} {reason}</h1></body></html>"
    )
    return status, {"Content-Type": "text/html"}, page.encode()
