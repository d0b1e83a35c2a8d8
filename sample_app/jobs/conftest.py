"""What the tests of jobs share: the modules of a job by their bare names, as in its container, and its settings."""

from collections.abc import Generator
from pathlib import Path

import pytest

SETTINGS = {
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "FARES_TABLE": "fares",
    "SETTLEMENTS_TABLE": "settlements",
}


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Lend the folder of a job to its test module while that is imported."""
    if not isinstance(collector, pytest.Module):
        return (yield)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(collector.path).parents[1])
        return (yield)


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the task definition sets, and an account that does not exist."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
