"""Currencies as payment providers count them."""

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
