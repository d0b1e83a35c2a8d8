"""A route of an API: what is called, and how it differs from the API's other routes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda as lambda_

from constructs_lib import _defaults, _validation
from constructs_lib._types import AliasLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.patterns.api import aliases
from constructs_lib.patterns.api.authorization import Authorization

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
"""What `ANY` stands for."""

_SEGMENT: Final = re.compile(r"[A-Za-z0-9:._$-]+|\{[A-Za-z0-9:._$-]+\+?\}")
_HEADER: Final = r"[A-Za-z0-9._$-]+"
_TENANT_ID: Final = r"context\.(authorizer|identity)(\.[A-Za-z0-9_:-]+)+"


@dataclass(frozen=True, kw_only=True)
class Route:
    """An alias behind a route, with what differs from the rest of the API.

    Attributes:
        alias: The alias to call.
        authorization: Who may call the route. Default: the API's own.
        throttling_rate_limit: Requests per second, 0 or more. Default: the API's own. For an `ANY` route of a REST API
            it applies to each method separately: API Gateway has no setting for all methods of one path.
        throttling_burst_limit: Requests at once, 0 or more. Default: the API's own. The same holds for `ANY`.
        api_key_required: Whether callers need a key of a usage plan. Default: the API's own. REST only.
        request_model: JSON schema (draft 4) of the body; anything else gets 400 before the function is called,
            whatever its content type. REST only.
        required_headers: Requests without these headers get 400. REST only.
        required_query_strings: Requests without these query parameters get 400. REST only.
        tenant_id: Where API Gateway takes the tenant id from, for a function with tenant isolation: from what the
            caller cannot choose, such as `context.authorizer.tenant` of a Lambda authorizer,
            `context.authorizer.claims.sub` of a Cognito token, or `context.identity.accountId` of an IAM caller. REST
            only.
            Source: https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation-invoke.html
    """

    alias: lambda_.IAlias | lambda_.Alias
    authorization: Authorization | None = None
    throttling_rate_limit: float | None = None
    throttling_burst_limit: float | None = None
    api_key_required: bool | None = None
    request_model: apigateway.JsonSchema | None = None
    required_headers: Sequence[str] = ()
    required_query_strings: Sequence[str] = ()
    tenant_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A route with nothing left open."""

    method: str
    path: str
    methods: Sequence[str]
    """The methods that arrive here: those of an `ANY` route are all that no other route of its path names."""
    alias: AliasLike
    authorization: Authorization
    throttling: tuple[float, float] | None
    """Rate and burst, where they are not the API's own."""
    api_key_required: bool
    request_model: apigateway.JsonSchema | None
    required_headers: Sequence[str]
    required_query_strings: Sequence[str]
    tenant_id: str | None

    @property
    def key(self) -> str:
        """As the user wrote it: `POST /trips`."""
        return f"{self.method} {self.path}"

    @property
    def is_validated(self) -> bool:
        """Whether the API looks at requests before the function does."""
        return bool(self.request_model or self.required_headers or self.required_query_strings)

    @property
    def path_of_arn(self) -> str:
        """The path with every variable as `*`: in a source ARN it stands for each of its values."""
        return re.sub(r"\{[^}]*\}", "*", self.path)


def endpoints(
    routes: Mapping[str, AliasLike | Route],
    *,
    authorization: Authorization,
    throttling_rate_limit: float,
    throttling_burst_limit: float,
    api_key_required: bool,
) -> list[Endpoint]:
    """Read the routes of an API.

    Args:
        routes: `METHOD /path` and what is called.
        authorization: Of routes that do not set it.
        throttling_rate_limit: Of routes that do not set it.
        throttling_burst_limit: Of routes that do not set it.
        api_key_required: Of routes that do not set it.

    Returns:
        Them, complete and checked.

    Raises:
        InvalidPropsError: A route cannot work.
    """
    if not isinstance(routes, Mapping):
        raise InvalidPropsError(
            f'routes must be a dict, such as {{"POST /trips": live.alias}}, got {_validation.shown(routes)}.'
        )
    if not routes:
        raise InvalidPropsError('routes must have at least one, such as {"POST /trips": live.alias}.')
    if len(routes) > _defaults.API_ROUTES_MAX:
        raise InvalidPropsError(
            f"routes must be at most {_defaults.API_ROUTES_MAX}, got {len(routes)}: let one function answer "
            f'several, as in "ANY /trips/{{proxy+}}". See {_defaults.REST_API_QUOTAS}'
        )
    _check_authorization("authorization", authorization)
    _validation.check_flag("api_key_required", api_key_required)
    for name, limit in (
        ("throttling_rate_limit", throttling_rate_limit),
        ("throttling_burst_limit", throttling_burst_limit),
    ):
        if limit is None:
            raise InvalidPropsError(f"{name} must be a number, got None. See {_defaults.API_THROTTLING}")
    check_throttling("", throttling_rate_limit, throttling_burst_limit)
    named = [_method_and_path(key) for key in routes]
    checked = []
    for (method, path), (key, value) in zip(named, routes.items(), strict=True):
        route = value if isinstance(value, Route) else Route(alias=value)
        _check_route(f"routes[{key!r}]", route)
        throttling = (
            throttling_rate_limit if route.throttling_rate_limit is None else route.throttling_rate_limit,
            throttling_burst_limit if route.throttling_burst_limit is None else route.throttling_burst_limit,
        )
        checked.append(
            Endpoint(
                method=method,
                path=path,
                methods=_methods(method, {other for other, of_path in named if of_path == path}, key),
                alias=route.alias,
                authorization=route.authorization or authorization,
                throttling=None
                if throttling == (throttling_rate_limit, throttling_burst_limit)
                else throttling,
                api_key_required=(
                    api_key_required if route.api_key_required is None else route.api_key_required
                ),
                request_model=route.request_model,
                required_headers=route.required_headers,
                required_query_strings=route.required_query_strings,
                tenant_id=route.tenant_id,
            )
        )
        _check_tenant_id(f"tenant_id of routes[{key!r}]", route.tenant_id, checked[-1].authorization)
    return checked


