"""What differs between a REST API and an HTTP API, where a value is all that differs."""

from dataclasses import dataclass
from typing import Final

from constructs_lib import _defaults


@dataclass(frozen=True, kw_only=True)
class ApiKind:
    """The facts of one kind of API."""

    name: str
    """The name with its article, as messages have it."""
    stage_name: str
    """The default name of the stage."""
    timeout_seconds: int
    """The default timeout of an integration."""
    timeout_seconds_max: int
    """The longest timeout of an integration; that of a REST API needs a raised quota."""
    longer_timeout: str
    """How a function may take longer; empty where it cannot."""
    quotas: str
    throttled: str
    """The filter pattern for throttled requests in the access log."""


REST: Final = ApiKind(
    name="a REST API",
    stage_name=_defaults.REST_API_STAGE,
    timeout_seconds=_defaults.REST_INTEGRATION_TIMEOUT_SECONDS,
    timeout_seconds_max=_defaults.REST_INTEGRATION_TIMEOUT_SECONDS_MAX,
    longer_timeout=" (above 29 seconds with a raised quota, pass it as integration_timeout)",
    quotas=_defaults.REST_API_QUOTAS,
    throttled='{ $.errorType = "THROTTLED" }',
)
HTTP: Final = ApiKind(
    name="an HTTP API",
    stage_name=_defaults.HTTP_API_STAGE,
    timeout_seconds=_defaults.HTTP_INTEGRATION_TIMEOUT_SECONDS,
    timeout_seconds_max=_defaults.HTTP_INTEGRATION_TIMEOUT_SECONDS,
    longer_timeout="",
    quotas=_defaults.HTTP_API_QUOTAS,
    throttled='{ $.status = "429" }',
)
