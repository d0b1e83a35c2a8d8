"""Templates by hand may have anything anywhere: the rules read on, and find what they can."""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.practice.assembly import Assembly
from constructs_lib.practice.rules import findings

SNAPSHOTS = sorted((Path(__file__).parents[1] / "__snapshots__" / "test_gallery").glob("*.json"))

ODD: list[Any] = [
    None,
    7,
    True,
    "text",
    "arn:aws:sqs",
    "a:b:c:d:e:f:g:h:i",
    "",
    [],
    {},
    [["nested"]],
    [None, 7, {"a": "b"}],
    {"Ref": "Absent"},
    {"Ref": 7},
    {"Fn::GetAtt": []},
    {"Fn::If": ["Condition", {"a": "b"}, {"Ref": "AWS::NoValue"}]},
    {"Fn::If": ["Condition", ["a"], ["b"]]},
    {"Fn::Sub": "${Absent.Arn}-${AWS::Nothing}"},
    {"Fn::Transform": {"Name": "Macro"}},
    {"Fn::Join": ["", ["a", ["b"], {"c": "d"}]]},
]


def places(value: Any, holder: Any = None, key: Any = None) -> Iterator[tuple[Any, Any]]:
    """Everything in a template that can be replaced, as a container and a key."""
    if holder is not None:
        yield holder, key
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in items:
        yield from places(each, value, name)


@pytest.mark.parametrize("file", SNAPSHOTS, ids=lambda file: file.stem)
def test_no_template_stops_the_rules(file: Path) -> None:
    template = json.loads(file.read_text())
    chance = random.Random(file.name)  # noqa: S311 - the same at each run
    for _ in range(10):
        odd = copy.deepcopy(template)
        for holder, key in chance.sample(list(places(odd)), 20):
            holder[key] = chance.choice(ODD)
        list(findings(Assembly.of({"Stack": odd})))


def test_something_is_replaced_everywhere() -> None:
    template = {"Resources": {"A": {"Type": "X", "Properties": {"B": [1, {"C": "d"}]}}}}
    assert len(list(places(template))) == 8
