"""The text of ``--help``, laid out for the width of the terminal, down to 40 columns."""

import argparse
import re
import shutil
import textwrap
from collections.abc import Iterable
from typing import Any, Final

from creditd.cli.examples import Example

WIDEST_COLUMNS: Final = 100
"""Longer lines are hard to read, however wide the terminal is."""

NARROWEST_COLUMNS: Final = 20
"""Nothing is laid out for less: it would be a word in a line."""

NARROW_COLUMNS: Final = 60
"""Below it, what an option does stands under the option, not beside it."""

_NARROW_INDENT: Final = 4
_WIDE_INDENT: Final = 24

_ONE_LINE_COLUMNS: Final = 10_000
"""More than any usage takes."""

_USAGE_WORD: Final = re.compile(r"\[[^\]]*\]|\S+")
"""An option and what it takes stay together."""

_BLANK_LINES: Final = re.compile(r"\n\s*\n")

_SHELL_WORD: Final = re.compile(r"(?:'[^']*'|\"(?:\\.|[^\"\\])*\"|\\.|[^\s'\"\\])+")
"""With its quotes, as it is typed."""


def columns() -> int:
    """Return how wide help is to be: as the terminal, or ``COLUMNS``, within bounds."""
    return min(max(shutil.get_terminal_size().columns, NARROWEST_COLUMNS), WIDEST_COLUMNS)


class HelpText(argparse.HelpFormatter):
    """Keeps paragraphs apart, and breaks lines between words alone: ``--dry-run`` stays in one piece."""

    def __init__(self, prog: str) -> None:
        width = columns()
        indent = _NARROW_INDENT if width < NARROW_COLUMNS else _WIDE_INDENT
        super().__init__(prog, max_help_position=indent, width=width)
        self._is_narrow = width < NARROW_COLUMNS

    def _format_usage(self, usage: Any, actions: Any, groups: Any, prefix: Any) -> str:
        if not self._is_narrow:
            return super()._format_usage(usage, actions, groups, prefix)
        # Beside the name of the command there would be no room: the options go under it.
        width, self._width = self._width, _ONE_LINE_COLUMNS
        line = super()._format_usage(usage, actions, groups, prefix).strip()
        self._width = width
        lines = [""]
        for word in _USAGE_WORD.findall(line):
            if lines[-1].strip() and len(lines[-1]) + 1 + len(word) > width:
                lines.append(" " * (_NARROW_INDENT - 1))
            lines[-1] += f" {word}" if lines[-1] else word
        return "\n".join(lines) + "\n\n"

    def _split_lines(self, text: str, width: int) -> list[str]:
        return wrapped(text, width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = (wrapped(paragraph, width - len(indent)) for paragraph in _BLANK_LINES.split(text.strip()))
        return "\n\n".join("\n".join(indent + line for line in lines) for lines in paragraphs)


def wrapped(text: str, width: int) -> list[str]:
    """Return the lines of a paragraph. A word that is longer than a line has one to itself."""
    return textwrap.wrap(" ".join(text.split()), width, break_long_words=False, break_on_hyphens=False)


def examples_text(examples: Iterable[Example], width: int) -> str:
    """Return the section of examples: what each does, and its command line, which can be pasted as it stands."""
    lines = ["examples:"]
    for example in examples:
        lines += [f"  # {line}" for line in wrapped(example.does, width - 4)]
        lines += [f"  {line}" for line in continued(example.line, width - 2)]
    return "\n".join(lines) + "\n"


def continued(command: str, width: int) -> list[str]:
    """Return the lines of a command, continued with a backslash where that is needed, as shells have it."""
    lines: list[str] = []
    for word in _SHELL_WORD.findall(command):
        # Room for the backslash that may follow.
        if lines and len(lines[-1]) + 1 + len(word) <= width - 2:
            lines[-1] += f" {word}"
        else:
            lines.append(f"    {word}" if lines else word)
    lines = [f"{line} \\" for line in lines[:-1]] + lines[-1:]
    return [part for line in lines for part in _within(line, width)]


def _within(line: str, width: int) -> list[str]:
    """Return the lines of one, which may hold JSON in quotes: that may go on in the next line as it is."""
    if len(line) <= width or not line.lstrip().startswith("'{"):
        return [line]
    parts: list[str] = []
    for pair in line.strip().split(", "):
        if parts and len(parts[-1]) + len(pair) + 3 <= width:
            parts[-1] += f", {pair}"
        else:
            parts.append(f"      {pair}" if parts else f"    {pair}")
    return [f"{part}," for part in parts[:-1]] + parts[-1:]


def listed(words: Iterable[tuple[str, str]], width: int) -> str:
    """Return words with what each means beside it."""
    rows = list(words)
    indent = 2 + max(len(word) for word, _ in rows) + 2
    lines = []
    for word, meaning in rows:
        first, *others = wrapped(meaning, width - indent) or [""]
        lines.append(f"  {word:{indent - 2}}{first}".rstrip())
        lines += [" " * indent + line for line in others]
    return "\n".join(lines)
