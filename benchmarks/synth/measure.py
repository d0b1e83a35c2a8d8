"""Measure one app in a process of its own, and print what it cost as JSON.

Usage: `python -m benchmarks.synth.measure KIND SCENE INSTANCES time|count`. An app of one instance comes first and is
not measured: loading aws_cdk, starting Node and packaging a function are paid once, by whatever comes first.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from aws_cdk import App

from benchmarks.synth import by_hand, ours, solutions
from benchmarks.synth.apps import fill
from benchmarks.synth.round_trips import RoundTrips

KINDS: Final = {"ours": ours.SCENES, "by hand": by_hand.SCENES, "solutions": solutions.SCENES}


def cpu_seconds() -> float:
    """Read the CPU time of this process and of the Node that it has started."""
    ticks = 0
    ahead = [os.getpid()]
    while ahead:
        process = Path("/proc") / str(ahead.pop())
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
        for children in process.glob("task/*/children"):
            ahead += map(int, children.read_text().split())
    return ticks / os.sysconf("SC_CLK_TCK")


def synthesize(outdir: Path, kind: str, scene: str, instances: int) -> None:
    """Build and synthesize an app."""
    app = App(outdir=str(outdir), analytics_reporting=False)
    fill(app, KINDS[kind][scene], range(instances))
    app.synth()


def timed(folder: Path, kind: str, scene: str, instances: int) -> dict[str, float]:
    """Measure the CPU seconds of an app."""
    before = cpu_seconds()
    synthesize(folder / "app", kind, scene, instances)
    return {"cpu": cpu_seconds() - before}


def counted(folder: Path, kind: str, scene: str, instances: int) -> dict[str, float]:
    """Count the round trips of an app, and its resources."""
    with RoundTrips().counted() as trips:
        synthesize(folder / "app", kind, scene, instances)
    templates = (json.loads(file.read_text()) for file in (folder / "app").glob("*.template.json"))
    return {"trips": trips.count, "resources": sum(len(template["Resources"]) for template in templates)}


def main(kind: str, scene: str, instances: int, what: str) -> None:
    """Measure, and print."""
    if kind == "solutions":
        sys.path.append(str(solutions.FOLDER))
    with tempfile.TemporaryDirectory() as folder:
        synthesize(Path(folder) / "first", kind, scene, 1)
        found = (timed if what == "time" else counted)(Path(folder), kind, scene, instances)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
