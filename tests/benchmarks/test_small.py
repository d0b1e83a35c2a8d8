"""The rows of `bench database` that are about correctness, at small sizes: both columns."""

from collections.abc import Iterator

import pytest

from benchmarks.database.debian import CACHE, MissingProgramError
from benchmarks.database.rows import ROWS, Row
from benchmarks.database.workshop import Workshop

# Not: what is slow at any size (overrun), what is a figure (import), what MariaDB shows again (mysql-rotation).
SMALL = (
    "statements",
    "kills",
    "doubts",
    "rotation",
    "alternation",
    "restart",
    "crash",
    "wire",
    "token",
    "mysql-kills",
    "mysql-crash",
)


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    with Workshop(CACHE) as shop:
        yield shop


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS if row.name in SMALL])
def test_nothing_goes_wrong_with_the_safeguard_and_something_without(row: Row, workshop: Workshop) -> None:
    try:
        guarded, unguarded = row.small(workshop, True), row.small(workshop, False)
    except MissingProgramError as error:
        pytest.skip(f"{row.name}: {error}")
    assert guarded.count > 0
    assert (guarded.failed, guarded.lost, guarded.doubled) == (0, 0, 0), guarded
    assert unguarded.harm > 0, unguarded


def test_every_small_row_exists() -> None:
    assert set(SMALL) <= {row.name for row in ROWS}
