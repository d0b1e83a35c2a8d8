"""A layer of Python packages, packaged as functions are."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aws_cdk import Annotations, RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib.foundation import location
from constructs_lib.foundation.function import (
    arguments,
    function_code,
    packaging,
    packaging_context,
    runtimes,
)
from constructs_lib.foundation.function.requirements import Selection
from constructs_lib.practice.plugin import app_of, check_app_of


class PythonLayer(lambda_.LayerVersion):
    """A layer with the packages that a project requires, for functions that share them.

    What is deployed: a layer version for one runtime and one architecture, with the packages in `/opt/python`, in
    wheels for that machine and compiled for that Python, as `PythonFunction` has them. If the project is a package
    itself, which means that its `pyproject.toml` has a `[build-system]`, its own wheel is in the layer too.

    Each change makes a new version, and CloudFormation deletes the old one: functions that have it, and their published
    versions, keep it, but no function can be given it any more.

    When a uv workspace is better is in docs/function.md.

    Args:
        scope: The construct's parent.
        construct_id: The construct's id, unique in its scope.
        entry: The folder of a project with a `uv.lock`, or of a member of a uv workspace, or with a hashed
            `requirements.txt`. A relative path starts at the current directory.
        runtime: The functions' runtime; default Python 3.13, as of `PythonFunction`.
        architecture: The functions' architecture; default arm64.
        extras: Extras of the project to install; requires a `uv.lock`.
        dependency_groups: Its dependency groups to install; requires a `uv.lock`.
        build_from_source: Names of packages that have no wheel, and may be built on this machine.
        include: Glob patterns of files of the project's own package that git ignores, and that it needs. They start at
            the folder of the `uv.lock`.
        exclude: Glob patterns of files of the project's own package to leave out.
        bytecode: Whether the layer carries `.pyc` files. None: if a Python of the runtime's version is found on this
            machine. True: uv installs one if there is none, as for `PythonFunction`.
        description: Shown in the console; at most 256 characters.
        layer_version_name: The layer's name, 1 to 140 letters, digits, `-` and `_`; default one that CloudFormation
            makes.
        removal_policy: What happens to a version that is replaced or deleted; default DESTROY.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        package: What was packaged: its folder, hash and sizes; a placeholder if the CDK needs no assets now.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/python-layers.html
    """

    package: Final[packaging.Package]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        entry: str | Path,
        runtime: lambda_.Runtime | None = None,
        architecture: lambda_.Architecture | None = None,
        extras: Sequence[str] = (),
        dependency_groups: Sequence[str] = (),
        build_from_source: Sequence[str] = (),
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        bytecode: bool | None = None,
        description: str | None = None,
        layer_version_name: str | None = None,
        removal_policy: RemovalPolicy | None = None,
    ) -> None:
        """Create the layer; the arguments are described at the class."""
        selection = Selection(extras, dependency_groups, build_from_source, include, exclude)
        arguments.check_packaging(entry, bytecode, selection)
        _check_machine(runtime, architecture)
        _validation.check_type("removal_policy", removal_policy, RemovalPolicy, "RemovalPolicy.RETAIN")
        _check_texts(description, layer_version_name)
        runtime_name = _defaults.PYTHON_RUNTIME if runtime is None else runtime.name
        stack = location.stack_of(scope)
        infos: dict[str, str] = {}
        if packaging_context.is_bundled(stack):
            target = function_code.target(
                runtime_name,
                _defaults.ARCHITECTURE if architecture is None else architecture.name,
                for_host=packaging_context.is_for_this_machine(app_of(scope)),
            )
            packaging.check_entry(Path(entry))
            compiler = function_code.compiler(target, bytecode)
            infos = function_code.infos(target, bytecode, compiler)
            package = packaging.build_layer(
                Path(entry),
                target,
                interpreter=compiler,
                selection=selection,
            )
            packaging.check_size(package, layers_bytes=0, max_zipped_mb=_ANY_ARCHIVE_MB)
        else:
            package = packaging.placeholder()
        super().__init__(
            scope,
            construct_id,
            code=lambda_.Code.from_asset(str(package.path), asset_hash=package.asset_hash),
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_13 if runtime is None else runtime],
            compatible_architectures=[lambda_.Architecture.ARM_64 if architecture is None else architecture],
            description=description,
            layer_version_name=layer_version_name,
            removal_policy=removal_policy,
        )
        check_app_of(self, scope)
        location.note(scope, self)
        self.package = package
        for warning_id, text in runtimes.warnings(runtime_name).items():
            Annotations.of(self).add_warning_v2(f"constructs-lib:{warning_id}", text)
        for info_id, text in infos.items():
            Annotations.of(stack).add_info_v2(info_id, text)

    @staticmethod
    def powertools(
        scope: Construct,
        construct_id: str,
        *,
        version: str,
        runtime: lambda_.Runtime | None = None,
        architecture: lambda_.Architecture | None = None,
    ) -> lambda_.ILayerVersion:
        """Use a published layer of Powertools for AWS Lambda (Python), with all its extras.

        CloudFormation looks up the layer's ARN in the parameter that AWS keeps for this version in each Region, when
        the stack is deployed.

        Args:
            scope: The parent of the construct that stands for the layer.
            construct_id: Its id, unique in its scope.
            version: A version of Powertools, such as `3.24.0`. `latest` is refused: it would change with a deployment
                that changes nothing else.
            runtime: The functions' runtime; default Python 3.13.
            architecture: The functions' architecture; default arm64.

        Returns:
            The layer, for `layers` of a function.

        Raises:
            InvalidPropsError: `version` is not a version of Powertools 3, or an argument is of another type.

        Source: https://docs.aws.amazon.com/powertools/python/latest/getting-started/install/
        """
        from aws_cdk import aws_ssm as ssm  # a service module costs time at import

        _check_machine(runtime, architecture)
        _validation.check_pattern(
            "version",
            version,
            r"3\.\d+\.\d+",
            "a version of Powertools 3, such as 3.24.0",
            source=_defaults.POWERTOOLS,
        )
        runtime_name = _defaults.PYTHON_RUNTIME if runtime is None else runtime.name
        machine = _defaults.ARCHITECTURE if architecture is None else architecture.name
        parameter = f"/aws/service/powertools/python/{machine}/{runtime_name}/{version}"
        return lambda_.LayerVersion.from_layer_version_arn(
            scope, construct_id, ssm.StringParameter.value_for_string_parameter(scope, parameter)
        )


_ANY_ARCHIVE_MB: Final = _defaults.PACKAGE_UNZIPPED_BYTES_MAX / (1024 * 1024)
"""The CDK uploads layers through S3, where Lambda holds only the unzipped size."""


def _check_machine(runtime: object, architecture: object) -> None:
    _validation.check_type("runtime", runtime, lambda_.Runtime, "lambda_.Runtime.PYTHON_3_13")
    _validation.check_type("architecture", architecture, lambda_.Architecture, "lambda_.Architecture.ARM_64")
    if isinstance(runtime, lambda_.Runtime):
        runtimes.check(runtime.name)


def _check_texts(description: str | None, layer_version_name: str | None) -> None:
    arguments.check_description(description, source=_defaults.PUBLISH_LAYER_VERSION)
    if layer_version_name is not None:
        _validation.check_pattern(
            "layer_version_name",
            layer_version_name,
            _defaults.LAYER_NAME_PATTERN,
            "1 to 140 letters, digits, hyphens and underscores",
            source=_defaults.PUBLISH_LAYER_VERSION,
        )
