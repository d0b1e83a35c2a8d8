"""What was measured, as figures, as a table, and as an exit code."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.table import Table

ALL_AS_PROMISED: Final = 0
NOT_AS_PROMISED: Final = 1
NOT_MEASURED: Final = 3


class NotMeasuredError(Exception):
    """A row could not be measured, or not as it says; the message says why."""


@dataclass(frozen=True)
class Figure:
    """One row of the table: one thing that was done, with its safeguard or without.

    Attributes:
        count: How many were done.
        failed: How many of them failed.
        lost: How many were reported done, or had to be done in the end, and left no effect.
        doubled: How many took effect more than once.
        milliseconds: How long each took.
        note: What else is worth knowing.
    """

    count: int
    failed: int = 0
    lost: int = 0
    doubled: int = 0
    milliseconds: Sequence[float] = field(default=(), repr=False)
    note: str = ""

    @property
    def harm(self) -> int:
        """Everything that went wrong."""
        return self.failed + self.lost + self.doubled


@dataclass(frozen=True)
class Gap:
    """A row that could not be measured.

    Attributes:
        reason: Why.
    """

    reason: str


@dataclass(frozen=True)
class Line:
    """A row's two figures.

    Attributes:
        row: Its name.
        promise: What it shows.
        guarded: With the safeguard.
        unguarded: Without.
    """

    row: str
    promise: str
    guarded: Figure | Gap
    unguarded: Figure | Gap

    @property
    def is_measured(self) -> bool:
        """Whether there are figures."""
        return isinstance(self.guarded, Figure) and isinstance(self.unguarded, Figure)

    @property
    def is_as_promised(self) -> bool:
        """Whether the safeguard makes a difference: nothing fails with it, and something fails without it."""
        return (
            isinstance(self.guarded, Figure)
            and isinstance(self.unguarded, Figure)
            and self.guarded.count > 0
            and self.guarded.harm == 0
            and self.unguarded.harm > 0
        )


def exit_code(lines: Sequence[Line]) -> int:
    """What the command ends with.

    Args:
        lines: Of all rows.

    Returns:
        0 if every row is as promised, 1 if one is not, 3 if one was not measured.
    """
    if any(line.is_measured and not line.is_as_promised for line in lines):
        return NOT_AS_PROMISED
    return ALL_AS_PROMISED if all(line.is_measured for line in lines) else NOT_MEASURED


def table(lines: Sequence[Line]) -> Table:
    """The figures for people.

    Args:
        lines: Of all rows.
    """
    made = Table(title="A real database, with the runtime's safeguards and without", title_justify="left")
    made.add_column("what", overflow="fold")
    made.add_column("safeguard")
    for heading in ("count", "failed", "lost", "doubled", "p50 ms", "p99 ms"):
        made.add_column(heading, justify="right", no_wrap=True)
    made.add_column("beside", overflow="fold")
    for line in lines:
        for safeguard, figure in (("with", line.guarded), ("without", line.unguarded)):
            name = f"{line.row}: {line.promise}" if safeguard == "with" else ""
            made.add_row(
                name,
                safeguard,
                *_cells(figure),
                style=None if line.is_as_promised else "yellow" if not line.is_measured else "red",
                end_section=safeguard == "without",
            )
    return made


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that this share of all values does not exceed.

    Args:
        values: At least one.
        percent: 0 to 100.
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def most_common(errors: Sequence[str]) -> str:
    """The error that came most often, shortened to fit.

    Args:
        errors: As they came.
    """
    if not errors:
        return ""
    (text, times), *_ = Counter(errors).most_common(1)
    kind, _, message = text.partition(": ")
    # libpq says where it connected to first; why it could not comes last.
    return f"{times} x {kind}: {message.rpartition('FATAL: ')[2].strip()[:80]}"


def _cells(figure: Figure | Gap) -> list[str]:
    if isinstance(figure, Gap):
        return ["-"] * 6 + [f"not measured: {figure.reason}"]
    times = figure.milliseconds
    # Three digits are enough, from microseconds to seconds.
    shown = (
        [f"{float(f'{percentile(times, percent):.3g}'):,g}" for percent in (50, 99)] if times else ["-", "-"]
    )
    counts = [f"{count:,}" for count in (figure.count, figure.failed, figure.lost, figure.doubled)]
    return [*counts, *shown, figure.note]
