"""What people read: results on standard output, and remarks on standard error, where they spoil no pipe."""

import sys
from collections.abc import Sequence


def say(text: str = "") -> None:
    """Write a result, at once: it may be read by another program while we go on."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def remark(text: str) -> None:
    """Write what is not the result itself."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows of text in columns, with whole numbers to the right, under a head and a rule."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    is_number = [all(isinstance(row[column], int) for row in rows) for column in range(len(head))]

    def line(row: Sequence[str]) -> str:
        padded = (
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(row, widths, is_number, strict=True)
        )
        return "  ".join(padded).rstrip()

    return "\n".join([line(head), "  ".join("-" * width for width in widths), *map(line, cells)])
