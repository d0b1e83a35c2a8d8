"""docs/coverage.md: each practice has a proof that runs, and each construct a row for the sample app."""

import ast
import importlib
import inspect
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from constructs import Construct

import constructs_lib
from sample_app.demo.__main__ import Part

PROJECT: Final = Path(__file__).parents[1]
PRACTICES, SAMPLE_APP = (PROJECT / "docs" / "coverage.md").read_text().split("\n## In the sample app\n")
HEADS: Final = ("question", "practice", "mistake", "---")
ENFORCED: Final = ("built in", "refused", "synth", "warned", "alarm", "your choice")
ROWS: Final = [
    tuple(cell.strip() for cell in line.strip("|").split(" | "))
    for line in PRACTICES.splitlines()
    if line.startswith("| ") and not line.startswith(tuple(f"| {head} |" for head in HEADS))
]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@cache
def functions_of(file: str) -> set[str]:
    tree = ast.parse((PROJECT / file).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_has_what_it_needs(row: tuple[str, ...]) -> None:
    assert len(row) == 4
    assert row[2].startswith(ENFORCED)


def owner(name: str) -> tuple[Any, str]:
    """What a dotted name leads to: the object, and what is left of the name."""
    if not name.startswith("constructs_lib."):
        first, _, rest = name.partition(".")
        return getattr(constructs_lib, first), rest
    module, _, member = name.rpartition(".")
    return getattr(importlib.import_module(module), member), ""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_to_use_exists(row: tuple[str, ...]) -> None:
    names = code(row[1])
    assert names or row[1].startswith("any ")
    for written in names:
        name, _, arguments = written.partition("(")
        if name.islower() and "." not in name:  # an argument that the sentence names
            assert any(
                name in inspect.signature(getattr(constructs_lib, each).__init__).parameters
                for each in all_named()
            )
            continue
        found, member = owner(name)
        assert not member or hasattr(found, member), written
        called = getattr(found, member) if member else found.__init__
        for argument in re.findall(r"(\w+)=", arguments):
            assert argument in inspect.signature(called).parameters, written


def all_named() -> list[str]:
    return [name for name in constructs_lib.__all__ if name != "InvalidPropsError"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_its_proof_runs(row: tuple[str, ...]) -> None:
    proofs = code(row[3])
    parts = {part.value for part in Part}
    tests = [proof for proof in proofs if "::" in proof]
    assert tests, "a demo can be skipped: each row has a test as well"
    assert set(proofs) - set(tests) <= parts
    assert ("demo" in row[3]) == bool(set(proofs) - set(tests))
    for test in tests:
        file, _, name = test.partition("::")
        assert name in functions_of(file), test


@pytest.mark.parametrize("name", all_named())
def test_every_construct_has_a_row(name: str) -> None:
    helpers = {
        "Authorization",
        "Durable",
        "KafkaAuthentication",
        "LoadBalancerAuthentication",
        "Route",
        "UsagePlan",
    }
    used = {written.partition("(")[0].partition(".")[0] for row in ROWS for written in code(row[1])}
    assert name in used | helpers


PLACES: Final = [
    tuple(cell.strip() for cell in line.split("|")[1:-1])
    for line in SAMPLE_APP.splitlines()
    if line.startswith("| `")
]


def constructs() -> set[str]:
    public = {name: getattr(constructs_lib, name) for name in constructs_lib.__all__}
    return {name for name, each in public.items() if issubclass(each, Construct) or name == "AlarmSettings"}


@cache
def used_in(file: str) -> set[str]:
    """The names that a file of the sample app calls, or whose methods it calls: an import or a type does not count."""
    tree = ast.parse((PROJECT / "sample_app" / file).read_text())
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {name.id for each in called for name in ast.walk(each) if isinstance(name, ast.Name)}


def test_each_construct_has_one_place_in_the_sample_app() -> None:
    assert [construct for construct, *_ in PLACES] == [f"`{name}`" for name in sorted(constructs())]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place[0])
def test_its_file_uses_the_construct_or_there_is_a_reason(place: tuple[str, ...]) -> None:
    (name,), where, reason = code(place[0]), place[1], place[2]
    stacks = sorted(file.name for file in (PROJECT / "sample_app").glob("*.py"))
    users = [file for file in stacks if name in used_in(file)]
    files = [each for each in code(where) if each.endswith(".py") and "/" not in each]
    assert bool(files) == bool(users) == (not reason)
    assert set(files) <= set(users)
    if reason:
        assert not where
        assert len(reason.split()) > 4
        assert reason.endswith(".")


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place[0])
def test_what_its_place_names_exists(place: tuple[str, ...]) -> None:
    where, reason = place[1:]
    _, _, parts = where.partition("; demo ")
    assert set(code(parts)) <= {part.value for part in Part}
    for named in code(f"{where} {reason}"):
        if "/" in named:
            assert (PROJECT / named).exists(), named
