"""Drive the sample app's API with plain HTTP: good and bad requests, many at once, and in the middle of a release."""

import json
import math
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final

import psycopg

from constructs_lib.local import LocalCloud, LocalCloudError
from constructs_lib.local.http_calls import JSON, Answer, Caller, call
from sample_app.demo.changed_code import changed_code
from sample_app.demo.drive import Outputs
from sample_app.demo.trips import Rehearsal, Trip, make_rehearsal

REQUESTS: Final = 1000
AT_ONCE: Final = 50
CALLS_IN_RELEASE: Final = 500
WEIGHT: Final = 0.1
_ALIAS: Final = "live"
_PREFIX: Final = "http-"


def likely(calls: int, weight: float) -> range:
    """How many of the calls a version with this weight gets, but for one run in a million.

    Args:
        calls: How many there are.
        weight: The share that the version gets.

    Returns:
        The numbers that are no surprise.
    """

    def tail(counts: Iterable[int]) -> float:
        return sum(math.comb(calls, k) * weight**k * (1 - weight) ** (calls - k) for k in counts)

    low = next(k for k in range(calls + 1) if tail(range(k + 1)) > 5e-7)
    high = next(k for k in range(calls, -1, -1) if tail(range(k, calls + 1)) > 5e-7)
    return range(low, high + 1)


EXPECTED: Final = likely(CALLS_IN_RELEASE, WEIGHT)
"""Calls that reach the changed version."""


@dataclass(frozen=True)
class ApiOutcome:
    """What the API answered.

    Attributes:
        statuses: How often each status came, over all of the many requests.
        wanted: How often it must.
        problems: Answers to bad requests that are not problem documents with a correlation id.
        stored: How many of the trips that were accepted are in the table.
        correlated: Whether the id that a caller was given is in the log of the function that stored its trip.
        before: Versions that answered while the changed handler was there and the alias stayed.
        during: Versions that answered while the alias had weights.
    """

    statuses: Counter[int]
    wanted: Counter[int]
    problems: int
    stored: int
    correlated: bool
    before: Counter[str]
    during: Counter[str]


def rehearse(
    cloud: LocalCloud, outputs: Outputs, rehearsal: Rehearsal, admin: psycopg.Connection
) -> ApiOutcome:
    """Send requests, and release another version in the middle of them.

    Args:
        cloud: With the sample app deployed, its database empty or not.
        outputs: Of the sample app.
        rehearsal: Gives the seed of the trips that are sent.
        admin: The superuser.

    Returns:
        Everything that is judged.
    """
    url = cloud.api_url(outputs["ApiUrl"])
    caller = Caller(cloud, "dispatcher")
    caller.allow_only("execute-api:Invoke", on="arn:aws:execute-api:*:*:*/prod/*")
    trips = make_rehearsal(rehearsal.seed + 2).stored.values()
    statuses, wanted, problems, one_accepted = _many(caller, url, [_with_another_id(trip) for trip in trips])
    driver = f"{url}drivers/{next(iter(trips)).driver_id}/earnings"
    before, during = _release(cloud, caller, driver, outputs["DriverEarningsName"])
    cloud.wait_until_idle()  # the queue brings the trips to the table
    return ApiOutcome(
        statuses=statuses,
        wanted=wanted,
        problems=problems,
        stored=_stored(admin),
        correlated=_is_in_log(cloud, outputs["CompleteTripLogs"], one_accepted["correlation_id"]),
        before=before,
        during=during,
    )


def knock(cloud: LocalCloud, outputs: Outputs) -> dict[str, int]:
    """Ask for a driver's earnings with and without what it takes; under enforced IAM alone does this mean anything.

    Args:
        cloud: With the sample app deployed and IAM enforced.
        outputs: Of the sample app.

    Returns:
        The status that each caller got.
    """
    url = f"{cloud.api_url(outputs['ApiUrl'])}drivers/driver-0001/earnings"
    permitted, stranger = Caller(cloud, "permitted"), Caller(cloud, "stranger")
    permitted.allow_only("execute-api:Invoke", on="arn:aws:execute-api:*:*:*/prod/GET/drivers/*/earnings")
    stranger.allow_only("execute-api:Invoke", on="arn:aws:execute-api:*:*:*/prod/POST/trips")
    return {
        "with execute-api:Invoke on the route": permitted.call(url).status,
        "with it on another route": stranger.call(url).status,
        "without a signature": call(url).status,
    }


