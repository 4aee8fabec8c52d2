"""Amounts and times as statements write them."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from creditd.csv_cells import plain_amount
from creditd.currencies import money_decimals
from creditd.domain.instant import Instant

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def local_time(instant: Instant, zone: tzinfo) -> datetime:
    """Return an instant as the clocks of a zone showed it."""
    return (_EPOCH + timedelta(microseconds=instant)).astimezone(zone)


def written_time(instant: Instant, zone: tzinfo) -> str:
    """Write an instant for people, as the clocks of a zone showed it, to the second."""
    return local_time(instant, zone).strftime("%Y-%m-%d %H:%M:%S")


_SEPARATORS: Final = {"vi": (".", ",")}
"""Of thousands and of decimals, where they are not those of English; Thai and Hebrew have these too."""


def read_amount(amount: int, decimals: int, language: str) -> str:
    """Write an amount as people of a language read it: 1,234.50, or in Vietnamese 1.234,50."""
    of_thousands, of_decimals = _SEPARATORS.get(language, (",", "."))
    whole, _, fraction = plain_amount(amount, decimals).partition(".")
    digits = f"{int(whole.lstrip('-')):,}".replace(",", of_thousands)
    sign = "-" if amount < 0 else ""
    return f"{sign}{digits}{of_decimals if fraction else ''}{fraction}"


def read_money(amount: int, currency: str, language: str) -> str:
    """Write an amount of a currency's smallest unit, with its code: 1,234.50 THB."""
    return f"{read_amount(amount, money_decimals(currency), language)} {currency}"
