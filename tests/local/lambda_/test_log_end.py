"""The log of an invocation ends where its handler ends, without a wait."""

import base64
import json
import time

import pytest

from constructs_lib.local import LocalCloud
from tests.local import stacks

pytestmark = pytest.mark.cloud


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
