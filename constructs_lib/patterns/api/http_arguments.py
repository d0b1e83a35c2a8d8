"""What an HTTP API refuses, before anything of it is made."""

from collections.abc import Sequence
from typing import Final

from constructs_lib import _defaults
from constructs_lib.errors import InvalidPropsError
from constructs_lib.patterns.api import aliases
from constructs_lib.patterns.api.route import Endpoint

_LACKING: Final = {
    "tracing": "X-Ray tracing",
    "execution_log_level": "execution logs",
    "account_log_role": "need of a role to log",
    "usage_plans": "usage plans",
    "binary_media_types": "list of binary types (it sees by itself)",
    "minimum_compression_size": "compression",
    "resource_policy": "resource policy",
    "web_acl_arn": "AWS WAF",
    "api_key_required": "API keys",
    "request_model": "request validation",
    "required_headers": "request validation",
    "required_query_strings": "request validation",
    "tenant_id": "tenant id for Lambda",
}


def refuse_what_is_lacking(of: str = "", **arguments: object) -> None:
    """Refuse arguments for what an HTTP API does not have.

    Args:
        of: Whose they are, where that is a route.
        **arguments: By name; what is false counts as not given.

    Raises:
        InvalidPropsError: One of them was given.
    """
    passed = [name for name, value in arguments.items() if value]
    if passed:
        lacking = dict.fromkeys(_LACKING[name] for name in passed)
        raise InvalidPropsError(
            f"{' and '.join(passed)}{of} cannot be combined with http=True: an HTTP API has no "
            f"{' and no '.join(lacking)}. Leave http out for a REST API. See {_defaults.HTTP_API_OR_REST}"
        )


def check_routes(served: Sequence[Endpoint]) -> None:
    """Refuse routes that an HTTP API cannot have.

    Args:
        served: The routes.

    Raises:
        InvalidPropsError: A route asks for what REST APIs have alone, or its authorizer cannot work.
    """
    for endpoint in served:
        authorization = endpoint.authorization
        refuse_what_is_lacking(
            f" of routes[{endpoint.key!r}]",
            api_key_required=endpoint.api_key_required,
            request_model=endpoint.request_model,
            required_headers=endpoint.required_headers,
            required_query_strings=endpoint.required_query_strings,
            tenant_id=endpoint.tenant_id,
        )
        if authorization.kind == "Cognito" and not authorization.user_pool_clients:
            raise InvalidPropsError(
                f"Authorization.cognito of an HTTP API must name clients=: their ids are the audience that "
                f"tokens are checked for. See {_defaults.HTTP_API_JWT}"
            )
        if authorization.kind == "Lambda" and authorization.alias is not None:
            seconds = aliases.timeout_seconds(authorization.alias)
            if seconds is not None and seconds > _defaults.HTTP_AUTHORIZER_TIMEOUT_SECONDS:
                raise InvalidPropsError(
                    f"the timeout of a Lambda authorizer of an HTTP API must be at most "
                    f"{_defaults.HTTP_AUTHORIZER_TIMEOUT_SECONDS} seconds, got {seconds:g}: API Gateway waits no "
                    f"longer, and answers 500. See {_defaults.HTTP_API_QUOTAS}"
                )
