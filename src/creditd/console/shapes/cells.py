"""Cells: one thing to show, as a page shows it and as a CSV file has it. Each is made in one place, for all pages."""

from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any, Final, NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp
from markupsafe import Markup

from credit.v1.credit_type_pb2 import CreditType
from creditd.console.shapes.enum_words import UNKNOWN, enum_word
from creditd.console.shapes.figures import figure, signed, typed
from creditd.console.shapes.identifiers import identifier
from creditd.console.shapes.resource_paths import resource_path
from creditd.console.shapes.state_looks import look_of
from creditd.console.texts import Texts
from creditd.console.visit import Visit
from creditd.csv_cells import plain_amount, text_cell
from creditd.currencies import money_decimals


class Cell(NamedTuple):
    """What a page shows, and the plain text of it.

    ``unit`` is what a number counts, in a CSV file beside it. What ``is_text`` is made harmless there.
    """

    html: Markup
    plain: str
    unit: str = ""
    is_text: bool = True

    @property
    def in_file(self) -> str:
        """The cell as a CSV file has it."""
        return text_cell(self.plain) if self.is_text else self.plain


SHORT_CODE: Final = 32
"""Characters of a code that stay in one line."""

NOTHING: Final = Cell(Markup('<span class="mute">\u2013</span>'), "")


