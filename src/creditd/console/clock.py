"""The console's time."""

from collections.abc import Callable

Clock = Callable[[], float]
"""Gives the seconds since the Unix epoch."""
