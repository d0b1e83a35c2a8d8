"""End with the process that started the emulator, however that one ends."""

import os
import subprocess
import sys
import threading

from . import sweep


def install(*, run_folder: str) -> None:
    """Watch standard input, whose other end the parent holds: the kernel closes it even after a kill -9.

    Args:
        run_folder: Deleted when the parent is gone; nobody else is left to do it.
    """
    threading.Thread(target=_watch, args=(run_folder,), daemon=True, name="lifeline").start()


def _watch(run_folder: str) -> None:
    # Not sys.stdin: its lock would stop the interpreter from ending while this thread reads.
    while os.read(0, 1024):
        pass
    # Somebody outside of the group has to do it: the emulator would start new workers while it ends the old.
    subprocess.Popen(
        [sys.executable, "-I", "-S", sweep.__file__, str(os.getpgrp()), run_folder],
        cwd="/",
        env={name: value for name, value in os.environ.items() if run_folder not in value},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
