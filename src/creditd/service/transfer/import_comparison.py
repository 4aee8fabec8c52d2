"""What an import and the service have, held side by side: every account of both, by credit type and source."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Final, NamedTuple

from creditd.domain.grants import Source
from creditd.domain.instant import Instant
from creditd.domain.wallet import Rules
from creditd.ledger.balances import AccountState, settled_state
from creditd.ledger.clock import DatabaseClock
from creditd.service.transfer.import_row import DEBT, ImportRow
from creditd.service.transfer.import_spool import SpooledRow
from creditd.storage import accounts
from creditd.storage.accounts import AccountFilter
from creditd.storage.database import Database
from creditd.storage.wallets import load_accounts

PAGE_ACCOUNTS: Final = 250
"""Accounts read in one snapshot: some tens of milliseconds."""

Holdings = Mapping[tuple[str, int], int]
"""Amounts by credit type and source, a debt among them; none is 0."""


class ImportDifference(NamedTuple):
    """Where an account has another amount than its rows say; ``is_alone`` if there are no rows of the account."""

    account_id: str
    credit_type: str
    source: int
    in_file: int
    in_service: int
    is_alone: bool


def account_states(database: Database, clock: DatabaseClock, rules: Rules, after: str = "") -> Iterator[AccountState]:
    """Give the state of every account after one, by account, each as of one instant. Raises Overloaded."""
    while True:
        with database.snapshot() as connection:
            now = clock.now()
            page = accounts.page(connection, AccountFilter("", None), after, PAGE_ACCOUNTS)
            loaded = load_accounts(connection, [one.account_id for one in page], now, rules.order)
        for account in page:
            yield settled_state(loaded[account.account_id], now, rules)
        if len(page) < PAGE_ACCOUNTS:
            return
        after = page[-1].account_id


def holdings_of(state: AccountState) -> Holdings:
    """Return what an account has to spend, and what it owes."""
    found: Counter[tuple[str, int]] = Counter()
    for code, wallet in state.wallets.items():
        for grant in wallet.grants:
            found[code, int(grant.source)] += grant.remaining
        found[code, DEBT] += wallet.debt
    return +found


def holdings_in(rows: Iterable[ImportRow], now: Instant) -> Holdings:
    """Return what rows of one account come to: without what has lapsed, and with a debt paid by what was purchased."""
    found: Counter[tuple[str, int]] = Counter()
    for row in rows:
        if row.expire_time is None or row.expire_time > now:
            found[row.credit_type, row.source] += row.amount
    for code in {code for code, source in found if source == DEBT}:
        paid = min(found[code, DEBT], found[code, int(Source.PURCHASED)])
        found[code, DEBT] -= paid
        found[code, int(Source.PURCHASED)] -= paid
    return +found


def differences(
    rows: Iterable[SpooledRow], states: Iterable[AccountState], clock: DatabaseClock
) -> Iterator[ImportDifference]:
    """Give every difference, by account; both come by account."""
    files = ((name, [one.row for one in group]) for name, group in groupby(rows, lambda one: one.row.account_id))
    remaining = iter(states)
    state = next(remaining, None)
    for account_id, own in files:
        while state is not None and state.account.account_id < account_id:
            yield from _differences(state.account.account_id, {}, holdings_of(state), is_alone=True)
            state = next(remaining, None)
        found: Holdings = {}
        if state is not None and state.account.account_id == account_id:
            found = holdings_of(state)
            state = next(remaining, None)
        yield from _differences(account_id, holdings_in(own, clock.now()), found, is_alone=False)
    while state is not None:
        yield from _differences(state.account.account_id, {}, holdings_of(state), is_alone=True)
        state = next(remaining, None)


def _differences(
    account_id: str, in_file: Holdings, in_service: Holdings, *, is_alone: bool
) -> Iterator[ImportDifference]:
    for code, source in sorted(in_file.keys() | in_service.keys()):
        ours, theirs = in_file.get((code, source), 0), in_service.get((code, source), 0)
        if ours != theirs:
            yield ImportDifference(account_id, code, source, ours, theirs, is_alone)
