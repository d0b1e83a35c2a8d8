"""`python3 dev.py bench cold-start`: what the imports of each sample function cost, packaged by us and plainly."""

import sys
from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.cold_start import measure, packages, secret_readers

_MISTAKEN: Final = 2
GOAL: Final = 0.4
"""The most that an import of what is packaged may take of what it takes with plain packaging. The standard library and
the SDK of Lambda's runtime take the same with both, and can take more than all that is packaged."""


@dataclass(frozen=True)
class Row:
    """What was found out about one function.

    Attributes:
        modules: How many it imports from its package.
        ratio: CPU time of the import, ours to plain.
        packaged: The same of what is in the package and not the function's own code.
        shares: Where the time of ours goes, by the names in `measure.PARTS`.
    """

    modules: int
    ratio: float
    packaged: float
    shares: dict[str, float]


def main(
    function: Annotated[
        list[str] | None, typer.Option(help="Measure this function alone; may be repeated.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often to import each.")] = 9,
    sdk_source: Annotated[
        bool, typer.Option("--sdk-source", help="Assume that the SDK of Lambda's runtime has no bytecode.")
    ] = False,
    secrets: Annotated[
        bool, typer.Option("--secrets", help="Measure the ways to read a secret instead of the functions.")
    ] = False,
) -> None:
    """Import each sample function in fresh processes, packaged with bytecode and plainly, in turn.

    Ends with 1 if what is packaged takes more than 0.4 of what it takes with plain packaging.
    """
    console = Console(highlight=False, width=120 if not sys.stdout.isatty() else None)
    chosen = function or list(packages.NAMES)
    if unknown := sorted(set(chosen) - set(packages.NAMES)):
        console.print(
            f"Unknown function: {', '.join(unknown)}. Choose from {', '.join(packages.NAMES)}.", style="red"
        )
        raise typer.Exit(_MISTAKEN)
    python = packages.python()
    console.print(f"Python {python.version} ({python.path}), CPU time, medians of {rounds} rounds")
    if secrets:
        console.print(secret_readers.table(rounds))
        raise typer.Exit
    rows = {name: row(name, rounds, sdk_compiled=not sdk_source) for name in chosen}
    console.print(table(rows))
    if above := [name for name, found in rows.items() if found.ratio > GOAL]:
        console.print(f"With what is not packaged, more than {GOAL}: {', '.join(above)}.")
    missed = [name for name, found in rows.items() if found.packaged > GOAL]
    if missed:
        console.print(f"What is packaged takes more than {GOAL}: {', '.join(missed)}.", style="red")
    raise typer.Exit(1 if missed else 0)


def row(name: str, rounds: int, *, sdk_compiled: bool) -> Row:
    """Measure one function: ours and plain in turn, so that what else the machine does hits both."""
    python = packages.python()
    made, sdk = packages.package(name, python), packages.sdk(python, compiled=sdk_compiled)
    ours, plain = [], []
    parts: list[Counter[str]] = []
    packaged = []
    for _ in range(rounds):
        ours.append(measure.cpu(python, made.ours, sdk))
        plain.append(measure.cpu(python, made.plain, sdk))
        parts.append(measure.parts(python, made.ours, sdk))
        packaged.append(
            parts[-1][measure.PACKAGED] / measure.parts(python, made.plain, sdk)[measure.PACKAGED]
        )
    total = {part: median(found[part] for found in parts) for part in measure.PARTS}
    whole = sum(total.values())
    return Row(
        made.modules,
        median(ours) / median(plain),
        median(packaged),
        {part: spent / whole for part, spent in total.items()},
    )


def table(rows: dict[str, Row]) -> Table:
    """Put the figures side by side."""
    made = Table(title="Import of the handler, plain : ours, and where ours goes")
    made.add_column("function", no_wrap=True)
    for column in ("modules", "all", "what is packaged", *measure.PARTS):
        made.add_column(column, justify="right")
    for name, found in rows.items():
        parts = [f"{100 * found.shares[part]:.0f} %" for part in measure.PARTS]
        made.add_row(name, str(found.modules), f"1 : {found.ratio:.2f}", f"1 : {found.packaged:.2f}", *parts)
    return made


if __name__ == "__main__":
    typer.run(main)
