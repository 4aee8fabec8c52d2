"""Cells of a statement: harmless to whatever opens them, exact, and in every language."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditd.domain.entry import EntryKind
from creditd.domain.instant import SECOND, Instant
from creditd.server.statements.csv_file import COLUMNS, text_cell
from creditd.server.statements.figures import local_time, plain_amount
from creditd.server.statements.words import WORDS

pytestmark = pytest.mark.requirement("C3")


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("", '""'),
        ("lunch", '"lunch"'),
        ('say "hi"', '"say ""hi"""'),
        ("=1+1", '"\'=1+1"'),
        ('=HYPERLINK("http://x","y")', '"\'=HYPERLINK(""http://x"",""y"")"'),
        ("+66812345678", '"\'+66812345678"'),
        ("-5", '"\'-5"'),
        ("@SUM(A1)", '"\'@SUM(A1)"'),
        ("  =1", '"\'  =1"'),
        ("\t=1", '"\' =1"'),
        ("a;=1", '"a;\'=1"'),
        ("two\r\nlines", '"two lines"'),
        ("\uff1d1", '"\'\uff1d1"'),
        ("a=b-c", '"a=b-c"'),
        ("ราคา 5 บาท", '"ราคา 5 บาท"'),
    ],
)
def test_a_text_is_one_cell_and_no_formula(text: str, cell: str) -> None:
    assert text_cell(text) == cell


@pytest.mark.parametrize(
    ("amount", "decimals", "written"),
    [(1_250, 2, "12.50"), (-1, 2, "-0.01"), (7, 0, "7"), (0, 3, "0.000"), (-(2**63), 9, "-9223372036.854775808")],
)
def test_an_amount_is_exact(amount: int, decimals: int, written: str) -> None:
    assert plain_amount(amount, decimals) == written


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 9))
def test_an_amount_can_be_read_back(amount: int, decimals: int) -> None:
    written = plain_amount(amount, decimals)
    assert int(written.replace(".", "")) == amount
    assert len(written.partition(".")[2]) == decimals


def test_a_time_is_what_the_clocks_of_the_zone_showed() -> None:
    """On both sides of an hour that Jerusalem had twice."""
    zone = ZoneInfo("Asia/Jerusalem")
    before = Instant(1_761_427_800 * SECOND)
    written = [local_time(Instant(before + hours * 3_600 * SECOND), zone).isoformat() for hours in (0, 1)]
    assert written == ["2025-10-26T00:30:00+03:00", "2025-10-26T01:30:00+03:00"]
    after = local_time(Instant(before + 2 * 3_600 * SECOND), zone).isoformat()
    assert after == "2025-10-26T01:30:00+02:00"


@pytest.mark.parametrize("language", WORDS)
def test_every_language_has_every_word(language: str) -> None:
    words = WORDS[language]
    assert words.keys() == WORDS["en"].keys()
    assert all(words.values())
    assert {f"kind.{kind.name}" for kind in EntryKind} | {f"column.{name}" for name in COLUMNS} <= words.keys()
