"""What a REST API refuses, before anything of it is made."""

from collections.abc import Mapping, Sequence
from typing import Final

from aws_cdk import Size, SizeRoundingBehavior, Stack
from aws_cdk import aws_apigateway as apigateway

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.patterns.api.domain_arguments import check_region, region_of
from constructs_lib.patterns.api.route import Endpoint, check_throttling
from constructs_lib.patterns.api.usage_plan import UsagePlan


def check_routes(served: Sequence[Endpoint], *, has_domain: bool) -> None:
    """Refuse routes that a REST API cannot have.

    Args:
        served: The routes.
        has_domain: Whether callers come by a custom domain, where API Gateway keeps some paths for itself.

    Raises:
        InvalidPropsError: A path or an authorization is not for a REST API, or there are too many.
    """
    variables: dict[str, str] = {}
    for endpoint in served:
        if has_domain and endpoint.path in _defaults.API_HEALTH_PATHS:
            raise InvalidPropsError(
                f"routes[{endpoint.key!r}] must have another path beside domain_name: API Gateway keeps "
                f"{' and '.join(_defaults.API_HEALTH_PATHS)} of a REST API at a custom domain for its own health "
                f"checks. See {_defaults.API_KNOWN_ISSUES}"
            )
        authorization = endpoint.authorization
        if authorization.kind == "JWT":
            raise InvalidPropsError(
                f"Authorization.jwt is for an HTTP API (http=True), got it for routes[{endpoint.key!r}] of a REST "
                f"API. There, use Authorization.cognito for a user pool, or check the token in "
                f"Authorization.lambda_authorizer. See {_defaults.HTTP_API_OR_REST}"
            )
        if authorization.user_pool_clients:
            raise InvalidPropsError(
                f"Authorization.cognito of a REST API takes no clients=, got {len(authorization.user_pool_clients)}: "
                f"it takes tokens of every client of the pool. Tell callers apart by scopes=, or pass http=True. "
                f"See {_defaults.HTTP_API_OR_REST}"
            )
        _check_parts(endpoint, served)
        segments = endpoint.path.split("/")
        for end, segment in enumerate(segments, start=1):
            if segment.startswith("{"):
                parent = "/".join(segments[: end - 1]) or "/"
                first = variables.setdefault(parent, segment)
                if first != segment:
                    raise InvalidPropsError(
                        f"routes[{endpoint.key!r}] must name the variable below {parent} {first}, as another "
                        f"route does, got {segment}: a REST API takes one there."
                    )
    methods_by_path = {(endpoint.path, endpoint.method) for endpoint in served}
    paths = {path for path, _ in methods_by_path}
    resources = {path[:end] for path in paths for end in (*_slashes(path), len(path)) if end > 1}
    if len(resources) > _defaults.API_ROUTES_MAX:
        raise InvalidPropsError(
            f"routes must be at most {_defaults.API_ROUTES_MAX} resources of a REST API, got {len(resources)}: "
            f"each part of a path is one. See {_defaults.REST_API_QUOTAS}"
        )


def _check_parts(endpoint: Endpoint, served: Sequence[Endpoint]) -> None:
    """CDK names constructs by the parts of a path, beside one for each method."""
    parent, _, part = endpoint.path.rpartition("/")
    methods = [other.method for other in served if other.path == (parent or "/")]
    if part == "Resource" or part in methods:
        raise InvalidPropsError(
            f"routes[{endpoint.key!r}] of a REST API cannot end with {part!r}, which is the id of another construct "
            "of CDK's. Choose another name, or an HTTP API."
        )


def _slashes(path: str) -> list[int]:
    return [place for place, letter in enumerate(path) if letter == "/"]


def plans_of(usage_plans: Mapping[str, UsagePlan] | None) -> Mapping[str, UsagePlan]:
    """The usage plans by name; empty where there are none.

    Args:
        usage_plans: What was passed as `usage_plans`.

    Raises:
        InvalidPropsError: It is not a dict of usage plans, or a name cannot be one.
    """
    if usage_plans is None:
        return {}
    if not isinstance(usage_plans, Mapping):
        raise InvalidPropsError(
            f'usage_plans must be a dict, such as {{"Partners": UsagePlan(...)}}, got {_validation.shown(usage_plans)}.'
        )
    for name, plan in usage_plans.items():
        _check_id("usage_plans", name, _IDS_OF_REST_API)
        if not isinstance(plan, UsagePlan):
            raise InvalidPropsError(
                f"usage_plans[{name!r}] must be a UsagePlan, got {_validation.shown(plan)}."
            )
    return usage_plans


