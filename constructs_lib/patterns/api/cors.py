"""Which web pages may call an API."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError

if TYPE_CHECKING:
    from constructs_lib.patterns.api.route import Endpoint


@dataclass(frozen=True, kw_only=True)
class Cors:
    """Which web pages may call, and how."""

    origins: Sequence[str]
    headers: Sequence[str]
    credentials: bool


def cors_of(
    origins: Sequence[str],
    headers: Sequence[str],
    served: "Sequence[Endpoint]",
    *,
    credentials: bool,
    http: bool,
    source: str = _defaults.API_CORS,
) -> Cors | None:
    """Check the arguments for CORS, and put them together.

    Args:
        origins: The pages that may call.
        headers: What they may send.
        served: The routes.
        credentials: Whether they may send cookies.
        http: Whether it is an HTTP API.
        source: The page that gives the rules.

    Returns:
        The settings; None where no page may call.

    Raises:
        InvalidPropsError: Browsers would refuse the settings, or a route takes the preflight request.
    """
    _validation.check_texts("cors_origins", origins)
    _validation.check_texts("cors_headers", headers)
    if not origins:
        if credentials:
            raise InvalidPropsError("cors_credentials requires cors_origins: the pages that may send them.")
        return None
    for origin in origins:
        if origin != "*":
            _validation.check_pattern(
                "cors_origins",
                origin,
                r"[a-z][a-z0-9+.-]*://[^/\s]+",
                "'*', or origins as browsers send them, such as https://example.com, without a path",
                source=source,
            )
    if "*" in origins and (credentials or len(origins) > 1):
        raise InvalidPropsError(
            f"cors_origins must name origins one by one, or be '*' alone and without cors_credentials, got "
            f"{', '.join(origins)}. See {source}"
        )
    if "*" in headers and credentials:
        raise InvalidPropsError(
            "cors_headers must name headers one by one with cors_credentials, got '*': to a browser that sends "
            f"credentials, * is the name of a header. See {source}"
        )
    taken = [endpoint.key for endpoint in served if endpoint.method == "OPTIONS"]
    if taken:
        raise InvalidPropsError(
            f"cors_origins cannot be combined with routes[{taken[0]!r}]: API Gateway answers OPTIONS then."
        )
    catch_all = [endpoint.key for endpoint in served if endpoint.method == "ANY"]
    if http and catch_all:
        raise InvalidPropsError(
            f"cors_origins cannot be combined with routes[{catch_all[0]!r}] of an HTTP API: this route takes "
            f"OPTIONS too, which a browser sends without authorization before it calls, and API Gateway does not "
            f"answer it any more. Name the methods, such as "
            f"{', '.join(f'{method}{catch_all[0][3:]}' for method in ('GET', 'POST'))}. See {_defaults.API_CORS}"
        )
    return Cors(origins=tuple(origins), headers=tuple(headers), credentials=credentials)
