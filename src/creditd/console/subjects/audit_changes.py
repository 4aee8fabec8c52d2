"""What an act has changed, as the audit log has it before and after: each field in the unit that it is in."""

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, Final, NamedTuple

import orjson

from creditd.console.shapes.cells import Cell, CellWriter

_MAX_SHOWN: Final = 6
"""Of the fields that an act has changed."""

_MAX_VALUE: Final = 80
"""Characters of what a field was, and is."""

_SECOND: Final = 1_000_000
"""Microseconds, in which the log has times."""

_TIMES: Final = ("_time", "_until", "rotation_end", "since")
"""How the names of fields end that are times."""

_CREDITS: Final = frozenset(
    {"available", "reserved", "debt", "credits", "bonus", "least", "most", "hourly", "daily", "below"}
)
"""Fields that are credits where a credit type stands beside them; what a velocity rule counts has none."""

_MONEY: Final = frozenset({"amount", "minimum_amount", "refunded"})

_GIVEN: Final = frozenset({"given", "most_per_use", "reversed"})
"""Fields that are credits of whatever type; of a discount they are money."""

_ROW_KEYS: Final = ("credit_type", "spender_id")
"""What tells the rows of one list apart."""


class ToldUnit(Enum):
    """What a field counts."""

    NOTHING = "it is a text, or a number of something"
    TIME = "microseconds since the Unix epoch"
    SPAN = "microseconds"
    CREDITS = "a credit type's smallest unit"
    MONEY = "a currency's smallest unit"


class ToldField(NamedTuple):
    """A field: its value as the log has it, what it counts, and of which credit type or currency, as far as is known.

    That of a credit type that ``is_named`` stands in the field's name.
    """

    value: Any
    unit: ToldUnit = ToldUnit.NOTHING
    of: str = ""
    is_named: bool = False


def changed_cells(write: CellWriter, before: str, after: str) -> list[Cell]:
    """Return how two texts of JSON differ, field by field; the first _MAX_SHOWN fields."""
    was, is_now = _fields(before), _fields(after)
    names = [name for name in {**was, **is_now} if was.get(name) != is_now.get(name)]
    return [_change(write, name, was.get(name), is_now.get(name)) for name in names[:_MAX_SHOWN]]


def _change(write: CellWriter, name: str, before: ToldField | None, after: ToldField | None) -> Cell:
    if before is None:
        return write.text("label", name=name, value=_cell(write, after))
    return write.text("audit.change", name=name, before=_cell(write, before), after=_cell(write, after))


def _cell(write: CellWriter, field: ToldField | None) -> Cell:
    """Return a field as people read it; a dash for none."""
    if field is None:
        return write.said("-")
    match field.unit:
        case ToldUnit.TIME:
            return write.instant(field.value)
        case ToldUnit.SPAN:
            return write.code(f"{field.value // _SECOND} s")
        case ToldUnit.CREDITS | ToldUnit.MONEY:
            return _sum(write, field)
        case _:
            return write.said(_shown(field.value))


def _sum(write: CellWriter, field: ToldField) -> Cell:
    """Return an amount of credits or money, or that it is in the smallest unit where it is not known of what."""
    value, of, is_money = field.value, field.of, field.unit is ToldUnit.MONEY
    if not of:
        number = write.number(value)
        return (
            write.text("smallest_unit.money", amount=number)
            if is_money
            else write.text("smallest_unit.credits", amount=number)
        )
    if field.is_named and not is_money:
        return write.credits(value, of, is_bare=True)
    cell = write.money(value, of) if is_money else write.credits(value, of)
    # Within a text: a file has the unit beside it.
    return Cell(cell.html, f"{cell.plain} {cell.unit}")


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}\u2026"


def _fields(text: str) -> dict[str, ToldField]:
    """Return the fields of a text of JSON that state something, by their names."""
    try:
        read = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        # Whole numbers of more than 64 bits, or what a newer service writes.
        return {"": ToldField(text)}
    if not isinstance(read, dict):
        return {"": ToldField(text)}
    found = (one for name, value in read.items() for one in _of(name, value, read))
    return {name: field for name, field in found if field.value not in (None, "")}


def _of(name: str, value: Any, within: Mapping[str, Any]) -> Iterator[tuple[str, ToldField]]:
    """Yield a field, or those that it consists of, one level down."""
    if isinstance(value, dict) and value.keys() == {"amount", "currency"}:
        yield name, _field("amount", value["amount"], value)
    elif isinstance(value, dict) and name == "amounts":
        yield from ((f"{name} {code}", _amount(amount, code)) for code, amount in value.items())
    elif isinstance(value, dict):
        yield from ((f"{name} {part}", _field(part, one, value)) for part, one in value.items())
    elif isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        yield from _of_rows("" if name == "balances" else name, value)
    else:
        yield name, _field(name, value, within)


def _of_rows(name: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, ToldField]]:
    """Yield the fields of the rows of a list, each with what tells its row apart in its name."""
    for number, row in enumerate(rows, 1):
        keys = [str(row[key]) for key in _ROW_KEYS if row.get(key)] or [str(number)]
        for part, value in row.items():
            if part not in {*_ROW_KEYS, "version"}:
                yield " ".join(filter(None, (name, *keys, part))), _field(part, value, row)._replace(is_named=True)


def _amount(amount: Any, credit_type: str) -> ToldField:
    """Return an amount that is to be taken; none stated is all that there is."""
    if not _is_whole(amount):
        return ToldField(_shown(amount))
    return ToldField(amount, ToldUnit.CREDITS, credit_type, is_named=True)


def _field(name: str, value: Any, within: Mapping[str, Any]) -> ToldField:
    """Return a field with what it counts, by its name and what stands beside it."""
    if not _is_whole(value):
        return ToldField(value)
    terms = within.get("terms") if name == "given" else within
    beside = terms if isinstance(terms, dict) else within
    credit_type, currency = str(beside.get("credit_type") or ""), str(beside.get("currency") or "")
    unit, of = ToldUnit.NOTHING, ""
    if name.endswith(_TIMES):
        unit = ToldUnit.TIME
    elif name.endswith("_lifetime"):
        unit = ToldUnit.SPAN
    elif name in _MONEY or (name in _GIVEN and beside.get("kind") == "PERCENT_DISCOUNT"):
        unit, of = ToldUnit.MONEY, currency
    elif name in _GIVEN or (name in _CREDITS and credit_type):
        unit, of = ToldUnit.CREDITS, credit_type
    return ToldField(value, unit, of)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
