"""Files of an import: CSV with a head, or JSON lines; one row after another, whatever their size.

Bytes are UTF-8, with or without a byte order mark; lines end in LF or CRLF. A quoted field of CSV may hold line breaks.
What cannot be read is told by its line, and the next row is read.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from enum import Enum
from hashlib import sha256
from typing import IO, Any, BinaryIO, Final, NamedTuple

from creditd.service.transfer.import_row import COLUMNS

MAX_LINE: Final = 65_536
"""Characters of a line of JSON, and of a field of CSV: many times what a row that is fit needs."""

MAX_CELLS: Final = 64
"""Columns of a CSV file: seven times what a row has."""


class FileFormat(Enum):
    """How a file has its rows."""

    CSV = "csv"
    JSON_LINES = "jsonl"


class FileRefused(Exception):
    """A file is none that an import can read, from its head on; the message says why."""


class FileRow(NamedTuple):
    """A row as a file has it: the line on which it begins, and its fields, or what is wrong with it."""

    line: int
    fields: Mapping[str, str]
    problem: str = ""


class HashedStream(io.RawIOBase):
    """Passes the bytes of a file on, and counts and hashes them."""

    def __init__(self, stream: BinaryIO) -> None:
        """Read from ``stream``."""
        self._stream = stream
        self._hash = sha256()
        self.size = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what fits into a buffer; return how much that was."""
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self._hash.update(data)
        self.size += len(data)
        return len(data)

    @property
    def digest(self) -> str:
        """The SHA-256 of what was read, in hexadecimal digits."""
        return self._hash.hexdigest()


def rows_of(stream: HashedStream, file_format: FileFormat) -> Iterator[FileRow]:
    """Give the rows of a file in their order. Raises FileRefused for one without a fitting head, or not in UTF-8."""
    buffered = io.BufferedReader(stream, 1 << 18)
    text = io.TextIOWrapper(buffered, encoding="utf-8-sig", newline="" if file_format is FileFormat.CSV else None)
    try:
        yield from _csv_rows(text) if file_format is FileFormat.CSV else _json_rows(text)
    except UnicodeDecodeError as error:
        raise FileRefused(f"it is not in UTF-8: {error.reason}") from None


def _csv_rows(text: IO[str]) -> Iterator[FileRow]:
    csv.field_size_limit(MAX_LINE)
    reader = csv.reader(text, strict=True)
    head = _head(reader)
    last = reader.line_num
    while True:
        line = last + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            last = reader.line_num
            yield FileRow(line, {}, f"it is no CSV: {error}")
            continue
        if cells is None:
            return
        last = reader.line_num
        if len(cells) == len(head):
            yield FileRow(line, dict(zip(head, cells, strict=True)))
        elif cells:
            yield FileRow(line, {}, f"it has {len(cells)} fields, and the head has {len(head)}")


def _head(reader: Any) -> list[str]:
    try:
        head = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise FileRefused(f"its head is no CSV: {error}") from None
    unknown = [name for name in head[:MAX_CELLS] if name not in COLUMNS]
    if "account_id" not in head or unknown or len(set(head)) < len(head):
        raise FileRefused(f"its first line has to name its columns, each once, of {', '.join(COLUMNS)}")
    return head


def _json_rows(text: IO[str]) -> Iterator[FileRow]:
    line = 0
    while piece := text.readline(MAX_LINE):
        line += 1
        if len(piece) == MAX_LINE and not piece.endswith("\n"):
            while (rest := text.readline(MAX_LINE)) and not rest.endswith("\n"):
                pass
            yield FileRow(line, {}, f"it is longer than {MAX_LINE} characters")
        elif piece.strip():
            yield _json_row(line, piece)


def _json_row(line: int, piece: str) -> FileRow:
    try:
        document = json.loads(piece)
    except (ValueError, RecursionError) as error:
        return FileRow(line, {}, f"it is no JSON: {error}")
    if not isinstance(document, dict):
        return FileRow(line, {}, "it is no JSON object")
    unknown = sorted(document.keys() - set(COLUMNS))
    if unknown:
        return FileRow(line, {}, f"there is no field {unknown[0][:64]!r}; there are {', '.join(COLUMNS)}")
    fields = {}
    for name, value in document.items():
        # A number with a fraction or an exponent is no amount, and true is no number.
        if value is not None and (isinstance(value, bool) or not isinstance(value, str | int)):
            return FileRow(line, {}, f"{name}: a text or a whole number")
        fields[name] = "" if value is None else str(value)
    return FileRow(line, fields)
