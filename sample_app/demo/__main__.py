"""Deploy the sample app on this machine, drive all of its parts, and hold what came of it against what must.

Then once more under enforced IAM, with fewer trips: what a role may not do is refused, and a function that was never
connected to the database has to stay out.
"""

import random
import shlex
import sys
import time
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from constructs_lib.local import LocalCloud, LocalCloudError
from sample_app.demo import (
    drive,
    drive_api,
    drive_disputes,
    drive_downloads,
    drive_receipts,
    drive_settlement,
    drive_zones,
    receipts_outcome,
    report,
    zones_outcome,
)
from sample_app.demo.finished_trips import FinishedTrips, make_finished_trips
from sample_app.demo.positions import Positions, make_positions
from sample_app.demo.receipts_outcome import ReceiptsOutcome
from sample_app.demo.trips import Rehearsal, make_rehearsal
from sample_app.demo.trips_outcome import Outcome, differences
from sample_app.demo.zones_outcome import PlainOutcome, ZonesOutcome

_PROJECT = Path(__file__).resolve().parents[2]
_STATE = _PROJECT / ".cache" / "local"
_TIME_SCALE = 480
"""A failed message is back after 0.4 seconds in place of three minutes: that is most of what the demo waits for."""


class _Phases:
    """Says what goes on, and how long each part took."""

    def __init__(self, console: Console, progress: Progress, task: TaskID) -> None:
        self._console = console
        self._progress = progress
        self._task = task
        self._since = time.monotonic()

    def tell(self, text: str) -> None:
        self._progress.update(self._task, description=text)

    def end(self, name: str) -> None:
        now = time.monotonic()
        self._console.print(f"  {name}: {now - self._since:.1f} s")
        self._since = now


class Part(StrEnum):
    """A part of the demo that can be run alone."""

    TRIPS = "trips"
    API = "api"
    RECEIPTS = "receipts"
    DOWNLOADS = "downloads"
    ZONES = "zones"
    DISPUTES = "disputes"
    SETTLEMENT = "settlement"
    ENFORCED = "enforced"


@dataclass
class _Seen:
    """What came of each part; None for those that were not run."""

    trips: Outcome | None = None
    api: drive_api.ApiOutcome | None = None
    receipts: ReceiptsOutcome | None = None
    downloads: drive_downloads.DownloadsOutcome | None = None
    zones: ZonesOutcome | None = None
    plain: PlainOutcome | None = None
    disputes: drive_disputes.DisputesOutcome | None = None
    settlement: drive_settlement.SettlementOutcome | None = None
    enforced: report.Enforced | None = None


def main(
    seed: Annotated[int | None, typer.Option(help="Repeat the trips of an earlier run.")] = None,
    only: Annotated[Part | None, typer.Option(help="Run one part, and deploy no more than it needs.")] = None,
    compare: Annotated[
        bool, typer.Option(help="Put the positions of the zones on a stream that CDK's defaults read, too.")
    ] = False,
    state: Annotated[Path, typer.Option(help="Where the emulator is installed and kept.")] = _STATE,
) -> None:
    """Deploy the sample app on this machine, drive it, and check what came of it."""
    console = Console(highlight=False, width=100 if not sys.stdout.isatty() else None)
    rehearsal = make_rehearsal(random.SystemRandom().randrange(10**6) if seed is None else seed)
    console.print(f"Seed {rehearsal.seed}: repeat this run with --seed {rehearsal.seed}")
    finished, positions = make_finished_trips(rehearsal.seed), make_positions(rehearsal.seed)
    parts = set(Part) if only is None else {only}
    seen = _Seen()
    try:
        if parts != {Part.ENFORCED}:
            _rehearse(seen, parts, rehearsal, finished, positions, state, console, compare=compare)
        if Part.ENFORCED in parts:
            console.print("Once more, with IAM enforced" if only is None else "With IAM enforced")
            seen.enforced = _rehearse_enforced(rehearsal.seed + 1, state, console)
    except LocalCloudError as error:
        console.print(f"\n{error}", style="red", markup=False)
        raise typer.Exit(1) from None
    wrong = _show(console, seen, rehearsal, finished, positions)
    for line in wrong:
        console.print(f"WRONG: {line}", style="red", markup=False)
    if wrong:
        raise typer.Exit(1)
    console.print("All figures match.", style="green")


def _show(
    console: Console, seen: _Seen, rehearsal: Rehearsal, finished: FinishedTrips, positions: Positions
) -> list[str]:
    """Print what came of each part; everything that is not as it must be."""
    wrong = []
    if seen.trips is not None:
        report.show_trips(console, rehearsal, seen.trips)
        wrong += differences(rehearsal, seen.trips)
    if seen.api is not None:
        report.show_api(console, seen.api)
        wrong += drive_api.differences(seen.api)
    if seen.receipts is not None:
        report.show_receipts(console, finished, seen.receipts)
        wrong += receipts_outcome.differences(finished, seen.receipts)
    if seen.downloads is not None:
        report.show_downloads(console, seen.downloads)
        wrong += drive_downloads.differences(seen.downloads)
    if seen.zones is not None:
        report.show_zones(console, positions, seen.zones, seen.plain)
        wrong += zones_outcome.differences(len(positions.sent), seen.zones)
    if seen.disputes is not None:
        report.show_disputes(console, seen.disputes)
        wrong += drive_disputes.differences(seen.disputes)
    if seen.settlement is not None:
        report.show_settlement(console, seen.settlement)
        wrong += drive_settlement.differences(seen.settlement)
    if seen.enforced is not None:
        report.show_enforced(console, seen.enforced)
        wrong += seen.enforced.differences
    report.show_evidence(console)
    return wrong


