"""Who may call an API: what MiniStack answers when it enforces IAM, and where it lets somebody through.

An `Authorization` header without a key in it counts as the account's root there, and passes an IAM route. Refusals
have the form of the service, not of the API: on AWS a REST API refuses in the form of its gateway response
ACCESS_DENIED, an HTTP API says Forbidden. And an API whose own address is switched off answers at its domains only.
Sources: https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-disable-default-endpoint.html
"""

import json
from typing import Any

from ministack import app as gateway
from ministack.core.responses import new_uuid, request_scope
from ministack.core.router import extract_access_key_id
from ministack.services import apigateway, apigateway_v1

_NO_KEY = "Authorization header requires 'Credential' parameter."
_FORBIDDEN = 403, {"Content-Type": "application/json"}, b'{"message":"Forbidden"}'


def install() -> None:
    """Refuse whom AWS refuses, and as AWS does."""
    enforce, serve = gateway._enforce_execute_api, gateway._handle_execute_api_request

    def enforce_all(
        api_id: str, stage: str, method: str, path: str, headers: Any, query: Any, **more: Any
    ) -> Any:
        refused = enforce(api_id, stage, method, path, headers, query, **more)
        if not gateway.AUTH or more.get("iam_action") == "execute-api:ManageConnections":
            return refused
        if refused is not None:
            return _in_form(refused, api_id, stage, headers, query)
        signed = extract_access_key_id(headers, query)
        wanted = gateway._execute_api_authorization_type(api_id, stage, method, path)
        if wanted == "AWS_IAM" and headers.get("authorization") and not signed:
            return _refusal(_NO_KEY, api_id, stage, headers, query)
        return None

    async def serve_if_open(host: str, path: str, *rest: Any, **more: Any) -> Any:
        parsed = gateway._parse_execute_api_url(host, path)
        if parsed is not None and _is_closed(parsed[0]):
            return _FORBIDDEN[0], dict(_FORBIDDEN[1]), _FORBIDDEN[2]
        return await serve(host, path, *rest, **more)

    gateway._enforce_execute_api = enforce_all
    gateway._handle_execute_api_request = serve_if_open


def _in_form(refused: Any, api_id: str, stage: str, headers: Any, query: Any) -> Any:
    """The refusal as the API words it; a REST API's gateway response is that already."""
    if apigateway_v1.find_api_scope(api_id) is not None and not refused[2].startswith(b'{"__type"'):
        return refused
    return _refusal(json.loads(refused[2]).get("message"), api_id, stage, headers, query)


def _refusal(message: str, api_id: str, stage: str, headers: Any, query: Any) -> Any:
    scope = apigateway_v1.find_api_scope(api_id)
    known = apigateway_v1.stages_for_api(api_id).get(stage) if scope else None
    if scope is None or known is None:
        return _FORBIDDEN[0], dict(_FORBIDDEN[1]), _FORBIDDEN[2]
    request = {
        "api_id": api_id, "stage_name": stage, "stage": known, "headers": headers, "query_params": query or {},
        "path_params": {}, "resource_path": "", "request_id": new_uuid(),
    }  # fmt: skip
    error = apigateway_v1._GatewayError("ACCESS_DENIED", message, "AccessDeniedException")
    with request_scope(*scope):
        return apigateway_v1._gateway_error_response(error, request)


def _is_closed(api_id: str) -> bool:
    for module, apis in ((apigateway_v1, apigateway_v1._rest_apis), (apigateway, apigateway._apis)):
        scope = module.find_api_scope(api_id)
        if scope is not None:
            return bool((apis.get_scoped(*scope, api_id) or {}).get("disableExecuteApiEndpoint"))
    return False
