import json
from collections import Counter
from decimal import Decimal
from itertools import pairwise

import pytest

from sample_app.demo.trips import CURRENCIES, Poison, make_rehearsal

SEEDS = range(50)


def test_the_same_seed_gives_the_same_rehearsal() -> None:
    assert make_rehearsal(7) == make_rehearsal(7)


def test_another_seed_gives_other_messages() -> None:
    assert not set(make_rehearsal(7).messages) & set(make_rehearsal(8).messages)


@pytest.mark.parametrize("seed", SEEDS)
def test_counts(seed: int) -> None:
    rehearsal = make_rehearsal(seed)

    assert len(rehearsal.messages) == 200
    assert len(rehearsal.stored) == 180
    assert len(rehearsal.duplicated) == 15
    assert len(rehearsal.flaky) == 10
    assert len(rehearsal.poison) == 5
    assert {message.trip_id for message in rehearsal.messages} == {*rehearsal.stored, *rehearsal.poison}


def test_counts_are_what_is_asked_for() -> None:
    rehearsal = make_rehearsal(1, completed=3, duplicated=2, flaky=1)

    assert (len(rehearsal.messages), len(rehearsal.stored)) == (10, 3)
    assert (len(rehearsal.duplicated), len(rehearsal.flaky)) == (2, 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_duplicates_are_exact_copies_and_never_neighbours(seed: int) -> None:
    rehearsal = make_rehearsal(seed)

    sent = Counter(rehearsal.messages)  # equal only with an equal body
    assert {message.trip_id for message, times in sent.items() if times == 2} == rehearsal.duplicated
    assert set(sent.values()) == {1, 2}
    assert len({message.trip_id for message in sent}) == len(sent)
    ids = [message.trip_id for message in rehearsal.messages]
    assert all(one != following for one, following in pairwise(ids))


@pytest.mark.parametrize("seed", SEEDS)
def test_flaky_trips_are_stored_and_sent_once(seed: int) -> None:
    rehearsal = make_rehearsal(seed)

    assert rehearsal.flaky <= rehearsal.stored.keys()
    assert not rehearsal.flaky & rehearsal.duplicated


def test_messages_are_shuffled() -> None:
    rehearsal = make_rehearsal(1)

    sent = [message.trip_id for message in rehearsal.messages if message.trip_id in rehearsal.stored]
    assert list(dict.fromkeys(sent)) != list(rehearsal.stored)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_body_of_a_good_trip_has_its_facts(seed: int) -> None:
    rehearsal = make_rehearsal(seed)

    for message in rehearsal.messages:
        if trip := rehearsal.stored.get(message.trip_id):
            assert json.loads(message.body, parse_float=Decimal) == vars(trip)
            assert trip.currency in CURRENCIES
            assert 0 < trip.distance_km < 1000
            assert 0 < trip.duration_s < 3 * 24 * 3600
            assert trip.completed_at.endswith("+00:00")


@pytest.mark.parametrize("seed", SEEDS)
def test_each_kind_of_poison_comes_once_and_is_of_its_kind(seed: int) -> None:
    rehearsal = make_rehearsal(seed)

    assert sorted(rehearsal.poison.values()) == sorted(Poison)
    assert not rehearsal.poison.keys() & rehearsal.stored.keys()
    body = {
        rehearsal.poison[message.trip_id]: message.body
        for message in rehearsal.messages
        if message.trip_id in rehearsal.poison
    }
    with pytest.raises(json.JSONDecodeError):
        json.loads(body[Poison.NOT_JSON])
    fields = {
        kind: json.loads(text, parse_float=Decimal) for kind, text in body.items() if kind != Poison.NOT_JSON
    }
    assert len(fields[Poison.MISSING_FIELD]) == 6
    assert fields[Poison.NEGATIVE_DISTANCE]["distance_km"] < 0
    assert fields[Poison.UNKNOWN_CURRENCY]["currency"] not in CURRENCIES
    assert fields[Poison.HANDLER_EXCEPTION]["rider_id"].endswith("\0")


@pytest.mark.parametrize(
    ("completed", "duplicated", "flaky"), [(9, 5, 5), (5, -1, 0), (5, 0, -1), (-1, 0, 0)]
)
def test_impossible_counts_are_refused(completed: int, duplicated: int, flaky: int) -> None:
    with pytest.raises(ValueError, match=f"given {duplicated} \\+ {flaky}, {completed}"):
        make_rehearsal(1, completed=completed, duplicated=duplicated, flaky=flaky)
