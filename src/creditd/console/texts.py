"""What pages say, by language. What is put into a sentence is isolated, so that it turns nothing around it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson
from markupsafe import Markup, escape

LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "vi": "Tiếng Việt", "th": "ไทย", "he": "עברית"}
"""Those that there are, each by its own name."""

RIGHT_TO_LEFT: Final = frozenset({"he"})

_FOLDER: Final = Path(__file__).with_name("locales")

CATALOGUE: Final[Mapping[str, Mapping[str, str]]] = {
    language: orjson.loads((_FOLDER / f"{language}.json").read_bytes()) for language in LANGUAGES
}
"""The texts, by language and key. English has all of them, and stands in where another lacks one."""


class Texts:
    """The texts of one language."""

    def __init__(self, language: str) -> None:
        """Speak a language of LANGUAGES."""
        self.language = language
        self._texts = CATALOGUE[language]

    def __call__(self, key: str, **values: Any) -> Markup:
        """Return a text as HTML; what is put into it is escaped, unless it is HTML already, and isolated."""
        isolated = {name: _isolated(value) for name, value in values.items()}
        return Markup(escape(self.template(key, values))).format(**isolated)  # noqa: S704 - it is escaped here.

    def plain(self, key: str, **values: Any) -> str:
        """Return a text for an attribute, with no HTML in it."""
        return self.template(key, values).format(**{name: f"\u2068{value}\u2069" for name, value in values.items()})

    def template(self, key: str, values: Mapping[str, Any]) -> str:
        """Return a text with its places still empty; that for one, where there is one, and a text for it."""
        if values.get("count") == 1 and f"{key}.one" in CATALOGUE["en"]:
            key = f"{key}.one"
        return self._texts.get(key) or CATALOGUE["en"][key]

    def knows(self, key: str) -> bool:
        """Tell whether there is such a text."""
        return key in CATALOGUE["en"]


def _isolated(value: Any) -> Markup:
    if hasattr(value, "__html__"):
        return Markup(value)  # noqa: S704 - it says by itself that it is HTML.
    return Markup('<bdi dir="auto">{}</bdi>').format(value)


def language_for(chosen: str, accepted: str) -> str:
    """Return the language of a page: the one chosen, else the first that a browser accepts and we have."""
    if chosen in LANGUAGES:
        return chosen
    wanted = sorted(_ranges(accepted), key=lambda pair: -pair[1])
    return next((language for language, _ in wanted if language in LANGUAGES), "en")


def _ranges(accepted: str) -> list[tuple[str, float]]:
    """Return the languages of an accept-language header, each with its weight; at most ten are looked at."""
    pairs = []
    for part in accepted.split(",")[:10]:
        name, _, weight = part.partition(";q=")
        try:
            pairs.append((name.strip().split("-")[0].lower(), float(weight or 1)))
        except ValueError:
            continue
    return pairs
