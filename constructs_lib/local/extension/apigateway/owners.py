"""An API answers at its address whoever asks, in whichever account and Region it is.

MiniStack looks for it in the account of whoever signed the request, and takes a request without a signature for one of
the first account. A caller whose signature is checked stays who they are.
"""

from typing import Any

from ministack import app as gateway
from ministack.core.responses import request_scope
from ministack.core.router import extract_access_key_id
from ministack.services import apigateway, apigateway_v1


def install() -> None:
    """Serve a request where its API is."""
    serve = gateway._handle_execute_api_request

    async def serve_there(
        host: str, path: str, method: str, headers: Any, body: Any, query: Any, *rest: Any, **more: Any
    ) -> Any:
        owner = None if gateway.AUTH and extract_access_key_id(headers, query) else _owner(host, path)
        if owner is None:
            return await serve(host, path, method, headers, body, query, *rest, **more)
        with request_scope(*owner):
            return await serve(host, path, method, headers, body, query, *rest, **more)

    gateway._handle_execute_api_request = serve_there


def _owner(host: str, path: str) -> tuple[str, str] | None:
    """The account and the Region of the API, or of the custom domain, that is asked."""
    parsed = gateway._parse_execute_api_url(host, path)
    name = parsed[0] if parsed else host.split(":")[0].lower()
    stores = (apigateway_v1._rest_apis, apigateway._apis) if parsed else (apigateway_v1._domain_names,)
    for store in stores:
        for (account, region, known), _ in store.all_items():
            if known.lower() == name:
                return account, region
    return None
