"""Where functions run: how many environments a burst starts, and how long a handler that says nothing takes."""

import base64
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from pathlib import Path

import pytest

from constructs_lib.local import LocalCloud

from . import stacks

pytestmark = pytest.mark.cloud

PROCESSORS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
SLOW_TO_START = """
import os, time

time.sleep(0.3)

def handler(event, context):
    return os.getpid()
"""
MEETS_THE_OTHERS = """
import os, pathlib, time

def handler(event, context):
    folder = pathlib.Path(event["folder"])
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < event["others"]:
        time.sleep(0.05)
    return os.getpid()
"""
NOTES_ITS_START = """
import pathlib, time

with open("{log}", "a") as log:
    log.write(f"{{time.time()}} 1\\n")
time.sleep({seconds})
with open("{log}", "a") as log:
    log.write(f"{{time.time()}} -1\\n")

def handler(event, context):
    pass
"""


def _burst(cloud: LocalCloud, names: list[str], at_once: int = 30, **event: object) -> set[int | None]:
    """Invoke functions, many at once: which environments have served."""
    functions = cloud.client("lambda", max_pool_connections=at_once)
    payload = json.dumps(event).encode()

    def invoke(name: str) -> int | None:
        answer = functions.invoke(FunctionName=name, Payload=payload)
        assert "FunctionError" not in answer, answer["Payload"].read()
        read: int | None = json.load(answer["Payload"])
        return read

    with ThreadPoolExecutor(at_once) as pool:
        return set(pool.map(invoke, names))


# --- cold_starts.py ------------------------------------------------------------------------------------


def test_a_burst_of_short_requests_starts_few_environments(cloud: LocalCloud) -> None:
    name = stacks.put(cloud, "burst", {"Function": stacks.function(SLOW_TO_START)})["Function"]
    assert len(_burst(cloud, [name] * 600)) <= 3 * PROCESSORS


def test_requests_that_take_long_run_side_by_side_all_the_same(cloud: LocalCloud, tmp_path: Path) -> None:
    # As many as ask: nothing is refused, and none waits for another one's end.
    function = stacks.function(MEETS_THE_OTHERS, Timeout=900)
    name = stacks.put(cloud, "long", {"Function": function})["Function"]
    assert len(_burst(cloud, [name] * 6, folder=str(tmp_path), others=6)) == 6


def test_no_more_start_at_once_than_there_are_processors_however_long_the_others_wait(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    code = NOTES_ITS_START.format(log=log, seconds=4)
    resources = {f"Function{number}": stacks.function(code) for number in range(4 * PROCESSORS)}
    _burst(cloud, list(stacks.put(cloud, "starts", resources).values()))
    starts = sorted(
        (float(when), int(change)) for when, change in map(str.split, log.read_text().splitlines())
    )
    assert len(starts) == 8 * PROCESSORS
    assert max(accumulate(change for _, change in starts)) <= PROCESSORS


# --- log_end.py ----------------------------------------------------------------------------------------


def test_a_handler_that_logs_nothing_costs_no_wait(cloud: LocalCloud) -> None:
    code = "def handler(event, context):\n    if event: print(event)\n"
    name = stacks.put(cloud, "quiet", {"Function": stacks.function(code)})["Function"]
    functions = cloud.client("lambda")
    took: dict[bytes, list[float]] = {b"0": [], b"1": []}
    for _ in range(50):
        for event, seconds in took.items():
            began = time.perf_counter()
            functions.invoke(FunctionName=name, Payload=event)
            seconds.append(time.perf_counter() - began)
    # At their quickest both take as long: the emulator would wait 50 ms for a line that never comes.
    assert min(took[b"0"]) < min(took[b"1"]) + 0.025


# --- error_types.py ------------------------------------------------------------------------------------


def test_a_handler_that_raises_keeps_its_environment(cloud: LocalCloud) -> None:
    code = """
import os

def handler(event, context):
    if event:
        raise ValueError(os.getpid())
    return os.getpid()
"""
    name = stacks.put(cloud, "raises", {"Function": stacks.function(code)})["Function"]
    functions = cloud.client("lambda")
    answers = [functions.invoke(FunctionName=name, Payload=event) for event in (b"0", b"1", b"0")]
    assert [answer.get("FunctionError") for answer in answers] == [None, "Unhandled", None]
    first, raised, last = (json.load(answer["Payload"]) for answer in answers)
    assert raised["errorMessage"] == str(first) == str(last)


def test_the_log_of_an_invocation_is_all_of_it_and_nothing_else(cloud: LocalCloud) -> None:
    code = """
import os, sys

def handler(event, context):
    print("printed")
    os.write(2, b"written\\n")
    if event == "raise":
        raise ValueError("on purpose")
    if event == "exit":
        os._exit(3)
    print("no end of line", end="")
"""
    name = stacks.put(cloud, "logs", {"Function": stacks.function(code)})["Function"]
    functions = cloud.client("lambda")

    def log(event: str) -> list[str]:
        got = functions.invoke(FunctionName=name, LogType="Tail", Payload=json.dumps(event).encode())
        return base64.b64decode(got["LogResult"]).decode().splitlines()

    plain = ["printed", "written", "no end of line"]
    assert log("return") == plain
    assert log("return") == plain
    raised = log("raise")
    assert raised[:2] == plain[:2]
    assert raised[-1] == "ValueError: on purpose"
    assert log("exit")[:2] == plain[:2]
    assert log("return") == plain
