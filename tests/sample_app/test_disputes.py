"""The demo's disputes: nothing less than what must come of them is good enough."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from sample_app.demo.drive_disputes import DISPUTES, IMPOSSIBLE, REFUND, DisputesOutcome, differences, names

RIGHT = DisputesOutcome(
    sent=DISPUTES + 1,
    waiting=DISPUTES,
    killed=1,
    statuses=Counter(SUCCEEDED=DISPUTES - 1, FAILED=1),
    opened=dict.fromkeys(names(), 1),
    settled={dispute_id: (1, REFUND) for dispute_id in names() if dispute_id != IMPOSSIBLE},
    dead=[(IMPOSSIBLE, "a refund of 40.00 for a fare of 10.00")],
    left=0,
    alarms=frozenset({"DurableExecutionFailed", "ApproximateNumberOfMessagesVisible"}),
)


def wrong() -> Iterator[DisputesOutcome]:
    """Every figure of the table off by one, each on its own."""
    yield replace(RIGHT, sent=DISPUTES)
    yield replace(RIGHT, waiting=DISPUTES + 1)  # the message that was sent twice has started two
    yield replace(RIGHT, killed=0)
    yield replace(RIGHT, statuses=RIGHT.statuses + Counter(RUNNING=1))
    yield replace(RIGHT, statuses=Counter(SUCCEEDED=DISPUTES, FAILED=1))
    yield replace(RIGHT, opened=RIGHT.opened | {names()[0]: 2})
    yield replace(RIGHT, settled=RIGHT.settled | {names()[0]: (2, REFUND)})
    yield replace(RIGHT, settled=RIGHT.settled | {names()[0]: (1, "40.00")})
    yield replace(RIGHT, settled=RIGHT.settled | {IMPOSSIBLE: (1, "40.00")})
    yield replace(RIGHT, dead=[])
    yield replace(RIGHT, dead=RIGHT.dead * 2)
    yield replace(RIGHT, dead=[(IMPOSSIBLE, "another error")])
    yield replace(RIGHT, left=1)
    yield replace(RIGHT, alarms=frozenset())
    yield replace(RIGHT, alarms=RIGHT.alarms | {"DurableExecutionTimedOut"})


def test_no_difference_where_all_is_right() -> None:
    assert differences(RIGHT) == []


def test_each_wrong_figure_is_a_difference() -> None:
    for outcome in wrong():
        assert len(differences(outcome)) == 1, outcome
