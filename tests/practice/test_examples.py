"""The rules' page shows what each rule finds, and what it accepts: both are run."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from constructs_lib.practice.assembly import Assembly
from constructs_lib.practice.flows import Flows
from constructs_lib.practice.rule import Rule
from constructs_lib.practice.rules import RULES

PAGE = Path(__file__).parents[2] / "docs" / "practice.md"


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short form of Fn::Sub."""


def substitution(loader: Loader, node: yaml.ScalarNode) -> dict[str, Any]:
    return {"Fn::Sub": loader.construct_scalar(node)}


Loader.add_constructor("!Sub", substitution)


def section(rule: str) -> str:
    return PAGE.read_text().partition(f"\n### {rule}\n")[2].partition("\n### ")[0]


def template(rule: str, kind: str) -> Any:
    (text,) = re.findall(rf"^{kind}:\n\n```yaml\n(.*?)^```$", section(rule), re.MULTILINE | re.DOTALL)
    return written_out(yaml.load(text, Loader))  # noqa: S506 - a SafeLoader


def written_out(document: dict[str, Any]) -> dict[str, Any]:
    """What CloudFormation would make of Fn::ForEach; a number stands for that many values."""
    resources: dict[str, Any] = {}
    for name, resource in document["Resources"].items():
        if name.startswith("Fn::ForEach::"):
            variable, count, body = resource
            for number in range(count):
                resources |= yaml.safe_load(yaml.safe_dump(body).replace(f"${{{variable}}}", str(number)))
        else:
            resources[name] = resource
    return document | {"Resources": resources}


def found(rule: Rule, document: Any) -> list[str]:
    findings = rule.find(Flows(Assembly.of({"Stack": document})))
    return [finding.text for finding in findings]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_bad_example_is_found(rule: Rule) -> None:
    assert len(found(rule, template(rule.id, "Bad"))) == 1


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_good_example_is_accepted_by_all_rules(rule: Rule) -> None:
    document = template(rule.id, "Good")
    warnings = {"no-destination"} - {rule.id}  # most examples are about something else
    assert {each.id: found(each, document) for each in RULES if each.id not in warnings} == {
        each.id: [] for each in RULES if each.id not in warnings
    }


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_page_has_the_severity_and_the_source(rule: Rule) -> None:
    assert section(rule.id).lstrip().startswith(f"{rule.severity.capitalize()}. ")
    assert f"({rule.source})" in section(rule.id)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_is_worded_in_sentences(rule: Rule) -> None:
    for text in (rule.reason, rule.fix):
        assert re.fullmatch(r"[A-Z].*[.]", text), text
    assert rule.source.startswith("https://")


def test_ids_are_distinct() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
