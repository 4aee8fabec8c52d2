"""What an import and the service have, held side by side: every row, and every account of both.

A row is compared with the entry that brought it in. What customers have spent since changes nothing about that. A
balance is compared too: one that nothing but the import has moved has to be what the files say; one that others have
moved may be another, and is told apart.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from itertools import groupby
from typing import NamedTuple

from creditd.domain.grants import Source
from creditd.domain.instant import Instant
from creditd.ledger.balances import AccountState
from creditd.service.transfer.account_states import StateAt
from creditd.service.transfer.import_known import KnownRow
from creditd.service.transfer.import_row import DEBT, ImportRow, source_name

Holdings = Mapping[tuple[str, int], int]
"""Amounts by credit type and source, a debt among them; none is 0."""


class DifferenceKind(Enum):
    """What differs."""

    MISSING = "a row was not brought in"
    OTHERWISE = "a row was brought in otherwise"
    BALANCE = "a balance is another, though nothing but the import has moved it"
    MOVED = "a balance is another, and others have moved it"
    ALONE = "an account is none of the files"


NOTES = frozenset({DifferenceKind.MOVED, DifferenceKind.ALONE})
"""What is as it should be where a service is in use: told, and no fault."""


class ImportDifference(NamedTuple):
    """One difference. ``place`` is the row's, empty for a balance."""

    kind: DifferenceKind
    account_id: str
    text: str
    place: str = ""


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


def differences(rows: Iterable[KnownRow], states: Iterable[StateAt]) -> Iterator[ImportDifference]:
    """Give every difference, by account; rows and states both come by account."""
    remaining = iter(states)
    one = next(remaining, None)
    for account_id, group in groupby(rows, lambda row: row.spooled.row.account_id):
        own = list(group)
        while one is not None and one.state.account.account_id < account_id:
            yield from _of_balances([], one)
            one = next(remaining, None)
        for row in own:
            yield from _of_row(row)
        if one is not None and one.state.account.account_id == account_id:
            yield from _of_balances(own, one)
            one = next(remaining, None)
    while one is not None:
        yield from _of_balances([], one)
        one = next(remaining, None)


def _of_row(one: KnownRow) -> Iterator[ImportDifference]:
    row = one.spooled.row
    if one.is_as_told:
        return
    told = f"{row.credit_type} {source_name(row.source)} {row.amount}" if row.amount else "the account"
    if not one.is_there:
        yield ImportDifference(DifferenceKind.MISSING, row.account_id, f"{told} was not brought in", one.spooled.place)
    else:
        text = f"{told} was brought in otherwise"
        yield ImportDifference(DifferenceKind.OTHERWISE, row.account_id, text, one.spooled.place)


def _of_balances(own: list[KnownRow], one: StateAt) -> Iterator[ImportDifference]:
    state, in_files = one.state, holdings_in((row.spooled.row for row in own), one.now)
    # A wallet's version is how many movements it has had.
    imported = Counter(row.spooled.row.credit_type for row in own if row.entry is not None)
    found = holdings_of(state)
    for code, source in sorted(in_files.keys() | found.keys()):
        ours, theirs = in_files.get((code, source), 0), found.get((code, source), 0)
        if ours == theirs:
            continue
        others = state.wallets[code].version - imported[code] if code in state.wallets else 0
        kind = DifferenceKind.MOVED if others else DifferenceKind.BALANCE
        text = f"{code} {source_name(source)}: {ours} in the files, {theirs} here"
        if others and own:
            text += f", after {others} movements of others"
        yield ImportDifference(kind if own else DifferenceKind.ALONE, state.account.account_id, text)
