"""Each row of docs/coverage.md names what exists, and a proof that runs."""

import ast
import importlib
import inspect
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

import constructs_lib
from sample_app.demo.__main__ import Part

PROJECT: Final = Path(__file__).parents[1]
PAGE: Final = (PROJECT / "docs" / "coverage.md").read_text()
HEADS: Final = ("question", "practice", "mistake", "---")
ENFORCED: Final = ("made so", "refused", "synth", "warned", "alarm", "your choice")
ROWS: Final = [
    tuple(cell.strip() for cell in line.strip("|").split(" | "))
    for line in PAGE.splitlines()
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
