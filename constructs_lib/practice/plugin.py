"""The rules as a validation plugin of CDK: this is the one file of the package that knows CDK."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, cast
from weakref import WeakKeyDictionary, WeakSet

import aws_cdk as cdk
import jsii
from constructs import Construct, IConstruct

from constructs_lib.practice import rules
from constructs_lib.practice.assembly import Assembly, Template
from constructs_lib.practice.flows import Flows
from constructs_lib.practice.rule import Rule

NAME: Final = "constructs-lib"

_apps: Final[WeakKeyDictionary[IConstruct, cdk.Stage | None]] = WeakKeyDictionary()
"""The app of each scope that was asked for once: a construct never leaves its app."""

_checked: Final[WeakSet[cdk.Stage]] = WeakSet()
"""Apps that have the plugin."""


def app_of(scope: Construct) -> cdk.Stage | None:
    """The app that a scope is in; of each scope, Node is asked once."""
    if scope not in _apps:
        _apps[scope] = cdk.App.of(scope)
    return _apps[scope]


def check_app_of(construct: Construct, scope: Construct) -> None:
    """Let CDK check the app of a construct at synth.

    Args:
        construct: A construct of this library.
        scope: What it was put into.
    """
    app = _apps[construct] = app_of(scope)
    if app is not None and app not in _checked:
        cdk.Validations.of(app).add_plugins(cast("cdk.IPolicyValidationPlugin", _Plugin()))
        _checked.add(app)


@jsii.implements(cdk.IPolicyValidationPlugin)
class _Plugin:
    """What CDK calls when all templates of an app are written."""

    def __init__(self) -> None:
        self._violations: list[tuple[Path, cdk.PolicyViolation]] = []
        self._waiting: set[Path] = set()

    @property
    def name(self) -> str:
        return NAME

    @property
    def version(self) -> str:
        try:
            return version(NAME)
        except PackageNotFoundError:  # run from its sources
            return "0.0.0"

    @property
    def rule_ids(self) -> list[str]:
        return [rule.id for rule in rules.RULES]

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Report what the rules find in some templates.

        Newer versions of CDK ask once, for all templates; older ones ask for those of each environment, one after the
        other. Either way all templates of the app are read, once.
        """
        asked = {Path(path) for path in context.template_paths}
        if not asked <= self._waiting:
            app = cast("cdk.Stage", context.app_construct)
            assembly = Assembly.read(Path(app.outdir))
            self._waiting = {_file(template) for template in assembly.templates}
            self._violations = list(_violations(assembly))
        self._waiting -= asked
        violations = [violation for file, violation in self._violations if file in asked]
        return cdk.PolicyValidationPluginReport(
            success=all(violation.severity != "error" for violation in violations), violations=violations
        )


def _violations(assembly: Assembly) -> Iterator[tuple[Path, cdk.PolicyViolation]]:
    """What the rules find, each with the file of the stack that it is in."""
    flows = Flows(assembly)
    for rule in rules.RULES:
        try:
            found = list(rule.find(flows))
        except Exception as error:  # a fault of ours must not keep anybody from deploying
            yield _file(assembly.templates[0]), _not_checked(rule, error)
            continue
        for finding in found:
            template = finding.resource.template
            yield (
                _file(template),
                cdk.PolicyViolation(
                    rule_name=rule.id,
                    severity=rule.severity,
                    description=f"{finding.text} {rule.reason}",
                    fix=f"{rule.fix} See {rule.source}",
                    violating_resources=[
                        cdk.PolicyViolatingResource(
                            resource_logical_id=finding.resource.logical_id,
                            template_path=str(template.file),
                            locations=[],
                        )
                    ],
                ),
            )


def _not_checked(rule: Rule, error: Exception) -> cdk.PolicyViolation:
    return cdk.PolicyViolation(
        rule_name="not-checked",
        severity="warning",
        description=f"The rule {rule.id} failed on this app, and has found nothing: {error!r}.",
        fix="This is a fault of constructs-lib: please report it.",
        violating_resources=[],
    )


def _file(template: Template) -> Path:
    return cast("Path", template.root.file)
