"""What a synthesized app has, and what it needs of this machine."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_DATABASES: Final = ("AWS::RDS::DBInstance", "AWS::RDS::DBCluster")
_QUALIFIER: Final = re.compile(r"/cdk-bootstrap/(?P<parameter>[^/]+)/version|//cdk-(?P<bucket>[^-]+)-assets-")
_DEFAULT_QUALIFIER: Final = "hnb659fds"


@dataclass(frozen=True)
class SynthesizedStack:
    """A stack of a cloud assembly.

    Attributes:
        name: Its name, as CloudFormation knows it.
        path: Its construct path, as the CDK CLI shows it, such as `Dev/Orders`.
        account: Where it is deployed; None if the app leaves that open.
        region: Where it is deployed; None if the app leaves that open.
        qualifier: The qualifier of the bootstrap stack that it needs there.
    """

    name: str
    path: str
    account: str | None
    region: str | None
    qualifier: str


def stacks(assembly: Path) -> list[SynthesizedStack]:
    """List the stacks of a cloud assembly and of those that are nested in it: those of stages.

    Args:
        assembly: Its folder.

    Returns:
        The stacks, in the order of the manifests.
    """
    return list(_stacks(assembly))


def keys(stacks: list[SynthesizedStack]) -> dict[str, SynthesizedStack]:
    """Tell stacks apart by their names, and by their paths where several environments have a stack of that name.

    Args:
        stacks: All of an app.

    Returns:
        The stacks by name, or by path.
    """
    names = Counter(stack.name for stack in stacks)
    return {stack.name if names[stack.name] == 1 else stack.path: stack for stack in stacks}


def has_postgres(assembly: Path) -> bool:
    """Look for a PostgreSQL database in the templates of a cloud assembly.

    Args:
        assembly: Its folder; assemblies of stages are below it.

    Returns:
        Whether any template declares one.
    """
    return any(
        resource.get("Type") in _DATABASES and "postgres" in str(resource.get("Properties", {}).get("Engine"))
        for template in assembly.rglob("*.template.json")
        if not any(part.startswith("asset.") for part in template.relative_to(assembly).parts)
        for resource in json.loads(template.read_text()).get("Resources", {}).values()
    )


def _stacks(folder: Path) -> Iterator[SynthesizedStack]:
    artifacts = json.loads((folder / "manifest.json").read_text()).get("artifacts", {})
    for id_, artifact in artifacts.items():
        properties = artifact.get("properties", {})
        if artifact["type"] == "cdk:cloud-assembly":
            yield from _stacks(folder / properties["directoryName"])
        elif artifact["type"] == "aws:cloudformation:stack":
            account, region = artifact["environment"].removeprefix("aws://").split("/")
            yield SynthesizedStack(
                name=properties.get("stackName", id_),
                path=artifact.get("displayName", id_),
                account=None if account == "unknown-account" else account,
                region=None if region == "unknown-region" else region,
                qualifier=_qualifier(properties),
            )


def _qualifier(properties: dict[str, Any]) -> str:
    for name in ("bootstrapStackVersionSsmParameter", "stackTemplateAssetObjectUrl"):
        found = _QUALIFIER.search(str(properties.get(name, "")))
        if found:
            return str(found["parameter"] or found["bucket"])
    return _DEFAULT_QUALIFIER
