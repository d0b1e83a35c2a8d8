"""The demo's part that throttles: nothing less than what must come of it is good enough."""

from dataclasses import replace
from typing import Any

import pytest

from sample_app.demo.drive_throttling import FUNCTIONS, ThrottlingOutcome, differences

RIGHT = ThrottlingOutcome(
    events=30,
    receipts=30,
    failures=0,
    requests=30,
    refused=7,
    downloads=30,
    messages=30,
    dead=2,
    stored=30,
    left=0,
    throttles=dict.fromkeys(FUNCTIONS, 3),
)


def test_no_difference_where_all_is_right() -> None:
    assert differences(RIGHT) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"receipts": 29},
        {"failures": 1},
        {"refused": 0},
        {"downloads": 29},
        {"stored": 29},
        {"stored": 31},
        {"left": 1},
        *({"throttles": RIGHT.throttles | {function: 0}} for function in FUNCTIONS),
    ],
)
def test_each_wrong_figure_is_a_difference(wrong: dict[str, Any]) -> None:
    assert len(differences(replace(RIGHT, **wrong))) == 1
