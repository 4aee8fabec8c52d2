"""What a function costs: figures that are stated once, or found in what it is called with."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Value = TypeVar("Value", str, int)

Stated = Value | Callable[..., Value]
"""A figure, or a function of the same arguments that gives it."""


def stated(value: Stated[Value], arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Value:
    """Return a figure for a call with these arguments."""
    return value if isinstance(value, str | int) else value(*arguments, **named)
