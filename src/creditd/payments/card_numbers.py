"""Card numbers: masked anywhere in a document before it is stored."""

import itertools
import re
from collections.abc import Iterator
from typing import Any, Final

MASK: Final = "*"
"""Replaces each digit, so that the place and length of a number can still be seen."""

MAX_DEPTH: Final = 64
"""Providers nest to about ten levels. Anything deeper is masked whole, so that no document exhausts the stack."""

_LENGTHS: Final = range(13, 20)
"""Digits of a card number, from the shortest to the longest in use (ISO/IEC 7812-1)."""

_RUN: Final = re.compile(
    r"(?P<uuid>\b[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b)|[0-9]+(?:[ -][0-9]+)*"
)
"""Digits, with single spaces or dashes between groups. A UUID is matched whole: no card number is grouped like it."""

_GROUP: Final = re.compile(r"[0-9]+")

_DIGIT: Final = re.compile(r"[0-9]")


def scrubbed(document: Any) -> Any:
    """Return a JSON document without card numbers: in its texts, names and whole numbers, at any depth.

    A number that is masked becomes a text. Everything else is left as it is; the given document is not changed.
    """
    return _scrubbed(document, MAX_DEPTH)


def scrubbed_text(text: str) -> str:
    """Return a text with every digit masked that may belong to a card number.

    A card number has 13 to 19 digits, in one group or in several separated by a space or a dash, and passes the Luhn
    check (ISO/IEC 7812-1, annex B). One in ten other numbers of that length passes as well. UUIDs are left as they are.
    """
    return _RUN.sub(_masked, text)


def _scrubbed(value: Any, depth: int) -> Any:
    match value:
        case str():
            value = scrubbed_text(value)
        case int() | float() if not isinstance(value, bool) and value == value // 1:
            value = _scrubbed_number(value)
        case dict() | list() if not depth:
            value = MASK
        case dict():
            value = {scrubbed_text(name): _scrubbed(inner, depth - 1) for name, inner in value.items()}
        case list():
            value = [_scrubbed(inner, depth - 1) for inner in value]
    return value


def _scrubbed_number(number: float) -> float | str:
    text = str(int(number))
    masked = scrubbed_text(text)
    return number if masked == text else masked


def _masked(run: re.Match[str]) -> str:
    text = run.group()
    if run["uuid"]:
        return text
    characters, done = list(text), 0
    for start, end in _card_numbers(list(_GROUP.finditer(text))):
        # Matches come in order of their starts, so digits that are already masked need not be masked again.
        if end > done:
            fresh = slice(max(start, done), end)
            characters[fresh] = _DIGIT.sub(MASK, text[fresh])
            done = end
    return "".join(characters)


def _card_numbers(groups: list[re.Match[str]]) -> Iterator[tuple[int, int]]:
    """Find where adjacent groups form a card number; a date or a code may stand right before or after it."""
    digits = "".join(group.group() for group in groups)
    edges = [0, *itertools.accumulate(len(group.group()) for group in groups)]
    sums = [_luhn_sums(digits, parity) for parity in range(2)]
    for first, start in enumerate(edges[:-1]):
        # A group has one digit at least, so that no more of them can belong together.
        for last, end in enumerate(edges[first + 1 : first + _LENGTHS.stop], first):
            # Every second digit from the last but one is doubled.
            luhn = sums[end % 2]
            if end - start in _LENGTHS and (luhn[end] - luhn[start]) % 10 == 0:
                yield groups[first].start(), groups[last].end()


def _luhn_sums(digits: str, parity: int) -> list[int]:
    """Add digits up from the first on, those at places of this parity doubled and their own digits added up."""
    doubled = (
        sum(divmod(2 * int(digit), 10)) if place % 2 == parity else int(digit) for place, digit in enumerate(digits)
    )
    return [0, *itertools.accumulate(doubled)]
