"""mypy follows what the project refers to, and is not asked to read the rest of aws_cdk."""

import re
import tomllib
from pathlib import Path
from typing import Final

import aws_cdk

INSTALLED: Final = Path(aws_cdk.__file__).parents[1]
PYPROJECT: Final = Path(__file__).parents[2] / "pyproject.toml"
IMPORT: Final = re.compile(r"^ +import (aws_cdk\.[\w.]+) as _", flags=re.MULTILINE)
"""How one module of aws_cdk refers to another. `from . import` in the package itself hands them on alone."""


def followed() -> set[str]:
    overrides = tomllib.loads(PYPROJECT.read_text())["tool"]["mypy"]["overrides"]
    (rest,) = (each["module"] for each in overrides if each.get("follow_imports") == "error")
    assert rest == ["aws_cdk.*"], "what is not followed is an error where the project imports it"
    (names,) = (each["module"] for each in overrides if each.get("follow_imports") == "normal")
    return set(names)


def test_what_is_followed_refers_to_nothing_that_is_not() -> None:
    names = followed()
    referred = {
        imported
        for name in names
        if not name.endswith(".*")
        for imported in IMPORT.findall((INSTALLED / name.replace(".", "/") / "__init__.py").read_text())
    }
    assert len(referred) > 50
    whole = {name.removesuffix(".*") for name in names if name.endswith(".*")}
    assert {
        each for each in referred - names if not any(f"{each}.".startswith(f"{top}.") for top in whole)
    } == set()
