"""All rules, and what they find in an app."""

from collections.abc import Iterator
from typing import Final

from constructs_lib.practice import (
    alarm_topics,
    buckets,
    concurrency,
    concurrency_budget,
    consumers,
    destinations,
    domains,
    endpoints,
    environments,
    function_policies,
    loops,
    streams,
)
from constructs_lib.practice.assembly import Assembly
from constructs_lib.practice.flows import Flows
from constructs_lib.practice.rule import Finding, Rule

RULES: Final[tuple[Rule, ...]] = (
    *loops.RULES,
    *destinations.RULES,
    *consumers.RULES,
    *streams.RULES,
    *function_policies.RULES,
    *endpoints.RULES,
    *domains.RULES,
    *concurrency.RULES,
    *concurrency_budget.RULES,
    *buckets.RULES,
    *environments.RULES,
    *alarm_topics.RULES,
)


def findings(assembly: Assembly) -> Iterator[tuple[Rule, Finding]]:
    """What the rules find in the templates of an app."""
    flows = Flows(assembly)
    for rule in RULES:
        for finding in rule.find(flows):
            yield rule, finding
