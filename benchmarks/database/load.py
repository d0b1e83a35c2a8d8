"""Handlers that are invoked all the time, each in a thread of its own, and what came of it."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass
class Load:
    """What came of the invocations; filled by several threads.

    Attributes:
        done: Keys of the messages whose invocation succeeded.
        errors: The error of each that failed.
        milliseconds: How long each took, failed ones too.
    """

    done: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)

    def invoke(self, handler: Callable[[str], object], key: str) -> bool:
        """Invoke a handler once, and note what came of it.

        Args:
            handler: What is invoked.
            key: Of the message.

        Returns:
            Whether it succeeded.
        """
        started = time.perf_counter()
        try:
            handler(key)
        except Exception as error:
            self.errors.append(f"{type(error).__name__}: {' '.join(str(error).split())}")
            succeeded = False
        else:
            self.done.append(key)
            succeeded = True
        self.milliseconds.append((time.perf_counter() - started) * 1000)
        return succeeded

    def add(self, other: "Load") -> None:
        """Take in what came of other invocations.

        Args:
            other: Of another process.
        """
        self.done += other.done
        self.errors += other.errors
        self.milliseconds += other.milliseconds


def in_threads(count: int, action: Callable[[int], None]) -> list[threading.Thread]:
    """Start an action in so many threads.

    Args:
        count: How many.
        action: What each does, given its number; it may not raise.

    Returns:
        The threads, to be joined.
    """
    threads = [threading.Thread(target=action, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    return threads


def lost_and_doubled(stored: Counter[str], done: Sequence[str]) -> tuple[int, int]:
    """Hold what is in the table against what must be there.

    Args:
        stored: How often each message is in the table.
        done: The messages that were reported done.

    Returns:
        How many of them are not there, and how many messages are there more than once.
    """
    return len(set(done) - set(stored)), sum(times > 1 for times in stored.values())
