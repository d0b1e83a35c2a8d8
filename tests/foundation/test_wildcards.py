"""Two patterns overlap when some text matches both: held against a search through all short texts."""

import itertools
import re

import pytest

from constructs_lib.foundation.wildcards import ANYTHING, overlap, pattern

TEXTS = [
    "".join(letters)
    for length in range(6)
    for letters in itertools.product("ab", repeat=length)
]  # fmt: skip
PATTERNS = ["".join(letters) for length in range(4) for letters in itertools.product("ab*", repeat=length)]


def matched(text: str) -> set[str]:
    expression = re.compile(text.replace("*", ".*"))
    return {each for each in TEXTS if expression.fullmatch(each)}


@pytest.mark.parametrize("first", PATTERNS)
def test_overlapping_is_having_a_text_in_common(first: str) -> None:
    """Of two patterns of three letters, what they have in common is found among texts of at most six."""
    of_first = matched(first)
    for second in PATTERNS:
        common = bool(of_first & matched(second))
        assert overlap(pattern(first), pattern(second)) == common, (first, second)


def test_an_escaped_star_is_a_star() -> None:
    assert pattern("a\\*b*\\\\", escaped=True) == ["a", "*", "b", ANYTHING, "\\"]
    assert pattern("a\\", escaped=True) == ["a", "\\"]


def test_what_is_not_known_yet_is_equal_to_itself_alone() -> None:
    bucket = ['{"Ref": "Bucket"}', *"/uploads/", ANYTHING]
    assert overlap(bucket, ['{"Ref": "Bucket"}', *"/uploads/a.jpg"])
    assert not overlap(bucket, ['{"Ref": "Other"}', *"/uploads/a.jpg"])
    assert overlap(bucket, [ANYTHING])
