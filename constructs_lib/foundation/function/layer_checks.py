"""What a function's layers have to fit: its runtime, its architecture, its size, and what is in its package."""

import re
from collections.abc import Sequence
from pathlib import Path

from aws_cdk import Stack, Stage
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib import _defaults
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import location
from constructs_lib.foundation.function import packaging, uv_lock
from constructs_lib.foundation.function.packaging import Package
from constructs_lib.foundation.function.python_layer import PythonLayer
from constructs_lib.foundation.resource import path_of, properties_of, resource_of


def check(layers: Sequence[lambda_.ILayerVersion], runtime: str, architecture: str) -> None:
    """Refuse a layer of this app that was made for another runtime or architecture.

    Args:
        layers: The function's layers; of imported ones nothing is known here.
        runtime: The function's runtime, by its name.
        architecture: The function's architecture, by its name.

    Raises:
        InvalidPropsError: The layer itself names others.
    """
    for layer in layers:
        if not isinstance(layer, lambda_.LayerVersion):
            continue
        properties = properties_of(resource_of(layer, lambda_.CfnLayerVersion))
        for what, ours, theirs in (
            ("runtime", runtime, properties.get("compatibleRuntimes")),
            ("architecture", architecture, properties.get("compatibleArchitectures")),
        ):
            if theirs and ours not in theirs:
                raise InvalidPropsError(
                    f"layers must fit the function's {what} {ours}, got {path_of(layer)}, which is for "
                    f"{' and '.join(theirs)}. Make one for {ours}, or change the function's {what}. "
                    f"See {_defaults.LAMBDA_LAYERS}"
                )


def unzipped_bytes(scope: Construct, layers: Sequence[lambda_.ILayerVersion]) -> int:
    """Unzipped size of the layers that are assets of this app; of others nothing is known here."""
    total = 0
    for layer in layers:
        if isinstance(layer, PythonLayer):
            total += layer.package.unzipped_bytes
            continue
        if not isinstance(layer, lambda_.LayerVersion):
            continue
        resource = resource_of(layer, lambda_.CfnLayerVersion)
        key = str(Stack.of(layer).resolve(resource.content).get("s3Key", ""))
        name = re.fullmatch(r".*?([0-9a-f]{64})(\.zip)?", key)
        stage = Stage.of(scope)
        if name is None or stage is None:
            continue
        staged = [Path(stage.asset_outdir) / f"asset.{name[1]}{ending}" for ending in ("", ".zip")]
        total += sum(packaging.folder_or_archive_bytes(path) for path in staged if path.exists())
    return total


def warnings(stack: Stack, layers: Sequence[lambda_.ILayerVersion], package: Package) -> dict[str, str]:
    """What a function's layers do that may surprise: texts by the end of their id.

    Args:
        stack: The function's stack.
        layers: Its layers.
        package: Its package.
    """
    found = {}
    ours = {uv_lock.normalized(name): version for name, version in map(_name_and_version, package.sizes)}
    for layer in layers:
        if not isinstance(layer, lambda_.LayerVersion):
            continue
        path = path_of(layer)
        if location.stack_of(layer) is not stack:
            found[f"layer-of-another-stack-{layer.node.id}"] = (
                f"Layer {path} is in another stack than the function: each change of the layer is a new version with "
                f"another ARN, and CloudFormation does not update an export that another stack imports. Make the "
                f"layer in the function's stack, or pass its ARN through an SSM parameter. "
                f"See {_defaults.STACK_EXPORTS}"
            )
        if not isinstance(layer, PythonLayer):
            continue
        for name, version in map(_name_and_version, layer.package.sizes):
            ours_too = ours.get(uv_lock.normalized(name))
            if ours_too and name != packaging.OWN_CODE:
                found[f"in-package-and-layer-{name}"] = (
                    f"{name} is in the function's package ({ours_too}) and in layer {path} ({version}): Python "
                    f"imports the one in the package, and both count into the 250 MB. Remove it from one of them."
                )
    return found


def _name_and_version(distribution: str) -> tuple[str, str]:
    name, _, version = distribution.rpartition(" ")
    return (name, version) if name and version[:1].isdigit() else (packaging.OWN_CODE, "")
