"""The checks of arguments: pure functions that each say one sentence, and let tokens pass.

A `check_...` returns nothing. It raises `InvalidPropsError` with the argument, the limit, the value that was passed and
the way out. `read_seconds` checks a Duration in the same way and returns its seconds. `is_unresolved` and
`has_unresolved` answer a question and raise nothing.

A value that is known only at deployment (an unresolved token) passes every check: CloudFormation checks it then.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from enum import Enum
from math import inf, isinf
from typing import Final, Literal, Protocol

from constructs_lib.errors import InvalidPropsError

_ENCODED_NUMBER_BELOW = -1e280
"""CDK encodes a number that is not known yet as a huge negative float."""


def is_unresolved(value: object) -> bool:
    """Whether CDK will know this value only at deployment.

    Args:
        value: A string or a number, as the user passed it.

    Returns:
        True for CDK's encoded tokens: `${Token[...]}`, `#{Token[...]}` in a list, and its huge negative numbers.
    """
    if isinstance(value, str):
        return "${Token[" in value or "#{Token[" in value
    return isinstance(value, int | float) and value < _ENCODED_NUMBER_BELOW


def has_unresolved(value: object) -> bool:
    """Whether CDK will know a part of this value only at deployment.

    Args:
        value: Mappings, lists and plain values.

    Returns:
        True if a key or a value is unresolved, or is an object that CDK resolves at synth.
    """
    if isinstance(value, Mapping):
        return any(has_unresolved(part) for item in value.items() for part in item)
    if isinstance(value, list | tuple):
        return any(has_unresolved(part) for part in value)
    return hasattr(value, "resolve") or is_unresolved(value)


def shown(value: object) -> str:
    """Describe a value of the wrong type for an error message.

    Args:
        value: What the user passed.

    Returns:
        The path of a construct, or the `repr` of anything else, and then the type in parentheses.
    """
    path = getattr(getattr(value, "node", None), "path", None)
    return f"{repr(value) if path is None else path} ({type(value).__name__})"


# --- types ---------------------------------------------------------------------------------------------


def check_part(name: str, value: object, attribute: str, words: str, *, required: bool = False) -> None:
    """Refuse anything but the kind of part that is needed, such as its name, its ARN, or a construct around it.

    Args:
        name: The argument, as the user wrote it.
        value: What the user passed.
        attribute: An attribute that all parts of this kind have, whether created or imported.
        words: The kind of part, with its article.
        required: Whether None is refused too.

    Raises:
        InvalidPropsError: `value` has no such attribute.
    """
    if (value is None and not required) or _has(value, attribute):
        return
    hint = " Pass its .alias." if attribute == "function_arn" and hasattr(value, "alias") else ""
    raise InvalidPropsError(f"{name} must be {words}, got {shown(value)}.{hint}")


def check_parts(name: str, values: object, attribute: str, words: str) -> None:
    """Refuse anything but a list of parts of one kind, such as one part alone.

    Args:
        name: The argument, as the user wrote it.
        values: What the user passed.
        attribute: An attribute that all parts of this kind have.
        words: The kind of part, in the plural.

    Raises:
        InvalidPropsError: `values` is not a list or tuple, or something in it has no such attribute.
    """
    if not isinstance(values, list | tuple):
        raise InvalidPropsError(f"{name} must be a list of {words}, got {shown(values)}.")
    for value in values:
        if not _has(value, attribute):
            raise InvalidPropsError(f"{name} must be a list of {words}, got {shown(value)} in it.")


def _has(value: object, attribute: str) -> bool:
    # What CDK's Python classes have is seen on the class; asking the object would cost a round trip to Node.
    return hasattr(type(value), attribute) or (hasattr(value, attribute) and not isinstance(value, type))


def check_type(name: str, value: object, class_: type, example: str) -> None:
    """Refuse anything but an instance of a class.

    Args:
        name: The argument, as the user wrote it.
        value: What the user passed; None passes.
        class_: The class.
        example: How to write an instance.

    Raises:
        InvalidPropsError: `value` is not an instance of the class.
    """
    if value is not None and not isinstance(value, class_):
        raise InvalidPropsError(
            f"{name} must be {_with_article(class_.__name__)}, such as {example}, got {shown(value)}."
        )


def check_member(name: str, value: object, enum: type[Enum], *, without: str = "") -> None:
    """Refuse anything but a member of an enumeration.

    Args:
        name: The argument, as the user wrote it.
        value: What the user passed; None passes.
        enum: The enumeration.
        without: The name of a member that does not work here.

    Raises:
        InvalidPropsError: `value` is not a member, or is the one that does not work.
    """
    if value is None or (isinstance(value, enum) and value.name != without):
        return
    other = f" other than {without}" if without else ""
    example = next(each.name for each in enum if each.name != without)
    raise InvalidPropsError(
        f"{name} must be {_with_article(enum.__name__)}{other}, such as {enum.__name__}.{example}, got {shown(value)}."
    )


def _with_article(word: str) -> str:
    return f"{'an' if word[0] in 'AEIO' else 'a'} {word}"


def check_flag(name: str, value: object) -> None:
    """Refuse anything but True and False: every text would count as True.

    Args:
        name: The argument, as the user wrote it.
        value: What the user passed.

    Raises:
        InvalidPropsError: `value` is neither True nor False.
    """
    if not isinstance(value, bool):
        raise InvalidPropsError(f"{name} must be True or False, got {shown(value)}.")


# --- texts ---------------------------------------------------------------------------------------------


def check_text(name: str, value: object) -> None:
    """Refuse anything but a text.

    Args:
        name: The argument, as the user wrote it.
        value: What the user passed.

    Raises:
        InvalidPropsError: `value` is not a `str`.
    """
    if not isinstance(value, str):
        raise InvalidPropsError(f"{name} must be text, got {shown(value)}.")


def check_texts(name: str, values: object) -> None:
    """Refuse anything but a list of texts; one text alone would be read letter by letter.

    Args:
        name: The argument, as the user wrote it.
        values: What the user passed.

    Raises:
        InvalidPropsError: `values` is not a list, or something in it is not a text or is empty.
    """
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise InvalidPropsError(f"{name} must be a list of texts, got {shown(values)}.")
    for value in values:
        if not isinstance(value, str) or not value:
            raise InvalidPropsError(f"{name} must be a list of texts, got {shown(value)} in it.")


def check_choice(name: str, value: str, choices: Iterable[str], *, source: str) -> None:
    """Refuse a word that is not on a list.

    Args:
        name: The argument, as the user wrote it.
        value: What the user passed.
        choices: The words that work.
        source: The page that lists them.

    Raises:
        InvalidPropsError: `value` is not on the list; the message names the nearest word that is.
    """
    words = list(choices)
    if is_unresolved(value) or value in words:
        return
    known = {word.lower(): word for word in words}
    near = get_close_matches(value.lower(), known, n=1) if isinstance(value, str) else []
    hint = f" Did you mean {known[near[0]]!r}?" if near else ""
    raise InvalidPropsError(f"{name} must be one of {', '.join(words)}, got {value!r}.{hint} See {source}")


def check_pattern(name: str, value: object, pattern: str, words: str, *, source: str) -> None:
    """Refuse a text that AWS or the database would refuse for its characters or its length.

    Args:
        name: The argument, as the user wrote it.
        value: What the user passed.
        pattern: A regular expression for the whole text.
        words: The same in words.
        source: The page that gives the rule.

    Raises:
        InvalidPropsError: `value` is not a text, or does not match.
    """
    check_text(name, value)
    if not is_unresolved(value) and not re.fullmatch(pattern, str(value)):
        raise InvalidPropsError(f"{name} must be {words}, got {value!r}. See {source}")


def check_environment_size(
    name: str, environment: Mapping[str, str] | None, limit: int, *, source: str
) -> None:
    """Refuse an environment that Lambda would refuse for its size.

    Args:
        name: The argument, as the user wrote it.
        environment: The variables and their values. A value that is a token counts as empty: its length is unknown.
        limit: The most bytes of UTF-8, all names and values together.
        source: The page that gives the limit.

    Raises:
        InvalidPropsError: A value is not a text, or all are too large; the message names the largest variable.
    """
    for key, value in (environment or {}).items():
        if not isinstance(value, str):
            raise InvalidPropsError(
                f"{name} must have text as values, got {value!r} ({type(value).__name__}) for {key}."
            )
    sizes = {
        key: len(key.encode()) + (0 if is_unresolved(value) else len(value.encode()))
        for key, value in (environment or {}).items()
    }
    total = sum(sizes.values())
    if total > limit:
        largest = max(sizes, key=sizes.__getitem__)
        raise InvalidPropsError(
            f"{name} must be at most {limit:,} bytes in all, got {total:,} ({largest} alone is "
            f"{sizes[largest]:,}). Put large values into SSM Parameter Store, Secrets Manager or the "
            f"package. See {source}"
        )


# --- numbers -------------------------------------------------------------------------------------------


def check_range(
    name: str,
    value: float | None,
    low: float,
    high: float,
    *,
    unit: str = "",
    whole: bool = False,
    source: str,
) -> None:
    """Refuse a number below `low` or above `high`, or with a fraction where AWS counts in whole numbers.

    Args:
        name: The argument, as the user wrote it.
        value: What the user passed; None passes.
        low: The smallest value that works.
        high: The largest value that works; infinity for no limit.
        unit: The unit of all three numbers, for the message.
        whole: Whether a fraction is refused.
        source: The page that gives the limits.

    Raises:
        InvalidPropsError: `value` is not a number, is out of range, or has a fraction.
    """
    if value is None or is_unresolved(value):
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidPropsError(f"{name} must be a number, got {value!r} ({type(value).__name__}).")
    unit = f" {unit}" if unit else ""
    if not low <= value <= high or isinf(value):  # an infinite number cannot be written as JSON
        span = f"at least {_number(low)}" if isinf(high) else f"{_number(low)} to {_number(high)}"
        raise InvalidPropsError(f"{name} must be {span}{unit}, got {_number(value)}. See {source}")
    if whole and not float(value).is_integer():
        of_unit = f" of{unit}" if unit else ""
        raise InvalidPropsError(f"{name} must be a whole number{of_unit}, got {_number(value)}. See {source}")


def _number(value: float) -> str:
    """Write a number with commas, and a whole one without `.0`."""
    return f"{int(value):,}" if float(value).is_integer() else f"{value:,}"


# --- durations -----------------------------------------------------------------------------------------


class _Duration(Protocol):
    """The part of CDK's Duration that `read_seconds` needs."""

    def to_milliseconds(self, *, integral: bool | None = None) -> float: ...


