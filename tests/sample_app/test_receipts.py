"""The demo's receipts: what is sent, and that nothing less than what must come of it is good enough."""

import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from sample_app.demo.alarm_notices import Alarm
from sample_app.demo.changed_code import changed_code
from sample_app.demo.finished_trips import NEW_CURRENCIES, FinishedTrips, make_finished_trips
from sample_app.demo.receipts_outcome import ReceiptsOutcome, State, Success, differences, gaps

SEEDS = range(20)
ALIAS = "arn:aws:lambda:us-east-1:000000000000:function:MakeReceipt:live"
MINOR_UNITS = Path(__file__).parents[2] / "sample_app" / "functions" / "make_receipt" / "minor_units.json"


# --- what is sent --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_three_trips_are_impossible_and_two_others_flaky(seed: int) -> None:
    trips = make_finished_trips(seed)
    assert (len(trips.details), len(trips.impossible), len(trips.flaky)) == (50, 3, 2)
    assert not trips.impossible & trips.flaky
    assert trips.impossible | trips.flaky <= trips.details.keys()
    in_new = {trip_id for trip_id, detail in trips.details.items() if detail["currency"] in NEW_CURRENCIES}
    assert in_new == trips.impossible
    assert len({detail["trip_id"] for detail in trips.details.values()}) == 50


def test_the_same_seed_gives_the_same_trips_and_another_gives_others() -> None:
    assert make_finished_trips(7) == make_finished_trips(7)
    assert not make_finished_trips(7).details.keys() & make_finished_trips(8).details.keys()


def test_the_deployed_handler_knows_every_currency_but_the_new_ones() -> None:
    known = json.loads(MINOR_UNITS.read_text())
    assert not known.keys() & set(NEW_CURRENCIES)
    for seed in SEEDS:
        trips = make_finished_trips(seed)
        possible = trips.details.keys() - trips.impossible
        assert {trips.details[trip_id]["currency"] for trip_id in possible} <= known.keys()


@pytest.mark.parametrize(("trips", "impossible", "flaky"), [(4, 3, 2), (50, 4, 0), (50, -1, 0), (50, 0, -1)])
def test_impossible_counts_are_refused(trips: int, impossible: int, flaky: int) -> None:
    with pytest.raises(ValueError, match=f"given {impossible} \\+ {flaky}, {trips}"):
        make_finished_trips(1, trips=trips, impossible=impossible, flaky=flaky)


# --- what must come of it ------------------------------------------------------------------------------


def record_of(detail: dict[str, str]) -> dict[str, Any]:
    return {
        "version": "1.0",
        "timestamp": "2026-01-05T18:30:00.000Z",
        "requestContext": {
            "requestId": "id",
            "functionArn": ALIAS,
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"detail-type": "Trip finished", "detail": detail},
        "responseContext": {"statusCode": 200, "executedVersion": "1", "functionError": "Unhandled"},
        "responsePayload": {
            "errorMessage": "'SEK' is not in minor_units.json",
            "errorType": "UnknownCurrencyError",
            "stackTrace": ["here"],
        },
    }


def state(trips: FinishedTrips, done: set[str], failed: frozenset[str]) -> State:
    receipts = {
        trip_id: {
            "trip_id": trip_id,
            "rider_id": detail["rider_id"],
            "currency": detail["currency"],
            "completed_at": detail["completed_at"],
            "total": f"{detail['fare']}{'.00' if '.' not in detail['fare'] else ''}",
        }
        for trip_id, detail in trips.details.items()
        if trip_id in done
    }
    return State(
        successes=[Success(trip_id, 3 if trip_id in trips.flaky else 1) for trip_id in receipts],
        failures=[record_of(dict(trips.details[trip_id])) for trip_id in sorted(failed)],
        receipts=receipts,
        archived=dict(receipts),
        notified=Counter(list(receipts)),
    )


ALARMS = frozenset(
    {
        Alarm("AsyncEventsDropped", frozenset({"MakeReceipt", "MakeReceipt:live"})),
        Alarm("ApproximateNumberOfMessagesVisible", frozenset({"Failed"})),
    }
)
TRIPS = make_finished_trips(1)
POSSIBLE = TRIPS.details.keys() - TRIPS.impossible
RIGHT = ReceiptsOutcome(
    before=state(TRIPS, set(POSSIBLE), TRIPS.impossible),
    logged=dict.fromkeys(TRIPS.impossible, 3),
    refused=dict.fromkeys(TRIPS.flaky, 2),
    alias=ALIAS,
    redriven={"redriven": 3, "kept": {}},
    after=state(TRIPS, set(TRIPS.details), frozenset()),
    elsewhere=0,
    alarms=ALARMS,
    failure_queue="Failed",
)


def test_no_difference_where_all_is_right() -> None:
    assert differences(TRIPS, RIGHT) == []


