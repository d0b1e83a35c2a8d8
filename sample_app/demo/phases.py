"""What goes on, as a line that changes, and how long each phase took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class Phases:
    """The phases of one run."""

    def __init__(self, console: Console, progress: Progress, task: TaskID) -> None:
        """Use `phases(console)`."""
        self._console = console
        self._progress = progress
        self._task = task
        self._since = time.monotonic()

    def tell(self, text: str) -> None:
        """Show what goes on.

        Args:
            text: In a few words.
        """
        self._progress.update(self._task, description=text)

    def end(self, name: str) -> None:
        """Print how long it took since the last phase ended.

        Args:
            name: Of the phase that ends.
        """
        now = time.monotonic()
        self._console.print(f"  {name}: {now - self._since:.1f} s")
        self._since = now


@contextmanager
def phases(console: Console) -> Iterator[Phases]:
    """Show the phases of a run while it lasts.

    Args:
        console: Where.

    Yields:
        The phases.
    """
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield Phases(console, progress, progress.add_task(""))
