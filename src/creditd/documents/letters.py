"""Texts that anybody may have written, made so that they stay in their place on a page."""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Final
from unicodedata import bidirectional, category, normalize

MARKS: Final = 4
"""Above or below one letter: more than Vietnamese, Thai or pointed Hebrew has. A hundred would cover other lines."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")
"""What controls lines, or the direction of the text around it."""

_BEFORE: Final = "เแโใไ"
_AFTER: Final = "ะาำๅๆฯ"
"""Vowels and signs of Thai that are letters of their own, and belong to the consonant after or before them."""


def harmless(text: str) -> str:
    """Return a text without control characters, its letters composed and each with a few marks at most."""
    shown = normalize("NFC", _CONTROL.sub(" ", text))
    if shown.isascii():
        return shown
    runs = ((is_mark, "".join(run)) for is_mark, run in groupby(shown, _is_mark))
    return "".join(run[:MARKS] if is_mark else run for is_mark, run in runs)


def clusters(word: str) -> Iterator[str]:
    """Yield the letters of a word, each with what must not be parted from it by the end of a line."""
    cluster = ""
    for letter in word:
        if cluster and not (_is_mark(letter) or letter in _AFTER or cluster[-1] in _BEFORE):
            yield cluster
            cluster = ""
        cluster += letter
    if cluster:
        yield cluster


def is_first_from_the_right(text: str) -> bool:
    """Tell whether the first letter of a text that has a direction is read from right to left."""
    directions = map(bidirectional, text)
    return next((direction in {"R", "AL"} for direction in directions if direction in {"L", "R", "AL"}), False)


def _is_mark(letter: str) -> bool:
    return category(letter).startswith("M")
