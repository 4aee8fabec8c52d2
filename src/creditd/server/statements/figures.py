"""Amounts and times as statements write them."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from creditd.domain.instant import Instant

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def local_time(instant: Instant, zone: tzinfo) -> datetime:
    """Return an instant as the clocks of a zone showed it."""
    return (_EPOCH + timedelta(microseconds=instant)).astimezone(zone)


def written_time(instant: Instant, zone: tzinfo) -> str:
    """Write an instant for people, as the clocks of a zone showed it, to the second."""
    return local_time(instant, zone).strftime("%Y-%m-%d %H:%M:%S")


def plain_amount(amount: int, decimals: int) -> str:
    """Write an amount of the smallest unit in whole units: 1250 of 2 decimals is 12.50. Exact, with no grouping."""
    if not decimals:
        return str(amount)
    sign, digits = ("-" if amount < 0 else ""), str(abs(amount)).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"


_SEPARATORS: Final = {"vi": (".", ",")}
"""Of thousands and of decimals, where they are not those of English; Thai and Hebrew have these too."""


def read_amount(amount: int, decimals: int, language: str) -> str:
    """Write an amount as people of a language read it: 1,234.50, or in Vietnamese 1.234,50."""
    of_thousands, of_decimals = _SEPARATORS.get(language, (",", "."))
    whole, _, fraction = plain_amount(amount, decimals).partition(".")
    digits = f"{int(whole.lstrip('-')):,}".replace(",", of_thousands)
    sign = "-" if amount < 0 else ""
    return f"{sign}{digits}{of_decimals if fraction else ''}{fraction}"


_NO_DECIMALS: Final = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_THREE_DECIMALS: Final = "BHD JOD KWD OMR TND"
"""Of currencies as providers count them (https://docs.stripe.com/currencies#zero-decimal): all others have two."""


def read_money(amount: int, currency: str, language: str) -> str:
    """Write an amount of a currency's smallest unit, with its code: 1,234.50 THB."""
    decimals = 0 if currency in _NO_DECIMALS.split() else 3 if currency in _THREE_DECIMALS.split() else 2
    return f"{read_amount(amount, decimals, language)} {currency}"
