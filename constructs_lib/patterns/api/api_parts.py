"""What both kinds of API have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_cdk import aws_apigateway as apigateway

if TYPE_CHECKING:
    from aws_cdk import aws_apigatewayv2 as apigatewayv2
    from aws_cdk import aws_wafv2 as wafv2

    from constructs_lib.patterns.api.custom_domain import AnyDomain


@dataclass(frozen=True, kw_only=True)
class ApiParts:
    """An API that was made; what the other kind alone has is empty."""

    stage: "apigateway.Stage | apigatewayv2.HttpStage"
    authorizers: "Sequence[apigateway.Authorizer | apigatewayv2.IHttpRouteAuthorizer]"
    rest_api: apigateway.RestApi | None = None
    http_api: "apigatewayv2.HttpApi | None" = None
    domain: "AnyDomain | None" = None
    methods: Mapping[str, apigateway.Method] = field(default_factory=dict)
    http_routes: "Mapping[str, apigatewayv2.HttpRoute]" = field(default_factory=dict)
    gateway_responses: Sequence[apigateway.GatewayResponse] = ()
    usage_plans: Mapping[str, apigateway.UsagePlan] = field(default_factory=dict)
    api_keys: Mapping[str, apigateway.ApiKey] = field(default_factory=dict)
    web_acl_association: "wafv2.CfnWebACLAssociation | None" = None
    findings: Mapping[str, str] = field(default_factory=dict)
    """What cdk-nag finds on these parts, with the reasons why it is meant to be so."""

    @property
    def api_id(self) -> str:
        """The id that API Gateway gives the API."""
        if self.rest_api is not None:
            return self.rest_api.rest_api_id
        assert self.http_api is not None  # noqa: S101 - there is always one
        return self.http_api.api_id
