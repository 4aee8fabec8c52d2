"""The state of every account, a page ahead of whoever looks at it, each page as of one instant."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, NamedTuple

from creditd.domain.account import Account
from creditd.domain.instant import Instant
from creditd.domain.wallet import Rules
from creditd.ledger.balances import AccountState, settled_state
from creditd.ledger.clock import DatabaseClock
from creditd.service.transfer.patience import Patience
from creditd.storage import accounts
from creditd.storage.accounts import AccountFilter
from creditd.storage.database import Database
from creditd.storage.wallets import LoadedAccount, load_accounts

PAGE_ACCOUNTS: Final = 250
"""Accounts read in one snapshot: some tens of milliseconds."""


class StateAt(NamedTuple):
    """The state of an account, and the instant that it is of."""

    state: AccountState
    now: Instant


_Page = tuple[Instant, list[Account], dict[str, LoadedAccount]]


def account_states(database: Database, clock: DatabaseClock, rules: Rules, after: str = "") -> Iterator[StateAt]:
    """Give the state of every account after one, by account, each as of one instant.

    Raises TransferStopped, Overloaded.
    """
    patience = Patience(database)

    def page(after: str) -> _Page:
        with database.snapshot() as connection:
            now = clock.now()
            found = accounts.page(connection, AccountFilter("", None), after, PAGE_ACCOUNTS)
            return now, found, load_accounts(connection, [one.account_id for one in found], now, rules.order)

    with ThreadPoolExecutor(1, thread_name_prefix="accounts") as pool:

        def begin(after: str) -> "Future[_Page]":
            return pool.submit(patience.tried, lambda: page(after))

        coming = begin(after)
        try:
            while True:
                now, found, loaded = coming.result()
                is_last = len(found) < PAGE_ACCOUNTS
                if not is_last:
                    # PostgreSQL reads it while this one is looked at.
                    coming = begin(found[-1].account_id)
                for account in found:
                    yield StateAt(settled_state(loaded[account.account_id], now, rules), now)
                if is_last:
                    return
        finally:
            patience.end()
