"""How a command shows its results: as tables for people, or as JSON for programs, in colour or without."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from creditd.cli.arguments import Arguments, one_of
from creditd.cli.output import say, say_styled
from creditd.cli.printable import json_text
from creditd.cli.tables import facts, table
from creditd.cli.terminal import AUTO, COLOURS, Palette, is_terminal, takes_colour, width_of

TABLE, JSON = "table", "json"

FORMATS: Final = (TABLE, JSON)


def add_output_arguments(parser: Arguments, default: str) -> None:
    """Add how results are shown; ``default`` says what happens without the flag."""
    parser.add_argument("--output", type=one_of(FORMATS), metavar="table|json", help=f"without it: {default}")
    parser.add_argument(
        "--color",
        type=one_of(COLOURS),
        default=AUTO,
        metavar="auto|always|never",
        help="auto, which it is without it: on a terminal, unless NO_COLOR is set",
    )


class Presentation:
    """Shows results as the arguments want it."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        """Take ``output`` and ``color`` of arguments."""
        self._wanted: str | None = arguments.output
        self.palette = Palette(has_colour=takes_colour(sys.stdout, arguments.color))
        self.width = width_of(sys.stdout)

    @property
    def is_json(self) -> bool:
        """Whether JSON is asked for."""
        return self._wanted == JSON

    def is_table(self, *, is_list: bool) -> bool:
        """Return whether to draw a table of an answer: if it is asked for, and of a list on a terminal."""
        return self._wanted == TABLE or (self._wanted is None and is_list and is_terminal(sys.stdout))

    def rows(self, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Show rows: a table, nothing of it cut, or a list of objects."""
        if self.is_json:
            keys = [name.lower().replace(" ", "_") for name in head]
            say(json_text([dict(zip(keys, map(_plain, row), strict=True)) for row in rows]))
        else:
            shown = [["" if cell is None else cell for cell in row] for row in rows]
            say_styled(table(head, shown, self.width, self.palette))

    def facts(self, found: Mapping[str, object]) -> None:
        """Show names and what each is, or one object."""
        if self.is_json:
            say(json_text({name: _plain(value) for name, value in found.items()}))
        else:
            say_styled(facts(list(found.items()), self.palette))


def _plain(value: object) -> Any:
    """Return a value as JSON has it."""
    return value.isoformat() if isinstance(value, datetime) else value
