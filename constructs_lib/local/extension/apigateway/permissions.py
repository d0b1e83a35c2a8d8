"""API Gateway invokes a function only where the policy of just that function, version or alias lets it.

MiniStack never looks. A permission on the function is none on its alias, which is how an API in front of an alias
fails on AWS, with a 500. An integration with a role of its own needs none.
Sources: https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html
"""

from typing import Any

from ministack.core.arn import execute_api_arn
from ministack.services import apigateway, apigateway_v1

from ..lambda_ import resource_policy

_GATEWAY = "apigateway.amazonaws.com"


def install() -> None:
    """Look at the policy before a function is invoked."""
    proxy = {"rest": apigateway_v1._invoke_lambda_proxy_v1, "http": apigateway._invoke_lambda_proxy}

    async def rest(
        integration: Any, api_id: str, stage: str, stage_record: Any, resource: Any, path: str, method: str,
        *rest: Any, owner_account_id: str, owner_region: str, **more: Any,
    ) -> Any:  # fmt: skip
        called = apigateway_v1._extract_lambda_ref_from_integration_uri(integration.get("uri", ""))
        source = execute_api_arn(owner_region, owner_account_id, api_id, stage, method, path)
        if not (integration.get("credentials") or resource_policy.allows(called, _GATEWAY, source)):
            return apigateway_v1._gw_error("API_CONFIGURATION_ERROR", "Internal server error")
        return await proxy["rest"](
            integration, api_id, stage, stage_record, resource, path, method, *rest,
            owner_account_id=owner_account_id, owner_region=owner_region, **more,
        )  # fmt: skip

    async def http(
        integration: Any, api_id: str, stage: str, path: str, method: str,
        *rest: Any, owner_account_id: str, owner_region: str, **more: Any,
    ) -> Any:  # fmt: skip
        called = apigateway._extract_lambda_ref_from_integration_uri(integration.get("integrationUri", ""))
        source = execute_api_arn(owner_region, owner_account_id, api_id, stage, method, path)
        if not (integration.get("credentialsArn") or resource_policy.allows(called, _GATEWAY, source)):
            return 500, {"Content-Type": "application/json"}, b'{"message":"Internal Server Error"}'
        return await proxy["http"](
            integration, api_id, stage, path, method, *rest,
            owner_account_id=owner_account_id, owner_region=owner_region, **more,
        )  # fmt: skip

    apigateway_v1._invoke_lambda_proxy_v1 = rest
    apigateway._invoke_lambda_proxy = http
