"""Deploy the sample app on this machine, drive all of its parts, and hold what came of it against what must.

Then once more under enforced IAM, with fewer trips: what a role may not do is refused, and a function that was never
connected to the database has to stay out.
"""

import random
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from constructs_lib.local import LocalCloud, LocalCloudError
from sample_app.demo import drive, drive_api, drive_receipts, receipts_outcome, report
from sample_app.demo.finished_trips import FinishedTrips, make_finished_trips
from sample_app.demo.receipts_outcome import ReceiptsOutcome
from sample_app.demo.trips import Rehearsal, make_rehearsal
from sample_app.demo.trips_outcome import Outcome, differences

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


def main(
    seed: Annotated[int | None, typer.Option(help="Repeat the trips of an earlier run.")] = None,
    state: Annotated[Path, typer.Option(help="Where the emulator is installed and kept.")] = _STATE,
) -> None:
    """Deploy the sample app on this machine, drive it, and check what came of it."""
    console = Console(highlight=False, width=100 if not sys.stdout.isatty() else None)
    rehearsal = make_rehearsal(random.SystemRandom().randrange(10**6) if seed is None else seed)
    console.print(f"Seed {rehearsal.seed}: repeat this run with --seed {rehearsal.seed}")
    finished = make_finished_trips(rehearsal.seed)
    try:
        outcome, api, receipts = _rehearse(rehearsal, finished, state, console)
        console.print("Once more, with IAM enforced")
        enforced = _rehearse_enforced(rehearsal.seed + 1, state, console)
    except LocalCloudError as error:
        console.print(f"\n{error}", style="red", markup=False)
        raise typer.Exit(1) from None
    report.show_trips(console, rehearsal, outcome)
    report.show_api(console, api)
    report.show_receipts(console, finished, receipts)
    report.show_enforced(console, enforced)
    report.show_evidence(console)
    wrong = differences(rehearsal, outcome)
    wrong += drive_api.differences(api)
    wrong += receipts_outcome.differences(finished, receipts)
    wrong += enforced.differences
    for line in wrong:
        console.print(f"WRONG: {line}", style="red", markup=False)
    if wrong:
        raise typer.Exit(1)
    console.print("All figures match.", style="green")


@contextmanager
def _phases(console: Console) -> Iterator[_Phases]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Phases(console, progress, progress.add_task(""))


def _rehearse(
    rehearsal: Rehearsal, finished: FinishedTrips, state: Path, console: Console
) -> tuple[Outcome, drive_api.ApiOutcome, ReceiptsOutcome]:
    with _phases(console) as phases:
        phases.tell("starting the local cloud")
        with LocalCloud(state=state, time_scale=_TIME_SCALE) as cloud:
            phases.end("start the local cloud")
            outputs = _deploy(cloud, "sample_app.app", phases)
            outcome = _drive(cloud, outputs, rehearsal, phases)
            phases.tell(f"sending {drive_api.REQUESTS} requests, releasing another version")
            with drive.administrator(cloud) as admin:
                api = drive_api.rehearse(cloud, outputs, rehearsal, admin)
            phases.end(f"{drive_api.REQUESTS} requests, a release")
            receipts = drive_receipts.rehearse(cloud, outputs, finished, phases.tell)
            phases.end("receipts, retry, fail, fix, redrive")
        phases.end("stop and delete everything")
    return outcome, api, receipts


def _rehearse_enforced(seed: int, state: Path, console: Console) -> report.Enforced:
    rehearsal = make_rehearsal(seed, completed=20, duplicated=5, flaky=2)
    finished = make_finished_trips(seed, trips=10, impossible=1, flaky=1)
    with _phases(console) as phases:
        phases.tell("starting the local cloud, IAM enforced")
        with LocalCloud(state=state, time_scale=_TIME_SCALE, enforce_iam=True) as cloud:
            phases.end("start the local cloud")
            outputs = _deploy(cloud, "sample_app.demo.enforced_app", phases)
            outcome = _drive(cloud, outputs, rehearsal, phases)
            refusals = drive.invoke(cloud, outputs["UninvitedName"], {})
            doors = drive_api.knock(cloud, outputs)
            phases.end("try to get in uninvited")
            receipts = drive_receipts.rehearse(cloud, outputs, finished, phases.tell)
            phases.end("receipts, fail, fix, redrive")
        phases.end("stop and delete everything")
    return report.Enforced(rehearsal, outcome, refusals, doors, finished, receipts)


def _deploy(cloud: LocalCloud, app: str, phases: _Phases) -> drive.Outputs:
    phases.tell("cdk deploy")
    outputs = drive.outputs_of(cloud.deploy(app=shlex.join([sys.executable, "-m", app]), cwd=_PROJECT))
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
