"""How many environments a burst starts, and how many start at once."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from pathlib import Path

import pytest

from constructs_lib.local import LocalCloud
from tests.local import stacks

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