_Unit = Literal["milliseconds", "seconds", "minutes", "hours", "days"]

_SECONDS_IN: Final[Mapping[str, float]] = {
    "milliseconds": 0.001,
    "seconds": 1,
    "minutes": 60,
    "hours": 3600,
    "days": 86_400,
}


def read_seconds(
    name: str,
    duration: _Duration | None,
    default: float | None = None,
    *,
    low: float = 0,
    high: float = inf,
    whole: _Unit | None = None,
    source: str = "",
) -> float | None:
    """Read a Duration as seconds, and refuse one that AWS would refuse.

    Args:
        name: The argument, as the user wrote it.
        duration: What the user passed.
        default: What to return if that is None.
        low: The fewest seconds that work.
        high: The most seconds that work; infinity for no limit.
        whole: The unit that AWS counts in, if a fraction of it is refused.
        source: The page that gives the limits; empty for a limit of this library.

    Returns:
        The seconds; None for a Duration that is known only at deployment.

    Raises:
        InvalidPropsError: `duration` is not a Duration, is out of range, or has a fraction.
    """
    if duration is None:
        return default
    if not hasattr(duration, "to_milliseconds"):
        raise InvalidPropsError(
            f"{name} must be a Duration, such as Duration.seconds(30), got {duration!r} "
            f"({type(duration).__name__})."
        )
    try:
        milliseconds = duration.to_milliseconds(integral=False)
    except RuntimeError:  # what CDK throws for a token in another unit becomes this in Python
        return None
    if is_unresolved(milliseconds):
        return None
    seconds = milliseconds / 1000
    check_seconds(name, seconds, low, high, whole=whole, source=source)
    return seconds


