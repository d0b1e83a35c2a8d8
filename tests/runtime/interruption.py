"""What a deadline does that somebody has set: it raises, out of a signal handler, wherever the main thread is."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class DeadlineError(Exception):
    """The deadline of somebody who uses the runtime."""


@contextlib.contextmanager
def interrupted_at(moment: threading.Event, error: BaseException) -> Iterator[None]:
    """Raise an error in the main thread when the moment has come.

    Args:
        moment: Set by whoever sees that the main thread waits.
        error: What the signal handler raises.
    """

    def ring(number: int, frame: FrameType | None) -> None:
        raise error

    over = threading.Event()

    def wait() -> None:
        moment.wait()
        if not over.is_set():
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, ring)
    thread = threading.Thread(target=wait)
    thread.start()
    try:
        yield
    finally:
        over.set()
        moment.set()
        thread.join()
        signal.signal(signal.SIGUSR1, before)
