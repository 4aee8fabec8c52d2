"""What people read of an error: one text for each reason and language, and which language a caller wants."""

from collections import defaultdict
from collections.abc import Mapping
from importlib import resources
from typing import Final

import orjson

LANGUAGES: Final = ("en", "vi", "th", "he")
"""In the order in which they stand in for each other where the caller has no preference."""

DEFAULT_LANGUAGE: Final = LANGUAGES[0]

MAX_HEADER_CHARACTERS: Final = 256
"""Browsers send some dozens; a longer header is no list of languages that a person reads."""

_FORMER_CODES: Final = {"iw": "he"}
"""Java and old browsers still say `iw` for Hebrew."""


def _read_catalogue(language: str) -> dict[str, str]:
    file = resources.files("creditd.server") / "locales" / f"{language}.json"
    texts: dict[str, str] = orjson.loads(file.read_bytes())
    return texts


CATALOGUE: Final[Mapping[str, Mapping[str, str]]] = {language: _read_catalogue(language) for language in LANGUAGES}
"""Language, then reason, gives the text with its {placeholders}."""


def fill(text: str, facts: Mapping[str, object]) -> str:
    """Return the text with its placeholders filled from the facts; one that is not there shows as a question mark."""
    try:
        return text.format_map(facts)
    except KeyError:
        # An error about an error would hide the first one.
        return text.format_map(defaultdict(lambda: "?", facts))


def message_of(reason: str, language: str, facts: Mapping[str, object]) -> str:
    """Return what a person is told in one of LANGUAGES; every reason of the catalogue has a text in each."""
    return fill(CATALOGUE[language][reason], facts)


def language_of(accept_language: str) -> str:
    """Return the one of LANGUAGES that an Accept-Language header prefers (RFC 9110, 12.5.4); English if it names none.

    A region says nothing here: `th-TH` is Thai. What cannot be read is passed over, and so is a header of more than
    MAX_HEADER_CHARACTERS. Nothing is remembered: the header is the caller's, who may send ever new ones.
    """
    if not accept_language or len(accept_language) > MAX_HEADER_CHARACTERS:
        return DEFAULT_LANGUAGE
    weights = _weights(accept_language)
    rest = weights.get("*", 0.0)
    # `max` keeps the first of equals, so what the header names comes in its order, before what only `*` covers.
    named = [language for language in weights if language in LANGUAGES]
    unnamed = [language for language in LANGUAGES if language not in weights]
    best = max(named + unnamed, key=lambda language: weights.get(language, rest))
    return best if weights.get(best, rest) > 0 else DEFAULT_LANGUAGE


def _weights(accept_language: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for item in accept_language.split(","):
        tag, _, parameters = item.partition(";")
        primary = tag.strip().lower().partition("-")[0]
        language = _FORMER_CODES.get(primary, primary)
        weight = _weight(parameters)
        # `en-GB;q=0.9, en;q=0.1` is still somebody who reads English gladly.
        if weight is not None and weight > weights.get(language, -1.0):
            weights[language] = weight
    return weights


def _weight(parameters: str) -> float | None:
    name, _, value = parameters.strip().partition("=")
    if not name:
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return None
    return weight if name.strip().lower() == "q" and 0.0 <= weight <= 1.0 else None
