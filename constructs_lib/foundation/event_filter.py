"""Patterns that events are filtered by: a wrong one loses events without a word, or fails at deployment.

What does not match is not kept anywhere: Lambda deletes such a message of a queue, and EventBridge goes on to the next
event. So a pattern is checked for what can match nothing.
Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from aws_cdk import Stack
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError

_OR = "$or"
"""Takes a list of patterns, where every other key takes a list of values."""


def check(name: str, pattern: object, *, source: str) -> None:
    """Refuse a pattern that is not made of keys and lists of values.

    Args:
        name: The argument, as the user wrote it.
        pattern: What was given.
        source: The page that says how patterns are written.

    Raises:
        InvalidPropsError: A part of it can match nothing, or is refused at deployment.
    """
    if not isinstance(pattern, Mapping):
        raise InvalidPropsError(
            f'{name} must be a mapping, such as {{"type": ["new"]}}, got {_validation.shown(pattern)}. See {source}'
        )
    if not pattern:
        raise InvalidPropsError(
            f"{name} must have at least one key, what it asks for, got {{}}. See {source}"
        )
    for key, value in pattern.items():
        part = f"{name}[{key!r}]"
        if key == _OR and isinstance(value, list | tuple) and value:
            for number, each in enumerate(value):
                check(f"{part}[{number}]", each, source=source)
        elif isinstance(value, Mapping):
            check(part, value, source=source)
        elif not _is_later(value):
            _check_values(part, value, source=source)


def _check_values(name: str, values: object, *, source: str) -> None:
    if not isinstance(values, list | tuple) or not values:
        raise InvalidPropsError(
            f"{name} must be a list with at least one value, such as ['new'], got {_validation.shown(values)}: "
            f"nothing else matches. See {source}"
        )
    for value in values:
        if not _has_finite_numbers(value):
            raise InvalidPropsError(
                f"{name} must have finite numbers, got {_validation.shown(value)}: JSON has no others. See {source}"
            )
        if value is not None and not isinstance(value, str | int | float | Mapping) and not _is_later(value):
            raise InvalidPropsError(
                f"{name} must have text, numbers, True, False, None or matchers such as {{'prefix': 'a'}} as values, "
                f"got {_validation.shown(value)}. See {source}"
            )
        if isinstance(value, Mapping):
            _check_matcher(name, value, source=source)


_COMPARISONS: Final = ("=", "<", "<=", ">", ">=")
_OF_TEXT: Final = ("prefix", "suffix", "equals-ignore-case", "wildcard", "cidr")
_MATCHERS: Final = (*_OF_TEXT, "anything-but", "numeric", "exists")
_WITHIN_ANYTHING_BUT: Final = ("prefix", "suffix", "equals-ignore-case", "wildcard")


def _check_matcher(name: str, matcher: Mapping[str, object], *, source: str) -> None:
    """Refuse a matcher that AWS does not know, which fails at deployment or matches nothing.

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
    """
    if any(_is_later(part) or _validation.is_unresolved(part) for part in matcher):
        return
    if len(matcher) != 1 or next(iter(matcher)) not in _MATCHERS:
        near = get_close_matches(str(next(iter(matcher), "")).lower().replace("_", "-"), _MATCHERS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise InvalidPropsError(
            f"{name} must have matchers with one of {', '.join(_MATCHERS)}, got {_validation.shown(matcher)}.{hint} "
            f"See {source}"
        )
    (kind, value), *_ = matcher.items()
    if _is_later(value) or _validation.has_unresolved(value):
        return
    fits, words = {
        "numeric": (_is_numeric, "a comparison, such as ['>=', 0, '<', 100]"),
        "exists": (lambda given: isinstance(given, bool), "True or False"),
        "anything-but": (_is_excluded, "a text, a number, a list of them, or a matcher of texts"),
    }.get(kind, (_is_text, "a text"))
    if not fits(value):
        raise InvalidPropsError(
            f"{kind} in {name} must be {words}, got {_validation.shown(value)}. See {source}"
        )


def _is_text(value: object) -> bool:
    """Whether this is a text, also in the form `{'equals-ignore-case': 'a'}` that a prefix can have."""
    return isinstance(value, str) or (
        isinstance(value, Mapping)
        and set(value) == {"equals-ignore-case"}
        and isinstance(value["equals-ignore-case"], str)
    )


def _is_numeric(value: object) -> bool:
    if not isinstance(value, list | tuple) or len(value) not in (2, 4):
        return False
    signs, numbers = value[::2], value[1::2]
    return (
        all(sign in _COMPARISONS for sign in signs)
        and all(isinstance(number, int | float) and not isinstance(number, bool) for number in numbers)
        and (len(value) == 2 or {sign[:1] for sign in signs} == {"<", ">"})
    )


def _is_excluded(value: object) -> bool:
    if isinstance(value, Mapping):
        return len(value) == 1 and all(
            kind in _WITHIN_ANYTHING_BUT and all(isinstance(text, str) for text in _several(texts))
            for kind, texts in value.items()
        )
    return bool(_several(value)) and all(isinstance(value, str | int | float) for value in _several(value))


def _several(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _has_finite_numbers(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(_has_finite_numbers(part) for part in value.values())
    if isinstance(value, list | tuple):
        return all(_has_finite_numbers(part) for part in value)
    return not isinstance(value, float) or math.isfinite(value) or _validation.is_unresolved(value)


def _is_later(value: object) -> bool:
    """Whether it is one of CDK's objects that become a value at synth."""
    return hasattr(value, "resolve")


