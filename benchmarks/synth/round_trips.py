"""Counting the calls from Python to Node, which are what makes a synth slow."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import jsii

_METHODS: Final = ("create", "invoke", "ainvoke", "sinvoke", "get", "set", "sget", "sset", "delete")
"""Generated code calls these functions of `jsii`, which are bound to the kernel at import."""
_TOP: Final = f"{Path(__file__).parents[2]}/"
_INSTALLED: Final = "/site-packages/"


class RoundTrips:
    """Counts calls to Node by the line of this project that has caused them."""

    by_line: Counter[str]

    def __init__(self) -> None:
        self.by_line = Counter()

    @property
    def count(self) -> int:
        """How many there were."""
        return self.by_line.total()

    @contextmanager
    def counted(self) -> Iterator["RoundTrips"]:
        """Count while the block runs."""
        plain = {method: getattr(jsii, method) for method in _METHODS}
        for method, call in plain.items():
            setattr(jsii, method, self._counting(method, call))
        try:
            yield self
        finally:
            for method, call in plain.items():
                setattr(jsii, method, call)

    def _counting(self, method: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*args: Any, **kwargs: Any) -> Any:
            self.by_line[f"{_line_of_ours()} {method}"] += 1
            return call(*args, **kwargs)

        return counting


def _line_of_ours() -> str:
    """Find the innermost line that is not in an installed package."""
    frame = sys._getframe(2)
    while frame.f_back is not None and (
        _INSTALLED in frame.f_code.co_filename or not frame.f_code.co_filename.startswith(_TOP)
    ):
        frame = frame.f_back
    return f"{frame.f_code.co_filename.removeprefix(_TOP)}:{frame.f_lineno}"
