"""Opening an account by its first use, with the configured sign-up credits."""

from collections.abc import Callable, Mapping

from creditd.domain.account import Account, new_account
from creditd.domain.adjusting import add
from creditd.domain.commands import Add
from creditd.domain.entry import EntryKind
from creditd.domain.grants import Source
from creditd.domain.instant import Instant
from creditd.domain.wallet import Movement, Origin, Rules, new_wallet

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