@contextmanager
def _phases(console: Console) -> Iterator[_Phases]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Phases(console, progress, progress.add_task(""))


def _rehearse(
    seen: _Seen,
    parts: Set[Part],
    rehearsal: Rehearsal,
    finished: FinishedTrips,
    positions: Positions,
    state: Path,
    console: Console,
    *,
    compare: bool,
) -> None:
    with _phases(console) as phases:
        phases.tell("starting the local cloud")
        with LocalCloud(state=state, time_scale=_TIME_SCALE) as cloud:
            phases.end("start the local cloud")
            outputs = _deploy(cloud, _app(parts, compare=compare), phases)
            if Part.TRIPS in parts:
                seen.trips = _drive(cloud, outputs, rehearsal, phases)
            if Part.API in parts:
                phases.tell(f"sending {drive_api.REQUESTS} requests, releasing another version")
                with drive.administrator(cloud) as admin:
                    seen.api = drive_api.rehearse(cloud, outputs, rehearsal, admin)
                phases.end(f"{drive_api.REQUESTS} requests, a release")
            if Part.RECEIPTS in parts:
                seen.receipts = drive_receipts.rehearse(cloud, outputs, finished, phases.tell)
                phases.end("receipts, retry, fail, fix, redrive")
            if Part.DOWNLOADS in parts:
                phases.tell("downloading receipts")
                seen.downloads = drive_downloads.rehearse(cloud, outputs)
                phases.end("downloads, callers refused")
            if Part.ZONES in parts:
                seen.zones = drive_zones.rehearse(cloud, outputs, positions, phases.tell)
                phases.end("positions, fail, fix, redrive")
                if compare:
                    seen.plain = drive_zones.rehearse_plain(cloud, outputs, positions, phases.tell)
                    phases.end("the same with CDK's defaults")
            if Part.DISPUTES in parts:
                seen.disputes = drive_disputes.rehearse(cloud, outputs, phases.tell)
                phases.end("disputes, wait, kill, call back, fail")
            if Part.SETTLEMENT in parts:
                seen.settlement = drive_settlement.rehearse(cloud, outputs, phases.tell)
                phases.end("settlement, retry, fail, redrive")
        phases.end("stop and delete everything")


def _app(parts: Set[Part], *, compare: bool) -> list[str]:
    """The app to deploy: the sample app as it is, or as much of it as some parts need."""
    stacks = {
        Part.TRIPS: "trips",
        Part.API: "trips",
        Part.RECEIPTS: "receipts",
        Part.DOWNLOADS: "receipts",
        Part.ZONES: "zones",
        Part.DISPUTES: "disputes",
        Part.SETTLEMENT: "settlement",
    }
    if parts >= stacks.keys() and not compare:
        return ["sample_app.app"]
    needed = {stacks[part] for part in parts & stacks.keys()}
    return ["sample_app.demo.demo_app", *sorted(needed), *(["plain_zones"] if compare else [])]


def _rehearse_enforced(seed: int, state: Path, console: Console) -> report.Enforced:
    rehearsal = make_rehearsal(seed, completed=20, duplicated=5, flaky=2)
    finished = make_finished_trips(seed, trips=10, impossible=1, flaky=1)
    positions = make_positions(seed)
    with _phases(console) as phases:
        phases.tell("starting the local cloud, IAM enforced")
        with LocalCloud(state=state, time_scale=_TIME_SCALE, enforce_iam=True) as cloud:
            phases.end("start the local cloud")
            outputs = _deploy(
                cloud, ["sample_app.demo.demo_app", "trips", "receipts", "zones", "uninvited"], phases
            )
            outcome = _drive(cloud, outputs, rehearsal, phases)
            refusals = drive.invoke(cloud, outputs["UninvitedName"], {})
            doors = drive_api.knock(cloud, outputs)
            phases.end("try to get in uninvited")
            receipts = drive_receipts.rehearse(cloud, outputs, finished, phases.tell)
            phases.end("receipts, fail, fix, redrive")
            downloads = drive_downloads.knock(cloud, outputs)
            phases.end("try to download uninvited")
            zones = drive_zones.rehearse(cloud, outputs, positions, phases.tell)
            phases.end("positions, fail, fix, redrive")
        phases.end("stop and delete everything")
    return report.Enforced(
        rehearsal, outcome, refusals, doors, finished, receipts, downloads, positions, zones
    )


def _deploy(cloud: LocalCloud, app: list[str], phases: _Phases) -> drive.Outputs:
    phases.tell("cdk deploy")
    outputs = drive.outputs_of(cloud.deploy(app=shlex.join([sys.executable, "-m", *app]), cwd=_PROJECT))
    phases.end("cdk synth, bootstrap, deploy, migrate")
    return outputs


def _drive(cloud: LocalCloud, outputs: drive.Outputs, rehearsal: Rehearsal, phases: _Phases) -> Outcome:
    with drive.administrator(cloud) as admin:
        drive.refuse_flaky_trips(admin, rehearsal)
        phases.tell(f"sending {len(rehearsal.messages)} messages")
        drive.send(cloud.client("sqs"), outputs["QueueUrl"], rehearsal.messages)
        phases.end("send")
        cut = drive.wait(cloud, phases.tell, len(rehearsal.stored) // 3, admin)
        phases.end("process, cut connections, retry, dead-letter")
        phases.tell("reading back")
        outcome = drive.read_back(cloud, outputs, rehearsal, cut, admin)
        phases.end("read back, ask for the earnings")
    return outcome


if __name__ == "__main__":
    typer.run(main)
