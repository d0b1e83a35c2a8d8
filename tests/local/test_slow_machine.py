"""A machine that has no time: what it takes longer for than another one changes nothing of what a run proves.

Holds `process/pace.py`, `lambda_/running_time.py`.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.local import LocalCloud
from constructs_lib.local.extension.process.pace import Pace

from . import async_stacks, stacks
from .lambda_.test_async_invocation import points

# --- pace.py -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measured", "then", "now", "passed"),
    [
        ([], 0, 0.2, 0.2),
        ([(10, 0.01)], 0, 10, 10),
        ([(10, 0.001)], 0, 10, 10),  # a quicker machine is none where a function may run for longer
        ([(10, 0.04)], 0, 10, 2.5),
        ([(10, 0.04)], 4, 8, 1),
        ([(10, 0.04), (20, 0.02)], 0, 20, 2.5 + 5),
        ([(10, 0.04), (20, 0.02)], 8, 12, 0.5 + 1),
        ([(10, 0.04)], 10, 10.4, 0.1),
        ([(10, 0.01)], 10, 600, 1),  # the next one is late: no time passes
        ([(10, 0.01)], -5, 10, 15),
        ([(10, 0.04), (9, 0.04)], 0, 9, 2.25),  # somebody has set the clock
    ],
)
def test_seconds_count_at_the_pace_of_the_measurement_at_their_end(
    measured: list[tuple[float, float]], then: float, now: float, passed: float
) -> None:
    pace = Pace(0)
    for when, took in measured:
        pace.note(when, took)
    assert pace.since(then, now) == pytest.approx(passed)


def test_the_slowest_of_the_last_measurements_counts() -> None:
    pace = Pace(0)
    assert pace.slowness == 1
    pace.note(1, 0.07)
    for when in range(2, 21):
        pace.note(when, 0.02)
        assert pace.slowness == pytest.approx(7)
    pace.note(21, 0.02)
    assert pace.slowness == pytest.approx(2)


# --- what is stretched ---------------------------------------------------------------------------------

BUSY = 9
"""Processes beside the cloud on one core: it has a tenth of it."""
LEAST = 2.0
"""How slow the machine must be for the cases. How much nine competitors take is the scheduler's own choice: some let
a thread that has slept go first."""
TIMEOUT = 2
SLEEPS = """
import time

def handler(event, context):
    began, left = time.time(), context.get_remaining_time_in_millis()
    time.sleep(event["seconds"])
    if event.get("fail"):
        raise ValueError("no")
    return {"left": left, "took": time.time() - began}
"""


@pytest.fixture(scope="module")
def slow(state: Path) -> Iterator[LocalCloud]:
    """A cloud that shares one core with programs that never rest."""
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("a process cannot be bound to a processor here")
    mine = os.sched_getaffinity(0)
    with contextlib.ExitStack() as ends, LocalCloud(state=state) as cloud:
        resources = async_stacks.called() | {"Function": stacks.function(SLEEPS, Timeout=TIMEOUT)}
        name = stacks.put(cloud, "sleeps", resources)["Function"]
        call(cloud, name, seconds=0)  # its environment is there already when the machine becomes slow
        assert cloud._process is not None
        one = {max(mine)}
        for thread in Path(f"/proc/{cloud._process.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), one)
        for _ in range(BUSY):
            busy = ends.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            ends.callback(busy.kill)
            os.sched_setaffinity(busy.pid, one)
        give_up = time.monotonic() + 300
        while cloud.slowness() < LEAST:
            if time.monotonic() > give_up:
                pytest.skip("nine busy programs on one core do not make this machine slow")
            time.sleep(0.1)
        yield cloud


@pytest.fixture(scope="module")
def function(slow: LocalCloud) -> str:
    [found] = slow.client("lambda").list_functions()["Functions"][:1]
    return str(found["FunctionName"])


def call(cloud: LocalCloud, function: str, **event: object) -> tuple[str | None, dict[str, Any]]:
    answer = cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
    return answer.get("FunctionError"), json.load(answer["Payload"])


@pytest.mark.cloud
def test_a_handler_that_takes_longer_than_its_timeout_here_is_let_run(
    slow: LocalCloud, function: str
) -> None:
    failed, answer = call(slow, function, seconds=1.25 * TIMEOUT)
    assert failed is None, answer
    assert answer["took"] > TIMEOUT
    # And it is told so: what looks at the time that is left does the same as on another machine.
    assert answer["left"] > TIMEOUT * 1000


@pytest.mark.cloud
def test_a_handler_that_hangs_ends_all_the_same_and_the_error_is_that_of_aws(
    slow: LocalCloud, function: str
) -> None:
    failed, answer = call(slow, function, seconds=10_000)
    assert failed == "Unhandled"
    assert answer == {
        "errorMessage": f"Task timed out after {TIMEOUT}.00 seconds",
        "errorType": "Sandbox.Timedout",
    }


@pytest.mark.cloud
def test_a_duration_and_an_age_are_what_they_would_be_elsewhere(slow: LocalCloud) -> None:
    resources = async_stacks.called() | {"Function": stacks.function(SLEEPS, Timeout=60)}
    name = stacks.put(slow, "measured", resources)["Function"]
    seconds = 3
    event = json.dumps({"seconds": seconds, "fail": True}).encode()
    slow.client("lambda").invoke(FunctionName=f"{name}:live", InvocationType="Event", Payload=event)
    slow.wait_until_idle()
    of_alias = {"FunctionName": name, "Resource": f"{name}:live"}
    most = seconds * 1000  # what a sleep takes at least where nothing is stretched
    assert 0 < max(points(slow, "Duration", of_alias, "Maximum")) < most
    # The second retry came after AWS's three minutes of waiting, and two attempts that took a while.
    assert 180_000 < max(points(slow, "AsyncEventAge", of_alias, "Maximum")) < 180_000 + 2 * most
