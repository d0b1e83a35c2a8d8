"""Who may call an API how much."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_apigateway as apigateway


@dataclass(frozen=True, kw_only=True)
class UsagePlan:
    """Who may call how much, told apart by API key. A key tells callers apart; it does not prove who they are.

    Attributes:
        keys: Names of keys to make; API Gateway generates the values, which are in no template.
        throttling_rate_limit: Requests per second of each key, 0 or more. Default: no limit.
        throttling_burst_limit: Requests at once of each key, 0 or more. Default: no limit.
        quota_limit: Requests of each key in a `quota_period`, 1 or more. Default: no limit.
        quota_period: The period of the quota. Default: a month.
    """

    keys: Sequence[str] = ()
    throttling_rate_limit: float | None = None
    throttling_burst_limit: float | None = None
    quota_limit: float | None = None
    quota_period: apigateway.Period = apigateway.Period.MONTH