def differences(outcome: ApiOutcome) -> list[str]:
    """Everything that is not as it must be.

    Args:
        outcome: What the API answered.

    Returns:
        One line for each difference; none if all is well.
    """
    wrong = []
    if outcome.statuses != outcome.wanted:
        wrong.append(f"the API must answer {dict(outcome.wanted)}, has answered {dict(outcome.statuses)}")
    if outcome.problems:
        wrong.append(f"{outcome.problems} errors are not problem documents with a correlation id")
    if outcome.stored != outcome.wanted[202]:
        wrong.append(f"{outcome.wanted[202]} trips were accepted, {outcome.stored} are stored")
    if not outcome.correlated:
        wrong.append("the id that a caller was given is not in the log of the function that stored its trip")
    if set(outcome.before) != {"stable"}:
        wrong.append(f"while the alias stays, the stable version must answer alone: {dict(outcome.before)}")
    if set(outcome.during) - {"stable", "changed"} or outcome.during["changed"] not in EXPECTED:
        wrong.append(
            f"of {CALLS_IN_RELEASE} calls {EXPECTED.start} to {EXPECTED.stop - 1} must reach the changed version, "
            f"have: {dict(outcome.during)}"
        )
    return wrong


def _with_another_id(trip: Trip) -> Trip:
    """Trips that come in over HTTP are none of those that were put on the queue."""
    return replace(trip, trip_id=f"{_PREFIX}{trip.trip_id}")


def _stored(admin: psycopg.Connection) -> int:
    """Count the trips that came in over HTTP."""
    row = admin.execute("SELECT count(*) FROM trip WHERE starts_with(trip_id, %s)", (_PREFIX,)).fetchone()
    return int(row[0]) if row else 0


_Request = tuple[str, str, bytes | None, int]
"""Method, path, body, and the status that must come back."""


def _many(
    caller: Caller, url: str, trips: list[Trip]
) -> tuple[Counter[int], Counter[int], int, dict[str, Any]]:
    """Send all kinds of requests, many at a time."""
    planned: list[_Request] = [("POST", "trips", _body(trip), 202) for trip in trips]
    not_json = [("POST", "trips", _body(trip)[:-9], 422) for trip in trips[:20]]
    field_missing = [("POST", "trips", _body(trip, without="rider_id"), 422) for trip in trips[:20]]
    questions = [("GET", f"drivers/{trip.driver_id}/earnings", None, 200) for trip in trips]
    planned += [*not_json, *field_missing]
    while len(planned) < REQUESTS:
        planned.append(questions[len(planned) % len(questions)])

    def send(request: _Request) -> Answer:
        method, path, body, _ = request
        return caller.call(f"{url}{path}", method=method, body=body, headers=JSON if body else None)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(send, planned))
    accepted = next((answer.json for answer in answers if answer.status == 202), None)
    if accepted is None:
        raise LocalCloudError(f"no trip was accepted: {answers[0].status} {answers[0].body[:500]!r}")
    return (
        Counter(answer.status for answer in answers),
        Counter(status for *_, status in planned),
        sum(1 for answer in answers if answer.status >= 400 and not _is_problem(answer)),
        accepted,
    )


def _body(trip: Trip, *, without: str | None = None) -> bytes:
    fields = {**vars(trip), "distance_km": float(trip.distance_km)}
    return json.dumps({name: value for name, value in fields.items() if name != without}).encode()


def _is_problem(answer: Answer) -> bool:
    if answer.headers.get("content-type") != "application/problem+json":
        return False
    document = answer.json
    return bool(document["status"] == answer.status and document["correlation_id"] and document["title"])


def _is_in_log(cloud: LocalCloud, log_group: str, correlation_id: str) -> bool:
    """Whether the function that stored the trip has logged the id that its caller was given."""
    pages = cloud.client("logs").get_paginator("filter_log_events").paginate(logGroupName=log_group)
    return any(correlation_id in event["message"] for page in pages for event in page["events"])


def _release(cloud: LocalCloud, caller: Caller, url: str, function: str) -> tuple[Counter[str], Counter[str]]:
    """Change the handler while the alias stays, then give the new version a part of the calls."""
    functions = cloud.client("lambda")
    stable = functions.get_alias(FunctionName=function, Name=_ALIAS)["FunctionVersion"]
    package = changed_code(functions, function, "handler.py", lambda handler: handler + b"\n# changed\n")
    functions.update_function_code(FunctionName=function, ZipFile=package)
    before = _versions(caller, url, 50)
    changed = functions.publish_version(FunctionName=function)["Version"]
    functions.update_alias(
        FunctionName=function,
        Name=_ALIAS,
        FunctionVersion=stable,
        RoutingConfig={"AdditionalVersionWeights": {changed: WEIGHT}},
    )
    during = _versions(caller, url, CALLS_IN_RELEASE)
    # Named for what they are in the release: their numbers are nobody's concern.
    names = {stable: "stable", changed: "changed"}
    return (
        Counter({names.get(version, version): count for version, count in before.items()}),
        Counter({names.get(version, version): count for version, count in during.items()}),
    )


def _versions(caller: Caller, url: str, calls: int) -> Counter[str]:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(lambda _: caller.call(url), range(calls)))
    return Counter(answer.headers.get("x-function-version", f"status {answer.status}") for answer in answers)
