"""The demo's downloads: nothing less than what must come of them is good enough."""

from dataclasses import replace

import pytest

from sample_app.demo.drive_downloads import RECEIPTS, STATUSES, DownloadsOutcome, differences

RIGHT = DownloadsOutcome(downloaded=RECEIPTS, statuses=dict(STATUSES))


def test_no_difference_where_all_is_right() -> None:
    assert differences(RIGHT) == []


@pytest.mark.parametrize("what", STATUSES)
def test_each_wrong_status_is_a_difference(what: str) -> None:
    (line,) = differences(replace(RIGHT, statuses={**STATUSES, what: 500}))
    assert line == f"{what} must be answered with {STATUSES[what]}, was with 500"


def test_a_receipt_that_came_otherwise_is_a_difference() -> None:
    assert len(differences(replace(RIGHT, downloaded=RECEIPTS - 1))) == 1
