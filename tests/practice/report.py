"""What the rules report of an app at synth."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import App


@dataclass(frozen=True)
class Found:
    rule: str
    severity: str
    path: str
    text: str
    fix: str


def report(app: App) -> dict[str, Any]:
    """Synthesize, and read CDK's report of what our plugin found."""
    try:
        app.synth()
    except RuntimeError as error:
        if not str(error).startswith("ValidationFailed"):
            raise
    written = json.loads((Path(app.outdir) / "validation-report.json").read_text())
    ours = [each for each in written["pluginReports"] if each["pluginName"] == "constructs-lib"]
    assert len(ours) <= 1, "reported twice"
    assert all("error" not in (each.get("metadata") or {}) for each in ours), ours
    return ours[0] if ours else {"violations": [], "conclusion": "success"}


EVERYWHERE = "nobody-subscribed"
"""What is found in every test that has alarms, since none of them subscribes to the topic."""


def findings(app: App, *rules: str) -> list[Found]:
    """What some rules found; where no rule is named, all of them but the one that finds something everywhere."""
    return [
        Found(
            violation["ruleName"],
            violation["severity"],
            place["constructPath"],
            violation["description"],
            violation["suggestedFix"],
        )
        for violation in report(app)["violations"]
        for place in violation["violatingConstructs"]
        if (violation["ruleName"] in rules if rules else violation["ruleName"] != EVERYWHERE)
    ]


def errors(app: App) -> list[tuple[str, str]]:
    """The errors alone, as rule and construct path."""
    return [(each.rule, each.path) for each in findings(app) if each.severity == "error"]
