"""Whether a rule of EventBridge could match an event of which a part is known.

A text that is not known is `ANYTHING`, the wildcard of texts, alone or within a text: the field is there, and each
matcher of a text may match. A field of which not even that is known is `UNKNOWN`: it may be missing, a number or an
object, and every matcher may match.
"""

from collections.abc import Mapping
from typing import Any, Final

from constructs_lib.practice.wildcards import ANYTHING, covers, of_events, overlap

UNKNOWN: Final = object()
"""Stands for a field of an event that may have any value, or be missing."""
_ABSENT: Final = object()


def may_match(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether an event matches a pattern, as far as the event is known.

    Args:
        pattern: As in the template, its references resolved.
        event: Texts (which may have wildcards), lists of them, dictionaries and `UNKNOWN`. It has no other fields.
    """
    return all(_field_may_match(name, wanted, event) for name, wanted in pattern.items())


def asks_for(pattern: Mapping[str, Any], name: str) -> bool:
    """Whether a pattern restricts a field at the top of the event: some matchers let every event through."""
    matchers = pattern.get(name)
    everything = ({"prefix": ""}, {"suffix": ""}, {"exists": True}, {"wildcard": "*"})
    return isinstance(matchers, list) and not any(matcher in everything for matcher in matchers)


def _field_may_match(name: str, wanted: Any, event: Mapping[str, Any]) -> bool:
    if name == "$or":
        return any(may_match(each, event) for each in several(wanted) if isinstance(each, dict))
    known = event.get(name, _ABSENT)
    if known is UNKNOWN:
        return True
    if isinstance(wanted, dict):
        return may_match(wanted, known if isinstance(known, dict) else {})
    if known is _ABSENT or isinstance(known, dict):
        return {"exists": False} in several(wanted)
    return any(_value_may_match(matcher, value) for matcher in several(wanted) for value in several(known))


def _value_may_match(matcher: Any, value: str) -> bool:
    if isinstance(matcher, str):
        return overlap(matcher, value)
    match matcher:
        case {"anything-but": excluded}:
            return not any(
                covers(pattern, value) for each in several(excluded) for pattern in _patterns(each)
            )
        case {"equals-ignore-case": str() as text}:
            return overlap(text.lower(), value.lower())
        case {"exists": present}:
            return present is not False
        case {"prefix": _} | {"suffix": _} | {"wildcard": _}:
            known = _patterns(matcher)
            return not known or any(overlap(pattern, value) for pattern in known)
    return isinstance(matcher, dict)  # one that is not known here


def _patterns(matcher: Any) -> list[str]:
    match matcher:
        case str():
            return [matcher]
        case {"prefix": str() as text}:
            return [text + ANYTHING]
        case {"suffix": str() as text}:
            return [ANYTHING + text]
        case {"wildcard": texts}:
            return [of_events(text) for text in several(texts) if isinstance(text, str)]
        case {"prefix": [*texts]} | {"suffix": [*texts]}:  # of anything-but
            (name,) = matcher
            return [pattern for text in texts for pattern in _patterns({name: text})]
    return []


def several(value: Any) -> list[Any]:
    """One or many, as IAM and EventBridge write them."""
    return value if isinstance(value, list) else [value]
