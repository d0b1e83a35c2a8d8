"""Custom domains of APIs."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from constructs_lib import _defaults
from constructs_lib.practice.assembly import Resource
from constructs_lib.practice.flows import Flows
from constructs_lib.practice.rule import Finding, Rule


def _taken(flows: Flows) -> Iterator[Finding]:
    found: dict[tuple[str, ...], list[Resource]] = defaultdict(list)
    for domain in flows.assembly.of_type("AWS::ApiGateway::DomainName", "AWS::ApiGatewayV2::DomainName"):
        found[domain.template.account, domain.template.region, domain.text("DomainName")].append(domain)
    for mapping in flows.assembly.of_type(
        "AWS::ApiGateway::BasePathMapping", "AWS::ApiGatewayV2::ApiMapping"
    ):
        path = mapping.text("BasePath") or mapping.text("ApiMappingKey")
        place = (mapping.template.account, mapping.template.region, mapping.text("DomainName"))
        found[*place, "" if path == "(none)" else path.strip("/")].append(mapping)
    for (_, _, name, *path), (first, *others) in found.items():
        for other in others:
            if name and other.may_coexist_with(first):
                what = (
                    f"https://{flows.assembly.shown(name)}/{path[0]} to an API"
                    if path
                    else f"the domain {flows.assembly.shown(name)}"
                )
                yield Finding(other, f"{first.path} {'maps' if path else 'makes'} {what} too.")


DOMAIN_TAKEN: Final = Rule(
    id="domain-taken",
    severity="error",
    reason="A domain exists once in a Region, for REST and HTTP APIs together, and each of its paths leads to one API: "
    "the second deployment fails.",
    fix="Make the domain once, and map each API to a path of its own.",
    source=_defaults.API_MAPPINGS,
    find=_taken,
)

RULES: Final = (DOMAIN_TAKEN,)
