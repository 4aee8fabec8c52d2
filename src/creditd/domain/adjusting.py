"""Add and Remove: credits come in as a new grant, or are taken away."""

from creditd.domain import errors
from creditd.domain.commands import Add, Remove
from creditd.domain.debt import pay_debt
from creditd.domain.entry import EntryKind
from creditd.domain.grants import Grant, Slice, in_spend_order, take
from creditd.domain.instant import Instant
from creditd.domain.wallet import Movement, NewGrant, Rules, Shift, Wallet, moved


def add(wallet: Wallet, command: Add, now: Instant, rules: Rules) -> Movement:
    """Bring in a new grant; a purchased one pays a debt first.

    Raises AccountClosed, BalanceTooLarge, ExpiryInPast.
    """
    wallet.account.require_open()
    wallet.require_room(command.amount)
    errors.require_future("expire_time", command.expire_time, now)
    grant = Grant(command.grant_id, command.source, command.amount, command.expire_time)
    paid = pay_debt(wallet.debt, in_spend_order((*wallet.grants, grant), rules.order), (grant,))
    shift = Shift(
        command.amount - paid.amount,
        0,
        paid.live,
        paid.changed,
        (Slice(grant.grant_id, grant.source, grant.remaining, grant.expire_time),),
        -paid.amount,
        NewGrant(grant.grant_id, grant.source, command.amount, grant.expire_time),
    )
    return moved(wallet, command.kind, command.amount, shift, command.origin, now)


def remove(wallet: Wallet, command: Remove, now: Instant) -> Movement:
    """Take available credits away, in spend order. Raises AccountClosed, InsufficientCredit."""
    wallet.account.require_open()
    wallet.require_available(command.amount)
    taken = take(wallet.grants, command.amount)
    shift = Shift(-command.amount, 0, taken.live, taken.changed, taken.slices)
    return moved(wallet, EntryKind.ADMIN_REMOVE, command.amount, shift, command.origin, now)
