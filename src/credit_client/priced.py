"""What a function costs: figures that are stated once, or found in what it is called with."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Value = TypeVar("Value", str, int)

StatedName = str | Callable[..., str]
"""A name, or a function of the same arguments that gives it."""

StatedAmount = int | Callable[..., int]
"""A number, or a function of the same arguments that gives it."""


def stated(value: Value | Callable[..., Value], arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Value:
    """Return a figure for a call with these arguments."""
    return value if isinstance(value, str | int) else value(*arguments, **named)
