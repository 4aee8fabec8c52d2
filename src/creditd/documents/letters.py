"""Texts that anybody may have written, made so that they stay in their place on a page."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final
from unicodedata import bidirectional, category, normalize

from fpdf.bidi import BidiParagraph
from fpdf.enums import TextDirection

MARKS: Final = 3
"""Above or below one letter: as many as Vietnamese, Thai and pointed Hebrew have. A hundred would cover other lines."""

_BEFORE: Final = "เแโใไ"
_AFTER: Final = "ะาำๅๆฯ"
"""Vowels and signs of Thai that are letters of their own, and belong to the consonant after or before them."""


def harmless(text: str) -> str:
    """Return a text whose letters are composed and have a few marks each at most, without what controls others.

    What ends lines becomes a blank; what turns the direction of the text around it, and what nobody sees, is left out.
    """
    if text.isascii() and text.isprintable():
        return text
    shown = normalize("NFC", "".join(map(_seen, text)))
    runs = ((is_mark, "".join(run)) for is_mark, run in groupby(shown, _is_mark))
    return "".join(run[:MARKS] if is_mark else run for is_mark, run in runs)


def _seen(letter: str) -> str:
    kind = category(letter)
    return " " if kind in {"Cc", "Zl", "Zp"} else "" if kind == "Cf" else letter


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


def visual_runs(text: str, direction: TextDirection | None) -> list[tuple[str, TextDirection]]:
    """Return the parts of a line in the order in which they stand from left to right, each read in one direction.

    ``direction`` is that of the line, None for that of its first letter. This is rule L2 of the bidirectional algorithm
    (Unicode, annex 9): from the highest level to the lowest odd one, what is at that level or above is turned around.
    """
    line = BidiParagraph(text, direction, preserve_bn_chars=True)
    levels = groupby(line.get_characters_with_embedding_level(), lambda character: character.embedding_level)
    runs = [(level, "".join(character.character for character in run)) for level, run in levels]
    for level in range(max((level for level, _ in runs), default=0), 0, -1):
        runs = _turned(runs, level)
    return [(run, TextDirection.RTL if level % 2 else TextDirection.LTR) for level, run in runs]


def _turned(runs: list[tuple[int, str]], lowest: int) -> list[tuple[int, str]]:
    """Return runs of levels with each stretch of those that are not below a level turned around."""
    turned: list[tuple[int, str]] = []
    for is_turned, found in groupby(runs, lambda run: run[0] >= lowest):
        stretch = list(found)
        turned += stretch[::-1] if is_turned else stretch
    return turned


def _is_mark(letter: str) -> bool:
    return category(letter).startswith("M")
