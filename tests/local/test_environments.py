"""Where functions run: how many environments a burst starts, and how long a handler that says nothing takes."""

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from constructs_lib.local import LocalCloud

from . import stacks

pytestmark = pytest.mark.cloud

SLOW_TO_START = """
import os, time

time.sleep(0.3)

def handler(event, context):
    time.sleep(event["seconds"])
    return os.getpid()
"""


def _burst(cloud: LocalCloud, name: str, *, at_once: int, seconds: float) -> set[int]:
    """Which environments have served."""
    functions = cloud.client("lambda", max_pool_connections=at_once)
    payload = json.dumps({"seconds": seconds}).encode()

    def invoke(_: int) -> int:
        read: int = json.load(functions.invoke(FunctionName=name, Payload=payload)["Payload"])
        return read

    with ThreadPoolExecutor(at_once) as pool:
        return set(pool.map(invoke, range(at_once)))


# --- cold_starts.py ------------------------------------------------------------------------------------


def test_a_burst_of_short_requests_starts_few_environments(cloud: LocalCloud) -> None:
    name = stacks.put(cloud, "burst", {"Function": stacks.function(SLOW_TO_START)})["Function"]
    assert len(_burst(cloud, name, at_once=30, seconds=0)) < 15


def test_requests_that_take_long_run_side_by_side_all_the_same(cloud: LocalCloud) -> None:
    # As many as ask: nothing is refused, and none waits for another one's end.
    name = stacks.put(cloud, "long", {"Function": stacks.function(SLOW_TO_START, Timeout=60)})["Function"]
    assert len(_burst(cloud, name, at_once=6, seconds=4)) == 6


# --- log_end.py ----------------------------------------------------------------------------------------


def test_a_handler_that_logs_nothing_costs_no_wait(cloud: LocalCloud) -> None:
    code = "def handler(event, context):\n    return 'quiet'\n"
    name = stacks.put(cloud, "quiet", {"Function": stacks.function(code)})["Function"]
    functions = cloud.client("lambda")
    took = []
    for _ in range(20):
        began = time.perf_counter()
        functions.invoke(FunctionName=name)
        took.append(time.perf_counter() - began)
    assert min(took) < 0.05


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
