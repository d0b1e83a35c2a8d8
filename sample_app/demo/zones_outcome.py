"""What came of the positions on the stream, and how it differs from what must."""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from sample_app.demo.positions import NEW_ZONES, SCARCE, free_drivers

WENT_OFF: Final = "OnFailureDestinationDeliveredEventCount"
"""What the alarm on failed records looks at."""
TOO_OLD: Final = "IteratorAge"
TOO_OLD_MILLISECONDS: Final = 900_000
"""When the alarm on it goes off."""


@dataclass(frozen=True)
class Taken:
    """What is in the tables and the buckets at one moment.

    Attributes:
        at: When each position was taken, in nanoseconds, by its event id.
        free: The number of free drivers, by zone.
        failed: The records in the failure bucket, each with its data as it was sent.
        elsewhere: How many objects there are in the failure bucket of the other consumer.
        notices: Whether a zone has a surge, by zone, in the order of the changes.
    """

    at: Mapping[str, int]
    free: Mapping[str, int]
    failed: Sequence[tuple[str, Mapping[str, Any]]]
    elsewhere: int
    notices: Mapping[str, Sequence[bool]]


@dataclass(frozen=True)
class ZonesOutcome:
    """What came of the positions.

    Attributes:
        shards: What the stream has, by shard: event ids and positions, in order.
        before: When all was done that could be.
        redriven: What the redrive function answered, after the handler was fixed.
        after: When the redriven positions were done.
        alarms: The metrics whose alarms went off.
        oldest: The highest iterator age, in milliseconds.
        age: The age of the stream's iterator in the end, in milliseconds.
    """

    shards: Mapping[str, Sequence[tuple[str, Mapping[str, Any]]]]
    before: Taken
    redriven: Mapping[str, Any]
    after: Taken
    alarms: Set[str]
    oldest: float
    age: float

    @property
    def sent(self) -> dict[str, Mapping[str, Any]]:
        """Everything that is on the stream, by event id."""
        return {event_id: position for shard in self.shards.values() for event_id, position in shard}

    @property
    def poison(self) -> dict[str, Mapping[str, Any]]:
        """What is in a new zone."""
        return {event_id: each for event_id, each in self.sent.items() if each["zone"] in NEW_ZONES}

    @property
    def waiting(self) -> list[int]:
        """How many positions of each shard are neither taken nor in the failure bucket."""
        return waiting(self.shards, self.before.at.keys() | {event_id for event_id, _ in self.before.failed})

    @property
    def alarms_due(self) -> Set[str]:
        """The metrics whose alarms have to go off."""
        return {WENT_OFF} | ({TOO_OLD} if self.oldest > TOO_OLD_MILLISECONDS else set())


@dataclass(frozen=True)
class PlainOutcome:
    """What came of the positions that CDK's defaults read.

    Attributes:
        shards: What the stream has, by shard: event ids and positions, in order.
        taken: When each position was taken, in nanoseconds, by its event id.
    """

    shards: Mapping[str, Sequence[tuple[str, Mapping[str, Any]]]]
    taken: Mapping[str, int]

    @property
    def waiting(self) -> list[int]:
        """How many positions of each shard are not taken, those that cannot be taken among them."""
        return waiting(self.shards, self.taken.keys())


def waiting(shards: Mapping[str, Sequence[tuple[str, Mapping[str, Any]]]], done: Set[str]) -> list[int]:
    """Count what is left of each shard.

    Args:
        shards: What the stream has.
        done: The event ids of what is not waited for.

    Returns:
        How many positions, by shard; a shard without any is not blocked.
    """
    return [sum(event_id not in done for event_id, _ in shard) for shard in shards.values()]


def in_order(shards: Mapping[str, Sequence[tuple[str, Mapping[str, Any]]]], taken: Mapping[str, int]) -> int:
    """Count the shards whose positions were taken in the order of the stream.

    Args:
        shards: What the stream has.
        taken: When each position was taken; others are passed over.

    Returns:
        How many.
    """
    times = [[taken[event_id] for event_id, _ in shard if event_id in taken] for shard in shards.values()]
    return sum(all(one < other for one, other in pairwise(shard)) for shard in times)


def differences(positions: int, outcome: ZonesOutcome) -> list[str]:
    """Everything that is not as it must be.

    Args:
        positions: How many were sent.
        outcome: What was read back.

    Returns:
        One line for each difference; an empty list if all is well.
    """
    sent, poison = outcome.sent, outcome.poison
    wrong = []
    if len(sent) != positions:
        wrong.append(f"{positions} positions must be on the stream, {len(sent)} are")
    if (ordered := in_order(outcome.shards, outcome.before.at)) != len(outcome.shards):
        wrong.append(
            f"the positions of {len(outcome.shards)} shards must be in order, those of {ordered} are"
        )
    for when, state, must in (
        ("before the handler is fixed", outcome.before, sent.keys() - poison.keys()),
        ("after the redrive", outcome.after, sent.keys()),
    ):
        wrong += [f"{when}: {line}" for line in _of_state(state, {key: sent[key] for key in must})]
    failed = Counter(event_id for event_id, _ in outcome.before.failed)
    if failed != Counter(poison.keys()):
        wrong.append(f"the failure bucket must have {sorted(poison)}, has {sorted(failed.elements())}")
    wrong += [
        f"the record {event_id} in the failure bucket must have {poison.get(event_id)}, has {data}"
        for event_id, data in outcome.before.failed
        if data != poison.get(event_id)
    ]
    if outcome.redriven != {"redriven": len(poison), "kept": {}}:
        wrong.append(f"{len(poison)} positions must be redriven and none kept: {outcome.redriven}")
    if outcome.after.failed:
        wrong.append(f"{len(outcome.after.failed)} records are still in the failure bucket")
    if outcome.alarms != outcome.alarms_due:
        wrong.append(
            f"the alarms on {sorted(outcome.alarms_due)} must go off, those on {sorted(outcome.alarms)} did"
        )
    if outcome.age:
        wrong.append(f"the iterator age must be 0 in the end, is {outcome.age:,.0f} ms")
    return wrong


def _of_state(state: Taken, positions: Mapping[str, Mapping[str, Any]]) -> list[str]:
    wrong = []
    missing, surplus = positions.keys() - state.at.keys(), state.at.keys() - positions.keys()
    if missing or surplus:
        wrong.append(f"{len(missing)} positions are missing and {len(surplus)} must not be there")
    free = free_drivers(list(positions.values()))
    known = {zone for zone, number in free.items() if number} | state.free.keys()
    wrong += [
        f"{zone} must have {free.get(zone, 0)} free drivers, has {state.free.get(zone, 0)}"
        for zone in sorted(known)
        if state.free.get(zone, 0) != free.get(zone, 0)
    ]
    if state.elsewhere:
        wrong.append(f"{state.elsewhere} changes of zones have failed")
    if (noted_ := noted(state)) != len(state.free):
        wrong.append(
            f"the notices of {len(state.free)} zones must alternate and end with their surge, of {noted_} do"
        )
    return wrong


def noted(state: Taken) -> int:
    """Count the zones whose notices alternate, and end with the surge that the table has.

    Args:
        state: What is in the tables.

    Returns:
        How many.
    """
    right = 0
    for zone, free in state.free.items():
        surges = [False, *state.notices.get(zone, ())]
        right += surges[-1] == (free < SCARCE) and all(one != other for one, other in pairwise(surges))
    return right
