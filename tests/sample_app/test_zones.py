"""What the demo judges the positions by: it must not be content with anything less."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from sample_app.demo.positions import NEW_ZONES, free_drivers, make_positions
from sample_app.demo.zones_outcome import (
    TOO_OLD,
    TOO_OLD_MILLISECONDS,
    WENT_OFF,
    PlainOutcome,
    Taken,
    ZonesOutcome,
    differences,
    in_order,
)

ONE, TWO, THREE = (
    {"zone": "Mitte", "driver_id": f"driver-{n}", "free": True, "at": f"2026-11-28T08:00:0{n}+00:00"}
    for n in range(3)
)
POISON = {**TWO, "zone": NEW_ZONES[0]}
SHARDS = {"s0": [("s0:1", ONE), ("s0:2", POISON), ("s0:10", THREE)], "s1": [("s1:5", TWO)]}
BEFORE = Taken(
    at={"s0:1": 100, "s0:10": 300, "s1:5": 200},
    free={"Mitte": 3},
    failed=[("s0:2", POISON)],
    elsewhere=0,
    notices={"Mitte": [True, False]},
)
AFTER = replace(
    BEFORE,
    at={**BEFORE.at, "s0:2": 400},
    free={"Mitte": 3, NEW_ZONES[0]: 1},
    failed=[],
    notices={**BEFORE.notices, NEW_ZONES[0]: [True]},
)
RIGHT = ZonesOutcome(
    shards=SHARDS,
    before=BEFORE,
    redriven={"redriven": 1, "kept": {}},
    after=AFTER,
    alarms={WENT_OFF},
    oldest=10_000,
    age=0,
)


def wrong_outcomes() -> Iterator[ZonesOutcome]:
    """Every figure off by one, each on its own."""
    for state in (
        replace(BEFORE, at={"s0:1": 300, "s0:10": 100, "s1:5": 200}),
        replace(BEFORE, at={"s0:1": 100, "s1:5": 200}),
        replace(BEFORE, at={**BEFORE.at, "s0:2": 400}),
        replace(BEFORE, free={"Mitte": 4}),
        replace(BEFORE, failed=[]),
        replace(BEFORE, failed=[*BEFORE.failed, *BEFORE.failed]),
        replace(BEFORE, failed=[("s0:2", {**POISON, "free": False})]),
        replace(BEFORE, elsewhere=1),
        replace(BEFORE, notices={"Mitte": [True]}),
        replace(BEFORE, notices={"Mitte": [True, True, False]}),
    ):
        yield replace(RIGHT, before=state)
    yield replace(RIGHT, after=replace(AFTER, at=BEFORE.at))
    yield replace(RIGHT, after=replace(AFTER, failed=BEFORE.failed))
    yield replace(RIGHT, redriven={"redriven": 0, "kept": {}})
    yield replace(RIGHT, redriven={"redriven": 1, "kept": {"failed again": 1}})
    yield replace(RIGHT, alarms=frozenset())
    yield replace(RIGHT, alarms={WENT_OFF, TOO_OLD})
    yield replace(RIGHT, oldest=TOO_OLD_MILLISECONDS + 1)
    yield replace(RIGHT, age=1)


def test_no_difference_where_all_is_right() -> None:
    assert differences(4, RIGHT) == []


def test_an_alarm_on_age_that_had_to_go_off_is_right() -> None:
    assert differences(4, replace(RIGHT, oldest=TOO_OLD_MILLISECONDS + 1, alarms={WENT_OFF, TOO_OLD})) == []


def test_each_wrong_figure_is_a_difference() -> None:
    for wrong in wrong_outcomes():
        assert differences(4, wrong), wrong


def test_a_position_that_is_not_on_the_stream_is_a_difference() -> None:
    assert differences(5, RIGHT)


def test_a_shard_is_blocked_where_positions_wait() -> None:
    plain = PlainOutcome(shards=SHARDS, taken={"s0:1": 1, "s1:5": 2})
    assert plain.waiting == [2, 0]
    assert in_order(plain.shards, plain.taken) == 2
    assert RIGHT.waiting == [0, 0]


def test_the_free_drivers_of_a_zone_are_those_of_the_newest_positions() -> None:
    late: dict[str, Any] = {**ONE, "free": False, "at": "2026-11-28T09:00:00+00:00"}
    assert free_drivers([late, ONE, TWO]) == {"Mitte": 1}


@pytest.mark.parametrize("seed", range(20))
def test_the_same_seed_makes_the_same_positions(seed: int) -> None:
    positions = make_positions(seed)
    assert positions == make_positions(seed)
    zones = [position["zone"] for position in positions.sent]
    assert len(zones) == 1000
    assert sorted(zone for zone in zones if zone in NEW_ZONES) == sorted(NEW_ZONES)


def test_there_is_a_new_zone_in_each_shard() -> None:
    """Kinesis takes the shard by the MD5 of the partition key."""
    from hashlib import md5

    shards = [int(md5(zone.encode()).hexdigest(), 16) * 4 >> 128 for zone in NEW_ZONES]  # noqa: S324
    assert sorted(shards) == [0, 1, 2, 3]
