"""The words of statements, in the languages of the service."""

from collections.abc import Mapping
from importlib import resources
from typing import Final

import orjson

from creditd.server.texts import LANGUAGES


def _read_words(language: str) -> dict[str, str]:
    file = resources.files("creditd.server") / "locales" / "statements" / f"{language}.json"
    words: dict[str, str] = orjson.loads(file.read_bytes())
    return words


def is_right_to_left(language: str) -> bool:
    """Tell whether one of the languages is read from right to left."""
    return language == "he"


WORDS: Final[Mapping[str, Mapping[str, str]]] = {language: _read_words(language) for language in LANGUAGES}
"""Language, then the name of a word; every language has every name."""
