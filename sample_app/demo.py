"""Deploy the sample app on this machine, send it 200 trips, and hold what came of them against what must.

Then once more under enforced IAM, where a function that was never connected to the database has to stay out.
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
from rich.table import Table

from constructs_lib.local import LocalCloud, LocalCloudError
from constructs_lib.local.evidence import EVIDENCE
from sample_app import drive, drive_api
from sample_app.outcome import FAILURES_OF_FLAKY, Outcome, differences
from sample_app.trips import Rehearsal, make_rehearsal

_PROJECT = Path(__file__).resolve().parent.parent
_STATE = _PROJECT / ".cache" / "local"
_TIME_SCALE = 480
"""A failed message is back after 0.4 seconds in place of three minutes: that is most of what the demo waits for."""
_DOORS = {
    "with execute-api:Invoke on the route": 200,
    "with it on another route": 403,
    "without a signature": 403,
}


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
    few = make_rehearsal(rehearsal.seed + 1, completed=20, duplicated=5, flaky=2)
    try:
        outcome, api = _rehearse(rehearsal, state, console)
        console.print("Once more, with IAM enforced")
        enforced, refusals, doors = _rehearse_enforced(few, state, console)
    except LocalCloudError as error:
        console.print(f"\n{error}", style="red", markup=False)
        raise typer.Exit(1) from None
    _show(rehearsal, outcome, console)
    _show_api(api, console)
    _show_enforced(few, enforced, refusals, doors, console)
    _show_evidence(console)
    wrong = differences(rehearsal, outcome)
    wrong += drive_api.differences(api)
    wrong += [f"under enforced IAM: {line}" for line in differences(few, enforced)]
    wrong += [
        f"the uninvited function could {way}: {came_of_it}"
        for way, came_of_it in refusals.items()
        if not is_refused(came_of_it)
    ]
    wrong += [
        f"a caller {who} must get {_DOORS[who]}, got {status}"
        for who, status in doors.items()
        if status != _DOORS[who]
    ]
    for line in wrong:
        console.print(f"WRONG: {line}", style="red", markup=False)
    if wrong:
        raise typer.Exit(1)
    console.print("Every figure is as it must be.", style="green")


def is_refused(came_of_it: str) -> bool:
    """Whether the uninvited function was kept out for what it lacks, and not for another reason.

    Args:
        came_of_it: What it says of one way in.

    Returns:
        True for a login that IAM refused, and a secret that IAM refused.
    """
    return came_of_it.startswith("refused") and any(
        reason in came_of_it for reason in ("IAM authentication failed", "AccessDenied")
    )


@contextmanager
def _phases(console: Console) -> Iterator[_Phases]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Phases(console, progress, progress.add_task(""))


def _rehearse(rehearsal: Rehearsal, state: Path, console: Console) -> tuple[Outcome, drive_api.ApiOutcome]:
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
        phases.end("stop and delete everything")
    return outcome, api


def _rehearse_enforced(
    rehearsal: Rehearsal, state: Path, console: Console
) -> tuple[Outcome, dict[str, str], dict[str, int]]:
    with _phases(console) as phases:
        phases.tell("starting the local cloud, IAM enforced")
        with LocalCloud(state=state, time_scale=_TIME_SCALE, enforce_iam=True) as cloud:
            phases.end("start the local cloud")
            outputs = _deploy(cloud, "sample_app.enforced_app", phases)
            outcome = _drive(cloud, outputs, rehearsal, phases)
            refusals = drive.invoke(cloud, outputs["UninvitedName"], {})
            doors = drive_api.knock(cloud, outputs)
            phases.end("try to get in uninvited")
        phases.end("stop and delete everything")
    return outcome, refusals, doors


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
        cut = drive.wait(cloud, outputs, phases.tell, len(rehearsal.stored) // 3, admin)
        phases.end("handle, cut connections, retry, dead-letter")
        phases.tell("reading back")
        outcome = drive.read_back(cloud, outputs, rehearsal, cut, admin)
        phases.end("read back, ask for the earnings")
    return outcome


def _show(rehearsal: Rehearsal, outcome: Outcome, console: Console) -> None:
    sent, stored, dead = len(rehearsal.messages), len(outcome.stored), len(outcome.receives)
    retried = sum(1 for attempts in outcome.attempts.values() if attempts > FAILURES_OF_FLAKY)
    right = sum(1 for key, earned in outcome.earnings.items() if outcome.fares.get(key) == earned)
    figures = _figures("Completed trips, in PostgreSQL behind the proxy")
    for what, is_, must in (
        ("messages sent", sent, sent),
        ("trips stored, each once", stored, len(rehearsal.stored)),
        ("duplicates dropped", sent - stored - dead - outcome.left, len(rehearsal.duplicated)),
        ("trips that failed twice and were retried", retried, len(rehearsal.flaky)),
        ("messages in the dead-letter queue", dead, len(rehearsal.poison)),
        ("messages left in the queue", outcome.left, 0),
        ("drivers' earnings that are the sum of their trips", right, len(outcome.fares)),
    ):
        figures.add_row(what, str(is_), str(must), style=None if is_ == must else "red")
    figures.add_row("connections cut in the middle of it", str(outcome.cut), "1 or more")
    console.print(figures)

    poison = Table(title="In the dead-letter queue", title_justify="left")
    for heading in ("trip", "poison", "received"):
        poison.add_column(heading, justify="right" if heading == "received" else "left")
    for trip_id, count in sorted(outcome.receives):
        kind = rehearsal.poison.get(trip_id)
        poison.add_row(trip_id, kind.value if kind else "(should not be here)", f"{count} times")
    console.print(poison)


def _show_api(outcome: drive_api.ApiOutcome, console: Console) -> None:
    figures = _figures(f"The API, {drive_api.REQUESTS} requests, {drive_api.AT_ONCE} at a time")
    for status in sorted(outcome.statuses | outcome.wanted):
        is_, must = outcome.statuses[status], outcome.wanted[status]
        figures.add_row(f"answers with {status}", str(is_), str(must), style=None if is_ == must else "red")
    figures.add_row("errors that are no problem documents", str(outcome.problems), "0")
    figures.add_row("accepted trips that are stored", str(outcome.stored), str(outcome.wanted[202]))
    said = "yes" if outcome.correlated else "no"
    figures.add_row("the caller's id is in the log of who stored its trip", said, "yes")
    total = sum(outcome.before.values())
    figures.add_row(
        "changed handler, alias stays: calls to the stable version", str(outcome.before["stable"]), str(total)
    )
    low, high = drive_api.EXPECTED.start, drive_api.EXPECTED.stop - 1
    figures.add_row(
        f"weight of {drive_api.WEIGHT:.0%}: of {drive_api.CALLS_IN_RELEASE} calls to the changed version",
        str(outcome.during["changed"]),
        f"{low} to {high}",
    )
    console.print(figures)


def _show_enforced(
    rehearsal: Rehearsal,
    outcome: Outcome,
    refusals: dict[str, str],
    doors: dict[str, int],
    console: Console,
) -> None:
    figures = _figures("With IAM enforced")
    stored, must = len(outcome.stored), len(rehearsal.stored)
    figures.add_row("trips stored by the connected function", str(stored), str(must))
    for way, came_of_it in refusals.items():
        said = "refused" if is_refused(came_of_it) else came_of_it
        figures.add_row(f"a function that was never connected: {way}", said, "refused")
    for who, status in doors.items():
        figures.add_row(f"a caller of the API {who}", str(status), str(_DOORS[who]))
    console.print(figures)


def _show_evidence(console: Console) -> None:
    evidence = Table(title="Who vouches for it", title_justify="left")
    evidence.add_column("what happened here")
    evidence.add_column("is the doing of")
    for entry in EVIDENCE:
        evidence.add_row(entry.behaviour, entry.voucher.value)
    console.print(evidence)


def _figures(title: str) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in ("what", "is", "must be"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    return table


if __name__ == "__main__":
    typer.run(main)
