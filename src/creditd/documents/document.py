"""What is drawn: texts in their order, and in which direction each is read."""

import json
from typing import Literal, NamedTuple

Direction = Literal["words", "ltr", "rtl", "auto"]
"""Of a text: that of the document, for its own words; left to right, for figures, times and codes; right to left; or as
its first letter says, for what people wrote."""


class Detail(NamedTuple):
    """A line of what the document is about."""

    label: str
    value: str
    direction: Direction = "words"


class Column(NamedTuple):
    """A column of a table: ``width`` in millimetres; figures stand at its right."""

    title: str
    width: float
    direction: Direction
    is_figure: bool = False


class TableRow(NamedTuple):
    """A row of a table, a text for each column; ``note`` stands in small below the second. ``is_sum`` is set apart."""

    cells: list[str]
    note: str = ""
    is_sum: bool = False


class Section(NamedTuple):
    """A table with a title."""

    title: str
    columns: list[Column]
    rows: list[TableRow]


class Document(NamedTuple):
    """A document. ``created`` is in seconds since the Unix epoch; ``page`` has the placeholder {page}."""

    language: str
    is_right_to_left: bool
    title: str
    warning: str
    details: list[Detail]
    sections: list[Section]
    note: str
    page: str
    created: int


def to_json(document: Document) -> bytes:
    """Write a document for the process that draws it."""
    return json.dumps(document).encode()


def from_json(text: bytes) -> Document:
    """Read a document."""
    found = Document(*json.loads(text))
    sections = [
        Section(title, [Column(*column) for column in columns], [TableRow(*row) for row in rows])
        for title, columns, rows in found.sections
    ]
    return found._replace(details=[Detail(*detail) for detail in found.details], sections=sections)
