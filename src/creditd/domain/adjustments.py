"""Adjustments: credits that come in or are taken away outside of holds, and debt that is written off.

Add, Remove and the sign-up credits; Clawback and Restore, which are what a refund or a dispute at a payment provider
does to the credits that were bought; WriteOff. A clawback takes purchased credits as far as they are available, and
only the rest is owed. So the figures follow from the balance and from how much is taken back in all, whatever the steps
that led there (requirement E5).
"""

from collections.abc import Callable, Mapping

from creditd.domain import errors
from creditd.domain.account import Account, new_account
from creditd.domain.commands import Add, Clawback, Remove, Restore, WriteOff
from creditd.domain.entry import EntryKind
from creditd.domain.grants import Grant, Slice, Source, in_spend_order, pay_debt, take
from creditd.domain.instant import Instant
from creditd.domain.wallet import MAX_BALANCE, Movement, NewGrant, Origin, Rules, Shift, Wallet, moved, new_wallet


def add(wallet: Wallet, command: Add, now: Instant, rules: Rules) -> Movement:
    """Bring in a new grant; a purchased one pays a debt first.

    Raises AccountClosed, VersionMismatch, BalanceTooLarge, ExpiryInPast.
    """
    wallet.account.require_open()
    wallet.require_version(command.version)
    wallet.require_room(command.amount)
    errors.require_future("expire_time", command.expire_time, now)
    grant = Grant(command.grant_id, command.source, command.amount, command.expire_time)
    paid = pay_debt(wallet.debt, in_spend_order((*wallet.grants, grant), rules.order), (grant,))
    shift = Shift(
        available=command.amount - paid.amount,
        reserved=0,
        live=paid.live,
        changed=paid.changed,
        slices=(Slice(grant.grant_id, grant.source, grant.remaining, grant.expire_time),),
        debt=-paid.amount,
        granted=NewGrant(grant.grant_id, grant.source, command.amount, grant.expire_time),
    )
    return moved(wallet, command.kind, command.amount, shift, command.origin, now)


def remove(wallet: Wallet, command: Remove, now: Instant) -> Movement:
    """Take available credits away, in spend order. Raises AccountClosed, VersionMismatch, InsufficientCredit."""
    wallet.account.require_open()
    wallet.require_version(command.version)
    wallet.require_available(command.amount)
    taken = take(wallet.grants, command.amount)
    shift = Shift(available=-command.amount, reserved=0, live=taken.live, changed=taken.changed, slices=taken.slices)
    return moved(wallet, EntryKind.ADMIN_REMOVE, command.amount, shift, command.origin, now)


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
    shift = Shift(available=-amount, reserved=0, live=live, changed=taken.changed, slices=taken.slices, debt=owed)
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


def write_off(wallet: Wallet, command: WriteOff, now: Instant) -> Movement:
    """Lower the debt; no credits move.

    Raises AccountClosed, VersionMismatch, AmountExceedsDebt (also where there is no debt).
    """
    wallet.account.require_open()
    wallet.require_version(command.version)
    amount = wallet.debt if command.amount is None else command.amount
    if amount > wallet.debt or not amount:
        raise errors.AmountExceedsDebt(requested=amount, debt=wallet.debt)
    shift = Shift(available=0, reserved=0, live=wallet.grants, debt=-amount)
    return moved(wallet, EntryKind.WRITE_OFF, amount, shift, command.origin, now)


SIGN_UP = Origin(actor="system", reason="sign-up credits")


def open_account(
    account_id: str, sign_up_credits: Mapping[str, int], make_id: Callable[[], str], now: Instant, rules: Rules
) -> tuple[Account, tuple[Movement, ...]]:
    """Return a new account and one movement for each credit type that it starts with.

    That it happens once is kept by the account's key and by each entry being version 1 of its wallet.
    """
    account = new_account(account_id, now)
    movements = tuple(
        add(
            new_wallet(account, credit_type),
            Add(SIGN_UP, EntryKind.GRANT, make_id(), Source.FREE, amount),
            now,
            rules,
        )
        for credit_type, amount in sorted(sign_up_credits.items())
        if amount > 0
    )
    return account, movements
