"""Whether a schedule says a time that EventBridge Scheduler and Application Auto Scaling take."""

import re
from datetime import datetime
from typing import Final

from constructs_lib import _validation
from constructs_lib.errors import InvalidPropsError

_MONTHS: Final = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS: Final = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_FIELDS: Final = (
    ("minutes", 0, 59, ()),
    ("hours", 0, 23, ()),
    ("day-of-month", 1, 31, ("LW",)),
    ("month", 1, 12, _MONTHS),
    ("day-of-week", 1, 7, _DAYS),
    ("year", 1970, 2199, ()),
)
_RATE: Final = re.compile(r"rate\(([1-9]\d*) (minute|hour|day)s?\)")


def check(name: str, expression: str, *, source: str) -> None:
    """Refuse an expression that the service would refuse, or read in another way than it was meant.

    Args:
        name: The argument, as the user wrote it.
        expression: `cron(...)`, `rate(...)` or `at(...)`; unresolved tokens pass.
        source: The page that gives the rules.

    Raises:
        InvalidPropsError: It is something else, or a field of it is out of range.
    """
    if _validation.is_unresolved(expression):
        return
    wrong = _what_is_wrong(expression)
    if wrong is not None:
        raise InvalidPropsError(f"{name} must {wrong}, got {expression!r}. See {source}")


def _what_is_wrong(expression: str) -> str | None:
    """What an expression must have, as the end of a sentence; None if it has that."""
    if not (expression.startswith("cron(") and expression.endswith(")")):
        right = _RATE.fullmatch(expression) or _is_at(expression)
        return None if right else "be cron(...) of six fields, rate(5 minutes) or at(2030-01-31T06:00:00)"
    fields = expression.removeprefix("cron(").removesuffix(")").split()
    if len(fields) != len(_FIELDS):
        return "have six fields: minutes hours day-of-month month day-of-week year"
    for text, (name, low, high, words) in zip(fields, _FIELDS, strict=True):
        numbers = [int(number) for number in re.findall(r"(?<![#/\d])\d+", text)]
        found = re.findall(r"[A-Z]{2,}", text.upper())
        named = [word for word in found if word not in words and word.removesuffix("L") not in words]
        if named or any(not low <= number <= high for number in numbers):
            return f"have {name} of {low} to {high}, not {text!r}"
    minutes, hours, day_of_month, _, day_of_week, _ = fields
    if (day_of_month == "?") == (day_of_week == "?"):
        return "have a ? for day-of-month or for day-of-week, and for one of them alone"
    if minutes == "*" and hours != "*":
        return "have its minutes, 0-59 for all of them: CDK's cron() means each minute of these hours without minute="
    return None


def _is_at(expression: str) -> bool:
    when = re.fullmatch(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)", expression)
    try:
        return when is not None and bool(datetime.fromisoformat(when[1]))
    except ValueError:
        return False
