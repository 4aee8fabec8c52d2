"""Debt is paid by purchased credits the moment that they become available, or written off by an administrator."""

from typing import NamedTuple

from creditd.domain import errors
from creditd.domain.commands import WriteOff
from creditd.domain.entry import EntryKind
from creditd.domain.grants import Grant, Source
from creditd.domain.instant import Instant
from creditd.domain.wallet import Movement, Shift, Wallet, moved


class Paid(NamedTuple):
    """The grants left live, all that changed, and how much was paid."""

    live: tuple[Grant, ...]
    changed: tuple[Grant, ...]
    amount: int


def pay_debt(debt: int, live: tuple[Grant, ...], changed: tuple[Grant, ...]) -> Paid:
    """Pay as much of a debt as the available purchased credits cover, so that debt and they never stand side by side.

    ``changed`` are the grants that the movement has touched so far; those that pay are merged into them.
    """
    if not debt:
        return Paid(live, changed, 0)
    left: list[Grant] = []
    touched = {grant.grant_id: grant for grant in changed}
    unpaid = debt
    for grant in live:
        part = min(unpaid, grant.remaining) if grant.source == Source.PURCHASED else 0
        if part:
            unpaid -= part
            grant = grant._replace(remaining=grant.remaining - part)  # noqa: PLW2901 - the same grant, after paying.
            touched[grant.grant_id] = grant
        if grant.remaining:
            left.append(grant)
    return Paid(tuple(left), tuple(touched.values()), debt - unpaid)


def write_off(wallet: Wallet, command: WriteOff, now: Instant) -> Movement:
    """Lower the debt; no credits move. Raises AccountClosed, AmountExceedsDebt (also where there is no debt)."""
    wallet.account.require_open()
    amount = wallet.debt if command.amount is None else command.amount
    if amount > wallet.debt or not amount:
        raise errors.AmountExceedsDebt(requested=amount, debt=wallet.debt)
    shift = Shift(0, 0, wallet.grants, debt=-amount)
    return moved(wallet, EntryKind.WRITE_OFF, amount, shift, command.origin, now)
