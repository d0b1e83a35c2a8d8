"""Counting the calls from Python to Node, which are what makes a synth slow."""

from collections.abc import Callable
from typing import Any

import jsii
import pytest


class RoundTrips:
    """Counts calls to Node. Generated code calls the functions of `jsii`, which are bound to the kernel at import."""

    METHODS = ("create", "invoke", "ainvoke", "sinvoke", "get", "set", "sget", "sset", "delete")

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        for method in self.METHODS:
            monkeypatch.setattr(jsii, method, self._counted(getattr(jsii, method)))

    def _counted(self, plain: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.count += 1
            return plain(*args, **kwargs)

        return counted
