"""Texts that anybody may have written stay in their place, and lines of both directions stand as Unicode says (C3)."""

import pytest
from fpdf.bidi import BidiParagraph
from fpdf.enums import TextDirection
from hypothesis import given
from hypothesis import strategies as st

from creditd.documents.letters import MARKS, clusters, harmless, is_first_from_the_right, visual_runs

pytestmark = pytest.mark.requirement("C3")

LTR, RTL = TextDirection.LTR, TextDirection.RTL

MIXED = st.text("abגדהש 123.,-+%/:", max_size=24)
"""Without brackets, which are mirrored where they are drawn."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a long night", "a long night"),
        ("two\r\nlines", "two  lines"),
        ("\u202eevil\u202c", "evil"),
        ("\u2066in\u2069visi\u200bble\ufeff", "invisible"),
        ("Nguye\u0302\u0303n", "Nguyễn"),
        ("e" + "\u0301" * 100 + "!", "é" + "\u0301" * MARKS + "!"),
        ("ผู้ใหญ่ น้ำ", "ผู้ใหญ่ น้ำ"),
        ("שָׁלוֹם", "שָׁלוֹם"),
    ],
    ids=["plain", "lines", "override", "invisible", "decomposed", "marks", "thai", "points"],
)
def test_a_text_is_made_harmless(text: str, expected: str) -> None:
    assert harmless(text) == expected


@given(st.text())
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert harmless(harmless(text)) == harmless(text)


def test_a_line_does_not_end_within_a_syllable_of_thai() -> None:
    assert list(clusters("เด็กน้ำใจ")) == ["เด็", "ก", "น้ำ", "ใจ"]


@given(st.text())
def test_clusters_are_the_whole_word(word: str) -> None:
    assert "".join(clusters(word)) == word


def test_the_first_letter_with_a_direction_counts() -> None:
    assert is_first_from_the_right("12.50 ש")
    assert not is_first_from_the_right("12.50 GPT ש")
    assert not is_first_from_the_right("12.50")


def test_a_number_after_a_word_of_hebrew_stands_at_its_left() -> None:
    assert visual_runs("Refund of חשבון 123 (VIP)", LTR) == [
        ("Refund of ", LTR),
        ("123", LTR),
        ("חשבון ", RTL),
        (" (VIP)", LTR),
    ]


@given(MIXED, st.sampled_from([LTR, RTL, None]))
def test_lines_stand_as_unicode_says(text: str, direction: TextDirection | None) -> None:
    seen = "".join(run if way is LTR else run[::-1] for run, way in visual_runs(text, direction))
    assert seen == BidiParagraph(text, direction, preserve_bn_chars=True).get_reordered_string()