class CellWriter:
    """Makes the cells of one page: for its reader, and by the decimals of the service's credit types."""

    def __init__(self, visit: Visit, types: Mapping[str, CreditType]) -> None:
        """Write for whoever has asked for a page."""
        self.visit = visit
        self.types = types
        self._texts: Texts = visit.reader.texts
        self._language = visit.reader.language

    def text(self, key: str, **values: "Cell | str | int") -> Cell:
        """Return a text of ours, with cells or words of others in its places."""
        shown = {name: value.html if isinstance(value, Cell) else value for name, value in values.items()}
        plain = {name: value.plain if isinstance(value, Cell) else value for name, value in values.items()}
        return Cell(self._texts(key, **shown), self._texts.template(key, values).format(**plain))

    def said(self, text: str) -> Cell:
        """Return what somebody has written."""
        return Cell(Markup('<span dir="auto">{}</span>').format(text), text) if text else NOTHING

    def quoted(self, text: str) -> Cell:
        """Return what somebody has written, cut to the room that there is."""
        if not text:
            return NOTHING
        return Cell(Markup('<span class="cut" dir="auto" title="{}">{}</span>').format(text, text), text)

    def code(self, text: str) -> Cell:
        """Return a code of the service's or a provider's, which is the same in all languages; a long one in lines."""
        if not text:
            return NOTHING
        return Cell(Markup('<bdi class="id{}">{}</bdi>').format(" wrap" if len(text) > SHORT_CODE else "", text), text)

    def identifier(self, value: str, path: str = "", *, is_whole: bool = False) -> Cell:
        """Return an id, in the middle cut if it is long, that leads to a page if there is one."""
        if not value:
            return NOTHING
        shown = identifier(value, whole=is_whole)
        return Cell(Markup('<a href="{}">{}</a>').format(path, shown) if path else shown, value)

    def account(self, account_id: str) -> Cell:
        """Return an account, which leads to its page."""
        return self.identifier(account_id, self.visit.account_path(account_id)) if account_id else NOTHING

    def resource(self, name: str, path: str = "") -> Cell:
        """Return what a resource name names by its last part, and leads to its page."""
        cell = self.identifier(name.rpartition("/")[2], path or resource_path(self.visit, name))
        return Cell(cell.html, name)

    def time(self, timestamp: Timestamp, *, with_seconds: bool = False) -> Cell:
        """Return a time by the reader's clock; in a CSV file it is in UTC."""
        if not (timestamp.seconds or timestamp.nanos):
            return NOTHING
        moment = timestamp.ToDatetime(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return Cell(self.visit.reader.instant(timestamp, self.visit.now, with_seconds=with_seconds), moment)

    def waiting_time(self, timestamp: Timestamp, *, waits: bool, with_seconds: bool = False) -> Cell:
        """Return a time, and while somebody is waited for also how long ago that is; a CSV file has the time alone."""
        cell = self.time(timestamp, with_seconds=with_seconds)
        if not waits or not cell.plain:
            return cell
        age = self.visit.reader.age(timestamp, self.visit.now)
        return Cell(Markup("{} {}").format(cell.html, age), cell.plain)

    def instant(self, microseconds: int) -> Cell:
        """Return a time that is stated in microseconds since the Unix epoch; as it is where no calendar has it."""
        moment = Timestamp()
        try:
            moment.FromMicroseconds(microseconds)
            return self.time(moment, with_seconds=True)
        except (ValueError, OverflowError):
            return self.number(microseconds)

    def number(self, number: int) -> Cell:
        """Return a number of something."""
        if not number:
            return Cell(Markup('<i class="nil">0</i>'), "0", is_text=False)
        return Cell(Markup("<bdi>{}</bdi>").format(figure(number, 0, self._language)), str(number), is_text=False)

    def credits(self, amount: int, credit_type: str, *, is_signed: bool = False, is_bare: bool = False) -> Cell:
        """Return an amount of a credit type, with its name behind unless it is bare."""
        decimals = self.types[credit_type].decimals if credit_type in self.types else 0
        if not amount:
            return Cell(Markup('<i class="nil">0</i>'), plain_amount(0, decimals), credit_type, is_text=False)
        shown = (signed if is_signed else figure)(amount, decimals, self._language)
        kind = "" if is_bare else Markup(" <small>{}</small>").format(credit_type)
        plain = plain_amount(amount, decimals)
        return Cell(Markup("<bdi>{}{}</bdi>").format(shown, kind), plain, credit_type, is_text=False)

    def typed(self, amount: int, credit_type: str) -> str:
        """Return an amount of a credit type as one would type it into a form."""
        decimals = self.types[credit_type].decimals if credit_type in self.types else 0
        return typed(amount, decimals, self._language)

    def money(self, amount: int, currency: str) -> Cell:
        """Return an amount of money, its currency in front."""
        decimals = money_decimals(currency)
        shown = figure(amount, decimals, self._language)
        html = Markup("<bdi><small>{}</small> {}</bdi>").format(currency, shown)
        return Cell(html, plain_amount(amount, decimals), currency, is_text=False)

    def word(self, enum: Any, value: int) -> Cell:
        """Return the word for a value of an enum."""
        key = enum_word(enum, value)
        return self.text(key if self._texts.knows(key) else UNKNOWN)

    def state(self, enum: Any, value: int) -> Cell:
        """Return the word for a state, with the icon and the tint that it always has."""
        word = self.word(enum, value)
        return self.tag(look_of(enum_word(enum, value)), word)

    def tag(self, look: tuple[str, str], word: Cell) -> Cell:
        """Return a word with an icon: in a tint, or quiet if all is as it should be."""
        tint, icon = look
        mark = Markup('<i class="i s i-{}"></i>').format(icon)
        if tint == "quiet":
            return Cell(Markup('<span class="dotted soft">{}{}</span>').format(mark, word.html), word.plain)
        return Cell(Markup('<span class="tag {}">{}{}</span>').format(tint, mark, word.html), word.plain)

    def mode(self, *, is_live: bool) -> Cell:
        """Return whether money is real."""
        word = self.text("live" if is_live else "test_mode")
        return Cell(Markup('<span class="tag">{}</span>').format(word.html), word.plain)

    def yes_or_no(self, *, is_so: bool) -> Cell:
        """Return yes or no."""
        return self.text("yes" if is_so else "no")

    def under(self, first: Cell, second: Cell) -> Cell:
        """Return one cell with another one below it, in small."""
        plain = " · ".join(part.plain for part in (first, second) if part.plain)
        return Cell(Markup('{}<span class="sub">{}</span>').format(first.html, second.html), plain)

    def beside(self, cells: Iterable[Cell]) -> Cell:
        """Return cells in one line."""
        parts = [cell for cell in cells if cell.plain]
        if not parts:
            return NOTHING
        return Cell(Markup(" · ").join(part.html for part in parts), ", ".join(_whole(part) for part in parts))


def _whole(cell: Cell) -> str:
    return f"{cell.plain} {cell.unit}".strip()