def wrong_states(state: State) -> Iterator[State]:
    some, *rest = state.receipts
    documents = dict(state.receipts)
    successes = [success for success in state.successes if success.trip_id != some]
    yield replace(state, successes=successes)
    yield replace(
        state, successes=[*state.successes, *(each for each in state.successes if each.trip_id == some)]
    )
    yield replace(state, notified=state.notified - Counter([some]))
    yield replace(state, notified=state.notified + Counter([some]))
    yield replace(state, archived={trip_id: documents[trip_id] for trip_id in rest})
    yield replace(state, archived=documents | {"foreign": documents[some]})
    yield replace(state, archived=documents | {some: {}})
    for name in ("rider_id", "currency", "completed_at"):
        changed = documents | {some: documents[some] | {name: "other"}}
        yield replace(state, receipts=changed, archived=changed)
    changed = documents | {some: documents[some] | {"total": "0.01"}}
    yield replace(state, receipts=changed, archived=changed)


def wrong_outcomes() -> Iterator[ReceiptsOutcome]:
    """Everything that is read back off by one, each on its own."""
    for before in wrong_states(RIGHT.before):
        yield replace(RIGHT, before=before)
    for after in wrong_states(RIGHT.after):
        yield replace(RIGHT, after=after)
    failures = RIGHT.before.failures
    yield replace(RIGHT, before=replace(RIGHT.before, failures=failures[1:]))
    yield replace(RIGHT, before=replace(RIGHT.before, failures=[*failures, failures[0]]))
    yield replace(RIGHT, after=replace(RIGHT.after, failures=failures[:1]))
    flaky, impossible = next(iter(TRIPS.flaky)), next(iter(TRIPS.impossible))
    tried = [
        replace(success, attempts=2) if success.trip_id == flaky else success
        for success in RIGHT.before.successes
    ]
    yield replace(RIGHT, before=replace(RIGHT.before, successes=tried))
    yield replace(RIGHT, logged={**RIGHT.logged, impossible: 2})
    yield replace(RIGHT, refused={**RIGHT.refused, flaky: 1})
    yield replace(RIGHT, redriven={"redriven": 2, "kept": {}})
    yield replace(RIGHT, redriven={"redriven": 3, "kept": {"younger than this run": 1}})
    yield replace(RIGHT, elsewhere=1)
    for alarm in ALARMS:
        yield replace(RIGHT, alarms=ALARMS - {alarm})
    yield replace(RIGHT, alarms=ALARMS | {Alarm("Throttles", frozenset({"MakeReceipt", "MakeReceipt:live"}))})


def test_each_wrong_figure_is_a_difference() -> None:
    for number, wrong in enumerate(wrong_outcomes()):
        assert len(differences(TRIPS, wrong)) == 1, number


def test_an_event_that_succeeds_before_the_handler_is_fixed_is_wrong() -> None:
    assert differences(TRIPS, replace(RIGHT, before=RIGHT.after))


def leaves(record: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in record.items():
        if isinstance(value, dict) and name != "detail":
            yield from leaves(value, (*path, name))
        else:
            yield (*path, name)


DETAIL = dict(TRIPS.details[min(TRIPS.impossible)])


def test_a_record_in_full_has_no_gap() -> None:
    assert gaps(record_of(DETAIL), DETAIL, ALIAS) == []


@pytest.mark.parametrize("path", list(leaves(record_of(DETAIL))), ids=".".join)
def test_each_thing_that_a_record_lacks_is_a_gap(path: tuple[str, ...]) -> None:
    record: Any = json.loads(json.dumps(record_of(DETAIL)))
    *way, last = path
    part = record
    for name in way:
        part = part[name]
    del part[last]
    assert len(gaps(record, DETAIL, ALIAS)) == 1


# --- the handler that is fixed ------------------------------------------------------------------------


class FakeFunctions:
    def __init__(self, package: Path) -> None:
        self.package = package

    def get_function(self, **_: str) -> dict[str, Any]:
        return {"Code": {"Location": self.package.as_uri()}}


@pytest.fixture
def functions(tmp_path: Path) -> FakeFunctions:
    package = tmp_path / "package.zip"
    with zipfile.ZipFile(package, "w") as archive:
        for name in (
            "a.py",
            "b.py",
            "data.json",
            "__pycache__/a.cpython-313.pyc",
            "__pycache__/b.cpython-313.pyc",
        ):
            archive.writestr(name, name)
    return FakeFunctions(package)


@pytest.mark.parametrize(
    ("file", "gone"), [("a.py", {"__pycache__/a.cpython-313.pyc"}), ("data.json", set())]
)
def test_one_file_of_a_package_is_changed_and_its_compiled_form_deleted(
    functions: FakeFunctions, file: str, gone: set[str]
) -> None:
    package = changed_code(functions, "any", file, lambda content: content + b" changed")
    with zipfile.ZipFile(BytesIO(package)) as changed, zipfile.ZipFile(functions.package) as plain:
        assert set(changed.namelist()) == set(plain.namelist()) - gone
        different = {name for name in changed.namelist() if changed.read(name) != plain.read(name)}
        assert different == {file}
        assert changed.read(file) == f"{file} changed".encode()


def test_a_file_that_is_not_there_is_an_error(functions: FakeFunctions) -> None:
    with pytest.raises(KeyError):
        changed_code(functions, "any", "c.py", lambda content: content)