class _TokenDuration(Protocol):
    """The part of CDK's Duration that `read_token` needs."""

    def unit_label(self) -> str: ...

    def to_seconds(self) -> float: ...

    def to_milliseconds(self) -> float: ...


def read_token(name: str, duration: _TokenDuration, unit: Literal["seconds", "millis"]) -> float:
    """Read a Duration that is known only at deployment, for an alarm: CDK cannot convert the unit of a token.

    Args:
        name: The argument, as the user wrote it.
        duration: What the user passed.
        unit: The unit of the alarm's metric, as `Duration` names it.

    Returns:
        A token.

    Raises:
        InvalidPropsError: The Duration has another unit.
    """
    if duration.unit_label() != unit:
        raise InvalidPropsError(
            f"{name} that is known only at deployment must be Duration.{unit}(...), got "
            f"Duration.{duration.unit_label()}(...): that is the unit of the alarm, and a token cannot be converted."
        )
    return duration.to_seconds() if unit == "seconds" else duration.to_milliseconds()


def check_seconds(
    name: str,
    seconds: float | None,
    low: float,
    high: float,
    *,
    whole: _Unit | None = "seconds",
    source: str = "",
) -> None:
    """Refuse a length of time that AWS would refuse.

    Args:
        name: The argument, as the user wrote it.
        seconds: The length of time; None passes.
        low: The fewest seconds that work.
        high: The most seconds that work; infinity for no limit.
        whole: The unit that AWS counts in; None: a fraction passes.
        source: The page that gives the limits; empty for a limit of this library.

    Raises:
        InvalidPropsError: The length of time is out of range, or has a fraction.
    """
    if seconds is None:
        return
    see = f" See {source}" if source else ""
    if not low <= seconds <= high:
        span = f"at least {in_words(low)}" if isinf(high) else f"{in_words(low)} to {in_words(high)}"
        raise InvalidPropsError(f"{name} must be {span}, got {in_words(seconds)}.{see}")
    if whole is not None:
        count = round(seconds / _SECONDS_IN[whole], 6)  # 0.05 s are not exactly 50 ms
        if not count.is_integer():
            raise InvalidPropsError(f"{name} must be a whole number of {whole}, got {_number(count)}.{see}")


