"""What people read: results on standard output, and remarks on standard error, where they spoil no pipe."""

import re
import sys
from collections.abc import Sequence
from typing import Final


def say(text: str = "") -> None:
    """Write a result, at once: it may be read by another program while we go on."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def remark(text: str) -> None:
    """Write what is not the result itself."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


_NUMBER: Final = re.compile(r"[+-]?[0-9]+")


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows in columns under a head and a rule; columns of whole numbers are flush right."""
    lines = [tuple(head), *(tuple(map(str, row)) for row in rows)]
    columns = list(zip(*lines, strict=True))
    widths = [max(map(len, column)) for column in columns]
    is_number = [all(_NUMBER.fullmatch(cell) for cell in column[1:]) for column in columns]

    def line(row: Sequence[str]) -> str:
        cells = zip(row, widths, is_number, strict=True)
        return "  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in cells).rstrip()

    return "\n".join([line(head), "  ".join("-" * width for width in widths), *map(line, lines[1:])])
