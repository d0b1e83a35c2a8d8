"""A custom domain in front of an API: its record, and the paths of the APIs that share it."""

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from constructs import Construct

AnyDomain = (
    apigateway.IDomainName | apigateway.DomainName | apigatewayv2.IDomainName | apigatewayv2.DomainName
)
"""A domain that is there: of a REST or HTTP API of this app, or an imported one."""


def name_of(domain: AnyDomain) -> str:
    """The name of a domain; a token for one of this app."""
    name: str = domain.name if hasattr(domain, "regional_domain_name") else domain.domain_name  # type: ignore[union-attr]
    return name


def map_to(
    scope: Construct, domain: AnyDomain, *, api_id: str, stage: str, base_path: str | None
) -> apigatewayv2.CfnApiMapping:
    """Map a path of a domain to the stage of an API.

    The mapping is the same for both kinds of API, and lies with the API: the domain may lie in another stack.

    Args:
        scope: Where to put it.
        domain: The domain.
        api_id: The API.
        stage: Its stage.
        base_path: The path below the domain; None: whatever no other path of the domain takes.

    Returns:
        The mapping.
    """
    return apigatewayv2.CfnApiMapping(
        scope,
        "DomainMapping",
        api_id=api_id,
        stage=stage,
        domain_name=name_of(domain),
        api_mapping_key=base_path,
    )


def point_to(
    scope: Construct,
    domain: AnyDomain,
    zone: route53.IHostedZone,
    *,
    name: str,
) -> route53.ARecord:
    """Make the record that points to a domain.

    Args:
        scope: Where to put it.
        domain: The domain of the API.
        zone: Where the name belongs.
        name: The domain's name.

    Returns:
        The record.
    """
    target: route53.IAliasRecordTarget
    if isinstance(domain, apigateway.DomainName):
        target = targets.ApiGatewayDomain(domain)
    else:
        assert isinstance(domain, apigatewayv2.DomainName)  # noqa: S101 - a record is made for a domain of ours
        target = targets.ApiGatewayv2DomainProperties(
            domain.regional_domain_name, domain.regional_hosted_zone_id
        )
    return route53.ARecord(
        scope, "DomainRecord", zone=zone, record_name=name, target=route53.RecordTarget.from_alias(target)
    )
