"""The demo is a test: it deploys, drives and judges; and it must not be content with anything less."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sample_app.demo import drive_api
from sample_app.demo.drive_api import ApiOutcome
from sample_app.demo.report import is_refused
from sample_app.demo.trips import Rehearsal, make_rehearsal
from sample_app.demo.trips_outcome import Outcome, differences

PROJECT = Path(__file__).parents[2]
RUNS = PROJECT / ".cache" / "local" / "runs"


@pytest.fixture
def rehearsal() -> Rehearsal:
    return make_rehearsal(1)


@pytest.fixture
def right(rehearsal: Rehearsal) -> Outcome:
    return Outcome(
        stored={
            trip_id: {name: str(value) for name, value in vars(trip).items()}
            for trip_id, trip in rehearsal.stored.items()
        },
        receives=[(trip_id, 5) for trip_id in rehearsal.poison],
        left=0,
        attempts=dict.fromkeys(rehearsal.flaky, 3),
        cut=2,
        fares={("driver-1", "EUR"): (3, Decimal("40.10")), ("driver-2", "JPY"): (1, Decimal(800))},
        earnings={("driver-2", "JPY"): (1, Decimal(800)), ("driver-1", "EUR"): (3, Decimal("40.1"))},
    )


def wrong_outcomes(rehearsal: Rehearsal, right: Outcome) -> Iterator[Outcome]:
    """Every figure of the table off by one, each on its own."""
    some, *rest = right.stored
    yield replace(right, stored={trip_id: right.stored[trip_id] for trip_id in rest})
    yield replace(right, stored=right.stored | {"foreign": right.stored[some]})
    yield replace(right, stored=right.stored | {some: right.stored[some] | {"distance_km": "1000"}})
    yield replace(right, receives=right.receives[1:])
    yield replace(right, receives=[*right.receives, right.receives[0]])
    yield replace(right, receives=[*right.receives, (some, 5)])
    yield replace(right, receives=[(right.receives[0][0], 4), *right.receives[1:]])
    yield replace(right, left=1)
    yield replace(right, attempts=right.attempts | {next(iter(rehearsal.flaky)): 2})
    yield replace(right, cut=0)
    one, two = right.earnings
    yield replace(right, earnings={one: right.earnings[one]})
    yield replace(right, earnings={**right.earnings, two: (3, Decimal("40.11"))})
    yield replace(right, earnings={**right.earnings, two: (4, Decimal("40.10"))})
    yield replace(right, earnings={**right.earnings, ("driver-3", "EUR"): (1, Decimal(6))})


def test_no_difference_where_all_is_right(rehearsal: Rehearsal, right: Outcome) -> None:
    assert differences(rehearsal, right) == []


def test_each_wrong_figure_is_a_difference(rehearsal: Rehearsal, right: Outcome) -> None:
    for wrong in wrong_outcomes(rehearsal, right):
        assert len(differences(rehearsal, wrong)) == 1, wrong


RIGHT_OF_API = ApiOutcome(
    statuses=Counter({200: 780, 202: 180, 422: 40}),
    wanted=Counter({200: 780, 202: 180, 422: 40}),
    problems=0,
    stored=180,
    correlated=True,
    before=Counter(stable=50),
    during=Counter(stable=450, changed=50),
)


def test_no_difference_where_the_api_is_right() -> None:
    assert drive_api.differences(RIGHT_OF_API) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"statuses": Counter({200: 779, 202: 180, 422: 40, 502: 1})},
        {"statuses": Counter({200: 780, 202: 181, 422: 39})},
        {"problems": 1},
        {"stored": 179},
        {"correlated": False},
        {"before": Counter(stable=49, changed=1)},
        {"before": Counter()},
        {"during": Counter(stable=480, changed=20)},
        {"during": Counter(stable=413, changed=87)},
        {"during": Counter({"stable": 449, "changed": 50, "status 500": 1})},
        {"during": Counter(stable=500)},
    ],
)
def test_each_wrong_figure_of_the_api_is_a_difference(wrong: dict[str, Any]) -> None:
    assert len(drive_api.differences(replace(RIGHT_OF_API, **wrong))) == 1


@pytest.mark.parametrize(
    ("calls", "weight", "range_"), [(500, 0.1, range(21, 87)), (1, 0.5, range(2)), (10, 0, range(1))]
)
def test_the_range_is_left_once_in_a_million(calls: int, weight: float, range_: range) -> None:
    assert drive_api.likely(calls, weight) == range_


@pytest.mark.parametrize(
    ("came_of_it", "expected"),
    [
        ("refused: FATAL: IAM authentication failed for user trips", True),
        ("refused: AccessDeniedException", True),
        ("not refused", False),
        ("refused: connection timed out", False),
        ("refused: ResourceNotFoundException", False),
    ],
)
def test_only_a_refusal_by_iam_counts(came_of_it: str, expected: bool) -> None:
    assert is_refused(came_of_it) == expected


@pytest.mark.cloud
def test_the_demo_deploys_drives_and_finds_every_figure_as_it_must_be() -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "sample_app.demo"],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said, _ = demo.communicate()
    assert demo.returncode == 0, said
    assert "All figures match." in said
    assert list(RUNS.glob(f"{demo.pid}-*")) == [], "the run's folder was left behind"
