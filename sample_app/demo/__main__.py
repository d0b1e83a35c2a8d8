"""Deploy the sample app on this machine, drive all of its parts, and hold what came of it against what must.

Beside it, once it is deployed, the same runs under enforced IAM with fewer trips: see enforced.py.
"""

import random
import sys
from collections.abc import Callable, Set
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from constructs_lib.local import LocalCloud, LocalCloudError
from sample_app.demo import (
    drive,
    drive_api,
    drive_disputes,
    drive_downloads,
    drive_receipts,
    drive_settlement,
    drive_throttling,
    drive_zones,
    receipts_outcome,
    report,
    zones_outcome,
)
from sample_app.demo.beside import Beside
from sample_app.demo.finished_trips import FinishedTrips, make_finished_trips
from sample_app.demo.phases import phases
from sample_app.demo.positions import Positions, make_positions
from sample_app.demo.receipts_outcome import ReceiptsOutcome
from sample_app.demo.trips import Rehearsal, make_rehearsal
from sample_app.demo.trips_outcome import Outcome, differences
from sample_app.demo.zones_outcome import PlainOutcome, ZonesOutcome

_PROJECT = Path(__file__).resolve().parents[2]
_STATE = _PROJECT / ".cache" / "local"


class Part(StrEnum):
    """A part of the demo that can be run alone."""

    TRIPS = "trips"
    API = "api"
    RECEIPTS = "receipts"
    DOWNLOADS = "downloads"
    ZONES = "zones"
    DISPUTES = "disputes"
    SETTLEMENT = "settlement"
    THROTTLING = "throttling"
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
    throttling: drive_throttling.ThrottlingOutcome | None = None


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
    enforced = [
        sys.executable,
        "-m",
        "sample_app.demo.enforced",
        str(rehearsal.seed + 1),
        str(state.resolve()),
    ]
    with Beside(enforced) as beside:
        deployed = beside.start if Part.ENFORCED in parts else lambda: None
        try:
            if parts == {Part.ENFORCED}:
                deployed()
            else:
                _rehearse(
                    seen, parts, rehearsal, finished, positions, state, console, deployed, compare=compare
                )
        except LocalCloudError as error:
            console.print(f"\n{error}", style="red", markup=False)
            raise typer.Exit(1) from None
        wrong = _show(console, seen, rehearsal, finished, positions)
        if Part.ENFORCED in parts:
            wrong += _show_enforced(console, beside)
    report.show_evidence(console)
    for line in wrong:
        console.print(f"WRONG: {line}", style="red", markup=False)
    if wrong:
        raise typer.Exit(1)
    console.print("All figures match.", style="green")


def _show_enforced(console: Console, beside: Beside) -> list[str]:
    with console.status("With IAM enforced: deploying, driving"):
        code, printed = beside.result()
    console.print("Beside it, with IAM enforced")
    console.print(printed, end="", markup=False)
    return ["the run with IAM enforced has failed, see above."] if code else []


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
    if seen.throttling is not None:
        report.show_throttling(console, seen.throttling)
        wrong += drive_throttling.differences(seen.throttling)
    return wrong


def _rehearse(
    seen: _Seen,
    parts: Set[Part],
    rehearsal: Rehearsal,
    finished: FinishedTrips,
    positions: Positions,
    state: Path,
    console: Console,
    deployed: Callable[[], None],
    *,
    compare: bool,
) -> None:
    with phases(console) as going_on:
        going_on.tell("starting the local cloud")
        with LocalCloud(state=state, time_scale=drive.TIME_SCALE) as cloud:
            going_on.end("start the local cloud")
            outputs = drive.deploy(cloud, _app(parts, compare=compare), going_on)
            deployed()
            if Part.TRIPS in parts:
                seen.trips = drive.rehearse(cloud, outputs, rehearsal, going_on)
            if Part.API in parts:
                going_on.tell(f"sending {drive_api.REQUESTS} requests, releasing another version")
                with drive.administrator(cloud) as admin:
                    seen.api = drive_api.rehearse(cloud, outputs, rehearsal, admin)
                going_on.end(f"{drive_api.REQUESTS} requests, a release")
            if Part.RECEIPTS in parts:
                seen.receipts = drive_receipts.rehearse(cloud, outputs, finished, going_on.tell)
                going_on.end("receipts, retry, fail, fix, redrive")
            if Part.DOWNLOADS in parts:
                going_on.tell("downloading receipts")
                seen.downloads = drive_downloads.rehearse(cloud, outputs)
                going_on.end("downloads, callers refused")
            if Part.ZONES in parts:
                seen.zones = drive_zones.rehearse(cloud, outputs, positions, going_on.tell)
                going_on.end("positions, fail, fix, redrive")
                if compare:
                    seen.plain = drive_zones.rehearse_plain(cloud, outputs, positions, going_on.tell)
                    going_on.end("the same with CDK's defaults")
            if Part.DISPUTES in parts:
                seen.disputes = drive_disputes.rehearse(cloud, outputs, going_on.tell)
                going_on.end("disputes, wait, kill, call back, fail")
            if Part.SETTLEMENT in parts:
                seen.settlement = drive_settlement.rehearse(cloud, outputs, going_on.tell)
                going_on.end("settlement, retry, fail, redrive")
            if Part.THROTTLING in parts:
                with drive.administrator(cloud) as admin:
                    seen.throttling = drive_throttling.rehearse(
                        cloud, outputs, admin, rehearsal.seed + 3, going_on.tell
                    )
                going_on.end("throttled, keep sending, redrive")
        going_on.end("stop and delete everything")


def _app(parts: Set[Part], *, compare: bool) -> list[str]:
    """The app to deploy: the sample app as it is, or as much of it as some parts need."""
    stacks = {
        Part.TRIPS: {"trips"},
        Part.API: {"trips"},
        Part.RECEIPTS: {"receipts"},
        Part.DOWNLOADS: {"receipts"},
        Part.ZONES: {"zones"},
        Part.DISPUTES: {"disputes"},
        Part.SETTLEMENT: {"settlement"},
        Part.THROTTLING: {"trips", "receipts"},
    }
    if parts >= stacks.keys() and not compare:
        return ["sample_app.app"]
    needed = {stack for part in parts & stacks.keys() for stack in stacks[part]}
    return ["sample_app.demo.demo_app", *sorted(needed), *(["plain_zones"] if compare else [])]


if __name__ == "__main__":
    typer.run(main)
