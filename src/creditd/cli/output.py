"""The output of commands: results on standard output, remarks on standard error, failures and exit codes."""

import re
import sys
from collections.abc import Sequence
from typing import Final

DONE: Final = 0
FAILED: Final = 1
MISUSED: Final = 2
"""Of the command line and of settings, as argparse has it, a port that is taken and a folder that cannot be had among
them: trying again without a change is of no use."""

INTERRUPTED: Final = 130
"""As shells have it for Ctrl-C."""

SIGNALLED: Final = 128
"""Plus the number of the signal that ended a process at once, as shells have it."""


class CommandFailure(Exception):
    """A command cannot do what it was asked; the message is for the person at the terminal."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def say(text: str = "") -> None:
    """Write a result and flush it: another program may be reading it."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def remark(text: str) -> None:
    """Write a remark: anything but the result itself."""
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