# --- filters of event source mappings --------------------------------------------------------------------


def of_mapping(
    scope: Construct, filters: Sequence[Mapping[str, object]], *, keys: Iterable[str], source: str
) -> list[dict[str, str]]:
    """Check the filters of a queue or a stream, and write them as Lambda takes them.

    Args:
        scope: Where the construct is going to be.
        filters: The argument `filters`.
        keys: The first keys that a record has.
        source: The page that describes the filters of this source.

    Returns:
        The argument `filters` of an event source mapping.

    Raises:
        InvalidPropsError: Lambda would refuse one, or discard every record because of it.
    """
    if isinstance(filters, str | Mapping) or not isinstance(filters, Sequence):
        raise InvalidPropsError(
            f"filters must be a list of patterns, got {_validation.shown(filters)}: put it into a list. "
            f"See {source}"
        )
    if len(filters) > _defaults.FILTERS_MAX:
        raise InvalidPropsError(
            f"filters must be at most {_defaults.FILTERS_MAX}, got {len(filters)}: merge some into one "
            f"pattern. See {source}"
        )
    known = tuple(keys)
    return [
        {"pattern": _of_mapping(scope, f"filters[{n}]", pattern, known, source)}
        for n, pattern in enumerate(filters)
    ]


def looks_beside_the_body(filters: Sequence[Mapping[str, object]]) -> bool:
    """Whether a filter of a queue asks for more than the body, which is all that AWS's page promises.

    Args:
        filters: Filters that `of_queue` has accepted.

    Returns:
        True if one has another key of the record.
    """
    return any(_first_keys(pattern) - {"body"} for pattern in filters)


def _of_mapping(
    scope: Construct, name: str, pattern: Mapping[str, object], keys: tuple[str, ...], source: str
) -> str:
    if isinstance(pattern, Mapping) and set(pattern) == {"pattern"} and isinstance(pattern["pattern"], str):
        raise InvalidPropsError(
            f"{name} must be the pattern itself, not what FilterCriteria.filter(...) makes of it: pass its argument. "
            f"See {source}"
        )
    check(name, pattern, source=source)
    for key in _first_keys(pattern):
        _validation.check_choice(f"each key of {name}", key, keys, source=source)
    if _validation.has_unresolved(pattern):
        return Stack.of(scope).to_json_string(pattern)
    try:
        text = json.dumps(pattern, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidPropsError(f"{name} must be JSON: {error}. See {source}") from None
    if len(text) > _defaults.FILTER_CHARACTERS_MAX:
        raise InvalidPropsError(
            f"{name} must be at most {_defaults.FILTER_CHARACTERS_MAX:,} characters, got {len(text):,}: split it, or "
            f"look in the handler. See {source}"
        )
    return text


def _first_keys(pattern: Mapping[str, object]) -> set[str]:
    """The keys of the record that a pattern asks for, below an outer `$or` too."""
    keys = set(pattern) - {_OR}
    alternatives: Any = pattern.get(_OR, ())
    return keys.union(*(_first_keys(each) for each in alternatives))
