"""Verification: fold every entry, and report each difference from what is stored."""

from collections.abc import Iterator
from typing import NamedTuple

from creditd.domain.fold import Difference, Fold, StoredWallet
from creditd.storage.database import Connection, Database
from creditd.storage.verification import WalletId, ledger_of, next_accounts, stored_wallets

_NOTHING = StoredWallet(0, 0, 0, 0, {}, 0)


class Found(NamedTuple):
    """A difference, and the wallet it was found in."""

    wallet: WalletId
    difference: Difference


class Checked(NamedTuple):
    """How much was checked."""

    wallets: int
    entries: int
    differences: int


def verify(database: Database, account_id: str | None = None) -> Iterator[Found | Checked]:
    """Check one account, or all for None: yield every difference, then how much was checked.

    Each group of accounts is read in a snapshot of its own, so that movements go on meanwhile and none shows as a
    difference.
    """
    total = Checked(0, 0, 0)
    after, group = "", [account_id] if account_id else None
    while group is None or group:
        with database.snapshot() as connection:
            accounts = group or next_accounts(connection, after)
            checked = Checked(0, 0, 0)
            for result in _verify_group(connection, accounts):
                if isinstance(result, Checked):
                    checked = result
                else:
                    yield result
        total = Checked(*(a + b for a, b in zip(total, checked, strict=True)))
        if group or not accounts:
            break
        after = accounts[-1]
    yield total


def _verify_group(connection: Connection, account_ids: list[str]) -> Iterator[Found | Checked]:
    stored = stored_wallets(connection, account_ids)
    folds: dict[WalletId, Fold] = {}
    entries = 0
    for entry in ledger_of(connection, account_ids):
        entries += 1
        folds.setdefault(WalletId(entry.account_id, entry.credit_type), Fold()).add(entry)
    differences = 0
    for wallet in sorted(stored.keys() | folds.keys()):
        for difference in folds.get(wallet, Fold()).compare(stored.get(wallet, _NOTHING)):
            differences += 1
            yield Found(wallet, difference)
    yield Checked(len(stored), entries, differences)
