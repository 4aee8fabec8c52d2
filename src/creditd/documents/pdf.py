"""A document drawn on pages of A4: its details, then its tables, mirrored where it is read from right to left."""

from datetime import UTC, datetime
from typing import Final, Literal

from creditd.documents.document import Column, Detail, Document, Section, TableRow
from creditd.documents.fonts import MAIN
from creditd.documents.text_pdf import TextPdf, direction_of

MARGIN: Final = 15.0
LINE: Final = 5.2
SMALL_LINE: Final = 4.0
"""In millimetres, as all measures here."""

SIZE, SMALL, LARGE, TITLE = 9.0, 7.0, 11.0, 18.0
"""In points."""

LABEL_WIDTH: Final = 45.0

NOTE_LINES: Final = 3
"""Of what somebody wrote about a movement. The rest is left out, and three dots say so."""

DETAIL_LINES: Final = 4
"""Of a detail: the longest id of an account, 128 letters, takes two."""

_GREY: Final = 0xF1
_RULE: Final = 0xC8


class Pdf(TextPdf):
    """A document that is being drawn."""

    def __init__(self, document: Document) -> None:
        """Begin with an empty page."""
        super().__init__("rtl" if document.is_right_to_left else "ltr")
        self._document = document
        self._is_rtl = document.is_right_to_left
        self.set_creation_date(datetime.fromtimestamp(document.created, UTC))
        self.set_title(document.title)
        self.set_lang(document.language)
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.set_auto_page_break(auto=True, margin=MARGIN + LINE)
        self.set_draw_color(_RULE)
        self.set_fill_color(_GREY)
        self.set_font(MAIN, size=SIZE)
        self.add_page()

    def footer(self) -> None:
        """Write the page's number below each page."""
        self.set_y(-MARGIN)
        self.set_font(MAIN, size=SMALL)
        self._text(self._document.page.format(page=self.page_no()), self.epw, SMALL_LINE, "words", "C")
        self.set_font(MAIN, size=SIZE)

    def draw(self) -> bytes:
        """Draw all of it, and return the file."""
        self._line(self._document.title, TITLE, 10.0)
        if self._document.warning:
            self._line(self._document.warning, LARGE, 8.0)
        for detail in self._document.details:
            self._detail(detail)
        for section in self._document.sections:
            self._section(section)
        if self._document.note:
            self.ln(LINE)
            self._line(self._document.note, SMALL, SMALL_LINE)
        return bytes(self.output())

    @property
    def _start(self) -> Literal["L", "R"]:
        return "R" if self._is_rtl else "L"

    def _line(self, text: str, size: float, height: float) -> None:
        self.set_font(MAIN, size=size)
        self._text(text, self.epw, height, "words", self._start)
        self.ln(height)
        self.set_font(MAIN, size=SIZE)

    def _detail(self, detail: Detail) -> None:
        width = self.epw - LABEL_WIDTH
        columns = [Column("", LABEL_WIDTH, "words"), Column("", width, direction_of(detail.value, detail.direction))]
        label = detail.label
        for line in self._first_lines(detail.value, width, DETAIL_LINES):
            self._cells(columns, [label, line], LINE, align=self._start)
            label = ""

    def _section(self, section: Section) -> None:
        self.ln(LINE)
        self._require_room(6 * LINE)
        if section.title:
            self._line(section.title, LARGE, 7.0)
        self._head(section)
        for row in section.rows:
            notes = self._notes(row.note, section.columns[1].width)
            if self._require_room(LINE + SMALL_LINE * len(notes)):
                self._head(section)
            self._row(section.columns, row, notes)

    def _head(self, section: Section) -> None:
        self.set_font(MAIN, size=SMALL)
        # A heading is in the document's words, also above figures.
        columns = [column._replace(direction="words") for column in section.columns]
        self._cells(columns, [column.title for column in columns], LINE, border="B")
        self.set_font(MAIN, size=SIZE)

    def _row(self, columns: list[Column], row: TableRow, notes: list[str]) -> None:
        self._cells(columns, row.cells, LINE, fill=row.is_sum)
        self.set_font(MAIN, size=SMALL)
        column = columns[1]._replace(direction=direction_of(row.note, "auto"))
        blank = ["" for _ in columns]
        for note in notes:
            self._cells([columns[0], column, *columns[2:]], [*blank[:1], note, *blank[2:]], SMALL_LINE)
        self.set_font(MAIN, size=SIZE)

    def _notes(self, note: str, width: float) -> list[str]:
        """Return the first lines of what somebody wrote, as they fit into a column, in small."""
        self.set_font(MAIN, size=SMALL)
        lines = self._first_lines(note, width, NOTE_LINES) if note else []
        self.set_font(MAIN, size=SIZE)
        return lines

    def _cells(
        self,
        columns: list[Column],
        texts: list[str],
        height: float,
        *,
        border: Literal[0, 1] | str = 0,
        fill: bool = False,
        align: str = "",
    ) -> None:
        """Draw a line of cells, from the side where reading begins, and go to the next line."""
        pairs, size = list(zip(columns, texts, strict=True)), self.font_size_pt
        for column, text in reversed(pairs) if self._is_rtl else pairs:
            side = "R" if column.is_figure else self._start
            if column.is_figure:
                self._shrink(text, column.width)
            self._text(text, column.width, height, column.direction, align or side, border=border, fill=fill)
            self.set_font_size(size)
        self.ln(height)

    def _require_room(self, height: float) -> bool:
        """Begin a new page unless so much fits on this one; tell whether it was begun."""
        if not self.will_page_break(height):
            return False
        self.add_page()
        return True


def drawn(document: Document) -> bytes:
    """Return a document as a PDF."""
    return Pdf(document).draw()
