"""Amounts as people read and type them: whole, grouped by language, with the credit type's decimals."""

import re
from typing import Final

MAX_AMOUNT: Final = 2**63 - 1

MINUS: Final = "\u2212"

_COMMA_LANGUAGES: Final = frozenset({"vi"})
"""Whose decimals stand behind a comma, and whose thousands are parted by points."""


class UnreadableAmount(ValueError):
    """A text that is no amount: ``problem`` is the key of the text that says why."""

    def __init__(self, problem: str) -> None:
        """State why."""
        super().__init__(problem)
        self.problem = problem


def figure(amount: int, decimals: int, language: str) -> str:
    """Return an amount of the smallest unit, such as 1,816 or 12.50."""
    group, point = _marks(language)
    digits = str(abs(amount)).rjust(decimals + 1, "0")
    whole = digits[: len(digits) - decimals]
    grouped = re.sub(r"\B(?=(\d{3})+$)", group, whole)
    sign = MINUS if amount < 0 else ""
    return f"{sign}{grouped}{point}{digits[-decimals:]}" if decimals else f"{sign}{grouped}"


def signed(amount: int, decimals: int, language: str) -> str:
    """Return an amount with its sign, a plus as well."""
    return ("+" if amount > 0 else "") + figure(amount, decimals, language)


def typed(amount: int, decimals: int, language: str) -> str:
    """Return an amount as one would type it: not grouped."""
    return figure(amount, decimals, language).replace(_marks(language)[0], "")


def amount_of(text: str, decimals: int, language: str) -> int:
    """Return a typed amount in the smallest unit, from 1 on. Raises UnreadableAmount.

    Groups may be there or not; where they are, they have to be of three: 1,50 is no amount in English.
    """
    group, point = _marks(language)
    kept = re.sub(r"[\s\u00a0\u202f\u2066-\u2069\u200e\u200f]", "", text)
    pattern = rf"(?P<whole>[0-9]{{1,19}}|[0-9]{{1,3}}(?:{re.escape(group)}[0-9]{{3}}){{1,6}})"
    matched = re.fullmatch(rf"{pattern}(?:{re.escape(point)}(?P<part>[0-9]{{1,9}}))?", kept)
    if not matched:
        raise UnreadableAmount("amount.unreadable")
    part = matched["part"] or ""
    if len(part.rstrip("0")) > decimals:
        raise UnreadableAmount("amount.decimals" if decimals else "amount.whole")
    amount = int(matched["whole"].replace(group, "") + part[:decimals].ljust(decimals, "0"))
    if not 0 < amount <= MAX_AMOUNT:
        raise UnreadableAmount("amount.range")
    return amount


def per_cent(hundredths: int) -> str:
    """Return a share as SVG has it, from hundredths of a per cent: in whole numbers, which lose nothing."""
    return f"{hundredths // 100}.{hundredths % 100:02d}%"


def _marks(language: str) -> tuple[str, str]:
    return (".", ",") if language in _COMMA_LANGUAGES else (",", ".")
