"""A queue that delivers at least once, as SQS does: a message that is not deleted in time comes again."""

import heapq
import itertools
import threading
import time
from collections import Counter
from typing import Final


class MessageQueue:
    """Messages, each known by its key; may be used by several threads.

    Args:
        visibility_seconds: After it a message that was received and not deleted is visible again.
    """

    def __init__(self, visibility_seconds: float) -> None:
        self._visibility_seconds: Final = visibility_seconds
        self._lock = threading.Lock()
        self._ids = itertools.count()
        self._visible_at: list[tuple[float, int]] = []
        self._keys: dict[int, str] = {}
        self._receiver: dict[int, str] = {}
        self._receives: Counter[str] = Counter()

    def send(self, keys: list[str]) -> None:
        """Add messages; a key that is sent twice is a duplicate.

        Args:
            keys: One for each message.
        """
        with self._lock:
            for key in keys:
                message = next(self._ids)
                self._keys[message] = key
                heapq.heappush(self._visible_at, (0.0, message))

    def receive(self, most: int, receiver: str) -> list[tuple[int, str]]:
        """Take messages out of sight.

        Args:
            most: How many at most.
            receiver: Who takes them.

        Returns:
            Receipt and key of each.
        """
        now = time.monotonic()
        with self._lock:
            taken: list[tuple[int, str]] = []
            while len(taken) < most and self._visible_at and self._visible_at[0][0] <= now:
                _, message = heapq.heappop(self._visible_at)
                if message not in self._keys:
                    continue
                heapq.heappush(self._visible_at, (now + self._visibility_seconds, message))
                self._receiver[message] = receiver
                self._receives[receiver] += 1
                taken.append((message, self._keys[message]))
            return taken

    def delete(self, receipts: list[int]) -> None:
        """Delete messages that are done.

        Args:
            receipts: As they were received.
        """
        with self._lock:
            for receipt in receipts:
                self._keys.pop(receipt, None)
                self._receiver.pop(receipt, None)

    def left(self) -> int:
        """Messages that are not deleted."""
        with self._lock:
            return len(self._keys)

    def in_flight(self, receiver: str) -> int:
        """Messages that are not deleted, and were received last by this receiver.

        Args:
            receiver: Who took them.
        """
        with self._lock:
            return sum(last == receiver for last in self._receiver.values())

    def receives(self, receiver: str | None = None) -> int:
        """How often messages were received.

        Args:
            receiver: By whom; None: all together.
        """
        with self._lock:
            return self._receives.total() if receiver is None else self._receives[receiver]
