"""Import the function's modules as Lambda does: by their bare names, from the top of its folder.

Every function has a `handler`, so the names are lent to one test module at a time: they are there while it is
imported, and gone when the next one is.
"""

import sys
from collections.abc import Generator
from pathlib import Path

import pytest

FUNCTION = Path(__file__).parents[1]
SETTINGS = {
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "TRIPS_TABLE": "trips",
}


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Surround the import of each test module in this folder."""
    if not isinstance(collector, pytest.Module):
        return (yield)
    names = [path.stem for path in FUNCTION.glob("*.py")]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FUNCTION)
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        for name in names:
            patch.delitem(sys.modules, name, raising=False)
        try:
            return (yield)
        finally:
            for name in names:
                sys.modules.pop(name, None)
