"""What is refused of a custom domain, before anything of the API is made."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from aws_cdk import Stack

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import location

if TYPE_CHECKING:
    from aws_cdk import aws_certificatemanager as acm
    from aws_cdk import aws_route53 as route53

    from constructs_lib.patterns.api.custom_domain import AnyDomain


_BASE_PATH: Final = r"[A-Za-z0-9$_.+!*'()-]+(/[A-Za-z0-9$_.+!*'()-]+)*"


def check_domain(
    domain_name: "str | AnyDomain | None",
    base_path: str | None,
    certificate: "acm.ICertificate | None",
    hosted_zone: "route53.IHostedZone | None",
    api_stack: Stack,
) -> None:
    """Refuse a domain that cannot be made or shared.

    Args:
        domain_name: The name, or the domain of another API.
        base_path: The path of the API below it.
        certificate: For a domain that is made.
        hosted_zone: Where its record is put.
        api_stack: The stack of the API.

    Raises:
        InvalidPropsError: They do not fit each other, or are of another Region or account.
    """
    _validation.check_part("certificate", certificate, "certificate_arn", "a certificate")
    _validation.check_part("hosted_zone", hosted_zone, "zone_name", "a hosted zone")
    _check_base_path(base_path)
    of_a_new_domain = {"certificate": certificate, "hosted_zone": hosted_zone}
    if domain_name is None:
        for name, value in (of_a_new_domain | {"base_path": base_path}).items():
            if value is not None:
                raise InvalidPropsError(f"{name} requires domain_name.")
        return
    if not isinstance(domain_name, str):
        _check_shared_domain(domain_name, of_a_new_domain, api_stack)
        return
    if certificate is None:
        raise InvalidPropsError(
            f"domain_name requires a certificate for it, of this Region. See {_defaults.API_CUSTOM_DOMAINS}"
        )
    arn = certificate.certificate_arn
    region = Stack.of(certificate).region if _validation.is_unresolved(arn) else region_of(arn)
    check_region("certificate", region, api_stack, _defaults.API_CUSTOM_DOMAINS)
    location.check(
        api_stack,
        "certificate",
        certificate,
        way_out="An API takes certificates of its own account: request one here.",
        source=_defaults.API_CUSTOM_DOMAINS,
    )
    if not _validation.is_unresolved(domain_name) and domain_name != domain_name.lower():
        raise InvalidPropsError(f"domain_name must be in small letters, got {domain_name!r}.")
    _validation.check_pattern(
        "domain_name",
        domain_name,
        r"(\*\.)?([a-z0-9_-]+\.)+[a-z0-9-]+",
        "the name of a domain, such as api.example.com",
        source=_defaults.API_CUSTOM_DOMAINS,
    )
    zone = (domain_name if hosted_zone is None else hosted_zone.zone_name).rstrip(".")
    if _validation.is_unresolved(domain_name) or _validation.is_unresolved(zone):
        return
    if domain_name != zone and not domain_name.endswith(f".{zone}"):
        raise InvalidPropsError(
            f"domain_name must be in the hosted_zone {zone}, got {domain_name!r}: CDK would make a record for "
            f"{domain_name}.{zone}."
        )


def _check_shared_domain(domain: object, of_new_domains: Mapping[str, object], api_stack: Stack) -> None:
    if not any(hasattr(domain, part) for part in ("regional_domain_name", "domain_name_alias_domain_name")):
        raise InvalidPropsError(
            f"domain_name must be a name, such as api.example.com, or the .domain of another API, got "
            f"{_validation.shown(domain)}. See {_defaults.API_MAPPINGS}"
        )
    for name, value in of_new_domains.items():
        if value is not None:
            raise InvalidPropsError(
                f"{name} cannot be combined with a domain_name that is a domain of another API, which has its own. "
                f"See {_defaults.API_MAPPINGS}"
            )
    check_region("domain_name", Stack.of(domain).region, api_stack, _defaults.API_MAPPINGS)  # type: ignore[arg-type]


def _check_base_path(base_path: str | None) -> None:
    if base_path is None:
        return
    _validation.check_text("base_path", base_path)
    if _validation.is_unresolved(base_path):
        raise InvalidPropsError("base_path must be known at synth, got a token: it is part of construct ids.")
    _validation.check_pattern(
        "base_path",
        base_path,
        _BASE_PATH,
        "parts of letters, digits and $-_.+!*'() with a slash between them, such as orders or orders/v2",
        source=_defaults.API_MAPPINGS,
    )


def check_region(name: str, region: str, api_stack: Stack, source: str) -> None:
    """Refuse what is of another Region than the API.

    Args:
        name: The argument, as the user wrote it.
        region: Its Region; empty or a token where that is not known.
        api_stack: The stack of the API.
        source: The page that gives the rule.

    Raises:
        InvalidPropsError: It is of another Region.
    """
    location.check_region(
        api_stack,
        name,
        region,
        way_out="An API uses what is in its own Region: pass one from there.",
        source=source,
    )


def region_of(arn: str) -> str:
    """The Region in an ARN: arn:partition:service:region:account:resource."""
    return arn.split(":")[3] if arn.count(":") > 3 else ""
