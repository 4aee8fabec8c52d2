"""How promo codes are written: what counts as the same code, and codes that nobody guesses."""

import re
import unicodedata
from collections.abc import Callable
from typing import Final

ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""What random codes are made of: without 0 and O, 1, I and L, and without U, which is read as V."""

RANDOM_LENGTH: Final = 16
"""Characters of a random code, in which there are 78 bits: who tries a thousand a second for a year, where a million
codes are in force, finds one with a chance of one in ten million."""

GROUP: Final = 4
"""Characters between two dashes, as people read them out."""

MAX_WRITTEN_LENGTH: Final = 200
"""Characters of a code as a person writes it, with whatever is between them; longer ones are nobody's."""

_NORMAL: Final = re.compile("[a-z0-9]{3,64}")

_DASHES: Final = frozenset("\u2212_")
"""What serves as a dash and is none to Unicode: the minus sign and the underscore."""


def normalised(written: str) -> str:
    """Return what a code as it is written stands for: codes that people take for the same are one text.

    Compatible forms, such as those of full width, become plain; case is folded; spaces, dashes and invisible
    characters, such as marks of direction, are left out. The result is normalised itself; it may be
    no possible code.
    """
    code, folded = written, _folded(written)
    # What is left out may have stood between two characters that are one now.
    while folded != code:
        code, folded = folded, _folded(folded)
    return code


def _folded(written: str) -> str:
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", written).casefold())
    return "".join(character for character in plain if not _is_between(character))


def _is_between(character: str) -> bool:
    return character.isspace() or character in _DASHES or unicodedata.category(character) in {"Pd", "Cf"}


def is_possible(code: str) -> bool:
    """Tell whether a normalised text can be a code: 3 to 64 letters of ASCII and digits."""
    return _NORMAL.fullmatch(code) is not None


def random_code(choose: Callable[[str], str], prefix: str = "") -> str:
    """Return a random code as it is shown, after a ``prefix``; ``choose`` draws one character, unpredictably."""
    drawn = "".join(choose(ALPHABET) for _ in range(RANDOM_LENGTH))
    groups = [drawn[start : start + GROUP] for start in range(0, RANDOM_LENGTH, GROUP)]
    return "-".join([prefix, *groups] if prefix else groups)
