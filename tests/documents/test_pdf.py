"""A document is drawn with its fonts embedded, in any of the directions, whatever was written (C3)."""

import pytest

from creditd.documents.document import Column, Detail, Document, Section, TableRow, from_json, to_json
from creditd.documents.pdf import NOTE_LINES, drawn
from tests.support.pdfs import fonts_in, pages_in, text_in

pytestmark = pytest.mark.requirement("C3")


def document(*rows: TableRow, title: str = "Statement", is_right_to_left: bool = False) -> Document:
    """Return a document with one table."""
    columns = [Column("Time", 60, "ltr"), Column("What", 60, "words"), Column("Change", 60, "ltr", is_figure=True)]
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
    ],
    ids=["override", "endless", "script", "thai", "hebrew", "surrogate", "unknown", "markdown"],
)
def test_whatever_was_written_is_drawn(note: str) -> None:
    note = note.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    file = drawn(document(row(note), row(note), is_right_to_left=True))
    assert pages_in(file) == 1
    assert text_in(file).count("-1.50") == 2
    assert NOTE_LINES < 10
