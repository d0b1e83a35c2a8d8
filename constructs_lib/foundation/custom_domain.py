"""The record that points a custom domain to an API."""

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from constructs import Construct


def point_to(
    scope: Construct,
    domain: apigateway.DomainName | apigatewayv2.DomainName,
    zone: route53.IHostedZone,
    *,
    name: str,
) -> route53.ARecord:
    """Make the record.

    Args:
        scope: Where to put it.
        domain: Of the API.
        zone: Where the name belongs.
        name: The domain's name.

    Returns:
        The record.
    """
    target: route53.IAliasRecordTarget = (
        targets.ApiGatewayDomain(domain)
        if isinstance(domain, apigateway.DomainName)
        else targets.ApiGatewayv2DomainProperties(domain.regional_domain_name, domain.regional_hosted_zone_id)
    )
    return route53.ARecord(
        scope, "DomainRecord", zone=zone, record_name=name, target=route53.RecordTarget.from_alias(target)
    )
