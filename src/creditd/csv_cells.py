"""Texts and amounts as cells of a CSV file.

Programs that open it read a cell that begins like a formula as one, and some take a semicolon for the end of a cell.
Whatever somebody wrote is therefore made harmless by an apostrophe (OWASP, CSV injection).
"""

import re
from typing import Final

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
"""One record is one line, also for programs that do not know quotes. A tab is the end of a cell to some."""

_FORMULA: Final = re.compile(r'(^|;)(?=[\s"]*[=+\-@\uff1d\uff0b\uff0d\uff20])')
"""Where a cell begins that a program may take for a formula, also as East Asian keyboards write it. To a program that
takes a semicolon for the end of a cell, quotes after it are those of the next cell, and are dropped."""


_PLAIN: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9 ._:/@+-]*)?")
"""What most texts are: nothing in them is of a formula, a quote or a line break, and they are written at once."""


def text_cell(text: str) -> str:
    """Write a text as a cell: in quotes, on one line, and harmless."""
    if _PLAIN.fullmatch(text):
        return f'"{text}"'
    harmless = _FORMULA.sub(r"\1'", _CONTROL.sub(" ", text))
    return '"' + harmless.replace('"', '""') + '"'


def plain_amount(amount: int, decimals: int) -> str:
    """Write an amount of the smallest unit in whole units: 1250 of 2 decimals is 12.50. Exact, with no grouping."""
    if not decimals:
        return str(amount)
    sign, digits = ("-" if amount < 0 else ""), str(abs(amount)).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"
