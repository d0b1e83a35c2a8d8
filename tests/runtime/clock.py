"""Time that a test moves."""

import time
from dataclasses import dataclass


@dataclass
class Clock:
    """Stands for the module `time` where the runtime waits, and for Lambda's own clock: sleeping moves it."""

    now: float = 1000.0
    costs: float = 0.0
    """How far each look at it moves it, for work that takes time."""

    def monotonic(self) -> float:
        self.now += self.costs
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    @staticmethod
    def time() -> float:
        return time.time()


@dataclass
class Invocation:
    """Lambda's context of an invocation that began now.

    `asked_costs` lets that many milliseconds pass each time it is asked, where no clock is given.
    """

    seconds: float
    clock: Clock | None = None
    asked_costs: int = 0

    def __post_init__(self) -> None:
        self._began = self.clock.now if self.clock else 0.0
        self._asked = 0

    def get_remaining_time_in_millis(self) -> int:
        passed = self.clock.now - self._began if self.clock else self._asked * self.asked_costs / 1000
        self._asked += 1
        return max(0, int((self.seconds - passed) * 1000))
