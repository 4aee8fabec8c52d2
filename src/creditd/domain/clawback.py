"""Clawback and Restore: what a refund or a dispute at a payment provider does to the credits that were bought.

Purchased credits are taken as far as they are available, and only the rest is owed. So the figures follow from the
balance and from how much is taken back in all, whatever the steps that led there (requirement E5).
"""

from creditd.domain import errors
from creditd.domain.adjusting import add
from creditd.domain.commands import Add, Clawback, Restore
from creditd.domain.entry import EntryKind
from creditd.domain.grants import Grant, Source, take
from creditd.domain.instant import Instant
from creditd.domain.wallet import MAX_BALANCE, Movement, Rules, Shift, Wallet, moved


def claw_back(wallet: Wallet, command: Clawback, now: Instant) -> Movement:
    """Take available purchased credits, those of the grants named first, each part in spend order; the rest is debt.

    Free, promo and admin credits stay, and so does what reservations hold: it pays the debt when it comes back. A plan
    and a suspension hinder nothing. Raises AccountClosed, BalanceTooLarge (the debt would exceed what an int64 holds).
    """
    wallet.account.require_open()
    bought = _purchased(wallet, command.grant_ids)
    amount = min(command.amount, sum(grant.remaining for grant in bought))
    owed = command.amount - amount
    if wallet.debt + owed > MAX_BALANCE:
        raise errors.BalanceTooLarge(amount=owed, total=wallet.debt, maximum=MAX_BALANCE)
    taken = take(bought, amount)
    changed = {grant.grant_id: grant for grant in taken.changed}
    after = [changed.get(grant.grant_id, grant) for grant in wallet.grants]
    live = tuple([grant for grant in after if grant.remaining])
    shift = Shift(-amount, 0, live, taken.changed, taken.slices, owed)
    return moved(wallet, EntryKind.CLAWBACK, command.amount, shift, command.origin, now)


def _purchased(wallet: Wallet, first: tuple[str, ...]) -> tuple[Grant, ...]:
    """Return the live purchased grants: those named first, then the others, both in spend order."""
    named = frozenset(first)
    bought = [grant for grant in wallet.grants if grant.source == Source.PURCHASED]
    return tuple(sorted(bought, key=lambda grant: grant.grant_id not in named))


def restore(wallet: Wallet, command: Restore, now: Instant, rules: Rules) -> Movement:
    """Give back what a clawback took, as a new purchased grant that pays a debt first.

    The grants that it was taken from stay as they are: what was spent of them may still come back by a refund, and none
    may ever hold more than came in with it. Raises AccountClosed, BalanceTooLarge.
    """
    grant = Add(command.origin, EntryKind.RESTORE, command.grant_id, Source.PURCHASED, command.amount)
    return add(wallet, grant, now, rules)
