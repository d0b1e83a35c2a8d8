"""Processes of a benchmark that end with the benchmark, also where it is killed and cannot end them itself."""

import multiprocessing
import os
import threading


def end_with_parent() -> None:
    """End this process when the one that started it ends."""
    threading.Thread(target=_wait_and_end, daemon=True).start()


def _wait_and_end() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
