"""`make seed`: ten million ledger rows over 100,000 accounts, in minutes, straight into a migrated database.

One wallet's life is decided by the domain, and SQL gives it to every account under ids of its own. The rows are those
that the service would have written, and lie in the tables as they would: each account's spread over all of it.
"""

import argparse
import os
import sys
import time
from enum import IntEnum

import psycopg

from creditd.domain.entry import Entry
from creditd.domain.instant import SECOND, Instant
from creditd.domain.reservation import Reservation
from creditd.storage import tables
from creditd.storage.slices import graces_to_json, slices_to_json
from tests.bench.life import Life, lived
from tests.bench.multiply import choose_accounts, insert, without_indexes
from tests.bench.requests import CREDIT_TYPE

ACCOUNTS = 100_000
ENTRIES_PER_ACCOUNT = 100

_CREDIT_TYPE = """
INSERT INTO credit_types (code, display_name, decimals, create_time) VALUES (%s, %s, 0, now())
ON CONFLICT (code) DO NOTHING
"""
_NULL_IF_EMPTY = {"limits", "alerts", "spender_id", "counted", "hour_delta", "day_delta", "correlation_id"}
_NO_RESERVATION = (None, None, None, None, None)


def seed(database_url: str, accounts: int = ACCOUNTS, entries_per_account: int = ENTRIES_PER_ACCOUNT) -> int:
    """Fills the accounts numbered from 1 on, which must not exist yet; all or nothing. Returns how many entries."""
    life = lived(CREDIT_TYPE, entries_per_account, Instant(int(time.time() - 3_600) * SECOND))
    with psycopg.connect(database_url) as connection:
        connection.execute("SET LOCAL maintenance_work_mem = '512MB'")
        choose_accounts(connection, accounts)
        _insert_wallets(connection, life)
        with without_indexes(connection, tables.reservations):
            for reservation in life.reservations.values():
                insert(connection, tables.reservations, _reservation_row(reservation))
        with without_indexes(connection, tables.entries):
            for entry in life.entries:
                insert(connection, tables.entries, _entry_row(entry), request_id="gen_random_uuid()::text")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) accounts, wallets, grants, reservations, entries")
    return accounts * len(life.entries)


def _insert_wallets(connection: psycopg.Connection, life: Life) -> None:
    wallet, account = life.wallet, life.wallet.account
    connection.execute(_CREDIT_TYPE, (wallet.credit_type, wallet.credit_type))
    insert(connection, tables.accounts, _plain(account._asdict()))
    figures = {name: getattr(wallet, name) for name in ("credit_type", "version", "available", "reserved", "debt")}
    versions = {"base_version": wallet.version - 1, "account_version": account.version}
    insert(connection, tables.wallets, figures | versions | {"update_time": wallet.update_time})
    for grant in life.grants.values():
        state = {"credit_type": wallet.credit_type, "amount": life.granted[grant.grant_id].amount}
        row = _plain(grant._asdict())
        # No grant of this life has had a grace: what it has left is kept as it came in.
        del row["graced"]
        insert(connection, tables.grants, state | row | {"live": grant.remaining > 0})


def _reservation_row(reservation: Reservation) -> dict[str, object]:
    row = reservation._asdict()
    # The columns keep the names that they had first.
    row["captured"], row["description"] = row.pop("confirmed"), row.pop("reason")
    return _plain(row) | {"slices": slices_to_json(reservation.slices), "metadata": reservation.metadata or None}


def _entry_row(entry: Entry) -> dict[str, object]:
    row = entry._asdict()
    after = row.pop("reservation") or _NO_RESERVATION
    names = ("id", "state", "captured", "refunded", "expire_time")
    reservation = {f"reservation_{name}": value for name, value in zip(names, after, strict=True)}
    del row["request_id"]
    texts = {
        "slices": slices_to_json(entry.slices),
        "graces": graces_to_json(entry.graces),
        "metadata": entry.metadata or None,
    }
    return _plain(row | reservation) | texts


def _plain(row: dict[str, object]) -> dict[str, object]:
    # psycopg would look an IntEnum up as an enum of the database; and the account is the one thing not the same in all.
    values = {name: int(value) if isinstance(value, IntEnum) else value for name, value in row.items()}
    values.pop("account_id", None)
    # Of limits and alerts nothing is stored where there are none: no spender, no part in any count.
    return values | {name: None for name in _NULL_IF_EMPTY & values.keys() if not values[name]}


def main() -> None:
    """Seeds the database of the command line or of DATABASE_URL, and says how long it took."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.seed", description=__doc__)
    parser.add_argument("database_url", nargs="?", default=os.environ.get("DATABASE_URL"), help="or DATABASE_URL")
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    arguments = parser.parse_args()
    if arguments.database_url is None:
        parser.error("which database? Give its URL, or set DATABASE_URL")
    started = time.monotonic()
    entries = seed(arguments.database_url, arguments.accounts)
    sys.stdout.write(f"{entries:,} entries of {arguments.accounts:,} accounts in {time.monotonic() - started:.0f} s.\n")


if __name__ == "__main__":
    main()
