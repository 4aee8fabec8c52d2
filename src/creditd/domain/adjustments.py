"""Adjustments: credits added or removed outside of holds, and debt written off.

The rules of Add, Remove, WriteOff and sign-up credits, and of Clawback and Restore: what a refund or a dispute at a
payment provider does to purchased credits. A clawback takes available purchased credits first, and only the rest
becomes debt. So the figures depend on the balance and on the total taken back, not on the steps that led there
(requirement E5).
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
    """Add a grant; a purchased one pays debt first.

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
    """Remove available credits, in spend order. Raises AccountClosed, VersionMismatch, InsufficientCredit."""
    wallet.account.require_open()
    wallet.require_version(command.version)
    wallet.require_available(command.amount)
    taken = take(wallet.grants, command.amount)
    shift = Shift(available=-command.amount, reserved=0, live=taken.live, changed=taken.changed, slices=taken.slices)
    return moved(wallet, EntryKind.ADMIN_REMOVE, command.amount, shift, command.origin, now)


def claw_back(wallet: Wallet, command: Clawback, now: Instant) -> Movement:
    """Take back available purchased credits, those of the named grants first, in spend order; the rest becomes debt.

    Free, promo and admin credits stay. So do reserved credits; they pay the debt when they are returned. The unlimited
    plan and a suspension make no difference. Raises AccountClosed; BalanceTooLarge if the debt would exceed the largest
    int64.
    """
    wallet.account.require_open()
    bought = _purchased(wallet, command.grant_ids)
    amount = min(command.amount, sum(grant.remaining for grant in bought))
    owed = command.amount - amount
    if wallet.debt + owed > MAX_BALANCE:
        raise errors.BalanceTooLarge(
            credit_type=wallet.credit_type, amount=owed, total=wallet.debt, maximum=MAX_BALANCE
        )
    taken = take(bought, amount)
    changed = {grant.grant_id: grant for grant in taken.changed}
    after = [changed.get(grant.grant_id, grant) for grant in wallet.grants]
    live = tuple([grant for grant in after if grant.remaining])
    shift = Shift(available=-amount, reserved=0, live=live, changed=taken.changed, slices=taken.slices, debt=owed)
    return moved(wallet, EntryKind.CLAWBACK, command.amount, shift, command.origin, now)


def _purchased(wallet: Wallet, first: tuple[str, ...]) -> tuple[Grant, ...]:
    """Return the live purchased grants: those in ``first``, then the others, each group in spend order."""
    named = frozenset(first)
    bought = [grant for grant in wallet.grants if grant.source == Source.PURCHASED]
    return tuple(sorted(bought, key=lambda grant: grant.grant_id not in named))


def restore(wallet: Wallet, command: Restore, now: Instant, rules: Rules) -> Movement:
    """Return credits that a clawback took, as a new purchased grant that pays debt first.

    The original grants do not get them back: credits spent from those may still be refunded, and a grant must never
    hold more than its original amount. Raises AccountClosed, BalanceTooLarge.
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
        raise errors.AmountExceedsDebt(credit_type=wallet.credit_type, requested=amount, debt=wallet.debt)
    shift = Shift(available=0, reserved=0, live=wallet.grants, debt=-amount)
    return moved(wallet, EntryKind.WRITE_OFF, amount, shift, command.origin, now)


SIGN_UP = Origin(actor="system", reason="sign-up credits")


def open_account(
    account_id: str, sign_up_credits: Mapping[str, int], make_id: Callable[[], str], now: Instant, rules: Rules
) -> tuple[Account, tuple[Movement, ...]]:
    """Return a new account and one movement for each credit type that it starts with.

    It cannot happen twice: the account's key is unique, and each entry is version 1 of its wallet.
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
