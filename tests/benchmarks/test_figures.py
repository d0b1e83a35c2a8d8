"""What the table and the exit code of `bench database` say."""

import io

import pytest
from rich.console import Console

from benchmarks.database.figures import Figure, Gap, Line, exit_code, most_common, percentile, table

FINE = Line("fine", "goes well", Figure(10), Figure(10, failed=1))
MISSING = Line("missing", "needs a pool", Gap("there is no pool"), Gap("there is no pool"))


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([FINE], 0),
        ([FINE, MISSING], 3),
        ([FINE, MISSING, Line("failed", "", Figure(10, failed=1), Figure(10, failed=1))], 1),
        ([Line("lost", "", Figure(10, lost=1), Figure(10, failed=1))], 1),
        ([Line("doubled", "", Figure(10, doubled=1), Figure(10, failed=1))], 1),
        ([Line("shows nothing", "", Figure(10), Figure(10))], 1),
        ([Line("did nothing", "", Figure(0), Figure(10, failed=1))], 1),
    ],
)
def test_the_exit_code_shows_a_broken_promise_and_a_missing_row(lines: list[Line], code: int) -> None:
    assert exit_code(lines) == code


def test_the_table_shows_what_was_not_measured_and_why() -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(table([FINE, MISSING]))
    shown = console.export_text()
    assert shown.count("not measured: there is no pool") == 2
    assert "fine: goes well" in shown


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert (percentile(values, 50), percentile(values, 99), percentile([7.0], 99)) == (50, 99, 7)


def test_the_most_common_error_is_shown_by_its_reason() -> None:
    full = 'OperationalError: connection to server at "127.0.0.1" failed: FATAL: sorry, too many clients'
    assert most_common([full, "Other: x", full]) == "2 x OperationalError: sorry, too many clients"
    assert most_common([]) == ""
