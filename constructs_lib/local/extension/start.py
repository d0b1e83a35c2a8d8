"""Start the pinned emulator with everything that the extension adds."""

import os
import sys
from importlib.metadata import version

PINNED = "1.5.33"


def main() -> None:
    """Check the release, apply the changes, tie the process to its parent, and serve."""
    found = version("ministack")
    if found != PINNED:
        sys.exit(f"the extension is written for ministack {PINNED}, this is {found}")

    from . import alarms, concurrency, control, crashes, lifeline, visibility

    lifeline.hold(run_folder=os.environ["CONSTRUCTS_LIB_RUN_FOLDER"])
    alarms.accept_metric_math()
    concurrency.keep_reserved_concurrency()
    visibility.shorten(factor=float(os.environ["CONSTRUCTS_LIB_TIME_SCALE"]))
    crashes.keep_tracebacks()
    control.add()

    sys.argv = ["ministack"]
    from ministack.app import main as serve

    serve()
