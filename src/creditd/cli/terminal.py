"""What the terminal can do, if there is one: its width, colours, and lines that are written over."""

import os
import shutil
import sys
from typing import Final, TextIO

AUTO, ALWAYS, NEVER = "auto", "always", "never"

COLOURS: Final = (AUTO, ALWAYS, NEVER)

_HEAD: Final = "\x1b[1m"
_NEGATIVE: Final = "\x1b[31m"
_PLAIN: Final = "\x1b[0m"

NO_LIMIT: Final = sys.maxsize
"""The width of what is no terminal."""


def is_terminal(stream: TextIO) -> bool:
    """Return whether somebody looks at it, rather than a program."""
    return stream.isatty()


def is_lively(stream: TextIO) -> bool:
    """Return whether it is a terminal on which a line can be written over."""
    return is_terminal(stream) and os.environ.get("TERM") != "dumb"


def width_of(stream: TextIO) -> int:
    """Return the columns of a terminal, or what ``COLUMNS`` states of it; NO_LIMIT of what is none."""
    return shutil.get_terminal_size().columns if is_terminal(stream) else NO_LIMIT


def takes_colour(stream: TextIO, wanted: str = AUTO) -> bool:
    """Return whether to colour: as the flag says, else on a terminal that can, if NO_COLOR is unset or empty."""
    if wanted != AUTO:
        return wanted == ALWAYS
    return is_lively(stream) and not os.environ.get("NO_COLOR")


class Palette:
    """Colours a text, or leaves it as it is."""

    def __init__(self, *, has_colour: bool) -> None:
        self._has_colour = has_colour

    def head(self, text: str) -> str:
        """Return the head of a column, or the name of a fact."""
        return self._coloured(_HEAD, text)

    def negative(self, text: str) -> str:
        """Return an amount below zero."""
        return self._coloured(_NEGATIVE, text)

    def _coloured(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_PLAIN}" if self._has_colour and text else text
