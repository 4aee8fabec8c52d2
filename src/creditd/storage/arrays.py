"""PostgreSQL array literals, for statements that write many rows from a few parameters.

Joining text beats the driver's element-by-element adaptation several times over, which on the write path is a good part
of the whole (see docs/decisions/0003-array-literals.md).
"""

from collections.abc import Iterable


def numbers(values: Iterable[int | None]) -> str:
    """Write an array of numbers; None becomes NULL."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def flags(values: Iterable[bool]) -> str:
    """Write an array of booleans."""
    return "{" + ",".join(["t" if value else "f" for value in values]) + "}"


def identifiers(values: Iterable[str | None]) -> str:
    """Write an array of UUIDs, which need no quotes; None becomes NULL."""
    return "{" + ",".join(["NULL" if value is None else value for value in values]) + "}"


def texts(values: Iterable[str | None]) -> str:
    """Write an array of any texts or JSON documents; None becomes NULL."""
    return "{" + ",".join(["NULL" if value is None else _quoted(value) for value in values]) + "}"


def _quoted(value: str) -> str:
    if "\\" in value or '"' in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'
