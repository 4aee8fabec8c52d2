"""A document is drawn with its fonts embedded, in any of the directions, whatever was written (C3)."""

import pytest

from creditd.documents.document import Column, Detail, Document, Section, TableRow, from_json, to_json
from creditd.documents.pdf import drawn
from tests.support.pdfs import fonts_in, pages_in, text_in

pytestmark = pytest.mark.requirement("C3")


def document(
    *rows: TableRow, title: str = "Statement", is_right_to_left: bool = False, figure_width: float = 60
) -> Document:
    """Return a document with one table, whose figures have a column of so many millimetres."""
    figures = Column("Change", figure_width, "ltr", is_figure=True)
    columns = [Column("Time", 60, "ltr"), Column("What", 60, "words"), figures]
    section = Section("Chat", columns, list(rows))
    details = [Detail("Account", "ann", "ltr")]
    return Document("en", is_right_to_left, title, "", details, [section], "", "Page {page}", 0)


def row(note: str = "", change: str = "-1.50") -> TableRow:
    """Return a row of the table."""
    return TableRow(["2026-11-28 10:00:00", "Spent", change], note)


def test_it_has_all_texts_and_little_of_the_fonts() -> None:
    file = drawn(document(row("a long night"), title="Sao kê tín dụng ภาษาไทย עברית"))
    text = text_in(file)
    for expected in ("Sao kê tín dụng", "ann", "Spent", "-1.50", "a long night", "Page 1"):
        assert expected in text
    fonts = fonts_in(file)
    assert {name.partition("+")[2].partition("-")[0] for name in fonts} >= {"OpenSans", "NotoSansThai"}
    assert sum(fonts.values()) < 60_000


def test_the_same_document_has_the_same_bytes() -> None:
    one = document(row("the same"))
    assert drawn(one) == drawn(from_json(to_json(one)))


def test_a_figure_reads_from_left_to_right_in_any_direction() -> None:
    assert "-1.50" in text_in(drawn(document(row(), is_right_to_left=True)))


def test_a_figure_is_never_cut() -> None:
    longest = f"-{2**63 - 1:,}.000000000"
    assert longest in text_in(drawn(document(row(change=longest), figure_width=20)))


def test_a_detail_takes_as_many_lines_as_it_needs() -> None:
    account_id = "a.b-c_d@" * 16
    wanted = document(row())._replace(details=[Detail("Account", account_id, "ltr")])
    assert account_id in text_in(drawn(wanted)).replace("\n", "")


def test_a_letter_that_no_font_has_shows() -> None:
    assert "\ufffd\ufffd end" in text_in(drawn(document(row("漢字 end"))))


def test_the_sign_for_the_number_of_pages_is_a_text_as_any_other() -> None:
    assert "{nb}" in text_in(drawn(document(row("{nb}"), row("{nb} ש"))))


def test_a_number_in_a_line_of_both_directions_stands_where_unicode_says() -> None:
    text = text_in(drawn(document(row("Refund of חשבון 123"))))
    assert text.index("Refund of") < text.index("123") < text.index("חשבון")


def test_a_long_table_goes_on_with_its_heading() -> None:
    file = drawn(document(*[row()] * 120))
    assert pages_in(file) > 2
    assert text_in(file).count("Change") == pages_in(file)


@pytest.mark.parametrize(
    "note",
    [
        "\u202eevil\u202c",
        "x" * 4_000,
        "<script>alert(1)</script>",
        "ก" * 500,
        "שלום " * 100,
        "\ud83d",
        "😀 漢字",
        "**b**",
        "a" + "\u0301" * 400,
        "เ" * 400,
        "\x00\x1b[2J\u2028",
    ],
    ids=[
        *("override", "endless", "script", "thai", "hebrew", "surrogate", "unknown", "markdown"),
        *("marks", "vowels", "control"),
    ],
)
def test_whatever_was_written_is_drawn(note: str) -> None:
    note = note.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    file = drawn(document(row(note), row(note), is_right_to_left=True))
    assert pages_in(file) == 1
    assert text_in(file).count("-1.50") == 2
