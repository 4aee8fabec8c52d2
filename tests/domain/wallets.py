"""Wallets to begin an example with.

A grant is named after its source unless the example gives it a name; names sort by age, as grant ids do.
"""

from creditd.domain.account import AccountStatus, new_account
from creditd.domain.grants import Grant, Slice, Source, in_spend_order
from creditd.domain.instant import SECOND, Instant, earliest
from creditd.domain.reservation import Reservation
from creditd.domain.wallet import Rules, Wallet, new_wallet

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

START = Instant(1_750_000_000 * SECOND)
"""When every example begins."""

RULES = Rules()
"""What holds where nothing is configured: holds of 5 minutes and of a day at most, a grace of a day."""


def after(microseconds: int) -> Instant:
    """Return the instant that comes so long after the start."""
    return Instant(START + microseconds)


def free(amount: int, grant_id: str = "free", *, expires: Instant | None = None) -> Grant:
    return Grant(grant_id, Source.FREE, amount, expires)


def promo(amount: int, grant_id: str = "promo", *, expires: Instant | None = None) -> Grant:
    return Grant(grant_id, Source.PROMO, amount, expires)


def admin(amount: int, grant_id: str = "admin", *, expires: Instant | None = None) -> Grant:
    return Grant(grant_id, Source.ADMIN, amount, expires)


def purchased(amount: int, grant_id: str = "purchased", *, expires: Instant | None = None) -> Grant:
    return Grant(grant_id, Source.PURCHASED, amount, expires)


def wallet(*grants: Grant, debt: int = 0, rules: Rules = RULES) -> Wallet:
    """Return an active account's wallet with these grants, in whatever order they are given."""
    next_expire_time: Instant | None = None
    for grant in grants:
        next_expire_time = earliest(next_expire_time, grant.expire_time)
    return new_wallet(new_account("alice", START), "spec")._replace(
        available=sum(grant.remaining for grant in grants),
        debt=debt,
        grants=in_spend_order(grants, rules.order),
        next_expire_time=next_expire_time,
    )


def with_status(held_by: Wallet, status: AccountStatus) -> Wallet:
    """Return the wallet with its account active, suspended or closed."""
    return held_by._replace(account=held_by.account._replace(status=status))


def with_plan(held_by: Wallet, *, unlimited: bool = True, until: Instant | None = None) -> Wallet:
    """Return the wallet with its account's unlimited plan switched on or off, which is a new version of the account."""
    version = held_by.account.version + 1
    account = held_by.account._replace(version=version, unlimited=unlimited, unlimited_until=until)
    return held_by._replace(account=account)


def left(held: Wallet) -> dict[str, int]:
    """Return what is left to spend, by grant, in spend order."""
    return {grant.grant_id: grant.remaining for grant in held.grants}


def by_source(held: Wallet) -> dict[Source, int]:
    """Return what is left to spend, by source."""
    sums = dict.fromkeys(Source, 0)
    for grant in held.grants:
        sums[grant.source] += grant.remaining
    return {source: amount for source, amount in sums.items() if amount}


def parts(slices: tuple[Slice, ...]) -> list[tuple[str, int]]:
    """Return slices as pairs of grant and amount."""
    return [(part.grant_id, part.amount) for part in slices]


def used(spent: Reservation) -> int:
    """Return what a reservation's work has cost after all refunds."""
    return spent.confirmed - spent.refunded
