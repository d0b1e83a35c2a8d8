"""Checks of arguments: pure, token-aware, one sentence each.

Every check raises `InvalidPropsError` with the argument, the limit, the value given and the way out. A value
that is known only at deployment (an unresolved token) passes: CloudFormation will judge it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from enum import Enum
from math import isinf
from typing import Protocol

from constructs_lib.errors import InvalidPropsError

_ENCODED_NUMBER_BELOW = -1e280
"""CDK encodes a number that is not known yet as a huge negative float."""


def is_unresolved(value: object) -> bool:
    """Whether CDK will know this value only at deployment.

    Args:
        value: A string or a number as a construct was given it.

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
    """Name a value of the wrong type for a message.

    Args:
        value: What was given.

    Returns:
        The path of a construct, or what Python shows of anything else; and the type.
    """
    path = getattr(getattr(value, "node", None), "path", None)
    return f"{repr(value) if path is None else path} ({type(value).__name__})"


def kind(name: str, value: object, attribute: str, words: str, *, required: bool = False) -> None:
    """Refuse what is not the part that is asked for: its name, its ARN, or the construct around it.

    Args:
        name: The argument, as the user wrote it.
        value: What was given.
        attribute: What such a part has, whoever made it.
        words: What it is.
        required: Whether None is something else too.

    Raises:
        InvalidPropsError: It is something else.
    """
    # What CDK's Python classes have is seen on the class; asking the object would cost a round trip to Node.
    known = hasattr(type(value), attribute) or (hasattr(value, attribute) and not isinstance(value, type))
    if known or (value is None and not required):
        return
    hint = " Pass its .alias." if attribute == "function_arn" and hasattr(value, "alias") else ""
    raise InvalidPropsError(f"{name} must be {words}, got {shown(value)}.{hint}")


def flag(name: str, value: object) -> None:
    """Refuse what is neither True nor False: any text would count as True.

    Args:
        name: The argument, as the user wrote it.
        value: What was given.

    Raises:
        InvalidPropsError: It is something else.
    """
    if not isinstance(value, bool):
        raise InvalidPropsError(f"{name} must be True or False, got {shown(value)}.")


def text(name: str, value: object) -> None:
    """Refuse what is not a text.

    Args:
        name: The argument, as the user wrote it.
        value: What was given.

    Raises:
        InvalidPropsError: It is something else.
    """
    if not isinstance(value, str):
        raise InvalidPropsError(f"{name} must be text, got {shown(value)}.")


def texts(name: str, values: object) -> None:
    """Refuse what is not a list of texts; one text alone would be taken letter by letter.

    Args:
        name: The argument, as the user wrote it.
        values: What was given.

    Raises:
        InvalidPropsError: It is something else.
    """
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise InvalidPropsError(f"{name} must be a list of texts, got {shown(values)}.")
    for value in values:
        if not isinstance(value, str) or not value:
            raise InvalidPropsError(f"{name} must be a list of texts, got {shown(value)} in it.")


def member(name: str, value: object, of: type[Enum], *, without: str = "") -> None:
    """Refuse what is not a member of an enumeration.

    Args:
        name: The argument, as the user wrote it.
        value: What was given; None passes.
        of: The enumeration.
        without: The name of a member that does not work here.

    Raises:
        InvalidPropsError: It is something else.
    """
    if value is None or (isinstance(value, of) and value.name != without):
        return
    other = f" other than {without}" if without else ""
    example = next(each.name for each in of if each.name != without)
    raise InvalidPropsError(
        f"{name} must be {_article(of.__name__)} {of.__name__}{other}, such as {of.__name__}.{example}, got "
        f"{shown(value)}."
    )


def _article(word: str) -> str:
    return "an" if word[0] in "AEIO" else "a"


def require_instance(name: str, value: object, kind: type, example: str) -> None:
    """Refuse what is not of a class.

    Args:
        name: The argument, as the user wrote it.
        value: What was given; None passes.
        kind: The class.
        example: How to write one.

    Raises:
        InvalidPropsError: It is something else.
    """
    if value is not None and not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise InvalidPropsError(
            f"{name} must be {article} {kind.__name__}, such as {example}, got {shown(value)}."
        )


def require_list(name: str, value: object, attribute: str, words: str) -> None:
    """Refuse what is not a list of parts, such as one part alone, or a text in place of a list of texts.

    Args:
        name: The argument, as the user wrote it.
        value: What was given.
        attribute: What each part has.
        words: What the parts are.

    Raises:
        InvalidPropsError: It is something else, or has something else in it.
    """
    if not isinstance(value, list | tuple):
        raise InvalidPropsError(f"{name} must be a list of {words}, got {shown(value)}.")
    for part in value:
        # A look at the class costs no call to the CDK.
        if not hasattr(type(part), attribute) and not hasattr(part, attribute):
            raise InvalidPropsError(f"{name} must be a list of {words}, got {shown(part)} in it.")


def in_range(name: str, value: float | None, low: float, high: float, *, unit: str = "", source: str) -> None:
    """Refuse a number outside `low`..`high`.

    Args:
        name: The argument, as the user wrote it.
        value: What was given; None and unresolved tokens pass.
        low: The smallest value that works.
        high: The largest value that works; infinity for no limit.
        unit: Of all three numbers, for the message.
        source: The page that gives the limit.

    Raises:
        InvalidPropsError: The value is outside the range, or is not a number.
    """
    if value is None or is_unresolved(value):
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidPropsError(f"{name} must be a number, got {value!r} ({type(value).__name__}).")
    if not low <= value <= high or isinf(value):  # an infinite number cannot be written as JSON
        span = f"at least {_number(low)}" if isinf(high) else f"{_number(low)} to {_number(high)}"
        raise InvalidPropsError(
            f"{name} must be {span}{f' {unit}' if unit else ''}, got {_number(value)}. See {source}"
        )


