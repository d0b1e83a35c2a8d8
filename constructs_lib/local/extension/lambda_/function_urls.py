"""Who may call a function URL with IAM authorization: whoever has both permissions, with IAM enforced.

MiniStack asks for `lambda:InvokeFunctionUrl` alone, lets a header pass that only looks like a signature, and refuses in
the form of Lambda's own API. Since October 2025 AWS asks for `lambda:InvokeFunction` too, where
`lambda:InvokedViaFunctionUrl` is true.
Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
"""

import json
from typing import Any

from ministack import app as gateway
from ministack.core.responses import new_uuid
from ministack.core.router import extract_access_key_id

_PAGE = "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
_MESSAGE = f"Forbidden. For troubleshooting Function URL authorization issues, see: {_PAGE}"


def install() -> None:
    """Refuse whom AWS refuses, and as AWS does."""
    serve = gateway._handle_lambda_url_request

    async def serve_if_allowed(
        host: str, path: str, method: str, headers: Any, body: bytes, query: Any, source_ip: str | None = None
    ) -> Any:
        if _lacks_permission(host, path, headers, query):
            return _refusal()
        answer = await serve(host, path, method, headers, body, query, source_ip)
        refused = answer is not None and answer[0] == 403 and _is_refusal(answer)
        return _refusal(answer[1]) if refused else answer

    gateway._handle_lambda_url_request = serve_if_allowed


def _lacks_permission(host: str, path: str, headers: Any, query: Any) -> bool:
    """Whether a signed request lacks the second permission, or has a signature that is none."""
    parsed = gateway._parse_lambda_url(host, path)
    if not gateway.AUTH or parsed is None:
        return False
    arn, context, found = gateway._function_url_auth_target(parsed[0])
    if found is None or context.get("lambda:FunctionUrlAuthType") != "AWS_IAM":
        return False
    if not extract_access_key_id(headers, query):
        return bool(headers.get("authorization"))
    context = {"lambda:InvokedViaFunctionUrl": "true"}
    denied = gateway._enforce_data_plane(
        "lambda", "lambda:InvokeFunction", headers, query, "", resource_arn=arn, service_context=context
    )
    return denied is not None


def _is_refusal(answer: Any) -> bool:
    """Whether the emulator has refused: a function may answer 403 by itself."""
    names = {name.lower(): value for name, value in answer[1].items()}
    return "x-amzn-errortype" in names or answer[2].startswith(b'{"__type"')


def _refusal(headers: Any = None) -> Any:
    kept = {
        name: value for name, value in (headers or {}).items() if name.lower().startswith("access-control-")
    }
    own = {
        "Content-Type": "application/json",
        "x-amzn-RequestId": new_uuid(),
        "x-amzn-ErrorType": "AccessDeniedException",
    }
    return 403, own | kept, json.dumps({"Message": _MESSAGE}).encode()
