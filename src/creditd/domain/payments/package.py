"""Packages: credits sold together at a price."""

from typing import NamedTuple

from creditd.domain.instant import Instant


class Money(NamedTuple):
    """An amount in the smallest unit of a currency; the code is ISO 4217, in capitals."""

    amount: int
    currency: str


class Package(NamedTuple):
    """Credits sold together. ``amount`` is the price in the currency's smallest unit."""

    package_id: str
    display_name: str
    amount: int
    currency: str
    credit_type: str
    credits: int
    bonus: int
    create_time: Instant
    retire_time: Instant | None = None
