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
_LOOKUP_ROLE: Final = re.compile(r"role/cdk-(?P<qualifier>.+)-lookup-role-")
_DEFAULT_QUALIFIER: Final = "hnb659fds"


@dataclass(frozen=True)
class Environment:
    """Where something is deployed, and with which bootstrap stack.

    Attributes:
        account: None if the app leaves that open.
        region: None if the app leaves that open.
        qualifier: Of the bootstrap stack.
    """

    account: str | None
    region: str | None
    qualifier: str


@dataclass(frozen=True)
class SynthesizedStack:
    """A stack of a cloud assembly.

    Attributes:
        name: Its name, as CloudFormation knows it.
        path: Its construct path, as the CDK CLI shows it, such as `Dev/Orders`.
        environment: Where it is deployed.
    """

    name: str
    path: str
    environment: Environment


def stacks(assembly: Path) -> list[SynthesizedStack]:
    """List the stacks of a cloud assembly and of those that are nested in it: those of stages.

    Args:
        assembly: Its folder.

    Returns:
        The stacks, in the order of the manifests.
    """
    return list(_stacks(assembly))


def looked_up(assembly: Path) -> list[Environment]:
    """List where an app wants to look something up, such as the zones of a Region, before it can be synthesized.

    Args:
        assembly: The folder of an assembly that is not complete; there may be none yet.

    Returns:
        The environments whose lookup role is to be assumed.
    """
    manifest = assembly / "manifest.json"
    missing = json.loads(manifest.read_text()).get("missing", []) if manifest.exists() else []
    wanted = (each["props"] for each in missing)
    return list(
        dict.fromkeys(
            Environment(
                account=each["account"],
                region=each["region"],
                qualifier=_of_role(each.get("lookupRoleArn", "")),
            )
            for each in wanted
            if "account" in each and "region" in each
        )
    )


def drop_lookups(assembly: Path) -> None:
    """Let an assembly that is not complete pass for one, for a command that uses nothing of what is missing.

    Args:
        assembly: Its folder, which the next synthesis writes anew.
    """
    manifest = assembly / "manifest.json"
    complete = {name: value for name, value in json.loads(manifest.read_text()).items() if name != "missing"}
    manifest.write_text(json.dumps(complete))


def drop_images(assembly: Path) -> None:
    """Let the CLI neither build nor push container images, for which it needs Docker.

    Args:
        assembly: Its folder; assemblies of stages are below it.
    """
    for file in _own_files(assembly, "*.assets.json"):
        assets = json.loads(file.read_text())
        if assets.get("dockerImages"):
            file.write_text(json.dumps({**assets, "dockerImages": {}}))


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
        for template in _own_files(assembly, "*.template.json")
        for resource in json.loads(template.read_text()).get("Resources", {}).values()
    )


def _own_files(assembly: Path, pattern: str) -> Iterator[Path]:
    """Files of the assembly and of those in it, without what is packaged."""
    for file in assembly.rglob(pattern):
        if not any(part.startswith("asset.") for part in file.relative_to(assembly).parts):
            yield file


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
                environment=Environment(
                    account=None if account == "unknown-account" else account,
                    region=None if region == "unknown-region" else region,
                    qualifier=_qualifier(properties),
                ),
            )


def _qualifier(properties: dict[str, Any]) -> str:
    for name in ("bootstrapStackVersionSsmParameter", "stackTemplateAssetObjectUrl"):
        found = _QUALIFIER.search(str(properties.get(name, "")))
        if found:
            return str(found["parameter"] or found["bucket"])
    return _DEFAULT_QUALIFIER


def _of_role(arn: str) -> str:
    found = _LOOKUP_ROLE.search(arn)
    return found["qualifier"] if found else _DEFAULT_QUALIFIER
