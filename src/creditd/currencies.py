"""Currencies as payment providers count them."""

from decimal import Decimal
from typing import Final

_NO_DECIMALS: Final = frozenset(["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA"]) | frozenset(
    ["PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)
_THREE_DECIMALS: Final = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
"""https://docs.stripe.com/currencies#zero-decimal: all others have two."""


def money_decimals(currency: str) -> int:
    """Return how many decimals a currency's smallest unit stands for, by its ISO 4217 code: 2 for THB."""
    if currency in _NO_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


def money_text(amount: int, currency: str) -> str:
    """Return an amount that is counted in the smallest unit as staff read it: 59000 and THB are ``590.00 THB``."""
    return f"{Decimal(amount).scaleb(-money_decimals(currency)):f} {currency}"
