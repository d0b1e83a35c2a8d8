"""A program that runs beside this one, as a process of its own; what it prints is shown when it has ended."""

import signal
import subprocess
import tempfile
from types import TracebackType
from typing import IO, Final, Self


class Beside:
    """A context manager. What still runs at its end is interrupted, and waited for: it cleans up, as after Ctrl-C.

    Args:
        command: The program and its arguments.
    """

    def __init__(self, command: list[str]) -> None:
        self._command: Final = command
        # Not a pipe: nobody reads it meanwhile.
        self._printed: Final[IO[str]] = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Start nothing yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing behind."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()
        self._printed.close()

    def start(self) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=self._printed, stderr=subprocess.STDOUT, text=True
        )

    def result(self) -> tuple[int, str]:
        """Wait for it.

        Returns:
            Its exit code, and what it printed.

        Raises:
            RuntimeError: It was never started.
        """
        if self._process is None:
            raise RuntimeError("start it first.")
        code = self._process.wait()
        self._printed.seek(0)
        return code, self._printed.read()
