"""What every public construct keeps to, whoever writes it."""

import inspect
import pydoc
import re
from typing import Any

import pytest
from constructs import Construct

import constructs_lib

CONSTRUCTS = [
    (name, value)
    for name in constructs_lib.__all__
    if isinstance(value := getattr(constructs_lib, name), type) and issubclass(value, Construct)
]


def jsii_base(cls: type) -> type:
    """The nearest class that exists in JavaScript; jsii sets the mark to None on Python subclasses."""
    return next(base for base in cls.__mro__ if vars(base).get("__jsii_declared_type__"))


@pytest.mark.parametrize("name", [name for name in constructs_lib.__all__ if name != "InvalidPropsError"])
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
    assert {member for member in vars(cls) if not member.startswith("_")} & theirs == set()
    assert set(getattr(cls, "__annotations__", {})) & theirs == set()