def check_usage_plans(plans: Mapping[str, UsagePlan], served: Sequence[Endpoint]) -> None:
    """Refuse plans that count nothing, keys that nobody accepts, and limits that API Gateway refuses.

    Args:
        plans: The plans by name.
        served: The routes.

    Raises:
        InvalidPropsError: A plan or a key cannot work.
    """
    needing = [endpoint.key for endpoint in served if endpoint.api_key_required]
    if plans and not needing:
        raise InvalidPropsError(
            "usage_plans requires api_key_required=True, here or at a route: requests without a key are "
            f"counted by no plan. See {_defaults.API_USAGE_PLANS}"
        )
    if needing and not plans:
        raise InvalidPropsError(
            f"api_key_required (routes[{needing[0]!r}]) requires usage_plans: a key that belongs to no plan "
            f"is refused. See {_defaults.API_USAGE_PLANS}"
        )
    for name, plan in plans.items():
        of = f" of usage_plans[{name!r}]"
        _validation.check_texts(f"keys{of}", plan.keys)
        for key in plan.keys:
            _check_id(f"keys{of}", key, ("Resource",))
        if plan.quota_period is None:
            raise InvalidPropsError(f"quota_period{of} must be a Period, such as Period.MONTH, got None.")
        _validation.check_member(f"quota_period{of}", plan.quota_period, apigateway.Period)
        check_throttling(of, plan.throttling_rate_limit, plan.throttling_burst_limit)
        _validation.check_range(
            f"quota_limit{of}",
            plan.quota_limit,
            1,
            float("inf"),
            whole=True,
            source=_defaults.API_USAGE_PLANS,
        )
    names = [key for plan in plans.values() for key in plan.keys]
    if len(set(names)) < len(names):
        raise InvalidPropsError(f"keys of usage_plans must have different names, got {', '.join(names)}.")


_IDS_OF_REST_API: Final = (
    "Account",
    "CloudWatchRole",
    "Default",
    "Default4XX",
    "Default5XX",
    "Deployment",
    "Endpoint",
    "RequestValidator",
    "Resource",
)
"""Constructs inside a RestApi, where plans are put too."""


def _check_id(name: str, value: object, taken: Sequence[str]) -> None:
    if not isinstance(value, str) or not value or _validation.is_unresolved(value):
        raise InvalidPropsError(
            f"{name} must have names that are known at synth, got {_validation.shown(value)}: they are part of "
            "construct ids."
        )
    if value in taken or value.startswith(("DeploymentStage.", "UsagePlanKeyResource")):
        raise InvalidPropsError(f"{name} cannot have the name {value!r}, which another construct has there.")


def check_compression(size: Size | None) -> None:
    """Refuse a least size of compressed answers that API Gateway refuses.

    Args:
        size: What was passed as `minimum_compression_size`.

    Raises:
        InvalidPropsError: It is not a size, or is out of range.
    """
    _validation.check_part(
        "minimum_compression_size", size, "to_kibibytes", "a Size, such as Size.kibibytes(1)"
    )
    if size is None or size.is_unresolved():
        return
    count = size.to_bytes(rounding=SizeRoundingBehavior.NONE)
    _validation.check_range(
        "minimum_compression_size",
        count,
        0,
        _defaults.COMPRESSION_BYTES_MAX,
        unit="bytes",
        whole=True,
        source=_defaults.API_COMPRESSION,
    )


def check_web_acl(arn: str | None, api_stack: Stack) -> None:
    """Refuse a web ACL that cannot stand before an API.

    Args:
        arn: What was passed as `web_acl_arn`.
        api_stack: The stack of the API.

    Raises:
        InvalidPropsError: It is one of CloudFront's, or of another Region.
    """
    if arn is None:
        return
    _validation.check_text("web_acl_arn", arn)
    if _validation.is_unresolved(arn):
        return
    if ":regional/webacl/" not in arn:
        raise InvalidPropsError(
            f"web_acl_arn must be that of a web ACL with the scope REGIONAL, got {arn!r}: one of CloudFront's "
            f"cannot stand before an API. See {_defaults.API_WEB_ACL}"
        )
    check_region("web_acl_arn", region_of(arn), api_stack, _defaults.API_WEB_ACL)
