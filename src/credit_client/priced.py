"""What a function costs: figures that are stated once, or found in what it is called with."""

from collections.abc import Callable, Mapping
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import Any, TypeVar

Value = TypeVar("Value", str, int)

StatedName = str | Callable[..., str]
"""A name, or a function of the same arguments that gives it."""

StatedAmount = int | Callable[..., int]
"""A number, or a function of the same arguments that gives it."""


def stated(value: Value | Callable[..., Value], arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Value:
    """Return a figure for a call with these arguments."""
    return value if isinstance(value, str | int) else value(*arguments, **named)


def require_whole(function: object, *, is_awaited: bool) -> None:
    """Raise TypeError for a function that has done nothing yet when its call returns: it would be paid for unseen.

    Such are generators, and coroutines unless the call ``is_awaited``.
    """
    is_coroutine = not is_awaited and iscoroutinefunction(function)
    if is_coroutine or isgeneratorfunction(function) or isasyncgenfunction(function):
        raise TypeError(f"{function} only begins when it is called: hold credits by reserve, around where it runs")
