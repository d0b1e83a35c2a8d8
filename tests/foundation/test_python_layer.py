"""What a layer has, what fits a function, and what a function's layers are checked for."""

import re
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Match, Template

from constructs_lib import InvalidPropsError, PythonLayer
from constructs_lib.foundation.function import packaging
from tests.foundation.test_workspaces import HANDLER, project, shared
from tests.foundation.wheels import ARM, handler, lock, names, wheel
from tests.gallery.plain_function import function
from tests.template import warnings

pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def stack() -> Stack:
    return Stack(
        App(analytics_reporting=False), "Stack", env=Environment(account="1" * 12, region="us-east-1")
    )


@pytest.fixture
def prices(tmp_path: Path, index: Path) -> Path:
    """A folder that requires two packages."""
    return handler(tmp_path / "prices", index, wheel(index, "alpha", "1.0"), wheel(index, "beta", "2.0"))


def layer(stack: Stack, entry: Path, construct_id: str = "Layer", **more: Any) -> PythonLayer:
    return PythonLayer(stack, construct_id, entry=entry, bytecode=False, **more)


def test_a_layer_has_what_is_required_and_no_code_of_its_folder(stack: Stack, prices: Path) -> None:
    package = layer(stack, prices).package
    assert names(package.path) == {
        "python/alpha/__init__.py", "python/alpha/data.bin", "python/beta/__init__.py", "python/beta/data.bin",
    }  # fmt: skip
    assert set(package.sizes) == {"alpha 1.0", "beta 2.0"}
    Template.from_stack(stack).has_resource_properties(
        "AWS::Lambda::LayerVersion",
        {"CompatibleRuntimes": ["python3.13"], "CompatibleArchitectures": ["arm64"]},
    )


def test_a_function_of_the_same_input_has_another_hash(prices: Path) -> None:
    for file in prices.glob("*.py"):
        file.unlink()
    assert packaging.build_layer(prices, ARM).asset_hash != packaging.build(prices, ARM).asset_hash


def test_a_member_of_a_workspace_is_in_its_layer_if_it_is_a_package(
    stack: Stack, tmp_path: Path, index: Path, url: str
) -> None:
    wheel(index, "alpha", "1.0")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.uv.workspace]\nmembers = ["money", "stack", "alone"]\n'
        f'[[tool.uv.index]]\nname = "main"\nurl = "{url}"\ndefault = true\n'
    )
    shared(tmp_path / "money", "alpha")
    shared(tmp_path / "alone")
    project(tmp_path / "stack", "alpha")
    (tmp_path / "stack" / "app.py").write_text(HANDLER)
    lock(tmp_path)
    modules = {
        entry: {name.split("/")[1] for name in names(layer(stack, tmp_path / entry, entry).package.path)}
        for entry in ("money", "stack", "alone")
    }
    assert modules == {"money": {"money", "alpha"}, "stack": {"alpha"}, "alone": {"alone"}}


def test_patterns_for_the_files_of_a_project_with_its_own_lock(stack: Stack, tmp_path: Path) -> None:
    alone = shared(tmp_path / "alone")
    for name in (".gitignore", "src/alone/wire_pb2.py", "src/alone/notes.txt"):
        (alone / name).write_text("*_pb2.py\n" if name == ".gitignore" else "")
    lock(alone)
    package = layer(stack, alone, include=["src/alone/*_pb2.py"], exclude=["src/alone/notes.txt"]).package
    assert names(package.path) == {"python/alone/__init__.py", "python/alone/wire_pb2.py"}


def test_bytecode_is_for_where_lambda_puts_a_layer(prices: Path) -> None:
    from constructs_lib.foundation.function import interpreter

    package = packaging.build_layer(prices, ARM, interpreter=interpreter.HOST)
    (compiled,) = package.path.glob("python/alpha/__pycache__/*.pyc")
    assert b"/opt/python/alpha/__init__.py" in compiled.read_bytes()


@pytest.mark.parametrize(
    ("made_for", "message"),
    [
        ({"architecture": lambda_.Architecture.X86_64},
         "layers must fit the function's architecture arm64, got Stack/Layer, which is for x86_64."),
        ({"runtime": lambda_.Runtime.PYTHON_3_12},
         "layers must fit the function's runtime python3.13, got Stack/Layer, which is for python3.12."),
    ],
)  # fmt: skip
def test_a_layer_for_another_machine_is_refused(
    stack: Stack, prices: Path, made_for: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidPropsError, match=re.escape(message)):
        function(stack, layers=[layer(stack, prices, **made_for)])
    assert stack.node.try_find_child("FunctionRole") is None


