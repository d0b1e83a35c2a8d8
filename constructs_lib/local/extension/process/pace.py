"""How slow this machine is at the moment, and how much time has passed at the pace of the reference machine.

What a run proves must not depend on the machine. A function's timeout and duration, and the age of an event and of a
message, are meant for AWS's machines: where everything takes four times as long, four seconds count as one.
Twice a second, a piece of work is timed that takes ten milliseconds on the reference machine, an idle core of a current
server. It takes longer on a slower processor, and on one that has more to do than it can.
"""

import threading
import time
from bisect import bisect_right
from typing import Final

_LOOPS: Final = 200_000
_REFERENCE_SECONDS: Final = 0.01
_EVERY_SECONDS: Final = 0.5
_RECENT: Final = 20
"""Measurements that count for the present: ten seconds of them, on the reference machine."""


class Pace:
    """A record of measurements. Times are those of `time.time()`.

    Args:
        began: When it begins.
    """

    def __init__(self, began: float) -> None:
        self._when = [began]
        self._passed = [0.0]
        self._slowness = [1.0]
        self._lock = threading.Lock()

    def note(self, now: float, took: float) -> None:
        """Note one measurement: it counts for the time since the one before.

        Args:
            now: When it ended.
            took: How many seconds the piece of work took.
        """
        slowness = max(1.0, took / _REFERENCE_SECONDS)
        with self._lock:
            self._slowness.append(slowness)
            self._passed.append(self._passed[-1] + max(0.0, now - self._when[-1]) / slowness)
            self._when.append(now)

    @property
    def slowness(self) -> float:
        """How many times slower than the reference machine this one was of late, at its slowest; 1 at least."""
        return max(self._slowness[-_RECENT:])

    def since(self, then: float, now: float) -> float:
        """Count the seconds that a reference machine would have counted.

        Args:
            then: From when on.
            now: Until when. While a measurement is late, no time passes.

        Returns:
            As many seconds as on a clock, or fewer.
        """
        with self._lock:
            return self._read(now) - self._read(then)

    def _read(self, when: float) -> float:
        after = bisect_right(self._when, when)
        if after == 0:
            return when - self._when[0]
        last = after - 1
        seconds = when - self._when[last]
        if after == len(self._when):
            return self._passed[last] + min(seconds, 2 * _EVERY_SECONDS) / self._slowness[last]
        return self._passed[last] + seconds / self._slowness[after]


_pace: Final = Pace(time.time())


def install() -> None:
    """Measure once, and then again and again."""
    _measure()
    threading.Thread(target=_measure_again_and_again, daemon=True, name="pace").start()


def slowness() -> float:
    """How many times slower than the reference machine this one was of late, at its slowest; 1 at least."""
    return _pace.slowness


def since(then: float) -> float:
    """How many seconds have passed since a moment, at the pace of the reference machine.

    Args:
        then: The moment, of `time.time()`.
    """
    return _pace.since(then, time.time())


def _measure_again_and_again() -> None:
    while True:
        time.sleep(_EVERY_SECONDS)
        _measure()


def _measure() -> None:
    began = time.perf_counter()
    total = 0
    for number in range(_LOOPS):
        total += number
    _pace.note(time.time(), time.perf_counter() - began)
