"""Concurrency that other settings of the same function rule out."""

import json
from collections.abc import Iterator
from typing import Any, Final

from constructs_lib import _defaults
from constructs_lib.practice.assembly import Resource
from constructs_lib.practice.flows import Flows
from constructs_lib.practice.rule import Finding, Rule


def _defeated(flows: Flows) -> Iterator[Finding]:
    provisioned = dict(_provisioned(flows))
    for machine in flows.assembly.of_type("AWS::StepFunctions::StateMachine"):
        for named in _turned_off(machine):
            function, _ = machine.template.function(named)
            if function in provisioned:
                yield Finding(
                    machine,
                    f"{machine.path} turns {flows.assembly.shown(function)} off with reserved concurrency 0, and "
                    f"{provisioned[function].path} keeps provisioned concurrency for the function.",
                )


def _provisioned(flows: Flows) -> Iterator[tuple[str, Resource]]:
    """Functions with provisioned concurrency, and what has it."""
    for qualifier in flows.assembly.of_type("AWS::Lambda::Alias", "AWS::Lambda::Version"):
        if qualifier.get("ProvisionedConcurrencyConfig"):
            yield qualifier.arn.rpartition(":")[0], qualifier
    for target in flows.assembly.of_type("AWS::ApplicationAutoScaling::ScalableTarget"):
        service, _, named = target.text("ResourceId").partition(":")
        if service == "function" and target.text("ScalableDimension").startswith("lambda:"):
            yield target.template.function(named)[0], target


def _turned_off(machine: Resource) -> Iterator[str]:
    """The functions whose reserved concurrency a state machine sets to 0."""
    definition = machine.get("Definition")
    if definition is None and "putFunctionConcurrency" in machine.text("DefinitionString"):
        try:
            definition = json.loads(machine.text("DefinitionString"))
        except ValueError:  # DefinitionSubstitutions, or a token that is not text
            return
    waiting: list[Any] = [definition]
    while waiting:
        match waiting.pop():
            case {"Resource": str() as resource, "Parameters": dict() as arguments} | {
                "Resource": str() as resource,
                "Arguments": dict() as arguments,
            } if resource.endswith("lambda:putFunctionConcurrency"):
                if arguments.get("ReservedConcurrentExecutions") == 0 and isinstance(
                    arguments.get("FunctionName"), str
                ):
                    yield arguments["FunctionName"]
            case dict() as several:
                waiting += several.values()
            case list() as several:
                waiting += several


SWITCH_DEFEATED: Final = Rule(
    id="switch-defeated",
    severity="error",
    reason="Lambda does not let reserved concurrency go below provisioned concurrency: the switch does nothing.",
    fix="Remove the provisioned concurrency, or the switch.",
    source=_defaults.LAMBDA_CONCURRENCY,
    find=_defeated,
)

RULES: Final = (SWITCH_DEFEATED,)