def _methods(method: str, named: set[str], key: str) -> Sequence[str]:
    if method != "ANY":
        return (method,)
    left = tuple(each for each in METHODS if each not in named)
    if not left:
        raise InvalidPropsError(
            f"routes[{key!r}] must have a method left to serve: other routes name all of its path."
        )
    return left


def _check_route(name: str, route: Route) -> None:
    aliases.check(name, route.alias, tenant_id=route.tenant_id)
    if route.authorization is not None:
        _check_authorization(f"authorization of {name}", route.authorization)
    check_throttling(f" of {name}", route.throttling_rate_limit, route.throttling_burst_limit)
    if route.api_key_required is not None:
        _validation.check_flag(f"api_key_required of {name}", route.api_key_required)
    if route.request_model is not None and not isinstance(route.request_model, apigateway.JsonSchema):
        raise InvalidPropsError(
            f"request_model of {name} must be an apigateway.JsonSchema, got "
            f"{_validation.shown(route.request_model)}."
        )
    _validation.check_texts(f"required_headers of {name}", route.required_headers)
    for header in route.required_headers:
        _validation.check_pattern(
            f"required_headers of {name}",
            header,
            _HEADER,
            "letters, digits, and . _ $ -",
            source=_defaults.API_VALIDATION,
        )
    _validation.check_texts(f"required_query_strings of {name}", route.required_query_strings)


def _check_tenant_id(name: str, tenant_id: str | None, authorization: Authorization) -> None:
    """Refuse a tenant id that a caller could choose, or that the authorization of the route does not give."""
    if tenant_id is None:
        return
    _validation.check_pattern(
        name,
        tenant_id,
        _TENANT_ID,
        "what the caller cannot choose, such as context.authorizer.tenant, context.authorizer.claims.sub or "
        "context.identity.accountId",
        source=_defaults.TENANT_INVOKING,
    )
    kinds = ("IAM",) if tenant_id.startswith("context.identity.") else ("Cognito", "Lambda")
    if authorization.kind not in kinds:
        raise InvalidPropsError(
            f"{name} requires Authorization of kind {' or '.join(kinds)}, got {authorization.kind}, for which "
            f"{tenant_id} is empty. See {_defaults.TENANT_INVOKING}"
        )


def _method_and_path(key: object) -> tuple[str, str]:
    method, _, path = str(key).partition(" ")
    segments = path[1:].split("/") if path != "/" else []
    well_formed = path.startswith("/") and all(_SEGMENT.fullmatch(segment) for segment in segments)
    if any(segment.startswith(":") for segment in segments):
        braced = re.sub(r"/:([A-Za-z0-9._$-]+)", r"/{\1}", path)
        raise InvalidPropsError(
            f"routes[{key!r}] must write its variables in braces, such as '{method} {braced}': API Gateway takes a "
            f"colon as it is."
        )
    if method not in (*METHODS, "ANY") or not well_formed:
        raise InvalidPropsError(
            f"routes must be 'METHOD /path', such as 'GET /drivers/{{driver_id}}', with one of "
            f"{', '.join(METHODS)}, ANY, got {key!r}."
        )
    if any(segment.endswith("+}") for segment in segments[:-1]):
        raise InvalidPropsError(
            f"routes[{key!r}] must end with its greedy variable: it takes the whole rest."
        )
    return method, path


def _check_authorization(name: str, value: object) -> None:
    if not isinstance(value, Authorization):
        raise InvalidPropsError(
            f"{name} must be chosen: Authorization.iam(), .cognito(), .jwt(), .lambda_authorizer(), or "
            f".public() for an API that anybody may call; got {value!r}."
        )


def check_throttling(of: str, rate: float | None, burst: float | None) -> None:
    """Refuse limits below 0, where everything is refused.

    Args:
        of: Whose they are, for the message.
        rate: Requests per second.
        burst: Requests at once.

    Raises:
        InvalidPropsError: One of them cannot work.
    """
    source = _defaults.API_THROTTLING
    _validation.check_range(f"throttling_rate_limit{of}", rate, 0, float("inf"), source=source)
    _validation.check_range(f"throttling_burst_limit{of}", burst, 0, float("inf"), whole=True, source=source)
