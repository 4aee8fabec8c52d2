"""Tables for people: columns that fit a width, figures flush right, and nothing in a cell that steers the terminal."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from creditd.cli.printable import printable
from creditd.cli.terminal import NO_LIMIT, Palette

GAP: Final = "  "
ELLIPSIS: Final = "…"

LEAST_COLUMNS: Final = 8
"""To which a text is cut, at the least: with less nobody recognises it."""

_NUMBER: Final = re.compile(r"[+-]?[0-9][0-9,]*(\.[0-9]+)?")
_FIXED: Final = re.compile(rf"{_NUMBER.pattern}|\d{{4}}-\d\d-\d\dT[0-9:]+Z|")
"""What is wrong when it is cut: figures and times."""

PLAIN: Final = Palette(has_colour=False)


class TextTable(NamedTuple):
    """A table's text, and the heads of the columns that had no room."""

    text: str
    left_out: tuple[str, ...]


def cell_width(text: str) -> int:
    """Return the columns that a printable text takes: wide characters take two, accents none."""
    if text.isascii():
        return len(text)
    # Late: its tables take longer to read than a command that needs none takes.
    from wcwidth import wcswidth  # noqa: PLC0415

    return max(wcswidth(text), 0)


def cut(text: str, width: int) -> str:
    """Return a printable text of at most so many columns; what was cut shows by an ellipsis."""
    if cell_width(text) <= width:
        return text
    if text.isascii():
        return text[: width - 1] + ELLIPSIS
    from wcwidth import iter_graphemes  # noqa: PLC0415 - as above.

    kept, used = "", 0
    for grapheme in iter_graphemes(text):
        used += cell_width(grapheme)
        if used > width - 1:
            break
        kept += grapheme
    return kept + ELLIPSIS


def table(
    head: Sequence[str], rows: Sequence[Sequence[object]], width: int = NO_LIMIT, palette: Palette = PLAIN
) -> str:
    """Return rows in columns under a head and a rule, nothing of it cut.

    Where the width does not suffice each row becomes a block of its own, with a line for each cell.
    """
    lines = _printable_rows(head, rows)
    widths = _natural(lines)
    if _total(widths) > width:
        return "\n\n".join(facts(list(zip(head, row, strict=True)), palette) for row in lines[1:])
    return _text(lines, widths, palette)


def fitted_table(head: Sequence[str], rows: Sequence[Sequence[object]], width: int, palette: Palette) -> TextTable:
    """Return a table that fits the width: the last columns are left out, then texts are cut, until it does.

    Columns stand in the order of their importance; the first is always there.
    """
    lines = _printable_rows(head, rows)
    natural = _natural(lines)
    least = [_least(column, full) for column, full in zip(zip(*lines, strict=True), natural, strict=True)]
    kept = len(head)
    while kept > 1 and _total(least[:kept]) > width:
        kept -= 1
    if kept == 1:
        least[0] = min(least[0], width)
    # Nothing is wider than all: the loop is as long as the terminal is wide, however long a text is.
    widths = [max(low, min(full, width)) for low, full in zip(least, natural[:kept], strict=False)]
    while _total(widths) > width:
        # The widest gives way, until it is at its least.
        spare = [place for place in range(kept) if widths[place] > least[place]]
        widths[max(spare, key=lambda place: widths[place])] -= 1
    lines = [[cut(cell, most) for cell, most in zip(row, widths, strict=False)] for row in lines]
    return TextTable(_text(lines, _natural(lines), palette), tuple(head[kept:]))


def facts(pairs: Sequence[tuple[str, object]], palette: Palette = PLAIN) -> str:
    """Return names and what each is, a line for each."""
    longest = max((len(name) for name, _ in pairs), default=0)
    lines = (
        f"{palette.head(name)}{' ' * (longest - len(name))}{GAP}{printable(str(value))}".rstrip()
        for name, value in pairs
    )
    return "\n".join(lines)


def _printable_rows(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[list[str]]:
    return [list(head), *([printable(str(cell)) for cell in row] for row in rows)]


def _natural(lines: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(cell_width, column)) for column in zip(*lines, strict=True)]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _least(column: Sequence[str], full: int) -> int:
    return full if all(map(_FIXED.fullmatch, column[1:])) else min(full, max(LEAST_COLUMNS, len(column[0])))


def _text(lines: Sequence[Sequence[str]], widths: Sequence[int], palette: Palette) -> str:
    is_number = [all(map(_NUMBER.fullmatch, filter(None, column[1:]))) for column in zip(*lines, strict=True)]

    def cells(row: Sequence[str], *, is_head: bool) -> Iterator[str]:
        for place, (cell, width, right) in enumerate(zip(row, widths, is_number, strict=True)):
            space = " " * (width - cell_width(cell))
            is_negative = right and cell.startswith("-")
            shown = palette.head(cell) if is_head else palette.negative(cell) if is_negative else cell
            if right:
                yield space + shown
            else:
                yield shown if place == len(row) - 1 else shown + space

    head, *rows = lines
    rule = GAP.join("-" * width for width in widths)
    drawn = (GAP.join(cells(row, is_head=False)).rstrip() for row in rows)
    return "\n".join([GAP.join(cells(head, is_head=True)).rstrip(), rule, *drawn])
