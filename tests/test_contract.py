"""What every public construct keeps to, whoever writes it."""

import inspect
import pydoc
import re
from importlib import import_module
from typing import Any

import griffe
import pytest
from aws_cdk import App, Stack
from constructs import Construct

import constructs_lib
from docs import write_reference
from tests.gallery import SCENES

CONSTRUCTS = [
    (name, value)
    for name in constructs_lib.__all__
    if isinstance(value := getattr(constructs_lib, name), type) and issubclass(value, Construct)
]
CLASSES = [name for name in constructs_lib.__all__ if name != "InvalidPropsError"]


def jsii_base(cls: type) -> type:
    """The nearest class that exists in JavaScript; jsii sets the mark to None on Python subclasses."""
    return next(base for base in cls.__mro__ if vars(base).get("__jsii_declared_type__"))


@pytest.mark.parametrize("name", CLASSES)
def test_a_public_class_is_in_the_file_of_its_name(name: str) -> None:
    in_snake_case = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    assert getattr(constructs_lib, name).__module__.rpartition(".")[2] == in_snake_case


def test_there_is_something_to_check() -> None:
    assert {"PythonFunction", "QueueConsumer"} <= {name for name, _ in CONSTRUCTS}


@pytest.mark.parametrize(("name", "cls"), CONSTRUCTS)
def test_arguments_are_scope_id_and_keywords(name: str, cls: Any) -> None:
    _, scope, construct_id, *rest = inspect.signature(cls.__init__).parameters.values()
    assert (scope.name, construct_id.name) == ("scope", "construct_id")
    assert {parameter.kind for parameter in rest} == {inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize(("name", "cls"), CONSTRUCTS)
def test_every_argument_is_documented(name: str, cls: Any) -> None:
    documentation = inspect.getdoc(cls) or ""
    arguments = documentation.partition("Args:")[2].partition("Raises:")[0]
    documented = set(re.findall(r"^    (\w+): ", arguments, flags=re.MULTILINE))
    assert documented == set(inspect.signature(cls.__init__).parameters) - {"self"}
    assert "InvalidPropsError" in documentation
    assert re.search(r"^Source: https://", documentation, flags=re.MULTILINE)


@pytest.mark.parametrize(("name", "cls"), CONSTRUCTS)
def test_help_shows_its_own_arguments_alone(name: str, cls: Any) -> None:
    """Without a docstring of its own, help() shows the arguments of the class that it derives from."""
    shown = pydoc.plain(pydoc.render_doc(cls.__init__))
    assert "the arguments are described at the class." in shown
    assert ":param" not in shown


@pytest.mark.parametrize(("name", "cls"), CONSTRUCTS)
def test_no_member_overrides_one_of_javascript(name: str, cls: type) -> None:
    """Such a member would be called from JavaScript in place of the real one."""
    base = jsii_base(cls)
    theirs = {member for ancestor in base.__mro__ for member in vars(ancestor) if not member.startswith("_")}
    for ours in cls.__mro__[: cls.__mro__.index(base)]:
        assert {member for member in vars(ours) if not member.startswith("_")} & theirs == set()
        assert set(vars(ours).get("__annotations__", {})) & theirs == set()


@pytest.fixture(scope="module")
def library() -> griffe.Module:
    """The sources, read once for all classes."""
    return write_reference.library()


def documented_attributes(cls: type) -> set[str]:
    """Return the attributes of the class docstring, and the properties that have one."""
    section = (inspect.getdoc(cls) or "").partition("Attributes:\n")[2].partition("\n\n")[0]
    properties = {
        name
        for ours in cls.__mro__
        if ours.__module__.startswith("constructs_lib.")
        for name, member in vars(ours).items()
        if isinstance(member, property) and member.__doc__
    }
    return set(re.findall(r"^    (\w+): ", section, flags=re.MULTILINE)) | properties


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (module, name)
        for module, name in write_reference.public_names()
        if isinstance(getattr(import_module(module), name), type)
    ],
)
def test_every_public_attribute_is_documented(library: griffe.Module, module: str, name: str) -> None:
    """The docstring names what the sources declare in the class, or assign in one of its methods."""
    read = write_reference.found(library, module, name)
    assert isinstance(read, griffe.Class)
    assert documented_attributes(getattr(import_module(module), name)) == set(
        write_reference.attributes(read)
    )


def test_every_attribute_of_an_instance_is_documented(app: App) -> None:
    """Return the attributes that instances have, however they got there."""
    seen = set()
    for scene in (
        "patterns_in_a_tagged_stack",
        "proxied_database",
        "kafka_consumer",
        "broker_consumer",
        "function_endpoint",
        "python_layer",
        "user_pool_triggers",
        "edge_function",
        "idempotency_table",
        "parameters_and_secrets",
        "feature_flags",
        "dsql_cluster",
        "serverless_cache",
        "container_function",
        "durable_executions",
        "long_job",
        "load_balanced_function",
        "concurrency_budget",
        "app_dashboard",
    ):
        stack = Stack(app, scene.replace("_", "-"))
        SCENES[scene](stack)
        for construct in stack.node.find_all():
            if (name := type(construct).__name__) in dict(CONSTRUCTS):
                public = {attribute for attribute in vars(construct) if not attribute.startswith("_")}
                assert public <= documented_attributes(type(construct)), name
                seen.add(name)
    assert seen == set(dict(CONSTRUCTS))
