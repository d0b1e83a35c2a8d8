"""API Gateway in front of Lambda: one request id for the client, the function and the log; no exception to a client.

MiniStack tells the function another request id than the client, and the client what the function died of. On AWS a
function that fails, or answers what is no proxy response, is a 502 of a REST API (in the form of its DEFAULT_5XX
gateway response), one that Lambda refuses to run a 500; an HTTP API answers 500.
Sources: https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway-errors.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-lambda.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-create-api-as-simple-proxy.html
"""

import base64
import os
from contextvars import ContextVar
from typing import Any

from ministack.core.responses import get_region
from ministack.services import apigateway, apigateway_v1

_REST: ContextVar[dict[str, Any]] = ContextVar("rest_request")
"""What the gateway knows of the request that is under way at a REST API."""

_HTTP: ContextVar[str | None] = ContextVar("http_request_id", default=None)


class _FunctionFailedError(Exception):
    """There is no proxy response to hand on."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _InternalError(apigateway_v1._GatewayError):  # type: ignore[misc]
    """The gateway response DEFAULT_5XX, with a status of its own."""

    def __init__(self, status: int) -> None:
        super().__init__("DEFAULT_5XX", "Internal server error", "InternalServerErrorException")
        self.status = status


def install() -> None:
    """Change the answers of REST and of HTTP APIs."""
    _change_rest()
    _change_http()


def _change_rest() -> None:
    execute, build = apigateway_v1._execute_in_scope, apigateway_v1._build_lambda_event_v1
    proxy, respond = apigateway_v1._invoke_lambda_proxy_v1, apigateway_v1._lambda_proxy_response
    render = apigateway_v1._gateway_error_response

    async def execute_known(request: dict[str, Any], *rest: Any) -> Any:
        token = _REST.set(request)
        try:
            answer = await execute(request, *rest)
        finally:
            _REST.reset(token)
        if isinstance(answer, tuple):
            answer[1]["x-amzn-requestid"] = request["request_id"]
        return answer

    def build_with_id(api_id: str, *arguments: Any, **keywords: Any) -> dict[str, Any]:
        event: dict[str, Any] = build(api_id, *arguments, **keywords)
        event["requestContext"] |= {
            "requestId": _REST.get()["request_id"],
            "domainName": f"{api_id}.execute-api.{get_region()}.amazonaws.com",
            "domainPrefix": api_id,
        }
        return event

    def respond_or_fail(result: dict[str, Any]) -> Any:
        _raise_if_failed(result)
        answer = result.get("body")
        if not isinstance(answer, dict) or "statusCode" not in answer:
            raise _FunctionFailedError(502)
        return respond(result)

    async def proxy_or_error(*arguments: Any, **keywords: Any) -> Any:
        try:
            return await proxy(*arguments, **keywords)
        except _FunctionFailedError as failed:
            return _InternalError(failed.status)

    def render_with_status(error: Any, request: dict[str, Any]) -> Any:
        status, headers, body = render(error, request)
        if isinstance(error, _InternalError) and status == 500:  # the API does not say otherwise
            status = error.status
        return status, headers, body

    apigateway_v1._execute_in_scope = execute_known
    apigateway_v1._build_lambda_event_v1 = build_with_id
    apigateway_v1._lambda_proxy_response = respond_or_fail
    apigateway_v1._invoke_lambda_proxy_v1 = proxy_or_error
    apigateway_v1._gateway_error_response = render_with_status


def _change_http() -> None:
    proxy, run = apigateway._invoke_lambda_proxy, apigateway.run_reentrant

    async def proxy_known(*arguments: Any, **keywords: Any) -> Any:
        id_ = base64.b64encode(os.urandom(11)).decode()
        token = _HTTP.set(id_)
        try:
            status, headers, body = await proxy(*arguments, **keywords)
        except _FunctionFailedError:
            status, headers = 500, {"Content-Type": "application/json"}
            body = b'{"message":"Internal Server Error"}'
        finally:
            _HTTP.reset(token)
        return status, headers | {"apigw-requestid": id_}, body

    async def run_with_id(execute: Any, record: Any, event: Any, **keywords: Any) -> Any:
        id_ = _HTTP.get()
        if id_ is None:  # an authorizer's invocation
            return await run(execute, record, event, **keywords)
        event["requestContext"] |= {"requestId": id_, "domainPrefix": event["requestContext"]["apiId"]}
        result = await run(execute, record, event, **keywords)
        _raise_if_failed(result)
        return result

    apigateway._invoke_lambda_proxy = proxy_known
    apigateway.run_reentrant = run_with_id


def _raise_if_failed(result: dict[str, Any]) -> None:
    if result.get("throttle"):
        raise _FunctionFailedError(500)
    if result.get("error"):
        raise _FunctionFailedError(502)
