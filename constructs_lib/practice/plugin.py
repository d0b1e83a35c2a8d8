"""The rules as a validation plugin of CDK: this is the one file of the package that knows CDK."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, cast
from weakref import WeakSet

import aws_cdk as cdk
import jsii
from constructs import Construct, IConstruct

from constructs_lib.practice.assembly import Assembly
from constructs_lib.practice.rules import RULES, findings

NAME: Final = "constructs-lib"

_known: Final[WeakSet[IConstruct]] = WeakSet()
"""Apps that have the plugin, and constructs that are known to be in one of them."""


def check_app_of(construct: Construct, scope: Construct) -> None:
    """Let CDK check the app of a construct at synth. It costs Node two round trips for each new scope.

    Args:
        construct: A construct of this library.
        scope: What it was put into.
    """
    if scope not in _known:
        root = scope.node.root
        if root not in _known and isinstance(root, cdk.Stage):
            cdk.Validations.of(root).add_plugins(cast("cdk.IPolicyValidationPlugin", _Plugin()))
        _known.update((root, scope))
    _known.add(construct)


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
        return [rule.id for rule in RULES]

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Report what the rules find in some templates.

        Newer versions of CDK ask once, for all templates; older ones ask for those of each environment, one after the
        other. Either way all templates of the app are read, once.
        """
        asked = {Path(path) for path in context.template_paths}
        if not asked <= self._waiting:
            app = cast("cdk.Stage", context.app_construct)
            self._violations, self._waiting = _check(Path(app.outdir))
        self._waiting -= asked
        violations = [violation for file, violation in self._violations if file in asked]
        return cdk.PolicyValidationPluginReport(
            success=all(violation.severity != "error" for violation in violations), violations=violations
        )


def _check(folder: Path) -> tuple[list[tuple[Path, cdk.PolicyViolation]], set[Path]]:
    """The violations in a cloud assembly, each with the file of its stack, and the files of all stacks."""
    assembly = Assembly.read(folder)
    violations = []
    for rule, finding in findings(assembly):
        template = finding.resource.template
        violations.append(
            (
                cast("Path", template.root.file),
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
        )
    return violations, {cast("Path", template.root.file) for template in assembly.templates}
