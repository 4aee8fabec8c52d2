"""PostgreSQL array literals, for statements that write many rows from a few parameters.

Joining text beats the driver's element-by-element adaptation several times over, which on the write path is a good part
of the whole (see docs/decisions/0003-array-literals.md). Each array is written by a few calls that loop in C: an array
of 64 costs about as much as three elements handled one by one in Python.
"""

from collections.abc import Iterable

_MISSING = "NULL"

_digits = int.__repr__
"""The digits of any integer, an IntEnum's too; and of nothing else: None is refused."""


def numbers(values: Iterable[int | None]) -> str:
    """Write an array of numbers; None becomes NULL."""
    values = tuple(values)
    if len(values) == 1:
        # As all of a lone call's are.
        return "{" + _number(values[0]) + "}"
    if _is_one_value(values):
        return _repeated(_number(values[0]), len(values))
    try:
        return of_elements(map(_digits, values))
    except TypeError:
        return of_elements(map(_number, values))


def flags(values: Iterable[bool]) -> str:
    """Write an array of booleans."""
    return of_elements(["t" if value else "f" for value in values])


def identifiers(values: Iterable[str | None]) -> str:
    """Write an array of UUIDs, which need no quotes; None becomes NULL."""
    values = tuple(values)
    try:
        return of_elements(values)  # type: ignore[arg-type] # None is what is caught.
    except TypeError:
        return of_elements([_MISSING if value is None else value for value in values])


def texts(values: Iterable[str | None]) -> str:
    """Write an array of any texts or JSON documents; None becomes NULL."""
    values = tuple(values)
    if len(values) == 1:
        return "{" + _text(values[0]) + "}"
    if not values:
        return "{}"
    if _is_one_value(values):
        return _repeated(_text(values[0]), len(values))
    try:
        joined = '","'.join(values)  # type: ignore[arg-type] # None is what is caught.
    except TypeError:
        return of_elements(map(_text, values))
    # Most arrays hold no quotes but those that were just put in between; else each text is quoted by itself.
    if "\\" not in joined and joined.count('"') == 2 * len(values) - 2:
        return '{"' + joined + '"}'
    return of_elements(map(quoted, values))  # type: ignore[arg-type] # None was caught above.


def of_elements(elements: Iterable[str]) -> str:
    """Write an array of what has been ``quoted``."""
    return "{" + ",".join(elements) + "}"


def quoted(value: str) -> str:
    """Write a text as an element of an array."""
    if "\\" in value or '"' in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'


def _is_one_value(values: tuple[object, ...]) -> bool:
    # Many columns of a batch hold the same value throughout. Ends that differ tell at once of most that do not.
    return bool(values) and values[0] == values[-1] and values.count(values[0]) == len(values)


def _repeated(element: str, count: int) -> str:
    return "{" + (element + ",") * (count - 1) + element + "}"


def _number(value: int | None) -> str:
    return _MISSING if value is None else _digits(value)


def _text(value: str | None) -> str:
    return _MISSING if value is None else quoted(value)
