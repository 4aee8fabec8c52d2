"""The keys of the words for the values of the protos' enums, and the words that stand for them in a URL."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

UNKNOWN: Final = "something_newer"
"""The key of the word for a value that a newer service knows."""


@cache
def enum_words(enum: Any) -> Mapping[str, int]:
    """Return the values of an enum but the one that states nothing, each by its own word: PENDING is ``pending``."""
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", enum.DESCRIPTOR.name).lower()
    return {name.lower().removeprefix(f"{snake}_"): number for name, number in enum.items() if number}


def enum_word(enum: Any, value: int) -> str:
    """Return the key of the word for a value: that of the enum, and its own."""
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", enum.DESCRIPTOR.name).lower()
    word = next((word for word, number in enum_words(enum).items() if number == value), None)
    return f"{snake}.{word}" if word else UNKNOWN
