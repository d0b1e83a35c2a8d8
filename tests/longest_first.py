"""Runs the files that took longest first, where several processes share the files.

pytest-xdist begins with the file that has most tests. A test of a cloud takes minutes and its file has few tests: such
files came last, and one process waited for the other.
"""

from collections import defaultdict
from typing import Final

import pytest

_CACHED: Final = "constructs-lib/seconds-by-file"
_A_CLOUD: Final = 60.0
"""How long a file with a cloud takes, before anybody has measured it. A test without one takes a tenth of a second."""

_seconds: Final[defaultdict[str, float]] = defaultdict(float)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort the files, and leave the order within each."""
    measured = _remembered(config)
    guessed: defaultdict[str, float] = defaultdict(float)
    for item in items:
        guessed[_file(item.nodeid)] += _A_CLOUD if item.get_closest_marker("cloud") else 0.1
    items.sort(key=lambda item: -measured.get(_file(item.nodeid), guessed[_file(item.nodeid)]))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up what a file takes."""
    _seconds[_file(report.nodeid)] += report.duration


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remember it, where whole files were run and by the process that hears of all of them."""
    config = session.config
    parts = (
        config.option.keyword or config.option.markexpr or any("::" in argument for argument in config.args)
    )
    if not parts and not hasattr(config, "workerinput") and config.pluginmanager.hasplugin("cacheprovider"):
        config.cache.set(_CACHED, {**_remembered(config), **_seconds})


def _remembered(config: pytest.Config) -> dict[str, float]:
    if not config.pluginmanager.hasplugin("cacheprovider"):
        return {}
    found: dict[str, float] = config.cache.get(_CACHED, {})
    return found


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]
