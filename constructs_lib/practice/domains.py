"""Custom domains of APIs."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from constructs_lib import _defaults
from constructs_lib.practice.assembly import Resource
from constructs_lib.practice.flows import Flows
from constructs_lib.practice.rule import Finding, Rule


def _taken(flows: Flows) -> Iterator[Finding]:
    for group in (_domains(flows), _mappings(flows)):
        for what, (first, *others) in group.items():
            for other in others:
                if other.may_coexist_with(first):
                    yield Finding(
                        other, f"{other.path} and {first.path} both have {flows.assembly.shown(what[-1])}."
                    )


def _domains(flows: Flows) -> dict[tuple[str, str, str], list[Resource]]:
    found = defaultdict(list)
    for domain in flows.assembly.of_type("AWS::ApiGateway::DomainName", "AWS::ApiGatewayV2::DomainName"):
        found[(*_place(domain), f"the domain {domain.text('DomainName')}")].append(domain)
    return found


def _mappings(flows: Flows) -> dict[tuple[str, str, str], list[Resource]]:
    """The mappings of each path, which is empty or `(none)` for the domain itself."""
    found = defaultdict(list)
    for mapping in flows.assembly.of_type(
        "AWS::ApiGateway::BasePathMapping", "AWS::ApiGatewayV2::ApiMapping"
    ):
        if not mapping.text("DomainName"):
            continue
        path = mapping.text("BasePath") or mapping.text("ApiMappingKey")
        address = f"https://{mapping.text('DomainName')}/{'' if path == '(none)' else path.strip('/')}"
        found[(*_place(mapping), address)].append(mapping)
    return found


def _place(resource: Resource) -> tuple[str, str]:
    return resource.template.account, resource.template.region


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
