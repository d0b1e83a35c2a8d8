"""`python3 dev.py bench synth`: what a synth costs with this library, by hand and with AWS Solutions Constructs."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.synth import ours, solutions

_MISTAKEN: Final = 2
_SIZES: Final = (1, 20, 80)


@dataclass(frozen=True)
class Cost:
    """What one app cost.

    Attributes:
        cpu: Seconds, of Python and Node, the least of all rounds.
        trips: Calls from Python to Node.
        resources: What its templates hold.
    """

    cpu: float
    trips: int
    resources: int


def main(
    scene: Annotated[
        list[str] | None, typer.Option(help="Measure this scene alone; may be repeated.")
    ] = None,
    instances: Annotated[
        list[int] | None, typer.Option(help="Apps of this size alone; may be repeated.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often to measure CPU seconds.")] = 3,
    profile: Annotated[
        bool, typer.Option("--profile", help="Count round trips by the line that causes them instead.")
    ] = False,
) -> None:
    """Synthesize apps of 1, 20 and 80 instances of each scene, and compare what they cost.

    Ends with 1 if an instance costs more round trips in a larger app.
    """
    console = Console(highlight=False, width=140 if not sys.stdout.isatty() else None)
    chosen = scene or list(ours.SCENES)
    unknown = sorted(set(chosen) - set(ours.SCENES))
    if unknown:
        console.print(
            f"There is no scene {', '.join(unknown)}; there are {', '.join(ours.SCENES)}.", style="red"
        )
        raise typer.Exit(_MISTAKEN)
    if profile:
        for name in chosen:
            print_lines(console, name)
        return
    solutions.install()
    sizes = sorted(set(instances or _SIZES))
    costs = {
        (name, size): costs_of(name, size, rounds)
        for name in chosen
        for size in progress(console, name, sizes)
    }
    console.print(table(costs))
    growing = [name for name in chosen if grows({size: costs[name, size]["ours"] for size in sizes})]
    if growing:
        console.print(
            f"An instance costs more round trips in a larger app: {', '.join(growing)}.", style="red"
        )
    raise typer.Exit(1 if growing else 0)


def progress(console: Console, name: str, sizes: list[int]) -> list[int]:
    """Name the scene that is measured next."""
    console.print(f"  {name}")
    return sizes


def costs_of(name: str, size: int, rounds: int) -> dict[str, Cost]:
    """Measure an app of each kind, in turn, so that what else the machine does hits all of them."""
    kinds = ["ours", "by hand", *(["solutions"] if name in solutions.SCENES else [])]
    counts = {kind: measured(kind, name, size, "count") for kind in kinds}
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind in kinds:
            seconds[kind].append(measured(kind, name, size, "time")["cpu"])
    return {
        kind: Cost(min(seconds[kind]), int(counts[kind]["trips"]), int(counts[kind]["resources"]))
        for kind in kinds
    }


def measured(kind: str, name: str, size: int, what: str) -> dict[str, float]:
    """Measure in a process of its own."""
    # CDK's built-in validator costs each of them the same, and would hide what they differ in.
    environment = os.environ | {"CDK_VALIDATION": "false"}
    command = [sys.executable, "-m", "benchmarks.synth.measure", kind, name, str(size), what]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def grows(costs: dict[int, Cost]) -> bool:
    """Tell whether an instance costs more round trips in a larger app than in a smaller one."""
    return any(
        costs[larger].trips / larger > costs[smaller].trips / smaller
        for smaller, larger in pairwise(sorted(costs))
    )


def table(costs: dict[tuple[str, int], dict[str, Cost]]) -> Table:
    """Put the figures side by side; what is by hand is 1."""
    made = Table(title="ours : by hand : AWS Solutions Constructs")
    made.add_column("scene")
    for column in ("instances", "resources", "CPU seconds", "CPU", "round trips an instance", "round trips"):
        made.add_column(column, justify="right")
    for (name, size), by_kind in costs.items():
        hand = by_kind["by hand"]
        cells = (
            [f"{cost.resources}" for cost in by_kind.values()],
            [f"{cost.cpu:.2f}" for cost in by_kind.values()],
            [f"{cost.cpu / max(hand.cpu, 0.01):.2f}" for cost in by_kind.values()],
            [f"{cost.trips / size:.1f}" for cost in by_kind.values()],
            [f"{cost.trips / hand.trips:.2f}" for cost in by_kind.values()],
        )
        made.add_row(name, str(size), *(" : ".join(cell) for cell in cells))
    return made


def print_lines(console: Console, name: str) -> None:
    """Print where the round trips of one instance come from."""
    from benchmarks.synth.measure import synthesize
    from benchmarks.synth.round_trips import RoundTrips

    with tempfile.TemporaryDirectory() as folder:
        synthesize(Path(folder) / "first", "ours", name, 1)
        lines = {}
        for kind in ("ours", "by hand"):
            with RoundTrips().counted() as trips:
                synthesize(Path(folder) / kind, kind, name, 1)
            lines[kind] = trips
    console.print(
        f"{name}: {lines['ours'].count} round trips, by hand {lines['by hand'].count}", style="bold"
    )
    for line, count in lines["ours"].by_line.most_common():
        console.print(f"  {count:3} {line}")


if __name__ == "__main__":
    typer.run(main)