def in_words(seconds: float) -> str:
    """Write a length of time in the largest unit that leaves no remainder, seconds at the least.

    Args:
        seconds: The length of time.

    Returns:
        Such as `14 days`.
    """
    unit = next(
        (unit for unit in ("days", "hours", "minutes") if seconds and seconds % _SECONDS_IN[unit] == 0),
        "seconds",
    )
    count = seconds / _SECONDS_IN[unit]
    return f"{_number(count)} {unit.removesuffix('s') if count == 1 else unit}"


# --- arguments that exclude each other -----------------------------------------------------------------


def check_at_most_one(reason: str, **arguments: object) -> None:
    """Refuse two or more arguments that exclude each other.

    Args:
        reason: Why they do, and what to do instead.
        **arguments: The arguments by name; None and False count as not passed.

    Raises:
        InvalidPropsError: More than one was passed.
    """
    passed = [name for name, value in arguments.items() if value is not None and value is not False]
    if len(passed) > 1:
        raise InvalidPropsError(f"{' and '.join(passed)} cannot be combined: {reason}")


def check_not_with(other: str, reason: str, **arguments: object) -> None:
    """Refuse arguments that another argument makes meaningless.

    Args:
        other: The other argument, which the user passed.
        reason: Why it does, and what to do instead.
        **arguments: The arguments by name; None counts as not passed, False as passed.

    Raises:
        InvalidPropsError: One or more were passed.
    """
    passed = [name for name, value in arguments.items() if value is not None]
    if passed:
        raise InvalidPropsError(f"{' and '.join(passed)} cannot be combined with {other}: {reason}")
