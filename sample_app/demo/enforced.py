"""The sample app once more under enforced IAM, with fewer trips, and with somebody who must stay out.

What a role may not do is refused, so that what works is what the templates permit. It is a process of its own, since it
waits as often as the rest of the demo, beside which it runs. Usage: `python -m sample_app.demo.enforced SEED STATE`.
"""

import sys
from pathlib import Path

from rich.console import Console

from constructs_lib.local import LocalCloud, LocalCloudError
from sample_app.demo import drive, drive_api, drive_downloads, drive_receipts, drive_zones, report
from sample_app.demo.finished_trips import make_finished_trips
from sample_app.demo.phases import phases
from sample_app.demo.positions import make_positions
from sample_app.demo.trips import make_rehearsal

_APP = ["sample_app.demo.demo_app", "trips", "receipts", "zones", "uninvited"]


def main(seed: int, state: Path, console: Console) -> int:
    """Deploy, drive, and print what came of it.

    Args:
        seed: Of the trips and positions.
        state: Where the emulator is installed and kept.
        console: Where to print.

    Returns:
        The exit code: 1 if something is not as it must be.
    """
    try:
        seen = _rehearse(seed, state, console)
    except LocalCloudError as error:
        console.print(f"\n{error}", style="red", markup=False)
        return 1
    report.show_enforced(console, seen)
    for line in seen.differences:
        console.print(f"WRONG: {line}", style="red", markup=False)
    return 1 if seen.differences else 0


def _rehearse(seed: int, state: Path, console: Console) -> report.Enforced:
    rehearsal = make_rehearsal(seed, completed=20, duplicated=5, flaky=2)
    finished = make_finished_trips(seed, trips=10, impossible=1, flaky=1)
    positions = make_positions(seed)
    with phases(console) as going_on:
        with LocalCloud(state=state, time_scale=drive.TIME_SCALE, enforce_iam=True) as cloud:
            going_on.end("start the local cloud")
            outputs = drive.deploy(cloud, _APP, going_on)
            outcome = drive.rehearse(cloud, outputs, rehearsal, going_on)
            refusals = drive.invoke(cloud, outputs["UninvitedName"], {})
            doors = drive_api.knock(cloud, outputs)
            going_on.end("try to get in uninvited")
            receipts = drive_receipts.rehearse(cloud, outputs, finished, going_on.tell)
            going_on.end("receipts, fail, fix, redrive")
            downloads = drive_downloads.knock(cloud, outputs)
            going_on.end("try to download uninvited")
            zones = drive_zones.rehearse(cloud, outputs, positions, going_on.tell)
            going_on.end("positions, fail, fix, redrive")
        going_on.end("stop and delete everything")
    return report.Enforced(
        rehearsal, outcome, refusals, doors, finished, receipts, downloads, positions, zones
    )


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Path(sys.argv[2]), Console(highlight=False, width=100)))
