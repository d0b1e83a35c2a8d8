"""End with the process that started the emulator, however that one ends."""

import os
import shutil
import signal
import sys
import threading


def hold(*, run_folder: str) -> None:
    """Watch standard input, whose other end the parent holds: the kernel closes it even after a kill -9.

    Args:
        run_folder: Deleted when the parent is gone; nobody else is left to do it.
    """
    threading.Thread(target=_watch, args=(run_folder,), daemon=True, name="lifeline").start()


def _watch(run_folder: str) -> None:
    sys.stdin.buffer.read()
    own = os.getpid()
    for process in _group(os.getpgrp()):
        if process != own:
            os.kill(process, signal.SIGKILL)
    shutil.rmtree(run_folder, ignore_errors=True)
    os.kill(own, signal.SIGKILL)


def _group(group: int) -> list[int]:
    """Processes of our group: the workers that run functions."""
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():  # noqa: PTH112, PTH208
        try:
            if name.isdigit() and os.getpgid(int(name)) == group:
                found.append(int(name))
        except ProcessLookupError:
            continue
    return found
