"""An invocation's log ends where the handler ends: MiniStack waits for a silence of the worker instead.

It waits 50 ms for a first line, so every handler that logs nothing takes at least that long, and an environment
serves no more than twenty requests a second. The worker says itself when it is done, so nothing has to be waited for.
"""

import queue
import time
from typing import Any

from ministack.core import lambda_runtime

from . import worker_script

_MARK = "\x1e"
_LAST = "        _real_stdout.flush()\n\nrun()"
_LAST_WITH_MARK = f"        sys.stderr.flush()\n        os.write(2, {(_MARK + chr(10)).encode()!r})\n{_LAST}"
_GIVE_UP = 60.0
"""Seconds; never reached unless a process that the handler has started keeps its standard error."""


def install() -> None:
    """Let the Python worker mark the end, and read up to the mark."""
    worker_script.replace(_LAST, _LAST_WITH_MARK)
    plain = lambda_runtime.Worker._drain_stderr_bounded

    def drain(worker: Any, *arguments: Any, **keywords: Any) -> str:
        if not str(worker.config.get("Runtime", "")).startswith("python"):
            return str(plain(worker, *arguments, **keywords))
        return "\n".join(_lines_to_mark(worker))

    lambda_runtime.Worker._drain_stderr_bounded = drain


def _lines_to_mark(worker: Any) -> list[str]:
    lines: list[str] = []
    give_up = time.monotonic() + _GIVE_UP
    while time.monotonic() < give_up:
        try:
            line = worker._stderr_queue.get(timeout=0.05)
        except queue.Empty:
            if not worker._stderr_thread.is_alive():  # the process has ended without a mark
                break
            continue
        if line.endswith(_MARK):
            # What the handler printed last may lack a line's end.
            return [*lines, line.removesuffix(_MARK)] if line != _MARK else lines
        lines.append(line)
    return lines
