"""`python3 dev.py bench database`: measure every row with its safeguard and without, and print the table."""

import resource
import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.database.debian import CACHE
from benchmarks.database.figures import (
    NOT_AS_PROMISED,
    NOT_MEASURED,
    Figure,
    Gap,
    Line,
    NotMeasuredError,
    exit_code,
    table,
)
from benchmarks.database.rows import ROWS, Row
from benchmarks.database.workshop import Workshop
from constructs_lib.local.extension.postgres.server import PostgresError

_MISTAKEN = 2


def main(
    row: Annotated[list[str] | None, typer.Option(help="Measure this row alone; may be repeated.")] = None,
    small: Annotated[bool, typer.Option("--small", help="The sizes that the tests use.")] = False,
    cache: Annotated[Path, typer.Option(help="Where downloaded packages are kept.")] = CACHE,
) -> None:
    """Overrun, kill, rotate and restart a real database, with the runtime's safeguards and without.

    Ends with 0 if every row is as promised (nothing failed, lost or doubled with the safeguard, something without),
    1 if one is not, 3 if one could not be measured.
    """
    console = Console(highlight=False, width=140 if not sys.stdout.isatty() else None)
    names = [one.name for one in ROWS]
    unknown = sorted(set(row or []) - set(names))
    if unknown:
        console.print(f"There is no row {', '.join(unknown)}; there are {', '.join(names)}.", style="red")
        raise typer.Exit(_MISTAKEN)
    _allow_many_files()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # not without cleaning up
    lines = []
    for one in ROWS:
        if not row or one.name in row:
            started = time.monotonic()
            lines.append(_measure(one, small, cache))
            console.print(f"  {one.name}: {time.monotonic() - started:.1f} s")
    console.print(table(lines))
    code = exit_code(lines)
    verdict = {
        NOT_AS_PROMISED: ("Not every row is as promised.", "red"),
        NOT_MEASURED: ("Every row that was measured is as promised; some were not measured.", "yellow"),
    }
    text, style = verdict.get(code, ("Every row is as promised.", "green"))
    console.print(text, style=style)
    raise typer.Exit(code)


def _measure(row: Row, small: bool, cache: Path) -> Line:
    """Measure one row, on servers of its own."""
    measure = row.small if small else row.large
    try:
        with Workshop(cache) as shop:
            guarded: Figure | Gap = measure(shop, True)
            unguarded: Figure | Gap = measure(shop, False)
    except (NotMeasuredError, PostgresError) as error:
        guarded = unguarded = Gap(str(error))
    return Line(row.name, row.promise, guarded, unguarded)


def _allow_many_files() -> None:
    """A thousand clients need a thousand files on either side."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192 if hard == resource.RLIM_INFINITY else min(8192, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    typer.run(main)