def test_a_layer_of_cdk_is_checked_by_what_it_names(stack: Stack, tmp_path: Path) -> None:
    code = lambda_.Code.from_asset(str(tmp_path))
    function(stack, layers=[lambda_.LayerVersion(stack, "Any", code=code)])
    x86 = lambda_.LayerVersion(
        stack, "X86", code=code, compatible_architectures=[lambda_.Architecture.X86_64]
    )
    with pytest.raises(InvalidPropsError, match="got Stack/X86, which is for x86_64"):
        function(stack, "Second", layers=[x86])


def test_layers_count_into_the_unzipped_size(stack: Stack, tmp_path: Path, index: Path) -> None:
    large = handler(tmp_path / "large", index, wheel(index, "large", "1.0", size=150 * 1024 * 1024))
    other = handler(tmp_path / "other", index, wheel(index, "other", "1.0", size=110 * 1024 * 1024))
    layers = [layer(stack, large), layer(stack, other, "Other")]
    function(stack, layers=layers[:1])
    with pytest.raises(InvalidPropsError, match=r"260\.0 MB unzipped \(of which layers: 260\.0 MB\)"):
        function(stack, "Second", layers=layers)


def test_a_library_that_is_in_the_layer_and_in_the_package_is_named(
    stack: Stack, prices: Path, tmp_path: Path, index: Path
) -> None:
    entry = handler(tmp_path / "fn", index, wheel(index, "alpha", "1.5"))
    function(stack, entry=entry, layers=[layer(stack, prices)])
    (text,) = warnings(stack)
    assert (
        "alpha is in the function's package (1.5) and in layer Stack/Layer (1.0): Python imports the one"
        in text
    )


def test_a_library_has_one_name_however_its_wheel_is_named(stack: Stack, tmp_path: Path, index: Path) -> None:
    """PyYAML-6.0.2.dist-info, and pyyaml-6.0.3.dist-info."""
    old = handler(tmp_path / "old", index, wheel(index, "PyYAML", "6.0.2"))
    new = handler(tmp_path / "new", index, wheel(index, "pyyaml", "6.0.3"))
    function(stack, entry=new, layers=[layer(stack, old)])
    (text,) = warnings(stack)
    assert "PyYAML is in the function's package (6.0.3) and in layer Stack/Layer (6.0.2)" in text


def test_a_layer_of_another_stack_is_a_warning(stack: Stack, prices: Path) -> None:
    theirs = Stack(stack.node.scope, "Theirs", env=Environment(account="1" * 12, region="us-east-1"))  # type: ignore[arg-type]
    function(stack, layers=[layer(theirs, prices)])
    (text,) = warnings(stack)
    assert "Layer Theirs/Layer is in another stack than the function" in text


@pytest.mark.parametrize("version", ["latest", "2.1.0", "3", 3])
def test_powertools_needs_a_version(stack: Stack, version: Any) -> None:
    with pytest.raises(InvalidPropsError, match="version must be "):
        PythonLayer.powertools(stack, "Powertools", version=version)


def test_powertools_is_found_by_its_version_at_deployment(stack: Stack) -> None:
    for construct_id in ("Powertools", "Again"):
        powertools = PythonLayer.powertools(stack, construct_id, version="3.24.0")
        function(stack, f"With{construct_id}", layers=[powertools])
    template = Template.from_stack(stack)
    name = "/aws/service/powertools/python/arm64/python3.13/3.24.0"
    (parameter,) = template.find_parameters("*", {"Default": name})
    template.has_resource_properties("AWS::Lambda::Function", {"Layers": [{"Ref": parameter}]})
    template.has_parameter("*", {"Type": "AWS::SSM::Parameter::Value<String>", "Default": Match.any_value()})


def test_a_newer_runtime_than_the_library_knows_is_a_warning(stack: Stack, prices: Path) -> None:
    runtime = lambda_.Runtime("python3.15", lambda_.RuntimeFamily.PYTHON, supports_snap_start=True)
    function(stack, runtime=runtime, snap_start=True, layers=[layer(stack, prices, runtime=runtime)])
    texts = warnings(stack)
    assert len([text for text in texts if "knows runtimes up to python3.14" in text]) == 2
    Template.from_stack(stack).has_resource_properties("AWS::Lambda::Function", {"Runtime": "python3.15"})
