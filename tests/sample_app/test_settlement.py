"""The demo's settlement: nothing less than what must come of it is good enough."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from sample_app.demo.drive_settlement import (
    ATTEMPTS,
    BAD,
    DAYS,
    NIGHTS,
    NO_CAPACITY,
    SUMS,
    SettlementOutcome,
    differences,
)

RIGHT = SettlementOutcome(
    first={NO_CAPACITY: "SUCCEEDED", BAD: "FAILED"},
    errors=Counter({"ECS.ServerException": 1, "States.TaskFailed": ATTEMPTS}),
    dead=[(BAD, "States.TaskFailed")],
    alarms=frozenset({"ApproximateNumberOfMessagesVisible"}),
    redriven="SUCCEEDED",
    tasks=Counter(NIGHTS),
    settled=dict.fromkeys(DAYS, SUMS),
    again=0,
)


def wrong() -> Iterator[SettlementOutcome]:
    """Every figure of the table off by one, each on its own."""
    yield replace(RIGHT, first=RIGHT.first | {NO_CAPACITY: "FAILED"})
    yield replace(RIGHT, first=RIGHT.first | {BAD: "SUCCEEDED"})
    yield replace(RIGHT, errors=RIGHT.errors - Counter({"ECS.ServerException": 1}))
    yield replace(RIGHT, errors=RIGHT.errors + Counter({"States.TaskFailed": 1}))
    yield replace(RIGHT, dead=[])
    yield replace(RIGHT, dead=RIGHT.dead * 2)
    yield replace(RIGHT, dead=[(BAD, "States.Timeout")])
    yield replace(RIGHT, alarms=frozenset())
    yield replace(RIGHT, redriven="FAILED")
    yield replace(RIGHT, tasks=Counter([*NIGHTS, BAD]))
    yield replace(RIGHT, settled={DAYS[0]: SUMS})
    yield replace(RIGHT, settled=RIGHT.settled | {DAYS[0]: SUMS | {"driver-1": 1}})
    yield replace(RIGHT, again=1)


def test_no_difference_where_all_is_right() -> None:
    assert differences(RIGHT) == []


def test_each_wrong_figure_is_a_difference() -> None:
    for outcome in wrong():
        assert len(differences(outcome)) == 1, outcome