def _number(value: float) -> str:
    """With commas, and without the .0 of a whole one."""
    return f"{int(value):,}" if float(value).is_integer() else f"{value:,}"


class _Duration(Protocol):
    """As much of CDK's Duration as is asked here."""

    def to_milliseconds(self, *, integral: bool | None = None) -> float: ...


def seconds(name: str, duration: _Duration | None, default: float | None = None) -> float | None:
    """Read a duration as plain seconds.

    Args:
        name: The argument, as the user wrote it.
        duration: A CDK Duration.
        default: What None stands for.

    Returns:
        Seconds; None for a duration that is known only at deployment.

    Raises:
        InvalidPropsError: It is no Duration.
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
    return None if is_unresolved(milliseconds) else milliseconds / 1000


def duration_in_range(name: str, value: float | None, low: float, high: float, *, source: str) -> None:
    """Refuse a duration outside `low`..`high`, in words of hours and days.

    Args:
        name: The argument, as the user wrote it.
        value: Seconds; None passes.
        low: The fewest seconds that work.
        high: The most seconds that work.
        source: The page that gives the limit.

    Raises:
        InvalidPropsError: The duration is outside the range.
    """
    if value is not None and not low <= value <= high:
        raise InvalidPropsError(
            f"{name} must be {_in_words(low)} to {_in_words(high)}, got {_in_words(value)}. See {source}"
        )


def _in_words(duration: float) -> str:
    """In the largest unit that leaves no rest."""
    units = (("day", 86_400), ("hour", 3600), ("minute", 60))
    unit, length = next(
        ((unit, length) for unit, length in units if duration and duration % length == 0), ("second", 1)
    )
    count = duration / length
    return f"{_number(count)} {unit}{'' if count == 1 else 's'}"


def whole(name: str, value: float | None) -> None:
    """Refuse a fraction where AWS counts in whole numbers.

    Args:
        name: The argument, as the user wrote it.
        value: What was given; None and unresolved tokens pass.

    Raises:
        InvalidPropsError: The value has a fraction.
    """
    if value is None or is_unresolved(value) or not isinstance(value, float) or value.is_integer():
        return
    raise InvalidPropsError(f"{name} must be a whole number, got {value}.")


def not_together(reason: str, **arguments: object) -> None:
    """Refuse two or more arguments that exclude each other.

    Args:
        reason: Why, and what to do instead.
        **arguments: The arguments by name; None and False count as not given.

    Raises:
        InvalidPropsError: More than one was given.
    """
    given = [name for name, value in arguments.items() if value is not None and value is not False]
    if len(given) > 1:
        raise InvalidPropsError(f"{' and '.join(given)} cannot be combined: {reason}")


def not_beside(name: str, reason: str, **arguments: object) -> None:
    """Refuse arguments that another one makes meaningless.

    Args:
        name: The other one.
        reason: Why, and what to do instead.
        **arguments: The arguments by name; None counts as not given.

    Raises:
        InvalidPropsError: One or more were given.
    """
    given = [argument for argument, value in arguments.items() if value is not None]
    if given:
        raise InvalidPropsError(f"{' and '.join(given)} cannot be combined with {name}: {reason}")


def one_of(name: str, value: str, allowed: Iterable[str], *, source: str) -> None:
    """Refuse a word that is not on the list.

    Args:
        name: The argument, as the user wrote it.
        value: What was given; unresolved tokens pass.
        allowed: The words that work.
        source: The page that gives them.

    Raises:
        InvalidPropsError: The value is not allowed; the message names the nearest one that is.
    """
    words = list(allowed)
    if is_unresolved(value) or value in words:
        return
    known = {word.lower(): word for word in words}
    near = get_close_matches(value.lower(), known, n=1) if isinstance(value, str) else []
    hint = f" Did you mean {known[near[0]]!r}?" if near else ""
    raise InvalidPropsError(f"{name} must be one of {', '.join(words)}, got {value!r}.{hint} See {source}")


def matches(name: str, value: str, pattern: str, words: str, *, source: str) -> None:
    """Refuse a name that AWS or the database would refuse.

    Args:
        name: The argument, as the user wrote it.
        value: What was given; unresolved tokens pass.
        pattern: A regular expression for the whole of it.
        words: The same in words.
        source: The page that gives it.

    Raises:
        InvalidPropsError: The value does not match.
    """
    if not is_unresolved(value) and not re.fullmatch(pattern, str(value)):
        raise InvalidPropsError(f"{name} must be {words}, got {value!r}. See {source}")


def environment_fits(name: str, environment: Mapping[str, str] | None, limit: int, *, source: str) -> None:
    """Refuse an environment that Lambda would refuse for its size.

    Args:
        name: The argument, as the user wrote it.
        environment: Names and values; a value that is a token counts nothing, since its length is unknown.
        limit: Bytes of UTF-8, all names and values together.
        source: The page that gives the limit.

    Raises:
        InvalidPropsError: It is too large; the message names the largest variable.
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
