"""Two patterns overlap when some text matches both: held against a search through all short texts."""

import itertools
import re

import pytest

from constructs_lib.practice.wildcards import ANYTHING, covers, of_events, of_iam, overlap

TEXTS = [
    "".join(letters)
    for length in range(6)
    for letters in itertools.product("ab", repeat=length)
]  # fmt: skip
PATTERNS = ["".join(letters) for length in range(4) for letters in itertools.product("ab*?", repeat=length)]


def matched(text: str) -> set[str]:
    expression = re.compile(text.replace("*", ".*").replace("?", "."))
    return {each for each in TEXTS if expression.fullmatch(each)}


@pytest.mark.parametrize("first", PATTERNS)
def test_overlapping_is_having_a_text_in_common(first: str) -> None:
    """Two patterns of three letters have a common text if they have one of at most six letters."""
    of_first = matched(first)
    for second in PATTERNS:
        common = bool(of_first & matched(second))
        assert overlap(of_iam(first), of_iam(second)) == common, (first, second)


@pytest.mark.parametrize("first", PATTERNS)
def test_what_covers_has_all_texts_of_the_other(first: str) -> None:
    of_first = matched(first)
    for second in PATTERNS:
        if covers(of_iam(first), of_iam(second)):
            assert of_first >= matched(second), (first, second)


@pytest.mark.parametrize(
    ("pattern", "other"), [("a*", "ab*"), ("*", "?*"), ("a*b", "a**b"), ("*.jpg", "up*/x.jpg"), ("ab", "ab")]
)
def test_a_wider_pattern_covers(pattern: str, other: str) -> None:
    assert covers(of_iam(pattern), of_iam(other))


def test_an_escaped_star_is_a_star() -> None:
    assert of_events("a\\*b*\\\\") == f"a*b{ANYTHING}\\"
    assert of_events("a\\") == "a\\"


def test_what_is_not_known_yet_is_equal_to_itself_alone() -> None:
    bucket, other = chr(0xF0001), chr(0xF0002)
    assert overlap(f"{bucket}/uploads/{ANYTHING}", f"{bucket}/uploads/a.jpg")
    assert not overlap(f"{bucket}/uploads/{ANYTHING}", f"{other}/uploads/a.jpg")
    assert overlap(bucket, ANYTHING)
